// JSON as the command prints it: in the order in which it was made.
#ifndef TOOLS_FWDELTA_JSON_H_
#define TOOLS_FWDELTA_JSON_H_

#include <nlohmann/json.hpp>

namespace fwdelta {

using Json = nlohmann::ordered_json;

}  // namespace fwdelta

#endif  // TOOLS_FWDELTA_JSON_H_
