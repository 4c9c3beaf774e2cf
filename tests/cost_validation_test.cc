// The model against observations, and the committed table of its errors.

#include "libdelta/cost/validation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "libdelta/cost/catalog.h"

namespace libdelta {
namespace {

using ::testing::HasSubstr;

std::vector<Validation> All() { return ValidateModel(BuiltInCatalog().value()).value(); }

const Validation& Find(const std::vector<Validation>& all, const std::string& id) {
  for (const Validation& validation : all) {
    if (validation.observation.id == id) return validation;
  }
  ADD_FAILURE() << id;
  return all.front();
}

TEST(ValidateModel, PredictsTransfersThatWereMeasured) {
  // Transfers in the field whose round trip does not come from the transfer itself.
  int near = 0;
  int field = 0;
  for (const Validation& validation : All()) {
    const bool is_field = !validation.observation.id.starts_with("lora-");  // Those are calculations.
    if (!is_field || validation.observation.inputs_from_same_log) continue;
    ++field;
    if (std::abs(validation.error) <= 0.3) ++near;
  }
  EXPECT_GE(field, 5);
  EXPECT_GE(near, 3);
}

TEST(ValidateModel, ThreadWithTheMeasuredPing) {
  // 380000 / 64 = 5938 blocks. Each 138 ms; 380000 + 5938 x 80 bytes at 125 kbit/s are 54.7 s: 874.2 s.
  const std::vector<Validation> all = All();
  const Validation& thread = Find(all, "thread-updatehub-ping");
  EXPECT_NEAR(thread.predicted, 5938 * 0.138 + (380000 + 5938 * 80) * 8 / 125000.0, 1e-9);
  EXPECT_NEAR(thread.error, thread.predicted / 990 - 1, 1e-12);
}

TEST(ValidateModel, AirTimesAreThoseOfTheFormula) {
  const std::vector<Validation> all = All();
  for (const char* id : {"lora-sf7", "lora-sf9", "lora-sf11"})
    EXPECT_NEAR(Find(all, id).error, 0, 1e-6) << id;
}

TEST(ValidateModel, EachHasASource) {
  for (const Validation& validation : All()) {
    EXPECT_THAT(validation.observation.source.url, HasSubstr("://")) << validation.observation.id;
    EXPECT_FALSE(validation.observation.inputs.empty()) << validation.observation.id;
  }
}

std::string Problem(const std::string& json) {
  const Result<std::vector<Validation>> result = ValidateModel(BuiltInCatalog().value(), json, "o.json");
  return result.ok() ? "" : result.error();
}

std::string One(const std::string& fields) {
  return R"({"observations": [{"id": "a", "what": "w", "source": "s", "update_bytes": 10, "inputs": "i",
    "inputs_from_same_log": false, "link": {"id": "l", "name": "l", "window": "pipelined",
    "confidence": "low", "payload_bytes": 10, "overhead_bytes": 0, 
    "round_trip_seconds": {"low": 1, "typical": 1, "high": 1}, "figures": {}}, )" +
         fields + R"(}], "sources": {"s": {"title": "t", "url": "u", "date": "d", "quality": "forum"}}})";
}

TEST(ValidateModel, RefusesObservationsThatSayNothing) {
  EXPECT_EQ(Problem(One(R"("quantity": "seconds", "observed_low": 1, "observed_high": 1, "plan": "none")")),
            "");
  EXPECT_EQ(Problem(One(R"("quantity": "seconds", "observed_low": 0, "observed_high": 1, "plan": "none")")),
            "o.json: observation a: observed_low and observed_high must be above 0 and ascend");
  EXPECT_EQ(Problem(One(R"("quantity": "joules", "observed_low": 1, "observed_high": 1, "plan": "none")")),
            "o.json: observation a: quantity \"joules\": must be seconds or credits");
  EXPECT_EQ(Problem(One(R"("quantity": "credits", "observed_low": 1, "observed_high": 1, "plan": "none")")),
            "o.json: observation a: plan none has no credits");
  EXPECT_EQ(Problem(One(R"("quantity": "seconds", "observed_low": 1, "observed_high": 1, "plan": "x")")),
            "o.json: observation a: there is no plan x");
}

}  // namespace
}  // namespace libdelta
