// Finds anchors: map entries for places that others refer to and that no segment explains.
#ifndef LIBDELTA_HOST_ANCHORS_H_
#define LIBDELTA_HOST_ANCHORS_H_

#include <cstddef>

#include "libdelta/host.h"
#include "libdelta/host/plan.h"

namespace libdelta {

// Adds at most `limit` anchors to plan->image_map. Of an old function that was rewritten, no copy tells the
// new address, but every call to it from copied code does.
void AddAnchors(ByteView old_image, ByteView new_image, size_t limit, Plan* plan);

}  // namespace libdelta

#endif  // LIBDELTA_HOST_ANCHORS_H_
