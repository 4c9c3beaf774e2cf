// What an update does to a device's flash: operations, time, energy, wear.
#ifndef LIBDELTA_COST_FLASH_WORK_H_
#define LIBDELTA_COST_FLASH_WORK_H_

#include <cstdint>

#include "libdelta/cost/catalog.h"
#include "libdelta/host.h"
#include "libdelta/sim/campaign.h"
#include "libdelta/sim/device_profile.h"

namespace libdelta {

struct FlashWork {
  uint64_t erases = 0;
  uint64_t programmed_bytes = 0;
  uint64_t most_erases_of_a_page = 0;
  Range seconds;
  Range joules;
  // Share of its guaranteed erases that the most worn page spends; 0: the profile has no endurance.
  double wear_share = 0;
};

// Erasing the pages that an image of `image_bytes` bytes takes in the slot, and programming all of them: what
// an update to a second slot of the same kind does, whether it came as a full image or as a delta.
// Errors: the image does not fit in the slot.
Result<FlashWork> WholeSlotWork(const DeviceProfile& profile, const FlashSpread& spread,
                                uint64_t image_bytes);

// An update in place, as a campaign without power cuts has done it.
FlashWork InPlaceWork(const DeviceProfile& profile, const FlashSpread& spread, const CampaignResult& result);

}  // namespace libdelta

#endif  // LIBDELTA_COST_FLASH_WORK_H_
