// Costs of one update under several profiles, as text, JSON and CSV.
#ifndef TOOLS_FWDELTA_COST_REPORT_H_
#define TOOLS_FWDELTA_COST_REPORT_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "fwdelta/json.h"
#include "libdelta/cost/catalog.h"
#include "libdelta/cost/model.h"
#include "libdelta/cost/validation.h"

namespace fwdelta {

// A plan on a link, with copies of both: either may be the user's own.
struct PricedLink {
  libdelta::CostProfile profile;
  libdelta::PricePlan plan;
  libdelta::Link link;
};

struct CostRow {
  PricedLink on;
  libdelta::Cost update;
  std::optional<libdelta::Cost> full;  // Of the whole new image; unset: its size is not known.
  libdelta::BreakEven break_even;
};

struct CostReport {
  std::string update_name;  // Empty: only the size is known.
  uint64_t update_bytes = 0;
  std::optional<uint64_t> full_bytes;
  std::string device;      // Empty: no flash work.
  std::string flash_note;  // What the flash figures are of, or why there are none.
  libdelta::Conditions conditions;
  libdelta::Battery battery;
  std::vector<CostRow> rows;
};

// Money, time and energy with two or three digits: "USD 0.0012", "21 min", "3.4 mJ". "never" when infinite.
std::string FormatMoney(const std::string& currency, double amount);
std::string FormatDuration(double seconds);
std::string FormatEnergy(double joules);
std::string FormatShare(double share);  // Percent.
std::string FormatBytes(double bytes);  // Whole bytes.
// The typical value, and the others if they differ.
std::string FormatRange(const libdelta::Range& range, const std::function<std::string(double)>& format);

// "price of 2015-02 (historic)", "no published price".
std::string PriceText(const libdelta::PricePlan& plan);

// Finite numbers without noise in the last digits; null otherwise.
Json ToJson(double number);
Json ToJson(const libdelta::Range& range);

// Title, address, date of each key that is used, once.
Json SourcesJson(const libdelta::Catalog& catalog, const std::vector<PricedLink>& used);

std::string ToText(const CostReport& report, const libdelta::Catalog& catalog);
Json ToJson(const CostReport& report, const libdelta::Catalog& catalog);
std::string ToCsv(const CostReport& report);

// The model against observations.
std::string ToText(const std::vector<libdelta::Validation>& validations);
Json ToJson(const std::vector<libdelta::Validation>& validations);
std::string ToCsv(const std::vector<libdelta::Validation>& validations);

}  // namespace fwdelta

#endif  // TOOLS_FWDELTA_COST_REPORT_H_
