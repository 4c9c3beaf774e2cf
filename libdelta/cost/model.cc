// The model, in the order of a transfer: packets, time, repetition, bytes on the wire, billed bytes, money,
// energy.

#include "libdelta/cost/model.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace libdelta {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();
constexpr double kDaySeconds = 86400;
constexpr double kHourSeconds = 3600;
// Expected durations beyond 100 years count as never.
constexpr double kLongestSeconds = 100 * 365.25 * kDaySeconds;

uint64_t DivideUp(uint64_t a, uint64_t b) { return a / b + (a % b != 0 ? 1 : 0); }

double RoundUp(double bytes, uint64_t quantum) {
  const double q = static_cast<double>(quantum);
  return std::ceil(bytes / q) * q;
}

// An update as packets, nothing lost.
struct Packets {
  uint64_t count = 0;
  uint32_t last_payload = 0;  // Bytes of the update in the last one.
  double payload_bytes = 0;   // On the wire; with redundancy.
  double overhead_bytes = 0;  // Of all of them.
  double request_bytes = 0;   // Sent up.
  uint64_t sessions = 0;

  double down_bytes() const { return payload_bytes + overhead_bytes; }
};

Packets MakePackets(const Link& link, uint64_t update_bytes) {
  Packets packets;
  if (update_bytes == 0) return packets;
  const uint64_t data_packets = DivideUp(update_bytes, link.payload_bytes);
  packets.count = data_packets;
  packets.last_payload = static_cast<uint32_t>(update_bytes - (data_packets - 1) * link.payload_bytes);
  packets.payload_bytes = static_cast<double>(update_bytes);
  if (link.window == Window::kMulticastFec) {
    // Fragments are all of one size, and so are the redundant ones.
    packets.count += DivideUp(data_packets * link.redundancy_percent, 100);
    packets.last_payload = link.payload_bytes;
    packets.payload_bytes = static_cast<double>(packets.count) * link.payload_bytes;
  }
  packets.overhead_bytes = static_cast<double>(packets.count) * link.overhead_bytes;
  packets.request_bytes = static_cast<double>(packets.count) * link.request_bytes;
  packets.sessions = link.packets_per_session == 0 ? 1 : DivideUp(packets.count, link.packets_per_session);
  return packets;
}

// Seconds during which the link carries the packets.
double AirSeconds(const Link& link, const Packets& packets, Case which) {
  if (packets.count == 0) return 0;
  if (link.lora || link.packet_seconds) {
    return static_cast<double>(packets.count) * PacketAirSeconds(link, which);
  }
  if (!link.rate_bps) return 0;
  double bytes = link.rate_of_payload ? packets.payload_bytes : packets.down_bytes();
  if (link.window == Window::kStopAndWait) bytes += packets.request_bytes;
  return bytes * 8 / link.rate_bps->at(which);
}

double RoundTripSeconds(const Link& link, Case which) {
  return link.round_trip_seconds ? link.round_trip_seconds->at(which) : 0;
}

// Seconds from the first request to the last packet, nothing lost, without handshakes.
double WorkSeconds(const Link& link, const Packets& packets, Case which) {
  if (packets.count == 0) return 0;
  const double count = static_cast<double>(packets.count);
  const double round_trip = RoundTripSeconds(link, which);
  double seconds = AirSeconds(link, packets, which);
  switch (link.window) {
    case Window::kPipelined:
    case Window::kMulticastFec:
    case Window::kMulticastAck:
      seconds += round_trip;
      break;
    case Window::kStopAndWait:
    case Window::kScheduled:
      seconds += count * round_trip;
      break;
  }
  seconds /= link.duty.at(which);
  if (link.daily_cap_bytes != 0) {
    const double packets_a_day = static_cast<double>(link.daily_cap_bytes) / link.payload_bytes;
    seconds = std::max(seconds, count / packets_a_day * kDaySeconds);
  }
  return seconds;
}

double HandshakeSeconds(const Link& link, Case which) {
  const double bits = link.handshake_bytes.at(which) * 8;
  const double bits_seconds = link.rate_bps ? bits / link.rate_bps->at(which) : 0;
  return link.handshake_round_trips * RoundTripSeconds(link, which) + bits_seconds / link.duty.at(which);
}

// How the work grows when it is interrupted: by memoryless interruptions, after each of which a unit of it
// starts again. A unit of t seconds then takes (e^(rt) - 1) / r seconds and e^(rt) attempts in the mean.
struct Repetition {
  double seconds = 0;       // Of the whole transfer, with handshakes.
  double work_seconds = 0;  // Without them.
  double work_factor = 1;   // Of what is sent, and of the time it is in the air.
  double attempts = 1;      // Of each packet.
  double sessions = 0;
};

double ExpectedSeconds(double rate, double seconds) {
  return rate == 0 ? seconds : std::expm1(rate * seconds) / rate;
}

// By what factor work of so many seconds grows.
double Growth(double rate, double seconds) {
  return seconds == 0 ? 1 : ExpectedSeconds(rate, seconds) / seconds;
}

Repetition Repeat(const Link& link, const Packets& packets, uint64_t update_bytes,
                  const Conditions& conditions, Case which) {
  Repetition result;
  if (packets.count == 0) return result;
  const double rate = conditions.interruptions_per_hour / kHourSeconds;
  const double work = WorkSeconds(link, packets, which);
  const double handshake = HandshakeSeconds(link, which);
  const double sessions = static_cast<double>(packets.sessions);
  if (rate == 0) {
    result.work_seconds = work;
    result.seconds = work + sessions * handshake;
    result.sessions = sessions;
    return result;
  }
  if (conditions.resume) {
    const double unit_bytes =
        static_cast<double>(std::max<uint64_t>(conditions.resume_unit_bytes, link.payload_bytes));
    const double units = std::max(1.0, static_cast<double>(update_bytes) / unit_bytes);
    const double unit_seconds = work / units;
    result.attempts = std::exp(rate * unit_seconds);
    result.work_factor = Growth(rate, unit_seconds);
    const double begun = sessions + units * std::expm1(rate * unit_seconds);
    result.sessions = begun * std::exp(rate * handshake);
    result.seconds = work * result.work_factor + begun * ExpectedSeconds(rate, handshake);
  } else {
    const double all = work + sessions * handshake;
    result.attempts = std::exp(rate * all);
    result.work_factor = Growth(rate, all);
    result.sessions = sessions + std::expm1(rate * all) + (result.work_factor - 1) * (sessions - 1);
    result.seconds = ExpectedSeconds(rate, all);
  }
  result.work_seconds = work * result.work_factor;
  if (!(result.seconds <= kLongestSeconds)) result = {kNever, kNever, kNever, kNever, kNever};
  return result;
}

// Messages and sessions that repetition adds may or may not begin a unit: none does, half of it is lost, or
// all.
double RoundingShare(Case which) { return which == Case::kLow ? 0 : which == Case::kTypical ? 0.5 : 1; }

double BilledPacket(const Metering& metering, double bytes) {
  const double least = std::max(bytes, static_cast<double>(metering.min_packet_bytes));
  return metering.scope == RoundingScope::kPacket ? RoundUp(least, metering.quantum_bytes) : least;
}

// Bytes of `count` packets as the plan counts them, of which the last has `last_payload` bytes of the update.
double CountedBytes(const Metering& metering, const Link& link, uint64_t count, uint32_t last_payload) {
  if (count == 0) return 0;
  const double overhead = metering.counts_overhead ? link.overhead_bytes : 0;
  const double packets = static_cast<double>(count);
  double bytes = (packets - 1) * BilledPacket(metering, link.payload_bytes + overhead) +
                 BilledPacket(metering, last_payload + overhead);
  if (metering.counts_up && link.request_bytes != 0) {
    bytes += packets * BilledPacket(metering, link.request_bytes);
  }
  return bytes;
}

// What sessions of their own are rounded to, nothing lost.
double SessionsRounded(const Metering& metering, const Link& link, const Packets& packets, Case which) {
  const auto round_session = [&](uint64_t count, uint32_t last_payload) {
    const double bytes = CountedBytes(metering, link, count, last_payload) + link.handshake_bytes.at(which);
    return RoundUp(std::max(bytes, static_cast<double>(metering.min_session_bytes)), metering.quantum_bytes);
  };
  const uint64_t whole = packets.sessions - 1;
  const uint64_t last_count = packets.count - whole * link.packets_per_session;
  const double whole_bytes =
      whole == 0 ? 0
                 : static_cast<double>(whole) * round_session(link.packets_per_session, link.payload_bytes);
  return whole_bytes + round_session(last_count, packets.last_payload);
}

double BilledBytes(const Metering& metering, const Link& link, const Packets& packets,
                   const Repetition& repetition, Case which) {
  if (packets.count == 0) return 0;
  const double counted = CountedBytes(metering, link, packets.count, packets.last_payload);
  const double handshake = link.handshake_bytes.at(which);
  const double all = counted * repetition.work_factor + handshake * repetition.sessions;
  const double unit = static_cast<double>(metering.quantum_bytes);
  double billed = 0;
  switch (metering.scope) {
    case RoundingScope::kPacket:
      billed = all;
      break;
    case RoundingScope::kMonth:
    case RoundingScope::kSimNetwork:
      // Low: other traffic uses the rest of the unit. High: the update falls into two months or networks.
      billed = which == Case::kLow ? all : RoundUp(all, metering.quantum_bytes);
      if (which == Case::kHigh && metering.quantum_bytes > 1) billed += unit;
      break;
    case RoundingScope::kSession:
    case RoundingScope::kRecord: {
      const double added_sessions = repetition.sessions - static_cast<double>(packets.sessions);
      double added_ends = added_sessions;
      if (metering.scope == RoundingScope::kRecord) {
        const double records = repetition.seconds / metering.record_seconds;
        added_ends += which == Case::kLow       ? std::floor(records)
                      : which == Case::kTypical ? records
                                                : std::ceil(records);
      }
      billed = SessionsRounded(metering, link, packets, which) + counted * (repetition.work_factor - 1) +
               handshake * added_sessions + added_ends * (unit - 1) * RoundingShare(which);
      break;
    }
  }
  billed = std::max(billed, repetition.sessions * static_cast<double>(metering.min_session_bytes));
  if (repetition.seconds / repetition.sessions > metering.bytes_per_second_after_seconds) {
    billed = std::max(billed, repetition.seconds * metering.bytes_per_second);
  }
  return billed;
}

double Credits(const MessagePrice& message, const Metering& metering, const Link& link,
               const Packets& packets, const Repetition& repetition) {
  if (packets.count == 0) return 0;
  const uint64_t overhead = metering.counts_overhead ? link.overhead_bytes : 0;
  const auto of_packet = [&](uint64_t payload) {
    return static_cast<double>(
        std::max(message.min_credits, DivideUp(payload + overhead, message.credit_bytes)));
  };
  const double whole = static_cast<double>(packets.count - 1) * of_packet(link.payload_bytes);
  return (whole + of_packet(packets.last_payload)) * repetition.attempts;
}

double BlockMoney(const Block& block, double billed_bytes, Case which) {
  double blocks = 0;  // Low: what is included, or a block that has begun, has room for the update.
  if (which == Case::kTypical)
    blocks = billed_bytes / block.bytes();  // The mean, wherever in a block it begins.
  if (which == Case::kHigh) blocks = std::ceil(billed_bytes / block.bytes());
  const double money = blocks * *block.price;
  return block.month_cap ? std::min(money, *block.month_cap) : money;
}

// Only for plans that are priced.
double Money(const PricePlan& plan, const Cost& cost, Case which) {
  switch (plan.model) {
    case PriceModel::kBlock:
      return BlockMoney(*plan.block, cost.billed_bytes.at(which), which);
    case PriceModel::kMessage:
      return cost.credits->at(which) * plan.message->credit_price->at(which);
    case PriceModel::kFlat:
    case PriceModel::kPerByte:
    case PriceModel::kBundle:
      break;
  }
  return cost.billed_bytes.at(which) / 1e6 * plan.price_per_mb->at(which);
}

double RadioJoules(const Link& link, const Packets& packets, const Repetition& repetition, Case which) {
  const RadioEnergy& energy = *link.energy;
  const double sent = repetition.work_factor;
  const double receiving = energy.is_on_between_packets[static_cast<size_t>(which)]
                               ? repetition.work_seconds
                               : AirSeconds(link, packets, which) * sent;
  return energy.session_joules.at(which) * repetition.sessions +
         energy.packet_joules.at(which) * static_cast<double>(packets.count) * sent +
         energy.byte_joules.at(which) * packets.payload_bytes * sent +
         energy.receive_watts.at(which) * receiving;
}

std::optional<Error> CheckArguments(const PricePlan& plan, const Link& link, uint64_t update_bytes,
                                    const Conditions& conditions) {
  if (update_bytes > kMaxUpdateBytes) {
    return Error{"an update of " + std::to_string(update_bytes) + " bytes: at most " +
                 std::to_string(kMaxUpdateBytes)};
  }
  const double rate = conditions.interruptions_per_hour;
  if (!(rate >= 0) || !std::isfinite(rate)) return Error{"interruptions per hour: must be 0 or more"};
  if (std::optional<Error> error = CheckPlan(plan)) return error;
  if (std::optional<Error> error = CheckLink(link)) return error;
  if (plan.message && link.payload_bytes > plan.message->max_bytes) {
    return Error{"plan " + plan.id + " is priced by messages of at most " +
                 std::to_string(plan.message->max_bytes) + " bytes, link " + link.id + " sends packets of " +
                 std::to_string(link.payload_bytes) + ": choose a link of that service"};
  }
  return std::nullopt;
}

// All that is sent for one case.
void EstimateCase(const PricePlan& plan, const Link& link, const Conditions& conditions,
                  const Packets& packets, Case which, Cost* cost) {
  const Repetition repetition = Repeat(link, packets, cost->update_bytes, conditions, which);
  cost->transfer_seconds.at(which) = repetition.seconds;
  const bool ends = std::isfinite(repetition.seconds);
  const auto value = [ends](double number) { return ends ? number : kNever; };
  cost->sessions.at(which) = value(repetition.sessions);
  cost->wire_bytes.at(which) = value((packets.down_bytes() + packets.request_bytes) * repetition.work_factor +
                                     link.handshake_bytes.at(which) * repetition.sessions);
  if (cost->credits) {
    cost->credits->at(which) = value(Credits(*plan.message, plan.metering, link, packets, repetition));
    cost->billed_bytes.at(which) = cost->credits->at(which) * static_cast<double>(plan.message->credit_bytes);
  } else {
    cost->billed_bytes.at(which) = value(BilledBytes(plan.metering, link, packets, repetition, which));
  }
  if (cost->money) cost->money->at(which) = value(Money(plan, *cost, which));
  if (cost->bundle_share) {
    cost->bundle_share->at(which) = cost->billed_bytes.at(which) / plan.bundle->bytes();
  }
  if (cost->radio_joules)
    cost->radio_joules->at(which) = value(RadioJoules(link, packets, repetition, which));
}

Ratio Divide(const Range& update, const Range& full) {
  Range ratio;
  for (const Case which : kCases) {
    if (!std::isfinite(update.at(which)) || !std::isfinite(full.at(which)) || full.at(which) == 0) {
      return std::nullopt;
    }
    ratio.at(which) = update.at(which) / full.at(which);
  }
  return ratio;
}

Ratio Divide(const std::optional<Range>& update, const std::optional<Range>& full) {
  return update && full ? Divide(*update, *full) : std::nullopt;
}

// The largest size of which `holds` is true, if it is true of all smaller ones and of 1.
template <typename Predicate>
std::optional<double> LargestSize(Predicate holds) {
  if (!holds(1)) return std::nullopt;
  uint64_t low = 1;
  uint64_t high = kMaxUpdateBytes;
  while (low < high) {
    const uint64_t middle = low + (high - low + 1) / 2;
    if (holds(middle)) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return static_cast<double>(low);
}

}  // namespace

bool Cost::ends(Case which) const { return std::isfinite(transfer_seconds.at(which)); }

Result<Cost> EstimateCost(const PricePlan& plan, const Link& link, uint64_t update_bytes,
                          const Conditions& conditions, const FlashWork* flash) {
  if (const std::optional<Error> error = CheckArguments(plan, link, update_bytes, conditions)) return *error;
  Cost cost;
  cost.update_bytes = update_bytes;
  const Packets packets = MakePackets(link, update_bytes);
  cost.packets = packets.count;
  if (plan.message) cost.credits = Range{};
  if (plan.is_priced()) cost.money = Range{};
  if (plan.bundle) cost.bundle_share = Range{};
  if (link.energy) cost.radio_joules = Range{};
  for (const Case which : kCases) EstimateCase(plan, link, conditions, packets, which, &cost);
  cost.total_seconds = cost.transfer_seconds;
  cost.total_joules = cost.radio_joules;
  if (flash == nullptr) return cost;
  cost.flash = *flash;
  for (const Case which : kCases) {
    cost.total_seconds.at(which) += flash->seconds.at(which);
    if (cost.total_joules) cost.total_joules->at(which) += flash->joules.at(which);
  }
  return cost;
}

CostRatios Compare(const Cost& update, const Cost& full) {
  CostRatios ratios;
  ratios.update_bytes =
      Divide(Same(static_cast<double>(update.update_bytes)), Same(static_cast<double>(full.update_bytes)));
  ratios.wire_bytes = Divide(update.wire_bytes, full.wire_bytes);
  ratios.billed_bytes = Divide(update.billed_bytes, full.billed_bytes);
  ratios.money = Divide(update.money, full.money);
  ratios.transfer_seconds = Divide(update.transfer_seconds, full.transfer_seconds);
  ratios.total_seconds = Divide(update.total_seconds, full.total_seconds);
  ratios.radio_joules = Divide(update.radio_joules, full.radio_joules);
  ratios.total_joules = Divide(update.total_joules, full.total_joules);
  if (update.flash && full.flash) {
    ratios.flash_seconds = Divide(update.flash->seconds, full.flash->seconds);
    ratios.flash_joules = Divide(update.flash->joules, full.flash->joules);
    ratios.flash_erases = Divide(Same(static_cast<double>(update.flash->erases)),
                                 Same(static_cast<double>(full.flash->erases)));
  }
  return ratios;
}

Result<BreakEven> FindBreakEven(const PricePlan& plan, const Link& link, const FlashWork* flash) {
  const Result<Cost> least = EstimateCost(plan, link, 1, {}, nullptr);
  if (!least.ok()) return Error{least.error()};
  // What CheckArguments() accepts of one size it accepts of all up to the largest.
  const auto cost_of = [&](uint64_t bytes) { return EstimateCost(plan, link, bytes, {}, nullptr).value(); };
  BreakEven result;
  result.rounding_bytes = LargestSize([&](uint64_t bytes) {
    return cost_of(bytes).billed_bytes.typical <= least.value().billed_bytes.typical;
  });
  if (result.rounding_bytes == 1) result.rounding_bytes.reset();
  const double handshake = HandshakeSeconds(link, Case::kTypical);
  result.session_time_bytes = LargestSize([&](uint64_t bytes) {
    return WorkSeconds(link, MakePackets(link, bytes), Case::kTypical) <= handshake;
  });
  if (link.energy) {
    const double session = link.energy->session_joules.typical;
    result.session_energy_bytes = LargestSize([&](uint64_t bytes) {
      const Cost cost = cost_of(bytes);
      return cost.radio_joules->typical <= session * (cost.sessions.typical + 1);
    });
    if (flash != nullptr) {
      result.flash_energy_bytes = LargestSize(
          [&](uint64_t bytes) { return cost_of(bytes).radio_joules->typical <= flash->joules.typical; });
    }
  }
  if (flash != nullptr) {
    result.flash_time_bytes = LargestSize(
        [&](uint64_t bytes) { return cost_of(bytes).transfer_seconds.typical <= flash->seconds.typical; });
  }
  return result;
}

double LoraAirSeconds(const LoraModulation& modulation, uint32_t phy_bytes) {
  const int factor = static_cast<int>(modulation.spreading_factor);
  const double symbol_seconds = static_cast<double>(1 << factor) / modulation.bandwidth_hz;
  const int slow = symbol_seconds >= 0.016 ? 1 : 0;
  const int64_t bits = 8 * static_cast<int64_t>(phy_bytes) - 4 * factor + 28 + (modulation.crc ? 16 : 0);
  const int64_t bits_per_group = 4 * (factor - 2 * slow);
  const int64_t groups = bits <= 0 ? 0 : (bits + bits_per_group - 1) / bits_per_group;
  const double symbols =
      modulation.preamble_symbols + 4.25 + 8 + static_cast<double>(groups * modulation.coding_rate);
  return symbols * symbol_seconds;
}

double PacketAirSeconds(const Link& link, Case which) {
  const uint32_t bytes = link.payload_bytes + (link.rate_of_payload ? 0 : link.overhead_bytes);
  if (link.lora) return LoraAirSeconds(*link.lora, bytes);
  if (link.packet_seconds) return link.packet_seconds->at(which);
  return link.rate_bps ? bytes * 8.0 / link.rate_bps->at(which) : 0;
}

Range BatteryShare(const Battery& battery, const Range& joules) {
  Range share;
  for (const Case which : kCases) share.at(which) = joules.at(which) / battery.joules.at(which);
  return share;
}

}  // namespace libdelta
