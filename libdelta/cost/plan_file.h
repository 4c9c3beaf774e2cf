// A user's own price plan: a file in this library's format, or a broadband label.
//
// Own format: one JSON object as in "plans" of profiles.json; "name", "model", "currency" and what the model
// needs must be there. Broadband label: what US providers must publish for machines, as CSV with a header
// line (one row for each plan) or as JSON objects with the same names. There is no binding list of fields;
// these are the draft's of July 2024 (github.com/jlivingood/Broadband-Labels): date_published,
// unique_plan_identifier, provider_name, service_plan_name, bandwidth_download_units,
// bandwidth_download_typical_low and _high, latency_idle_low and _high, currency, price_type,
// price_recurring, policy_data_usage, fee_data_usage, fee_data_usage_description. Others are ignored. What
// extra data costs is free text on a label. Phrases that mean one thing only are understood, such as
// "$1 per GB after the first 1 TB"; of others the error says what to write by hand.
#ifndef LIBDELTA_COST_PLAN_FILE_H_
#define LIBDELTA_COST_PLAN_FILE_H_

#include <optional>
#include <string>
#include <string_view>

#include "libdelta/cost/catalog.h"
#include "libdelta/host.h"

namespace libdelta {

// Larger files are refused.
constexpr size_t kMaxPlanFileSize = size_t{16} << 20;

struct OwnPlan {
  PricePlan plan;
  std::optional<Link> link;  // Of a label that tells speed and latency: id "label".
  // What was understood of the label's text and must be compared with it by its reader; empty: nothing.
  std::string to_check;
};

// Reads and checks a plan. `file_name` only appears in errors, which say what is wrong and what to do.
// `plan_id` chooses one of several labels by its unique_plan_identifier; empty: there must be only one.
Result<OwnPlan> ParsePlanFile(std::string_view text, const std::string& file_name,
                              const std::string& plan_id);

}  // namespace libdelta

#endif  // LIBDELTA_COST_PLAN_FILE_H_
