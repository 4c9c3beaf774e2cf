// The JSON files of this folder, as cmake/embed_file.cmake puts them into the library.
#ifndef LIBDELTA_COST_DATA_FILES_H_
#define LIBDELTA_COST_DATA_FILES_H_

#include <string_view>

namespace libdelta {

std::string_view ProfilesFile();
std::string_view ObservationsFile();

}  // namespace libdelta

#endif  // LIBDELTA_COST_DATA_FILES_H_
