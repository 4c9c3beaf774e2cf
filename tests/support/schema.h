// JSON Schema, as far as our schemas need it.
#ifndef TESTS_SUPPORT_SCHEMA_H_
#define TESTS_SUPPORT_SCHEMA_H_

#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>
#include <utility>
#include <vector>

namespace libdelta {

// The part of JSON Schema that our schemas use; other keywords are errors.
class Schema {
 public:
  explicit Schema(nlohmann::json root) : root_(std::move(root)) {}

  // Problems of `value`, each with its path.
  std::vector<std::string> Check(const nlohmann::json& value) {
    problems_.clear();
    CheckValue(root_, value, "");
    return problems_;
  }

  // All property names, with a dot before those of nested objects and "[]" for elements of lists.
  std::vector<std::string> Fields() {
    std::vector<std::string> fields;
    AddFields(root_, "", &fields);
    std::sort(fields.begin(), fields.end());
    return fields;
  }

 private:
  const nlohmann::json& Resolve(const nlohmann::json& schema) const {
    const std::string reference = schema.value("$ref", "#");
    return reference == "#" ? schema : root_[nlohmann::json::json_pointer(reference.substr(1))];
  }

  void AddFields(const nlohmann::json& unresolved, const std::string& prefix,
                 std::vector<std::string>* fields) const {
    const nlohmann::json& schema = Resolve(unresolved);
    if (schema.contains("items")) return AddFields(schema["items"], prefix + "[]", fields);
    if (!schema.contains("properties")) return;
    for (const auto& [name, property] : schema["properties"].items()) {
      const std::string path = prefix.empty() ? name : prefix + "." + name;
      fields->push_back(path);
      AddFields(property, path, fields);
    }
  }

  void Expect(bool condition, const std::string& path, const std::string& keyword) {
    if (!condition) problems_.push_back(path + ": " + keyword);
  }

  static bool HasType(const nlohmann::json& value, const std::string& type) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "integer") return value.is_number_integer();
    if (type == "boolean") return value.is_boolean();
    if (type == "null") return value.is_null();
    return type == "number" && value.is_number();
  }

  bool Matches(const nlohmann::json& schema, const nlohmann::json& value) {
    std::vector<std::string> before;
    before.swap(problems_);
    CheckValue(schema, value, "");
    const bool matches = problems_.empty();
    problems_.swap(before);
    return matches;
  }

  void CheckValue(const nlohmann::json& schema, const nlohmann::json& value, const std::string& path) {
    for (const auto& [keyword, rule] : schema.items()) CheckKeyword(schema, keyword, rule, value, path);
  }

  void CheckKeyword(const nlohmann::json& schema, const std::string& keyword, const nlohmann::json& rule,
                    const nlohmann::json& value, const std::string& path) {
    if (keyword == "$schema" || keyword == "title" || keyword == "description" || keyword == "$defs") return;
    if (keyword == "$ref") return CheckValue(Resolve(schema), value, path);
    if (keyword == "type") return Expect(HasType(value, rule), path, keyword);
    if (keyword == "enum") {
      return Expect(std::find(rule.begin(), rule.end(), value) != rule.end(), path, keyword);
    }
    if (keyword == "anyOf") {
      const auto matches = [&](const nlohmann::json& option) { return Matches(option, value); };
      return Expect(std::any_of(rule.begin(), rule.end(), matches), path, keyword);
    }
    if (keyword == "pattern") {
      return Expect(value.is_string() &&
                        std::regex_search(value.get<std::string>(), std::regex(rule.get<std::string>())),
                    path, keyword);
    }
    if (keyword == "minimum") return Expect(value >= rule, path, keyword);
    if (keyword == "minItems") return Expect(value.size() >= rule, path, keyword);
    if (keyword == "items") {
      for (const nlohmann::json& item : value) CheckValue(rule, item, path + "[]");
      return;
    }
    if (keyword == "required") {
      for (const nlohmann::json& name : rule) Expect(value.contains(name), path, "required");
      return;
    }
    if (keyword == "properties") return CheckProperties(rule, value, path);
    if (keyword == "additionalProperties") return CheckAdditional(schema, rule, value, path);
    Expect(false, path, "this test does not know the keyword " + keyword);
  }

  void CheckProperties(const nlohmann::json& properties, const nlohmann::json& value,
                       const std::string& path) {
    for (const auto& [name, property] : properties.items()) {
      if (value.contains(name)) CheckValue(property, value[name], path + "." + name);
    }
  }

  void CheckAdditional(const nlohmann::json& schema, const nlohmann::json& rule, const nlohmann::json& value,
                       const std::string& path) {
    for (const auto& [name, member] : value.items()) {
      if (schema.contains("properties") && schema["properties"].contains(name)) continue;
      if (rule == false) {
        Expect(false, path + "." + name, "additionalProperties");
      } else {
        CheckValue(rule, member, path + "." + name);
      }
    }
  }

  nlohmann::json root_;
  std::vector<std::string> problems_;
};

}  // namespace libdelta

#endif  // TESTS_SUPPORT_SCHEMA_H_
