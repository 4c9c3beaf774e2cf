#include "fwdelta/symbols.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "fwdelta/failure.h"
#include "fwdelta/text.h"

namespace fwdelta {
namespace {

using libdelta::ByteView;

// --- ELF: System V ABI -------------------------------------------------------------------------------

constexpr uint32_t kProgramSymbols = 2;  // Section types.
constexpr uint32_t kDynamicSymbols = 11;
constexpr uint32_t kNoBits = 8;
constexpr uint64_t kAllocated = 2;
constexpr uint8_t kObjectSymbol = 1;
constexpr uint8_t kFunctionSymbol = 2;
constexpr uint16_t kArm = 40;

class ElfReader {
 public:
  ElfReader(ByteView file, const std::string& name) : file_(file), name_(name) {
    wide_ = file.size() > 5 && file[4] == 2;
    big_endian_ = file.size() > 5 && file[5] == 2;
  }

  SymbolTable Read() {
    layout_ = libdelta::ParseFileLayout(file_);
    const uint64_t table = Number(wide_ ? 40 : 32, word());
    const uint64_t count = Number(wide_ ? 60 : 48, 2);
    const uint64_t names = Number(wide_ ? 62 : 50, 2);
    for (uint64_t i = 0; i < count; ++i) headers_.push_back(ReadHeader(table + i * (wide_ ? 64 : 40)));
    SymbolTable result;
    for (Section& section : headers_) {
      if (names < count) section.symbol.name = Text(headers_[names], section.name);
      if (IsInImage(section)) result.sections.push_back(section.symbol);
    }
    for (const uint32_t type : {kProgramSymbols, kDynamicSymbols}) {
      for (const Section& section : headers_) {
        if (section.type == type && result.symbols.empty()) ReadSymbolTable(section, &result.symbols);
      }
    }
    return result;
  }

 private:
  struct Section {
    uint64_t name;
    uint64_t type;
    uint64_t flags;
    uint64_t link;
    Symbol symbol;
  };

  uint32_t word() const { return wide_ ? 8 : 4; }

  uint64_t Number(uint64_t offset, uint32_t size) const {
    if (offset > file_.size() || size > file_.size() - offset) {
      Fail(ExitCode::kMalformed, "{}: damaged ELF file: nothing at offset {}", name_, offset);
    }
    uint64_t value = 0;
    for (uint32_t i = 0; i < size; ++i) value = value << 8 | file_[offset + (big_endian_ ? i : size - 1 - i)];
    return value;
  }

  Section ReadHeader(uint64_t at) const {
    const uint32_t w = word();
    Section section;
    section.name = Number(at, 4);
    section.type = Number(at + 4, 4);
    section.flags = Number(at + 8, w);
    section.symbol.run = Number(at + 8 + w, w);
    section.symbol.file_offset = Number(at + 8 + 2 * w, w);
    section.symbol.size = Number(at + 8 + 3 * w, w);
    section.link = Number(at + 8 + 4 * w, 4);
    section.symbol.stored = section.symbol.run;
    for (const libdelta::LoadedRange& range : layout_.ranges) {
      const uint64_t within = *section.symbol.file_offset - range.offset;
      if (within < range.size) section.symbol.stored = *range.stored + within;
    }
    return section;
  }

  static bool IsInImage(const Section& section) {
    return (section.flags & kAllocated) && section.type != kNoBits && section.symbol.size != 0;
  }

  std::string Text(const Section& strings, uint64_t at) const {
    std::string text;
    for (; at < strings.symbol.size; ++at) {
      const char c = static_cast<char>(Number(*strings.symbol.file_offset + at, 1));
      if (c == 0) break;
      text += c;
    }
    return text;
  }

  void ReadSymbolTable(const Section& table, std::vector<Symbol>* symbols) const {
    const uint32_t entry = wide_ ? 24 : 16;
    const uint16_t machine = static_cast<uint16_t>(Number(18, 2));
    if (table.link >= headers_.size()) return;
    for (uint64_t i = 0; i < table.symbol.size / entry; ++i) {
      const uint64_t at = *table.symbol.file_offset + i * entry;
      const uint8_t type = Number(at + (wide_ ? 4 : 12), 1) & 15;
      const uint64_t index = Number(at + (wide_ ? 6 : 14), 2);
      const uint64_t size = Number(at + (wide_ ? 16 : 8), word());
      if ((type != kFunctionSymbol && type != kObjectSymbol) || size == 0 || index >= headers_.size())
        continue;
      if (!IsInImage(headers_[index])) continue;
      uint64_t value = Number(at + (wide_ ? 8 : 4), word());
      if (machine == kArm && type == kFunctionSymbol) value &= ~uint64_t{1};  // Set for Thumb.
      const Symbol& section = headers_[index].symbol;
      const uint64_t within = value - section.run;
      if (within >= section.size) continue;
      symbols->push_back({Text(headers_[table.link], Number(at, 4)), value, section.stored + within,
                          *section.file_offset + within, size});
    }
  }

  ByteView file_;
  const std::string& name_;
  bool wide_;
  bool big_endian_;
  libdelta::FileLayout layout_;
  std::vector<Section> headers_;
};

// --- GNU ld maps -------------------------------------------------------------------------------------

constexpr std::string_view kMapBegins = "Linker script and memory map";

std::vector<std::string_view> Words(std::string_view line) {
  std::vector<std::string_view> words;
  while (true) {
    const size_t begin = line.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) return words;
    const size_t end = std::min(line.find_first_of(" \t\r", begin), line.size());
    words.push_back(line.substr(begin, end - begin));
    line.remove_prefix(end);
  }
}

bool IsNotInImage(std::string_view section) {
  for (const std::string_view prefix : {".debug", ".comment", ".stab", ".ARM.attributes", ".riscv.attributes",
                                        ".note.GNU-stack", ".bss", ".noinit"}) {
    if (section.starts_with(prefix)) return true;
  }
  return false;
}

// "dir/lib.a(object.o)" without the folders.
std::string_view FileName(std::string_view path) {
  const size_t end = std::min(path.find('('), path.size());
  const size_t slash = path.substr(0, end).rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

constexpr uint64_t kNone = UINT64_MAX;

// The hexadecimal number that word `i` is; kNone if it is none.
uint64_t HexNumber(const std::vector<std::string_view>& words, size_t i) {
  if (i >= words.size() || !words[i].starts_with("0x")) return kNone;
  return ParseNumber(words[i]).value_or(kNone);
}

class MapReader {
 public:
  SymbolTable Read(std::string_view text) {
    text.remove_prefix(text.find(kMapBegins) + kMapBegins.size());
    while (!text.empty()) {
      const size_t end = std::min(text.find('\n'), text.size());
      ReadLine(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    return std::move(table_);
  }

 private:
  // A name at the start of the line or behind one space; address and size behind it or on the next line.
  void ReadLine(std::string_view line) {
    std::vector<std::string_view> words = Words(line);
    if (words.empty()) return;
    const size_t indent = line.find_first_not_of(' ');
    if (indent <= 1) {
      pending_ = words[0];
      is_output_ = indent == 0;
      words.erase(words.begin());
    } else if (indent < 8) {
      pending_ = {};
    }
    if (words.empty() || pending_.empty()) return;
    const std::string_view name = std::exchange(pending_, {});
    const uint64_t address = HexNumber(words, 0);
    const uint64_t size = HexNumber(words, 1);
    if (address == kNone || size == kNone) return;
    if (is_output_) {
      BeginOutput(name, address, size, words);
    } else if (!output_.empty() && size != 0 && name != "*fill*" && words.size() > 2) {
      table_.symbols.push_back(
          {fmt::format("{} ({})", name, FileName(words[2])), address, address + to_stored_, {}, size});
    }
  }

  void BeginOutput(std::string_view name, uint64_t address, uint64_t size,
                   const std::vector<std::string_view>& words) {
    output_ = IsNotInImage(name) ? std::string_view() : name;
    to_stored_ = 0;
    for (size_t i = 2; i + 2 < words.size(); ++i) {
      if (words[i] != "load" || words[i + 1] != "address") continue;
      const uint64_t stored = HexNumber(words, i + 2);
      if (stored != kNone) to_stored_ = stored - address;
    }
    if (output_.empty() || size == 0) return;
    table_.sections.push_back({std::string(name), address, address + to_stored_, {}, size});
  }

  SymbolTable table_;
  std::string_view pending_;  // A name whose numbers are still to come,
  bool is_output_ = false;    // and whether it is an output section's.
  std::string_view output_;   // The one in progress; empty: it is not in the image.
  uint64_t to_stored_ = 0;    // From its addresses to those where it is stored.
};

}  // namespace

bool IsElf(ByteView file) {
  return file.size() >= 4 && file[0] == 0x7f && file[1] == 'E' && file[2] == 'L' && file[3] == 'F';
}

SymbolTable ReadSymbols(ByteView file, const std::string& name) {
  if (IsElf(file)) return ElfReader(file, name).Read();
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  if (text.find(kMapBegins) == std::string_view::npos) {
    Fail(ExitCode::kMalformed, "{}: neither an ELF file nor a map of GNU ld (-Wl,-Map=FILE)", name);
  }
  return MapReader().Read(text);
}

std::vector<Place> PlacesIn(const std::vector<Symbol>& symbols, ByteView image, bool is_own,
                            std::optional<uint64_t> base) {
  const libdelta::FileLayout layout = libdelta::ParseFileLayout(image);
  const uint64_t digits = layout.format == libdelta::FileFormat::kIntelHex ? 2 : 1;
  // Of the byte of the symbol with that number.
  const auto offset_of = [&](const Symbol& symbol, uint64_t byte) -> std::optional<uint64_t> {
    if (is_own) return *symbol.file_offset + byte;
    for (const libdelta::LoadedRange& range : layout.ranges) {
      const std::optional<uint64_t> first = range.stored ? range.stored : range.run;
      if (!first) continue;
      const uint64_t within = (range.stored ? symbol.stored : symbol.run) + byte - *first;
      if (within < range.size) return range.offset + within * digits;
    }
    if (base) return symbol.stored - *base + byte;
    return std::nullopt;
  };
  std::vector<Place> places;
  for (const Symbol& symbol : symbols) {
    const std::optional<uint64_t> first = offset_of(symbol, 0);
    const std::optional<uint64_t> last = offset_of(symbol, symbol.size - 1);
    if (!first || *first >= image.size() || !last || *last < *first) continue;
    places.push_back({symbol.name, *first, std::min<uint64_t>(image.size(), *last + digits)});
  }
  std::stable_sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
    return a.start != b.start ? a.start < b.start : a.end > b.end;
  });
  return places;
}

}  // namespace fwdelta
