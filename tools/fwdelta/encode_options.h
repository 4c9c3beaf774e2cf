// How a patch is to be made: options that create and explain have in common.
#ifndef TOOLS_FWDELTA_ENCODE_OPTIONS_H_
#define TOOLS_FWDELTA_ENCODE_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "fwdelta/command_line.h"
#include "libdelta/host.h"
#include "libdelta/sim/device_profile.h"

namespace fwdelta {

struct EncodeArguments {
  bool full = false;
  bool no_full = false;
  bool in_place = false;
  std::string device;
  std::string load_address = "auto";
  std::string isa = "auto";
  uint64_t chunk = 0;
  std::optional<uint64_t> ram;
  libdelta::EncodeOptions encode;
};

void AddEncodeOptions(const Command& command, EncodeArguments* arguments);

// Throws a Failure (kUsage) for options that exclude each other or are out of range.
void CheckEncodeArguments(const EncodeArguments& arguments);

// The device of an update in place; otherwise nothing. Throws a Failure like LoadDevice().
std::optional<libdelta::DeviceProfile> LoadDevice(const EncodeArguments& arguments);

// Throws a Failure (kUsage) for a load address that is no number.
libdelta::EncodeOptions MakeEncodeOptions(const EncodeArguments& arguments,
                                          const std::optional<libdelta::DeviceProfile>& device);

}  // namespace fwdelta

#endif  // TOOLS_FWDELTA_ENCODE_OPTIONS_H_
