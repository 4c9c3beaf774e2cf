// The cost model against examples worked by hand; the working is in the comments.

#include "libdelta/cost/model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "libdelta/sim/device_profile.h"

namespace libdelta {
namespace {

PricePlan PerMegabyte(double price) {
  PricePlan plan;
  plan.id = "test";
  plan.currency = "USD";
  plan.price_per_mb = Same(price);
  return plan;
}

PricePlan WithQuantum(uint64_t bytes, RoundingScope scope) {
  PricePlan plan = PerMegabyte(1);
  plan.metering.quantum_bytes = bytes;
  plan.metering.scope = scope;
  return plan;
}

PricePlan Credits() {
  PricePlan plan;
  plan.id = "credits";
  plan.currency = "USD";
  plan.model = PriceModel::kMessage;
  plan.message = MessagePrice{270, 50, 1, Range{0.05, 0.16, 0.20}};
  return plan;
}

// 100 bytes of payload and 20 of header at 8000 bit/s: 0.1 s for the payload, 0.02 s for the header.
Link Pipelined() {
  Link link;
  link.id = "test";
  link.payload_bytes = 100;
  link.overhead_bytes = 20;
  link.rate_bps = Same(8000);
  return link;
}

Link StopAndWait() {
  Link link = Pipelined();
  link.window = Window::kStopAndWait;
  link.request_bytes = 10;
  link.round_trip_seconds = Range{1, 2, 3};
  return link;
}

Link Messages() {
  Link link;
  link.id = "messages";
  link.window = Window::kStopAndWait;
  link.payload_bytes = 270;
  link.packets_per_session = 1;
  link.round_trip_seconds = Same(40);
  return link;
}

Cost Estimate(const PricePlan& plan, const Link& link, uint64_t bytes, const Conditions& conditions = {},
              const FlashWork* flash = nullptr) {
  const Result<Cost> cost = EstimateCost(plan, link, bytes, conditions, flash);
  EXPECT_TRUE(cost.ok()) << cost.error();
  return cost.ok() ? cost.value() : Cost{};
}

std::string Problem(const PricePlan& plan, const Link& link, uint64_t bytes,
                    const Conditions& conditions = {}) {
  const Result<Cost> cost = EstimateCost(plan, link, bytes, conditions);
  return cost.ok() ? "" : cost.error();
}

void ExpectRange(const Range& range, double low, double typical, double high) {
  EXPECT_DOUBLE_EQ(range.low, low);
  EXPECT_DOUBLE_EQ(range.typical, typical);
  EXPECT_DOUBLE_EQ(range.high, high);
}

TEST(Packets, ArePayloadAndOverhead) {
  // 250 bytes are 3 packets: 250 + 3 x 20 = 310 bytes, 310 x 8 / 8000 = 0.31 s, 310 / 10^6 x 2 = 0.00062.
  const Cost cost = Estimate(PerMegabyte(2), Pipelined(), 250);
  EXPECT_EQ(cost.packets, 3u);
  ExpectRange(cost.sessions, 1, 1, 1);
  ExpectRange(cost.wire_bytes, 310, 310, 310);
  ExpectRange(cost.billed_bytes, 310, 310, 310);
  ExpectRange(cost.transfer_seconds, 0.31, 0.31, 0.31);
  EXPECT_DOUBLE_EQ(cost.money->typical, 0.00062);
}

TEST(Packets, OneIsEnoughUpToThePayload) {
  EXPECT_EQ(Estimate(PerMegabyte(1), Pipelined(), 1).packets, 1u);
  EXPECT_EQ(Estimate(PerMegabyte(1), Pipelined(), 100).packets, 1u);
  EXPECT_EQ(Estimate(PerMegabyte(1), Pipelined(), 101).packets, 2u);
}

TEST(Packets, NothingCostsNothing) {
  for (const Link& link : {Pipelined(), StopAndWait(), Messages()}) {
    const Cost cost = Estimate(link.id == "messages" ? Credits() : PerMegabyte(1), link, 0);
    EXPECT_EQ(cost.packets, 0u);
    ExpectRange(cost.sessions, 0, 0, 0);
    ExpectRange(cost.billed_bytes, 0, 0, 0);
    ExpectRange(cost.transfer_seconds, 0, 0, 0);
    ExpectRange(*cost.money, 0, 0, 0);
  }
}

TEST(Packets, HugeUpdatesAreExact) {
  // 2^40 bytes are 2^40 / 100 = 10995116278 packets (rounded up), and 20 bytes more for each.
  const Cost cost = Estimate(PerMegabyte(1), Pipelined(), kMaxUpdateBytes);
  EXPECT_EQ(cost.packets, 10995116278u);
  EXPECT_EQ(cost.wire_bytes.typical, 1099511627776.0 + 10995116278.0 * 20);
  EXPECT_EQ(Problem(PerMegabyte(1), Pipelined(), kMaxUpdateBytes + 1),
            "an update of 1099511627777 bytes: at most 1099511627776");
}

TEST(Time, StopAndWaitAddsRoundTrips) {
  // 3 packets and requests: 310 + 30 bytes are 0.34 s; 3 round trips of 1, 2 and 3 s.
  const Cost cost = Estimate(PerMegabyte(1), StopAndWait(), 250);
  ExpectRange(cost.wire_bytes, 340, 340, 340);
  ExpectRange(cost.transfer_seconds, 3.34, 6.34, 9.34);
}

TEST(Time, NbIotBlockByBlock) {
  // METERED facts: 200 KB at 20 kbit/s take 80 s pipelined, about 21 min at one block of 512 bytes per 3 s.
  Link link = Pipelined();
  link.payload_bytes = 512;
  link.overhead_bytes = 0;
  link.rate_bps = Same(20000);
  EXPECT_DOUBLE_EQ(Estimate(PerMegabyte(1), link, 200000).transfer_seconds.typical, 80);
  link.window = Window::kStopAndWait;
  link.round_trip_seconds = Same(3);
  // 391 blocks x 3 s + 80 s = 1253 s.
  EXPECT_DOUBLE_EQ(Estimate(PerMegabyte(1), link, 200000).transfer_seconds.typical, 1253);
}

TEST(Time, HandshakesOfEachSession) {
  // 500 bytes at 8000 bit/s and 2 round trips of 2 s: 4.5 s more, and 500 bytes billed.
  Link link = StopAndWait();
  link.handshake_bytes = Same(500);
  link.handshake_round_trips = 2;
  const Cost cost = Estimate(PerMegabyte(1), link, 250);
  EXPECT_DOUBLE_EQ(cost.transfer_seconds.typical, 6.34 + 4.5);
  EXPECT_DOUBLE_EQ(cost.billed_bytes.typical, 340 + 500);
}

TEST(Time, RateOfPayloadLeavesHeadersOut) {
  Link link = Pipelined();
  link.rate_of_payload = true;
  const Cost cost = Estimate(PerMegabyte(1), link, 250);
  EXPECT_DOUBLE_EQ(cost.transfer_seconds.typical, 0.25);
  EXPECT_DOUBLE_EQ(cost.billed_bytes.typical, 310);
}

TEST(Time, DutyCycleStretches) {
  Link link = Pipelined();
  link.duty = Range{1, 0.1, 0.01};
  ExpectRange(Estimate(PerMegabyte(1), link, 250).transfer_seconds, 0.31, 3.1, 31);
}

TEST(Time, DailyCap) {
  // 32 bytes a day in packets of 8: 4 packets a day. 100 bytes are 13 packets, 3.25 days.
  Link link;
  link.id = "capped";
  link.window = Window::kScheduled;
  link.payload_bytes = 8;
  link.daily_cap_bytes = 32;
  EXPECT_DOUBLE_EQ(Estimate(PerMegabyte(1), link, 100).transfer_seconds.typical, 3.25 * 86400);
  // Where a round trip takes longer than the cap allows for, it decides: 13 x 30000 s.
  link.round_trip_seconds = Same(30000);
  EXPECT_DOUBLE_EQ(Estimate(PerMegabyte(1), link, 100).transfer_seconds.typical, 390000);
}

TEST(Time, MulticastSendsWholeFragmentsAndRedundantOnes) {
  // 250 bytes in fragments of 48: 6, and 20 % more, rounded up: 8. Each 48 + 16 bytes on the wire.
  Link link;
  link.id = "lora";
  link.window = Window::kMulticastFec;
  link.payload_bytes = 48;
  link.overhead_bytes = 16;
  link.redundancy_percent = 20;
  link.lora = LoraModulation{12, 125000, 5, 8, false};
  link.duty = Range{1, 0.1, 0.01};
  const Cost cost = Estimate(PerMegabyte(1), link, 250);
  EXPECT_EQ(cost.packets, 8u);
  EXPECT_DOUBLE_EQ(cost.wire_bytes.typical, 8 * 64);
  // 64 bytes at SF12 take 2.793472 s (below).
  EXPECT_DOUBLE_EQ(cost.transfer_seconds.low, 8 * 2.793472);
  EXPECT_DOUBLE_EQ(cost.transfer_seconds.typical, 80 * 2.793472);
  // More fragments than a session can number.
  link.packets_per_session = 4;
  EXPECT_DOUBLE_EQ(Estimate(PerMegabyte(1), link, 250).sessions.typical, 2);
}

TEST(LoraAirSeconds, FollowsTheDataSheet) {
  // SF12, 125 kHz: a symbol takes 4096 / 125000 = 32.768 ms, so low data rate optimization is on. 64 bytes:
  // 8 x 64 - 48 + 28 = 492 bits in groups of 4 x (12 - 2) = 40: 13 groups of 5 symbols. 8 + 4.25 + 8 + 65
  // = 85.25 symbols: 2.793472 s.
  EXPECT_DOUBLE_EQ(LoraAirSeconds({12, 125000, 5, 8, false}, 64), 2.793472);
  // SF7: 1.024 ms. 255 bytes: 2040 - 28 + 28 = 2040 bits in groups of 28: 73 x 5 symbols; 385.25: 394.496 ms.
  EXPECT_DOUBLE_EQ(LoraAirSeconds({7, 125000, 5, 8, false}, 255), 0.394496);
  // SF11 takes 16.384 ms a symbol: optimized as well. 10 bytes with CRC: 80 - 44 + 28 + 16 = 80 bits in
  // groups of 36: 3 x 5 symbols; 35.25: 577.536 ms.
  EXPECT_DOUBLE_EQ(LoraAirSeconds({11, 125000, 5, 8, true}, 10), 0.577536);
  // Nothing to send but the header: 8 + 4.25 + 8 symbols of 32.768 ms (0 - 48 + 28 bits are none).
  EXPECT_DOUBLE_EQ(LoraAirSeconds({12, 125000, 5, 8, false}, 0), 20.25 * 0.032768);
}

TEST(Billing, SessionsAreRoundedUp) {
  // 310 bytes on the wire.
  EXPECT_DOUBLE_EQ(
      Estimate(WithQuantum(1000, RoundingScope::kSession), Pipelined(), 250).billed_bytes.typical, 1000);
  // 980 bytes with headers of 20 each are 10 packets: 980 + 200 = 1180.
  EXPECT_DOUBLE_EQ(
      Estimate(WithQuantum(1000, RoundingScope::kSession), Pipelined(), 980).billed_bytes.typical, 2000);
}

TEST(Billing, ExactlyOnTheQuantum) {
  // 100 + 20 = 120 bytes: one unit of 120, or of 60 two; one byte less makes no difference, one more does.
  for (const uint64_t bytes : {99u, 100u}) {
    EXPECT_DOUBLE_EQ(
        Estimate(WithQuantum(120, RoundingScope::kSession), Pipelined(), bytes).billed_bytes.typical, 120);
  }
  EXPECT_DOUBLE_EQ(Estimate(WithQuantum(120, RoundingScope::kSession), Pipelined(), 101).billed_bytes.typical,
                   240);
  EXPECT_DOUBLE_EQ(Estimate(WithQuantum(60, RoundingScope::kSession), Pipelined(), 100).billed_bytes.typical,
                   120);
}

TEST(Billing, PacketsAreRoundedUp) {
  // Two packets of 120 and one of 70 bytes in units of 50: 150 + 150 + 100.
  const PricePlan plan = WithQuantum(50, RoundingScope::kPacket);
  EXPECT_DOUBLE_EQ(Estimate(plan, Pipelined(), 250).billed_bytes.typical, 400);
}

TEST(Billing, LeastPacketAndSession) {
  PricePlan plan = PerMegabyte(1);
  plan.metering.min_packet_bytes = 100;
  // 120 + 120 + 70 bytes: the last counts as 100.
  EXPECT_DOUBLE_EQ(Estimate(plan, Pipelined(), 250).billed_bytes.typical, 340);
  plan.metering.min_session_bytes = 5000;
  EXPECT_DOUBLE_EQ(Estimate(plan, Pipelined(), 250).billed_bytes.typical, 5000);
}

TEST(Billing, LongSessionsCountSeconds) {
  // Iridium Certus: at least 300 bytes for each second of a session of more than 300 s. 3 packets x 200 s =
  // 600 s.
  PricePlan plan = PerMegabyte(1);
  plan.metering.bytes_per_second = 300;
  plan.metering.bytes_per_second_after_seconds = 300;
  Link link = Messages();
  link.packets_per_session = 0;
  link.payload_bytes = 100;
  link.round_trip_seconds = Same(100);
  EXPECT_DOUBLE_EQ(Estimate(plan, link, 250).billed_bytes.typical, 250);  // 300 s: not more.
  link.round_trip_seconds = Same(200);
  EXPECT_DOUBLE_EQ(Estimate(plan, link, 250).billed_bytes.typical, 180000);
}

TEST(Billing, RecordsAreRoundedAgain) {
  // One packet of 120 bytes; the round trip of 3 h makes a session of half a record of 6 h. Low: it does not
  // cross a record's end. Typical: 0.50000... records end in it, and half a unit less a byte is lost at each;
  // high: one.
  PricePlan plan = WithQuantum(1000, RoundingScope::kRecord);
  plan.metering.record_seconds = 21600;
  Link link = StopAndWait();
  link.request_bytes = 0;
  link.rate_bps.reset();
  link.round_trip_seconds = Same(10800);
  ExpectRange(Estimate(plan, link, 100).billed_bytes, 1000, 1000 + 0.5 * 999 * 0.5, 1999);
}

TEST(Billing, UnitsOfAMonthAreSharedOrNot) {
  // 310 bytes of a unit of 1000: low shares it with other traffic, high falls into two months.
  for (const RoundingScope scope : {RoundingScope::kMonth, RoundingScope::kSimNetwork}) {
    ExpectRange(Estimate(WithQuantum(1000, scope), Pipelined(), 250).billed_bytes, 310, 1000, 2000);
  }
}

TEST(Billing, RequestsAndHeadersMayBeFree) {
  PricePlan plan = PerMegabyte(1);
  plan.metering.counts_up = false;
  EXPECT_DOUBLE_EQ(Estimate(plan, StopAndWait(), 250).billed_bytes.typical, 310);
  plan.metering.counts_overhead = false;
  EXPECT_DOUBLE_EQ(Estimate(plan, StopAndWait(), 250).billed_bytes.typical, 250);
}

TEST(Money, CreditsOfIridium) {
  // 600 bytes: messages of 270, 270 and 60 bytes; 6 + 6 + 2 credits of 50 bytes; 14 x 0.16 = 2.24.
  const Cost cost = Estimate(Credits(), Messages(), 600);
  ExpectRange(*cost.credits, 14, 14, 14);
  ExpectRange(cost.billed_bytes, 700, 700, 700);
  EXPECT_DOUBLE_EQ(cost.money->low, 14 * 0.05);
  EXPECT_DOUBLE_EQ(cost.money->typical, 14 * 0.16);
  ExpectRange(cost.sessions, 3, 3, 3);
  EXPECT_DOUBLE_EQ(cost.transfer_seconds.typical, 120);
  // One byte costs a whole credit, 50 do not cost more.
  EXPECT_DOUBLE_EQ(Estimate(Credits(), Messages(), 1).credits->typical, 1);
  EXPECT_DOUBLE_EQ(Estimate(Credits(), Messages(), 50).credits->typical, 1);
  EXPECT_DOUBLE_EQ(Estimate(Credits(), Messages(), 51).credits->typical, 2);
}

TEST(Money, LinksMustFitTheMessages) {
  EXPECT_EQ(
      Problem(
          Credits(),
          [] {
            Link link = Messages();
            link.payload_bytes = 271;
            return link;
          }(),
          1),
      "plan credits is priced by messages of at most 270 bytes, link messages sends packets of 271: choose a "
      "link of that service");
}

TEST(Money, NoPriceIsNotZero) {
  PricePlan plan = PerMegabyte(1);
  plan.price_per_mb.reset();
  EXPECT_FALSE(plan.is_priced());
  const Cost cost = Estimate(plan, Pipelined(), 250);
  EXPECT_FALSE(cost.money);
  EXPECT_DOUBLE_EQ(cost.billed_bytes.typical, 310);
  PricePlan credits = Credits();
  credits.message->credit_price.reset();
  EXPECT_FALSE(Estimate(credits, Messages(), 60).money);
  EXPECT_DOUBLE_EQ(Estimate(credits, Messages(), 60).credits->typical, 2);
}

TEST(Money, BundleShare) {
  // 310 of 500 MB; at 14 for the bundle.
  PricePlan plan = PerMegabyte(14.0 / 500);
  plan.model = PriceModel::kBundle;
  plan.bundle = Bundle{14, 500, 10};
  const Cost cost = Estimate(plan, Pipelined(), 250);
  EXPECT_DOUBLE_EQ(cost.bundle_share->typical, 310 / 500e6);
  EXPECT_DOUBLE_EQ(cost.money->typical, 14 * (310 / 500e6));
}

TEST(Money, Blocks) {
  // 310 bytes of blocks of 100 bytes (0.0001 MB) at 10: low fits in what is paid for, typical 3.1 blocks,
  // high 4; no more than 35 a month.
  PricePlan plan;
  plan.id = "blocks";
  plan.currency = "USD";
  plan.model = PriceModel::kBlock;
  plan.block = Block{0.0001, 10, 0, std::nullopt};
  ExpectRange(*Estimate(plan, Pipelined(), 250).money, 0, 31, 40);
  plan.block->month_cap = 35;
  ExpectRange(*Estimate(plan, Pipelined(), 250).money, 0, 31, 35);
  plan.block->price.reset();
  EXPECT_FALSE(Estimate(plan, Pipelined(), 250).money);
}

TEST(Energy, ReceiverSessionsPacketsAndBytes) {
  Link link = Pipelined();
  link.duty = Range{1, 0.5, 0.5};
  link.energy = RadioEnergy{Same(2), {false, false, true}, Same(0.1), Same(0.001), Same(5)};
  // Air time 0.31 s. Low, typical: 2 W x 0.31 s + 3 x 0.1 + 250 x 0.001 + 5; high: the receiver is on for
  // 0.62 s.
  const Cost cost = Estimate(PerMegabyte(1), link, 250);
  ExpectRange(*cost.radio_joules, 0.62 + 0.3 + 0.25 + 5, 0.62 + 0.3 + 0.25 + 5, 1.24 + 0.3 + 0.25 + 5);
  EXPECT_FALSE(Estimate(PerMegabyte(1), Pipelined(), 250).radio_joules);
}

TEST(Energy, FlashIsAdded) {
  Link link = Pipelined();
  link.energy = RadioEnergy{};
  link.energy->packet_joules = Same(1);
  FlashWork flash;
  flash.seconds = Range{1, 2, 3};
  flash.joules = Range{10, 20, 30};
  const Cost cost = Estimate(PerMegabyte(1), link, 250, {}, &flash);
  ExpectRange(*cost.total_joules, 13, 23, 33);
  ExpectRange(cost.total_seconds, 1.31, 2.31, 3.31);
  ExpectRange(cost.transfer_seconds, 0.31, 0.31, 0.31);
  EXPECT_FALSE(Estimate(PerMegabyte(1), Pipelined(), 250, {}, &flash).total_joules);
}

TEST(Energy, BatteryShare) {
  const Battery battery = {"b", "B", Range{200, 100, 50}, "", {}};
  ExpectRange(BatteryShare(battery, Same(10)), 0.05, 0.1, 0.2);
}

// A transfer of 3 packets of 120 s, which makes 360 s.
Link Slow() {
  Link link = Messages();
  link.packets_per_session = 0;
  link.payload_bytes = 100;
  link.round_trip_seconds = Same(120);
  link.energy = RadioEnergy{};
  link.energy->packet_joules = Same(1);
  link.energy->session_joules = Same(10);
  return link;
}

TEST(Interruptions, WithoutResume) {
  // 10 an hour are r = 1/360 a second: rt = 1. Expected (e - 1) x 360 s and e attempts.
  Conditions conditions;
  conditions.interruptions_per_hour = 10;
  conditions.resume = false;
  const Cost cost = Estimate(PerMegabyte(1), Slow(), 300, conditions);
  const double e = std::exp(1.0);
  EXPECT_NEAR(cost.transfer_seconds.typical, (e - 1) * 360, 1e-9);
  EXPECT_NEAR(cost.sessions.typical, e, 1e-12);
  EXPECT_NEAR(cost.wire_bytes.typical, (e - 1) * 300, 1e-9);
  EXPECT_NEAR(cost.radio_joules->typical, 10 * e + 3 * (e - 1), 1e-9);
}

TEST(Interruptions, WithResume) {
  // Units of one packet: rt = 1/3. Each takes (e^(1/3) - 1) x 360 s; 3 (e^(1/3) - 1) interruptions.
  Conditions conditions;
  conditions.interruptions_per_hour = 10;
  const Cost cost = Estimate(PerMegabyte(1), Slow(), 300, conditions);
  const double grown = std::exp(1.0 / 3) - 1;
  EXPECT_NEAR(cost.transfer_seconds.typical, 3 * grown * 360, 1e-9);
  EXPECT_NEAR(cost.sessions.typical, 1 + 3 * grown, 1e-12);
  // A unit that is the whole update is as without resuming.
  conditions.resume_unit_bytes = 300;
  EXPECT_NEAR(Estimate(PerMegabyte(1), Slow(), 300, conditions).transfer_seconds.typical,
              (std::exp(1.0) - 1) * 360, 1e-9);
}

TEST(Interruptions, ResumeNeverCostsMore) {
  for (const double rate : {0.001, 1.0, 10.0, 50.0}) {
    Conditions conditions;
    conditions.interruptions_per_hour = rate;
    const Cost with = Estimate(PerMegabyte(1), Slow(), 2000, conditions);
    conditions.resume = false;
    const Cost without = Estimate(PerMegabyte(1), Slow(), 2000, conditions);
    const Cost never = Estimate(PerMegabyte(1), Slow(), 2000);
    EXPECT_LE(with.transfer_seconds.typical, without.transfer_seconds.typical) << rate;
    EXPECT_GE(with.transfer_seconds.typical, never.transfer_seconds.typical) << rate;
    EXPECT_LE(with.billed_bytes.typical, without.billed_bytes.typical) << rate;
  }
}

TEST(Interruptions, AreContinuousAtZero) {
  Conditions conditions;
  conditions.interruptions_per_hour = 1e-9;
  const Cost few = Estimate(WithQuantum(1000, RoundingScope::kSession), Slow(), 2000, conditions);
  const Cost none = Estimate(WithQuantum(1000, RoundingScope::kSession), Slow(), 2000);
  EXPECT_NEAR(few.transfer_seconds.typical, none.transfer_seconds.typical, 1e-3);
  EXPECT_NEAR(few.billed_bytes.typical, none.billed_bytes.typical, 1e-3);
  EXPECT_NEAR(few.sessions.typical, none.sessions.typical, 1e-6);
}

TEST(Interruptions, MayNeverEnd) {
  Conditions conditions;
  conditions.interruptions_per_hour = 3600;
  conditions.resume = false;
  const Cost cost = Estimate(PerMegabyte(0), Slow(), 300, conditions);
  EXPECT_FALSE(cost.ends(Case::kTypical));
  EXPECT_TRUE(std::isinf(cost.money->typical));  // And not 0 times infinity.
  EXPECT_TRUE(std::isinf(cost.radio_joules->typical));
  const CostRatios ratios = Compare(Estimate(PerMegabyte(0), Slow(), 1), cost);
  EXPECT_FALSE(ratios.transfer_seconds);
}

TEST(Interruptions, MustBeANumber) {
  for (const double rate : {-1.0, std::nan(""), HUGE_VAL}) {
    Conditions conditions;
    conditions.interruptions_per_hour = rate;
    EXPECT_EQ(Problem(PerMegabyte(1), Pipelined(), 1, conditions),
              "interruptions per hour: must be 0 or more");
  }
}

TEST(Compare, DiffersByColumn) {
  // 50 and 500 bytes in units of 1000 bytes: a tenth of the bytes, all of the money.
  const PricePlan plan = WithQuantum(1000, RoundingScope::kSession);
  FlashWork flash;
  flash.erases = 4;
  flash.seconds = Same(1);
  flash.joules = Same(1);
  const CostRatios ratios =
      Compare(Estimate(plan, Pipelined(), 50, {}, &flash), Estimate(plan, Pipelined(), 500, {}, &flash));
  EXPECT_DOUBLE_EQ(ratios.update_bytes->typical, 0.1);
  EXPECT_DOUBLE_EQ(ratios.billed_bytes->typical, 1);
  EXPECT_DOUBLE_EQ(ratios.money->typical, 1);
  EXPECT_DOUBLE_EQ(ratios.transfer_seconds->typical, 70.0 / 600);
  EXPECT_DOUBLE_EQ(ratios.total_seconds->typical, 1.07 / 1.6);
  EXPECT_DOUBLE_EQ(ratios.flash_erases->typical, 1);
  EXPECT_FALSE(ratios.radio_joules);
}

TEST(Compare, NoRatioToNothing) {
  const Cost free = Estimate(PerMegabyte(0), Pipelined(), 500);
  EXPECT_FALSE(Compare(free, free).money);
  EXPECT_FALSE(Compare(free, Estimate(PerMegabyte(0), Pipelined(), 0)).transfer_seconds);
}

TEST(FindBreakEven, Rounding) {
  // A unit of 1000 bytes holds 8 whole packets (960 bytes) and one of 20 + 20: 820 bytes.
  const Result<BreakEven> sizes = FindBreakEven(WithQuantum(1000, RoundingScope::kSession), Pipelined());
  ASSERT_TRUE(sizes.ok());
  EXPECT_EQ(sizes.value().rounding_bytes, 820);
  EXPECT_FALSE(FindBreakEven(PerMegabyte(1), Pipelined()).value().rounding_bytes);
  EXPECT_EQ(FindBreakEven(Credits(), Messages()).value().rounding_bytes, 50);
}

TEST(FindBreakEven, SessionAndFlash) {
  // 1 mJ for a byte and 2 J for a session: 2000 bytes. 1 J of flash: with the session's 2 J the radio is
  // always more.
  Link link = Pipelined();
  link.overhead_bytes = 0;
  link.energy = RadioEnergy{};
  link.energy->byte_joules = Same(0.001);
  link.energy->session_joules = Same(2);
  link.handshake_bytes = Same(400);
  FlashWork flash;
  flash.seconds = Same(1.4);
  flash.joules = Same(1);
  BreakEven sizes = FindBreakEven(PerMegabyte(1), link, &flash).value();
  EXPECT_EQ(sizes.session_energy_bytes, 2000);
  EXPECT_EQ(sizes.session_time_bytes, 400);
  EXPECT_EQ(sizes.flash_time_bytes, 1000);  // 0.4 s of handshake, and 1 s.
  EXPECT_FALSE(sizes.flash_energy_bytes);
  flash.joules = Same(2.5);
  EXPECT_EQ(FindBreakEven(PerMegabyte(1), link, &flash).value().flash_energy_bytes, 500);
}

TEST(WholeSlotWork, ErasesAndProgramsEachPage) {
  // nrf52840: 10000 bytes are 3 pages of 4096: 3 x 85 ms; 2500 words x 41 us = 102.5 ms. 4 mA at 3 V.
  const DeviceProfile device = FindProfile("nrf52840").value();
  const FlashWork work = WholeSlotWork(device, {}, 10000).value();
  EXPECT_EQ(work.erases, 3u);
  EXPECT_EQ(work.programmed_bytes, 10000u);
  EXPECT_EQ(work.most_erases_of_a_page, 1u);
  EXPECT_NEAR(work.seconds.typical, 0.3575, 1e-12);
  EXPECT_NEAR(work.joules.typical, 0.3575 * 0.004 * 3, 1e-12);
  EXPECT_DOUBLE_EQ(work.wear_share, 1.0 / device.endurance_cycles);
  EXPECT_EQ(WholeSlotWork(device, {}, 1).value().programmed_bytes, 4u);  // A word.
  EXPECT_EQ(WholeSlotWork(device, {}, 0).value().erases, 0u);
  EXPECT_FALSE(WholeSlotWork(device, {}, device.slot.length + 1).ok());
}

TEST(WholeSlotWork, Spread) {
  FlashSpread spread;
  spread.erase = {1, 1, 2};
  spread.program = {0.5, 1, 1};
  spread.current = {1, 1, 10};
  const DeviceProfile device = FindProfile("nrf52840").value();
  const FlashWork work = WholeSlotWork(device, spread, 4096).value();
  EXPECT_NEAR(work.seconds.low, 0.085 + 0.5 * 0.041984, 1e-12);
  EXPECT_NEAR(work.seconds.high, 0.170 + 0.041984, 1e-12);
  EXPECT_NEAR(work.joules.high, (0.170 + 0.041984) * 0.012 * 10, 1e-12);
}

}  // namespace
}  // namespace libdelta
