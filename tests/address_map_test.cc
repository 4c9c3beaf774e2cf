// The address map that encoder and decoder share.
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "libdelta/wire/address_map.h"
#include "tests/support/random.h"

namespace libdelta {
namespace {

template <typename Position>
struct Entry {
  Position old_position;
  Position new_position;
  bool flag;
};

template <typename Position>
class Table {
 public:
  Table(uint8_t width, bool flagged, const std::vector<Entry<Position>>& entries)
      : bytes_(2 * width * entries.size() + kGuard, 0xa7) {
    map_.Attach(bytes_.data(), static_cast<uint32_t>(entries.size()), width, flagged);
    for (const auto& e : entries) {
      EXPECT_FALSE(map_.full());
      map_.Append(e.old_position, e.new_position, e.flag);
    }
    EXPECT_TRUE(map_.full());
    EXPECT_EQ(map_.count(), entries.size());
  }
  const AddressMap<Position>& map() const { return map_; }
  bool IsGuardIntact() const {
    for (size_t i = bytes_.size() - kGuard; i < bytes_.size(); ++i) {
      if (bytes_[i] != 0xa7) return false;
    }
    return true;
  }

 private:
  static constexpr size_t kGuard = 8;
  std::vector<uint8_t> bytes_;
  AddressMap<Position> map_ = {};
};

TEST(AddressMap, WithoutEntriesMovesNothing) {
  const Table<uint32_t> table(4, true, {});
  EXPECT_EQ(table.map().count(), 0u);
  for (const uint32_t position : {0u, 1u, 0xffffffffu}) EXPECT_EQ(table.map().Map(position), position);
}

TEST(AddressMap, MovesUpToTheNextEntry) {
  const Table<uint32_t> table(2, false, {{100, 1000, false}, {200, 500, false}, {300, 300, false}});
  EXPECT_EQ(table.map().Map(100), 1000u);
  EXPECT_EQ(table.map().Map(199), 1099u);
  EXPECT_EQ(table.map().Map(200), 500u);
  EXPECT_EQ(table.map().Map(299), 599u);
  EXPECT_EQ(table.map().Map(300), 300u);
  EXPECT_EQ(table.map().Map(70000), 70000u);
}

TEST(AddressMap, BeforeTheFirstEntryItsShiftApplies) {
  const Table<uint32_t> table(2, false, {{100, 1000, false}, {200, 500, false}});
  EXPECT_EQ(table.map().Map(99), 999u);
  EXPECT_EQ(table.map().Map(0), 900u);
  const Table<uint32_t> back(2, false, {{1000, 100, false}});
  EXPECT_EQ(back.map().Map(0), static_cast<uint32_t>(-900));  // Modulo 2^32: the caller checks bounds.
}

TEST(AddressMap, OfEntriesAtOnePlaceTheLastWins) {
  const Table<uint32_t> table(2, true, {{100, 1000, false}, {100, 3000, true}, {200, 200, false}});
  EXPECT_EQ(table.map().Find(100), 1u);
  EXPECT_EQ(table.map().Map(150), 3050u);
}

template <typename Position>
void ExpectKeepsValues(uint8_t width, bool flagged) {
  const uint32_t bits = 8u * width - (flagged ? 1 : 0);
  const Position largest = static_cast<Position>(~uint64_t{0} >> (64 - bits));
  const Position old_largest = static_cast<Position>(~uint64_t{0} >> (64 - 8 * width));
  const std::vector<Entry<Position>> entries = {
      {0, largest, true}, {1, 0, false}, {old_largest, largest, false}, {old_largest, 1, flagged}};
  const Table<Position> table(width, flagged, entries);
  for (uint32_t i = 0; i < entries.size(); ++i) {
    EXPECT_EQ(table.map().old_at(i), entries[i].old_position);
    EXPECT_EQ(table.map().new_at(i), entries[i].new_position);
    if (flagged) {
      EXPECT_EQ(table.map().flag_at(i), entries[i].flag);
    }
  }
  EXPECT_TRUE(table.IsGuardIntact());
}

TEST(AddressMap, KeepsTheLargestValuesOfEveryWidth) {
  for (const bool flagged : {false, true}) {
    for (uint8_t width = 1; width <= 4; ++width) ExpectKeepsValues<uint32_t>(width, flagged);
    for (uint8_t width = 1; width <= 8; ++width) ExpectKeepsValues<uint64_t>(width, flagged);
  }
}

// Hostile entries may be anywhere: they lose what has no room, and no other entry is touched.
TEST(AddressMap, CutsOffWhatDoesNotFit) {
  const Table<uint64_t> table(2, true, {{7, 8, true}, {~uint64_t{0}, ~uint64_t{0}, false}, {9, 10, false}});
  EXPECT_EQ(table.map().old_at(1), 0xffffu);
  EXPECT_EQ(table.map().new_at(1), 0x7fffu);
  EXPECT_FALSE(table.map().flag_at(1));
  EXPECT_EQ(table.map().old_at(0), 7u);
  EXPECT_EQ(table.map().new_at(0), 8u);
  EXPECT_TRUE(table.map().flag_at(0));
  EXPECT_EQ(table.map().old_at(2), 9u);
  EXPECT_EQ(table.map().new_at(2), 10u);
  EXPECT_TRUE(table.IsGuardIntact());
}

// As many as the format allows.
TEST(AddressMap, HoldsTheLargestTable) {
  std::vector<Entry<uint32_t>> entries;
  for (uint32_t i = 0; i < 65535; ++i) entries.push_back({3 * i, 3 * i + 1000000, false});
  const Table<uint32_t> table(4, true, entries);
  for (const uint32_t i : {0u, 1u, 32767u, 32768u, 65534u}) {
    EXPECT_EQ(table.map().Find(3 * i + 2), i);
    EXPECT_EQ(table.map().Map(3 * i + 2), 3 * i + 1000002);
  }
  EXPECT_TRUE(table.IsGuardIntact());
}

TEST(AddressMap, FindsWhatALinearSearchFinds) {
  testing::Random random(3);
  for (int round = 0; round < 200; ++round) {
    std::vector<Entry<uint32_t>> entries;
    uint32_t position = random() % 4;
    for (uint32_t n = 1 + random() % 40; n != 0; --n) {
      entries.push_back({position, random() % 5000, false});
      position += random() % 5;
    }
    const Table<uint32_t> table(2, false, entries);
    for (uint32_t at = 0; at < position + 3; ++at) {
      uint32_t expected = 0;
      for (uint32_t i = 0; i < entries.size(); ++i) {
        if (entries[i].old_position <= at) expected = i;
      }
      ASSERT_EQ(table.map().Find(at), expected) << "at " << at;
    }
  }
}

}  // namespace
}  // namespace libdelta
