// The update data label's days and sums.

#include "libdelta/cost/label.h"

#include <gtest/gtest.h>

namespace libdelta {
namespace {

Date Day(const char* text) { return ParseDate(text).value(); }

TEST(ParseDate, WantsDaysThatThereAre) {
  EXPECT_EQ(Day("2031-06-30"), (Date{2031, 6, 30}));
  EXPECT_EQ(Day("2028-02-29"), (Date{2028, 2, 29}));
  EXPECT_EQ(Day("2000-02-29"), (Date{2000, 2, 29}));
  for (const char* text :
       {"", "2031", "2031-6-30", "2031-06-31", "2027-02-29", "2100-02-29", "1969-12-31", "2031-13-01",
        "2031-00-01", "2031-01-00", "2031/06/30", "+031-06-30", "2031-06-3x"}) {
    EXPECT_FALSE(ParseDate(text).ok()) << text;
  }
}

TEST(DayNumber, CountsFrom1970) {
  EXPECT_EQ(DayNumber(Day("1970-01-01")), 0);
  EXPECT_EQ(DayNumber(Day("2000-03-01")), 11017);
  EXPECT_EQ(DayNumber(Day("2026-11-22")), 20779);
  for (const char* text : {"1970-01-01", "1999-12-31", "2000-02-29", "2028-12-31", "2031-06-30"}) {
    EXPECT_EQ(ToText(DateOfDay(DayNumber(Day(text)))), text);
  }
}

LabelTerms FourYears() { return {Day("2026-01-01"), Day("2030-01-01"), 12}; }

TEST(MakeLabel, CountsYearsAndUpdates) {
  // 4 x 365 + 1 days: exactly 4 years of 365.25.
  const UpdateLabel label = MakeLabel(FourYears()).value();
  EXPECT_DOUBLE_EQ(label.years, 4);
  EXPECT_DOUBLE_EQ(label.updates, 48);
}

TEST(MakeLabel, RefusesWhatCannotBe) {
  LabelTerms terms = FourYears();
  terms.support_until = Day("2025-12-31");
  EXPECT_EQ(MakeLabel(terms).error(), "support ends on 2025-12-31, before 2026-01-01");
  terms = FourYears();
  for (const double count : {-1.0, 100001.0, std::numeric_limits<double>::quiet_NaN()}) {
    terms.updates_per_year = count;
    EXPECT_EQ(MakeLabel(terms).error(), "updates per year: must be 0 .. 100000");
  }
  terms.updates_per_year = 0;
  EXPECT_TRUE(MakeLabel(terms).ok());
}

TEST(AddLine, MultipliesUpdates) {
  // 1 MB of 30 MB: 12 a year use 30 MB up in 2.5 years, before support ends in 4.
  PricePlan plan;
  plan.model = PriceModel::kBundle;
  plan.currency = "USD";
  plan.price_per_mb = Same(0.5);
  plan.bundle = Bundle{15, 30, 10};
  plan.metering.counts_overhead = false;
  Link link;
  link.payload_bytes = 1000;
  link.rate_bps = Same(8000000);
  UpdateLabel label = MakeLabel(FourYears()).value();
  AddLine({"P", "p", "", "", false}, plan, link, EstimateCost(plan, link, 1000000, {}).value(), &label);
  const LabelLine& line = label.lines.at(0);
  EXPECT_DOUBLE_EQ(line.billed_bytes.year.typical, 12e6);
  EXPECT_DOUBLE_EQ(line.money->update.typical, 0.5);
  EXPECT_DOUBLE_EQ(line.money->year.typical, 6);
  EXPECT_DOUBLE_EQ(line.money->support.typical, 24);
  EXPECT_DOUBLE_EQ(line.bundle_share->support.typical, 48.0 / 30);
  EXPECT_DOUBLE_EQ(line.seconds.year.typical, 12);
  EXPECT_FALSE(line.joules);
  ASSERT_TRUE(line.bundle_lasts_years);
  EXPECT_DOUBLE_EQ(*line.bundle_lasts_years, 2.5);
  // A bundle that ends before that is no worse for the updates.
  plan.bundle->years = 2;
  AddLine({"P", "p", "", "", false}, plan, link, EstimateCost(plan, link, 1000000, {}).value(), &label);
  EXPECT_FALSE(label.lines.at(1).bundle_lasts_years);
}

}  // namespace
}  // namespace libdelta
