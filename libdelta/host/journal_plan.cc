#include "libdelta/host/journal_plan.h"

#include <algorithm>
#include <vector>

#include "libdelta/wire/format.h"
#include "libdelta/wire/model.h"

namespace libdelta {
namespace {

// Of the bytes of changed pages: what journals may cost where one would do.
constexpr uint64_t kJournalShare = 12;
// Moves of the journal beyond one for each spare page that an update should do with.
constexpr uint32_t kSpareMoves = 3;

uint32_t RoundUp(uint32_t size, uint32_t unit) { return (size + unit - 1) / unit * unit; }

// Erases of each spare page when the groups `starts` begin new journals, as the device chooses: the next one
// that holds nothing.
std::vector<uint32_t> Wear(const InPlaceLayout& layout, const PageOrder& order,
                           const std::vector<uint32_t>& starts) {
  std::vector<uint32_t> erases(layout.spare_count, 0);
  std::vector<uint32_t> copies;  // Where they are.
  uint32_t journal = 0;
  uint32_t last = 0;
  erases[0] = 1;
  const auto take = [&] {
    do {
      last = (last + 1) % layout.spare_count;
    } while (last == journal || std::find(copies.begin(), copies.end(), last) != copies.end());
    ++erases[last];
    return last;
  };
  for (uint32_t g = 0; g < order.groups().size(); ++g) {
    const PageGroup& group = order.groups()[g];
    const bool moves = std::binary_search(starts.begin(), starts.end(), g);
    const bool is_free = order.uses_slot() || copies.size() < order.capacity();
    if (moves && is_free) journal = take();
    copies = Retained(copies, group.retained);
    if (moves && !is_free) journal = take();
    for (uint32_t i = 0; i < group.count && !order.uses_slot(); ++i) {
      if (order.NeedsCopy(order.pages()[group.first + i])) copies.push_back(take());
    }
  }
  return erases;
}

// How uneven, in erases of one page, and how far from the wish for early ones.
uint64_t Badness(const InPlaceLayout& layout, const PageOrder& order, const std::vector<uint32_t>& starts,
                 uint32_t frames) {
  uint64_t bad = 0;
  uint32_t previous = 0;
  const uint32_t count = static_cast<uint32_t>(order.groups().size());
  for (size_t i = 0; i <= starts.size(); ++i) {
    const uint32_t end = i < starts.size() ? starts[i] : count;
    if (end <= previous) return ~uint64_t{0};
    if (end - previous > frames) bad += uint64_t{1000000} * (end - previous - frames);
    previous = end;
  }
  const std::vector<uint32_t> erases = Wear(layout, order, starts);
  uint64_t sum = 0;
  for (const uint32_t e : erases) sum += e;
  const uint64_t most = *std::max_element(erases.begin(), erases.end()) * uint64_t{layout.spare_count};
  if (most > sum + layout.spare_count) bad += 1000 * (most - sum - layout.spare_count);
  const uint64_t wish[] = {count / 16u + 1, count / 4u + 1};
  for (size_t i = 0; i < starts.size() && i < std::size(wish); ++i) {
    bad += starts[i] > wish[i] ? starts[i] - wish[i] : wish[i] - starts[i];
  }
  return bad;
}

// Moves single starts as long as that helps.
void Improve(const InPlaceLayout& layout, const PageOrder& order, uint32_t frames,
             std::vector<uint32_t>* starts) {
  uint64_t best = Badness(layout, order, *starts, frames);
  const int64_t count = static_cast<int64_t>(order.groups().size());
  for (int64_t step = std::max<int64_t>(1, count / 4); step > 0;) {
    bool helped = false;
    for (uint32_t& start : *starts) {
      for (const int64_t change : {-step, step}) {
        const int64_t moved = static_cast<int64_t>(start) + change;
        if (moved < 1 || moved >= count) continue;
        const uint32_t before = start;
        start = static_cast<uint32_t>(moved);
        const uint64_t bad = Badness(layout, order, *starts, frames);
        if (bad < best) {
          best = bad;
          helped = true;
        } else {
          start = before;
        }
      }
    }
    if (!helped) step /= 2;
  }
}

}  // namespace

JournalPlan::JournalPlan(const InPlaceLayout& layout, uint32_t header_size, uint32_t parts_size,
                         uint32_t capacity)
    : layout_(layout), parts_(parts_size) {
  const uint32_t unit = layout.write_unit;
  // Room for signatures that are added later.
  const uint32_t header = std::min(kMaxHeader, header_size + 1 + kPlannedSignatures * kSignatureEntrySize);
  const uint32_t start = RoundUp(header, unit) + kJournalStartSize + unit;
  fixed_ = start + RoundUp(parts_size, unit);
  frame_ = RoundUp(kJournalRecordSize, unit) + capacity * RoundUp(kCopyRecordSize, unit) + 2 * unit;
  least_page_ = fixed_ + frame_ * (kJournalReserve + 1);
  parts_share_ = start < layout.spare_page_size ? (layout.spare_page_size - start) / 3 * 2 : 0;
}

uint32_t JournalPlan::Frames(uint32_t snapshot_units) const {
  const uint32_t taken = fixed_ + KeptModelSize(snapshot_units) + kJournalReserve * frame_;
  return taken < layout_.spare_page_size ? (layout_.spare_page_size - taken) / frame_ : 0;
}

uint32_t JournalPlan::BesideFrames(uint32_t groups) const {
  const uint32_t journals = layout_.spare_count + 2;
  // Half as many again, because journals do not all get the same share.
  const uint32_t frames = (groups * 3 / 2 + journals - 1) / journals + kJournalReserve;
  const uint64_t taken = fixed_ + uint64_t{frames} * frame_;
  return taken < layout_.spare_page_size ? layout_.spare_page_size - static_cast<uint32_t>(taken) : 0;
}

uint32_t JournalPlan::RoomForParts(uint32_t groups) const {
  return std::max(BesideFrames(groups), parts_ < parts_share_ ? parts_share_ - parts_ : 0);
}

uint64_t JournalPlan::Budget(const PageOrder& order) const {
  return order.pages().size() * uint64_t{layout_.spare_page_size} / kJournalShare;
}

uint32_t JournalPlan::SnapshotUnits(const PageOrder& order, uint32_t most) const {
  const uint32_t groups = static_cast<uint32_t>(order.groups().size());
  // Two journals at least: in the first one nothing has been learnt yet.
  const uint64_t share = Budget(order) / 2;
  const uint64_t room = std::min<uint64_t>(BesideFrames(groups), share < fixed_ ? 0 : share - fixed_);
  if (groups == 1 || room < kModelSize) return 0;
  return std::min(most, (static_cast<uint32_t>(room) - kModelSize) / kSlotUnitSize + 1);
}

bool JournalPlan::Schedule(uint32_t snapshot_units, PageOrder* order) const {
  const uint32_t count = static_cast<uint32_t>(order->groups().size());
  const uint32_t frames = Frames(snapshot_units);
  if (count == 0) return true;
  if (frames == 0) return false;
  // As often as there is no more room, and otherwise as often as that costs little.
  // Where spare pages hold copies, too, one journal for all would wear its page too little.
  const uint64_t least = order->uses_slot() ? 0 : 1;
  const uint64_t affordable = Budget(*order) / (fixed_ + KeptModelSize(snapshot_units));
  const uint32_t wanted =
      static_cast<uint32_t>(std::min<uint64_t>(layout_.spare_count + 1, std::max(least, affordable)));
  const uint32_t needed = (count + frames - 1) / frames - 1;
  const uint32_t moves = std::min(count - 1, std::max(needed, wanted));
  // Rather smaller parts than journals that wear the spare pages.
  if (moves > layout_.spare_count + kSpareMoves && parts_ > parts_share_) return false;
  std::vector<uint32_t> starts;
  for (uint32_t i = 1; i <= moves; ++i) {
    starts.push_back(static_cast<uint32_t>(uint64_t{count} * i / (moves + 1)));
  }
  starts.erase(std::unique(starts.begin(), starts.end()), starts.end());
  std::erase(starts, 0u);
  Improve(layout_, *order, frames, &starts);
  order->MoveAt(starts);
  return true;
}

}  // namespace libdelta
