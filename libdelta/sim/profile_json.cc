// Device profiles as JSON: the tables of their fields.

#include <algorithm>
#include <span>
#include <utility>

#include "libdelta/sim/device_profile.h"
#include "libdelta/sim/json_fields.h"
#include "libdelta/sim/profile_files.h"

namespace libdelta {
namespace {

constexpr Field<PageRun> kPageRunFields[] = {
    Plain<PageRun, &PageRun::count>("count", true),
    Plain<PageRun, &PageRun::size>("size", true),
    Plain<PageRun, &PageRun::erase_ms>("erase_ms", false),
};

constexpr Field<FlashRange> kRangeFields[] = {
    Plain<FlashRange, &FlashRange::start>("start", true),
    Plain<FlashRange, &FlashRange::length>("length", true),
};

constexpr Field<DeviceProfile> kTimingFields[] = {
    Plain<DeviceProfile, &DeviceProfile::program_us_per_unit>("program_us_per_unit", false),
    Plain<DeviceProfile, &DeviceProfile::read_us_per_kib>("read_us_per_kib", false),
};

constexpr Field<DeviceProfile> kPowerFields[] = {
    Plain<DeviceProfile, &DeviceProfile::supply_v>("supply_v", false),
    Plain<DeviceProfile, &DeviceProfile::erase_ma>("erase_ma", false),
    Plain<DeviceProfile, &DeviceProfile::program_ma>("program_ma", false),
    Plain<DeviceProfile, &DeviceProfile::cpu_ma>("cpu_ma", false),
};

template <FlashRange DeviceProfile::*kMember>
constexpr Field<DeviceProfile> Range(const char* name) {
  return {name, true, [](Reader* reader, const Json& json, const std::string& path, DeviceProfile* profile) {
            ReadObject<FlashRange>(reader, kRangeFields, json, path, &(profile->*kMember));
          }};
}

// For editors; any text will do.
void ReadSchemaName(Reader* reader, const Json& json, const std::string& path, DeviceProfile* /*profile*/) {
  std::string name;
  reader->Read(json, path, &name);
}

void ReadPages(Reader* reader, const Json& json, const std::string& path, DeviceProfile* profile) {
  ReadList<PageRun>(reader, kPageRunFields, json, path, &profile->pages);
}

void ReadProtected(Reader* reader, const Json& json, const std::string& path, DeviceProfile* profile) {
  ReadList<FlashRange>(reader, kRangeFields, json, path, &profile->protected_ranges);
}

void ReadPatchStorage(Reader* reader, const Json& json, const std::string& path, DeviceProfile* profile) {
  ReadObject<FlashRange>(reader, kRangeFields, json, path, &profile->patch_storage.emplace());
}

void ReadTiming(Reader* reader, const Json& json, const std::string& path, DeviceProfile* profile) {
  ReadObject<DeviceProfile>(reader, kTimingFields, json, path, profile);
}

void ReadPower(Reader* reader, const Json& json, const std::string& path, DeviceProfile* profile) {
  ReadObject<DeviceProfile>(reader, kPowerFields, json, path, profile);
}

void ReadSources(Reader* reader, const Json& json, const std::string& path, DeviceProfile* profile) {
  if (!json.is_object()) return reader->Fail(path + ": must be an object, from fields to documents");
  const std::vector<std::string> fields = ProfileFields();
  for (const auto& [name, value] : json.items()) {
    if (!std::binary_search(fields.begin(), fields.end(), name)) {
      reader->Fail(path + "." + name + ": there is no field of that name to give a source for");
    }
    SourceNote& note = profile->sources.emplace_back();
    note.field = name;
    reader->Read(value, path + "." + name, &note.text);
  }
}

constexpr Field<DeviceProfile> kProfileFields[] = {
    {"$schema", false, ReadSchemaName},
    Plain<DeviceProfile, &DeviceProfile::name>("name", true),
    Plain<DeviceProfile, &DeviceProfile::description>("description", false),
    Plain<DeviceProfile, &DeviceProfile::base_address>("base_address", false),
    {"pages", true, ReadPages},
    Plain<DeviceProfile, &DeviceProfile::write_unit>("write_unit", true),
    Plain<DeviceProfile, &DeviceProfile::erase_value>("erase_value", false),
    Range<&DeviceProfile::slot>("slot"),
    Range<&DeviceProfile::spare>("spare"),
    {"protected_ranges", false, ReadProtected},
    {"patch_storage", false, ReadPatchStorage},
    Plain<DeviceProfile, &DeviceProfile::ram>("ram", false),
    {"timing", false, ReadTiming},
    {"power", false, ReadPower},
    Plain<DeviceProfile, &DeviceProfile::cpu_mhz>("cpu_mhz", false),
    Plain<DeviceProfile, &DeviceProfile::endurance_cycles>("endurance_cycles", false),
    {"sources", false, ReadSources},
};

}  // namespace

Result<DeviceProfile> ParseProfile(std::string_view json, const std::string& file_name) {
  Reader reader;
  const Json parsed = ParseJson(json, &reader);
  DeviceProfile profile;
  ReadObject<DeviceProfile>(&reader, kProfileFields, parsed, "", &profile);
  if (!reader.problem().empty()) return Error{file_name + ": " + reader.problem()};
  if (const std::optional<Error> error = CheckProfile(profile)) {
    return Error{file_name + ": " + error->message};
  }
  return profile;
}

std::vector<std::string> ProfileFields() {
  std::vector<std::string> names;
  AddNames<DeviceProfile>("", kProfileFields, &names);
  AddNames<PageRun>("pages[].", kPageRunFields, &names);
  for (const char* prefix : {"slot.", "spare.", "patch_storage.", "protected_ranges[]."}) {
    AddNames<FlashRange>(prefix, kRangeFields, &names);
  }
  AddNames<DeviceProfile>("timing.", kTimingFields, &names);
  AddNames<DeviceProfile>("power.", kPowerFields, &names);
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> ProfileNames() {
  std::vector<std::string> names;
  for (const ProfileFile& file : ProfileFiles()) names.emplace_back(file.name);
  return names;
}

Result<DeviceProfile> FindProfile(std::string_view name) {
  std::string names;
  for (const ProfileFile& file : ProfileFiles()) {
    if (file.name == name) return ParseProfile(file.json, std::string(name) + ".json");
    names += " " + std::string(file.name);
  }
  return Error{"no device profile \"" + std::string(name) + "\" in the library; there are" + names};
}

}  // namespace libdelta
