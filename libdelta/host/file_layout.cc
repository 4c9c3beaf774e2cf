#include "libdelta/host/file_layout.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>

namespace libdelta {
namespace {

// --- Reading -----------------------------------------------------------------------------------------

// A part of the file. Reads beyond its end give zeros: whoever needs to know asks Has().
class Reader {
 public:
  Reader(ByteView bytes, bool big_endian) : bytes_(bytes), big_endian_(big_endian) {}

  bool Has(uint64_t offset, uint64_t size) const {
    return offset <= bytes_.size() && size <= bytes_.size() - offset;
  }
  uint64_t Number(uint64_t offset, uint32_t size) const {
    if (!Has(offset, size)) return 0;
    uint64_t value = 0;
    for (uint32_t i = 0; i < size; ++i)
      value = value << 8 | bytes_[offset + (big_endian_ ? i : size - 1 - i)];
    return value;
  }
  uint16_t Half(uint64_t offset) const { return static_cast<uint16_t>(Number(offset, 2)); }
  uint32_t Word(uint64_t offset) const { return static_cast<uint32_t>(Number(offset, 4)); }
  uint8_t Byte(uint64_t offset) const { return static_cast<uint8_t>(Number(offset, 1)); }
  uint64_t size() const { return bytes_.size(); }

 private:
  ByteView bytes_;
  bool big_endian_;
};

std::string At(uint64_t offset) { return " at offset " + std::to_string(offset); }

FileLayout Malformed(FileFormat format, const std::string& what) {
  FileLayout layout;
  layout.problem = std::string(NameOf(format)) + ": " + what;
  return layout;
}

LoadedRange RangeAt(uint64_t offset, uint64_t size, uint64_t address) {
  return {offset, size, address, address};
}

// --- ELF: System V ABI, program headers --------------------------------------------------------------

constexpr uint8_t kElfMagic[] = {0x7f, 'E', 'L', 'F'};
constexpr uint32_t kLoadSegment = 1;
constexpr uint32_t kUnwindSegment = 0x6474e550;

// Linux Standard Base Core Specification, "Exception Frames": encodings of 32 bits, the last two with sign,
// relative to the field itself and to the start of the index.
constexpr uint8_t kUnsignedWord = 0x03;
constexpr uint8_t kFromHere = 0x1b;
constexpr uint8_t kFromIndex = 0x3b;

void FindUnwindIndex(const Reader& in, uint64_t index, FileLayout* layout) {
  constexpr uint64_t kHead = 12;  // Version, three encodings, where the entries are, how many rows follow.
  constexpr uint64_t kRow = 8;    // Function, entry.
  if (!in.Has(index, kHead) || in.Byte(index) != 1 || in.Byte(index + 1) != kFromHere ||
      in.Byte(index + 2) != kUnsignedWord || in.Byte(index + 3) != kFromIndex) {
    return;
  }
  const uint64_t rows = in.Word(index + 8);
  const uint64_t entries = index + 4 + static_cast<uint64_t>(static_cast<int32_t>(in.Word(index + 4)));
  if (!in.Has(index + kHead, rows * kRow) || !in.Has(entries, 1)) return;
  layout->unwind_index = UnwindIndex{index, index + kHead, rows, entries};
}

FileLayout ParseElf(ByteView file) {
  FileLayout layout;
  layout.format = FileFormat::kElf;
  const uint8_t elf_class = file.size() > 5 ? file[4] : 0;
  const uint8_t data = file.size() > 5 ? file[5] : 0;
  if (elf_class < 1 || elf_class > 2 || data < 1 || data > 2) {
    return Malformed(layout.format, "unknown class or byte order");
  }
  layout.big_endian = data == 2;
  const Reader in(file, layout.big_endian);
  const bool wide = elf_class == 2;
  const uint32_t word = wide ? 8 : 4;
  const uint64_t table = in.Number(wide ? 32 : 28, word);
  const uint64_t entry_size = in.Half(wide ? 54 : 42);
  const uint64_t count = in.Half(wide ? 56 : 44);
  if (count == 0) return layout;  // An object file.
  if (entry_size < (wide ? 56u : 32u) || !in.Has(table, entry_size * count)) {
    return Malformed(layout.format, "program headers" + At(table) + " are not in the file");
  }
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t header = table + i * entry_size;
    const uint64_t offset = in.Number(header + (wide ? 8 : 4), word);
    if (in.Word(header) == kUnwindSegment) FindUnwindIndex(in, offset, &layout);
    if (in.Word(header) != kLoadSegment) continue;
    const uint64_t run = in.Number(header + (wide ? 16 : 8), word);
    const uint64_t stored = in.Number(header + (wide ? 24 : 12), word);
    const uint64_t size = in.Number(header + (wide ? 32 : 16), word);
    if (size == 0) continue;
    if (!in.Has(offset, size)) return Malformed(layout.format, "a segment is not in the file");
    layout.ranges.push_back({offset, size, run, stored});
  }
  return layout;
}

// --- Intel HEX ---------------------------------------------------------------------------------------

class HexReader {
 public:
  explicit HexReader(ByteView file) : file_(file) {}

  FileLayout Parse() {
    layout_.format = FileFormat::kIntelHex;
    while (!end_seen_) {
      SkipBlank();
      if (at_ == file_.size()) return Malformed(layout_.format, "no end record");
      ++line_;
      if (!ReadRecord()) return Malformed(layout_.format, problem_ + " in record " + std::to_string(line_));
    }
    SkipBlank();
    if (at_ != file_.size()) return Malformed(layout_.format, "data behind the end record");
    return std::move(layout_);
  }

 private:
  void SkipBlank() {
    while (at_ < file_.size() && (file_[at_] == '\r' || file_[at_] == '\n' || file_[at_] == ' ')) ++at_;
  }

  bool Fail(const char* what) {
    problem_ = what;
    return false;
  }

  // The next two digits; -1: there are none.
  int Byte() {
    if (file_.size() - at_ < 2) return -1;
    const int high = Digit(file_[at_]);
    const int low = Digit(file_[at_ + 1]);
    if (high < 0 || low < 0) return -1;
    at_ += 2;
    return high << 4 | low;
  }

  bool ReadRecord() {
    if (file_[at_++] != ':') return Fail("no colon");
    std::array<uint8_t, 4 + 255 + 1> record{};  // Length, address, type, data, checksum.
    const uint64_t start = at_;
    size_t size = 5;
    uint8_t sum = 0;
    for (size_t i = 0; i < size; ++i) {
      const int byte = Byte();
      if (byte < 0) return Fail("not enough digits");
      record[i] = static_cast<uint8_t>(byte);
      sum = static_cast<uint8_t>(sum + byte);
      if (i == 0) size += record[0];
    }
    if (sum != 0) return Fail("wrong checksum");
    const uint8_t length = record[0];
    const uint32_t address = record[1] * 256u + record[2];
    const uint32_t value = record[4] * 256u + record[5];
    switch (record[3]) {
      case 0:
        if (length != 0) layout_.ranges.push_back(RangeAt(start + 8, length, upper_ + address));
        return true;
      case 1:
        end_seen_ = true;
        return true;
      case 2:
      case 4:
        if (length != 2) return Fail("wrong length");
        upper_ = uint64_t{value} << (record[3] == 2 ? 4 : 16);
        return true;
      case 3:
      case 5:  // Where the program starts.
        return true;
      default:
        return Fail("unknown type");
    }
  }

 public:
  static int Digit(uint8_t c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
  }

 private:
  ByteView file_;
  FileLayout layout_;
  std::string problem_;
  uint64_t at_ = 0;
  uint64_t line_ = 0;
  uint64_t upper_ = 0;
  bool end_seen_ = false;
};

// --- UF2 ---------------------------------------------------------------------------------------------

constexpr uint32_t kUf2Magic = 0x0a324655;
constexpr uint32_t kUf2Second = 0x9e5d5157;
constexpr uint32_t kUf2End = 0x0ab16f30;
constexpr uint64_t kUf2Block = 512;
constexpr uint64_t kUf2Header = 32;
constexpr uint32_t kUf2MaxPayload = 476;
constexpr uint32_t kUf2NotFlash = 0x1;
constexpr uint32_t kUf2FileContainer = 0x1000;

FileLayout ParseUf2(ByteView file) {
  FileLayout layout;
  layout.format = FileFormat::kUf2;
  const Reader in(file, false);
  for (uint64_t block = 0; block < in.size(); block += kUf2Block) {
    if (!in.Has(block, kUf2Block) || in.Word(block) != kUf2Magic || in.Word(block + 4) != kUf2Second ||
        in.Word(block + 508) != kUf2End) {
      return Malformed(layout.format, "no block" + At(block));
    }
    const uint32_t size = in.Word(block + 16);
    if (size > kUf2MaxPayload) return Malformed(layout.format, "too much data in the block" + At(block));
    if (size == 0 || (in.Word(block + 8) & (kUf2NotFlash | kUf2FileContainer))) continue;
    layout.ranges.push_back(RangeAt(block + kUf2Header, size, in.Word(block + 12)));
  }
  return layout;
}

// --- ESP image ---------------------------------------------------------------------------------------

constexpr uint8_t kEspMagic = 0xe9;
constexpr uint8_t kEsp8266IromMagic = 0xea;  // Of the header before the code that runs from flash.
constexpr uint64_t kEsp8266Header = 8;
constexpr uint64_t kEsp32Header = 24;
constexpr uint32_t kEspMaxSegments = 16;
constexpr uint8_t kEspChecksumSeed = 0xef;
constexpr uint64_t kEspAlignment = 4096;
constexpr int kEspMaxTries = 32;  // Each may read the whole file.

// Segments from the image header at `start` on, and where its checksum is. Empty if there is no image.
std::vector<LoadedRange> EspSegments(const Reader& in, uint64_t start, uint64_t header, uint64_t* end) {
  std::vector<LoadedRange> ranges;
  const uint32_t count = in.Byte(start + 1);
  if (in.Byte(start) != kEspMagic || count == 0 || count > kEspMaxSegments) return {};
  uint8_t sum = kEspChecksumSeed;
  uint64_t at = start + header;
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t size = in.Word(at + 4);
    if (!in.Has(at, 8) || !in.Has(at + 8, size)) return {};
    if (size != 0) ranges.push_back(RangeAt(at + 8, size, in.Word(at)));
    at += 8 + size;
  }
  for (const LoadedRange& range : ranges) {
    for (uint64_t i = 0; i < range.size; ++i) sum ^= in.Byte(range.offset + i);
  }
  // The checksum is the last byte of a block of 16.
  at = start + ((at - start) | 15);
  if (!in.Has(at, 1) || in.Byte(at) != sum) return {};
  // Flash has the image as it is, header and all.
  for (LoadedRange& range : ranges) range.stored = std::nullopt;
  *end = at + 1;
  return ranges;
}

// The image at the start of the file, or those in the copy of a whole flash.
FileLayout ParseEsp(ByteView file) {
  const Reader in(file, false);
  FileLayout layout;
  uint64_t start = 0;
  if (in.Byte(0) == kEsp8266IromMagic && in.Byte(1) == 4) {
    const uint64_t size = in.Word(kEsp8266Header + 4);
    start = kEsp8266Header + 8 + size;
    if (size == 0 || in.Byte(start) != kEspMagic) return {};
    layout.ranges.push_back({kEsp8266Header + 8, size, {}, {}});
  }
  const size_t before = layout.ranges.size();
  for (int tries = 0; start < in.size() && tries < kEspMaxTries; start += kEspAlignment) {
    if (in.Byte(start) != kEspMagic) continue;
    ++tries;
    for (const uint64_t header : {kEsp32Header, kEsp8266Header}) {
      uint64_t end = 0;
      const std::vector<LoadedRange> segments = EspSegments(in, start, header, &end);
      if (segments.empty()) continue;
      layout.ranges.insert(layout.ranges.end(), segments.begin(), segments.end());
      start = (end - 1) & ~(kEspAlignment - 1);
      break;
    }
  }
  if (layout.ranges.size() == before) return {};
  layout.format = FileFormat::kEspImage;
  return layout;
}

// --- MCUboot -----------------------------------------------------------------------------------------

constexpr uint32_t kMcubootMagic = 0x96f3b83d;
constexpr uint32_t kMcubootEncrypted = 0x4 | 0x8;
constexpr uint32_t kMcubootRamLoad = 0x20;
constexpr uint32_t kMcubootRomFixed = 0x100;
constexpr uint64_t kMcubootHeader = 32;

FileLayout ParseMcuboot(ByteView file) {
  FileLayout layout;
  layout.format = FileFormat::kMcuboot;
  const Reader in(file, false);
  const uint64_t header = in.Half(8);
  const uint64_t size = in.Word(12);
  const uint32_t flags = in.Word(16);
  if (header < kMcubootHeader || !in.Has(header, size)) {
    return Malformed(layout.format, "the image is not in the file");
  }
  if (size == 0 || (flags & kMcubootEncrypted)) return layout;
  LoadedRange image{header, size, {}, {}};
  if (flags & (kMcubootRamLoad | kMcubootRomFixed)) image.run = in.Word(4) + header;
  layout.ranges.push_back(image);
  return layout;
}

// --- Silicon Labs: Gecko bootloader file, Ember bootloader file ---------------------------------------

constexpr uint32_t kGblHeader = 0x03a617eb;
constexpr uint32_t kGblProgram = 0xfe0101fe;
constexpr uint32_t kGblEraseProgram = 0xfd0303fd;
constexpr uint32_t kGblEnd = 0xfc0404fc;
constexpr uint32_t kEblHeader = 0x0000;
constexpr uint32_t kEblProgram = 0xfe01;
constexpr uint32_t kEblEraseProgram = 0xfd03;
constexpr uint32_t kEblEnd = 0xfc04;
constexpr uint32_t kEblSignature = 0xe350;

// Both are tags with lengths; the tags' first four bytes are an address where they program flash.
struct TagFormat {
  FileFormat format;
  bool big_endian;
  uint32_t number_size;  // Of a tag and of a length.
  uint32_t header;
  uint32_t program;
  uint32_t erase_program;
  uint32_t end;
};
constexpr TagFormat kGbl = {FileFormat::kGbl, false, 4, kGblHeader, kGblProgram, kGblEraseProgram, kGblEnd};
constexpr TagFormat kEbl = {FileFormat::kEbl, true, 2, kEblHeader, kEblProgram, kEblEraseProgram, kEblEnd};

FileLayout ParseTags(ByteView file, const TagFormat& tags) {
  FileLayout layout;
  layout.format = tags.format;
  const Reader in(file, tags.big_endian);
  for (uint64_t at = 0; at < in.size();) {
    const uint64_t tag = in.Number(at, tags.number_size);
    const uint64_t size = in.Number(at + tags.number_size, tags.number_size);
    const uint64_t data = at + uint64_t{2} * tags.number_size;
    if (!in.Has(at, data - at) || !in.Has(data, size)) {
      return Malformed(tags.format, "the tag" + At(at) + " is longer than the file");
    }
    if ((tag == tags.program || tag == tags.erase_program) && size > 4) {
      layout.ranges.push_back(RangeAt(data + 4, size - 4, in.Word(data)));
    }
    if (tag == tags.end) return layout;
    at = data + size;
  }
  return Malformed(tags.format, "no end tag");
}

// --- Zigbee OTA upgrade file --------------------------------------------------------------------------

constexpr uint32_t kZigbeeMagic = 0x0beef11e;
constexpr uint64_t kZigbeeLeastHeader = 56;
constexpr uint16_t kZigbeeImageTag = 0;

FileLayout ParsePlain(ByteView file);

// The file in the first sub-element that is an upgrade image.
FileLayout ParseZigbee(ByteView file) {
  const Reader in(file, false);
  const uint64_t header = in.Half(6);
  const char* const kName = "Zigbee OTA file: ";
  FileLayout layout;
  if (header < kZigbeeLeastHeader || header > in.size()) {
    layout.problem = std::string(kName) + "wrong length of the header";
    return layout;
  }
  uint64_t at = header;
  while (in.Has(at, 6)) {
    const uint64_t size = in.Word(at + 2);
    if (!in.Has(at + 6, size)) break;
    if (in.Half(at) == kZigbeeImageTag && size != 0) {
      layout = ParsePlain(file.subspan(at + 6, size));
      for (LoadedRange& range : layout.ranges) range.offset += at + 6;
      if (layout.ranges.empty()) layout.ranges.push_back({at + 6, size, {}, {}});
      layout.zigbee_ota = true;
      return layout;
    }
    at += 6 + size;
  }
  layout.problem = std::string(kName) + "no complete image in it";
  return layout;
}

// -----------------------------------------------------------------------------------------------------

// Any format but a Zigbee OTA file.
FileLayout ParsePlain(ByteView file) {
  const Reader little(file, false);
  const Reader big(file, true);
  if (file.size() >= 4 && std::equal(std::begin(kElfMagic), std::end(kElfMagic), file.begin())) {
    return ParseElf(file);
  }
  if (little.Byte(0) == ':' && HexReader::Digit(little.Byte(1)) >= 0) return HexReader(file).Parse();
  switch (little.Word(0)) {
    case kUf2Magic:
      return ParseUf2(file);
    case kMcubootMagic:
      return ParseMcuboot(file);
    case kGblHeader:
      return ParseTags(file, kGbl);
    default:
      break;
  }
  if (big.Half(0) == kEblHeader && big.Half(6) == kEblSignature) return ParseTags(file, kEbl);
  return ParseEsp(file);
}

// Sorted, and none reaching into another one's bytes of the file: the rest of a layout relies on it.
bool AreDistinct(std::vector<LoadedRange>* ranges, uint64_t digits) {
  std::sort(ranges->begin(), ranges->end(),
            [](const LoadedRange& a, const LoadedRange& b) { return a.offset < b.offset; });
  for (size_t i = 1; i < ranges->size(); ++i) {
    const LoadedRange& before = (*ranges)[i - 1];
    if (before.offset + before.size * digits > (*ranges)[i].offset) return false;
  }
  return true;
}

uint64_t DigitsPerByte(FileFormat format) { return format == FileFormat::kIntelHex ? 2 : 1; }

void Copy(const FileLayout& layout, ByteView file, const LoadedRange& range, uint8_t* to) {
  if (layout.format != FileFormat::kIntelHex) {
    std::memcpy(to, file.data() + range.offset, range.size);
    return;
  }
  for (uint64_t i = 0; i < range.size; ++i) {
    const uint8_t* digits = file.data() + range.offset + 2 * i;
    to[i] = static_cast<uint8_t>(HexReader::Digit(digits[0]) << 4 | HexReader::Digit(digits[1]));
  }
}

}  // namespace

const char* NameOf(FileFormat format) {
  switch (format) {
    case FileFormat::kElf:
      return "ELF";
    case FileFormat::kIntelHex:
      return "Intel HEX";
    case FileFormat::kUf2:
      return "UF2";
    case FileFormat::kEspImage:
      return "ESP image";
    case FileFormat::kMcuboot:
      return "MCUboot image";
    case FileFormat::kGbl:
      return "Gecko bootloader file";
    case FileFormat::kEbl:
      return "Ember bootloader file";
    case FileFormat::kRaw:
      break;
  }
  return "raw image";
}

FileLayout ParseFileLayout(ByteView file) {
  FileLayout layout = Reader(file, false).Word(0) == kZigbeeMagic ? ParseZigbee(file) : ParsePlain(file);
  if (AreDistinct(&layout.ranges, DigitsPerByte(layout.format))) return layout;
  return Malformed(layout.format, "parts overlap");
}

std::vector<uint32_t> BasesOf(const FileLayout& layout, ByteView file) {
  if (DigitsPerByte(layout.format) != 1) return {};
  struct Part {
    uint32_t start;
    uint64_t size;
    uint32_t base;  // Address of the file's first byte.
  };
  std::vector<Part> parts;                // By address; where they overlap, the later one counts.
  std::map<uint32_t, uint64_t> pointers;  // By base: words that point to such parts.
  for (const LoadedRange& range : layout.ranges) {
    if (!range.run) continue;
    const uint32_t start = static_cast<uint32_t>(*range.run);
    parts.push_back({start, range.size, start - static_cast<uint32_t>(range.offset)});
    pointers[parts.back().base] = 0;
  }
  std::stable_sort(parts.begin(), parts.end(),
                   [](const Part& a, const Part& b) { return a.start < b.start; });
  const Reader in(file, layout.big_endian);
  for (uint64_t at = 0; at + 4 <= file.size(); at += 4) {
    const uint32_t word = in.Word(at);
    const auto after = std::upper_bound(parts.begin(), parts.end(), word,
                                        [](uint32_t w, const Part& part) { return w < part.start; });
    if (after == parts.begin()) continue;
    const Part& part = *(after - 1);
    if (word - part.start < part.size) ++pointers[part.base];
  }
  std::vector<std::pair<uint64_t, uint32_t>> ranked;
  for (const auto& [base, count] : pointers) ranked.emplace_back(count, base);
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<uint32_t> bases;
  for (const auto& [count, base] : ranked) bases.push_back(base);
  return bases;
}

Result<std::vector<FlatImage>> Flatten(const FileLayout& layout, ByteView file, uint64_t max_gap,
                                       uint8_t fill) {
  constexpr uint64_t kMaxTotal = uint64_t{1} << 30;
  std::vector<LoadedRange> ranges;
  for (const LoadedRange& range : layout.ranges) {
    if (!range.stored) continue;
    if (*range.stored > UINT64_MAX - range.size) return Error{"data beyond the end of the address space"};
    ranges.push_back(range);
  }
  if (ranges.empty()) return Error{"does not say where anything is stored"};
  std::vector<LoadedRange> by_address = ranges;
  std::stable_sort(by_address.begin(), by_address.end(),
                   [](const LoadedRange& a, const LoadedRange& b) { return *a.stored < *b.stored; });
  std::vector<FlatImage> images;
  uint64_t total = 0;
  uint64_t end = 0;
  for (const LoadedRange& range : by_address) {
    if (images.empty() || (*range.stored > end && *range.stored - end > max_gap)) {
      images.push_back({*range.stored, {}});
      end = *range.stored;
    }
    const uint64_t range_end = *range.stored + range.size;
    if (range_end <= end) continue;
    total += range_end - end;
    if (total > kMaxTotal) return Error{"more than 1 GiB of flash"};
    end = range_end;
    images.back().bytes.resize(end - images.back().address, fill);
  }
  for (const LoadedRange& range : ranges) {
    const auto image = std::upper_bound(images.begin(), images.end(), *range.stored,
                                        [](uint64_t a, const FlatImage& i) { return a < i.address; }) -
                       1;
    Copy(layout, file, range, image->bytes.data() + (*range.stored - image->address));
  }
  return images;
}

}  // namespace libdelta
