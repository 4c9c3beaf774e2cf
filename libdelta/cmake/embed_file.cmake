# Writes OUTPUT, a C++ source that defines FUNCTION, declared in HEADER, to return the text of FILE:
#   cmake -D FILE=libdelta/cost/profiles.json -D HEADER=libdelta/cost/profiles_file.h -D FUNCTION=ProfilesFile
#     -D OUTPUT=profiles_file.cc -P embed_file.cmake
file(READ ${FILE} text)
# Compilers need not take string literals above 64 KiB, but join those that follow each other.
set(literals "")
string(LENGTH "${text}" length)
set(start 0)
while(start LESS length)
  string(SUBSTRING "${text}" ${start} 16000 part)
  string(APPEND literals "\n    R\"text(${part})text\"")
  math(EXPR start "${start} + 16000")
endwhile()

file(WRITE ${OUTPUT} "// Made by embed_file.cmake.
#include \"${HEADER}\"

namespace libdelta {

std::string_view ${FUNCTION}() {
  return ${literals};
}

}  // namespace libdelta
")
