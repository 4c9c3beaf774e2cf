// In what order the pages of a slot are rewritten, and what can be read meanwhile (FORMAT.md 6).
#ifndef LIBDELTA_HOST_PAGE_ORDER_H_
#define LIBDELTA_HOST_PAGE_ORDER_H_

#include <cstdint>
#include <map>
#include <vector>

#include "libdelta/host.h"
#include "libdelta/host/plan.h"

namespace libdelta {

// The pages of a slot, as an InPlaceLayout gives them.
class PageTable {
 public:
  explicit PageTable(const std::vector<SlotPages>& runs);
  size_t size() const { return starts_.size() - 1; }
  uint64_t start(size_t page) const { return starts_[page]; }
  uint64_t end(size_t page) const { return starts_[page + 1]; }
  uint64_t slot_size() const { return starts_.back(); }
  size_t PageOf(uint64_t offset) const;  // offset < slot_size().

 private:
  std::vector<uint64_t> starts_;  // And the end of the last page.
};

// Pages that are rewritten together, between two checkpoints.
struct PageGroup {
  uint32_t first = 0;  // In the order.
  uint32_t count = 0;
  uint32_t retained = 0;  // A bit for each undo copy at the end of the group before: still needed.
  bool move = false;      // A new journal begins.
};

// Those of `copies` whose bits are set in `retained`.
inline std::vector<uint32_t> Retained(const std::vector<uint32_t>& copies, uint32_t retained) {
  std::vector<uint32_t> left;
  for (size_t i = 0; i < copies.size(); ++i) {
    if (retained >> i & 1) left.push_back(copies[i]);
  }
  return left;
}

class PageOrder {
 public:
  // All pages of `new_image` that differ from what is there, in an order that spoils few of the copies that
  // `parse` makes from the old image.
  PageOrder(const InPlaceLayout& layout, ByteView old_image, ByteView new_image,
            const std::vector<Operation>& parse);

  const PageTable& table() const { return table_; }
  const std::vector<uint32_t>& pages() const { return pages_; }
  const std::vector<PageGroup>& groups() const { return groups_; }
  uint8_t erase_value() const { return erase_value_; }
  // Undo copies that there is room for, and whether it is at the slot's end.
  uint32_t capacity() const { return capacity_; }
  bool uses_slot() const { return uses_slot_; }
  bool NeedsCopy(uint32_t page) const { return table_.start(page) < old_length_; }
  // The first group and these begin new journals.
  void MoveAt(const std::vector<uint32_t>& groups);

  // Whether the old byte at `old_offset` is still there, or copied, when the new one at `new_offset` is
  // decoded.
  bool HasOld(uint64_t old_offset, uint64_t new_offset) const {
    const uint32_t group = group_of_[table_.PageOf(new_offset)];
    return group == kNever || until_[table_.PageOf(old_offset)] >= group;
  }
  // How many of `length` new bytes at `source`, before `target`, are final when those at `target` are
  // decoded.
  uint64_t FinalBytes(uint64_t source, uint64_t target, uint64_t length) const;

  // `parse` cut at pages' ends, in the order in which it is coded. Pages that stay are left out.
  std::vector<Operation> Arrange(const std::vector<Operation>& parse) const;

 private:
  static constexpr uint32_t kNever = 0xffffffff;

  void CollectTakes(const std::vector<Operation>& parse);
  void Sort();
  void Improve();
  bool AreRelated(uint32_t x, uint32_t y) const { return takes_[x].contains(y) || takes_[y].contains(x); }
  void FindRoom(const InPlaceLayout& layout, uint64_t longest);
  void Group();
  std::vector<uint64_t> Needed() const;

  PageTable table_;
  std::vector<uint32_t> pages_;                      // In the order of their production.
  std::vector<uint32_t> rank_of_;                    // By page: place in that order, or kNever.
  std::vector<uint32_t> group_of_;                   // By page: likewise.
  std::vector<uint32_t> until_;                      // By page: the last group that can read what it held.
  std::vector<std::map<uint32_t, uint64_t>> takes_;  // By page: bytes that it takes from others.
  uint32_t capacity_ = 0;
  bool uses_slot_ = false;
  std::vector<PageGroup> groups_;
  uint64_t old_length_;
  uint8_t erase_value_;
};

}  // namespace libdelta

#endif  // LIBDELTA_HOST_PAGE_ORDER_H_
