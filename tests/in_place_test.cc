// Updates in place: every shipped board, streamed and stored, with power cuts everywhere, hostile flash and
// failing callbacks. Whatever happens, the slot ends with exactly the new image.
//
// With LIBDELTA_CAMPAIGN=full (tests/support/campaign.h) every cut is made instead of a sample.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <numeric>
#include <optional>
#include <sstream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "libdelta/device/in_place.h"
#include "libdelta/host/sha256.h"
#include "libdelta/wire/format.h"
#include "tests/support/campaign.h"
#include "tests/support/device.h"
#include "tests/support/images.h"
#include "tests/support/in_place.h"
#include "tests/support/patches.h"
#include "tests/support/random.h"

namespace libdelta::testing {
namespace {

constexpr TornRead kTornReads[] = {TornRead::kStable, TornRead::kFlaky, TornRead::kError};

DeviceProfile Board(const std::string& name) {
  Result<DeviceProfile> profile = FindProfile(name);
  if (!profile.ok()) std::abort();
  return profile.value();
}

bool HasLargePages(const DeviceProfile& board) { return board.LargestPage(board.slot) > 8192; }

// A dozen pages; of large ones, three.
uint64_t ImageSize(const DeviceProfile& board) {
  const uint32_t page = board.LargestPage(board.slot);
  return HasLargePages(board) ? uint64_t{page} * 3 / 2 : uint64_t{page} * 12;
}

uint64_t PageSize(const DeviceProfile& board) {
  return HasLargePages(board) ? 16384 : board.LargestPage(board.slot);
}

std::vector<InPlacePair> PairsFor(const DeviceProfile& board) {
  return InPlacePairs(ImageSize(board), PageSize(board));
}

Bytes Create(const DeviceProfile& profile, ByteView old_image, ByteView new_image, uint32_t counter = 0) {
  EncodeOptions options = InPlaceOptions(profile);
  options.counter = counter;
  const Result<Patch> patch = Encode(old_image, new_image, options);
  EXPECT_TRUE(patch.ok()) << (patch.ok() ? "" : patch.error());
  return patch.ok() ? Signer(1).Sign(patch.value().bytes) : Bytes{};
}

bool IsDone(libdelta_status status) { return status == LIBDELTA_OK || status == LIBDELTA_E_ALREADY_DONE; }

// What is outside slot and spare pages, and what is protected.
Bytes Untouchable(const FlashModel& flash) {
  const DeviceProfile& profile = flash.profile();
  Bytes bytes;
  for (uint32_t page = 0; page < profile.PageCount(); ++page) {
    const FlashRange range{profile.PageStart(page), profile.PageSize(page)};
    if ((range.Overlaps(profile.slot) || range.Overlaps(profile.spare)) && !profile.IsProtected(page))
      continue;
    const ByteView content = flash.contents(range);
    bytes.insert(bytes.end(), content.begin(), content.end());
  }
  return bytes;
}

void ExpectNoViolations(const FlashModel& flash) {
  EXPECT_EQ(flash.violation_count(), 0u) << (flash.violations().empty() ? "" : flash.violations().front());
}

// --- Without cuts ----------------------------------------------------------------------------------

// Pages of the slot that the new image changes.
std::vector<bool> ChangedPages(const DeviceProfile& profile, ByteView before, ByteView new_image) {
  const PageSpan span = profile.PagesOf(profile.slot);
  std::vector<bool> changed(span.count, false);
  for (uint32_t i = 0; i < span.count; ++i) {
    const uint64_t start = profile.PageStart(span.first + i) - profile.slot.start;
    const uint64_t end = std::min<uint64_t>(start + profile.PageSize(span.first + i), new_image.size());
    if (start >= end || profile.IsProtected(span.first + i)) continue;
    changed[i] = !std::equal(before.begin() + static_cast<ptrdiff_t>(start),
                             before.begin() + static_cast<ptrdiff_t>(end),
                             new_image.begin() + static_cast<ptrdiff_t>(start));
  }
  return changed;
}

void ExpectCheap(const FlashModel& flash, const std::vector<bool>& changed, uint64_t longest) {
  const DeviceProfile& profile = flash.profile();
  const FlashStatistics& statistics = flash.statistics();
  const PageSpan slot = profile.PagesOf(profile.slot);
  const PageSpan spare = profile.PagesOf(profile.spare);
  const uint64_t count = static_cast<uint64_t>(std::count(changed.begin(), changed.end(), true));
  EXPECT_LE(statistics.erases, 2 * count + spare.count + 4);
  for (uint32_t i = 0; i < slot.count; ++i) {
    // Pages behind both images may hold undo copies.
    const bool is_behind = profile.PageStart(slot.first + i) - profile.slot.start >= longest;
    if (!changed[i] && !is_behind) {
      EXPECT_EQ(statistics.page_erases[slot.first + i], 0u) << "page " << i;
      EXPECT_EQ(statistics.page_programs[slot.first + i], 0u) << "page " << i;
    }
  }
  // Copies that outlive their group take spare pages out of turn where the slot has no room for them.
  if (profile.PageSize(slot.end() - 1) != profile.LargestPage(profile.spare)) return;
  if (longest + spare.count * profile.LargestPage(profile.spare) > profile.slot.length) return;
  const auto first = statistics.page_erases.begin() + spare.first;
  const uint32_t worst = *std::max_element(first, first + spare.count);
  const uint32_t sum = std::accumulate(first, first + spare.count, 0u);
  EXPECT_LE(uint64_t{worst} * spare.count, uint64_t{sum} + spare.count) << "spare pages wear unevenly";
}

class Boards : public ::testing::TestWithParam<std::string> {};

std::string TestName(std::string name) {
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !std::isalnum(c); }, '_');
  return name;
}

// All pairs, on a slot that is nearly empty and on one that is full.
TEST_P(Boards, UpdateWithoutCuts) {
  const DeviceProfile board = Board(GetParam());
  int updates = 0;
  int refused = 0;
  for (const InPlacePair& pair : PairsFor(board)) {
    const uint64_t longest = std::max(pair.old_image.size(), pair.new_image.size());
    for (const uint32_t free_pages : {0u, 1u, 30u}) {
      if (HasLargePages(board) && free_pages > (IsQuickCampaign() ? 0u : 1u) && !IsFullCampaign()) continue;
      const DeviceProfile profile = CutDown(board, longest, free_pages);
      SCOPED_TRACE(pair.name + ", free pages " + std::to_string(free_pages));
      const Result<Patch> unsigned_patch = Encode(pair.old_image, pair.new_image, InPlaceOptions(profile));
      if (!unsigned_patch.ok()) {
        // Only for lack of room; the message says how much there is.
        EXPECT_NE(unsigned_patch.error().find_first_of("0123456789"), std::string::npos)
            << unsigned_patch.error();
        ASSERT_LE(profile.LargestPage(profile.spare), 1024u) << unsigned_patch.error();
        if (refused++ == 0) std::printf("%s: %s\n", GetParam().c_str(), unsigned_patch.error().c_str());
        continue;
      }
      const Bytes patch = Signer(1).Sign(unsigned_patch.value().bytes);
      EXPECT_EQ(HeaderOf(patch).ram, profile.ram);
      for (const bool stored : {false, true}) {
        SCOPED_TRACE(stored ? "stored" : "streamed");
        InPlaceDevice device(profile, pair.old_image);
        device.is_stored = stored;
        device.push_size = 333;
        const Bytes untouchable = Untouchable(device.flash);
        const std::vector<bool> changed =
            ChangedPages(profile, device.Slot(profile.slot.length), pair.new_image);
        device.flash.ResetStatistics();
        PowerCycle cycle = device.Boot(patch);
        ASSERT_EQ(cycle.recovery, LIBDELTA_IDLE);
        ASSERT_EQ(cycle.status, LIBDELTA_OK) << libdelta_status_text(cycle.status);
        ASSERT_TRUE(device.Holds(pair.new_image));
        ExpectNoViolations(device.flash);
        EXPECT_TRUE(Untouchable(device.flash) == untouchable);
        ExpectCheap(device.flash, changed, longest);
        ++updates;

        const uint64_t operations = device.flash.operations();
        cycle = device.Boot({}, false);
        EXPECT_EQ(cycle.recovery, LIBDELTA_FINISHED);
        EXPECT_EQ(cycle.status, LIBDELTA_OK);
        cycle = device.Boot(patch);
        EXPECT_EQ(cycle.recovery, LIBDELTA_FINISHED);
        if (HeaderOf(patch).old_length != 0) {
          EXPECT_EQ(cycle.status, LIBDELTA_E_ALREADY_DONE) << libdelta_status_text(cycle.status);
          EXPECT_EQ(device.flash.operations(), operations);
        } else {
          EXPECT_TRUE(IsDone(cycle.status));
        }
        EXPECT_TRUE(device.Holds(pair.new_image));
        ExpectNoViolations(device.flash);
      }
      if (HasFailure()) return;
    }
  }
  RecordProperty("updates", updates);
  RecordProperty("refused", refused);
  std::printf("%s: %d updates, %d pairs refused for lack of room\n", GetParam().c_str(), updates, refused);
}

INSTANTIATE_TEST_SUITE_P(Shipped, Boards, ::testing::ValuesIn(ProfileNames()),
                         [](const auto& info) { return TestName(info.param); });

// --- Power cuts ------------------------------------------------------------------------------------

// A change that the library makes, as it was made in a run without cuts.
struct Change {
  bool is_erase = false;
  bool is_commit = false;
  uint32_t address = 0;  // Or the counter.
  Bytes data;
  uint64_t first = 0;           // Operation.
  uint64_t count = 0;           // Operations.
  uint64_t checkpoint_fed = 0;  // Bytes of the patch that had been fed when the last checkpoint was complete.
};

struct Recording {
  std::vector<Change> changes;
  uint64_t first = 0;  // Operations.
  uint64_t end = 0;
  uint64_t first_slot_erase = ~uint64_t{0};  // Of a page that holds the old image.
  PowerCycle cycle;
};

// What `device` does in one power cycle. Leaves it as it is.
Recording Record(InPlaceDevice device, ByteView patch, uint64_t old_length) {
  Recording recording;
  recording.first = device.flash.operations();
  const DeviceProfile& profile = device.flash.profile();
  uint64_t checkpoint_fed = 0;
  bool is_record = false;
  device.before_call = [&](FlashCall call, uint32_t address, const uint8_t* data, uint32_t length) {
    if (call != FlashCall::kProgram && call != FlashCall::kErase && call != FlashCall::kCommitCounter)
      return true;
    Change change;
    change.address = address;
    change.first = device.flash.operations();
    change.is_erase = call == FlashCall::kErase;
    change.is_commit = call == FlashCall::kCommitCounter;
    if (data != nullptr) change.data.assign(data, data + length);
    change.count = change.is_commit ? 0 : change.is_erase ? 1 : length / profile.write_unit;
    change.checkpoint_fed = checkpoint_fed;
    if (is_record) checkpoint_fed = device.fed();  // By this, its mark: the record counts from here on.
    is_record =
        call == FlashCall::kProgram && length == kJournalRecordSize && profile.spare.Contains(address);
    if (change.is_erase && recording.first_slot_erase == ~uint64_t{0} &&
        FlashRange{profile.slot.start, old_length}.Contains(address)) {
      recording.first_slot_erase = change.first;
    }
    recording.changes.push_back(std::move(change));
    return true;
  };
  recording.cycle = device.Boot(patch);
  recording.end = device.flash.operations();
  return recording;
}

struct CutCounts {
  uint64_t cuts = 0;
  uint64_t old_intact = 0;  // Ends: nothing had begun, and the old image was there.
  uint64_t resumed = 0;
  uint64_t done = 0;  // The new image was there.
  uint64_t most_again = 0;

  void Add(const CutCounts& other) {
    cuts += other.cuts;
    old_intact += other.old_intact;
    resumed += other.resumed;
    done += other.done;
    most_again = std::max(most_again, other.most_again);
  }
};

std::ostream& operator<<(std::ostream& out, const CutCounts& counts) {
  return out << counts.cuts << " cuts: " << counts.old_intact << " old, " << counts.resumed << " resumed, "
             << counts.done << " done";
}

struct CutPlan {
  uint64_t stride = 1;  // Of operations that copy or write pages; all others are cut each.
  uint32_t depth = 1;   // Cuts in a row; each but the first at operations of the recovery before.
  uint64_t nested_stride = 1;
  bool all_kinds = false;  // Each kind at each operation; otherwise in turn.
};

class Cutter {
 public:
  Cutter(const InPlacePair& pair, const Bytes& patch)
      : pair_(pair), patch_(patch), header_(HeaderOf(patch)) {}

  // Cuts power at the operations of what `device` does next, each time on a copy of it, and lets it recover.
  CutCounts CutEverywhere(const InPlaceDevice& device, const CutPlan& plan, bool from_old = true) {
    const Recording recording = Record(device, patch_, pair_.old_image.size());
    EXPECT_TRUE(IsDone(recording.cycle.status)) << libdelta_status_text(recording.cycle.status);
    CutCounts counts;
    InPlaceDevice rolling = device;
    uint64_t turn = 0;
    for (const Change& change : recording.changes) {
      if (change.is_commit) {
        rolling.counter = std::max(rolling.counter, change.address);
        continue;
      }
      const bool is_bulk = !change.is_erase && (change.data.size() == 64 || change.count > 16);
      for (uint64_t i = 0; i < change.count; ++i) {
        const uint64_t at = change.first + i;
        if (is_bulk && at % plan.stride != 0) continue;
        for (size_t k = 0; k < (plan.all_kinds ? std::size(kCutKinds) : 1); ++k) {
          CutAt(rolling, recording, change, at, kCutKinds[(turn + k) % std::size(kCutKinds)], plan, from_old,
                &counts);
          if (::testing::Test::HasFailure()) return counts;
        }
        turn += 1 + at / 64 % 2;
      }
      const bool good = change.is_erase
                            ? rolling.flash.Erase(change.address)
                            : rolling.flash.Program(change.address, change.data.data(), change.data.size());
      EXPECT_TRUE(good);
    }
    return counts;
  }

  // After a cut: without more of them, the next boot ends with the new image.
  void ExpectRecovers(InPlaceDevice* device) {
    const PowerCycle cycle = device->Boot(patch_);
    EXPECT_TRUE(IsDone(cycle.status))
        << libdelta_status_text(cycle.status) << ", recovery " << cycle.recovery;
    EXPECT_FALSE(cycle.power_lost);
    EXPECT_TRUE(device->Holds(pair_.new_image));
    const PowerCycle next = device->Boot({}, false);
    EXPECT_EQ(next.recovery, LIBDELTA_FINISHED);
    ExpectNoViolations(device->flash);
    EXPECT_FALSE(device->hangs());
  }

 private:
  void CutAt(const InPlaceDevice& before, const Recording& recording, const Change& change, uint64_t at,
             CutKind kind, const CutPlan& plan, bool from_old, CutCounts* counts) {
    InPlaceDevice device = before;
    device.flash.SetCut(at, kind);
    const bool survived = change.is_erase
                              ? device.flash.Erase(change.address)
                              : device.flash.Program(change.address, change.data.data(), change.data.size());
    device.flash.Reboot();
    const std::optional<CutRecord>& cut = device.flash.cut();
    ASSERT_TRUE(!survived && cut && cut->operation == at && cut->kind == kind);
    SCOPED_TRACE("cut at operation " + std::to_string(at) + " of " + std::to_string(recording.first) +
                 " .. " + std::to_string(recording.end) + ", " + CutKindName(kind) +
                 (change.is_erase ? " erase of " : " program of ") + std::to_string(change.address) + ", " +
                 std::to_string(change.data.size()) + " bytes");
    ++counts->cuts;
    if (from_old && at <= recording.first_slot_erase &&
        (at != recording.first_slot_erase || kind == CutKind::kBefore)) {
      EXPECT_TRUE(device.Holds(pair_.old_image)) << "the old image was damaged too early";
    }
    if (plan.depth > 1) {
      CutPlan rest = plan;
      --rest.depth;
      rest.stride = plan.nested_stride;
      const CutCounts nested = CutEverywhere(device, rest, false);
      counts->Add(nested);
      if (::testing::Test::HasFailure()) return;
    }
    const PowerCycle cycle = device.Boot(patch_);
    EXPECT_TRUE(IsDone(cycle.status))
        << libdelta_status_text(cycle.status) << ", recovery " << cycle.recovery;
    EXPECT_TRUE(device.Holds(pair_.new_image));
    ExpectNoViolations(device.flash);
    EXPECT_FALSE(device.hangs());
    if (cycle.recovery == LIBDELTA_RESUME) {
      ++counts->resumed;
      // Nothing before the chunk that holds the checkpoint is wanted. A group may begin in what was carried
      // over from the chunk before the one that has been fed.
      const uint64_t wanted_from =
          cycle.feed_from + 2 * uint64_t{header_.chunk_size} + (device.is_stored ? 0 : device.push_size);
      EXPECT_GE(wanted_from, change.checkpoint_fed) << "fed from " << cycle.feed_from;
      if (change.checkpoint_fed > cycle.feed_from) {
        counts->most_again = std::max(counts->most_again, change.checkpoint_fed - cycle.feed_from);
      }
    } else if (cycle.status == LIBDELTA_E_ALREADY_DONE || cycle.recovery == LIBDELTA_FINISHED) {
      ++counts->done;
    } else {
      ++counts->old_intact;
      EXPECT_EQ(cycle.recovery, LIBDELTA_IDLE);
      EXPECT_EQ(cycle.status, LIBDELTA_OK);
    }
    EXPECT_EQ(device.Boot({}, false).recovery, LIBDELTA_FINISHED);
    EXPECT_EQ(device.counter, header_.counter);
  }

  const InPlacePair& pair_;
  const Bytes& patch_;
  libdelta_header header_;
};

void Report(const CutCounts& total, const std::string& before = "", const std::string& behind = "") {
  std::ostringstream text;
  text << total;
  ::testing::Test::RecordProperty("cuts", text.str());
  std::printf("%s%s%s\n", before.c_str(), text.str().c_str(), behind.c_str());
}

// Boards whose pages have room for journals.
std::vector<std::string> RoomyBoards() {
  std::vector<std::string> names;
  for (const std::string& name : ProfileNames()) {
    const DeviceProfile board = Board(name);
    if (board.LargestPage(board.spare) >= 2048) names.push_back(name);
  }
  return names;
}

class Cuts : public ::testing::TestWithParam<std::string> {};

// One cut at every operation of small updates, except that copying of pages is sampled.
TEST_P(Cuts, AnywhereEndWithTheNewImage) {
  const DeviceProfile board = Board(GetParam());
  const uint64_t page = PageSize(board);
  const bool full = IsFullCampaign();
  CutCounts total;
  uint32_t turn = 0;
  for (const InPlacePair& pair : InPlacePairs((HasLargePages(board) ? 3 : 5) * page, page)) {
    const uint64_t longest = std::max(pair.old_image.size(), pair.new_image.size());
    const DeviceProfile profile = CutDown(board, longest, turn % 3 == 0 ? 6 : 0);
    SCOPED_TRACE(pair.name);
    const Bytes patch = Create(profile, pair.old_image, pair.new_image, 7);
    if (HasFailure()) return;
    Cutter cutter(pair, patch);
    for (const bool stored : {false, true}) {
      if (!full && stored != (turn % 2 != 0)) continue;
      const TornRead torn_read = kTornReads[(turn + stored) % 3];
      SCOPED_TRACE(std::string(stored ? "stored" : "streamed") + ", torn reads " +
                   std::to_string(static_cast<int>(torn_read)));
      InPlaceDevice device(profile, pair.old_image, {turn + 1, torn_read, {}});
      device.is_stored = stored;
      device.push_size = 100 + 57 * turn;
      device.counter = 3;
      // In bulk work a few cuts of each pair.
      CutPlan plan;
      plan.stride = full ? 1 : longest / board.write_unit / (HasLargePages(board) ? 2 : 8) + 1;
      total.Add(cutter.CutEverywhere(device, plan));
      if (HasFailure()) return;
    }
    ++turn;
  }
  Report(total, GetParam() + ", pages of " + std::to_string(page) + ": ",
         ", " + std::to_string(total.most_again) + " bytes again at most");
}

INSTANTIATE_TEST_SUITE_P(Shipped, Cuts, ::testing::ValuesIn(RoomyBoards()),
                         [](const auto& info) { return TestName(info.param); });

// A small board of small pages, on which every operation can be cut, and every one of the recovery.
DeviceProfile SmallBoard(uint32_t write_unit, uint32_t spares) {
  DeviceProfile board = Board("efr32mg");
  board.write_unit = write_unit;
  board.ram = 4096;
  board.spare.length = spares * uint64_t{2048};
  board.protected_ranges.clear();
  board.patch_storage.reset();
  return board;
}

// Every operation, every kind, every kind of torn read.
TEST(InPlaceCuts, AtEveryOperationInEveryWay) {
  CutCounts total;
  uint64_t seed = 0;
  for (const uint32_t unit : {4u, 16u}) {
    const DeviceProfile board = SmallBoard(unit, 2);
    const InPlacePair pair = FindInPlacePair(unit == 4 ? "one-byte" : "odd-end", 2 * 2048, 2048);
    const DeviceProfile profile = CutDown(board, std::max(pair.old_image.size(), pair.new_image.size()), 0);
    const Bytes patch = Create(profile, pair.old_image, pair.new_image, 7);
    if (HasFailure()) return;
    Cutter cutter(pair, patch);
    for (const TornRead torn_read : kTornReads) {
      SCOPED_TRACE("unit " + std::to_string(unit) + ", torn reads " +
                   std::to_string(static_cast<int>(torn_read)));
      InPlaceDevice device(profile, pair.old_image, {++seed, torn_read, {}});
      device.is_stored = seed % 2 == 0;
      CutPlan plan;
      plan.all_kinds = true;
      plan.stride = IsFullCampaign() ? 1 : 7;
      total.Add(cutter.CutEverywhere(device, plan));
      if (HasFailure()) return;
    }
  }
  Report(total);
}

// A second cut at every operation of every recovery.
TEST(InPlaceCuts, OfRecoveriesEndWithTheNewImage) {
  CutCounts total;
  uint64_t seed = 50;
  for (const uint32_t spares : {2u, 3u}) {
    const DeviceProfile board = SmallBoard(8, spares);
    const InPlacePair pair = FindInPlacePair(spares == 2 ? "moved" : "odd-end", 3 * 2048, 2048);
    const DeviceProfile profile = CutDown(board, std::max(pair.old_image.size(), pair.new_image.size()), 0);
    const Bytes patch = Create(profile, pair.old_image, pair.new_image, 7);
    if (HasFailure()) return;
    Cutter cutter(pair, patch);
    for (const TornRead torn_read : kTornReads) {
      SCOPED_TRACE("spares " + std::to_string(spares) + ", torn reads " +
                   std::to_string(static_cast<int>(torn_read)));
      InPlaceDevice device(profile, pair.old_image, {++seed, torn_read, {}});
      device.is_stored = seed % 2 == 0;
      CutPlan plan;
      plan.depth = 2;
      plan.stride = IsFullCampaign() ? 10 : IsQuickCampaign() ? 2000 : 600;
      plan.nested_stride = plan.stride;
      total.Add(cutter.CutEverywhere(device, plan));
      if (HasFailure()) return;
    }
  }
  Report(total);
}

// More new pages than a group has: the journal moves while a spare page is free and the others hold copies
// that only the group before needs.
TEST(InPlaceCuts, WhereGroupsLeaveSparePagesFree) {
  CutCounts total;
  uint64_t seed = 80;
  for (const uint32_t old_pages : {1u, 5u}) {
    const InPlacePair pair{"growing far", RandomBytes(old_pages * 2048, old_pages),
                           Bytes((old_pages + 18) * 2048, 0x5a)};
    const DeviceProfile profile = CutDown(SmallBoard(8, 3), pair.new_image.size(), 0);
    const Bytes patch = Create(profile, pair.old_image, pair.new_image, 7);
    if (HasFailure()) return;
    Cutter cutter(pair, patch);
    for (const TornRead torn_read : kTornReads) {
      SCOPED_TRACE("old pages " + std::to_string(old_pages) + ", torn reads " +
                   std::to_string(static_cast<int>(torn_read)));
      InPlaceDevice device(profile, pair.old_image, {++seed, torn_read, {}});
      device.is_stored = seed % 2 == 0;
      CutPlan plan;
      plan.depth = IsFullCampaign() ? 2 : 1;
      plan.stride = IsFullCampaign() ? 500 : 100;
      plan.nested_stride = 2000;
      total.Add(cutter.CutEverywhere(device, plan));
      if (HasFailure()) return;
    }
  }
  Report(total);
}

// Up to thirty cuts in a row, at random.
TEST(InPlaceCuts, ManyInARowEndWithTheNewImage) {
  const int rounds = IsFullCampaign() ? 200 : IsQuickCampaign() ? 2 : 6;
  uint64_t cuts = 0;
  uint64_t updates = 0;
  for (const std::string& name : RoomyBoards()) {
    const DeviceProfile board = Board(name);
    if (HasLargePages(board) && !IsFullCampaign()) continue;
    for (const char* pair_name : {"moved", "major", "growing"}) {
      const InPlacePair pair = FindInPlacePair(pair_name, 6 * PageSize(board), PageSize(board));
      const uint64_t longest = std::max(pair.old_image.size(), pair.new_image.size());
      for (const uint32_t free_pages : {0u, 7u}) {
        const DeviceProfile profile = CutDown(board, longest, free_pages);
        const Bytes patch = Create(profile, pair.old_image, pair.new_image, 7);
        for (int round = 0; round < rounds; ++round) {
          SCOPED_TRACE(name + ", " + pair_name + ", free pages " + std::to_string(free_pages) + ", round " +
                       std::to_string(round));
          Random random(static_cast<uint64_t>(round) * 100 + free_pages);
          InPlaceDevice device(profile, pair.old_image, {random(), kTornReads[round % 3], {}});
          device.is_stored = random() % 2 != 0;
          device.push_size = 1 + random.Below(3000);
          const uint32_t most = 1 + random.Below(30);
          // Some close together, some far apart.
          const uint64_t reach = random() % 2 ? 40 : longest / board.write_unit / 2;
          uint32_t done = 0;
          PowerCycle cycle;
          do {
            if (done < most) {
              device.flash.SetCut(device.flash.operations() + random.Below(reach),
                                  kCutKinds[random.Below(std::size(kCutKinds))]);
            } else {
              device.flash.ClearCut();
            }
            const uint64_t before = device.flash.cut() ? device.flash.cut()->operation + 1 : 0;
            cycle = device.Boot(patch);
            if (cycle.power_lost) {
              ASSERT_GE(device.flash.cut()->operation + 1, before);
              ++done;
            }
          } while (cycle.power_lost);
          cuts += done;
          ++updates;
          device.flash.ClearCut();
          ASSERT_TRUE(IsDone(cycle.status))
              << libdelta_status_text(cycle.status) << ", recovery " << cycle.recovery << " after " << done
              << " cuts, seed round " << round;
          ASSERT_TRUE(device.Holds(pair.new_image));
          ExpectNoViolations(device.flash);
          ASSERT_EQ(device.Boot({}, false).recovery, LIBDELTA_FINISHED);
          if (HasFailure()) return;
        }
      }
    }
  }
  std::printf("%d updates, %d cuts\n", static_cast<int>(updates), static_cast<int>(cuts));
  RecordProperty("cuts", static_cast<int>(cuts));
}

// An update ends in a cut; whatever the device makes of it, it takes the next update, which is cut as well.
TEST(InPlaceCuts, BetweenTwoUpdates) {
  const DeviceProfile board = SmallBoard(8, 2);
  const InPlacePair pair = FindInPlacePair("moved", 3 * 2048, 2048);
  const DeviceProfile profile = CutDown(board, std::max(pair.old_image.size(), pair.new_image.size()), 0);
  const Bytes first = Create(profile, pair.old_image, pair.new_image, 7);
  const Bytes second = Create(profile, pair.new_image, pair.old_image, 8);
  InPlaceDevice whole(profile, pair.old_image);
  ASSERT_EQ(whole.Boot(first).status, LIBDELTA_OK);
  const uint64_t length = whole.flash.operations();
  int cuts = 0;
  // Feeds what is wanted: the device does not say which patch that is.
  const auto drive = [&](InPlaceDevice* device, bool offer) {
    PowerCycle cycle = device->Boot(second, offer);
    if (!cycle.power_lost && cycle.recovery == LIBDELTA_RESUME && !IsDone(cycle.status)) {
      cycle = device->Boot(first, false);
      if (!cycle.power_lost && IsDone(cycle.status)) cycle = device->Boot(second, offer);
    }
    return cycle;
  };
  for (uint64_t at = length - 8; at < length; ++at) {
    for (const TornRead torn_read : kTornReads) {
      for (uint64_t variant = 0; variant < (IsFullCampaign() ? 100u : 10u); ++variant) {
        SCOPED_TRACE("first cut at operation " + std::to_string(at) + " of " + std::to_string(length) +
                     ", torn reads " + std::to_string(static_cast<int>(torn_read)) + ", variant " +
                     std::to_string(variant));
        Random random(at * 1000 + variant);
        InPlaceDevice device(profile, pair.old_image, {random(), torn_read, {}});
        device.flash.SetCut(at, kCutKinds[variant % std::size(kCutKinds)]);
        ASSERT_TRUE(device.Boot(first).power_lost);
        ++cuts;
        for (int i = 0; i < 3; ++i) {
          device.flash.SetCut(device.flash.operations() + random.Below(i == 1 ? 400 : 60),
                              kCutKinds[random.Below(std::size(kCutKinds))]);
          cuts += drive(&device, true).power_lost;
        }
        device.flash.ClearCut();
        const PowerCycle cycle = drive(&device, true);
        EXPECT_TRUE(IsDone(cycle.status))
            << libdelta_status_text(cycle.status) << ", recovery " << cycle.recovery;
        EXPECT_TRUE(device.Holds(pair.old_image));
        EXPECT_EQ(device.counter, 8u);
        for (int i = 0; i < 3; ++i) EXPECT_EQ(device.Boot({}, false).recovery, LIBDELTA_FINISHED);
        ExpectNoViolations(device.flash);
        if (HasFailure()) return;
      }
    }
  }
  std::printf("%d cuts\n", cuts);
}

// --- What is refused -------------------------------------------------------------------------------

// An update of a small board, and what else may be offered to it.
struct Scene {
  explicit Scene(uint32_t pages = 4, uint32_t spares = 3, const char* name = "moved")
      : pair(FindInPlacePair(name, pages * 2048, 2048)),
        profile(CutDown(SmallBoard(8, spares), std::max(pair.old_image.size(), pair.new_image.size()), 0)),
        patch(Create(profile, pair.old_image, pair.new_image, 7)),
        other_image(WithEdits(pair.old_image, 300, 4)),
        rescue_image(RandomBytes(pair.new_image.size() / 2 + 700, 44)) {
    other_image.resize(pair.old_image.size() - 100);
    other = Create(profile, pair.old_image, other_image, 9);
    rescue = Create(profile, {}, rescue_image, 9);
  }

  // Power fails at an operation of the update.
  InPlaceDevice CutAt(uint64_t operation, TornRead torn_read = TornRead::kStable) const {
    InPlaceDevice device(profile, pair.old_image, {operation + 1, torn_read, {}});
    device.flash.SetCut(operation, kCutKinds[operation % std::size(kCutKinds)]);
    EXPECT_TRUE(device.Boot(patch).power_lost);
    EXPECT_EQ(device.flash.cut()->operation, operation);
    return device;
  }
  uint64_t Operations() const {
    InPlaceDevice device(profile, pair.old_image);
    device.Boot(patch);
    return device.flash.operations();
  }

  InPlacePair pair;
  DeviceProfile profile;
  Bytes patch;
  Bytes other_image;
  Bytes rescue_image;
  Bytes other;   // Another delta for the same old image.
  Bytes rescue;  // A whole image.
};

void ExpectResumes(InPlaceDevice device, const Scene& scene) {
  const PowerCycle cycle = device.Boot(scene.patch);
  EXPECT_TRUE(IsDone(cycle.status)) << libdelta_status_text(cycle.status) << ", recovery " << cycle.recovery;
  EXPECT_TRUE(device.Holds(scene.pair.new_image));
  EXPECT_EQ(device.Boot({}, false).recovery, LIBDELTA_FINISHED);
  ExpectNoViolations(device.flash);
  EXPECT_FALSE(device.hangs());
}

void ExpectRescued(InPlaceDevice device, const Scene& scene) {
  const PowerCycle cycle = device.Offer(scene.rescue);
  EXPECT_EQ(cycle.status, LIBDELTA_OK) << libdelta_status_text(cycle.status);
  EXPECT_TRUE(device.Holds(scene.rescue_image));
  EXPECT_EQ(device.Boot({}, false).recovery, LIBDELTA_FINISHED);
  EXPECT_EQ(device.counter, 9u);
  ExpectNoViolations(device.flash);
  EXPECT_FALSE(device.hangs());
}

TEST(InPlaceRefusals, ComeBeforeTheFirstErase) {
  const Scene scene;
  const auto refuse = [&](const Bytes& patch, libdelta_status expected,
                          const std::function<void(InPlaceDevice*)>& change = {}) {
    for (const bool stored : {false, true}) {
      InPlaceDevice device(scene.profile, scene.pair.old_image);
      device.is_stored = stored;
      if (change) change(&device);
      const PowerCycle cycle = device.Boot(patch);
      EXPECT_EQ(cycle.status, expected) << libdelta_status_text(cycle.status);
      EXPECT_EQ(device.flash.operations(), 0u);
      EXPECT_EQ(device.flash.violation_count(), 0u);
      EXPECT_EQ(device.counter <= 8 ? device.counter : 8, device.counter);
    }
  };
  const InPlacePair& pair = scene.pair;
  EncodeOptions options = InPlaceOptions(scene.profile);
  options.counter = 7;
  const auto with = [&](const std::function<void(EncodeOptions*)>& change) {
    EncodeOptions changed = options;
    change(&changed);
    const Result<Patch> patch = Encode(pair.old_image, pair.new_image, changed);
    EXPECT_TRUE(patch.ok()) << (patch.ok() ? "" : patch.error());
    return patch.ok() ? Signer(1).Sign(patch.value().bytes) : Bytes{};
  };
  {
    SCOPED_TRACE("geometry");
    refuse(with([](EncodeOptions* o) { o->in_place->write_unit = 4; }), LIBDELTA_E_GEOMETRY);
    refuse(with([](EncodeOptions* o) { o->in_place->spare_count = 2; }), LIBDELTA_E_GEOMETRY);
    refuse(with([](EncodeOptions* o) { o->in_place->spare_page_size = 4096; }), LIBDELTA_E_GEOMETRY);
    refuse(with([](EncodeOptions* o) { ++o->in_place->pages[0].count; }), LIBDELTA_E_GEOMETRY);
    refuse(with([](EncodeOptions* o) {
             o->in_place->pages = {{o->in_place->pages[0].count - 1, 2048}, {1, 2048}};
           }),
           LIBDELTA_E_GEOMETRY);
    refuse(with([](EncodeOptions* o) { o->in_place.reset(); }), LIBDELTA_E_GEOMETRY);
    EncodeOptions two_slots = options;
    two_slots.in_place.reset();
    two_slots.kind = PayloadKind::kFullOnly;
    refuse(Signer(1).Sign(Encode({}, pair.new_image, two_slots).value().bytes), LIBDELTA_E_GEOMETRY);
  }
  {
    SCOPED_TRACE("signatures");
    refuse(Encode(pair.old_image, pair.new_image, options).value().bytes, LIBDELTA_E_SIGNATURE);
    refuse(Signer(2).Sign(Encode(pair.old_image, pair.new_image, options).value().bytes),
           LIBDELTA_E_SIGNATURE);
    Bytes forged = scene.patch;
    forged[8] ^= 1;
    refuse(forged, LIBDELTA_E_SIGNATURE);
    refuse(scene.patch, LIBDELTA_E_SIGNATURE, [](InPlaceDevice* d) {
      d->trusted = {1, 3}, d->threshold = 2;
    });
  }
  refuse(scene.patch, LIBDELTA_E_COUNTER, [](InPlaceDevice* d) { d->counter = 8; });
  refuse(scene.patch, LIBDELTA_E_HARDWARE, [](InPlaceDevice* d) { d->hardware = "other"; });
  refuse(scene.patch, LIBDELTA_E_OLD_DIGEST, [&](InPlaceDevice* d) {
    d->flash.Load(scene.profile.slot.start + 5, Bytes{static_cast<uint8_t>(~scene.pair.old_image[5])});
  });
  {
    SCOPED_TRACE("an image that has but the start of the new digest");
    Bytes other = Encode(pair.old_image, pair.new_image, options).value().bytes;
    other[static_cast<size_t>(HeaderOf(other).new_digest - other.data()) + kDigestSize - 1] ^= 1;
    refuse(Signer(1).Sign(other), LIBDELTA_E_OLD_DIGEST,
           [&](InPlaceDevice* d) { d->flash.Load(scene.profile.slot.start, scene.pair.new_image); });
  }
  refuse(with([](EncodeOptions* o) { o->ram = 8192, o->chunk = 512; }), LIBDELTA_E_RAM);
}

// Nor does a device with two slots take a patch in place.
TEST(InPlaceRefusals, ByADeviceWithTwoSlots) {
  const Scene scene;
  for (const Feed feed : kAllFeeds) {
    Device device(scene.pair.old_image);
    device.keys = {};
    const Signer signer(1);
    device.keys.push_back(signer.key());
    device.threshold = 1;
    device.hardware.reset();
    device.component.reset();
    device.min_counter = 0;
    EXPECT_EQ(device.Apply(scene.patch, feed), LIBDELTA_E_GEOMETRY) << FeedName(feed);
    EXPECT_TRUE(device.new_image().empty());
  }
}

// The header counts pages in units of 64 bytes, with 16 bits.
TEST(InPlaceRefusals, ByTheEncoderOfSparePagesThatAHeaderCannotName) {
  const Scene scene;
  const auto encodes = [&](uint32_t spare_page_size) {
    EncodeOptions options = InPlaceOptions(scene.profile);
    options.in_place->spare_page_size = spare_page_size;
    return Encode(scene.pair.old_image, scene.pair.new_image, options).ok();
  };
  EXPECT_TRUE(encodes(4096 + 64));
  EXPECT_FALSE(encodes(4096 + 32));
  EXPECT_TRUE(encodes(65535 * 64));
  EXPECT_FALSE(encodes(65536 * 64));
}

TEST(InPlaceRefusals, OfAPatchThatChangesNothing) {
  const Scene scene;
  const Bytes same = Create(scene.profile, scene.pair.old_image, scene.pair.old_image, 7);
  for (const bool second : {false, true}) {
    for (const bool stored : {false, true}) {
      InPlaceDevice device(scene.profile, scene.pair.old_image);
      device.is_stored = stored;
      Bytes image = scene.pair.old_image;
      Bytes patch = same;
      if (second) {
        ASSERT_EQ(device.Boot(scene.patch).status, LIBDELTA_OK);
        image = scene.pair.new_image;
        patch = Create(scene.profile, image, image, 7);
      }
      const PowerCycle cycle = device.Boot(patch);
      EXPECT_TRUE(IsDone(cycle.status)) << libdelta_status_text(cycle.status);
      EXPECT_TRUE(device.Holds(image));
      ExpectNoViolations(device.flash);
      EXPECT_EQ(device.counter, 7u);
      const PowerCycle next = device.Boot({}, false);
      EXPECT_EQ(next.status, LIBDELTA_OK) << libdelta_status_text(next.status);
      EXPECT_TRUE(next.recovery == LIBDELTA_IDLE || next.recovery == LIBDELTA_FINISHED);
    }
  }
}

// What the device keeps in protected pages of the slot does not matter, and stays.
TEST(InPlaceUpdates, LeaveProtectedPagesAlone) {
  DeviceProfile profile = CutDown(SmallBoard(8, 3), 8 * 2048, 0);
  profile.protected_ranges = {{2 * 2048, 2048}, {5 * 2048, 2048}};
  ASSERT_FALSE(CheckProfile(profile).has_value());
  InPlacePair pair = FindInPlacePair("moved", 9 * 2048, 2048);
  pair.old_image.resize(8 * 2048 - 3);
  pair.new_image.resize(8 * 2048 - 3);
  EXPECT_FALSE(Encode(pair.old_image, pair.new_image, InPlaceOptions(profile)).ok()) << "content is there";
  for (const FlashRange& range : profile.protected_ranges) {
    std::fill_n(pair.new_image.begin() + static_cast<ptrdiff_t>(range.start), range.length, uint8_t{0xff});
  }
  const Bytes patch = Create(profile, pair.old_image, pair.new_image);
  for (const bool stored : {false, true}) {
    InPlaceDevice device(profile, pair.old_image);
    device.is_stored = stored;
    device.flash.Load(2 * 2048, RandomBytes(2048, 71));
    device.flash.Load(5 * 2048, RandomBytes(2000, 72));
    const Bytes untouchable = Untouchable(device.flash);
    EXPECT_EQ(device.Boot(patch).status, LIBDELTA_OK);
    EXPECT_TRUE(device.Holds(pair.new_image));
    EXPECT_TRUE(Untouchable(device.flash) == untouchable);
    EXPECT_EQ(device.Boot({}, false).recovery, LIBDELTA_FINISHED);
    ExpectNoViolations(device.flash);
  }
}

TEST(InPlaceUpdates, CommitTheCounterLastAndNeverLower) {
  const Scene scene;
  for (const uint32_t before : {0u, 7u}) {
    InPlaceDevice device(scene.profile, scene.pair.old_image);
    device.counter = before;
    int commits = 0;
    device.before_call = [&](FlashCall call, uint32_t address, const uint8_t*, uint32_t) {
      if (call != FlashCall::kCommitCounter) return true;
      EXPECT_EQ(address, 7u);
      EXPECT_TRUE(device.Holds(scene.pair.new_image));
      ++commits;
      return true;
    };
    EXPECT_EQ(device.Boot(scene.patch).status, LIBDELTA_OK);
    EXPECT_EQ(commits, 1);
    EXPECT_EQ(device.counter, 7u);
  }
}

// --- Other patches, half-way -----------------------------------------------------------------------

TEST(InPlaceOffers, OfAnotherDeltaChangeNothing) {
  const Scene scene;
  const uint64_t operations = scene.Operations();
  const uint64_t step = IsFullCampaign() ? 1 : operations / 60 + 1;
  for (uint64_t at = 0; at < operations; at += step) {
    SCOPED_TRACE(at);
    InPlaceDevice device = scene.CutAt(at, kTornReads[at % 3]);
    InPlaceDevice probe = device;
    const bool resumes = probe.Boot({}, false).recovery == LIBDELTA_RESUME;
    if (!resumes) continue;
    for (const bool stored : {false, true}) {
      device.is_stored = stored;
      const uint64_t before = device.flash.operations();
      const PowerCycle cycle = device.Offer(scene.other);
      EXPECT_EQ(cycle.status, LIBDELTA_E_IN_PROGRESS) << libdelta_status_text(cycle.status);
      EXPECT_EQ(device.flash.operations(), before);
      // Nor when it comes where the update's own patch is wanted.
      EXPECT_FALSE(IsDone(InPlaceDevice(device).Boot(scene.other).status));
      ExpectResumes(device, scene);
    }
    if (HasFailure()) return;
  }
}

TEST(InPlaceOffers, OfAWholeImageReplaceTheUpdate) {
  const Scene scene;
  const uint64_t operations = scene.Operations();
  const uint64_t step = IsFullCampaign() ? 3 : operations / 14 + 1;
  uint64_t cuts = 0;
  for (uint64_t at = 0; at < operations; at += step) {
    SCOPED_TRACE("update cut at operation " + std::to_string(at));
    InPlaceDevice device = scene.CutAt(at, kTornReads[at % 3]);
    device.is_stored = at % 2 != 0;
    ExpectRescued(device, scene);
    if (HasFailure()) return;
    // Cut as well, once or several times.
    InPlaceDevice whole = device;
    const uint64_t first = device.flash.operations();
    whole.Offer(scene.rescue);
    const uint64_t length = whole.flash.operations() - first;
    const uint64_t inner = IsFullCampaign() ? 5 : length / 40 + 1;
    for (uint64_t i = 0; i < length; i += i < 20 ? 1 : inner) {
      SCOPED_TRACE("rescue cut at operation " + std::to_string(i));
      InPlaceDevice cut = device;
      cut.flash.SetCut(first + i, kCutKinds[(at + i) % std::size(kCutKinds)]);
      EXPECT_TRUE(cut.Offer(scene.rescue).power_lost);
      ++cuts;
      ExpectRescued(cut, scene);
      // Whichever of the two it wants to go on with, it gets there.
      InPlaceDevice onward = cut;
      const PowerCycle boot = onward.Boot({}, false);
      if (boot.recovery == LIBDELTA_RESUME) {
        InPlaceDevice update = cut;
        const PowerCycle by_update = update.Boot(scene.patch);
        if (IsDone(by_update.status)) {
          EXPECT_TRUE(update.Holds(scene.pair.new_image));
        } else {
          InPlaceDevice rescue = cut;
          const PowerCycle by_rescue = rescue.Boot(scene.rescue);
          EXPECT_EQ(by_rescue.status, LIBDELTA_OK) << libdelta_status_text(by_rescue.status);
          EXPECT_TRUE(rescue.Holds(scene.rescue_image));
          ExpectNoViolations(rescue.flash);
          ExpectRescued(update, scene);  // After the wrong patch was tried.
        }
        ExpectNoViolations(update.flash);
      }
      if (HasFailure()) return;
    }
  }
  std::printf("%d cuts of rescues\n", static_cast<int>(cuts));
}

// A rescue that is cut again and again.
TEST(InPlaceOffers, OfAWholeImageManyTimes) {
  const Scene scene;
  for (uint64_t seed = 0; seed < (IsFullCampaign() ? 500u : 40u); ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    InPlaceDevice device = scene.CutAt(random.Below(scene.Operations()), kTornReads[seed % 3]);
    const uint32_t reach = seed % 2 ? 12 : 900;
    for (int i = 0; i < 40; ++i) {
      device.flash.SetCut(device.flash.operations() + random.Below(reach),
                          kCutKinds[random.Below(std::size(kCutKinds))]);
      const PowerCycle cycle = random() % 4 ? device.Offer(scene.rescue) : device.Boot({}, false);
      if (!cycle.power_lost) device.flash.ClearCut();
    }
    device.flash.ClearCut();
    ExpectRescued(device, scene);
    if (HasFailure()) return;
  }
}

// --- Failing callbacks and hostile flash -----------------------------------------------------------

// Whatever the library said, it must not take a wrong image for the new one, or write where it must not.
void ExpectHonest(const InPlaceDevice& device, const Scene& scene, const PowerCycle& cycle) {
  ExpectNoViolations(device.flash);
  EXPECT_FALSE(device.hangs());
  if (IsDone(cycle.status) && cycle.recovery == LIBDELTA_RESUME) {
    EXPECT_TRUE(device.Holds(scene.pair.new_image));
  }
  if (cycle.recovery == LIBDELTA_FINISHED) {
    EXPECT_TRUE(device.Holds(scene.pair.new_image));
  }
}

// Each call fails once, or from then on, in an update that begins and in one that goes on.
TEST(InPlaceFailures, OfEveryCallAreSurvived) {
  const Scene scene(2, 2, "odd-end");
  uint64_t failures = 0;
  for (const uint64_t cut : {uint64_t{0}, scene.Operations() * 3 / 4}) {
    InPlaceDevice start(scene.profile, scene.pair.old_image);
    if (cut != 0) start = scene.CutAt(cut);
    for (const bool stored : {false, true}) {
      start.is_stored = stored;
      InPlaceDevice whole = start;
      const uint64_t calls_before = whole.calls();
      ASSERT_TRUE(IsDone(whole.Boot(scene.patch).status));
      const uint64_t calls = whole.calls() - calls_before;
      // What only reads byte by byte is sampled.
      std::vector<uint64_t> tried;
      InPlaceDevice classified = start;
      uint64_t index = 0;
      uint64_t reads = 0;
      classified.before_call = [&](FlashCall call, uint32_t, const uint8_t*, uint32_t length) {
        const bool is_small = call == FlashCall::kRead && length <= 64;
        if (!is_small || ++reads % (IsFullCampaign() ? 1 : 2) == 0) tried.push_back(index);
        ++index;
        return true;
      };
      classified.Boot(scene.patch);
      ASSERT_EQ(index, calls);
      for (const uint64_t failing : tried) {
        for (const bool for_good : {false, true}) {
          if (!IsFullCampaign() && for_good && failing % 5 != 0) continue;
          SCOPED_TRACE((cut ? "resumed, " : "begun, ") + std::string(stored ? "stored" : "streamed") +
                       ", call " + std::to_string(failing) + " of " + std::to_string(calls) +
                       (for_good ? " and all later ones fail" : " fails"));
          InPlaceDevice device = start;
          uint64_t call = 0;
          FlashCall what = FlashCall::kRead;
          device.before_call = [&](FlashCall kind, uint32_t, const uint8_t*, uint32_t) {
            const bool fails = call == failing || (for_good && call > failing);
            if (call == failing) what = kind;
            ++call;
            return !fails;
          };
          const PowerCycle cycle = device.Boot(scene.patch);
          device.before_call = nullptr;
          ++failures;
          ExpectHonest(device, scene, cycle);
          if (what != FlashCall::kRead) {
            EXPECT_FALSE(IsDone(cycle.status)) << "the failure went unnoticed";
          }
          ExpectResumes(device, scene);
          if (HasFailure()) return;
        }
      }
    }
  }
  std::printf("%d failing calls\n", static_cast<int>(failures));
}

TEST(InPlaceHostile, RandomJournalsAreIgnored) {
  const Scene scene;
  const uint64_t operations = scene.Operations();
  for (uint64_t seed = 0; seed < (IsFullCampaign() ? 2000u : 60u); ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    // Before the update, or in the middle of it, when there is no way on but a whole image.
    const bool begun = seed % 2 != 0;
    InPlaceDevice device(scene.profile, scene.pair.old_image);
    if (begun) device = scene.CutAt(random.Below(operations));
    Bytes noise = RandomBytes(scene.profile.spare.length, seed);
    if (seed % 3 == 0)
      std::copy_n(scene.patch.begin(), std::min<size_t>(600, scene.patch.size()), noise.begin());
    if (seed % 5 == 0) std::fill(noise.begin() + 300, noise.end(), uint8_t{0xff});
    device.flash.Load(scene.profile.spare.start, noise);
    device.is_stored = random() % 2 != 0;
    InPlaceDevice update = device;
    const PowerCycle cycle = update.Boot(scene.patch);
    EXPECT_EQ(cycle.recovery, LIBDELTA_IDLE);
    if (!begun) {
      EXPECT_EQ(cycle.status, LIBDELTA_OK);
    }
    if (IsDone(cycle.status)) {
      EXPECT_TRUE(update.Holds(scene.pair.new_image));
    }
    ExpectNoViolations(update.flash);
    ExpectRescued(device, scene);
    if (HasFailure()) return;
  }
}

// Gives `device` the spare pages of another one, as a programmer would.
void PutBackSparePages(const InPlaceDevice& from, InPlaceDevice* device) {
  const DeviceProfile& profile = from.flash.profile();
  const PageSpan pages = profile.PagesOf(profile.spare);
  for (uint32_t page = pages.first; page < pages.end(); ++page) {
    ASSERT_TRUE(device->flash.Erase(profile.PageStart(page)));
    for (uint64_t at = profile.PageStart(page); at < profile.PageStart(page) + profile.PageSize(page);
         at += profile.write_unit) {
      const FlashRange unit{at, profile.write_unit};
      if (from.flash.IsProgrammed(at)) device->flash.Load(at, from.flash.contents(unit));
    }
  }
}

// Spare pages of an earlier moment, or of another update, come back.
TEST(InPlaceHostile, ReplayedJournalsDoNoHarm) {
  const Scene scene;
  const uint64_t operations = scene.Operations();
  int resumed = 0;
  int refused = 0;
  const auto replay = [&](const InPlaceDevice& from, InPlaceDevice device) {
    PutBackSparePages(from, &device);
    InPlaceDevice update = device;
    const PowerCycle cycle = update.Boot(scene.patch);
    ExpectNoViolations(update.flash);
    EXPECT_FALSE(update.hangs());
    if (IsDone(cycle.status)) {
      EXPECT_TRUE(update.Holds(scene.pair.new_image));
      ++resumed;
    } else {
      ++refused;
    }
    ExpectRescued(update, scene);
    ExpectRescued(device, scene);
  };
  InPlaceDevice other(scene.profile, scene.pair.old_image);
  other.flash.SetCut(operations / 2, CutKind::kBefore);
  other.Boot(scene.other);
  const uint64_t step = operations / (IsFullCampaign() ? 60 : 9) + 1;
  for (uint64_t late = 0; late < operations; late += step) {
    const InPlaceDevice device = scene.CutAt(late);
    for (uint64_t early = 0; early < late; early += step) {
      SCOPED_TRACE("journal of operation " + std::to_string(early) + " at " + std::to_string(late));
      replay(scene.CutAt(early), device);
      if (HasFailure()) return;
    }
    SCOPED_TRACE("journal of another update at operation " + std::to_string(late));
    replay(other, device);
    if (HasFailure()) return;
  }
  std::printf("%d resumed, %d refused\n", resumed, refused);
}

// Of the journal that says that an earlier update was finished.
TEST(InPlaceHostile, ReplayedEndIsNotTakenForThisOne) {
  const Scene scene;
  InPlaceDevice finished(scene.profile, scene.pair.old_image);
  ASSERT_EQ(finished.Boot(scene.patch).status, LIBDELTA_OK);
  const InPlacePair back{"back", scene.pair.new_image, scene.pair.old_image};
  const Bytes patch = Create(scene.profile, back.old_image, back.new_image, 8);
  InPlaceDevice device = finished;
  device.flash.SetCut(device.flash.operations() + 1800, CutKind::kAfter);
  ASSERT_TRUE(device.Boot(patch).power_lost);
  ASSERT_FALSE(device.Holds(scene.pair.new_image));
  PutBackSparePages(finished, &device);
  const PowerCycle cycle = device.Boot({}, false);
  EXPECT_NE(cycle.recovery, LIBDELTA_FINISHED) << "the slot holds neither image";
  ExpectNoViolations(device.flash);
  ExpectRescued(device, scene);
}

TEST(InPlaceHostile, FlippedBitsInTheJournal) {
  const Scene scene;
  const uint64_t operations = scene.Operations();
  int updated = 0;
  int rounds = IsFullCampaign() ? 20000 : 500;
  for (int round = 0; round < rounds; ++round) {
    SCOPED_TRACE(round);
    Random random(static_cast<uint64_t>(round) + 1000);
    InPlaceDevice device = scene.CutAt(round % 40 * (operations - 1) / 39);
    const uint64_t at = scene.profile.spare.start + random.Below(scene.profile.spare.length);
    for (uint32_t flips = random() % 3 + 1; flips != 0; --flips) {
      const uint64_t flipped =
          flips == 1 ? at : scene.profile.spare.start + random.Below(scene.profile.spare.length);
      device.flash.Load(flipped,
                        Bytes{static_cast<uint8_t>(device.flash.contents()[flipped] ^ 1u << random() % 8)});
    }
    device.is_stored = random() % 2 != 0;
    const PowerCycle cycle = device.Boot(scene.patch);
    ExpectNoViolations(device.flash);
    EXPECT_FALSE(device.hangs());
    if (IsDone(cycle.status)) {
      EXPECT_TRUE(device.Holds(scene.pair.new_image));
      ++updated;
    }
    ExpectRescued(device, scene);
    if (HasFailure()) return;
  }
  std::printf("%d of %d updated all the same\n", updated, rounds);
}

// CRC-32 as journals have it.
uint32_t JournalCheck(uint32_t check, ByteView bytes) {
  for (const uint8_t byte : bytes) {
    check ^= byte;
    for (int i = 0; i < 8; ++i) check = (check >> 1) ^ (0xedb88320u & (0u - (check & 1)));
  }
  return check;
}

// Of what precedes a journal's frames: where records' checks go on.
uint32_t CheckOfStart(ByteView page) {
  uint32_t frames = 0;
  std::memcpy(&frames, page.data(), sizeof(frames));
  return JournalCheck(0x4a445746, page.first(std::min<size_t>(frames, page.size())));
}

// Records that are as they should be, except for what they say.
TEST(InPlaceHostile, ForgedRecordsDoNoHarm) {
  const Scene scene;
  const uint64_t operations = scene.Operations();
  int forged = 0;
  const int rounds = IsFullCampaign() ? 4000 : 150;
  for (int round = 0; round < rounds; ++round) {
    SCOPED_TRACE(round);
    Random random(static_cast<uint64_t>(round) + 5000);
    InPlaceDevice device = scene.CutAt(round % 30 * (operations - 1) / 29);
    const Bytes flash(device.flash.contents().begin(), device.flash.contents().end());
    uint32_t start_check = 0;
    for (uint64_t at = scene.profile.spare.start; at + sizeof(JournalRecord) <= scene.profile.spare.end();
         at += 8) {
      const uint32_t page = scene.profile.PageAt(at);
      if (at == scene.profile.PageStart(page)) {
        start_check = CheckOfStart(device.flash.contents({at, scene.profile.PageSize(page)}));
      }
      JournalRecord record;
      std::memcpy(&record, &flash[at], sizeof(record));
      const ByteView body(&flash[at], sizeof(record) - 4);
      if (JournalCheck(start_check, body) != record.check) continue;
      switch (random() % 7) {
        case 0:
          record.chunk.payload_left = random();
          break;
        case 1:
          record.chunk.payload_left = random.Below(scene.patch.size());
          break;
        case 2:
          record.skip = static_cast<uint16_t>(random.Below(600));
          break;
        case 3:
          record.progress.page = static_cast<uint16_t>(random() % 2 ? random() : random() % 12);
          break;
        case 4:
          record.progress.step = static_cast<uint16_t>(random());
          break;
        case 5:
          record.progress.left = static_cast<uint16_t>(random() % 2 ? random() : random() % 5);
          break;
        default:
          record.chunk.link[random() % kLinkSize] ^= 1;
      }
      const uint8_t* bytes = reinterpret_cast<const uint8_t*>(&record);
      record.check = JournalCheck(start_check, ByteView(bytes, sizeof(record) - 4));
      device.flash.Load(at, ByteView(bytes, sizeof(record)));
      ++forged;
    }
    device.is_stored = random() % 2 != 0;
    const PowerCycle cycle = device.Boot(scene.patch);
    ExpectNoViolations(device.flash);
    EXPECT_FALSE(device.hangs());
    if (IsDone(cycle.status)) {
      EXPECT_TRUE(device.Holds(scene.pair.new_image));
    }
    ExpectRescued(device, scene);
    if (HasFailure()) return;
  }
  std::printf("%d forged records\n", forged);
  EXPECT_GT(forged, rounds / 2);
}

// The storage changes after the patch in it was authenticated: between the passes or in the second one.
TEST(InPlaceHostile, StoredPatchesThatChange) {
  const Scene scene;
  InPlaceDevice counting(scene.profile, scene.pair.old_image);
  counting.is_stored = true;
  uint64_t reads = 0;
  counting.before_call = [&](FlashCall call, uint32_t, const uint8_t*, uint32_t) {
    reads += call == FlashCall::kReadPatch;
    return true;
  };
  ASSERT_EQ(counting.Boot(scene.patch).status, LIBDELTA_OK);
  int refused = 0;
  for (uint64_t at = 0; at < reads; ++at) {
    for (uint64_t seed = 0; seed < (IsFullCampaign() ? 40u : 6u); ++seed) {
      SCOPED_TRACE("read " + std::to_string(at) + ", seed " + std::to_string(seed));
      Random random(at * 100 + seed);
      Bytes patch = scene.patch;
      InPlaceDevice device(scene.profile, scene.pair.old_image);
      device.is_stored = true;
      uint64_t read = 0;
      device.before_call = [&](FlashCall call, uint32_t offset, const uint8_t*, uint32_t) {
        if (call != FlashCall::kReadPatch || read++ != at) return true;
        if (seed == 0) {
          patch = scene.other;
          patch.resize(scene.patch.size(), 0);
        } else if (seed % 2 != 0) {
          patch[std::min<uint64_t>(offset + random.Below(300), patch.size() - 1)] ^= 4;
        } else {
          patch[random.Below(patch.size())] ^= 1;
        }
        return true;
      };
      // The device sees changes: it has a view of the same bytes.
      patch.reserve(std::max(scene.patch.size(), scene.other.size()));
      const PowerCycle cycle = device.Boot(patch);
      device.before_call = nullptr;
      ExpectHonest(device, scene, cycle);
      refused += !IsDone(cycle.status);
      if (IsDone(cycle.status)) {
        EXPECT_TRUE(device.Holds(scene.pair.new_image));
      }
      InPlaceDevice rescued = device;
      ExpectResumes(device, scene);
      ExpectRescued(rescued, scene);
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(refused, 0);
  std::printf("%d changes refused\n", refused);
}

}  // namespace
}  // namespace libdelta::testing
