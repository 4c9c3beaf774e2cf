// The model against what was observed in the field.
//
// Each observation in observations.json has the inputs that a prediction needs: payload, round trip, time on
// air. None of them is a throughput of the observation itself; where the round trip was read from the same
// log, the observation says so and proves less.
#ifndef LIBDELTA_COST_VALIDATION_H_
#define LIBDELTA_COST_VALIDATION_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libdelta/cost/catalog.h"
#include "libdelta/host.h"

namespace libdelta {

struct Observation {
  std::string id;
  std::string what;
  std::string quantity;  // "seconds" or "credits".
  uint64_t update_bytes = 0;
  double observed_low = 0;  // As published: one number twice, or both ends of a range.
  double observed_high = 0;
  std::string plan;  // Of the catalog.
  Link link;
  std::string inputs;                 // Where the link's numbers come from, and what is assumed.
  bool inputs_from_same_log = false;  // The round trip is from the log of this transfer.
  Source source;

  double observed() const { return (observed_low + observed_high) / 2; }
};

struct Validation {
  Observation observation;
  double predicted = 0;
  double error = 0;  // Of the prediction, as a share of the observed value, or of the range's middle.
};

// All observations in the library, with their predictions, in the order of the file.
Result<std::vector<Validation>> ValidateModel(const Catalog& catalog);

// The same for another file. `file_name` only appears in errors.
Result<std::vector<Validation>> ValidateModel(const Catalog& catalog, std::string_view json,
                                              const std::string& file_name);

}  // namespace libdelta

#endif  // LIBDELTA_COST_VALIDATION_H_
