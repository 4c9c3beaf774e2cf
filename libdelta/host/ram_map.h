// Finds how the linker moved variables: the breakpoints of the RAM address map.
#ifndef LIBDELTA_HOST_RAM_MAP_H_
#define LIBDELTA_HOST_RAM_MAP_H_

#include <vector>

#include "libdelta/host.h"
#include "libdelta/host/plan.h"

namespace libdelta {

// Pairs of words that stood at the same place in a copied piece, old value first.
using WordPair = std::pair<uint32_t, uint32_t>;

// Sets plan->ram_map, of at most `limit` entries, and plan->ram_end from pairs outside the image; leaves them
// empty when nothing moved.
void FitRamMap(const std::vector<WordPair>& pairs, size_t limit, Plan* plan);

}  // namespace libdelta

#endif  // LIBDELTA_HOST_RAM_MAP_H_
