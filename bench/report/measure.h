// What every strategy sends for a pair, and what that does to the device's flash.
#ifndef BENCH_REPORT_MEASURE_H_
#define BENCH_REPORT_MEASURE_H_

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "bench/report/strategies.h"
#include "bench/support/pairs.h"
#include "libdelta/cost/catalog.h"
#include "libdelta/cost/flash_work.h"
#include "libdelta/sim/device_profile.h"

namespace bench {

// The board of a report.
struct Board {
  libdelta::DeviceProfile profile;
  libdelta::FlashSpread spread;
};

// Where a size comes from.
enum class State : uint8_t {
  kMeasured,  // Just now: made, applied, compared byte for byte.
  kTable,     // bench/results/peers.tsv: likewise, but earlier and elsewhere.
  kMissing,   // Not on PATH, and not in the table.
  kFailed,    // The program failed, or its result was wrong.
};
std::string NameOf(State state);

struct Size {
  const Strategy* strategy = nullptr;
  State state = State::kMissing;
  uint64_t bytes = 0;  // Of kMeasured and kTable.
  std::string version;
  std::optional<uint64_t> ram;

  bool is_known() const { return state == State::kMeasured || state == State::kTable; }
};

struct RamPoint {
  uint64_t ram = 0;
  uint64_t bytes = 0;
};

struct PairResult {
  Pair pair;
  uint64_t old_size = 0;
  uint64_t new_size = 0;
  std::vector<Size> sizes;  // One of each strategy, in their order.
  std::vector<RamPoint> ram_curve;
  libdelta::FlashWork whole_slot;
  libdelta::FlashWork in_place;
};

// What a strategy does to the flash of the board; null: not known.
const libdelta::FlashWork* FlashOf(const PairResult& pair, const Strategy& strategy);

// `peers` has the output of bench/peers.sh for each pair, in ID.tsv. Two slots are measured with one
// signature; so is in place, with the board's own RAM. Dies when a patch of ours does not apply, or an image
// does not fit the board.
std::vector<PairResult> MeasurePairs(const std::vector<Pair>& pairs, const std::filesystem::path& peers,
                                     const Board& board, unsigned threads);

}  // namespace bench

#endif  // BENCH_REPORT_MEASURE_H_
