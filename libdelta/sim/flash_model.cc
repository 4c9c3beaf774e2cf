// Content is kept as the next read shall return it, so reading is a copy. What an interrupted operation
// wanted is kept beside it, and only where TornRead makes a difference later.

#include "libdelta/sim/flash_model.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

namespace libdelta {

// What never changes; shared by copies of a model.
struct FlashModel::Geometry {
  struct Page {
    uint64_t start = 0;
    uint32_t size = 0;
    bool writable = false;
    bool is_protected = false;
    bool in_slot = false;
    bool in_spare = false;
  };

  DeviceProfile profile;
  uint64_t size = 0;
  uint32_t unit = 0;
  uint8_t erased = 0;
  std::vector<Page> pages;
};

namespace {

std::string Hex(uint64_t number) {
  char text[16];
  const std::to_chars_result result = std::to_chars(text, text + sizeof(text), number, 16);
  return "0x" + std::string(text, result.ptr);
}

// `to` where the mask has ones, `from` elsewhere.
uint8_t Mix(uint8_t from, uint8_t to, uint64_t mask) {
  return static_cast<uint8_t>((from & ~mask) | (to & mask));
}

}  // namespace

const char* CutKindName(CutKind kind) {
  switch (kind) {
    case CutKind::kBefore:
      return "before";
    case CutKind::kPrefix:
      return "prefix";
    case CutKind::kAlmost:
      return "almost";
    case CutKind::kRandom:
      return "random";
    case CutKind::kAfter:
      return "after";
  }
  return "";
}

FlashModel::FlashModel(const DeviceProfile& profile, const FlashOptions& options)
    : geometry_(MakeGeometry(profile, options.writable)),
      torn_read_(options.torn_read),
      random_(options.seed),
      contents_(geometry_->size, geometry_->erased),
      programmed_((geometry_->size / geometry_->unit + 63) / 64),
      torn_pages_(geometry_->pages.size()) {
  ResetStatistics();
}

std::shared_ptr<const FlashModel::Geometry> FlashModel::MakeGeometry(const DeviceProfile& profile,
                                                                     std::vector<FlashRange> writable) {
  if (writable.empty()) writable = {profile.slot, profile.spare};
  auto geometry = std::make_shared<Geometry>();
  geometry->profile = profile;
  geometry->size = profile.FlashSize();
  geometry->unit = profile.write_unit;
  geometry->erased = profile.erase_value;
  uint64_t start = 0;
  for (uint32_t i = 0; start < geometry->size; ++i) {
    Geometry::Page& page = geometry->pages.emplace_back();
    page.start = start;
    page.size = profile.PageSize(i);
    page.writable = std::any_of(writable.begin(), writable.end(),
                                [start](const FlashRange& range) { return range.Contains(start); });
    page.is_protected = profile.IsProtected(i);
    page.in_slot = profile.slot.Contains(start);
    page.in_spare = profile.spare.Contains(start);
    start += page.size;
  }
  return geometry;
}

const DeviceProfile& FlashModel::profile() const { return geometry_->profile; }

void FlashModel::Load(uint64_t offset, ByteView bytes) {
  if (bytes.empty()) return;
  std::memcpy(contents_.data() + offset, bytes.data(), bytes.size());
  const uint64_t last = offset + bytes.size() - 1;
  for (uint64_t unit = offset / geometry_->unit; unit <= last / geometry_->unit; ++unit) SetProgrammed(unit);
  const DeviceProfile& profile = geometry_->profile;
  for (uint32_t page = profile.PageAt(offset); page <= profile.PageAt(last); ++page) ForgetTorn(page);
}

bool FlashModel::Read(uint64_t offset, uint8_t* buffer, size_t size) {
  if (!powered_) return false;
  if (!IsInside(offset, size)) return Refuse("read", offset, size, "outside the flash");
  if (torn_read_ == TornRead::kError && !IsReadable(offset, size)) return false;
  if (size != 0) std::memcpy(buffer, contents_.data() + offset, size);
  statistics_.bytes_read += size;
  return true;
}

bool FlashModel::Program(uint64_t offset, const uint8_t* data, size_t size) {
  if (!powered_) return false;
  const std::string problem = ProgramProblem(offset, size);
  if (!problem.empty()) return Refuse("program", offset, size, problem);
  const uint32_t unit = geometry_->unit;
  for (size_t done = 0; done < size; done += unit) {
    const std::optional<CutKind> cut = Begin(FlashOperation::kProgram, offset + done);
    ProgramUnit(offset + done, data + done, cut);
    if (cut) return false;
  }
  return true;
}

bool FlashModel::Erase(uint64_t offset) {
  if (!powered_) return false;
  const std::string problem = EraseProblem(offset);
  if (!problem.empty()) return Refuse("erase", offset, 1, problem);
  const std::optional<CutKind> cut = Begin(FlashOperation::kErase, offset);
  ErasePage(geometry_->profile.PageAt(offset), cut);
  return !cut;
}

bool FlashModel::IsInside(uint64_t offset, uint64_t size) const {
  return offset <= geometry_->size && size <= geometry_->size - offset;
}

// A torn unit does not read. In a page whose erase was interrupted, units that are all old or all erased do:
// their error-correcting code fits.
bool FlashModel::IsReadable(uint64_t offset, uint64_t size) const {
  const uint32_t unit = geometry_->unit;
  for (const Torn& torn : torn_) {
    const uint64_t first = std::max(offset, torn.start);
    const uint64_t last = std::min(offset + size, torn.start + torn.left.size());
    for (uint64_t at = first / unit * unit; at < last; at += unit) {
      const uint8_t* left = torn.left.data() + (at - torn.start);
      if (torn.what == FlashOperation::kProgram ||
          (std::memcmp(left, torn.before.data() + (at - torn.start), unit) != 0 &&
           std::memcmp(left, torn.after.data() + (at - torn.start), unit) != 0)) {
        return false;
      }
    }
  }
  return true;
}

std::string FlashModel::ProgramProblem(uint64_t offset, uint64_t size) const {
  if (!IsInside(offset, size)) return "outside the flash";
  if (offset % geometry_->unit != 0) return "does not start at a multiple of the write unit";
  if (size % geometry_->unit != 0) return "not a multiple of the write unit";
  if (size == 0) return {};
  const DeviceProfile& profile = geometry_->profile;
  for (uint32_t page = profile.PageAt(offset); page <= profile.PageAt(offset + size - 1); ++page) {
    std::string problem = PageProblem(page);
    if (!problem.empty()) return problem;
    if (torn_pages_[page] != 0) return PageText(page) + " needs an erase: the last was interrupted";
  }
  for (uint64_t at = offset; at < offset + size; at += geometry_->unit) {
    if (IsProgrammed(at)) return "the unit at " + Hex(at) + " needs an erase: it is programmed";
  }
  return {};
}

std::string FlashModel::EraseProblem(uint64_t offset) const {
  if (!IsInside(offset, 1)) return "outside the flash";
  const uint32_t page = geometry_->profile.PageAt(offset);
  if (geometry_->pages[page].start != offset) return "not the start of a page";
  return PageProblem(page);
}

std::string FlashModel::PageProblem(uint32_t page) const {
  if (geometry_->pages[page].is_protected) return PageText(page) + " is protected";
  if (!geometry_->pages[page].writable) return PageText(page) + " is outside the writable ranges";
  return {};
}

std::string FlashModel::PageText(uint32_t page) const {
  return "page " + std::to_string(page) + " at " + Hex(geometry_->pages[page].start);
}

bool FlashModel::Refuse(const char* call, uint64_t offset, uint64_t size, const std::string& problem) {
  ++violation_count_;
  if (violations_.size() < kMaxViolations) {
    violations_.push_back("operation " + std::to_string(operations_) + ", " + call + " at " + Hex(offset) +
                          ", " + std::to_string(size) + " bytes: " + problem);
  }
  return false;
}

void FlashModel::SetCut(uint64_t operation, CutKind kind) {
  cut_operation_ = operation;
  cut_kind_ = kind;
}

void FlashModel::ClearCut() { cut_operation_.reset(); }

std::optional<CutKind> FlashModel::Begin(FlashOperation what, uint64_t offset) {
  const uint64_t operation = operations_++;
  if (cut_operation_ != operation) return std::nullopt;
  cut_operation_.reset();
  cut_record_ = CutRecord{operation, cut_kind_, what, offset};
  powered_ = false;
  return cut_kind_;
}

void FlashModel::ProgramUnit(uint64_t offset, const uint8_t* data, std::optional<CutKind> cut) {
  if (cut == CutKind::kBefore) return;
  CountProgram(offset);
  SetProgrammed(offset / geometry_->unit);
  if (!cut || cut == CutKind::kAfter) {
    std::memcpy(contents_.data() + offset, data, geometry_->unit);
    return;
  }
  Tear(*cut, FlashOperation::kProgram, offset, Bytes(data, data + geometry_->unit));
}

void FlashModel::ErasePage(uint32_t page, std::optional<CutKind> cut) {
  if (cut == CutKind::kBefore) return;
  const Geometry::Page& geometry = geometry_->pages[page];
  ++statistics_.erases;
  ++statistics_.page_erases[page];
  ForgetTorn(page);
  if (cut && cut != CutKind::kAfter) {
    torn_pages_[page] = 1;
    Tear(*cut, FlashOperation::kErase, geometry.start, Bytes(geometry.size, geometry_->erased));
    return;
  }
  std::memset(contents_.data() + geometry.start, geometry_->erased, geometry.size);
  ClearProgrammed(geometry.start / geometry_->unit, geometry.size / geometry_->unit);
}

void FlashModel::Tear(CutKind kind, FlashOperation what, uint64_t start, Bytes after) {
  uint8_t* const bytes = contents_.data() + start;
  const size_t size = after.size();
  Bytes before(bytes, bytes + size);
  switch (kind) {
    case CutKind::kPrefix:
      std::memcpy(bytes, after.data(), random_.Below(size));
      break;
    case CutKind::kAlmost:
      std::memcpy(bytes, after.data(), what == FlashOperation::kProgram ? size - 1 : size);
      if (what == FlashOperation::kErase) LeaveStrayBit(before, bytes);
      break;
    default:
      MixBytes(before, after, bytes);
      break;
  }
  if (torn_read_ == TornRead::kStable) return;
  Bytes left(bytes, bytes + size);
  torn_.push_back({what, start, std::move(before), std::move(after), std::move(left)});
}

// Puts one of the bits that were programmed back into an erased page.
void FlashModel::LeaveStrayBit(const Bytes& before, uint8_t* bytes) {
  const size_t from = random_.Below(before.size());
  for (size_t i = 0; i < before.size(); ++i) {
    const size_t at = (from + i) % before.size();
    const uint8_t programmed = before[at] ^ geometry_->erased;
    if (programmed == 0) continue;
    uint8_t bit = static_cast<uint8_t>(1u << random_.Below(8));
    while ((programmed & bit) == 0) bit = static_cast<uint8_t>(bit << 1 | bit >> 7);
    bytes[at] ^= bit;
    return;
  }
}

void FlashModel::MixBytes(const Bytes& before, const Bytes& after, uint8_t* bytes) {
  uint64_t mask = 0;
  for (size_t i = 0; i < before.size(); ++i) {
    mask = i % 8 == 0 ? random_.Next() : mask >> 8;
    bytes[i] = Mix(before[i], after[i], mask & 0xff);
  }
}

void FlashModel::Reboot() {
  powered_ = true;
  if (torn_read_ != TornRead::kFlaky) return;
  for (const Torn& torn : torn_) {
    uint8_t* const bytes = contents_.data() + torn.start;
    switch (random_.Below(torn.what == FlashOperation::kProgram ? 4 : 3)) {
      case 0:
        std::copy(torn.left.begin(), torn.left.end(), bytes);
        break;
      case 1:
        std::copy(torn.after.begin(), torn.after.end(), bytes);
        break;
      case 3:
        std::copy(torn.before.begin(), torn.before.end(), bytes);
        break;
      default:
        MixBytes(torn.before, torn.after, bytes);
        break;
    }
  }
}

void FlashModel::ForgetTorn(uint32_t page) {
  torn_pages_[page] = 0;
  const Geometry::Page& geometry = geometry_->pages[page];
  const FlashRange range = {geometry.start, geometry.size};
  std::erase_if(torn_, [range](const Torn& torn) { return range.Contains(torn.start); });
}

void FlashModel::CountProgram(uint64_t offset) {
  const uint32_t page = geometry_->profile.PageAt(offset);
  ++statistics_.programs;
  ++statistics_.page_programs[page];
  statistics_.bytes_programmed += geometry_->unit;
  if (geometry_->pages[page].in_slot) statistics_.bytes_to_slot += geometry_->unit;
  if (geometry_->pages[page].in_spare) statistics_.bytes_to_spare += geometry_->unit;
}

bool FlashModel::IsProgrammed(uint64_t offset) const {
  const uint64_t unit = offset / geometry_->unit;
  return (programmed_[unit / 64] >> (unit % 64) & 1) != 0;
}

void FlashModel::SetProgrammed(uint64_t unit) { programmed_[unit / 64] |= uint64_t{1} << (unit % 64); }

void FlashModel::ClearProgrammed(uint64_t unit, uint64_t count) {
  for (uint64_t i = unit; i < unit + count; ++i) programmed_[i / 64] &= ~(uint64_t{1} << (i % 64));
}

void FlashModel::ResetStatistics() {
  statistics_ = {};
  statistics_.page_erases.resize(geometry_->pages.size());
  statistics_.page_programs.resize(geometry_->pages.size());
}

FlashTimes TimesOf(const DeviceProfile& profile, const FlashStatistics& statistics) {
  FlashTimes times;
  for (uint32_t page = 0; page < statistics.page_erases.size(); ++page) {
    times.erase_ms += statistics.page_erases[page] * profile.PageEraseMs(page);
  }
  times.program_ms = static_cast<double>(statistics.programs) * profile.program_us_per_unit / 1000;
  times.read_ms = static_cast<double>(statistics.bytes_read) / 1024 * profile.read_us_per_kib / 1000;
  return times;
}

double FlashTimes::Millijoules(const DeviceProfile& profile) const {
  const double ma_ms =
      erase_ms * profile.erase_ma + program_ms * profile.program_ma + read_ms * profile.cpu_ma;
  return ma_ms * profile.supply_v / 1000;
}

double FlashModel::EstimatedMs() const { return TimesOf(geometry_->profile, statistics_).total_ms(); }

double FlashModel::EstimatedMj() const {
  return TimesOf(geometry_->profile, statistics_).Millijoules(geometry_->profile);
}

}  // namespace libdelta
