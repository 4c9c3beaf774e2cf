// The JSON files of profiles/, as cmake/embed_profiles.cmake puts them into the library.
#ifndef LIBDELTA_SIM_PROFILE_FILES_H_
#define LIBDELTA_SIM_PROFILE_FILES_H_

#include <span>
#include <string_view>

namespace libdelta {

struct ProfileFile {
  std::string_view name;  // Of the file, without ".json"; equals the profile's name.
  std::string_view json;
};

// In alphabetical order of their names.
std::span<const ProfileFile> ProfileFiles();

}  // namespace libdelta

#endif  // LIBDELTA_SIM_PROFILE_FILES_H_
