// The ways to ship an update that a report compares.
#ifndef BENCH_REPORT_STRATEGIES_H_
#define BENCH_REPORT_STRATEGIES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bench {

enum class Family : uint8_t { kFull, kCompressed, kPeer, kSmallPeer, kInPlacePeer, kOurs, kOursInPlace };
// "full", "compressed", ...: as in report.json.
std::string NameOf(Family family);

struct Strategy {
  std::string id;  // Of a peer, as in bench/peers.sh and bench/results/peers.tsv.
  std::string title;
  Family family = Family::kPeer;
  // What a device needs to unpack or apply it, in bytes: fixed, and as multiples of the old and the new
  // image. Negative: not known.
  double ram_fixed = -1;
  double ram_old = 0;
  double ram_new = 0;
  std::string ram_basis;
  uint64_t patch_ram = 0;  // Of kOurs: what the patch is made for.

  std::optional<uint64_t> Ram(uint64_t old_size, uint64_t new_size) const;
};

// In the order of reports.
const std::vector<Strategy>& Strategies();

}  // namespace bench

#endif  // BENCH_REPORT_STRATEGIES_H_
