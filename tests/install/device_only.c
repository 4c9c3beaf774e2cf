/* A strict C99 program with the device library and nothing else. */
#include <libdelta/device.h>
#include <stdio.h>
#include <string.h>

static int expect(const char *what, libdelta_status got, libdelta_status wanted) {
  if (got == wanted) return 0;
  fprintf(stderr, "%s: %s, expected %s\n", what, libdelta_status_text(got), libdelta_status_text(wanted));
  return 1;
}

int main(void) {
  static uint64_t ram[1024];
  libdelta_config config;
  libdelta_header header;
  libdelta_updater *updater = (libdelta_updater *)ram;
  const uint8_t not_a_patch[4] = {'n', 'o', 'n', 'e'};

  memset(&config, 0, sizeof(config));
  if (expect("no callbacks", libdelta_init(ram, sizeof(ram), &config, &updater), LIBDELTA_E_ARGUMENT))
    return 1;
  if (updater != NULL) return 1;
  return expect("not a patch", libdelta_parse_header(not_a_patch, sizeof(not_a_patch), &header),
                LIBDELTA_E_VERSION);
}
