// What `fwdelta cost` and `fwdelta label` are about: an update, profiles, a device.
#ifndef TOOLS_FWDELTA_COST_OPTIONS_H_
#define TOOLS_FWDELTA_COST_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fwdelta/command_line.h"
#include "fwdelta/cost_report.h"
#include "fwdelta/patch_summary.h"
#include "libdelta/cost/catalog.h"
#include "libdelta/cost/flash_work.h"

namespace fwdelta {

// The library's own; a defect if it cannot be read.
libdelta::Catalog LoadCatalog();

// Throws a Failure (kUsage) that lists the batteries there are.
libdelta::Battery FindBattery(const libdelta::Catalog& catalog, const std::string& id);

// How much is sent.
struct UpdateSize {
  std::string name;  // Of the patch; empty: only the size is known.
  uint64_t bytes = 0;
  std::optional<uint64_t> full_bytes;
  uint64_t chunk_bytes = 0;             // Of the patch; 0: none.
  std::optional<PatchSummary> summary;  // Of the patch.
  libdelta::Bytes patch;                // Of the patch.
};

// `update`: the name of a patch, "-", or a size. `full` replaces the size of the patch's new image.
// Throws a Failure.
UpdateSize LoadUpdate(const std::string& update, std::optional<uint64_t> full);

struct ProfileOptions {
  std::vector<std::string> profiles;  // Ids, "all", "PLAN+LINK".
  std::string plan_file;
  std::string plan_id;
  std::string link;
};

void AddProfileOptions(const Command& command, ProfileOptions* options);

// What they name, each once; the headline profiles when they name nothing. Throws a Failure (kUsage, kIo).
std::vector<PricedLink> LoadProfiles(const libdelta::Catalog& catalog, const ProfileOptions& options);

struct FlashOptions {
  std::string device;
  std::string old_image;
};

void AddFlashOptions(const Command& command, FlashOptions* options);

// What update and full image do to the flash of the device; nothing without a device.
struct UpdateFlash {
  std::string device;
  std::string note;
  std::optional<libdelta::FlashWork> update;
  std::optional<libdelta::FlashWork> full;
};

// Throws a Failure.
UpdateFlash EstimateFlash(const libdelta::Catalog& catalog, const FlashOptions& options,
                          const UpdateSize& size);

}  // namespace fwdelta

#endif  // TOOLS_FWDELTA_COST_OPTIONS_H_
