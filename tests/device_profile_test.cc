// Device profiles: geometry, errors, the shipped files and their schema.

#include "libdelta/sim/device_profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/schema.h"

namespace libdelta {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Json = nlohmann::json;

// Pages 0 and 1 have 1 KiB, 2 and 3 have 2 KiB, 4 to 9 have 4 KiB.
DeviceProfile UnevenProfile() {
  DeviceProfile profile;
  profile.name = "uneven";
  profile.pages = {{2, 1024, 1}, {2, 2048, 2}, {6, 4096, 4}};
  profile.slot = {0x400, 0x3400};    // Pages 1 to 5.
  profile.spare = {0x3800, 0x2000};  // Pages 6 and 7.
  return profile;
}

std::string Problem(const DeviceProfile& profile) {
  const std::optional<Error> error = CheckProfile(profile);
  return error ? error->message : "";
}

constexpr const char* kJson = R"({
  "name": "board",
  "description": "A board",
  "base_address": "0x8000000",
  "pages": [{"count": 4, "size": "1K", "erase_ms": 2.5}, {"count": 12, "size": 4096}],
  "write_unit": 8,
  "erase_value": "0x00",
  "slot": {"start": 0, "length": "20K"},
  "spare": {"start": "0x5000", "length": 8192},
  "protected_ranges": [{"start": "1K", "length": "1K"}, {"start": "48K", "length": "4K"}],
  "patch_storage": {"start": "0x7000", "length": "16K"},
  "ram": "4K",
  "timing": {"program_us_per_unit": 10, "read_us_per_kib": 1.5},
  "power": {"supply_v": 3, "erase_ma": 4, "program_ma": 5, "cpu_ma": 6},
  "cpu_mhz": 64,
  "endurance_cycles": 10000,
  "sources": {"pages": "a data sheet, table 1", "power.cpu_ma": "estimate"}
})";

std::string ParseProblem(const std::string& json) {
  const Result<DeviceProfile> profile = ParseProfile(json, "board.json");
  return profile.ok() ? "" : profile.error();
}

// The problem of kJson with the member at a JSON pointer replaced.
std::string ProblemWith(const std::string& pointer, const Json& value) {
  Json json = Json::parse(kJson);
  json[Json::json_pointer(pointer)] = value;
  return ParseProblem(json.dump());
}

std::string ProblemWithout(const std::string& object, const std::string& name) {
  Json json = Json::parse(kJson);
  json[Json::json_pointer(object)].erase(name);
  return ParseProblem(json.dump());
}

TEST(FlashRange, ContainsAndOverlaps) {
  const FlashRange range = {16, 16};
  EXPECT_EQ(range.end(), 32u);
  EXPECT_FALSE(range.Contains(15));
  EXPECT_TRUE(range.Contains(16));
  EXPECT_TRUE(range.Contains(31));
  EXPECT_FALSE(range.Contains(32));
  EXPECT_TRUE(range.Overlaps({31, 100}));
  EXPECT_TRUE(range.Overlaps({0, 17}));
  EXPECT_FALSE(range.Overlaps({0, 16}));
  EXPECT_FALSE(range.Overlaps({32, 1}));
}

TEST(DeviceProfile, FindsPages) {
  const DeviceProfile profile = UnevenProfile();
  EXPECT_EQ(profile.FlashSize(), 2u * 1024 + 2 * 2048 + 6 * 4096);
  EXPECT_EQ(profile.PageCount(), 10u);
  uint64_t start = 0;
  for (uint32_t page = 0; page < profile.PageCount(); ++page) {
    EXPECT_EQ(profile.PageStart(page), start);
    EXPECT_EQ(profile.PageAt(start), page);
    start += profile.PageSize(page);
    EXPECT_EQ(profile.PageAt(start - 1), page);
  }
  EXPECT_EQ(start, profile.FlashSize());
  EXPECT_EQ(profile.PageAt(start), profile.PageCount());
  EXPECT_EQ(profile.PageSize(1), 1024u);
  EXPECT_EQ(profile.PageSize(2), 2048u);
  EXPECT_EQ(profile.PageSize(9), 4096u);
  EXPECT_EQ(profile.PageEraseMs(3), 2);
}

TEST(DeviceProfile, FindsPagesOfRanges) {
  const DeviceProfile profile = UnevenProfile();
  EXPECT_EQ(profile.PagesOf(profile.slot), (PageSpan{1, 5}));
  EXPECT_EQ(profile.PagesOf({0, profile.FlashSize()}), (PageSpan{0, 10}));
  EXPECT_EQ(profile.LargestPage(profile.slot), 4096u);
  EXPECT_EQ(profile.LargestPage({0x400, 0x1400}), 2048u);
}

TEST(DeviceProfile, KnowsProtectedPages) {
  DeviceProfile profile = UnevenProfile();
  profile.protected_ranges = {{0x400, 0x400}, {0x5800, 0x1000}};
  EXPECT_EQ(Problem(profile), "");
  EXPECT_FALSE(profile.IsProtected(0));
  EXPECT_TRUE(profile.IsProtected(1));
  EXPECT_FALSE(profile.IsProtected(2));
  EXPECT_TRUE(profile.IsProtected(8));
  EXPECT_FALSE(profile.IsProtected(9));
}

TEST(CheckProfile, AcceptsUnevenPages) { EXPECT_EQ(Problem(UnevenProfile()), ""); }

TEST(CheckProfile, RefusesNames) {
  for (const char* name : {"", "Board", "a b", "a/b", "a23456789012345678901234567890123"}) {
    DeviceProfile profile = UnevenProfile();
    profile.name = name;
    EXPECT_EQ(Problem(profile), "name \"" + std::string(name) + "\": use 1 .. 32 of a-z, 0-9 and \"-\"");
  }
}

TEST(CheckProfile, RefusesWriteUnits) {
  for (const uint32_t unit : {0u, 3u, 24u, 64u}) {
    DeviceProfile profile = UnevenProfile();
    profile.write_unit = unit;
    EXPECT_EQ(Problem(profile),
              "write_unit " + std::to_string(unit) + ": must be 1, 2, 4, 8, 16 or 32 bytes");
  }
}

TEST(CheckProfile, AcceptsAllWriteUnits) {
  for (const uint32_t unit : {1u, 2u, 4u, 8u, 16u, 32u}) {
    DeviceProfile profile = UnevenProfile();
    profile.write_unit = unit;
    EXPECT_EQ(Problem(profile), "");
  }
}

TEST(CheckProfile, RefusesEraseValues) {
  DeviceProfile profile = UnevenProfile();
  profile.erase_value = 0x7f;
  EXPECT_EQ(Problem(profile), "erase_value 0x7f: must be 0xff or 0x00");
}

TEST(CheckProfile, RefusesPages) {
  DeviceProfile profile = UnevenProfile();
  profile.pages.clear();
  EXPECT_THAT(Problem(profile), HasSubstr("pages: empty"));

  profile = UnevenProfile();
  profile.pages[1].count = 0;
  EXPECT_THAT(Problem(profile), HasSubstr("pages[1].count 0: must be at least 1"));

  profile = UnevenProfile();
  profile.pages[2].size = 0;
  EXPECT_EQ(Problem(profile), "pages[2].size 0: must be at least 64 bytes");

  profile = UnevenProfile();
  profile.write_unit = 16;
  profile.pages[0].size = 1032;
  EXPECT_EQ(Problem(profile), "pages[0].size 1032: must be a multiple of write_unit, 16");

  profile = UnevenProfile();
  profile.pages[2].count = 0xffffffff;
  EXPECT_THAT(Problem(profile), HasSubstr("bytes or more of flash; describe at most 268435456"));

  profile = UnevenProfile();
  profile.pages[0].erase_ms = -1;
  EXPECT_THAT(Problem(profile), HasSubstr("pages[0].erase_ms -1.000000: must be 0 or more"));
}

TEST(CheckProfile, RefusesAddresses) {
  DeviceProfile profile = UnevenProfile();
  profile.base_address = 0x100000000 - profile.FlashSize();
  EXPECT_EQ(Problem(profile), "");
  ++profile.base_address;
  EXPECT_THAT(Problem(profile),
              HasSubstr("base_address 0xffff8801: the flash of 30720 bytes would end beyond "
                        "32-bit addresses; it can be at most 0xffff8800"));
}

TEST(CheckProfile, RefusesRangesThatAreNotPages) {
  DeviceProfile profile = UnevenProfile();
  profile.slot.length = 0;
  EXPECT_EQ(Problem(profile), "slot.length 0: must be at least one page");

  profile = UnevenProfile();
  profile.slot.start = 0x500;
  EXPECT_EQ(Problem(profile), "slot start 0x500: inside a page of 1024 bytes; use 0x400 or 0x800");

  profile = UnevenProfile();
  profile.slot.length = 0x3000;
  EXPECT_EQ(Problem(profile), "slot end 0x3400: inside a page of 4096 bytes; use 0x2800 or 0x3800");

  profile = UnevenProfile();
  profile.slot.start = profile.FlashSize();
  EXPECT_EQ(Problem(profile), "slot: 13312 bytes from 0x7800 end outside the flash, which has 30720 bytes");

  profile = UnevenProfile();
  profile.slot.length = std::numeric_limits<uint64_t>::max();
  EXPECT_THAT(Problem(profile), HasSubstr("end outside the flash"));

  profile = UnevenProfile();
  profile.patch_storage = FlashRange{0x5800, 0x800};
  EXPECT_THAT(Problem(profile), HasSubstr("patch_storage end 0x6000: inside a page"));

  profile = UnevenProfile();
  profile.protected_ranges = {{0, 0x400}, {0x900, 0x400}};
  EXPECT_EQ(Problem(profile),
            "protected_ranges[1] start 0x900: inside a page of 2048 bytes; use 0x800 or 0x1000");
}

TEST(CheckProfile, RefusesOverlaps) {
  DeviceProfile profile = UnevenProfile();
  profile.spare.start = 0x2800;
  EXPECT_EQ(Problem(profile),
            "spare 0x2800 .. 0x4800: overlaps slot, 0x400 .. 0x3800; give each pages of its own");

  profile = UnevenProfile();
  profile.patch_storage = FlashRange{0, 0x800};
  EXPECT_THAT(Problem(profile), HasSubstr("patch_storage 0x0 .. 0x800: overlaps slot"));

  profile.patch_storage = FlashRange{0x4800, 0x2000};
  EXPECT_THAT(Problem(profile), HasSubstr("patch_storage 0x4800 .. 0x6800: overlaps spare"));

  profile = UnevenProfile();
  profile.protected_ranges = {{0x3800, 0x1000}};
  EXPECT_THAT(Problem(profile), HasSubstr("protected_ranges[0] 0x3800 .. 0x4800: overlaps spare"));

  profile = UnevenProfile();
  profile.patch_storage = FlashRange{0x5800, 0x2000};
  profile.protected_ranges = {{0x6800, 0x1000}};
  EXPECT_THAT(Problem(profile), HasSubstr("protected_ranges[0] 0x6800 .. 0x7800: overlaps patch_storage"));
}

TEST(CheckProfile, RefusesProtectedRangesOutOfOrder) {
  DeviceProfile profile = UnevenProfile();
  profile.protected_ranges = {{0x800, 0x800}, {0x400, 0x400}};
  EXPECT_EQ(Problem(profile),
            "protected_ranges[1] 0x400 .. 0x800: begins before the end of protected_ranges[0], 0x1000; list "
            "them in ascending order, without overlaps");
  profile.protected_ranges = {{0x400, 0x400}, {0x800, 0x800}};
  EXPECT_EQ(Problem(profile), "");
}

TEST(CheckProfile, RefusesSparePages) {
  DeviceProfile profile = UnevenProfile();
  profile.spare.length = 0x1000;
  EXPECT_EQ(Problem(profile),
            "spare: 1 page; journal and undo need at least 2, set spare.length to 8192 or more");

  profile = UnevenProfile();
  profile.slot = {0x1800, 0x3000};
  profile.spare = {0, 0x800};
  EXPECT_EQ(Problem(profile),
            "spare: its pages have 1024 bytes, but the slot has one of 4096; choose spare pages of at least "
            "4096 bytes or a slot without that page");

  profile.spare = {0, 0x1800};
  EXPECT_EQ(Problem(profile), "spare: has pages of 1024 and of 2048 bytes; choose pages of one size");
}

TEST(CheckProfile, RefusesSlotWithoutRoom) {
  DeviceProfile profile = UnevenProfile();
  profile.protected_ranges = {{0x400, 0x1400}, {0x1800, 0x2000}};
  EXPECT_EQ(Problem(profile),
            "slot 0x400 .. 0x3800: too small, all its 5 pages are protected; enlarge it or protect less");
  profile.protected_ranges.pop_back();
  EXPECT_EQ(Problem(profile), "");
}

TEST(CheckProfile, RefusesRam) {
  DeviceProfile profile = UnevenProfile();
  for (const uint64_t ram : {uint64_t{2047}, (uint64_t{1} << 20) + 1}) {
    profile.ram = ram;
    EXPECT_EQ(Problem(profile), "ram " + std::to_string(ram) + ": must be 2048 .. 1048576 bytes");
  }
  for (const uint64_t ram : {uint64_t{2048}, uint64_t{1} << 20}) {
    profile.ram = ram;
    EXPECT_EQ(Problem(profile), "");
  }
}

TEST(CheckProfile, RefusesQuantities) {
  DeviceProfile profile = UnevenProfile();
  profile.supply_v = -3;
  EXPECT_EQ(Problem(profile), "power.supply_v -3.000000: must be 0 or more");
  profile = UnevenProfile();
  profile.read_us_per_kib = std::numeric_limits<double>::infinity();
  EXPECT_EQ(Problem(profile), "timing.read_us_per_kib inf: must be 0 or more");
}

TEST(CheckImageSize, ComparesWithSlot) {
  const DeviceProfile profile = UnevenProfile();
  EXPECT_FALSE(CheckImageSize(profile, "new.bin", 0x3400));
  const std::optional<Error> error = CheckImageSize(profile, "new.bin", 0x3401);
  ASSERT_TRUE(error);
  EXPECT_EQ(
      error->message,
      "new.bin: 13313 bytes, but the slot of uneven has 13312; make the image smaller or the slot larger");
}

TEST(ParseProfile, ReadsEverything) {
  const Result<DeviceProfile> result = ParseProfile(kJson, "board.json");
  ASSERT_TRUE(result.ok()) << result.error();
  const DeviceProfile& profile = result.value();
  EXPECT_EQ(profile.name, "board");
  EXPECT_EQ(profile.description, "A board");
  EXPECT_EQ(profile.base_address, 0x8000000u);
  ASSERT_EQ(profile.pages.size(), 2u);
  EXPECT_EQ(profile.pages[0].count, 4u);
  EXPECT_EQ(profile.pages[0].size, 1024u);
  EXPECT_EQ(profile.pages[0].erase_ms, 2.5);
  EXPECT_EQ(profile.pages[1].size, 4096u);
  EXPECT_EQ(profile.pages[1].erase_ms, 0);
  EXPECT_EQ(profile.write_unit, 8u);
  EXPECT_EQ(profile.erase_value, 0);
  EXPECT_EQ(profile.slot, (FlashRange{0, 20480}));
  EXPECT_EQ(profile.spare, (FlashRange{0x5000, 8192}));
  EXPECT_THAT(profile.protected_ranges, ElementsAre(FlashRange{1024, 1024}, FlashRange{49152, 4096}));
  EXPECT_EQ(profile.patch_storage, (FlashRange{0x7000, 16384}));
  EXPECT_EQ(profile.ram, 4096u);
  EXPECT_EQ(profile.program_us_per_unit, 10);
  EXPECT_EQ(profile.read_us_per_kib, 1.5);
  EXPECT_EQ(profile.supply_v, 3);
  EXPECT_EQ(profile.erase_ma, 4);
  EXPECT_EQ(profile.program_ma, 5);
  EXPECT_EQ(profile.cpu_ma, 6);
  EXPECT_EQ(profile.cpu_mhz, 64);
  EXPECT_EQ(profile.endurance_cycles, 10000u);
  ASSERT_EQ(profile.sources.size(), 2u);
  EXPECT_EQ(profile.sources[0].field, "pages");
  EXPECT_EQ(profile.sources[0].text, "a data sheet, table 1");
}

TEST(ParseProfile, HasDefaults) {
  const Result<DeviceProfile> result = ParseProfile(R"({
    "name": "small", "pages": [{"count": 8, "size": 1024}], "write_unit": 4,
    "slot": {"start": 0, "length": 4096}, "spare": {"start": 4096, "length": 4096}})",
                                                    "small.json");
  ASSERT_TRUE(result.ok()) << result.error();
  EXPECT_EQ(result.value().erase_value, 0xff);
  EXPECT_EQ(result.value().base_address, 0u);
  EXPECT_EQ(result.value().ram, 8192u);
  EXPECT_FALSE(result.value().patch_storage);
}

TEST(ParseProfile, RefusesTextThatIsNotJson) {
  EXPECT_THAT(ParseProblem("{\"name\": }"),
              HasSubstr("board.json: not JSON: parse error at line 1, column 10"));
  EXPECT_THAT(ParseProblem(""), HasSubstr("board.json: not JSON: "));
  EXPECT_THAT(ParseProblem("[1]"), HasSubstr("board.json: the file: must be an object"));
  EXPECT_THAT(ParseProblem("{\"name\": \"\xff\"}"), HasSubstr("not JSON"));
  EXPECT_THAT(ParseProblem("{\"cpu_mhz\": 1e999}"), HasSubstr("not JSON"));
}

TEST(ParseProfile, RefusesFieldsThatAreThereTwice) {
  EXPECT_EQ(ParseProblem("{\"ram\": 4096, \"ram\": 8192}"), "board.json: ram: there twice; remove one");
  EXPECT_EQ(ParseProblem("{\"slot\": {\"start\": 0, \"start\": 1}}"),
            "board.json: start: there twice; remove one");
}

TEST(ParseProfile, RefusesUnknownFields) {
  EXPECT_THAT(ProblemWith("/flash", 1),
              HasSubstr("board.json: flash: unknown field; there are $schema, name"));
  EXPECT_EQ(ProblemWith("/slot/size", 1), "board.json: slot.size: unknown field; there are start, length");
  EXPECT_EQ(ProblemWith("/pages/1/sise", 1),
            "board.json: pages[1].sise: unknown field; there are count, size, erase_ms");
  EXPECT_THAT(ProblemWith("/power/erase_a", 1), HasSubstr("power.erase_a: unknown field"));
  EXPECT_THAT(ProblemWith("/timing/x", 1), HasSubstr("timing.x: unknown field"));
  EXPECT_EQ(ProblemWith("/sources/flash", "x"),
            "board.json: sources.flash: there is no field of that name to give a source for");
}

TEST(ParseProfile, RefusesMissingFields) {
  for (const char* name : {"name", "pages", "write_unit", "slot", "spare"}) {
    EXPECT_EQ(ProblemWithout("", name), "board.json: " + std::string(name) + ": missing; add it");
  }
  EXPECT_EQ(ProblemWithout("/pages/1", "count"), "board.json: pages[1].count: missing; add it");
  EXPECT_EQ(ProblemWithout("/protected_ranges/0", "start"),
            "board.json: protected_ranges[0].start: missing; add it");
  EXPECT_EQ(ProblemWithout("/patch_storage", "length"), "board.json: patch_storage.length: missing; add it");
}

TEST(ParseProfile, RefusesWrongTypes) {
  EXPECT_EQ(ProblemWith("/name", 1), "board.json: name 1: must be text in quotes");
  EXPECT_EQ(ProblemWith("/$schema", 1), "board.json: $schema 1: must be text in quotes");
  EXPECT_EQ(ProblemWith("/cpu_mhz", "64"), "board.json: cpu_mhz \"64\": must be a number");
  EXPECT_EQ(ProblemWith("/slot", 1), "board.json: slot: must be an object with the fields start, length");
  EXPECT_EQ(ProblemWith("/pages", Json::object()),
            "board.json: pages: must be a list of objects with the fields count, size, erase_ms");
  EXPECT_EQ(ProblemWith("/pages/0", 1),
            "board.json: pages[0]: must be an object with the fields count, size, erase_ms");
  EXPECT_EQ(ProblemWith("/protected_ranges", 1),
            "board.json: protected_ranges: must be a list of objects with the fields start, length");
  EXPECT_THAT(ProblemWith("/sources", 1), HasSubstr("sources: must be an object"));
  EXPECT_THAT(ProblemWith("/sources/pages", 1), HasSubstr("sources.pages 1: must be text"));
}

TEST(ParseProfile, RefusesWhatIsNoWholeNumber) {
  for (const Json& value :
       {Json(-1), Json(1.5), Json(true), Json(""), Json("0x"), Json("K"), Json("4k"), Json("4 K"), Json("-1"),
        Json("0x1K"), Json("4KB"), Json(nullptr), Json("99999999999999999999"), Json("18014398509481984K")}) {
    EXPECT_EQ(ProblemWith("/slot/start", value),
              "board.json: slot.start " + value.dump() +
                  ": must be a whole number such as 4096, \"4K\" or \"0x1000\"");
  }
  EXPECT_EQ(ProblemWith("/pages/0/count", 4294967296),
            "board.json: pages[0].count 4294967296: must be at most 4294967295");
  EXPECT_EQ(ProblemWith("/erase_value", "0x100"), "board.json: erase_value \"0x100\": must be at most 255");
}

TEST(ParseProfile, ChecksWhatItRead) {
  EXPECT_EQ(ProblemWith("/write_unit", 3), "board.json: write_unit 3: must be 1, 2, 4, 8, 16 or 32 bytes");
  EXPECT_THAT(ProblemWith("/ram", "2M"), HasSubstr("board.json: ram 2097152: must be 2048 .. 1048576 bytes"));
}

TEST(ShippedProfiles, AreThere) {
  EXPECT_THAT(ProfileNames(), ElementsAre("eeprom256", "efr32mg", "esp32c3", "nrf51822", "nrf52840", "rp2040",
                                          "stm32f4", "stm32l4", "stm32u5"));
}

TEST(ShippedProfiles, AreValidAndNamedLikeTheirFiles) {
  for (const std::string& name : ProfileNames()) {
    const Result<DeviceProfile> profile = FindProfile(name);
    ASSERT_TRUE(profile.ok()) << profile.error();
    EXPECT_EQ(profile.value().name, name);
    EXPECT_FALSE(profile.value().description.empty());
  }
}

TEST(ShippedProfiles, HaveCostsAndEndurance) {
  for (const std::string& name : ProfileNames()) {
    const DeviceProfile profile = FindProfile(name).value();
    for (const PageRun& run : profile.pages) EXPECT_GT(run.erase_ms, 0) << name;
    for (const double value : {profile.program_us_per_unit, profile.read_us_per_kib, profile.erase_ma,
                               profile.program_ma, profile.cpu_ma, profile.supply_v, profile.cpu_mhz}) {
      EXPECT_GT(value, 0) << name;
    }
    EXPECT_GT(profile.endurance_cycles, 0u) << name;
  }
}

TEST(ShippedProfiles, SayWhereEachNumberComesFrom) {
  for (const std::string& name : ProfileNames()) {
    const DeviceProfile profile = FindProfile(name).value();
    std::vector<std::string> fields = {"base_address",
                                       "pages",
                                       "pages[].erase_ms",
                                       "write_unit",
                                       "erase_value",
                                       "slot",
                                       "spare",
                                       "ram",
                                       "timing.program_us_per_unit",
                                       "timing.read_us_per_kib",
                                       "power.supply_v",
                                       "power.erase_ma",
                                       "power.program_ma",
                                       "power.cpu_ma",
                                       "cpu_mhz",
                                       "endurance_cycles"};
    if (!profile.protected_ranges.empty()) fields.emplace_back("protected_ranges");
    if (profile.patch_storage) fields.emplace_back("patch_storage");
    std::vector<std::string> sources;
    for (const SourceNote& note : profile.sources) {
      sources.push_back(note.field);
      EXPECT_FALSE(note.text.empty()) << name << " " << note.field;
    }
    EXPECT_THAT(sources, ::testing::UnorderedElementsAreArray(fields)) << name;
  }
}

TEST(ShippedProfiles, CoverWhatMattersToTheEngine) {
  const DeviceProfile uneven = FindProfile("stm32f4").value();
  EXPECT_EQ(uneven.PageSize(uneven.PagesOf(uneven.slot).first), 16384u);
  EXPECT_EQ(uneven.LargestPage(uneven.slot), 131072u);
  EXPECT_EQ(uneven.PagesOf(uneven.spare).count, 2u);
  EXPECT_EQ(FindProfile("stm32u5").value().write_unit, 16u);
  EXPECT_EQ(FindProfile("rp2040").value().write_unit, 1u);
  const DeviceProfile small = FindProfile("nrf51822").value();
  EXPECT_TRUE(small.IsProtected(small.PagesOf(small.slot).end() - 1));
}

TEST(FindProfile, NamesWhatThereIs) {
  const Result<DeviceProfile> profile = FindProfile("z80");
  ASSERT_FALSE(profile.ok());
  EXPECT_EQ(profile.error(),
            "no device profile \"z80\" in the library; there are eeprom256 efr32mg esp32c3 nrf51822 nrf52840 "
            "rp2040 stm32f4 stm32l4 stm32u5");
}

Json ReadJson(const std::filesystem::path& path) {
  std::ifstream file(path);
  return Json::parse(file);
}

std::filesystem::path ProfileFolder() {
  return std::filesystem::path(LIBDELTA_SOURCE_DIR) / "libdelta/sim/profiles";
}

Schema ProfileSchema() { return Schema(ReadJson(ProfileFolder() / "device_profile.schema.json")); }

TEST(ProfileSchema, HasTheFieldsThatAreRead) { EXPECT_EQ(ProfileSchema().Fields(), ProfileFields()); }

TEST(ProfileSchema, AcceptsTheShippedProfiles) {
  Schema schema = ProfileSchema();
  for (const std::string& name : ProfileNames()) {
    EXPECT_THAT(schema.Check(ReadJson(ProfileFolder() / (name + ".json"))), IsEmpty()) << name;
  }
}

TEST(ProfileSchema, AcceptsAndRefusesLikeTheReader) {
  Schema schema = ProfileSchema();
  const Json valid = Json::parse(kJson);
  EXPECT_THAT(schema.Check(valid), IsEmpty());
  const std::pair<const char*, Json> changes[] = {{"/flash", 1},
                                                  {"/name", "A"},
                                                  {"/name", 1},
                                                  {"/write_unit", 3},
                                                  {"/erase_value", 127},
                                                  {"/slot", 1},
                                                  {"/slot/size", 1},
                                                  {"/slot/start", -1},
                                                  {"/slot/start", "4k"},
                                                  {"/slot/start", 1.5},
                                                  {"/pages", Json::array()},
                                                  {"/pages/0/count", true},
                                                  {"/pages/0/x", 1},
                                                  {"/timing/x", 1},
                                                  {"/power/cpu_ma", "1"},
                                                  {"/cpu_mhz", -1},
                                                  {"/sources/pages", 1},
                                                  {"/protected_ranges", 1}};
  for (const auto& [pointer, value] : changes) {
    Json changed = valid;
    changed[Json::json_pointer(pointer)] = value;
    EXPECT_FALSE(schema.Check(changed).empty()) << pointer << " " << value;
    EXPECT_NE(ParseProblem(changed.dump()), "") << pointer << " " << value;
  }
  for (const char* name : {"name", "pages", "write_unit", "slot", "spare"}) {
    Json changed = valid;
    changed.erase(name);
    EXPECT_FALSE(schema.Check(changed).empty()) << name;
  }
}

}  // namespace
}  // namespace libdelta
