// Templates for what no set of ours names: bit fields whose changes the address map explains.
#ifndef LIBDELTA_HOST_DISCOVERY_H_
#define LIBDELTA_HOST_DISCOVERY_H_

#include <vector>

#include "libdelta/host.h"
#include "libdelta/host/plan.h"

namespace libdelta {

// Templates that explain changes inside the segments of `plan` which its templates do not; those of the most
// frequent fields first, at most `limit`. The time is bounded whatever the images.
std::vector<Template> DiscoverTemplates(ByteView old_image, ByteView new_image, const Plan& plan,
                                        size_t limit, unsigned threads);

}  // namespace libdelta

#endif  // LIBDELTA_HOST_DISCOVERY_H_
