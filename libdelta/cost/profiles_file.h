// profiles.json, as cmake/embed_file.cmake puts it into the library.
#ifndef LIBDELTA_COST_PROFILES_FILE_H_
#define LIBDELTA_COST_PROFILES_FILE_H_

#include <string_view>

namespace libdelta {

std::string_view ProfilesFile();

}  // namespace libdelta

#endif  // LIBDELTA_COST_PROFILES_FILE_H_
