#include "libdelta/cost/label.h"

#include <charconv>
#include <cmath>
#include <cstdio>

namespace libdelta {
namespace {

constexpr double kDaysPerYear = 365.25;
constexpr double kMaxUpdatesPerYear = 100000;

int DaysOfMonth(int year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && is_leap ? 29 : kDays[month - 1];
}

// All of `text`, digits only; -1 if it is not.
int Digits(std::string_view text) {
  int number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return -1;
    number = number * 10 + (c - '0');
  }
  return number;
}

Range Times(const Range& range, double factor) {
  return {range.low * factor, range.typical * factor, range.high * factor};
}

LabelAmounts Amounts(const Range& update, const UpdateLabel& label) {
  return {update, Times(update, label.terms.updates_per_year), Times(update, label.updates)};
}

std::optional<LabelAmounts> Amounts(const std::optional<Range>& update, const UpdateLabel& label) {
  if (!update) return std::nullopt;
  return Amounts(*update, label);
}

}  // namespace

Result<Date> ParseDate(std::string_view text) {
  const bool has_form = text.size() == 10 && text[4] == '-' && text[7] == '-';
  const Date date = has_form
                        ? Date{Digits(text.substr(0, 4)), Digits(text.substr(5, 2)), Digits(text.substr(8))}
                        : Date{0, 0, 0};
  const bool is_day = date.year >= 1970 && date.month >= 1 && date.month <= 12 && date.day >= 1 &&
                      date.day <= DaysOfMonth(date.year, date.month);
  if (!is_day) return Error{"\"" + std::string(text) + "\": must be a day such as 2031-06-30"};
  return date;
}

std::string ToText(const Date& date) {
  char text[32];
  std::snprintf(text, sizeof(text), "%04d-%02d-%02d", date.year, date.month, date.day);
  return text;
}

int64_t DayNumber(const Date& date) {
  int64_t days = 0;
  for (int year = 1970; year < date.year; ++year) days += DaysOfMonth(year, 2) == 29 ? 366 : 365;
  for (int month = 1; month < date.month; ++month) days += DaysOfMonth(date.year, month);
  return days + date.day - 1;
}

Date DateOfDay(int64_t day_number) {
  Date date;
  int64_t left = day_number;
  for (;; ++date.year) {
    const int days = DaysOfMonth(date.year, 2) == 29 ? 366 : 365;
    if (left < days) break;
    left -= days;
  }
  for (; left >= DaysOfMonth(date.year, date.month); ++date.month) left -= DaysOfMonth(date.year, date.month);
  date.day = static_cast<int>(left) + 1;
  return date;
}

Result<UpdateLabel> MakeLabel(const LabelTerms& terms) {
  const int64_t days = DayNumber(terms.support_until) - DayNumber(terms.from);
  if (days < 0) {
    return Error{"support ends on " + ToText(terms.support_until) + ", before " + ToText(terms.from)};
  }
  if (!(terms.updates_per_year >= 0 && terms.updates_per_year <= kMaxUpdatesPerYear)) {
    return Error{"updates per year: must be 0 .. 100000"};
  }
  UpdateLabel label;
  label.terms = terms;
  label.years = static_cast<double>(days) / kDaysPerYear;
  label.updates = label.years * terms.updates_per_year;
  return label;
}

void AddLine(const CostProfile& profile, const PricePlan& plan, const Link& link, const Cost& cost,
             UpdateLabel* label) {
  LabelLine line;
  line.profile = profile;
  line.plan = plan;
  line.link = link;
  line.cost = cost;
  line.billed_bytes = Amounts(cost.billed_bytes, *label);
  line.money = Amounts(cost.money, *label);
  line.bundle_share = Amounts(cost.bundle_share, *label);
  line.seconds = Amounts(cost.total_seconds, *label);
  line.joules = Amounts(cost.total_joules, *label);
  if (line.bundle_share && line.bundle_share->year.typical > 0) {
    const double lasts = 1 / line.bundle_share->year.typical;
    const bool is_before_end = lasts < label->years && (!plan.bundle->years || lasts < *plan.bundle->years);
    if (is_before_end) line.bundle_lasts_years = lasts;
  }
  label->lines.push_back(line);
}

}  // namespace libdelta
