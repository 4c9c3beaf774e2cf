// Updates in place on a model of a board's flash.
#ifndef TOOLS_FWDELTA_SIMULATION_H_
#define TOOLS_FWDELTA_SIMULATION_H_

#include <string>

#include "fwdelta/files.h"
#include "libdelta/host.h"
#include "libdelta/sim/campaign.h"
#include "libdelta/sim/device_profile.h"

namespace fwdelta {

// The new image, by an update without power cuts. Throws a Failure that explains why there is none.
libdelta::Bytes UpdateOnce(const libdelta::DeviceProfile& profile, const InputFile& old_image,
                           libdelta::ByteView patch, const std::string& patch_name);

// The campaign, with what a device has. Throws a Failure (kInternal) when the patch, which UpdateOnce() has
// applied, is refused.
libdelta::CampaignResult Simulate(const libdelta::DeviceProfile& profile, libdelta::PatchSourceKind source,
                                  libdelta::ByteView old_image, libdelta::ByteView new_image,
                                  libdelta::ByteView patch, const std::string& patch_name,
                                  const libdelta::CampaignOptions& options);

}  // namespace fwdelta

#endif  // TOOLS_FWDELTA_SIMULATION_H_
