// Variables keep their order but shift by what was added before them, so old to new address is piecewise a
// constant. Each distinct old address votes for its shift; a shortest path over the sorted addresses weighs a
// breakpoint against the pointers that it puts right. Nothing moves in between the windows that gain by it:
// there may be several kinds of RAM, and code that runs at other addresses than where the image has it.
#include "libdelta/host/ram_map.h"

#include <algorithm>
#include <map>

namespace libdelta {
namespace {

constexpr uint32_t kWindowBits = 20;      // RAM is looked for in aligned windows of 1 MiB.
constexpr uint64_t kBreakpointCost = 30;  // Bits.
constexpr uint64_t kMissCost = 16;        // Of a pointer that changes in another way than expected,
constexpr uint64_t kRepeatCost = 8;       // of one that another one was like,
constexpr uint64_t kFalseCost = 4;        // and of one that does not change.
constexpr uint64_t kMinGain = 80;         // For what a window costs beside its breakpoints.
constexpr uint64_t kMinShare = 8;         // Chance gains less than this part of what RAM does.
constexpr size_t kMaxShifts = 95;         // Shifts followed at once.

struct Address {
  uint32_t old_address;
  std::map<int64_t, uint32_t> shifts;  // Shift -> pointers that agree.
};

// Distinct old addresses of each window that may be RAM: some of its words changed by a little.
std::map<uint32_t, std::vector<Address>> Collect(const std::vector<WordPair>& pairs) {
  constexpr int64_t kMaxShift = 65536;
  constexpr size_t kMaxWindows = 24;
  constexpr uint32_t kMinChanged = 3;
  std::map<uint32_t, uint32_t> changed;
  const auto is_near = [](uint32_t before, uint32_t after) {
    const int64_t shift = int64_t{after} - before;
    return shift > -kMaxShift && shift < kMaxShift;
  };
  for (const auto& [before, after] : pairs) {
    if (before != after && is_near(before, after)) ++changed[before >> kWindowBits];
  }
  changed.erase(0);  // Small numbers.
  std::vector<std::pair<uint32_t, uint32_t>> ranked;
  for (const auto& [window, count] : changed) {
    if (count >= kMinChanged) ranked.emplace_back(count, window);
  }
  std::sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  if (ranked.size() > kMaxWindows) ranked.resize(kMaxWindows);
  std::map<uint32_t, std::map<uint32_t, Address>> windows;
  for (const auto& [count, window] : ranked) windows[window];
  for (const auto& [before, after] : pairs) {
    const auto window = windows.find(before >> kWindowBits);
    if (window == windows.end() || !is_near(before, after)) continue;
    Address& a = window->second[before];
    a.old_address = before;
    ++a.shifts[int64_t{after} - before];
  }
  std::map<uint32_t, std::vector<Address>> sorted;
  for (auto& [window, by_address] : windows) {
    for (auto& [address, a] : by_address) sorted[window].push_back(std::move(a));
  }
  return sorted;
}

// The shifts that explain most addresses, none first.
std::vector<int64_t> CommonShifts(const std::vector<Address>& addresses) {
  std::map<int64_t, uint32_t> counts;
  for (const Address& a : addresses) {
    for (const auto& [shift, count] : a.shifts) counts[shift] += count;
  }
  counts.erase(0);
  std::vector<std::pair<uint32_t, int64_t>> ranked;
  for (const auto& [shift, count] : counts) {
    if (count > 1) ranked.emplace_back(count, shift);
  }
  std::sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  std::vector<int64_t> shifts = {0};
  for (size_t i = 0; i < ranked.size() && i < kMaxShifts; ++i) shifts.push_back(ranked[i].second);
  return shifts;
}

// Bits for the pointers to `a` if they are expected to move by `shift`. The model knows what it has seen
// before.
uint64_t PointerCost(const Address& a, int64_t shift) {
  uint64_t cost = 0;
  for (const auto& [actual, count] : a.shifts) {
    if (actual == shift) continue;
    cost += actual == 0 ? kFalseCost * count : kMissCost + kRepeatCost * (count - 1);
  }
  return cost;
}

// What one window's pointers say.
struct Window {
  uint64_t gain = 0;
  std::vector<MapEntry> breakpoints;  // The last one ends it.
};

// The cheapest shifts of its addresses, one after the other.
Window Fit(const std::vector<Address>& addresses) {
  const std::vector<int64_t> shifts = CommonShifts(addresses);
  std::vector<uint64_t> cost(shifts.size(), kBreakpointCost);
  cost[0] = 0;
  uint64_t unmoved = 0;
  std::vector<std::vector<uint8_t>> from(addresses.size(), std::vector<uint8_t>(shifts.size()));
  for (size_t i = 0; i < addresses.size(); ++i) {
    const size_t cheapest = static_cast<size_t>(std::min_element(cost.begin(), cost.end()) - cost.begin());
    const uint64_t jump = cost[cheapest] + kBreakpointCost;
    for (size_t s = 0; s < shifts.size(); ++s) {
      from[i][s] = static_cast<uint8_t>(jump < cost[s] ? cheapest : s);
      cost[s] = std::min(cost[s], jump) + PointerCost(addresses[i], shifts[s]);
    }
    unmoved += PointerCost(addresses[i], 0);
  }
  for (size_t s = 1; s < cost.size(); ++s) cost[s] += kBreakpointCost;
  size_t s = static_cast<size_t>(std::min_element(cost.begin(), cost.end()) - cost.begin());
  Window window;
  window.gain = unmoved - std::min(unmoved, cost[s]);
  std::vector<size_t> path(addresses.size());
  for (size_t i = addresses.size(); i-- > 0;) {
    path[i] = s;
    s = from[i][s];
  }
  int64_t last = 0;
  const auto add = [&](uint32_t address, int64_t shift) {
    if (shift == last) return;
    last = shift;
    window.breakpoints.push_back({address, static_cast<uint32_t>(address + shift)});
  };
  for (size_t i = 0; i < addresses.size(); ++i) add(addresses[i].old_address, shifts[path[i]]);
  add(addresses.back().old_address + 1, 0);
  return window;
}

}  // namespace

void FitRamMap(const std::vector<WordPair>& pairs, size_t limit, Plan* plan) {
  plan->ram_map.clear();
  plan->ram_end = 0;
  std::vector<Window> windows;
  for (const auto& [number, addresses] : Collect(pairs)) windows.push_back(Fit(addresses));
  std::stable_sort(windows.begin(), windows.end(),
                   [](const Window& a, const Window& b) { return a.gain > b.gain; });
  for (const Window& window : windows) {
    if (window.gain < std::max(kMinGain, windows[0].gain / kMinShare)) break;
    if (window.breakpoints.size() > limit) continue;
    limit -= window.breakpoints.size();
    plan->ram_map.insert(plan->ram_map.end(), window.breakpoints.begin(), window.breakpoints.end());
  }
  if (plan->ram_map.empty()) return;
  std::sort(plan->ram_map.begin(), plan->ram_map.end(),
            [](const MapEntry& a, const MapEntry& b) { return a.old_position < b.old_position; });
  plan->ram_end = static_cast<uint32_t>(plan->ram_map.back().old_position);
  plan->ram_map.pop_back();
}

}  // namespace libdelta
