# Writes OUTPUT, a C++ source that holds the JSON files of FOLDER:
#   cmake -D FOLDER=libdelta/sim/profiles -D OUTPUT=profile_files.cc -P embed_profiles.cmake
file(GLOB files ${FOLDER}/*.json)
list(FILTER files EXCLUDE REGEX "\\.schema\\.json$")
list(SORT files COMPARE STRING)

set(entries "")
foreach(file ${files})
  cmake_path(GET file STEM name)
  file(READ ${file} json)
  string(APPEND entries "    {\"${name}\", R\"json(${json})json\"},\n")
endforeach()

file(WRITE ${OUTPUT} "// Made by embed_profiles.cmake.
#include \"libdelta/sim/profile_files.h\"

namespace libdelta {
namespace {

constexpr ProfileFile kProfileFiles[] = {
${entries}};

}  // namespace

std::span<const ProfileFile> ProfileFiles() { return kProfileFiles; }

}  // namespace libdelta
")
