// Linked instead of libdelta_recover() into fwdelta_forgetful: a device that boots whatever is in its slot
// after a power cut. fwdelta simulate has to notice.
#include "libdelta/device.h"

extern "C" libdelta_status __wrap_libdelta_recover(libdelta_updater* /*updater*/, libdelta_recovery* recovery,
                                                   libdelta_offset* feed_from) {
  *recovery = LIBDELTA_IDLE;
  *feed_from = 0;
  return LIBDELTA_OK;
}
