// Users' own price plans: our format, broadband labels, and what is not understood.

#include "libdelta/cost/plan_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace libdelta {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

OwnPlan Parse(const std::string& text, const std::string& plan_id = "") {
  const Result<OwnPlan> plan = ParsePlanFile(text, "p", plan_id);
  EXPECT_TRUE(plan.ok()) << plan.error();
  return plan.ok() ? plan.value() : OwnPlan{};
}

std::string Problem(const std::string& text, const std::string& plan_id = "") {
  const Result<OwnPlan> plan = ParsePlanFile(text, "p", plan_id);
  return plan.ok() ? "" : plan.error();
}

TEST(OwnFormat, NeedsNameModelAndCurrency) {
  const OwnPlan own = Parse(R"({"name": "mine", "model": "per_byte", "currency": "EUR",
                                "price_per_mb": {"low": 1, "typical": 2, "high": 3},
                                "price_date": "2026-10"})");
  EXPECT_EQ(own.plan.id, "own");
  EXPECT_EQ(own.plan.currency, "EUR");
  EXPECT_EQ(own.plan.price_per_mb->typical, 2);
  EXPECT_EQ(own.plan.price_date, "2026-10");
  EXPECT_FALSE(own.link);
  EXPECT_EQ(Problem(R"({"model": "flat", "currency": "EUR"})"), "p: name: missing; add it");
  EXPECT_EQ(Problem(R"({"name": "mine", "model": "flat", "currency": "eur"})"),
            "p: currency \"eur\": must be three capital letters, as in USD");
  EXPECT_EQ(Problem(R"({"name": "mine", "model": "flat", "currency": "EUR"})", "X"),
            "p: has one plan and no ids of broadband labels");
}

constexpr const char* kHeader =
    "date_published,unique_plan_identifier,provider_name,service_plan_name,bandwidth_download_units,"
    "bandwidth_download_typical_low,bandwidth_download_typical_high,latency_idle_low,latency_idle_high,"
    "currency,"
    "price_type,price_recurring,policy_data_usage,fee_data_usage,fee_data_usage_description\r\n";

// A label with these three last fields.
std::string Csv(const std::string& data_usage, const std::string& id = "F0005937974TIER1") {
  return kHeader + ("2025-01-15," + id + ",Example Net,Fast 100,Mbps,50,100,10,30,USD,Post-Paid,49.99," +
                    data_usage + "\r\n");
}

TEST(BroadbandLabel, Blocks) {
  const OwnPlan own = Parse(Csv("Yes,10,\"$10 for each additional 50 GB over 1.2 TB.\""));
  EXPECT_EQ(own.plan.id, "F0005937974TIER1");
  EXPECT_EQ(own.plan.name, "Example Net, Fast 100");
  EXPECT_EQ(own.plan.price_date, "2025-01-15");
  EXPECT_EQ(own.plan.model, PriceModel::kBlock);
  EXPECT_EQ(own.plan.block->mb, 50000);
  EXPECT_EQ(own.plan.block->price, 10);
  EXPECT_EQ(own.plan.block->included_mb, 1200000);
  EXPECT_EQ(own.plan.monthly_fee, 49.99);
  EXPECT_EQ(
      own.to_check,
      "read as: 10 USD for each started 50000000 kB after 1200000 MB a month; the label says \"$10 for each "
      "additional 50 GB over 1.2 TB.\"");
}

TEST(BroadbandLabel, TellsSpeedAndLatency) {
  const OwnPlan own = Parse(Csv("No,,"));
  ASSERT_TRUE(own.link);
  EXPECT_EQ(own.link->rate_bps->low, 100e6);
  EXPECT_EQ(own.link->rate_bps->typical, 75e6);
  EXPECT_EQ(own.link->rate_bps->high, 50e6);
  EXPECT_EQ(own.link->round_trip_seconds->typical, 0.02);
}

TEST(BroadbandLabel, UnderstandsPhrasesThatMeanOneThing) {
  struct Case {
    const char* fee;
    const char* text;
    double mb, included_mb;
  };
  for (const Case& c :
       {Case{"1", "$1 per GB after the first 1 TB.", 1000, 1000000}, Case{"2.50", "$2.50 per 100 MB", 100, 0},
        Case{"5", "5 USD / gb beyond 20 GB", 1000, 20000},
        Case{"15", "$15 for every additional 500 MB", 500, 0}}) {
    const OwnPlan own = Parse(Csv(std::string("Yes,") + c.fee + "," + c.text));
    ASSERT_TRUE(own.plan.block) << c.text;
    EXPECT_DOUBLE_EQ(own.plan.block->mb, c.mb) << c.text;
    EXPECT_DOUBLE_EQ(own.plan.block->included_mb, c.included_mb) << c.text;
  }
}

TEST(BroadbandLabel, AsksForWhatIsNotClear) {
  for (const char* text :
       {"$2 per GB during peak times and $1 per GB during off-peak times.", "varies by region",
        "$1 per GB after the first 1 TB, at most $50", "$1 per device", ""}) {
    EXPECT_THAT(Problem(Csv(std::string("Yes,1,\"") + text + "\"")),
                StartsWith("p: fee_data_usage_description \"" + std::string(text) +
                           "\": cannot be read without doubt. Write what it means into a plan file"))
        << text;
  }
  EXPECT_EQ(Problem(Csv("Yes,2,$1 per GB")),
            "p: fee_data_usage 2: is not the amount in fee_data_usage_description \"$1 per GB\"");
  EXPECT_THAT(Problem(Csv("Yes,Varies,$1 per GB")), HasSubstr("fee_data_usage \"Varies\": must be a number"));
  EXPECT_THAT(Problem(Csv("Perhaps,1,$1 per GB")),
              HasSubstr("policy_data_usage \"perhaps\": must be Yes or No"));
  EXPECT_THAT(Problem(Csv(",,")), HasSubstr("does not say whether data costs extra"));
  EXPECT_THAT(Problem(kHeader + std::string(",,,,,,,,,,Volume-Based,10,Yes,1,$1 per GB\r\n")),
              StartsWith("p: price_type \"Volume-Based\": cannot be read without doubt"));
}

TEST(BroadbandLabel, NoFee) {
  const OwnPlan own =
      Parse(Csv("Yes,,\"No fee but bitrates are reduced to 100 Mbps after 10 GB of usage.\""));
  EXPECT_EQ(own.plan.model, PriceModel::kFlat);
  EXPECT_EQ(own.plan.price_per_mb, Same(0));
  EXPECT_THAT(own.to_check, HasSubstr("bitrates are reduced"));
}

TEST(BroadbandLabel, OneOfSeveral) {
  const std::string two = Csv("No,,") + Csv("Yes,1,$1 per GB", "M1").substr(std::string(kHeader).size());
  EXPECT_EQ(Problem(two), "p: 2 plans; choose one by its id: F0005937974TIER1 M1");
  EXPECT_EQ(Parse(two, "M1").plan.model, PriceModel::kBlock);
  EXPECT_EQ(Problem(two, "M2"), "p: no plan \"M2\"; there are F0005937974TIER1 M1");
  EXPECT_EQ(Problem(Csv("No,,") + Csv("No,,").substr(std::string(kHeader).size()), "F0005937974TIER1"),
            "p: plan F0005937974TIER1: there twice");
}

TEST(BroadbandLabel, AsJson) {
  const std::string label =
      R"({"unique_plan_identifier": "M1", "provider_name": "N", "fee_data_usage": 1,
          "policy_data_usage": "Yes", "fee_data_usage_description": "$1 per GB",
          "download_bandwidth_typical": "20", "download_bandwidth_units": "Mbps",
          "latency_idle": 40, "extra": null})";
  const OwnPlan own = Parse(label);
  EXPECT_EQ(own.plan.currency, "USD");
  EXPECT_EQ(own.plan.block->price, 1);
  EXPECT_EQ(own.link->rate_bps->typical, 20e6);
  EXPECT_EQ(Parse("[" + label + "]", "M1").plan.name, "N");
  EXPECT_EQ(Problem("[]"), "p: no broadband label in it");
  EXPECT_EQ(Problem("[1]"), "p: a list of broadband labels must have objects only");
  EXPECT_EQ(Problem(R"({"policy_data_usage": ["No"]})"), "p: policy_data_usage: must be a text or a number");
}

TEST(ParsePlanFile, RefusesHostileFiles) {
  EXPECT_THAT(Problem(""), HasSubstr("neither JSON nor a broadband label"));
  EXPECT_THAT(Problem("hello"), HasSubstr("neither JSON nor a broadband label"));
  EXPECT_THAT(Problem("{"), StartsWith("p: not JSON: "));
  EXPECT_THAT(Problem(std::string(300000, '[')), StartsWith("p: "));
  EXPECT_THAT(Problem(R"({"name": "m", "model": "flat", "currency": "USD", "metering": )" +
                      std::string(100000, '[') + std::string(100000, ']') + "}"),
              StartsWith("p: nested more than 32 deep"));
  EXPECT_EQ(Problem(std::string(kMaxPlanFileSize + 1, ' ')), "p: larger than 16777216 bytes: no price plan");
  EXPECT_EQ(Problem("a,b\n1\n"), "p: row 2: 1 fields, the header has 2");
  EXPECT_EQ(Problem("a,a\n1,2\n"), "p: column a: there twice; remove one");
  EXPECT_EQ(Problem("a,b\n\"1,2\n"), "p: a quoted field has no end");
  EXPECT_EQ(Problem("a,b\n\"1\"x,2\n"), "p: row 2: text after a quoted field");
  EXPECT_THAT(Problem(Csv("Yes,1," + std::string(100000, '1') + " per GB")),
              HasSubstr("cannot be read without doubt"));
  EXPECT_THAT(Problem(Csv("Yes,1e999,$1 per GB")), HasSubstr("must be a number"));
  EXPECT_THAT(Problem(Csv("Yes,nan,$1 per GB")), HasSubstr("must be a number"));
  EXPECT_THAT(Problem(Csv("Yes,-1,$1 per GB")), HasSubstr("must be a number"));
}

TEST(ParsePlanFile, ReadsQuotedFieldsAndByteOrderMarks) {
  const OwnPlan own = Parse(
      "\xef\xbb\xbf"
      "provider_name,policy_data_usage\r\n\"A \"\"B\"\", C\r\nD\",No\r\n");
  EXPECT_EQ(own.plan.name, "A \"B\", C\r\nD");
}

}  // namespace
}  // namespace libdelta
