// Price plans and links: the shipped catalog, its schema, its traceability, and errors in others.

#include "libdelta/cost/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "libdelta/cost/model.h"
#include "libdelta/sim/device_profile.h"
#include "tests/support/schema.h"

namespace libdelta {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using Json = nlohmann::json;

Json ReadCostFile(const std::string& name) {
  std::ifstream file(std::string(LIBDELTA_SOURCE_DIR) + "/libdelta/cost/" + name);
  return Json::parse(file);
}

const Catalog& Shipped() {
  static const Catalog catalog = BuiltInCatalog().value();
  return catalog;
}

TEST(BuiltInCatalog, Loads) {
  const Result<Catalog> catalog = BuiltInCatalog();
  ASSERT_TRUE(catalog.ok()) << catalog.error();
  EXPECT_EQ(catalog.value().profiles.size(), 32u);
  EXPECT_EQ(catalog.value().plans.size(), 29u);
  EXPECT_EQ(catalog.value().links.size(), 21u);
}

TEST(BuiltInCatalog, FollowsItsSchema) {
  Schema schema(ReadCostFile("profiles.schema.json"));
  EXPECT_THAT(schema.Check(ReadCostFile("profiles.json")), IsEmpty());
}

TEST(BuiltInCatalog, EveryProfileGivesACost) {
  for (const CostProfile& profile : Shipped().profiles) {
    const PricePlan& plan = *Shipped().FindPlan(profile.plan);
    const Link& link = *Shipped().FindLink(profile.link);
    for (const uint64_t bytes : {uint64_t{1}, uint64_t{4000}, uint64_t{200000}, kMaxUpdateBytes}) {
      const Result<Cost> cost = EstimateCost(plan, link, bytes, {});
      ASSERT_TRUE(cost.ok()) << profile.id << ": " << cost.error();
      const Range& seconds = cost.value().transfer_seconds;
      EXPECT_LE(seconds.low, seconds.typical) << profile.id;
      EXPECT_LE(seconds.typical, seconds.high) << profile.id;
      EXPECT_EQ(cost.value().money.has_value(), plan.is_priced()) << profile.id;
      if (cost.value().money) {
        EXPECT_LE(cost.value().money->low, cost.value().money->typical) << profile.id;
        EXPECT_LE(cost.value().money->typical, cost.value().money->high) << profile.id;
      }
      if (cost.value().radio_joules) {
        EXPECT_LE(cost.value().radio_joules->low, cost.value().radio_joules->typical) << profile.id;
        EXPECT_LE(cost.value().radio_joules->typical, cost.value().radio_joules->high) << profile.id;
      }
    }
  }
}

TEST(BuiltInCatalog, MoreBytesNeverCostLess) {
  for (const CostProfile& profile : Shipped().profiles) {
    const PricePlan& plan = *Shipped().FindPlan(profile.plan);
    const Link& link = *Shipped().FindLink(profile.link);
    Cost last = EstimateCost(plan, link, 0, {}).value();
    for (uint64_t bytes = 1; bytes < 3000; bytes += 7) {
      const Cost cost = EstimateCost(plan, link, bytes, {}).value();
      EXPECT_LE(last.billed_bytes.typical, cost.billed_bytes.typical) << profile.id << " " << bytes;
      EXPECT_LE(last.transfer_seconds.typical, cost.transfer_seconds.typical) << profile.id << " " << bytes;
      last = cost;
    }
  }
}

// Names of the numbers in a link's JSON object, with "energy." before those of its energy.
void AddNumbers(const Json& object, const std::string& prefix, std::vector<std::string>* names) {
  for (const auto& [name, value] : object.items()) {
    if (name == "energy") {
      AddNumbers(value, "energy.", names);
    } else if (name != "figures" && !value.is_string() && !value.is_null() && !value.is_boolean()) {
      names->push_back(prefix + name);
    }
  }
}

TEST(BuiltInCatalog, EveryNumberOfALinkSaysWhereItIsFrom) {
  const Json file = ReadCostFile("profiles.json");
  for (const Json& link : file["links"]) {
    std::vector<std::string> names;
    AddNumbers(link, "", &names);
    for (const std::string& name : names) {
      if (name == "overhead_bytes" && link["overhead_bytes"] == 0) continue;
      // Goes with the watts, whose basis says so.
      if (name == "energy.is_on_between_packets") continue;
      EXPECT_TRUE(link["figures"].contains(name)) << link["id"] << " " << name;
    }
    for (const auto& [name, figure] : link["figures"].items()) {
      EXPECT_FALSE(figure["basis"].get<std::string>().empty()) << link["id"] << " " << name;
    }
  }
}

TEST(BuiltInCatalog, EverySourceIsUsedAndHasAnAddressAndDate) {
  // As keys, which are quoted, beside the definition.
  const std::string text = ReadCostFile("profiles.json").dump();
  for (const auto& [key, source] : Shipped().sources) {
    const size_t first = text.find("\"" + key + "\"");
    EXPECT_NE(text.find("\"" + key + "\"", first + 1), std::string::npos) << key;
    EXPECT_FALSE(source.title.empty()) << key;
    EXPECT_FALSE(source.url.empty()) << key;
    EXPECT_FALSE(source.date.empty()) << key;
  }
}

TEST(BuiltInCatalog, PricesHaveADateAndAStatus) {
  for (const PricePlan& plan : Shipped().plans) {
    const bool needs_date = plan.is_priced() && plan.model != PriceModel::kFlat;
    EXPECT_TRUE(!needs_date || !plan.price_date.empty()) << plan.id;
  }
  EXPECT_EQ(Shipped().FindPlan("sat-bgan")->status, PriceStatus::kHistoric);
  EXPECT_EQ(Shipped().FindPlan("sat-swarm")->status, PriceStatus::kWithdrawn);
  for (const char* id : {"starlink-perGB", "sat-certus", "sat-skylo", "sat-astrocast"}) {
    EXPECT_FALSE(Shipped().FindPlan(id)->is_priced()) << id;
  }
}

TEST(BuiltInCatalog, BundlePricesAreThoseOfTheBundle) {
  for (const char* id : {"iot-1nce", "iot-blues", "inflight", "iot-emnify"}) {
    const PricePlan& plan = *Shipped().FindPlan(id);
    EXPECT_NEAR(plan.price_per_mb->typical, *plan.bundle->price / plan.bundle->mb, 1e-9) << id;
  }
}

TEST(BuiltInCatalog, KnowsItsDevices) {
  std::vector<std::string> names = ProfileNames();
  names.emplace_back("w25q");  // A flash beside the controller, for users' own profiles.
  for (const FlashSpread& spread : Shipped().flash_spreads) {
    EXPECT_NE(std::find(names.begin(), names.end(), spread.device), names.end()) << spread.device;
  }
}

TEST(FindProfile, ByIdOrPlanAndLink) {
  EXPECT_EQ(Shipped().FindProfile("P21").value().link, "iridium");
  const CostProfile made = Shipped().FindProfile("iot-emnify+nbiot").value();
  EXPECT_EQ(made.plan, "iot-emnify");
  EXPECT_EQ(made.link, "nbiot");
  EXPECT_THAT(Shipped().FindProfile("P99").error(), StartsWith("no profile \"P99\"; there are P01 P02"));
  EXPECT_THAT(Shipped().FindProfile("x+nbiot").error(),
              StartsWith("no plan \"x\"; there are none mob-cheapest"));
  EXPECT_THAT(Shipped().FindProfile("none+x").error(), StartsWith("no link \"x\"; there are wifi lte"));
}

// The problem of the shipped catalog with the member at a JSON pointer replaced.
std::string ProblemWith(const std::string& pointer, const Json& value) {
  Json json = ReadCostFile("profiles.json");
  json[Json::json_pointer(pointer)] = value;
  const Result<Catalog> catalog = ParseCatalog(json.dump(), "c.json");
  return catalog.ok() ? "" : catalog.error();
}

TEST(ParseCatalog, RefusesWhatIsNotJson) {
  EXPECT_THAT(ParseCatalog("", "c.json").error(), StartsWith("c.json: not JSON: "));
  EXPECT_THAT(ParseCatalog("[]", "c.json").error(), StartsWith("c.json: the file: must be an object"));
  EXPECT_THAT(ParseCatalog("{\"as_of\": 1, \"as_of\": 2}", "c.json").error(),
              HasSubstr("as_of: there twice"));
}

TEST(ParseCatalog, RefusesDeepFilesWithoutRecursion) {
  const std::string deep = "{\"as_of\": " + std::string(200000, '[') + std::string(200000, ']') + "}";
  EXPECT_EQ(ParseCatalog(deep, "c.json").error(), "c.json: nested more than 32 deep");
}

TEST(ParseCatalog, NamesWhatIsWrong) {
  EXPECT_THAT(ProblemWith("/plans/1/price", 1),
              StartsWith("c.json: plans[1].price: unknown field; there are id"));
  EXPECT_EQ(ProblemWith("/plans/1/price_per_mb/low", -1),
            "c.json: plan mob-cheapest: price_per_mb -1: must be 0 .. 1000000000000000");
  EXPECT_EQ(ProblemWith("/plans/1/price_per_mb/low", 2),
            "c.json: plan mob-cheapest: price_per_mb: low, typical and high must ascend (slow, typical and "
            "fast too)");
  EXPECT_EQ(ProblemWith("/plans/1/price_per_mb/low", "1"),
            "c.json: plans[1].price_per_mb.low \"1\": must be a number");
  EXPECT_EQ(ProblemWith("/plans/1/currency", "dollar"),
            "c.json: plan mob-cheapest: currency \"dollar\": must be three capital letters, as in USD");
  EXPECT_EQ(ProblemWith("/plans/1/model", "free"),
            "c.json: plans[1].model \"free\": must be one of flat per_byte bundle block message");
  EXPECT_EQ(ProblemWith("/plans/1/model", "message"),
            "c.json: plan mob-cheapest: model \"message\": the field message goes with \"message\"");
  EXPECT_EQ(ProblemWith("/plans/1/model", "bundle"),
            "c.json: plan mob-cheapest: model \"bundle\": needs the field bundle");
  EXPECT_EQ(ProblemWith("/plans/1/metering", {{"quantum_bytes", 0}}),
            "c.json: plan mob-cheapest: metering.quantum_bytes 0: must be 1 or more");
  EXPECT_EQ(ProblemWith("/plans/1/metering", {{"scope", "record"}}),
            "c.json: plan mob-cheapest: metering.record_seconds 0: must be 1 .. 1000000000000000");
  EXPECT_EQ(ProblemWith("/plans/1/id", "none"), "c.json: id \"none\": there twice; rename one");
  EXPECT_EQ(ProblemWith("/plans/1/id", "a+b"),
            "c.json: id \"a+b\": must not be empty nor have a space, \"+\", \",\" or \"/\"");
  EXPECT_EQ(ProblemWith("/profiles/1/plan", "x"), "c.json: profile P02: there is no plan x");
  EXPECT_EQ(ProblemWith("/profiles/1/link", "x"), "c.json: profile P02: there is no link x");
  EXPECT_EQ(ProblemWith("/links/0/payload_bytes", 0),
            "c.json: link wifi: payload_bytes 0: must be 1 .. 16777216");
  EXPECT_EQ(ProblemWith("/links/0/rate_bps/slow", 0),
            "c.json: link wifi: rate_bps 0: must be 0.000001 .. 1000000000000000");
  EXPECT_EQ(ProblemWith("/links/0/rate_bps/slow", 1e12),
            "c.json: link wifi: rate_bps: low, typical and high must ascend (slow, typical and fast too)");
  EXPECT_EQ(ProblemWith("/links/0/rate_bps", nullptr),
            "c.json: link wifi: rate_bps: missing; add it, or lora, packet_seconds, round_trip_seconds or "
            "daily_cap_bytes");
  EXPECT_EQ(ProblemWith("/batteries/0/joules/low", 0), "c.json: battery cr2032: joules must be above 0");
}

TEST(ParseCatalog, WantsSources) {
  EXPECT_EQ(ProblemWith("/plans/1/sources/0", "x"), "c.json: plan mob-cheapest: there is no source \"x\"");
  EXPECT_EQ(ProblemWith("/plans/1/sources", Json::array()),
            "c.json: plan mob-cheapest: no source; give one, or a basis that begins with \"assumed\"");
  EXPECT_EQ(ProblemWith("/links/0/figures/rate_bps/basis", "known"),
            "c.json: link wifi, rate_bps: no source; give one, or a basis that begins with \"assumed\"");
}

}  // namespace
}  // namespace libdelta
