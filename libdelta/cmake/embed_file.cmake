# Writes OUTPUT, a C++ source whose function, named after FILE and declared in HEADER, returns the text of FILE:
#   cmake -D FILE=libdelta/cost/profiles.json -D HEADER=libdelta/cost/data_files.h -D OUTPUT=profiles_file.cc
#     -P embed_file.cmake                     defines ProfilesFile()
cmake_path(GET FILE STEM name)
string(SUBSTRING ${name} 0 1 initial)
string(TOUPPER ${initial} initial)
string(SUBSTRING ${name} 1 -1 rest)
set(function ${initial}${rest}File)

file(READ ${FILE} text)
# Compilers need not take string literals above 64 KiB, nor several of them as one.
set(parts "")
string(LENGTH "${text}" length)
set(start 0)
while(start LESS length)
  string(SUBSTRING "${text}" ${start} 16000 part)
  string(APPEND parts "\n    R\"text(${part})text\",")
  math(EXPR start "${start} + 16000")
endwhile()

file(WRITE ${OUTPUT} "// Made by embed_file.cmake.
#include \"${HEADER}\"

#include <string>

namespace libdelta {

std::string_view ${function}() {
  static const std::string text = [] {
    std::string all;
    for (const char* part : {${parts}}) all += part;
    return all;
  }();
  return text;
}

}  // namespace libdelta
")
