#!/bin/sh
# Installs the release build to a folder and uses it from there: CMake package, pkg-config, the command.
set -eu
cd "$(dirname "$0")/../.."

work=$PWD/build/install-test
rm -rf "$work"
cmake --preset release >/dev/null
cmake --build --preset release >/dev/null
cmake --install build/release --prefix "$work/prefix" >/dev/null

cmake -G Ninja -S tests/install -B "$work/build" -DCMAKE_PREFIX_PATH="$work/prefix"
cmake --build "$work/build"
"$work/build/device_only"
"$work/build/round_trip"
"$work/build/cost" >"$work/cost.log"

# pkg-config, from C, without CMake.
PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name libdelta-device.pc)")
export PKG_CONFIG_PATH
# shellcheck disable=SC2046 # One argument per flag.
cc -std=c99 -Wall -Wextra -Wpedantic -Werror tests/install/device_only.c \
  $(pkg-config --cflags --libs libdelta-device) -o "$work/device_only_pc"
"$work/device_only_pc"
pkg-config --exists --print-errors libdelta-host

"$work/prefix/bin/fwdelta" --version

# Nothing installed may name the folder it was built in.
if grep -rlIF "$PWD" "$work/prefix" | grep -v '\.cmake$' ||
  grep -rlF "$PWD/libdelta" "$work/prefix" --include='*.cmake'; then
  echo 'installed files name the build folder' >&2
  exit 1
fi
echo 'install: works'
