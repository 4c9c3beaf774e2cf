// The files that images come in: what is loaded from where in them, also when they are damaged or hostile.
#include "libdelta/host/file_layout.h"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <string>

#include "bench/support/thumb_images.h"
#include "libdelta/host/analysis.h"
#include "libdelta/host/references.h"
#include "tests/support/containers.h"
#include "tests/support/device.h"
#include "tests/support/images.h"
#include "tests/support/patches.h"
#include "tests/support/random.h"

namespace libdelta::testing {
namespace {

std::vector<Part> TwoParts() {
  return {{0x08004000, RandomBytes(3000, 1)}, {0x08010040, RandomBytes(777, 2)}};
}

struct FormatCase {
  const char* name;
  FileFormat format;
  std::vector<Part> parts;  // What the file says of addresses.
  Bytes file;
  bool stored = true;  // And whether it is of flash.
};

std::vector<FormatCase> FormatCases() {
  const std::vector<Part> parts = TwoParts();
  const std::vector<Part> avr = {{0x1f0, RandomBytes(70000, 3)}};
  const Bytes image = RandomBytes(500, 4);
  return {
      {"elf32-le", FileFormat::kElf, parts, MakeElf(parts, false, false)},
      {"elf32-be", FileFormat::kElf, parts, MakeElf(parts, false, true)},
      {"elf64-le", FileFormat::kElf, parts, MakeElf(parts, true, false)},
      {"elf64-be", FileFormat::kElf, parts, MakeElf(parts, true, true)},
      {"hex", FileFormat::kIntelHex, parts, MakeHex(parts)},
      {"hex-long-records", FileFormat::kIntelHex, parts, MakeHex(parts, 255)},
      {"hex-segments", FileFormat::kIntelHex, avr, MakeHex(avr, 32, true)},
      {"uf2", FileFormat::kUf2, parts, MakeUf2(parts)},
      {"uf2-476", FileFormat::kUf2, parts, MakeUf2(parts, 476)},
      {"esp32", FileFormat::kEspImage, parts, MakeEsp(parts), false},
      {"esp8266", FileFormat::kEspImage, parts, MakeEsp(parts, 8), false},
      {"mcuboot-ram-load",
       FileFormat::kMcuboot,
       {{0x20000200, image}},
       MakeMcuboot(image, 0x20, 0x20000000),
       false},
      {"mcuboot-rom-fixed",
       FileFormat::kMcuboot,
       {{0x08020200, image}},
       MakeMcuboot(image, 0x100, 0x08020000),
       false},
      {"gbl", FileFormat::kGbl, parts, MakeGbl(parts)},
      {"ebl", FileFormat::kEbl, parts, MakeEbl(parts)},
      {"ota-gbl", FileFormat::kGbl, parts, MakeZigbeeOta(MakeGbl(parts))},
      {"ota-ebl", FileFormat::kEbl, parts, MakeZigbeeOta(MakeEbl(parts, 128))},
  };
}

uint64_t DigitsPerByte(const FileLayout& layout) { return layout.format == FileFormat::kIntelHex ? 2 : 1; }

// What callers rely on, whatever the file.
void CheckSound(const FileLayout& layout, ByteView file) {
  uint64_t end = 0;
  for (const LoadedRange& range : layout.ranges) {
    ASSERT_GE(range.offset, end);
    ASSERT_GE(range.size, 1u);
    ASSERT_LE(range.size, file.size());
    end = range.offset + range.size * DigitsPerByte(layout);
    ASSERT_LE(end, file.size());
  }
  ASSERT_TRUE(layout.problem.empty() || layout.ranges.empty() || layout.zigbee_ota);
}

TEST(FileLayout, FindsWhatIsLoadedWhere) {
  for (const FormatCase& c : FormatCases()) {
    SCOPED_TRACE(c.name);
    const FileLayout layout = ParseFileLayout(c.file);
    ASSERT_EQ(layout.problem, "");
    EXPECT_EQ(NameOf(layout.format), std::string(NameOf(c.format)));
    CheckSound(layout, c.file);
    // Byte by byte: at which address is it, and what is it?
    size_t part = 0;
    size_t done = 0;
    for (const LoadedRange& range : layout.ranges) {
      for (uint64_t i = 0; i < range.size; ++i) {
        ASSERT_LT(part, c.parts.size());
        ASSERT_EQ(range.run.value() + i, c.parts[part].address + done);
        if (layout.format == FileFormat::kIntelHex) {
          const std::string digits(c.file.begin() + static_cast<ptrdiff_t>(range.offset + 2 * i),
                                   c.file.begin() + static_cast<ptrdiff_t>(range.offset + 2 * i + 2));
          ASSERT_EQ(std::stoul(digits, nullptr, 16), c.parts[part].bytes[done]);
        } else {
          ASSERT_EQ(c.file[range.offset + i], c.parts[part].bytes[done]);
        }
        if (++done == c.parts[part].bytes.size()) {
          ++part;
          done = 0;
        }
      }
    }
    EXPECT_EQ(part, c.parts.size());
    EXPECT_EQ(!BasesOf(layout, c.file).empty(), layout.format != FileFormat::kIntelHex);
  }
}

TEST(FileLayout, FlattensToWhatIsInFlash) {
  for (const FormatCase& c : FormatCases()) {
    SCOPED_TRACE(c.name);
    const FileLayout layout = ParseFileLayout(c.file);
    const auto apart = Flatten(layout, c.file, 1000, 0xff);
    if (!c.stored) {
      EXPECT_FALSE(apart.ok());
      continue;
    }
    ASSERT_TRUE(apart.ok()) << apart.error();
    ASSERT_EQ(apart.value().size(), c.parts.size());
    for (size_t i = 0; i < c.parts.size(); ++i) {
      EXPECT_EQ(apart.value()[i].address, c.parts[i].address);
      EXPECT_EQ(apart.value()[i].bytes, c.parts[i].bytes);
    }
    const auto whole = Flatten(layout, c.file, 1 << 20, 0xa7);
    ASSERT_TRUE(whole.ok());
    ASSERT_EQ(whole.value().size(), 1u);
    const Part& last = c.parts.back();
    Bytes expected(last.address + last.bytes.size() - c.parts[0].address, 0xa7);
    for (const Part& part : c.parts) {
      std::copy(part.bytes.begin(), part.bytes.end(),
                expected.begin() + static_cast<ptrdiff_t>(part.address - c.parts[0].address));
    }
    EXPECT_EQ(whole.value()[0].bytes, expected);
  }
}

TEST(FileLayout, FlashIsWhereElfStoresNotWhereItRuns) {
  const std::vector<Part> parts = {{0x20000000, RandomBytes(100, 1)}};
  const Bytes file = MakeElf(parts, false, false, 0x08000000 - 0x20000000ull + (uint64_t{1} << 32));
  const FileLayout layout = ParseFileLayout(file);
  ASSERT_EQ(layout.ranges.size(), 1u);
  EXPECT_EQ(layout.ranges[0].run, 0x20000000u);
  const auto flat = Flatten(layout, file, 0, 0);
  ASSERT_TRUE(flat.ok());
  EXPECT_EQ(flat.value()[0].address, 0x08000000u);
}

TEST(FileLayout, LaterBytesCount) {
  const std::vector<Part> parts = {{0x100, Bytes(64, 1)}, {0x120, Bytes(64, 2)}, {0x100, Bytes(8, 3)}};
  const Bytes file = MakeHex(parts);
  const auto flat = Flatten(ParseFileLayout(file), file, 0, 0);
  ASSERT_TRUE(flat.ok());
  ASSERT_EQ(flat.value().size(), 1u);
  Bytes expected(96, 2);
  std::fill_n(expected.begin(), 32, uint8_t{1});
  std::fill_n(expected.begin(), 8, uint8_t{3});
  EXPECT_EQ(flat.value()[0].bytes, expected);
}

TEST(FileLayout, RefusesToFlattenHugeSpans) {
  const Bytes file = MakeHex({{0, {1}}, {0xfffffff0, {2}}});
  EXPECT_FALSE(Flatten(ParseFileLayout(file), file, uint64_t{1} << 32, 0).ok());
  const auto apart = Flatten(ParseFileLayout(file), file, 1 << 20, 0);
  ASSERT_TRUE(apart.ok());
  EXPECT_EQ(apart.value().size(), 2u);
}

TEST(FileLayout, FindsEspImagesInACopyOfTheFlash) {
  const std::vector<Part> boot = {{0x40078000, RandomBytes(5000, 1)}};
  Bytes flash(0x1000, 0xff);
  const auto put = [&](const Bytes& image, size_t at) {
    flash.resize(std::max(flash.size(), at + image.size()), 0xff);
    std::copy(image.begin(), image.end(), flash.begin() + static_cast<ptrdiff_t>(at));
  };
  put(MakeEsp(boot), 0x1000);
  put(MakeEsp(TwoParts()), 0x30000);
  flash.resize(flash.size() + 5000, 0xff);
  const FileLayout layout = ParseFileLayout(flash);
  EXPECT_EQ(layout.format, FileFormat::kEspImage);
  ASSERT_EQ(layout.ranges.size(), 3u);
  EXPECT_EQ(layout.ranges[0].offset, 0x1020u);
  EXPECT_EQ(layout.ranges[1].offset, 0x30020u);
  EXPECT_EQ(layout.ranges[2].run, TwoParts()[1].address);
}

TEST(FileLayout, Esp8266CodeInFlashHasNoAddress) {
  const Bytes file = MakeEsp8266V2(TwoParts());
  const FileLayout layout = ParseFileLayout(file);
  ASSERT_EQ(layout.ranges.size(), 2u);
  EXPECT_EQ(layout.ranges[0].offset, 16u);
  EXPECT_EQ(layout.ranges[0].size, 3000u);
  EXPECT_FALSE(layout.ranges[0].run.has_value());
  EXPECT_EQ(layout.ranges[1].run, TwoParts()[1].address);
}

TEST(FileLayout, WhatOthersHaveMadeOpaqueIsInNoRange) {
  EXPECT_TRUE(ParseFileLayout(MakeMcuboot(Bytes(100, 1), 0x4)).ranges.empty());
  Bytes gbl = MakeGbl({{0x4000, Bytes(100, 1)}});
  for (size_t i = 0; i + 4 < gbl.size(); ++i) {
    if (gbl[i] == 0xfd && gbl[i + 1] == 3 && gbl[i + 2] == 3) gbl[i + 1] = gbl[i + 2] = 7;  // LZMA.
  }
  const FileLayout layout = ParseFileLayout(gbl);
  EXPECT_EQ(layout.format, FileFormat::kGbl);
  EXPECT_TRUE(layout.ranges.empty());
}

TEST(FileLayout, AnythingElseIsRaw) {
  for (const Bytes& file :
       {Bytes(), Bytes{0xe9}, Bytes{0x7f, 'E'}, Bytes(100, 0), Bytes(5000, 0xe9), TextLike(4000, 1)}) {
    const FileLayout layout = ParseFileLayout(file);
    EXPECT_EQ(layout.format, FileFormat::kRaw);
    EXPECT_TRUE(layout.ranges.empty());
    EXPECT_TRUE(BasesOf(layout, file).empty());
  }
}

struct DamageCase {
  const char* problem;
  std::function<Bytes()> file;
};

Bytes With(Bytes bytes, size_t at, const Bytes& other) {
  std::copy(other.begin(), other.end(), bytes.begin() + static_cast<ptrdiff_t>(at));
  return bytes;
}

Bytes Without(Bytes bytes, size_t count) {
  bytes.resize(bytes.size() - count);
  return bytes;
}

Bytes Text(const std::string& text) { return Bytes(text.begin(), text.end()); }

TEST(FileLayout, SaysWhatIsWrong) {
  const std::vector<Part> parts = TwoParts();
  const Bytes huge = {0xff, 0xff, 0xff, 0xff};
  const std::vector<DamageCase> cases = {
      {"ELF: unknown class or byte order", [&] { return With(MakeElf(parts, false, false), 4, {3}); }},
      {"ELF: unknown class or byte order",
       [&] {
         return Bytes{0x7f, 'E', 'L', 'F'};
       }},
      {"ELF: program headers at offset 4294967295 are not",
       [&] { return With(MakeElf(parts, false, false), 28, huge); }},
      {"ELF: a segment is not in the file", [&] { return Without(MakeElf(parts, true, true), 1); }},
      {"ELF: parts overlap",
       [&] {
         Bytes file = MakeElf(parts, false, false);
         std::copy_n(file.begin() + 52 + 32 + 4, 4, file.begin() + 52 + 64 + 4);
         return file;
       }},
      {"Intel HEX: wrong checksum in record 1", [&] { return With(MakeHex(parts), 10, {'1'}); }},
      {"Intel HEX: no end record", [&] { return Without(MakeHex(parts), 13); }},
      {"Intel HEX: not enough digits in record 1", [&] { return Text(":0300"); }},
      {"Intel HEX: unknown type in record 1", [&] { return Text(":0000000CF4\n:00000001FF\n"); }},
      {"Intel HEX: wrong length in record 1", [&] { return Text(":0100000408F3\n"); }},
      {"Intel HEX: data behind the end record", [&] { return Text(":00000001FF\n:00000001FF\n"); }},
      {"Intel HEX: no colon in record 2", [&] { return Text(":020000040800F2\n;"); }},
      {"UF2: no block at offset 512", [&] { return With(MakeUf2(parts), 512, {0}); }},
      {"UF2: no block at offset 7680", [&] { return Without(MakeUf2(parts), 1); }},
      {"UF2: too much data in the block at offset 0", [&] { return With(MakeUf2(parts), 16, huge); }},
      {"MCUboot image: the image is not in the file", [&] { return With(MakeMcuboot({1}), 12, huge); }},
      {"MCUboot image: the image is not in the file",
       [&] {
         return With(MakeMcuboot({1}), 8, {0, 0});
       }},
      {"Gecko bootloader file: no end tag", [&] { return Without(MakeGbl(parts), 12); }},
      {"Gecko bootloader file: the tag at offset 0 is longer", [&] { return With(MakeGbl(parts), 4, huge); }},
      {"Ember bootloader file: the tag at offset 144 is longer",
       [&] { return With(MakeEbl(parts), 146, huge); }},
      {"Zigbee OTA file: wrong length of the header",
       [&] {
         return With(MakeZigbeeOta({1}), 6, {0xff, 0xff});
       }},
      {"Zigbee OTA file: no complete image in it", [&] { return Without(MakeZigbeeOta(Bytes(20)), 1); }},
  };
  for (const DamageCase& c : cases) {
    const Bytes file = c.file();
    const FileLayout layout = ParseFileLayout(file);
    EXPECT_EQ(layout.problem.substr(0, std::string(c.problem).size()), c.problem);
    EXPECT_EQ(layout.format, FileFormat::kRaw);
    EXPECT_TRUE(layout.ranges.empty());
  }
}

TEST(FileLayout, AnEspImageWithAWrongChecksumIsRaw) {
  Bytes file = MakeEsp(TwoParts());
  file.back() ^= 1;
  EXPECT_EQ(ParseFileLayout(file).format, FileFormat::kRaw);
}

TEST(FileLayout, SurvivesAnyDamage) {
  Random random(7);
  for (const FormatCase& c : FormatCases()) {
    SCOPED_TRACE(c.name);
    for (int i = 0; i < 400; ++i) {
      Bytes file = c.file;
      const int changes = 1 + static_cast<int>(random.Below(3));
      for (int k = 0; k < changes; ++k) {
        // Most fields are near the start.
        const uint32_t at = random.Below(random.Below(2) ? std::min<size_t>(file.size(), 200) : file.size());
        if (random.Below(2)) {
          file[at] = random.Byte();
        } else {
          for (uint32_t b = at; b < file.size() && b < at + 4; ++b) file[b] = 0xff;
        }
      }
      if (random.Below(3) == 0) file.resize(random.Below(file.size() + 1));
      const FileLayout layout = ParseFileLayout(file);
      ASSERT_NO_FATAL_FAILURE(CheckSound(layout, file));
      BasesOf(layout, file);
      if (i < 20) (void)Flatten(layout, file, 4096, 0);
    }
  }
}

// Each would take minutes if its work were not bounded.
TEST(FileLayout, HostileFilesTakeNoLongerThanTheyAreLong) {
  Bytes esp(8 << 20, 0);
  for (size_t at = 0; at < esp.size(); at += 4096) {
    esp[at] = 0xe9;
    esp[at + 1] = 1;
    const size_t size = esp.size() - at - 64;
    for (size_t i = 0; i < 4; ++i) esp[at + 28 + i] = static_cast<uint8_t>(size >> 8 * i);
  }
  EXPECT_EQ(ParseFileLayout(esp).format, FileFormat::kRaw);
  Bytes tags = MakeGbl({});
  tags.resize(8 << 20, 0);                               // Empty tags of number 0.
  std::fill(tags.begin() + 52, tags.end(), uint8_t{0});  // The end tag as well.
  EXPECT_EQ(ParseFileLayout(tags).format, FileFormat::kRaw);
}

// --- What the encoder makes of it --------------------------------------------------------------------

struct BaseCase {
  const char* name;
  std::function<Bytes(const Bytes&)> wrap;
  uint32_t base;  // Of the file.
};

TEST(FileBase, IsWhatTheFileSays) {
  const Bytes image = RandomBytes(5000, 1);
  constexpr uint32_t kStart = 0x0c123400;
  const std::vector<BaseCase> cases = {
      {"elf",
       [&](const Bytes& i) {
         return MakeElf({{kStart, i}}, false, false);
       },
       kStart - 128},
      {"mcuboot", [&](const Bytes& i) { return MakeMcuboot(i, 0x20, kStart); }, kStart},
      {"gbl",
       [&](const Bytes& i) {
         return MakeGbl({{kStart, i}});
       },
       kStart - 64},
      {"esp",
       [&](const Bytes& i) {
         return MakeEsp({{kStart, i}});
       },
       kStart - 32},
      {"ota",
       [&](const Bytes& i) {
         return MakeZigbeeOta(MakeGbl({{kStart, i}}));
       },
       kStart - 64 - 80},
  };
  for (const BaseCase& c : cases) {
    SCOPED_TRACE(c.name);
    const ImageBase base = FindBase(c.wrap(image));
    EXPECT_TRUE(base.found);
    EXPECT_EQ(base.address, c.base);
  }
  EXPECT_TRUE(FindBase(MakeElf({{kStart, image}}, false, true)).big_endian);
  // As position-independent programs are linked: where that is says nothing.
  EXPECT_FALSE(FindBase(MakeElf({{0x80, image}}, false, false)).found);
  // Without any address, at least the alignment is right.
  const ImageBase unknown = FindBase(MakeMcuboot(image));
  EXPECT_FALSE(unknown.found);
  EXPECT_EQ(unknown.address, 0u - 512u);
}

// A program that a real linker has made: this one.
Bytes ThisProgram() {
  std::ifstream file("/proc/self/exe", std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

uint32_t WordAt(const Bytes& file, uint64_t at) { return LoadWord(file.data() + at, 4, kLittleEndian); }

TEST(UnwindIndex, OfThisProgramLeadsToEntriesOfItsFunctions) {
  const Bytes file = ThisProgram();
  const std::optional<UnwindIndex> index = ParseFileLayout(file).unwind_index;
  ASSERT_TRUE(index);
  ASSERT_GT(index->count, 50u);
  uint32_t before = 0;
  for (uint64_t i = 0; i < index->count; ++i) {
    const uint32_t start = static_cast<uint32_t>(index->start);
    const uint32_t function = start + WordAt(file, index->rows + 8 * i);
    const uint32_t entry = start + WordAt(file, index->rows + 8 * i + 4);
    ASSERT_GT(function, before);
    before = function;
    ASSERT_LT(entry, file.size() - 16);
    // The entry names its function as well, counted from that field.
    ASSERT_EQ(entry + 8 + WordAt(file, entry + 8), function);
  }
}

TEST(UnwindIndex, WordsAreReferences) {
  constexpr uint32_t kBase = 0x40000;
  const Bytes file = ThisProgram();
  const UnwindIndex index = ParseFileLayout(file).unwind_index.value();
  const std::vector<Template> templates = OffsetTables(file, file, kBase);
  ASSERT_EQ(templates.size(), 3u);
  const auto expect = [&](const Template& t, uint64_t at, uint64_t target) {
    Words words;
    ASSERT_TRUE(FindReference(t, file, at, &words));
    ASSERT_EQ(Target(t, Gather(t, words.at), kBase + static_cast<uint32_t>(at), kOldSide), kBase + target);
  };
  uint64_t first = 0;  // Entries that have the first one in common with others.
  for (uint64_t i = 0; i < index.count; ++i) {
    const uint64_t row = index.rows + 8 * i;
    expect(templates[0], row, static_cast<uint32_t>(index.start + WordAt(file, row)));
    expect(templates[1], row + 4, static_cast<uint32_t>(index.start + WordAt(file, row + 4)));
    const uint64_t here = static_cast<uint32_t>(index.start + WordAt(file, row + 4)) + 4;
    if (here - WordAt(file, here) != index.entries) continue;
    ++first;
    expect(templates[2], here, here);
  }
  EXPECT_GT(first, 0u);
}

TEST(UnwindIndex, ThatIsDamagedIsNone) {
  const Bytes file = ThisProgram();
  const uint64_t start = ParseFileLayout(file).unwind_index.value().start;
  const auto has_index = [](const Bytes& damaged) {
    const FileLayout layout = ParseFileLayout(damaged);
    EXPECT_EQ(layout.format, FileFormat::kElf);
    return layout.unwind_index.has_value();
  };
  EXPECT_TRUE(has_index(file));
  EXPECT_FALSE(has_index(With(file, start, {2}))) << "another version";
  EXPECT_FALSE(has_index(With(file, start + 1, {0x03}))) << "entries at an address";
  EXPECT_FALSE(has_index(With(file, start + 3, {0x1b}))) << "rows that count from themselves";
  EXPECT_FALSE(has_index(With(file, start + 4, {0, 0, 0, 0x80}))) << "entries outside the file";
  EXPECT_FALSE(has_index(With(file, start + 8, {0xff, 0xff, 0xff, 0x7f}))) << "rows outside the file";
  EXPECT_TRUE(OffsetTables(file, With(file, start, {2}), 0).empty());
}

TEST(FileBase, PointersAreBelievedMoreThanTheFile) {
  const Bytes image = bench::MakeThumbImages({.size = 20000}).old_image;
  const ImageBase raw = FindBase(image);
  ASSERT_TRUE(raw.found);
  EXPECT_EQ(FindBase(MakeElf({{raw.address, image}}, false, false)).address, raw.address - 128);
  EXPECT_EQ(FindBase(MakeElf({{0x0c123400, image}}, false, false)).address, raw.address - 128);
  // Or where the file does not say anything.
  EXPECT_EQ(FindBase(MakeMcuboot(image)).address, raw.address - 512);
  EXPECT_EQ(FindBase(MakeZigbeeOta(image)).address, raw.address - 58 - 16 - 6);
}

TEST(FileBase, IsThatOfThePartThatMostWordsPointTo) {
  Bytes code(8000, 0);
  const auto point = [&](size_t at, uint32_t value) {
    for (size_t i = 0; i < 4; ++i) code[at + i] = static_cast<uint8_t>(value >> 8 * i);
  };
  for (size_t i = 0; i < 100; ++i) point(i * 8, static_cast<uint32_t>(0x40080000 + i * 40));
  for (size_t i = 0; i < 50; ++i) point(1000 + i * 8, static_cast<uint32_t>(0x3f400020 + i * 4));
  const Bytes file = MakeEsp({{0x3f400020, Bytes(4096, 'x')}, {0x40080000, code}});
  ASSERT_EQ(BasesOf(ParseFileLayout(file), file).size(), 2u);
  EXPECT_EQ(FindBase(file).address, 0x40080000u - (24 + 8 + 4096 + 8));
}

// Whatever a file says, the patch gives exactly its bytes.
TEST(FileBase, EveryContainerRoundTrips) {
  const bench::ImagePair pair = bench::MakeThumbImages({.size = 12000, .edited_per_mille = 60});
  const std::vector<std::pair<const char*, std::function<Bytes(const Bytes&)>>> wraps = {
      {"elf32",
       [](const Bytes& i) {
         return MakeElf({{0x08000000, i}}, false, false);
       }},
      {"elf64-be",
       [](const Bytes& i) {
         return MakeElf({{0x08000000, i}}, true, true);
       }},
      {"hex",
       [](const Bytes& i) {
         return MakeHex({{0x08000000, i}});
       }},
      {"uf2",
       [](const Bytes& i) {
         return MakeUf2({{0x08000000, i}});
       }},
      {"esp",
       [](const Bytes& i) {
         return MakeEsp({{0x08000000, i}});
       }},
      {"mcuboot", [](const Bytes& i) { return MakeMcuboot(i); }},
      {"ota-gbl",
       [](const Bytes& i) {
         return MakeZigbeeOta(MakeGbl({{0x08000000, i}}));
       }},
      {"ebl",
       [](const Bytes& i) {
         return MakeEbl({{0x08000000, i}});
       }},
      {"hostile",
       [](const Bytes& i) {
         return With(MakeElf({{0xfffff000, i}}, false, false), 28 + 2, {0xff});
       }},
  };
  for (const auto& [name, wrap] : wraps) {
    SCOPED_TRACE(name);
    const Bytes old_file = wrap(pair.old_image);
    const Bytes new_file = wrap(pair.new_image);
    EncodeOptions options;
    options.ram = 16384;
    options.threads = 1;
    const Result<Patch> patch = Encode(old_file, new_file, options);
    ASSERT_TRUE(patch.ok()) << patch.error();
    EXPECT_LT(patch.value().bytes.size(), new_file.size() / 2);
    Device device(old_file);
    device.keys.clear();
    device.threshold = 0;
    device.hardware.reset();
    device.component.reset();
    device.min_counter = 0;
    ASSERT_EQ(device.Apply(patch.value().bytes, Feed::kWhole), LIBDELTA_OK);
    EXPECT_TRUE(device.new_image() == new_file);
  }
}

}  // namespace
}  // namespace libdelta::testing
