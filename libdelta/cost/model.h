// What one update costs one device: bytes, billed bytes, money, time, energy, flash.
//
// EstimateCost() is a closed formula, no simulation: the same arguments give the same numbers. Interrupted
// transfers give expected values. How each number is made is in DESIGN.md, "What an update costs".
#ifndef LIBDELTA_COST_MODEL_H_
#define LIBDELTA_COST_MODEL_H_

#include <cstdint>
#include <optional>

#include "libdelta/cost/catalog.h"
#include "libdelta/cost/flash_work.h"
#include "libdelta/host.h"

namespace libdelta {

// Larger updates are refused, so that bytes and their products are exact.
constexpr uint64_t kMaxUpdateBytes = uint64_t{1} << 40;

// What happens while an update is sent.
struct Conditions {
  // Mean number of interruptions in an hour of transfer, at random times: reset, lost coverage, timeout.
  double interruptions_per_hour = 0;
  // After one, the transfer goes on with the unit that was interrupted; else it starts again from nothing.
  bool resume = true;
  // Bytes of the update that are kept or lost together, e.g. the patch's chunk size; 0: a packet.
  uint64_t resume_unit_bytes = 0;
};

// Of one update of one device. A number that is infinite means that in this case the update is not expected
// to end within 100 years.
struct Cost {
  uint64_t update_bytes = 0;
  uint64_t packets = 0;  // Without repetition; with redundancy.
  Range sessions;
  Range wire_bytes;  // Both ways, with headers, handshakes and repetition.
  Range billed_bytes;
  std::optional<Range> credits;       // Of message plans.
  std::optional<Range> money;         // In the plan's currency; none: not priced.
  std::optional<Range> bundle_share;  // Of the plan's bundle, 1: all of it.
  Range transfer_seconds;
  std::optional<Range> radio_joules;  // None: not known.
  std::optional<FlashWork> flash;     // As it was given.
  Range total_seconds;                // Transfer, then flash.
  std::optional<Range> total_joules;  // Radio and flash; none if the radio's are not known.

  bool ends(Case which) const;
};

// `flash`: what the update does to the device's flash; null: not of interest.
// Errors: update_bytes over kMaxUpdateBytes, conditions that are negative or not finite, a plan or link that
// CheckPlan() or CheckLink() refuses.
Result<Cost> EstimateCost(const PricePlan& plan, const Link& link, uint64_t update_bytes,
                          const Conditions& conditions, const FlashWork* flash = nullptr);

// One column of a report, update divided by full image; none where either is unknown, infinite or 0.
using Ratio = std::optional<Range>;

struct CostRatios {
  Ratio update_bytes;
  Ratio wire_bytes;
  Ratio billed_bytes;
  Ratio money;
  Ratio transfer_seconds;
  Ratio total_seconds;
  Ratio radio_joules;
  Ratio total_joules;
  Ratio flash_seconds;
  Ratio flash_joules;
  Ratio flash_erases;
};

CostRatios Compare(const Cost& update, const Cost& full);

// Update sizes below which something else than bytes is most of the cost, typical case. None: that is nowhere
// so, or it is not known.
struct BreakEven {
  std::optional<double>
      rounding_bytes;  // Smaller updates are billed alike: the first billed unit holds them.
  std::optional<double> session_time_bytes;    // Setting up takes as long as the transfer.
  std::optional<double> session_energy_bytes;  // Setting up takes as much energy as the transfer.
  std::optional<double> flash_time_bytes;      // The flash takes as long.
  std::optional<double> flash_energy_bytes;    // The flash takes as much energy as the transfer.
};

Result<BreakEven> FindBreakEven(const PricePlan& plan, const Link& link, const FlashWork* flash = nullptr);

// Seconds on air of a LoRa packet of `phy_bytes` bytes with an explicit header; low data rate optimization
// where symbols take 16 ms or more. Semtech SX1276 data sheet, rev. 7, 4.1.1.6 and 4.1.1.7.
double LoraAirSeconds(const LoraModulation& modulation, uint32_t phy_bytes);

// Seconds that one whole packet takes in the air, without duty and round trip.
double PacketAirSeconds(const Link& link, Case which);

// Share of a battery, 1: all of it.
Range BatteryShare(const Battery& battery, const Range& joules);

}  // namespace libdelta

#endif  // LIBDELTA_COST_MODEL_H_
