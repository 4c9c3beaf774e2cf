// bench/footprint.sh reads the size of this object to know the fixed state of an update.
#include "libdelta/device/state.h"

extern const unsigned char fixed_state[sizeof(libdelta_updater)];
const unsigned char fixed_state[sizeof(libdelta_updater)] = {};
