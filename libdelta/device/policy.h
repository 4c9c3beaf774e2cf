// What a device accepts: the configuration itself, the patch's signatures, and what the signed header
// says about the target.
#ifndef LIBDELTA_DEVICE_POLICY_H_
#define LIBDELTA_DEVICE_POLICY_H_

#include "libdelta/device.h"

namespace libdelta {

// True if the configuration can work at all: callbacks present, keys well-formed, threshold reachable.
bool IsUsableConfig(const libdelta_config &config);

// Counts valid signatures by distinct trusted keys. The header has been collected and is well-formed. OK,
// E_SIGNATURE or E_HASH.
libdelta_status CheckSignatures(libdelta_updater *updater);

// Hardware, component and counter, in this order. OK or the matching error.
libdelta_status CheckTarget(libdelta_updater *updater);

}  // namespace libdelta

#endif  // LIBDELTA_DEVICE_POLICY_H_
