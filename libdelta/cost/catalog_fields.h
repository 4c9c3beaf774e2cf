// Parts of a catalog that other JSON files have as well. Private to the library.
#ifndef LIBDELTA_COST_CATALOG_FIELDS_H_
#define LIBDELTA_COST_CATALOG_FIELDS_H_

#include <map>
#include <string>
#include <vector>

#include "libdelta/cost/catalog.h"
#include "libdelta/sim/json_fields.h"

namespace libdelta {

void ReadLink(Reader* reader, const Json& json, const std::string& path, Link* link);
void ReadPlan(Reader* reader, const Json& json, const std::string& path, PricePlan* plan);
void ReadSources(Reader* reader, const Json& json, const std::string& path,
                 std::map<std::string, Source>* sources);

}  // namespace libdelta

#endif  // LIBDELTA_COST_CATALOG_FIELDS_H_
