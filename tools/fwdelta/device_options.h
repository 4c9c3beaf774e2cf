// The option that names a board, and flash files of it.
#ifndef TOOLS_FWDELTA_DEVICE_OPTIONS_H_
#define TOOLS_FWDELTA_DEVICE_OPTIONS_H_

#include <string>

#include "fwdelta/command_line.h"
#include "fwdelta/patch_summary.h"
#include "libdelta/sim/device_profile.h"

namespace fwdelta {

Option AddDeviceOption(const Command& command, std::string* device);

// A profile in the library, or a file if `device` ends in ".json", has a "/" or is the name of a file.
// Throws a Failure (kUsage, kIo).
libdelta::DeviceProfile LoadDevice(const std::string& device);

// Throws a Failure (kUsage) when the image does not fit in the slot.
void CheckImageFits(const libdelta::DeviceProfile& profile, const std::string& image, uint64_t size);

// A board with the geometry that an in-place patch was made for: the slot, spare pages behind it, nothing
// else. Throws a Failure (kMalformed) when there is no such board.
libdelta::DeviceProfile MakeDevice(const InPlaceGeometry& geometry, const std::string& patch_name);

}  // namespace fwdelta

#endif  // TOOLS_FWDELTA_DEVICE_OPTIONS_H_
