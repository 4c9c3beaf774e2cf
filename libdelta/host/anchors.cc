// Between one map entry and the next all targets move by the same shift, unless anchors say otherwise. Each
// target that copied references point to votes for its true shift; in each stretch a shortest path over the
// targets weighs the price of an anchor against the references that it puts right.
#include "libdelta/host/anchors.h"

#include <algorithm>
#include <map>

#include "libdelta/host/references.h"

namespace libdelta {
namespace {

constexpr uint64_t kAnchorCost = 34;  // Bits.
constexpr uint64_t kMissCost = 17;
constexpr size_t kMaxShifts = 12;  // Shifts considered in one stretch.

using Votes = std::map<int64_t, uint32_t>;  // Shift -> references that want it.
using Targets = std::map<uint64_t, Votes>;  // Old position -> votes.

// Records where the reference `t` that pointed to `old_target` does so at its new place.
void Vote(const Template& t, uint32_t old_target, ByteView new_image, uint64_t to, uint32_t base,
          Targets* targets) {
  Words after;
  if (!FindReference(t, new_image, to, &after)) return;
  const uint32_t new_target =
      Target(t, Gather(t, after.at), base + static_cast<uint32_t>(to), kNewSide) - base;
  if (new_target >= new_image.size()) return;
  ++(*targets)[old_target][static_cast<int64_t>(new_target) - static_cast<int64_t>(old_target)];
}

// Small numbers everywhere look like some templates, or like those that count from a table: these have no
// vote.
std::vector<Template> Voters(const Plan& plan) {
  std::vector<Template> voters = plan.templates;
  std::erase_if(voters,
                [](const Template& t) { return IsShortPointer(t) || t.base[kOldSide] != t.base[kNewSide]; });
  return voters;
}

Targets CollectTargets(ByteView old_image, ByteView new_image, const Plan& plan) {
  const std::vector<Template> voters = Voters(plan);
  Targets targets;
  for (size_t s = 0; s < plan.image_map.size(); ++s) {
    const MapEntry& segment = plan.image_map[s];
    for (uint64_t k = 0; k < plan.segment_lengths[s];) {
      const uint64_t from = segment.old_position + k;
      const uint32_t address = plan.base + static_cast<uint32_t>(from);
      uint64_t width = 1;
      for (const Template& t : voters) {
        if ((address & t.align_mask) || k + Width(t) > plan.segment_lengths[s]) continue;
        Words words;
        if (!FindReference(t, old_image, from, &words)) continue;
        const uint32_t target = Target(t, Gather(t, words.at), address, kOldSide) - plan.base;
        if (target >= old_image.size()) continue;
        Vote(t, target, new_image, segment.new_position + k, plan.base, &targets);
        width = Width(t);
        break;
      }
      k += width;
    }
  }
  return targets;
}

// The shifts worth considering in a stretch, that of its entry first.
std::vector<int64_t> Candidates(int64_t entry_shift, Targets::const_iterator begin,
                                Targets::const_iterator end) {
  Votes sum;
  for (auto it = begin; it != end; ++it) {
    for (const auto& [shift, count] : it->second) {
      if (count * kMissCost > kAnchorCost || sum.count(shift)) sum[shift] += count;
    }
  }
  sum.erase(entry_shift);
  std::vector<std::pair<uint32_t, int64_t>> ranked;
  for (const auto& [shift, count] : sum) ranked.emplace_back(count, shift);
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<int64_t> shifts = {entry_shift};
  for (size_t i = 0; i < ranked.size() && i < kMaxShifts; ++i) shifts.push_back(ranked[i].second);
  return shifts;
}

// Anchors for the targets of one stretch, whose entry moves by `entry_shift`.
void FitStretch(int64_t entry_shift, Targets::const_iterator begin, Targets::const_iterator end,
                std::vector<MapEntry>* anchors) {
  const std::vector<int64_t> shifts = Candidates(entry_shift, begin, end);
  if (shifts.size() == 1) return;
  std::vector<uint64_t> cost(shifts.size(), kAnchorCost);
  cost[0] = 0;
  std::vector<std::vector<uint8_t>> from;
  for (auto it = begin; it != end; ++it) {
    uint64_t total = 0;
    for (const auto& [shift, count] : it->second) total += count;
    const size_t cheapest = static_cast<size_t>(std::min_element(cost.begin(), cost.end()) - cost.begin());
    const uint64_t jump = cost[cheapest] + kAnchorCost;
    std::vector<uint8_t> came(shifts.size());
    for (size_t s = 0; s < shifts.size(); ++s) {
      came[s] = static_cast<uint8_t>(jump < cost[s] ? cheapest : s);
      const auto hit = it->second.find(shifts[s]);
      cost[s] = std::min(jump, cost[s]) + kMissCost * (total - (hit == it->second.end() ? 0 : hit->second));
    }
    from.push_back(std::move(came));
  }
  std::vector<size_t> path(from.size());
  size_t s = static_cast<size_t>(std::min_element(cost.begin(), cost.end()) - cost.begin());
  for (size_t i = from.size(); i-- > 0;) {
    path[i] = s;
    s = from[i][s];
  }
  size_t current = 0;
  size_t i = 0;
  for (auto it = begin; it != end; ++it, ++i) {
    if (path[i] == current) continue;
    current = path[i];
    anchors->push_back(
        {it->first, static_cast<uint64_t>(static_cast<int64_t>(it->first) + shifts[current]), true});
  }
}

}  // namespace

void AddAnchors(ByteView old_image, ByteView new_image, size_t limit, Plan* plan) {
  const Targets targets = CollectTargets(old_image, new_image, *plan);
  std::vector<MapEntry> anchors;
  const std::vector<MapEntry>& map = plan->image_map;
  for (size_t i = 0; i < map.size(); ++i) {
    // Before the first entry its shift applies as well.
    const auto begin = i == 0 ? targets.begin() : targets.lower_bound(map[i].old_position);
    const auto end = i + 1 < map.size() ? targets.lower_bound(map[i + 1].old_position) : targets.end();
    const int64_t shift =
        static_cast<int64_t>(map[i].new_position) - static_cast<int64_t>(map[i].old_position);
    FitStretch(shift, begin, end, &anchors);
  }
  // A shift that suits its neighbours can lead outside.
  std::erase_if(anchors, [&](const MapEntry& anchor) { return anchor.new_position > new_image.size(); });
  if (anchors.size() > limit) anchors.resize(limit);
  std::vector<std::pair<MapEntry, uint64_t>> entries;
  for (size_t i = 0; i < map.size(); ++i) entries.emplace_back(map[i], plan->segment_lengths[i]);
  for (const MapEntry& anchor : anchors) entries.emplace_back(anchor, 0);
  // An anchor at a segment's start comes after it, so that it wins.
  std::stable_sort(entries.begin(), entries.end(),
                   [](const auto& a, const auto& b) { return a.first.old_position < b.first.old_position; });
  for (size_t i = 0; i < entries.size(); ++i) {
    if (i < plan->image_map.size()) {
      plan->image_map[i] = entries[i].first;
      plan->segment_lengths[i] = entries[i].second;
    } else {
      plan->image_map.push_back(entries[i].first);
      plan->segment_lengths.push_back(entries[i].second);
    }
  }
}

}  // namespace libdelta
