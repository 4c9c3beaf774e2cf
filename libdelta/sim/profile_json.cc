// Profiles as JSON. Tables of fields say what there is; one function walks them, so that every object refuses
// unknown fields, misses required ones and names the path of what is wrong in the same way.

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <utility>

#include "libdelta/sim/device_profile.h"
#include "libdelta/sim/profile_files.h"

namespace libdelta {
namespace {

using Json = nlohmann::json;

// Reads values and keeps the first problem; after one, what is read does not matter.
class Reader {
 public:
  const std::string& problem() const { return problem_; }

  void Fail(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
  }

  void Read(const Json& json, const std::string& path, std::string* text) {
    if (!json.is_string()) return Fail(path + " " + json.dump() + ": must be text in quotes");
    *text = json.get<std::string>();
  }

  void Read(const Json& json, const std::string& path, double* number) {
    if (!json.is_number()) return Fail(path + " " + json.dump() + ": must be a number");
    *number = json.get<double>();
  }

  template <typename Unsigned>
  void ReadUnsigned(const Json& json, const std::string& path, Unsigned* number) {
    const std::optional<uint64_t> value = ParseUnsigned(json);
    if (!value) {
      return Fail(path + " " + json.dump() + ": must be a whole number such as 4096, \"4K\" or \"0x1000\"");
    }
    constexpr uint64_t kLimit = std::numeric_limits<Unsigned>::max();
    if (*value > kLimit)
      return Fail(path + " " + json.dump() + ": must be at most " + std::to_string(kLimit));
    *number = static_cast<Unsigned>(*value);
  }
  void Read(const Json& json, const std::string& path, uint64_t* n) { ReadUnsigned(json, path, n); }
  void Read(const Json& json, const std::string& path, uint32_t* n) { ReadUnsigned(json, path, n); }
  void Read(const Json& json, const std::string& path, uint8_t* n) { ReadUnsigned(json, path, n); }

 private:
  static std::optional<uint64_t> ParseUnsigned(const Json& json) {
    if (json.is_number_unsigned()) return json.get<uint64_t>();
    if (!json.is_string()) return std::nullopt;
    return ParseText(json.get_ref<const std::string&>());
  }

  // Hexadecimal after 0x, else decimal with an optional K or M.
  static std::optional<uint64_t> ParseText(std::string_view text) {
    const bool is_hex = text.starts_with("0x");
    if (is_hex) text.remove_prefix(2);
    int shift = 0;
    if (!is_hex && (text.ends_with('K') || text.ends_with('M'))) {
      shift = text.back() == 'K' ? 10 : 20;
      text.remove_suffix(1);
    }
    uint64_t number = 0;
    const char* end = text.data() + text.size();
    const std::from_chars_result result = std::from_chars(text.data(), end, number, is_hex ? 16 : 10);
    if (result.ec != std::errc() || result.ptr != end || number > UINT64_MAX >> shift) return std::nullopt;
    return number << shift;
  }

  std::string problem_;
};

// A member of a JSON object and how it gets into a T.
template <typename T>
struct Field {
  const char* name;
  bool required;
  void (*read)(Reader* reader, const Json& json, const std::string& path, T* object);
};

// For members that Reader::Read() reads.
template <typename T, auto kMember>
constexpr Field<T> Plain(const char* name, bool required) {
  return {name, required, [](Reader* reader, const Json& json, const std::string& path, T* object) {
            reader->Read(json, path, &(object->*kMember));
          }};
}

template <typename T>
std::string NamesOf(std::span<const Field<T>> fields) {
  std::string names;
  for (const Field<T>& field : fields) names += (names.empty() ? "" : ", ") + std::string(field.name);
  return names;
}

template <typename T>
void ReadField(Reader* reader, std::span<const Field<T>> fields, const std::string& prefix,
               const std::string& name, const Json& json, T* object) {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const Field<T>& field) { return field.name == name; });
  if (found == fields.end()) {
    return reader->Fail(prefix + name + ": unknown field; there are " + NamesOf(fields));
  }
  found->read(reader, json, prefix + name, object);
}

// `path` is empty for the profile itself.
template <typename T>
void ReadObject(Reader* reader, std::span<const Field<T>> fields, const Json& json, const std::string& path,
                T* object) {
  if (!json.is_object()) {
    return reader->Fail((path.empty() ? "the profile" : path) + ": must be an object with the fields " +
                        NamesOf(fields));
  }
  const std::string prefix = path.empty() ? "" : path + ".";
  for (const auto& [name, value] : json.items()) ReadField(reader, fields, prefix, name, value, object);
  for (const Field<T>& field : fields) {
    if (field.required && !json.contains(field.name)) reader->Fail(prefix + field.name + ": missing; add it");
  }
}

template <typename T>
void ReadList(Reader* reader, std::span<const Field<T>> fields, const Json& json, const std::string& path,
              std::vector<T>* list) {
  if (!json.is_array()) {
    return reader->Fail(path + ": must be a list of objects with the fields " + NamesOf(fields));
  }
  for (size_t i = 0; i < json.size(); ++i) {
    ReadObject(reader, fields, json[i], path + "[" + std::to_string(i) + "]", &list->emplace_back());
  }
}

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

template <typename T>
void AddNames(const std::string& prefix, std::span<const Field<T>> fields, std::vector<std::string>* names) {
  for (const Field<T>& field : fields) names->push_back(prefix + field.name);
}

// Parses text, and says which field is there twice: the parser would keep the last without a word.
Json ParseJson(std::string_view text, Reader* reader) {
  std::vector<std::set<std::string>> names;  // Of the objects that are open.
  const auto check_names = [&](int /*depth*/, Json::parse_event_t event, const Json& parsed) {
    if (event == Json::parse_event_t::object_start) names.emplace_back();
    if (event == Json::parse_event_t::object_end) names.pop_back();
    if (event == Json::parse_event_t::key && !names.back().insert(parsed.get<std::string>()).second) {
      reader->Fail(parsed.get<std::string>() + ": there twice; remove one");
    }
    return true;
  };
  try {
    return Json::parse(text, check_names);
  } catch (const Json::exception& exception) {
    // What follows the library's own error number in brackets: position, what was found and expected.
    const std::string what = exception.what();
    const size_t number_end = what.find("] ");
    reader->Fail("not JSON: " + (number_end == std::string::npos ? what : what.substr(number_end + 2)));
  }
  return {};
}

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
