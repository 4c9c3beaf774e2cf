#include "fwdelta/device_options.h"

#include <optional>
#include <string_view>
#include <utility>

#include "fwdelta/failure.h"
#include "fwdelta/files.h"

namespace fwdelta {
namespace {

bool IsFileName(const std::string& device) {
  return device.find('/') != std::string::npos || device.ends_with(".json") || IsFile(device);
}

}  // namespace

Option AddDeviceOption(const Command& command, std::string* device) {
  std::string names;
  for (const std::string& name : libdelta::ProfileNames()) names += (names.empty() ? "" : ", ") + name;
  return command.AddOption("--device", "DEVICE", &*device, "The board: a profile.json, or one of " + names);
}

libdelta::DeviceProfile LoadDevice(const std::string& device) {
  if (!IsFileName(device)) {
    libdelta::Result<libdelta::DeviceProfile> profile = libdelta::FindProfile(device);
    if (!profile.ok()) Fail(ExitCode::kUsage, "--device {}: {}", device, profile.error());
    return std::move(profile.value());
  }
  const InputFile file(device);
  const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  libdelta::Result<libdelta::DeviceProfile> profile = libdelta::ParseProfile(text, file.name());
  if (!profile.ok()) Fail(ExitCode::kUsage, "{}", profile.error());
  return std::move(profile.value());
}

void CheckImageFits(const libdelta::DeviceProfile& profile, const std::string& image, uint64_t size) {
  const std::optional<libdelta::Error> error = libdelta::CheckImageSize(profile, image, size);
  if (error) Fail(ExitCode::kUsage, "{}", error->message);
}

libdelta::DeviceProfile MakeDevice(const InPlaceGeometry& geometry, const std::string& patch_name) {
  libdelta::DeviceProfile profile = libdelta::FindProfile(libdelta::ProfileNames().front()).value();
  profile.name = "patch";
  profile.pages.clear();
  profile.protected_ranges.clear();
  profile.patch_storage.reset();
  for (const libdelta::SlotPages& run : geometry.pages) profile.pages.push_back({run.count, run.size, 1.0});
  profile.pages.push_back({geometry.spare_count, geometry.spare_page_size, 1.0});
  profile.write_unit = geometry.write_unit;
  profile.base_address = 0;
  profile.slot = {0, geometry.slot_size()};
  profile.spare = {geometry.slot_size(), uint64_t{geometry.spare_count} * geometry.spare_page_size};
  const std::optional<libdelta::Error> error = libdelta::CheckProfile(profile);
  if (error) {
    Fail(ExitCode::kMalformed, "{}: made for a flash that cannot be: {}", patch_name, error->message);
  }
  return profile;
}

}  // namespace fwdelta
