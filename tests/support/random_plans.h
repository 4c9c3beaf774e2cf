// Random templates, maps and images for what host and device must agree on.
#ifndef LIBDELTA_TESTS_SUPPORT_RANDOM_PLANS_H_
#define LIBDELTA_TESTS_SUPPORT_RANDOM_PLANS_H_

#include <cstdint>

#include "libdelta/host.h"
#include "libdelta/host/plan.h"

namespace libdelta::testing {

// A plan, and images that it is for.
struct PlannedPair {
  Bytes old_image;
  Bytes new_image;
  Plan plan;
};

// Segments anywhere in the old image, literals between them; templates, which match often, and both maps are
// random. The new image is what the host predicts, byte for byte; with `surprises`, one byte in so many is
// another one.
PlannedPair MakePlannedPair(uint64_t seed, uint32_t surprises = 0);

// The most work that a payload can ask for: every word matches all templates, with as many runs as there can
// be; each of them predicts something else, by a map as long as `arena` allows; and nothing comes true.
PlannedPair MakeHostilePair(uint32_t arena);

}  // namespace libdelta::testing

#endif  // LIBDELTA_TESTS_SUPPORT_RANDOM_PLANS_H_
