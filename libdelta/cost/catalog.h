// Price plans, links and batteries: what the cost model is fed with, and where each number comes from.
//
// A catalog is a JSON file, described by profiles.schema.json; the library has one of published prices and
// measured links. Prices are of the day that their plan names; money is in the plan's own currency and never
// converted. What has no published price is "not priced": bytes are reported for it, and no money.
// Nothing here reads files.
#ifndef LIBDELTA_COST_CATALOG_H_
#define LIBDELTA_COST_CATALOG_H_

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libdelta/host.h"

namespace libdelta {

// Of every quantity: `low` is the cheap, fast, sparing case for who receives the update, `high` the dear and
// slow one. So of speeds `low` is the highest.
enum class Case : uint8_t { kLow, kTypical, kHigh };
inline constexpr std::array kCases = {Case::kLow, Case::kTypical, Case::kHigh};

struct Range {
  double low = 0;
  double typical = 0;
  double high = 0;

  double at(Case which) const { return which == Case::kLow ? low : which == Case::kTypical ? typical : high; }
  double& at(Case which) { return which == Case::kLow ? low : which == Case::kTypical ? typical : high; }
  bool operator==(const Range&) const = default;
};

// The same number in all three cases.
constexpr Range Same(double value) { return {value, value, value}; }

enum class Confidence : uint8_t { kLow, kMedium, kHigh };
enum class Payer : uint8_t { kNobody, kEndUser, kFleetOwner, kOperator };
// Whether a plan can be bought as of Catalog::as_of. Others are for comparison, with their year.
enum class PriceStatus : uint8_t { kCurrent, kHistoric, kWithdrawn };

// "low"; "end_user"; "historic": as in the JSON file.
std::string_view NameOf(Confidence confidence);
std::string_view NameOf(Payer payer);
std::string_view NameOf(PriceStatus status);

struct Source {
  std::string title;
  std::string url;
  std::string date;
  std::string quality;  // "primary", "secondary", "record", "forum".
  std::string note;
};

// What money is for.
enum class PriceModel : uint8_t {
  kFlat,     // Nothing for an update; fees are paid anyway.
  kPerByte,  // price_per_mb.
  kBundle,   // price_per_mb, out of a bundle that is paid in advance.
  kBlock,    // Started blocks beyond what is included.
  kMessage,  // Credits for each message.
};
std::string_view NameOf(PriceModel model);

// What is rounded up to Metering::quantum_bytes.
enum class RoundingScope : uint8_t {
  kPacket,
  kSession,
  kRecord,      // A session, and again whenever record_seconds are over.
  kMonth,       // All of a month.
  kSimNetwork,  // All that a SIM has used of a network, over a long time.
};
std::string_view NameOf(RoundingScope scope);

// How bytes on the wire become billed bytes.
struct Metering {
  uint64_t quantum_bytes = 1;
  RoundingScope scope = RoundingScope::kSession;
  double record_seconds = 0;                  // Of kRecord.
  bool counts_up = true;                      // Requests and acknowledgments as well.
  bool counts_overhead = true;                // Headers of packets as well.
  uint64_t min_packet_bytes = 0;              // Billed for each packet at least.
  uint64_t min_session_bytes = 0;             // Billed for each session at least.
  double bytes_per_second = 0;                // Billed at least for a session longer than
  double bytes_per_second_after_seconds = 0;  // this.
};

// Bytes that are paid for in advance.
struct Bundle {
  std::optional<double> price;
  double mb = 0;
  std::optional<double> years;  // How long it lasts.

  double bytes() const { return mb * 1e6; }
};

struct Block {
  double mb = 0;
  std::optional<double> price;      // Of one block; none: not priced.
  double included_mb = 0;           // A month, before blocks begin.
  std::optional<double> month_cap;  // No more than that is charged in a month.

  double bytes() const { return mb * 1e6; }
};

struct MessagePrice {
  uint64_t max_bytes = 0;     // Of one message.
  uint64_t credit_bytes = 0;  // Bytes that one credit is good for.
  uint64_t min_credits = 1;   // Of a message, even an empty one.
  std::optional<Range> credit_price;
};

struct PricePlan {
  std::string id;
  std::string name;
  Payer payer = Payer::kEndUser;
  PriceModel model = PriceModel::kPerByte;
  std::string currency;    // ISO 4217.
  std::string price_date;  // As far as known; empty: none.
  PriceStatus status = PriceStatus::kCurrent;
  Confidence confidence = Confidence::kLow;
  std::string basis;  // How the price was found.
  std::string note;
  std::vector<std::string> sources;  // Keys of Catalog::sources.

  std::optional<Range> price_per_mb;    // kFlat, kPerByte, kBundle; none: not priced. MB: 10^6 bytes.
  std::optional<Bundle> bundle;         // kBundle.
  std::optional<Block> block;           // kBlock.
  std::optional<MessagePrice> message;  // kMessage.
  Metering metering;
  std::optional<double> monthly_fee;  // Paid whether there is an update or not: in no cost.
  std::optional<double> daily_fee;

  bool is_priced() const;
};

// How the packets of an update follow each other.
enum class Window : uint8_t {
  kPipelined,     // As fast as the rate allows.
  kStopAndWait,   // One packet for each round trip.
  kScheduled,     // One packet when the network's schedule has room for it: so many bytes a day.
  kMulticastFec,  // To many at once; lost packets are made up for by redundant ones.
  kMulticastAck,  // To many at once, with lists of what was lost.
};
std::string_view NameOf(Window window);

// For the time on air of a packet (Semtech).
struct LoraModulation {
  uint32_t spreading_factor = 7;  // 6 .. 12.
  uint32_t bandwidth_hz = 125000;
  uint32_t coding_rate = 5;  // The denominator of 4/5 .. 4/8.
  uint32_t preamble_symbols = 8;
  bool crc = true;
};

struct RadioEnergy {
  Range receive_watts;  // While the receiver is on:
  // while packets are in the air, or for as long as the transfer takes. One for each case.
  std::array<bool, 3> is_on_between_packets = {true, true, true};
  Range packet_joules;
  Range byte_joules;     // For each byte of the update.
  Range session_joules;  // For attaching, connecting and handshakes.
};

// Where one number of a link comes from.
struct FigureNote {
  std::string field;  // As in the JSON file: "rate_bps", "energy.session_joules".
  std::vector<std::string> sources;
  std::string basis;  // Begins with "assumed" where there is no source.
};

struct Link {
  std::string id;
  std::string name;
  Window window = Window::kPipelined;
  Confidence confidence = Confidence::kLow;
  std::string note;
  std::vector<FigureNote> figures;

  uint32_t payload_bytes = 0;   // Of the update in a packet.
  uint32_t overhead_bytes = 0;  // Beside it in each packet.
  uint32_t request_bytes = 0;   // Sent up for each packet.
  // Time a packet takes in the air, by the first of these that there is; without any of them none.
  std::optional<LoraModulation> lora;
  std::optional<Range> packet_seconds;
  std::optional<Range> rate_bps;  // Cost order: low is the fastest.
  bool rate_of_payload = false;   // The rate was measured on payload alone.
  // From a request to the first bit of what was asked for.
  std::optional<Range> round_trip_seconds;
  Range duty = Same(1);  // Share of the time in which packets may be sent, 0 .. 1. Low is the highest.
  uint64_t daily_cap_bytes = 0;      // Payload; 0: none.
  uint64_t packets_per_session = 0;  // 0: as many as there are.
  uint32_t redundancy_percent = 0;   // kMulticastFec.
  Range handshake_bytes;             // Of each session, both ways.
  uint32_t handshake_round_trips = 0;
  std::optional<RadioEnergy> energy;  // None: not known.
};

// A plan on a link, which is what costs are reported for.
struct CostProfile {
  std::string id;
  std::string name;
  std::string plan;
  std::string link;
  bool headline = false;  // One of the dozen to show first.
};

struct Battery {
  std::string id;
  std::string name;
  Range joules;  // Usable; cost order: low is the largest.
  std::string basis;
  std::vector<std::string> sources;
};

// By what a device's flash may differ from the typical values of its profile in sim/, as factors.
struct FlashSpread {
  std::string device;
  Range erase = Same(1);
  Range program = Same(1);
  Range current = Same(1);
  std::string basis;
  std::vector<std::string> sources;
};

// What who sends the updates pays.
struct EgressPrice {
  std::string id;
  std::string currency;
  std::string price_date;
  Range price_per_gb;  // GB: 10^9 bytes.
  double included_gb = 0;
  double price_per_month = 0;
  std::string note;
  std::vector<std::string> sources;
};

// Data in units of work: what share of a monthly income a GB costs.
struct IncomeShare {
  std::string id;
  std::string date;
  double monthly_income_share_per_gb = 0;
  std::string note;
  std::vector<std::string> sources;
};

// A rule that was found, for documents; those that plans follow are in their metering.
struct PublishedRule {
  std::string who;
  std::string text;
  std::vector<std::string> sources;
};

struct Catalog {
  std::string as_of;  // YYYY-MM-DD: the day the prices were looked up.
  std::vector<PricePlan> plans;
  std::vector<Link> links;
  std::vector<CostProfile> profiles;
  std::vector<Battery> batteries;
  std::vector<FlashSpread> flash_spreads;
  std::vector<EgressPrice> egress;
  std::vector<IncomeShare> incomes;
  std::vector<PublishedRule> rounding_rules;
  std::vector<PublishedRule> not_practical;  // For full images.
  std::map<std::string, Source> sources;

  // Null if there is none.
  const PricePlan* FindPlan(std::string_view id) const;
  const Link* FindLink(std::string_view id) const;
  const Battery* FindBattery(std::string_view id) const;
  const FlashSpread* FindFlashSpread(std::string_view device) const;

  // A profile of the catalog, or one made of "PLAN+LINK". Errors: there is none; the message lists what there
  // is.
  Result<CostProfile> FindProfile(std::string_view id) const;
};

// Reads and checks a catalog. `file_name` only appears in errors, which say in addition which field is wrong
// and what to do. Unknown fields are refused, so are keys without a source and numbers out of range.
Result<Catalog> ParseCatalog(std::string_view json, const std::string& file_name);

// Nothing, or what is impossible about a plan: field, number, remedy.
std::optional<Error> CheckPlan(const PricePlan& plan);
std::optional<Error> CheckLink(const Link& link);

// The catalog in the library. Parsed on every call.
Result<Catalog> BuiltInCatalog();

}  // namespace libdelta

#endif  // LIBDELTA_COST_CATALOG_H_
