#include "libdelta/cost/plan_file.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <regex>
#include <set>
#include <utility>
#include <vector>

#include "libdelta/cost/catalog_fields.h"

namespace libdelta {
namespace {

// One label: names of fields to their texts.
using Label = std::map<std::string, std::string>;

// Texts longer than this are not looked at for a price.
constexpr size_t kLongestPhrase = 200;

std::string Trimmed(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return std::string(text);
}

std::string Lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

// A number of 0 or more, all of `text`.
std::optional<double> ParseAmount(std::string_view text) {
  double number = 0;
  const char* end = text.data() + text.size();
  const std::from_chars_result result = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (result.ec != std::errc() || result.ptr != end || !(number >= 0) || !std::isfinite(number)) return {};
  return number;
}

// Rows and fields of CSV as in RFC 4180.
Result<std::vector<std::vector<std::string>>> ParseCsv(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> row;
  std::string field;
  size_t at = 0;
  const auto end_row = [&] {
    row.push_back(std::exchange(field, {}));
    const bool is_blank = row.size() == 1 && row[0].empty();
    if (!is_blank) rows.push_back(row);
    row.clear();
  };
  while (at < text.size()) {
    const char c = text[at++];
    if (c == '"' && field.empty()) {
      for (;; ++at) {
        if (at >= text.size()) return Error{"a quoted field has no end"};
        if (text[at] != '"') {
          field += text[at];
        } else if (at + 1 < text.size() && text[at + 1] == '"') {
          field += text[at++];
        } else {
          break;
        }
      }
      ++at;
      if (at < text.size() && text[at] != ',' && text[at] != '\r' && text[at] != '\n') {
        return Error{"row " + std::to_string(rows.size() + 1) + ": text after a quoted field"};
      }
    } else if (c == ',') {
      row.push_back(std::exchange(field, {}));
    } else if (c == '\n') {
      end_row();
    } else if (c != '\r') {
      field += c;
    }
  }
  if (!field.empty() || !row.empty()) end_row();
  return rows;
}

Result<std::vector<Label>> LabelsOfCsv(std::string_view text) {
  Result<std::vector<std::vector<std::string>>> parsed = ParseCsv(text);
  if (!parsed.ok()) return Error{parsed.error()};
  const std::vector<std::vector<std::string>>& rows = parsed.value();
  if (rows.size() < 2) return Error{"neither JSON nor a broadband label: no header line and row of CSV"};
  std::vector<std::string> names;
  for (const std::string& name : rows[0]) {
    names.push_back(Lower(Trimmed(name)));
    if (std::count(names.begin(), names.end(), names.back()) > 1) {
      return Error{"column " + names.back() + ": there twice; remove one"};
    }
  }
  std::vector<Label> labels;
  for (size_t i = 1; i < rows.size(); ++i) {
    if (rows[i].size() != names.size()) {
      return Error{"row " + std::to_string(i + 1) + ": " + std::to_string(rows[i].size()) +
                   " fields, the header has " + std::to_string(names.size())};
    }
    Label& label = labels.emplace_back();
    for (size_t column = 0; column < names.size(); ++column) label[names[column]] = Trimmed(rows[i][column]);
  }
  return labels;
}

Result<Label> LabelOfJson(const Json& json) {
  if (!json.is_object()) return Error{"a list of broadband labels must have objects only"};
  Label label;
  for (const auto& [name, value] : json.items()) {
    if (value.is_string()) {
      label[Lower(name)] = Trimmed(value.get<std::string>());
    } else if (value.is_number() || value.is_boolean()) {
      label[Lower(name)] = value.dump();
    } else if (!value.is_null()) {
      return Error{name + ": must be a text or a number"};
    }
  }
  return label;
}

// Reads fields of one label and keeps the first problem.
class LabelReader {
 public:
  explicit LabelReader(const Label& label) : label_(label) {}

  const std::string& problem() const { return problem_; }
  void Fail(const std::string& problem) {
    if (problem_.empty()) problem_ = problem;
  }

  // The first of the names that there is; empty: none of them.
  std::string Text(std::initializer_list<const char*> names) const {
    for (const char* name : names) {
      const auto found = label_.find(name);
      if (found != label_.end() && !found->second.empty()) return found->second;
    }
    return {};
  }

  std::optional<double> Number(std::initializer_list<const char*> names) {
    std::string text = Text(names);
    if (text.empty()) return std::nullopt;
    if (text.front() == '$') text.erase(0, 1);
    const std::optional<double> number = ParseAmount(text);
    if (!number) Fail(std::string(*names.begin()) + " \"" + text + "\": must be a number");
    return number;
  }

 private:
  const Label& label_;
  std::string problem_;
};

double MegabytesOf(const std::string& unit) {
  return unit == "tb" ? 1e6 : unit == "gb" ? 1e3 : unit == "mb" ? 1 : 1e-3;
}

struct Overage {
  double fee = 0;
  Block block;
};

// "$10 for each additional 50 GB over 1.2 TB": an amount, a unit and what is included, and nothing else.
std::optional<Overage> ParseOverage(const std::string& description) {
  if (description.size() > kLongestPhrase) return std::nullopt;
  static const std::regex kPhrase(
      "[$]?([0-9]+(?:\\.[0-9]+)?)(?: ?usd)? ?(?:per|/|for each|for every|for each additional|for every "
      "additional) ?"
      "([0-9]+(?:\\.[0-9]+)? ?)?(kb|mb|gb|tb)"
      "(?: (?:after|over|above|beyond|past)(?: the)?(?: first)? ([0-9]+(?:\\.[0-9]+)?) ?(mb|gb|tb))?\\.?");
  std::smatch match;
  const std::string text = Lower(Trimmed(description));
  if (!std::regex_match(text, match, kPhrase)) return std::nullopt;
  Overage overage;
  overage.fee = *ParseAmount(match[1].str());
  const double units = match[2].matched ? *ParseAmount(Trimmed(match[2].str())) : 1;
  overage.block.mb = units * MegabytesOf(match[3].str());
  overage.block.price = overage.fee;
  if (match[4].matched)
    overage.block.included_mb = *ParseAmount(match[4].str()) * MegabytesOf(match[5].str());
  if (overage.block.mb <= 0) return std::nullopt;
  return overage;
}

std::string ByHand(const std::string& field, const std::string& text) {
  return field + " \"" + text.substr(0, kLongestPhrase) +
         "\": cannot be read without doubt. Write what it means into a plan file and use that, for instance "
         "{\"name\": \"my plan\", \"model\": \"block\", \"currency\": \"USD\", \"block\": {\"mb\": 1000, "
         "\"price\": 1, "
         "\"included_mb\": 1000000}}";
}

// What extra data costs: nothing, or blocks.
void ReadDataFee(LabelReader* reader, OwnPlan* own) {
  const std::string fee = reader->Text({"fee_data_usage"});
  const std::string description = reader->Text({"fee_data_usage_description"});
  const std::string policy = Lower(reader->Text({"policy_data_usage"}));
  const std::string type = Lower(reader->Text({"price_type"}));
  PricePlan& plan = own->plan;
  if (type.find("volume") != std::string::npos) {
    return reader->Fail(ByHand("price_type", reader->Text({"price_type"})));
  }
  if (!policy.empty() && policy != "yes" && policy != "no") {
    return reader->Fail("policy_data_usage \"" + policy + "\": must be Yes or No");
  }
  if (policy.empty() && fee.empty() && description.empty()) {
    return reader->Fail(
        "policy_data_usage, fee_data_usage and fee_data_usage_description: none of them is filled "
        "in, so it does not say whether data costs extra");
  }
  if (fee.empty() || fee == "0") {
    // An empty fee means by definition that there is none; the text may say that it gets slower.
    plan.model = PriceModel::kFlat;
    plan.price_per_mb = Same(0);
    own->to_check = "read as: no charge for extra data";
    if (!description.empty())
      own->to_check += "; the label says \"" + description.substr(0, kLongestPhrase) + "\"";
    return;
  }
  const std::optional<Overage> overage = ParseOverage(description);
  if (!overage) return reader->Fail(ByHand("fee_data_usage_description", description));
  const std::optional<double> amount = reader->Number({"fee_data_usage"});
  if (!amount) return;
  if (*amount != overage->fee) {
    return reader->Fail("fee_data_usage " + fee + ": is not the amount in fee_data_usage_description \"" +
                        description + "\"");
  }
  plan.model = PriceModel::kBlock;
  plan.block = overage->block;
  own->to_check = "read as: " + fee + " " + plan.currency + " for each started " +
                  std::to_string(std::llround(overage->block.mb * 1000)) + " kB after " +
                  std::to_string(std::llround(overage->block.included_mb)) +
                  " MB a month; the label says \"" + description + "\"";
}

double BitsOf(const std::string& unit) {
  const std::string lower = Lower(unit);
  constexpr const char* kUnits[] = {"kbps", "mbps", "gbps", "tbps", "pbps"};
  double bits = 1000;
  for (const char* name : kUnits) {
    if (lower == name) return bits;
    bits *= 1000;
  }
  return 0;
}

// A link as fast as the label says, if it does.
void ReadSpeed(LabelReader* reader, OwnPlan* own) {
  const std::optional<double> low =
      reader->Number({"bandwidth_download_typical_low", "download_bandwidth_typical"});
  const std::optional<double> high =
      reader->Number({"bandwidth_download_typical_high", "download_bandwidth_typical"});
  const std::string unit = reader->Text({"bandwidth_download_units", "download_bandwidth_units"});
  if (!low || !high || *low <= 0 || unit.empty()) return;
  const double bits = BitsOf(unit);
  if (bits == 0)
    return reader->Fail("bandwidth_download_units \"" + unit + "\": must be kbps, Mbps, Gbps, Tbps or Pbps");
  if (*high < *low)
    return reader->Fail("bandwidth_download_typical_high: must not be below bandwidth_download_typical_low");
  Link link;
  link.id = "label";
  link.name = "as the broadband label says";
  link.payload_bytes = 1400;
  link.overhead_bytes = 60;
  link.rate_bps = Range{*high * bits, (*low + *high) / 2 * bits, *low * bits};
  const std::optional<double> least = reader->Number({"latency_idle_low", "latency_idle"});
  const std::optional<double> most = reader->Number({"latency_idle_high", "latency_idle"});
  if (least && most && *least <= *most) {
    link.round_trip_seconds = Range{*least / 1000, (*least + *most) / 2000, *most / 1000};
  }
  link.figures = {{"payload_bytes", {}, "assumed: as for home Wi-Fi"},
                  {"overhead_bytes", {}, "assumed: as for home Wi-Fi"},
                  {"rate_bps", {}, "typical download speed on the label"},
                  {"round_trip_seconds", {}, "idle latency on the label"}};
  own->link = link;
}

Result<OwnPlan> PlanOfLabel(const Label& label) {
  LabelReader reader(label);
  OwnPlan own;
  PricePlan& plan = own.plan;
  plan.id = reader.Text({"unique_plan_identifier"});
  const std::string provider = reader.Text({"provider_name"});
  const std::string name = reader.Text({"service_plan_name"});
  plan.name = provider.empty() || name.empty() ? provider + name : provider + ", " + name;
  if (plan.name.empty()) plan.name = plan.id.empty() ? "broadband label" : plan.id;
  plan.currency = reader.Text({"currency"});
  if (plan.currency.empty()) plan.currency = "USD";  // As the draft says.
  plan.price_date = reader.Text({"date_published"});
  plan.confidence = Confidence::kHigh;
  plan.basis = "the provider's broadband label";
  plan.monthly_fee = reader.Number({"price_recurring"});
  ReadDataFee(&reader, &own);
  ReadSpeed(&reader, &own);
  if (!reader.problem().empty()) return Error{reader.problem()};
  plan.note = own.to_check;
  return own;
}

Result<Label> ChooseLabel(const std::vector<Label>& labels, const std::string& plan_id) {
  std::string ids;
  const Label* found = nullptr;
  for (const Label& label : labels) {
    const auto id = label.find("unique_plan_identifier");
    const std::string text = id == label.end() ? "" : id->second;
    ids += " " + text;
    if (!plan_id.empty() && text == plan_id) {
      if (found != nullptr) return Error{"plan " + plan_id + ": there twice"};
      found = &label;
    }
  }
  if (labels.empty()) return Error{"no broadband label in it"};
  if (plan_id.empty() && labels.size() == 1) return labels.front();
  if (plan_id.empty()) return Error{std::to_string(labels.size()) + " plans; choose one by its id:" + ids};
  if (found == nullptr) return Error{"no plan \"" + plan_id + "\"; there are" + ids};
  return *found;
}

bool LooksLikeLabel(const Json& json) {
  if (!json.is_object() || json.contains("model")) return false;
  for (const char* name :
       {"unique_plan_identifier", "fee_data_usage", "policy_data_usage", "price_recurring"}) {
    if (json.contains(name)) return true;
  }
  return false;
}

Result<OwnPlan> PlanOfJson(std::string_view text, const std::string& plan_id) {
  Reader reader;
  const Json json = ParseJson(text, &reader);
  if (!reader.problem().empty()) return Error{reader.problem()};
  if (json.is_array() || LooksLikeLabel(json)) {
    std::vector<Label> labels;
    for (const Json& item : json.is_array() ? json : Json::array({json})) {
      Result<Label> label = LabelOfJson(item);
      if (!label.ok()) return Error{label.error()};
      labels.push_back(std::move(label.value()));
    }
    const Result<Label> label = ChooseLabel(labels, plan_id);
    if (!label.ok()) return Error{label.error()};
    return PlanOfLabel(label.value());
  }
  if (!plan_id.empty()) return Error{"has one plan and no ids of broadband labels"};
  OwnPlan own;
  ReadPlan(&reader, json, "", &own.plan);
  if (!reader.problem().empty()) return Error{reader.problem()};
  return own;
}

Result<OwnPlan> PlanOfCsv(std::string_view text, const std::string& plan_id) {
  const Result<std::vector<Label>> labels = LabelsOfCsv(text);
  if (!labels.ok()) return Error{labels.error()};
  const Result<Label> label = ChooseLabel(labels.value(), plan_id);
  if (!label.ok()) return Error{label.error()};
  return PlanOfLabel(label.value());
}

}  // namespace

Result<OwnPlan> ParsePlanFile(std::string_view text, const std::string& file_name,
                              const std::string& plan_id) {
  if (text.size() > kMaxPlanFileSize) {
    return Error{file_name + ": larger than " + std::to_string(kMaxPlanFileSize) + " bytes: no price plan"};
  }
  const size_t first = text.find_first_not_of(" \t\r\n");
  const bool is_json = first != std::string_view::npos && (text[first] == '{' || text[first] == '[');
  Result<OwnPlan> own = is_json ? PlanOfJson(text, plan_id) : PlanOfCsv(text, plan_id);
  if (!own.ok()) return Error{file_name + ": " + own.error()};
  if (own.value().plan.id.empty()) own.value().plan.id = "own";
  if (const std::optional<Error> error = CheckPlan(own.value().plan)) {
    return Error{file_name + ": " + error->message};
  }
  if (own.value().link) {
    if (const std::optional<Error> error = CheckLink(*own.value().link)) {
      return Error{file_name + ": " + error->message};
    }
  }
  return own;
}

}  // namespace libdelta
