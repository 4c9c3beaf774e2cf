// The flash model: rules, power cuts, torn reads, counts.

#include "libdelta/sim/flash_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <set>
#include <string>
#include <vector>

#include "tests/support/random.h"

namespace libdelta {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uint32_t kPage = 256;
constexpr uint32_t kUnit = 8;
constexpr uint64_t kSlot = 0x100;   // Pages 1 to 4; page 2 is protected.
constexpr uint64_t kSpare = 0x500;  // Pages 5 and 6.
constexpr uint64_t kStorage = 0x700;
constexpr uint64_t kSize = 0x800;

DeviceProfile TestProfile() {
  DeviceProfile profile;
  profile.name = "test";
  profile.pages = {{8, kPage, 10}};
  profile.write_unit = kUnit;
  profile.slot = {kSlot, 4 * kPage};
  profile.spare = {kSpare, 2 * kPage};
  profile.protected_ranges = {{0x200, kPage}};
  profile.patch_storage = FlashRange{kStorage, kPage};
  profile.program_us_per_unit = 100;
  profile.read_us_per_kib = 2000;
  profile.erase_ma = 5;
  profile.program_ma = 4;
  profile.cpu_ma = 3;
  profile.supply_v = 2;
  return profile;
}

Bytes Pattern(size_t size, uint64_t seed = 1) {
  testing::Random random(seed);
  Bytes bytes(size);
  for (uint8_t& byte : bytes) byte = random.Byte();
  return bytes;
}

Bytes ReadAll(FlashModel* flash, uint64_t offset, size_t size) {
  Bytes bytes(size);
  EXPECT_TRUE(flash->Read(offset, bytes.data(), size));
  return bytes;
}

bool Readable(FlashModel* flash, uint64_t offset, size_t size) {
  Bytes bytes(size);
  return flash->Read(offset, bytes.data(), size);
}

bool Program(FlashModel* flash, uint64_t offset, const Bytes& bytes) {
  return flash->Program(offset, bytes.data(), bytes.size());
}

// A model of which page 1 holds a pattern.
FlashModel LoadedModel(const FlashOptions& options = {}) {
  FlashModel flash(TestProfile(), options);
  flash.Load(kSlot, Pattern(kPage));
  return flash;
}

FlashOptions Torn(TornRead torn_read, uint64_t seed = 1) {
  FlashOptions options;
  options.seed = seed;
  options.torn_read = torn_read;
  return options;
}

void CutNext(FlashModel* flash, CutKind kind) { flash->SetCut(flash->operations(), kind); }

// Programs one unit of the slot's last page and loses power at it.
void CutProgram(FlashModel* flash, CutKind kind, const Bytes& unit) {
  CutNext(flash, kind);
  EXPECT_FALSE(Program(flash, 0x400, unit));
}

void CutErase(FlashModel* flash, CutKind kind) {
  CutNext(flash, kind);
  EXPECT_FALSE(flash->Erase(kSlot));
}

// The last violation of a model that has exactly `count`.
std::string Violation(const FlashModel& flash, size_t count = 1) {
  EXPECT_EQ(flash.violations().size(), count);
  EXPECT_EQ(flash.violation_count(), count);
  return flash.violations().empty() ? "" : flash.violations().back();
}

bool IsBetween(uint8_t value, uint8_t from, uint8_t to) { return ((value ^ from) & ~(from ^ to)) == 0; }

TEST(FlashModel, StartsErased) {
  FlashModel flash(TestProfile());
  EXPECT_THAT(ReadAll(&flash, 0, kSize), Each(0xff));
  EXPECT_FALSE(flash.IsProgrammed(kSlot));
  DeviceProfile profile = TestProfile();
  profile.erase_value = 0;
  FlashModel zeros(profile);
  EXPECT_THAT(ReadAll(&zeros, 0, kSize), Each(0));
}

TEST(FlashModel, ProgramsAndErases) {
  FlashModel flash(TestProfile());
  const Bytes bytes = Pattern(kPage);
  EXPECT_TRUE(Program(&flash, kSlot, bytes));
  EXPECT_EQ(ReadAll(&flash, kSlot, kPage), bytes);
  EXPECT_TRUE(flash.IsProgrammed(kSlot + kPage - 1));
  EXPECT_TRUE(flash.Erase(kSlot));
  EXPECT_THAT(ReadAll(&flash, kSlot, kPage), Each(0xff));
  EXPECT_FALSE(flash.IsProgrammed(kSlot));
  EXPECT_TRUE(Program(&flash, kSlot, bytes));
  EXPECT_THAT(flash.violations(), IsEmpty());
  EXPECT_EQ(flash.operations(), 2 * kPage / kUnit + 1);
}

TEST(FlashModel, ErasesOnePageOnly) {
  FlashModel flash = LoadedModel();
  flash.Load(kSlot - 1, Pattern(1));
  flash.Load(kSlot + kPage, Pattern(1));
  EXPECT_TRUE(flash.Erase(kSlot));
  EXPECT_EQ(ReadAll(&flash, kSlot - 1, 1), Pattern(1));
  EXPECT_EQ(ReadAll(&flash, kSlot + kPage, 1), Pattern(1));
  EXPECT_TRUE(flash.IsProgrammed(kSlot - 1));
  EXPECT_TRUE(flash.IsProgrammed(kSlot + kPage));
}

TEST(FlashModel, WorksWithUnevenPages) {
  const DeviceProfile profile = FindProfile("stm32f4").value();
  FlashModel flash(profile);
  for (uint32_t page = 2; page < profile.PageCount(); ++page) {
    EXPECT_TRUE(Program(&flash, profile.PageStart(page), Bytes(profile.PageSize(page), 0)));
    EXPECT_TRUE(flash.Erase(profile.PageStart(page)));
    EXPECT_EQ(flash.statistics().page_programs[page], profile.PageSize(page) / 4);
  }
  EXPECT_THAT(flash.contents(), Each(0xff));
  EXPECT_THAT(flash.violations(), IsEmpty());
}

TEST(FlashModel, LoadsAnywhereWithoutCounting) {
  FlashModel flash(TestProfile());
  const Bytes bytes = Pattern(13);
  flash.Load(0x2f9, bytes);
  flash.Load(0, {});
  EXPECT_EQ(ReadAll(&flash, 0x2f9, 13), bytes);
  EXPECT_TRUE(flash.IsProgrammed(0x2f8));
  EXPECT_TRUE(flash.IsProgrammed(0x305));
  EXPECT_FALSE(flash.IsProgrammed(0x308));
  EXPECT_FALSE(flash.IsProgrammed(0x2f7));
  EXPECT_EQ(flash.operations(), 0u);
  EXPECT_EQ(flash.statistics().bytes_programmed, 0u);
}

TEST(FlashModel, LoadedErasedBytesCountAsProgrammed) {
  FlashModel flash(TestProfile());
  flash.Load(kSlot, Bytes(kUnit, 0xff));
  EXPECT_FALSE(Program(&flash, kSlot, Bytes(kUnit, 0)));
  EXPECT_THAT(Violation(flash), HasSubstr("needs an erase"));
}

TEST(FlashModel, RefusesProgrammingTwice) {
  FlashModel flash(TestProfile());
  EXPECT_TRUE(Program(&flash, kSlot + kUnit, Bytes(kUnit, 0xff)));
  EXPECT_FALSE(Program(&flash, kSlot, Bytes(3 * kUnit, 0)));
  EXPECT_EQ(Violation(flash),
            "operation 1, program at 0x100, 24 bytes: the unit at 0x108 needs an erase: it is programmed");
  EXPECT_THAT(ReadAll(&flash, kSlot, kPage), Each(0xff));
  EXPECT_FALSE(flash.IsProgrammed(kSlot));
  EXPECT_EQ(flash.operations(), 1u);
}

TEST(FlashModel, RefusesProgramsThatAreNotUnits) {
  FlashModel flash(TestProfile());
  EXPECT_FALSE(Program(&flash, kSlot + 4, Bytes(kUnit)));
  EXPECT_EQ(Violation(flash),
            "operation 0, program at 0x104, 8 bytes: does not start at a multiple of the write unit");
  EXPECT_FALSE(Program(&flash, kSlot, Bytes(kUnit + 1)));
  EXPECT_EQ(Violation(flash, 2), "operation 0, program at 0x100, 9 bytes: not a multiple of the write unit");
  EXPECT_EQ(flash.operations(), 0u);
}

TEST(FlashModel, RefusesErasesThatAreNotPages) {
  FlashModel flash = LoadedModel();
  EXPECT_FALSE(flash.Erase(kSlot + kUnit));
  EXPECT_THAT(Violation(flash), HasSubstr("erase at 0x108, 1 bytes: not the start of a page"));
  EXPECT_EQ(ReadAll(&flash, kSlot, kPage), Pattern(kPage));
}

TEST(FlashModel, RefusesAccessOutside) {
  FlashModel flash(TestProfile());
  EXPECT_FALSE(Readable(&flash, kSize - 1, 2));
  EXPECT_EQ(Violation(flash), "operation 0, read at 0x7ff, 2 bytes: outside the flash");
  EXPECT_FALSE(Readable(&flash, UINT64_MAX, 2));
  EXPECT_FALSE(Program(&flash, kSize, Bytes(kUnit)));
  EXPECT_THAT(Violation(flash, 3), HasSubstr("program at 0x800, 8 bytes: outside the flash"));
  EXPECT_FALSE(flash.Erase(kSize));
  EXPECT_THAT(Violation(flash, 4), HasSubstr("erase at 0x800, 1 bytes: outside the flash"));
}

TEST(FlashModel, AllowsNothingAtTheEnd) {
  FlashModel flash(TestProfile());
  EXPECT_TRUE(flash.Read(kSize, nullptr, 0));
  EXPECT_TRUE(flash.Program(kSize, nullptr, 0));
  EXPECT_THAT(flash.violations(), IsEmpty());
  EXPECT_EQ(flash.operations(), 0u);
}

TEST(FlashModel, RefusesProtectedPages) {
  FlashModel flash(TestProfile());
  EXPECT_FALSE(flash.Erase(0x200));
  EXPECT_THAT(Violation(flash), HasSubstr("erase at 0x200, 1 bytes: page 2 at 0x200 is protected"));
  EXPECT_FALSE(Program(&flash, 0x200 - kUnit, Bytes(2 * kUnit, 0)));
  EXPECT_THAT(Violation(flash, 2), HasSubstr("page 2 at 0x200 is protected"));
  EXPECT_THAT(ReadAll(&flash, 0, kSize), Each(0xff));
}

TEST(FlashModel, RefusesPagesOutsideTheWritableRanges) {
  FlashModel flash(TestProfile());
  for (const uint64_t offset : {uint64_t{0}, kStorage}) {
    EXPECT_FALSE(flash.Erase(offset));
    EXPECT_FALSE(Program(&flash, offset, Bytes(kUnit)));
  }
  EXPECT_THAT(Violation(flash, 4), HasSubstr("page 7 at 0x700 is outside the writable ranges"));

  FlashOptions options;
  options.writable = {{kStorage, kPage}};
  FlashModel storage(TestProfile(), options);
  EXPECT_TRUE(storage.Erase(kStorage));
  EXPECT_TRUE(Program(&storage, kStorage, Bytes(kUnit)));
  EXPECT_FALSE(storage.Erase(kSlot));
  EXPECT_THAT(Violation(storage), HasSubstr("page 1 at 0x100 is outside the writable ranges"));
}

TEST(FlashModel, KeepsAsManyViolationsAsItSays) {
  FlashModel flash(TestProfile());
  for (int i = 0; i < 150; ++i) EXPECT_FALSE(flash.Erase(0));
  EXPECT_EQ(flash.violations().size(), FlashModel::kMaxViolations);
  EXPECT_EQ(flash.violation_count(), 150u);
}

TEST(FlashModelCut, NamesKinds) {
  std::vector<std::string> names;
  for (const CutKind kind : kCutKinds) names.emplace_back(CutKindName(kind));
  EXPECT_THAT(names, ElementsAre("before", "prefix", "almost", "random", "after"));
}

TEST(FlashModelCut, StopsEverythingUntilReboot) {
  FlashModel flash = LoadedModel();
  CutErase(&flash, CutKind::kBefore);
  EXPECT_FALSE(flash.powered());
  EXPECT_FALSE(Readable(&flash, 0, 1));
  EXPECT_FALSE(flash.Erase(kSlot));
  EXPECT_FALSE(Program(&flash, kSpare, Bytes(kUnit)));
  EXPECT_FALSE(flash.Erase(1));
  EXPECT_THAT(flash.violations(), IsEmpty());
  EXPECT_EQ(flash.operations(), 1u);
  flash.Reboot();
  EXPECT_TRUE(flash.powered());
  EXPECT_TRUE(flash.Erase(kSlot));
}

TEST(FlashModelCut, IsRecorded) {
  FlashModel flash = LoadedModel();
  EXPECT_FALSE(flash.cut());
  flash.SetCut(2, CutKind::kRandom);
  EXPECT_FALSE(Program(&flash, 0x400, Bytes(4 * kUnit, 0)));
  ASSERT_TRUE(flash.cut());
  EXPECT_EQ(flash.cut()->operation, 2u);
  EXPECT_EQ(flash.cut()->kind, CutKind::kRandom);
  EXPECT_EQ(flash.cut()->what, FlashOperation::kProgram);
  EXPECT_EQ(flash.cut()->offset, 0x400u + 2 * kUnit);
  flash.Reboot();
  flash.SetCut(3, CutKind::kAfter);
  EXPECT_FALSE(flash.Erase(kSlot));
  EXPECT_EQ(flash.cut()->operation, 3u);
  EXPECT_EQ(flash.cut()->what, FlashOperation::kErase);
  EXPECT_EQ(flash.cut()->offset, kSlot);
}

TEST(FlashModelCut, HappensBetweenUnits) {
  for (uint64_t operation = 0; operation < 4; ++operation) {
    FlashModel flash(TestProfile());
    flash.SetCut(operation, CutKind::kBefore);
    EXPECT_FALSE(Program(&flash, kSlot, Bytes(4 * kUnit, 0)));
    flash.Reboot();
    EXPECT_THAT(ReadAll(&flash, kSlot, operation * kUnit), Each(0));
    EXPECT_THAT(ReadAll(&flash, kSlot + operation * kUnit, kPage - operation * kUnit), Each(0xff));
    EXPECT_FALSE(flash.IsProgrammed(kSlot + operation * kUnit));
    EXPECT_EQ(flash.statistics().programs, operation);
  }
}

TEST(FlashModelCut, CanBeCancelledAndNeverComesInThePast) {
  FlashModel flash = LoadedModel();
  CutNext(&flash, CutKind::kRandom);
  flash.ClearCut();
  EXPECT_TRUE(flash.Erase(kSlot));
  flash.SetCut(0, CutKind::kRandom);
  EXPECT_TRUE(flash.Erase(kSlot));
  EXPECT_FALSE(flash.cut());
}

TEST(FlashModelCut, StaysOverReboots) {
  FlashModel flash = LoadedModel();
  flash.SetCut(1, CutKind::kBefore);
  EXPECT_TRUE(flash.Erase(kSlot));
  flash.Reboot();
  EXPECT_FALSE(flash.Erase(kSlot));
  flash.Reboot();
  EXPECT_TRUE(flash.Erase(kSlot));
}

TEST(FlashModelCut, BeforeChangesNothing) {
  FlashModel flash = LoadedModel();
  CutErase(&flash, CutKind::kBefore);
  flash.Reboot();
  EXPECT_EQ(ReadAll(&flash, kSlot, kPage), Pattern(kPage));
  CutProgram(&flash, CutKind::kBefore, Bytes(kUnit, 0));
  flash.Reboot();
  EXPECT_TRUE(Program(&flash, 0x400, Bytes(kUnit, 0)));
  EXPECT_EQ(flash.statistics().erases, 0u);
  EXPECT_EQ(flash.statistics().programs, 1u);
  EXPECT_EQ(flash.operations(), 3u);
}

TEST(FlashModelCut, AfterChangesEverything) {
  FlashModel flash = LoadedModel();
  CutErase(&flash, CutKind::kAfter);
  flash.Reboot();
  EXPECT_TRUE(Program(&flash, kSlot, Bytes(kPage, 0)));
  CutProgram(&flash, CutKind::kAfter, Pattern(kUnit));
  flash.Reboot();
  EXPECT_EQ(ReadAll(&flash, 0x400, kUnit), Pattern(kUnit));
  EXPECT_TRUE(flash.IsProgrammed(0x400));
  EXPECT_THAT(flash.violations(), IsEmpty());
}

TEST(FlashModelCut, PrefixOfAProgram) {
  const Bytes unit(kUnit, 0x5a);
  std::set<size_t> lengths;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    FlashModel flash(TestProfile(), Torn(TornRead::kStable, seed));
    CutProgram(&flash, CutKind::kPrefix, unit);
    flash.Reboot();
    const Bytes left = ReadAll(&flash, 0x400, kUnit);
    const auto end = std::find(left.begin(), left.end(), 0xff);
    EXPECT_TRUE(std::all_of(left.begin(), end, [](uint8_t byte) { return byte == 0x5a; }));
    EXPECT_TRUE(std::all_of(end, left.end(), [](uint8_t byte) { return byte == 0xff; }));
    lengths.insert(static_cast<size_t>(end - left.begin()));
    EXPECT_TRUE(flash.IsProgrammed(0x400));
  }
  EXPECT_THAT(lengths, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
}

TEST(FlashModelCut, AlmostAProgram) {
  FlashModel flash(TestProfile());
  const Bytes unit = Pattern(kUnit);
  CutProgram(&flash, CutKind::kAlmost, unit);
  flash.Reboot();
  Bytes expected = unit;
  expected.back() = 0xff;
  EXPECT_EQ(ReadAll(&flash, 0x400, kUnit), expected);
}

TEST(FlashModelCut, RandomBitsOfAProgram) {
  const Bytes unit(kUnit, 0x0f);
  std::set<Bytes> seen;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    FlashModel flash(TestProfile(), Torn(TornRead::kStable, seed));
    CutProgram(&flash, CutKind::kRandom, unit);
    flash.Reboot();
    const Bytes left = ReadAll(&flash, 0x400, kUnit);
    for (const uint8_t byte : left) EXPECT_TRUE(IsBetween(byte, 0xff, 0x0f));
    seen.insert(left);
  }
  EXPECT_GT(seen.size(), 45u);
}

TEST(FlashModelCut, TornUnitCountsAsProgrammed) {
  for (const CutKind kind : {CutKind::kPrefix, CutKind::kAlmost, CutKind::kRandom}) {
    FlashModel flash(TestProfile());
    CutProgram(&flash, kind, Bytes(kUnit, 0xff));
    flash.Reboot();
    EXPECT_THAT(ReadAll(&flash, 0x400, kUnit), Each(0xff));
    EXPECT_FALSE(Program(&flash, 0x400, Bytes(kUnit, 0)));
    EXPECT_THAT(Violation(flash), HasSubstr("the unit at 0x400 needs an erase"));
    EXPECT_TRUE(Program(&flash, 0x400 + kUnit, Bytes(kUnit, 0)));
  }
}

TEST(FlashModelCut, PrefixOfAnErase) {
  const Bytes before = Pattern(kPage);
  for (uint64_t seed = 0; seed < 50; ++seed) {
    FlashModel flash = LoadedModel(Torn(TornRead::kStable, seed));
    CutErase(&flash, CutKind::kPrefix);
    flash.Reboot();
    const Bytes left = ReadAll(&flash, kSlot, kPage);
    const auto end = std::find_if(left.begin(), left.end(), [](uint8_t byte) { return byte != 0xff; });
    EXPECT_NE(end, left.end());
    EXPECT_TRUE(std::equal(end, left.end(), before.begin() + (end - left.begin())));
  }
}

TEST(FlashModelCut, AlmostAnErase) {
  const Bytes before = Pattern(kPage);
  std::set<size_t> places;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    FlashModel flash = LoadedModel(Torn(TornRead::kStable, seed));
    CutErase(&flash, CutKind::kAlmost);
    flash.Reboot();
    const Bytes left = ReadAll(&flash, kSlot, kPage);
    int stray = 0;
    for (size_t i = 0; i < kPage; ++i) {
      EXPECT_TRUE(IsBetween(left[i], 0xff, before[i]));
      stray += std::popcount(static_cast<uint8_t>(~left[i]));
      if (left[i] != 0xff) places.insert(i);
    }
    EXPECT_EQ(stray, 1);
  }
  EXPECT_GT(places.size(), 20u);
}

TEST(FlashModelCut, AlmostAnEraseOfAnErasedPage) {
  FlashModel flash(TestProfile());
  CutErase(&flash, CutKind::kAlmost);
  flash.Reboot();
  EXPECT_THAT(ReadAll(&flash, kSlot, kPage), Each(0xff));
  EXPECT_FALSE(Program(&flash, kSlot, Bytes(kUnit, 0)));
  EXPECT_THAT(Violation(flash), HasSubstr("page 1 at 0x100 needs an erase: the last was interrupted"));
}

TEST(FlashModelCut, RandomBitsOfAnErase) {
  const Bytes before = Pattern(kPage);
  FlashModel flash = LoadedModel();
  CutErase(&flash, CutKind::kRandom);
  flash.Reboot();
  const Bytes left = ReadAll(&flash, kSlot, kPage);
  EXPECT_NE(left, before);
  EXPECT_NE(left, Bytes(kPage, 0xff));
  for (size_t i = 0; i < kPage; ++i) EXPECT_TRUE(IsBetween(left[i], before[i], 0xff));
}

TEST(FlashModelCut, TornPageNeedsACompleteErase) {
  for (const CutKind kind : {CutKind::kPrefix, CutKind::kAlmost, CutKind::kRandom}) {
    FlashModel flash = LoadedModel();
    CutErase(&flash, kind);
    flash.Reboot();
    EXPECT_FALSE(Program(&flash, kSlot + kPage - kUnit, Bytes(kUnit, 0)));
    EXPECT_THAT(Violation(flash), HasSubstr("the last was interrupted"));
    CutErase(&flash, CutKind::kBefore);
    flash.Reboot();
    EXPECT_FALSE(Program(&flash, kSlot, Bytes(kUnit, 0)));
    CutErase(&flash, kind);
    flash.Reboot();
    EXPECT_FALSE(Program(&flash, kSlot, Bytes(kUnit, 0)));
    EXPECT_TRUE(flash.Erase(kSlot));
    EXPECT_TRUE(Program(&flash, kSlot, Bytes(kPage, 0)));
    EXPECT_EQ(flash.violation_count(), 3u);
  }
}

TEST(FlashModelCut, WorksWhereErasedBitsAreZero) {
  DeviceProfile profile = TestProfile();
  profile.erase_value = 0;
  FlashModel flash(profile);
  flash.Load(kSlot, Bytes(kPage, 0xff));
  CutErase(&flash, CutKind::kAlmost);
  flash.Reboot();
  int stray = 0;
  for (const uint8_t byte : ReadAll(&flash, kSlot, kPage)) stray += std::popcount(byte);
  EXPECT_EQ(stray, 1);
  CutProgram(&flash, CutKind::kAlmost, Bytes(kUnit, 0xff));
  flash.Reboot();
  EXPECT_EQ(ReadAll(&flash, 0x400 + kUnit - 1, 1), Bytes(1, 0));
}

TEST(FlashModelCut, WorksWithUnitsOfOneByte) {
  DeviceProfile profile = TestProfile();
  profile.write_unit = 1;
  for (const CutKind kind : kCutKinds) {
    FlashModel flash(profile);
    CutProgram(&flash, kind, Bytes(1, 0));
    flash.Reboot();
    EXPECT_EQ(flash.IsProgrammed(0x400), kind != CutKind::kBefore);
  }
}

TEST(FlashModelTornRead, StableIsTheSameAtEachBoot) {
  FlashModel flash(TestProfile());
  CutProgram(&flash, CutKind::kRandom, Pattern(kUnit));
  flash.Reboot();
  const Bytes first = ReadAll(&flash, 0x400, kUnit);
  for (int boot = 0; boot < 20; ++boot) {
    flash.Reboot();
    EXPECT_EQ(ReadAll(&flash, 0x400, kUnit), first);
  }
}

TEST(FlashModelTornRead, FlakyProgramIsValidAtOneBootAndInvalidAtAnother) {
  FlashModel flash(TestProfile(), Torn(TornRead::kFlaky));
  const Bytes unit(kUnit, 0x33);
  EXPECT_TRUE(Program(&flash, 0x400 + kUnit, unit));
  CutProgram(&flash, CutKind::kAlmost, unit);
  std::set<Bytes> seen;
  for (int boot = 0; boot < 100; ++boot) {
    flash.Reboot();
    const Bytes left = ReadAll(&flash, 0x400, kUnit);
    EXPECT_EQ(ReadAll(&flash, 0x400, kUnit), left);
    for (const uint8_t byte : left) EXPECT_TRUE(IsBetween(byte, 0xff, 0x33));
    EXPECT_EQ(ReadAll(&flash, 0x400 + kUnit, kUnit), unit);
    seen.insert(left);
  }
  EXPECT_TRUE(seen.contains(unit));
  EXPECT_TRUE(seen.contains(Bytes(kUnit, 0xff)));
  EXPECT_GT(seen.size(), 10u);
  EXPECT_FALSE(Program(&flash, 0x400, unit));
  EXPECT_EQ(flash.violation_count(), 1u);
}

TEST(FlashModelTornRead, FlakyEraseIsDamagedAtOneBootAndErasedAtAnother) {
  FlashModel flash = LoadedModel(Torn(TornRead::kFlaky));
  CutErase(&flash, CutKind::kAlmost);
  std::set<Bytes> seen;
  for (int boot = 0; boot < 100; ++boot) {
    flash.Reboot();
    seen.insert(ReadAll(&flash, kSlot, kPage));
  }
  EXPECT_FALSE(seen.contains(Pattern(kPage)));  // Nobody could tell it from a page that is sound.
  EXPECT_TRUE(seen.contains(Bytes(kPage, 0xff)));
  EXPECT_GT(seen.size(), 10u);
}

TEST(FlashModelTornRead, FlakyEndsWithACompleteErase) {
  FlashModel flash = LoadedModel(Torn(TornRead::kFlaky));
  CutErase(&flash, CutKind::kRandom);
  flash.Reboot();
  CutErase(&flash, CutKind::kRandom);
  flash.Reboot();
  EXPECT_TRUE(flash.Erase(kSlot));
  EXPECT_TRUE(Program(&flash, kSlot, Pattern(kPage, 2)));
  for (int boot = 0; boot < 50; ++boot) {
    flash.Reboot();
    EXPECT_EQ(ReadAll(&flash, kSlot, kPage), Pattern(kPage, 2));
  }
}

TEST(FlashModelTornRead, BeforeAndAfterAreNeverFlaky) {
  for (const CutKind kind : {CutKind::kBefore, CutKind::kAfter}) {
    FlashModel flash = LoadedModel(Torn(TornRead::kFlaky));
    CutErase(&flash, kind);
    flash.Reboot();
    CutProgram(&flash, kind, Bytes(kUnit, 0));
    flash.Reboot();
    const Bytes first = ReadAll(&flash, 0, kSize);
    for (int boot = 0; boot < 20; ++boot) {
      flash.Reboot();
      EXPECT_EQ(ReadAll(&flash, 0, kSize), first);
    }
  }
}

TEST(FlashModelTornRead, ErrorFailsReadsOfATornUnit) {
  for (const CutKind kind : {CutKind::kPrefix, CutKind::kAlmost, CutKind::kRandom}) {
    FlashModel flash(TestProfile(), Torn(TornRead::kError));
    CutProgram(&flash, kind, Bytes(kUnit, 0x77));
    flash.Reboot();
    EXPECT_FALSE(Readable(&flash, 0x400, kUnit));
    EXPECT_FALSE(Readable(&flash, 0x407, 1));
    EXPECT_FALSE(Readable(&flash, 0x300, kPage + 1));
    EXPECT_TRUE(Readable(&flash, 0x300, kPage));
    EXPECT_TRUE(Readable(&flash, 0x408, kPage - kUnit));
    EXPECT_THAT(flash.violations(), IsEmpty());
    EXPECT_TRUE(flash.Erase(0x400));
    EXPECT_THAT(ReadAll(&flash, 0x400, kPage), Each(0xff));
  }
}

TEST(FlashModelTornRead, ErrorFailsReadsOfHalfErasedUnits) {
  FlashModel flash = LoadedModel(Torn(TornRead::kError));
  CutErase(&flash, CutKind::kRandom);
  flash.Reboot();
  EXPECT_FALSE(Readable(&flash, kSlot, kPage));
  EXPECT_TRUE(Readable(&flash, kSlot - 1, 1));
  EXPECT_TRUE(Readable(&flash, kSlot + kPage, 1));

  // One stray bit: one unit fails, the others are erased.
  FlashModel almost = LoadedModel(Torn(TornRead::kError));
  CutErase(&almost, CutKind::kAlmost);
  almost.Reboot();
  int failing = 0;
  for (uint64_t offset = kSlot; offset < kSlot + kPage; offset += kUnit) {
    failing += Readable(&almost, offset, kUnit) ? 0 : 1;
  }
  EXPECT_EQ(failing, 1);
  EXPECT_TRUE(almost.Erase(kSlot));
  EXPECT_TRUE(Readable(&almost, kSlot, kPage));
}

TEST(FlashModelTornRead, EraseOfAPageWithATornUnitTakesItsPlace) {
  FlashModel flash(TestProfile(), Torn(TornRead::kError));
  CutProgram(&flash, CutKind::kAlmost, Bytes(kUnit, 0));
  flash.Reboot();
  CutNext(&flash, CutKind::kAlmost);
  EXPECT_FALSE(flash.Erase(0x400));
  flash.Reboot();
  EXPECT_FALSE(Readable(&flash, 0x400, kUnit));
  EXPECT_TRUE(Readable(&flash, 0x408, kPage - kUnit));
}

TEST(FlashModelTornRead, LoadMakesPagesWhole) {
  FlashModel flash = LoadedModel(Torn(TornRead::kError));
  CutErase(&flash, CutKind::kRandom);
  flash.Reboot();
  flash.Load(kSlot, Pattern(kPage, 3));
  EXPECT_EQ(ReadAll(&flash, kSlot, kPage), Pattern(kPage, 3));
}

// A little of everything; all that could be read after each boot.
Bytes Exercise(FlashModel flash) {
  Bytes history;
  for (const CutKind kind : kCutKinds) {
    CutNext(&flash, kind);
    EXPECT_FALSE(flash.Erase(kSlot));
    flash.Reboot();
    EXPECT_TRUE(flash.Erase(0x400));
    CutProgram(&flash, kind, Pattern(kUnit));
    flash.Reboot();
    history.insert(history.end(), flash.contents().begin(), flash.contents().end());
  }
  return history;
}

TEST(FlashModel, IsDeterministic) {
  for (const TornRead torn_read : {TornRead::kStable, TornRead::kFlaky, TornRead::kError}) {
    const Bytes first = Exercise(LoadedModel(Torn(torn_read, 7)));
    EXPECT_EQ(Exercise(LoadedModel(Torn(torn_read, 7))), first);
    EXPECT_NE(Exercise(LoadedModel(Torn(torn_read, 8))), first);
  }
}

TEST(FlashModel, RandomBitsAreTheSameEverywhere) {
  FlashModel flash(TestProfile());
  CutProgram(&flash, CutKind::kRandom, Bytes(kUnit, 0));
  // The complement of the first SplitMix64 number for the seed 1, 0x910a2dec89025cc1.
  EXPECT_THAT(flash.contents({0x400, kUnit}), ElementsAre(0x3e, 0xa3, 0xfd, 0x76, 0x13, 0xd2, 0xf5, 0x6e));
}

TEST(FlashModel, CopiesHaveFuturesOfTheirOwn) {
  FlashModel flash = LoadedModel(Torn(TornRead::kFlaky));
  flash.SetCut(1, CutKind::kRandom);
  FlashModel fork = flash;
  EXPECT_TRUE(flash.Erase(kSlot));
  EXPECT_EQ(ReadAll(&fork, kSlot, kPage), Pattern(kPage));
  EXPECT_EQ(fork.operations(), 0u);
  EXPECT_TRUE(fork.IsProgrammed(kSlot));
  EXPECT_TRUE(fork.Erase(kSlot));
  FlashModel assigned(TestProfile());
  assigned = fork;
  for (FlashModel* one : {&flash, &fork, &assigned}) {
    EXPECT_FALSE(Program(one, kSlot, Bytes(kUnit, 0)));
    one->Reboot();
  }
  EXPECT_TRUE(std::ranges::equal(flash.contents(), fork.contents()));
  EXPECT_TRUE(std::ranges::equal(flash.contents(), assigned.contents()));
  EXPECT_EQ(assigned.profile().name, "test");
}

TEST(FlashStatistics, CountsWorkAndWear) {
  FlashModel flash = LoadedModel();
  EXPECT_TRUE(flash.Erase(kSlot));
  EXPECT_TRUE(Program(&flash, kSlot, Bytes(5 * kUnit)));
  EXPECT_TRUE(Program(&flash, kSpare, Bytes(3 * kUnit)));
  EXPECT_TRUE(flash.Erase(kSpare));
  EXPECT_TRUE(flash.Erase(kSpare));
  ReadAll(&flash, 0, 1024);
  EXPECT_FALSE(Readable(&flash, kSize, 1));
  const FlashStatistics& statistics = flash.statistics();
  EXPECT_EQ(statistics.erases, 3u);
  EXPECT_EQ(statistics.programs, 8u);
  EXPECT_EQ(statistics.bytes_programmed, 8 * kUnit);
  EXPECT_EQ(statistics.bytes_to_slot, 5 * kUnit);
  EXPECT_EQ(statistics.bytes_to_spare, 3 * kUnit);
  EXPECT_EQ(statistics.bytes_read, 1024u);
  EXPECT_THAT(statistics.page_erases, ElementsAre(0, 1, 0, 0, 0, 2, 0, 0));
  EXPECT_THAT(statistics.page_programs, ElementsAre(0, 5, 0, 0, 0, 3, 0, 0));
  EXPECT_EQ(flash.operations(), 11u);
}

TEST(FlashStatistics, CountsInterruptedOperations) {
  FlashModel flash = LoadedModel();
  CutErase(&flash, CutKind::kPrefix);
  flash.Reboot();
  CutProgram(&flash, CutKind::kPrefix, Bytes(kUnit));
  EXPECT_EQ(flash.statistics().erases, 1u);
  EXPECT_EQ(flash.statistics().programs, 1u);
  EXPECT_EQ(flash.statistics().bytes_to_slot, kUnit);
}

TEST(FlashStatistics, EstimatesTimeAndEnergy) {
  FlashModel flash = LoadedModel();
  EXPECT_TRUE(flash.Erase(kSlot));
  EXPECT_TRUE(flash.Erase(kSpare));
  EXPECT_TRUE(Program(&flash, kSlot, Bytes(kPage)));
  ReadAll(&flash, 0, 512);
  // 2 erases of 10 ms at 5 mA, 32 units of 0.1 ms at 4 mA, half a KiB of 2 ms at 3 mA; 2 V.
  EXPECT_DOUBLE_EQ(flash.EstimatedMs(), 20 + 3.2 + 1);
  EXPECT_DOUBLE_EQ(flash.EstimatedMj(), (20 * 5 + 3.2 * 4 + 1 * 3) * 2 / 1000);
}

TEST(FlashStatistics, CanBeReset) {
  FlashModel flash = LoadedModel();
  EXPECT_TRUE(flash.Erase(kSlot));
  flash.ResetStatistics();
  EXPECT_EQ(flash.statistics().erases, 0u);
  EXPECT_THAT(flash.statistics().page_erases, Each(0));
  EXPECT_EQ(flash.EstimatedMs(), 0);
  EXPECT_EQ(flash.operations(), 1u);
  EXPECT_TRUE(flash.Erase(kSpare));
  EXPECT_EQ(flash.statistics().page_erases[5], 1u);
}

}  // namespace
}  // namespace libdelta
