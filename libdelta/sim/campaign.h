// A campaign of power cuts: one update in place, interrupted in many ways, with a verdict on every one of
// them.
//
// RunCampaign() updates a device once without interruption, which gives the costs, and then again and again
// with power cuts. After each cut the device must either have its old image and be ready for the update, or
// want to go on with it, or have the new image; and with the patch and no more cuts it must always end with
// exactly the new image. No run may break a rule of the flash or change a byte of a protected range.
//
// A run with a cut is not repeated from the start: the flash as it is before an operation is copied while
// an uninterrupted update passes it, so a cut costs only what follows it. Equal arguments give equal results.
#ifndef LIBDELTA_SIM_CAMPAIGN_H_
#define LIBDELTA_SIM_CAMPAIGN_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "libdelta/device.h"
#include "libdelta/host.h"
#include "libdelta/sim/device_profile.h"
#include "libdelta/sim/flash_device.h"
#include "libdelta/sim/flash_model.h"

namespace libdelta {

enum class CutMode : uint8_t {
  kNone,    // Only the uninterrupted update.
  kEvery,   // One cut per run, at every operation; erases are cut in every way.
  kRandom,  // `count` runs, each with cuts at random operations until it ends.
  kNested,  // `count` first cuts, half of them at erases and in spare pages, and with each of them a second
            // one at every operation of its recovery.
};

struct CampaignOptions {
  CutMode mode = CutMode::kEvery;
  uint64_t count = 0;  // Of kRandom and kNested.
  uint64_t seed = 1;
  // kEvery makes about as many cuts where there are more operations than that: up to half of them at erases
  // and in spare pages, the others evenly spaced; 0: no limit.
  uint64_t most_cuts = 4000;
  uint64_t most_nested_cuts = 256;  // kNested: no more second cuts per first one, evenly spaced.
  std::function<void(uint64_t done, uint64_t total)> progress;  // Runs; may be empty.
};

// What cuts of one class were followed by.
struct CutClass {
  CutKind kind = CutKind::kBefore;
  FlashOperation what = FlashOperation::kErase;
  uint64_t cuts = 0;      // That have happened.
  uint64_t old = 0;       // The next boot found nothing in progress, and the old image intact.
  uint64_t resumed = 0;   // It found an update to go on with.
  uint64_t finished = 0;  // It found the new image.
};

struct CampaignResult {
  // Of the uninterrupted update. If it is not OK, the patch was refused, and nothing else was done.
  libdelta_status status = LIBDELTA_OK;
  FlashStatistics statistics;
  uint64_t operations = 0;
  double flash_ms = 0;  // Estimated from the profile: flash only, no computing.
  double flash_mj = 0;
  uint32_t changed_pages = 0;     // Pages of the slot whose content the update changes.
  uint32_t unchanged_pages = 0;   // The other ones that hold the old or the new image, unless protected.
  uint32_t unchanged_erased = 0;  // Of those, erased all the same.
  uint64_t changed_bytes = 0;     // Size of the changed pages.
  uint64_t safety_bytes = 0;      // Programmed anywhere but in changed pages: undo copies and journal.

  uint64_t runs = 0;              // With cuts.
  uint64_t cuts = 0;              // That have happened, in all of them.
  uint64_t boots = 0;             // After cuts.
  uint64_t operations_cut = 0;    // kEvery: different operations of the update that were cut; kNested: first
                                  // cuts.
  uint64_t again_max = 0;         // Patch bytes sent again after a cut.
  uint64_t again_total = 0;       // Of all cuts.
  std::vector<CutClass> classes;  // Those with cuts, erases first, in the order of kCutKinds.
  uint64_t failure_count = 0;
  std::vector<std::string> failures;  // What a test must find empty; at most kMaxFailures.
  static constexpr size_t kMaxFailures = 20;
};

// `profile` as FlashDevice takes it; profile.ram is what the device has. Both images start where the slot
// does, and fit. The rest of the slot is erased; protected ranges get random content.
CampaignResult RunCampaign(const DeviceProfile& profile, const DeviceSetup& setup, ByteView old_image,
                           ByteView new_image, ByteView patch, const CampaignOptions& options);

}  // namespace libdelta

#endif  // LIBDELTA_SIM_CAMPAIGN_H_
