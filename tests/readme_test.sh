#!/bin/sh
# Compiles and links the snippets of README.md that an HTML comment marks, and compares output that it shows:
#
#   <!-- compiled: name -->
#   ```c (or ```cpp)
#
# Each is a complete program. `<!-- run: name -->` in place of `compiled` also runs it, without arguments.
# `<!-- from: file -->` is before code of that file: each of its lines must be there, in this order.
# `<!-- prints: name -->`, also in DESIGN.md, is before a block that begins with "$ fwdelta ...": the command
# must print the rest of the block.
set -eu
cd "$(dirname "$0")/.."

work=build/readme
rm -rf $work
mkdir -p $work
awk -v work=$work '
  /^<!-- (compiled|run): [a-z0-9_-]+ -->$/ { mode = $2; name = $3; next }
  name != "" && /^```(c|cpp)$/ { file = work "/" name "." substr($0, 4); inside = 1
                                 print mode, name, substr($0, 4) > (work "/list"); next }
  inside && /^```$/ { close(file); inside = 0; name = ""; next }
  inside { print > file }
  name != "" && !inside && !/^$/ { print "README.md:" NR ": no code block after the mark"; exit 1 }
' README.md
[ -s $work/list ] || { echo 'README.md has no compiled snippet'; exit 1; }

awk '
  /^<!-- from: [a-z0-9_.\/-]+ -->$/ { file = $3; next }
  file != "" && /^```c$/ { inside = 1; found++; next }
  inside && /^```$/ { close(file); inside = 0; file = ""; next }
  inside {
    while ((more = getline line <file) > 0 && line != $0) {}
    if (more <= 0) { print "README.md:" NR ": not in " file ", or not in this order"; exit 1 }
  }
  END { if (!found) { print "README.md quotes no file"; exit 1 } }
' README.md

# Against an installed library, as a reader would.
cmake --preset release >/dev/null
cmake --build --preset release >/dev/null
cmake --install build/release --prefix "$PWD/$work/prefix" >/dev/null
for language in c cpp; do
  grep -q " $language\$" $work/list || { echo "README.md has no snippet in $language"; exit 1; }
done
while read -r mode name language; do
  echo "$name.$language"
  mkdir -p "$work/$name"
  mv "$work/$name.$language" "$work/$name/main.$language"
  cat >"$work/$name/CMakeLists.txt" <<EOF
cmake_minimum_required(VERSION 3.25)
project(snippet C CXX)
find_package(libdelta REQUIRED)
set(CMAKE_C_STANDARD 99)
set(CMAKE_CXX_STANDARD 20)
add_executable(snippet main.$language)
target_compile_options(snippet PRIVATE -Wall -Wextra -Werror)
target_link_libraries(snippet libdelta::device libdelta::adapters libdelta::host)
EOF
  cmake -G Ninja -S "$work/$name" -B "$work/$name/build" -DCMAKE_PREFIX_PATH="$PWD/$work/prefix"
  cmake --build "$work/$name/build"
  [ "$mode" != run: ] || (cd "$work/$name/build" && ./snippet)
done <$work/list

# What fwdelta prints.
awk -v work=$work '
  /^<!-- prints: [a-z0-9_-]+ -->$/ { name = $3; next }
  name != "" && /^```$/ && !inside { inside = 1; next }
  inside && /^```$/ { close(work "/" name ".expected"); inside = 0; name = ""; next }
  inside && /^\$ fwdelta / { sub(/^\$ fwdelta /, ""); print name, $0 > (work "/commands"); next }
  inside { print > (work "/" name ".expected") }
' README.md libdelta/DESIGN.md
[ -s $work/commands ] || { echo 'the documents show no output of fwdelta'; exit 1; }
while read -r name arguments; do
  echo "fwdelta $arguments"
  # shellcheck disable=SC2086 # The arguments have no spaces in them.
  "$work/prefix/bin/fwdelta" $arguments >"$work/$name.printed"
  diff "$work/$name.expected" "$work/$name.printed"
done <$work/commands
