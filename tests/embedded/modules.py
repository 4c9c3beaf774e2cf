"""Reads the descriptions of libdelta/ports as Zephyr and ESP-IDF do.

  python3 modules.py yaml FILE KEY...       each KEY (a.b) must be there; prints their values
  python3 modules.py kconfig FILE           prints the options that are the library's macros, without CONFIG_LIBDELTA_
  python3 modules.py kconfig FILE A=y ...   sets options; prints those that are then on
"""
import sys

import kconfiglib
import yaml

PREFIX = 'LIBDELTA_'


def read_yaml(path, keys):
    with open(path, encoding='ascii') as file:
        content = yaml.safe_load(file)
    for key in keys:
        value = content
        for part in key.split('.'):
            value = value[part]
        print(value)


def read_kconfig(path, settings):
    kconfig = kconfiglib.Kconfig(path, warn_to_stderr=False)
    for setting in settings:
        name, value = setting.split('=')
        if not kconfig.syms[name].set_value(value):
            sys.exit(name + ' cannot be ' + value)
    # Names that nobody defines belong to the systems.
    unknown = [warning for warning in kconfig.warnings if 'undefined symbol CPP' not in warning]
    if unknown:
        sys.exit('\n'.join(unknown))
    for symbol in kconfig.unique_defined_syms:
        if symbol.name.startswith(PREFIX) and (not settings or symbol.str_value == 'y'):
            print(symbol.name[len(PREFIX):])


if sys.argv[1] == 'yaml':
    read_yaml(sys.argv[2], sys.argv[3:])
else:
    read_kconfig(sys.argv[2], sys.argv[3:])
