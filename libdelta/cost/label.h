// The update data label: what a customer should know of updates before paying for a device, and before a
// download.
//
// Whether there are updates, how and until when, and what they cost who receives them: this one, those of a
// year, and all until support ends. No single figure without its profile, range and price date; no grades.
#ifndef LIBDELTA_COST_LABEL_H_
#define LIBDELTA_COST_LABEL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libdelta/cost/catalog.h"
#include "libdelta/cost/model.h"
#include "libdelta/host.h"

namespace libdelta {

// A day of the Gregorian calendar, 1970 or later.
struct Date {
  int year = 1970;
  int month = 1;
  int day = 1;

  bool operator==(const Date&) const = default;
};

// "YYYY-MM-DD". Errors: another form, or no such day.
Result<Date> ParseDate(std::string_view text);
std::string ToText(const Date& date);
// Days from 1970-01-01.
int64_t DayNumber(const Date& date);
Date DateOfDay(int64_t day_number);

struct LabelTerms {
  Date from;           // When the label is made.
  Date support_until;  // Not before `from`.
  double updates_per_year = 12;
};

// What an amount for one update comes to.
struct LabelAmounts {
  Range update;
  Range year;
  Range support;  // All updates until support ends.
};

struct LabelLine {
  CostProfile profile;
  PricePlan plan;
  Link link;
  Cost cost;  // Of this update.
  LabelAmounts billed_bytes;
  std::optional<LabelAmounts> money;         // None: not priced.
  std::optional<LabelAmounts> bundle_share;  // Of plans with a bundle.
  LabelAmounts seconds;
  std::optional<LabelAmounts> joules;  // None: not known.
  // Years after which the bundle is used up by these updates, if that is before it ends or support does.
  std::optional<double> bundle_lasts_years;
};

struct UpdateLabel {
  LabelTerms terms;
  double years = 0;    // Of support, from `terms.from`.
  double updates = 0;  // In that time.
  std::vector<LabelLine> lines;
};

// Errors: support that ends before `from`, updates_per_year that is negative, not finite or above 100000.
Result<UpdateLabel> MakeLabel(const LabelTerms& terms);

// Adds a line for what an update costs under a profile.
void AddLine(const CostProfile& profile, const PricePlan& plan, const Link& link, const Cost& cost,
             UpdateLabel* label);

}  // namespace libdelta

#endif  // LIBDELTA_COST_LABEL_H_
