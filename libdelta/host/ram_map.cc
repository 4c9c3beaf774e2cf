// Variables keep their order but shift by what was added before them, so old to new address is piecewise a
// constant. Each distinct old address votes for its shift; a shortest path over the sorted addresses weighs a
// breakpoint against the pointers that it puts right.
#include "libdelta/host/ram_map.h"

#include <algorithm>
#include <map>

namespace libdelta {
namespace {

constexpr uint32_t kWindowBits = 20;      // RAM is looked for in aligned windows of 1 MiB.
constexpr uint64_t kBreakpointCost = 30;  // Bits.
constexpr uint64_t kMissCost = 18;
constexpr size_t kMaxShifts = 24;  // Shifts followed at once.

struct Address {
  uint32_t old_address;
  std::map<int64_t, uint32_t> shifts;  // Shift -> pointers that agree.
  uint32_t total = 0;
};

// The window with the most words that changed by a little.
uint32_t BusiestWindow(const std::vector<WordPair>& pairs, uint32_t* changed) {
  std::map<uint32_t, uint32_t> counts;
  for (const auto& [before, after] : pairs) {
    const int64_t shift = static_cast<int64_t>(after) - before;
    if (shift != 0 && shift > -65536 && shift < 65536 && before >> 24 != 0) ++counts[before >> kWindowBits];
  }
  uint32_t best = 0;
  *changed = 0;
  for (const auto& [window, count] : counts) {
    if (count > *changed) {
      *changed = count;
      best = window;
    }
  }
  return best;
}

std::vector<Address> Collect(const std::vector<WordPair>& pairs, uint32_t window) {
  std::map<uint32_t, Address> by_address;
  for (const auto& [before, after] : pairs) {
    const int64_t shift = static_cast<int64_t>(after) - before;
    if (before >> kWindowBits != window || shift <= -65536 || shift >= 65536) continue;
    Address& a = by_address[before];
    a.old_address = before;
    ++a.shifts[shift];
    ++a.total;
  }
  std::vector<Address> addresses;
  for (auto& [address, a] : by_address) addresses.push_back(std::move(a));
  return addresses;
}

// The shifts that explain most addresses.
std::vector<int64_t> CommonShifts(const std::vector<Address>& addresses) {
  std::map<int64_t, uint32_t> counts;
  for (const Address& a : addresses) {
    for (const auto& [shift, count] : a.shifts) counts[shift] += count;
  }
  std::vector<std::pair<uint32_t, int64_t>> ranked;
  for (const auto& [shift, count] : counts) ranked.emplace_back(count, shift);
  std::sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  std::vector<int64_t> shifts;
  for (size_t i = 0; i < ranked.size() && i < 4 * kMaxShifts; ++i) shifts.push_back(ranked[i].second);
  return shifts;
}

// Index into `shifts` for each address, on the cheapest path.
std::vector<size_t> CheapestShifts(const std::vector<Address>& addresses,
                                   const std::vector<int64_t>& shifts) {
  std::vector<uint64_t> cost(shifts.size(), kBreakpointCost);
  std::vector<std::vector<uint32_t>> from(addresses.size(), std::vector<uint32_t>(shifts.size()));
  for (size_t i = 0; i < addresses.size(); ++i) {
    const size_t cheapest = static_cast<size_t>(std::min_element(cost.begin(), cost.end()) - cost.begin());
    const uint64_t jump = cost[cheapest] + kBreakpointCost;
    for (size_t s = 0; s < shifts.size(); ++s) {
      from[i][s] = static_cast<uint32_t>(s);
      if (jump < cost[s]) {
        cost[s] = jump;
        from[i][s] = static_cast<uint32_t>(cheapest);
      }
      const auto hits = addresses[i].shifts.find(shifts[s]);
      const uint32_t hit = hits == addresses[i].shifts.end() ? 0 : hits->second;
      cost[s] += kMissCost * (addresses[i].total - hit);
    }
  }
  std::vector<size_t> path(addresses.size());
  size_t s = static_cast<size_t>(std::min_element(cost.begin(), cost.end()) - cost.begin());
  for (size_t i = addresses.size(); i-- > 0;) {
    path[i] = s;
    s = from[i][s];
  }
  return path;
}

}  // namespace

void FitRamMap(const std::vector<WordPair>& pairs, Plan* plan) {
  plan->ram_map.clear();
  plan->ram_end = 0;
  uint32_t changed = 0;
  const uint32_t window = BusiestWindow(pairs, &changed);
  if (changed < 3) return;
  const std::vector<Address> addresses = Collect(pairs, window);
  const std::vector<int64_t> shifts = CommonShifts(addresses);
  const std::vector<size_t> path = CheapestShifts(addresses, shifts);
  int64_t last = 0;
  for (size_t i = 0; i < addresses.size(); ++i) {
    const int64_t shift = shifts[path[i]];
    if (i > 0 && shift == last) continue;
    last = shift;
    const uint32_t address = addresses[i].old_address;
    plan->ram_map.push_back({address, static_cast<uint32_t>(address + shift)});
  }
  plan->ram_end = addresses.back().old_address + 1;
}

}  // namespace libdelta
