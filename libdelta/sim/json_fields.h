// JSON files that people write, read strictly: tables of fields say what there is, and one function walks
// them, so that every object refuses unknown fields, misses required ones and names the path of what is wrong
// in the same way. Private to the library.
#ifndef LIBDELTA_SIM_JSON_FIELDS_H_
#define LIBDELTA_SIM_JSON_FIELDS_H_

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace libdelta {

using Json = nlohmann::json;

// More is not read: what people write is not deep, and deep values are dangerous to destroy and to print.
constexpr int kMaxJsonDepth = 32;

// A value in a message, shortened.
inline std::string Shown(const Json& json) {
  constexpr size_t kLongest = 60;
  const std::string text = json.dump(-1, ' ', true, Json::error_handler_t::replace);
  return text.size() <= kLongest ? text : text.substr(0, kLongest) + "...";
}

// Reads values and keeps the first problem; after one, what is read does not matter.
class Reader {
 public:
  const std::string& problem() const { return problem_; }

  void Fail(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
  }

  void Read(const Json& json, const std::string& path, std::string* text) {
    if (!json.is_string()) return Fail(path + " " + Shown(json) + ": must be text in quotes");
    *text = json.get<std::string>();
  }

  void Read(const Json& json, const std::string& path, bool* flag) {
    if (!json.is_boolean()) return Fail(path + " " + Shown(json) + ": must be true or false");
    *flag = json.get<bool>();
  }

  void Read(const Json& json, const std::string& path, double* number) {
    if (!json.is_number()) return Fail(path + " " + Shown(json) + ": must be a number");
    *number = json.get<double>();
  }

  template <typename Unsigned>
  void ReadUnsigned(const Json& json, const std::string& path, Unsigned* number) {
    const std::optional<uint64_t> value = ParseUnsigned(json);
    if (!value) {
      return Fail(path + " " + Shown(json) + ": must be a whole number such as 4096, \"4K\" or \"0x1000\"");
    }
    constexpr uint64_t kLimit = std::numeric_limits<Unsigned>::max();
    if (*value > kLimit)
      return Fail(path + " " + Shown(json) + ": must be at most " + std::to_string(kLimit));
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

// `path` is empty for the file itself.
template <typename T>
void ReadObject(Reader* reader, std::span<const Field<T>> fields, const Json& json, const std::string& path,
                T* object) {
  if (!json.is_object()) {
    return reader->Fail((path.empty() ? "the file" : path) + ": must be an object with the fields " +
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

template <typename T>
void AddNames(const std::string& prefix, std::span<const Field<T>> fields, std::vector<std::string>* names) {
  for (const Field<T>& field : fields) names->push_back(prefix + field.name);
}

// Parses text, and says which field is there twice: the parser would keep the last without a word.
inline Json ParseJson(std::string_view text, Reader* reader) {
  std::vector<std::set<std::string>> names;  // Of the objects that are open.
  const auto check = [&](int depth, Json::parse_event_t event, const Json& parsed) {
    if (depth > kMaxJsonDepth) {
      reader->Fail("nested more than " + std::to_string(kMaxJsonDepth) + " deep");
      return false;
    }
    if (event == Json::parse_event_t::object_start) names.emplace_back();
    if (event == Json::parse_event_t::object_end) names.pop_back();
    if (event == Json::parse_event_t::key && !names.back().insert(parsed.get<std::string>()).second) {
      reader->Fail(parsed.get<std::string>() + ": there twice; remove one");
    }
    return true;
  };
  try {
    return Json::parse(text, check);
  } catch (const Json::exception& exception) {
    // What follows the library's own error number in brackets: position, what was found and expected.
    const std::string what = exception.what();
    const size_t number_end = what.find("] ");
    reader->Fail("not JSON: " + (number_end == std::string::npos ? what : what.substr(number_end + 2)));
  }
  return {};
}

}  // namespace libdelta

#endif  // LIBDELTA_SIM_JSON_FIELDS_H_
