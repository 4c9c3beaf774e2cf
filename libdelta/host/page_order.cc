#include "libdelta/host/page_order.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "libdelta/wire/codec.h"
#include "libdelta/wire/format.h"

namespace libdelta {
namespace {

// Going on with the neighbouring page is worth spoiling this many bytes.
constexpr uint64_t kNeighbourBonus = 24;
constexpr uint32_t kMaxGroupPages = 16;
// Fewer bytes are not worth the room.
constexpr uint64_t kWorthRetaining = 24;
// In bytes that another page needs: a lost byte, and room for a copy.
constexpr uint64_t kLossFactor = 4;
constexpr uint64_t kRoomCost = 16384;
// Of the search for a better order: orders looked at, and pages moved together.
constexpr int kMaxTrials = 20000;
constexpr size_t kMaxRun = 32;

// Which undo copies outlive their group: as many as there is room for of those of which most is needed, most
// first.
void KeepMostNeeded(const std::vector<uint64_t>& needed, size_t room, std::vector<uint32_t>* copies) {
  std::erase_if(*copies, [&](uint32_t copy) { return needed[copy] < kWorthRetaining; });
  std::stable_sort(copies->begin(), copies->end(),
                   [&](uint32_t x, uint32_t y) { return needed[x] > needed[y]; });
  if (copies->size() > room) copies->resize(room);
}

bool IsUnchanged(ByteView old_image, ByteView new_image, uint64_t start, uint64_t end) {
  end = std::min<uint64_t>(end, new_image.size());
  return end <= old_image.size() &&
         std::memcmp(old_image.data() + start, new_image.data() + start, end - start) == 0;
}

// What an order costs in bits, about: bytes that are lost when pages are grouped as Group() does it, and
// pages that must be named.
class OrderCost {
 public:
  OrderCost(const std::vector<std::map<uint32_t, uint64_t>>& takes, std::vector<uint64_t> needed,
            uint32_t capacity, size_t old_pages)
      : total_(std::move(needed)), capacity_(capacity), old_pages_(old_pages) {
    for (const auto& from : takes) takes_.emplace_back(from.begin(), from.end());
  }

  uint64_t operator()(const std::vector<uint32_t>& order) {
    needed_ = total_;
    state_.assign(total_.size(), kThere);
    copies_.clear();
    uint64_t bits = 0;
    uint32_t count = 0;  // Pages of the group.
    uint32_t previous = 0;
    for (const uint32_t page : order) {
      const bool needs_copy = page < old_pages_;
      if (copies_.size() + needs_copy > capacity_ || count == kMaxGroupPages) {
        Retain();
        count = 0;
        bits += kGroupBits;
      }
      ++count;
      if (page != previous + 1 && page + 1 != previous) bits += kJumpBits;
      previous = page;
      for (const auto& [from, bytes] : takes_[page]) {
        if (state_[from] == kGone) bits += kLostByteBits * bytes;
        needed_[from] -= bytes;
      }
      state_[page] = needs_copy ? kCopied : kGone;
      if (needs_copy) copies_.push_back(page);
    }
    return bits;
  }

 private:
  static constexpr uint64_t kJumpBits = 18;
  static constexpr uint64_t kGroupBits = 128;
  static constexpr uint64_t kLostByteBits = 4;
  enum State : uint8_t { kThere, kCopied, kGone };

  void Retain() {
    for (const uint32_t copy : copies_) state_[copy] = kGone;
    KeepMostNeeded(needed_, capacity_ - 1, &copies_);
    for (const uint32_t copy : copies_) state_[copy] = kCopied;
  }

  std::vector<std::vector<std::pair<uint32_t, uint64_t>>> takes_;
  std::vector<uint64_t> total_;
  uint32_t capacity_;
  size_t old_pages_;
  std::vector<uint64_t> needed_;
  std::vector<State> state_;
  std::vector<uint32_t> copies_;
};

}  // namespace

PageTable::PageTable(const std::vector<SlotPages>& runs) : starts_{0} {
  for (const SlotPages& run : runs) {
    for (uint32_t i = 0; i < run.count; ++i) starts_.push_back(starts_.back() + run.size);
  }
}

size_t PageTable::PageOf(uint64_t offset) const {
  return static_cast<size_t>(std::upper_bound(starts_.begin(), starts_.end(), offset) - starts_.begin()) - 1;
}

PageOrder::PageOrder(const InPlaceLayout& layout, ByteView old_image, ByteView new_image,
                     const std::vector<Operation>& parse)
    : table_(layout.pages),
      rank_of_(table_.size(), kNever),
      group_of_(table_.size(), kNever),
      until_(table_.size(), kNever),
      takes_(table_.size()),
      old_length_(old_image.size()),
      erase_value_(layout.erase_value) {
  FindRoom(layout, std::max(old_image.size(), new_image.size()));
  for (uint32_t page = 0; page < table_.size() && table_.start(page) < new_image.size(); ++page) {
    if (!IsUnchanged(old_image, new_image, table_.start(page), table_.end(page))) pages_.push_back(page);
  }
  CollectTakes(parse);
  Sort();
  Improve();
  for (uint32_t i = 0; i < pages_.size(); ++i) rank_of_[pages_[i]] = i;
  Group();
}

// As the device does.
void PageOrder::FindRoom(const InPlaceLayout& layout, uint64_t longest) {
  uint32_t free = 0;
  for (size_t page = table_.PageOf(std::max<uint64_t>(longest, 1) - 1) + 1; page < table_.size(); ++page) {
    const bool is_protected =
        std::any_of(layout.protected_ranges.begin(), layout.protected_ranges.end(),
                    [&](const SlotRange& range) { return table_.start(page) - range.start < range.length; });
    if (!is_protected && table_.end(page) - table_.start(page) == layout.spare_page_size) ++free;
  }
  uses_slot_ = free >= layout.spare_count;
  capacity_ = std::min(uses_slot_ ? free : layout.spare_count - 1, CopyCapacity(layout.spare_page_size));
}

// Who takes bytes from whom.
void PageOrder::CollectTakes(const std::vector<Operation>& parse) {
  for (const Operation& o : parse) {
    if (o.kind != OperationKind::kOld) continue;
    for (uint64_t done = 0; done < o.length;) {
      const size_t to = table_.PageOf(o.position + done);
      const size_t from = table_.PageOf(o.source + done);
      const uint64_t piece =
          std::min({o.length - done, table_.end(to) - o.position - done, table_.end(from) - o.source - done});
      if (to != from) takes_[to][static_cast<uint32_t>(from)] += piece;
      done += piece;
    }
  }
}

// Bytes that are taken from each page.
std::vector<uint64_t> PageOrder::Needed() const {
  std::vector<uint64_t> needed(table_.size(), 0);
  for (const uint32_t page : pages_) {
    for (const auto& [from, bytes] : takes_[page]) needed[from] += bytes;
  }
  return needed;
}

// Repeatedly takes the page that costs least: bytes that are lost because there is no room to retain them,
// then room. So cycles are followed from page to page, each one's copy being given up when the next is done.
void PageOrder::Sort() {
  std::vector<uint64_t> needed = Needed();
  std::vector<uint32_t> left = std::move(pages_);
  pages_.clear();
  std::vector<uint32_t> retained;
  while (!left.empty()) {
    const auto cost = [&](uint32_t page) {
      uint64_t room = needed[page] >= kWorthRetaining ? 1 : 0;
      uint64_t lost = room ? needed[page] : kNever;
      for (const uint32_t copy : retained) {
        const auto taken = takes_[page].find(copy);
        const uint64_t rest = needed[copy] - (taken == takes_[page].end() ? 0 : taken->second);
        if (rest < kWorthRetaining) continue;
        ++room;
        lost = std::min(lost, rest);
      }
      const bool is_neighbour = !pages_.empty() && (page == pages_.back() + 1 || page + 1 == pages_.back());
      return (room > capacity_ - 1 ? kLossFactor * lost : 0) + kRoomCost * room + needed[page] +
             (is_neighbour ? 0 : kNeighbourBonus);
    };
    auto next = left.begin();
    uint64_t least = cost(*next);
    for (auto it = left.begin() + 1; it != left.end(); ++it) {
      const uint64_t other = cost(*it);
      if (other >= least) continue;
      least = other;
      next = it;
    }
    const uint32_t page = *next;
    left.erase(next);
    for (const auto& [from, bytes] : takes_[page]) needed[from] -= bytes;
    pages_.push_back(page);
    retained.push_back(page);
    KeepMostNeeded(needed, capacity_ - 1, &retained);
  }
}

// Moves runs of pages to where the first or the last of them has a relative at its side, a page that it takes
// from or that takes from it, as long as that helps.
void PageOrder::Improve() {
  const size_t old_pages = old_length_ == 0 ? 0 : table_.PageOf(old_length_ - 1) + 1;
  OrderCost cost(takes_, Needed(), capacity_, old_pages);
  uint64_t best = cost(pages_);
  int trials = kMaxTrials;
  // False: the run is best where it is.
  const auto improve = [&](size_t from, size_t size) {
    std::vector<uint32_t> rest = pages_;
    const auto begin = rest.begin() + static_cast<ptrdiff_t>(from);
    const std::vector<uint32_t> run(begin, begin + static_cast<ptrdiff_t>(size));
    rest.erase(begin, begin + static_cast<ptrdiff_t>(size));
    const auto is_relative = [&](uint32_t page) {
      return AreRelated(run.front(), page) || AreRelated(run.back(), page);
    };
    bool helped = false;
    for (size_t at = 0; at <= rest.size(); ++at) {
      const bool has_place =
          (at != 0 && is_relative(rest[at - 1])) || (at != rest.size() && is_relative(rest[at]));
      if (at == from || !has_place) continue;
      std::vector<uint32_t> tried = rest;
      tried.insert(tried.begin() + static_cast<ptrdiff_t>(at), run.begin(), run.end());
      --trials;
      const uint64_t bits = cost(tried);
      if (bits >= best) continue;
      best = bits;
      pages_ = std::move(tried);
      helped = true;
    }
    return helped;
  };
  for (bool helped = true; helped;) {
    helped = false;
    for (size_t size = 1; size <= kMaxRun && size < pages_.size(); size *= 2) {
      for (size_t from = 0; from + size <= pages_.size() && trials > 0; ++from) {
        helped = improve(from, size) || helped;
      }
    }
  }
}

// As many pages together as there is room for their old bytes, beside those that are still needed.
void PageOrder::Group() {
  std::vector<uint64_t> needed = Needed();
  std::vector<uint32_t> copies;
  for (uint32_t i = 0; i < pages_.size(); ++i) {
    const bool needs = NeedsCopy(pages_[i]);
    if (groups_.empty() || copies.size() + needs > capacity_ || groups_.back().count == kMaxGroupPages) {
      std::vector<uint32_t> kept = copies;
      KeepMostNeeded(needed, capacity_ - 1, &kept);
      uint32_t retained = 0;
      for (size_t k = 0; k < copies.size(); ++k) {
        if (std::find(kept.begin(), kept.end(), copies[k]) != kept.end()) retained |= 1u << k;
      }
      groups_.push_back({i, 0, retained, groups_.empty()});
      copies = Retained(copies, retained);
    }
    if (needs) copies.push_back(pages_[i]);
    for (const auto& [from, bytes] : takes_[pages_[i]]) needed[from] -= bytes;
    ++groups_.back().count;
    const uint32_t group = static_cast<uint32_t>(groups_.size() - 1);
    group_of_[pages_[i]] = until_[pages_[i]] = group;
    for (const uint32_t page : copies) until_[page] = group;
  }
}

void PageOrder::MoveAt(const std::vector<uint32_t>& groups) {
  for (size_t i = 0; i < groups_.size(); ++i) groups_[i].move = i == 0;
  for (const uint32_t group : groups) groups_[group].move = true;
}

uint64_t PageOrder::FinalBytes(uint64_t source, uint64_t target, uint64_t length) const {
  const size_t page = table_.PageOf(target);
  length = std::min(length, table_.end(page) - target);
  if (rank_of_[page] == kNever) return length;
  // What precedes the page is not among the last bytes that a decoder holds.
  if (target - source <= kBlock) return source >= table_.start(page) ? length : 0;
  // It also looks at what is around the copy, as far as it has been decoded.
  const uint64_t start = source - std::min<uint64_t>(source, kWindowBefore);
  const uint64_t end = std::min(source + length + kWindowBehind, target);
  uint64_t done = start;
  while (done < end) {
    const size_t from = table_.PageOf(done);
    const bool is_final = from == page || rank_of_[from] == kNever || rank_of_[from] < rank_of_[page];
    if (!is_final) break;
    done = table_.end(from);
  }
  if (done >= end) return length;
  return done > source + kWindowBehind ? done - source - kWindowBehind : 0;
}

std::vector<Operation> PageOrder::Arrange(const std::vector<Operation>& parse) const {
  std::vector<std::vector<Operation>> by_page(table_.size());
  for (const Operation& o : parse) {
    for (uint64_t done = 0; done < o.length;) {
      const size_t page = table_.PageOf(o.position + done);
      const uint64_t piece = std::min(o.length - done, table_.end(page) - o.position - done);
      const uint64_t source = o.kind == OperationKind::kOld ? o.source + done : o.source;
      by_page[page].push_back({o.kind, o.position + done, piece, source});
      done += piece;
    }
  }
  std::vector<Operation> arranged;
  for (const uint32_t page : pages_) {
    arranged.insert(arranged.end(), by_page[page].begin(), by_page[page].end());
  }
  return arranged;
}

}  // namespace libdelta
