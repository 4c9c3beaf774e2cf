#include "libdelta/cost/catalog.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace libdelta {
namespace {

template <typename T>
const T* Find(const std::vector<T>& list, std::string_view id) {
  const auto found = std::find_if(list.begin(), list.end(), [id](const T& item) { return item.id == id; });
  return found == list.end() ? nullptr : &*found;
}

template <typename T>
std::string IdsOf(const std::vector<T>& list) {
  std::string ids;
  for (const T& item : list) ids += " " + item.id;
  return ids;
}

constexpr uint64_t kMaxQuantum = uint64_t{1} << 40;
constexpr double kMaxNumber = 1e15;

// Finds the first number that is impossible.
class Checker {
 public:
  const std::optional<Error>& error() const { return error_; }

  void Fail(const std::string& what) {
    if (!error_) error_ = Error{what};
  }
  void Check(bool ok, const std::string& what) {
    if (!ok) Fail(what);
  }
  void CheckNumber(const std::string& field, double value, double least, double most) {
    if (std::isfinite(value) && value >= least && value <= most) return;
    Fail(field + " " + Text(value) + ": must be " + Text(least) + " .. " + Text(most));
  }
  void CheckNumber(const std::string& field, const std::optional<double>& value, double least, double most) {
    if (value) CheckNumber(field, *value, least, most);
  }
  // `least` is for each of the three, which must ascend.
  void CheckRange(const std::string& field, const Range& range, double least, double most) {
    for (const Case which : kCases) CheckNumber(field, range.at(which), least, most);
    Check(range.low <= range.typical && range.typical <= range.high,
          field + ": low, typical and high must ascend (slow, typical and fast too)");
  }
  void CheckRange(const std::string& field, const std::optional<Range>& range, double least, double most) {
    if (range) CheckRange(field, *range, least, most);
  }
  // Of speeds and shares of time: low is the highest number.
  void CheckSpeed(const std::string& field, const Range& range, double least, double most) {
    CheckRange(field, {range.high, range.typical, range.low}, least, most);
  }

 private:
  static std::string Text(double value) {
    std::string text = std::to_string(value);
    while (text.find('.') != std::string::npos && (text.ends_with('0') || text.ends_with('.'))) {
      const bool was_point = text.ends_with('.');
      text.pop_back();
      if (was_point) break;
    }
    return text;
  }

  std::optional<Error> error_;
};

void CheckMetering(const Metering& metering, Checker* checker) {
  const auto check_bytes = [&](const char* field, uint64_t bytes) {
    checker->Check(bytes <= kMaxQuantum, std::string("metering.") + field + ": must be at most 2^40 bytes");
  };
  checker->Check(metering.quantum_bytes != 0, "metering.quantum_bytes 0: must be 1 or more");
  check_bytes("quantum_bytes", metering.quantum_bytes);
  check_bytes("min_packet_bytes", metering.min_packet_bytes);
  check_bytes("min_session_bytes", metering.min_session_bytes);
  checker->CheckNumber("metering.bytes_per_second", metering.bytes_per_second, 0, kMaxNumber);
  checker->CheckNumber("metering.bytes_per_second_after_seconds", metering.bytes_per_second_after_seconds, 0,
                       kMaxNumber);
  const double least_record = metering.scope == RoundingScope::kRecord ? 1 : 0;
  checker->CheckNumber("metering.record_seconds", metering.record_seconds, least_record, kMaxNumber);
}

void CheckModel(const PricePlan& plan, Checker* checker) {
  const std::string model(NameOf(plan.model));
  checker->Check(plan.model != PriceModel::kBundle || plan.bundle,
                 "model \"" + model + "\": needs the field bundle");
  checker->Check((plan.model == PriceModel::kBlock) == plan.block.has_value(),
                 "model \"" + model + "\": the field block goes with \"block\"");
  checker->Check((plan.model == PriceModel::kMessage) == plan.message.has_value(),
                 "model \"" + model + "\": the field message goes with \"message\"");
  checker->Check(!plan.price_per_mb || (!plan.block && !plan.message),
                 "price_per_mb: not beside block or message");
  checker->CheckRange("price_per_mb", plan.price_per_mb, 0, kMaxNumber);
  if (plan.bundle) {
    checker->CheckNumber("bundle.mb", plan.bundle->mb, 1e-6, kMaxNumber);
    checker->CheckNumber("bundle.price", plan.bundle->price, 0, kMaxNumber);
    checker->CheckNumber("bundle.years", plan.bundle->years, 1e-3, 1000);
  }
  if (plan.block) {
    checker->CheckNumber("block.mb", plan.block->mb, 1e-6, kMaxNumber);
    checker->CheckNumber("block.price", plan.block->price, 0, kMaxNumber);
    checker->CheckNumber("block.included_mb", plan.block->included_mb, 0, kMaxNumber);
    checker->CheckNumber("block.month_cap", plan.block->month_cap, 0, kMaxNumber);
  }
  if (plan.message) {
    checker->Check(plan.message->max_bytes != 0, "message.max_bytes 0: must be 1 or more");
    checker->Check(plan.message->credit_bytes != 0, "message.credit_bytes 0: must be 1 or more");
    checker->Check(plan.message->min_credits <= 1000000, "message.min_credits: must be at most 1000000");
    checker->CheckRange("message.credit_price", plan.message->credit_price, 0, kMaxNumber);
  }
}

void CheckEnergy(const RadioEnergy& energy, Checker* checker) {
  // Not ascending: in one case the receiver may be on, in another there are pulses.
  const auto check = [&](const char* field, const Range& range) {
    for (const Case which : kCases) {
      checker->CheckNumber(std::string("energy.") + field, range.at(which), 0, kMaxNumber);
    }
  };
  check("receive_watts", energy.receive_watts);
  check("packet_joules", energy.packet_joules);
  check("byte_joules", energy.byte_joules);
  check("session_joules", energy.session_joules);
}

void CheckLora(const LoraModulation& lora, Checker* checker) {
  checker->CheckNumber("lora.spreading_factor", lora.spreading_factor, 6, 12);
  checker->CheckNumber("lora.bandwidth_hz", lora.bandwidth_hz, 1000, 2000000);
  checker->CheckNumber("lora.coding_rate", lora.coding_rate, 5, 8);
  checker->CheckNumber("lora.preamble_symbols", lora.preamble_symbols, 0, 65535);
}

}  // namespace

std::string_view NameOf(Confidence confidence) {
  switch (confidence) {
    case Confidence::kLow:
      return "low";
    case Confidence::kMedium:
      return "medium";
    case Confidence::kHigh:
      return "high";
  }
  return "";
}

std::string_view NameOf(Payer payer) {
  switch (payer) {
    case Payer::kNobody:
      return "nobody";
    case Payer::kEndUser:
      return "end_user";
    case Payer::kFleetOwner:
      return "fleet_owner";
    case Payer::kOperator:
      return "operator";
  }
  return "";
}

std::string_view NameOf(PriceStatus status) {
  switch (status) {
    case PriceStatus::kCurrent:
      return "current";
    case PriceStatus::kHistoric:
      return "historic";
    case PriceStatus::kWithdrawn:
      return "withdrawn";
  }
  return "";
}

std::string_view NameOf(PriceModel model) {
  switch (model) {
    case PriceModel::kFlat:
      return "flat";
    case PriceModel::kPerByte:
      return "per_byte";
    case PriceModel::kBundle:
      return "bundle";
    case PriceModel::kBlock:
      return "block";
    case PriceModel::kMessage:
      return "message";
  }
  return "";
}

std::string_view NameOf(RoundingScope scope) {
  switch (scope) {
    case RoundingScope::kPacket:
      return "packet";
    case RoundingScope::kSession:
      return "session";
    case RoundingScope::kRecord:
      return "record";
    case RoundingScope::kMonth:
      return "month";
    case RoundingScope::kSimNetwork:
      return "sim_network";
  }
  return "";
}

std::string_view NameOf(Window window) {
  switch (window) {
    case Window::kPipelined:
      return "pipelined";
    case Window::kStopAndWait:
      return "stop_and_wait";
    case Window::kScheduled:
      return "scheduled";
    case Window::kMulticastFec:
      return "multicast_fec";
    case Window::kMulticastAck:
      return "multicast_ack";
  }
  return "";
}

bool PricePlan::is_priced() const {
  if (model == PriceModel::kBlock) return block && block->price;
  if (model == PriceModel::kMessage) return message && message->credit_price;
  return price_per_mb.has_value();
}

std::optional<Error> CheckPlan(const PricePlan& plan) {
  Checker checker;
  const auto is_upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  checker.Check(
      plan.currency.size() == 3 && std::all_of(plan.currency.begin(), plan.currency.end(), is_upper),
      "currency \"" + plan.currency + "\": must be three capital letters, as in USD");
  CheckModel(plan, &checker);
  CheckMetering(plan.metering, &checker);
  checker.CheckNumber("fees.monthly", plan.monthly_fee, 0, kMaxNumber);
  checker.CheckNumber("fees.daily", plan.daily_fee, 0, kMaxNumber);
  return checker.error();
}

std::optional<Error> CheckLink(const Link& link) {
  constexpr uint32_t kMaxPacket = 1 << 24;
  Checker checker;
  const auto check_packet = [&](const char* field, uint32_t bytes, uint32_t least) {
    checker.CheckNumber(field, bytes, least, kMaxPacket);
  };
  check_packet("payload_bytes", link.payload_bytes, 1);
  check_packet("overhead_bytes", link.overhead_bytes, 0);
  check_packet("request_bytes", link.request_bytes, 0);
  checker.CheckNumber("redundancy_percent", link.redundancy_percent, 0, 1000);
  checker.CheckNumber("handshake_round_trips", link.handshake_round_trips, 0, 1000);
  checker.CheckRange("handshake_bytes", link.handshake_bytes, 0, kMaxPacket);
  checker.CheckRange("packet_seconds", link.packet_seconds, 0, kMaxNumber);
  checker.CheckRange("round_trip_seconds", link.round_trip_seconds, 0, kMaxNumber);
  if (link.rate_bps) checker.CheckSpeed("rate_bps", *link.rate_bps, 1e-6, kMaxNumber);
  checker.CheckSpeed("duty", link.duty, 1e-6, 1);
  if (link.lora) CheckLora(*link.lora, &checker);
  if (link.energy) CheckEnergy(*link.energy, &checker);
  checker.Check(link.rate_bps || link.packet_seconds || link.lora || link.round_trip_seconds ||
                    link.daily_cap_bytes != 0,
                "rate_bps: missing; add it, or lora, packet_seconds, round_trip_seconds or daily_cap_bytes");
  return checker.error();
}

const PricePlan* Catalog::FindPlan(std::string_view id) const { return Find(plans, id); }
const Link* Catalog::FindLink(std::string_view id) const { return Find(links, id); }
const Battery* Catalog::FindBattery(std::string_view id) const { return Find(batteries, id); }

const FlashSpread* Catalog::FindFlashSpread(std::string_view device) const {
  for (const FlashSpread& spread : flash_spreads) {
    if (spread.device == device) return &spread;
  }
  return nullptr;
}

Result<CostProfile> Catalog::FindProfile(std::string_view id) const {
  if (const CostProfile* profile = Find(profiles, id)) return *profile;
  const size_t plus = id.find('+');
  if (plus == std::string_view::npos) {
    return Error{"no profile \"" + std::string(id) + "\"; there are" + IdsOf(profiles) + ", and PLAN+LINK"};
  }
  const PricePlan* plan = FindPlan(id.substr(0, plus));
  if (plan == nullptr) {
    return Error{"no plan \"" + std::string(id.substr(0, plus)) + "\"; there are" + IdsOf(plans)};
  }
  const Link* link = FindLink(id.substr(plus + 1));
  if (link == nullptr) {
    return Error{"no link \"" + std::string(id.substr(plus + 1)) + "\"; there are" + IdsOf(links)};
  }
  return CostProfile{std::string(id), plan->name + " on " + link->name, plan->id, link->id, false};
}

}  // namespace libdelta
