#include "libdelta/sim/device_profile.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <utility>

namespace libdelta {
namespace {

constexpr uint64_t kAddressSpace = uint64_t{1} << 32;

std::string Hex(uint64_t number) {
  char text[16];
  const std::to_chars_result result = std::to_chars(text, text + sizeof(text), number, 16);
  return "0x" + std::string(text, result.ptr);
}

std::string Decimal(uint64_t number) { return std::to_string(number); }

std::string RangeText(const FlashRange& range) { return Hex(range.start) + " .. " + Hex(range.end()); }

bool IsPowerOfTwo(uint32_t number) { return number != 0 && (number & (number - 1)) == 0; }

// Checks one profile, field by field; the first problem wins. Each function returns an empty string when it
// finds nothing, and relies on those before it.
class Checker {
 public:
  explicit Checker(const DeviceProfile& profile) : profile_(profile) {}

  std::string Check() const {
    using Step = std::string (Checker::*)() const;
    constexpr Step kSteps[] = {
        &Checker::CheckName, &Checker::CheckUnits, &Checker::CheckPages,        &Checker::CheckAddress,
        &Checker::CheckSlot, &Checker::CheckSpare, &Checker::CheckPatchStorage, &Checker::CheckProtected,
        &Checker::CheckRoom, &Checker::CheckRam,   &Checker::CheckQuantities,
    };
    for (const Step step : kSteps) {
      std::string problem = (this->*step)();
      if (!problem.empty()) return problem;
    }
    return {};
  }

 private:
  std::string CheckName() const {
    const std::string& name = profile_.name;
    const bool valid =
        !name.empty() && name.size() <= 32 && std::all_of(name.begin(), name.end(), [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
        });
    return valid ? "" : "name \"" + name + "\": use 1 .. 32 of a-z, 0-9 and \"-\"";
  }

  std::string CheckUnits() const {
    if (!IsPowerOfTwo(profile_.write_unit) || profile_.write_unit > kMaxProfileWriteUnit) {
      return "write_unit " + Decimal(profile_.write_unit) + ": must be 1, 2, 4, 8, 16 or 32 bytes";
    }
    if (profile_.erase_value != 0xff && profile_.erase_value != 0x00) {
      return "erase_value " + Hex(profile_.erase_value) + ": must be 0xff or 0x00";
    }
    return {};
  }

  std::string CheckPages() const {
    if (profile_.pages.empty()) return "pages: empty; list the flash's pages in ascending order";
    uint64_t size = 0;
    for (size_t i = 0; i < profile_.pages.size(); ++i) {
      const PageRun& run = profile_.pages[i];
      std::string problem = RunProblem(run);
      if (!problem.empty()) return "pages[" + Decimal(i) + "]." + problem;
      size += uint64_t{run.count} * run.size;
      if (size > kMaxFlashSize) {
        return "pages: " + Decimal(size) + " bytes or more of flash; describe at most " +
               Decimal(kMaxFlashSize) + ", those around the firmware";
      }
    }
    return {};
  }

  std::string RunProblem(const PageRun& run) const {
    if (run.count == 0) return "count 0: must be at least 1; leave the entry out if there are no such pages";
    if (run.size < kMinPageSize) {
      return "size " + Decimal(run.size) + ": must be at least " + Decimal(kMinPageSize) + " bytes";
    }
    if (run.size % profile_.write_unit != 0) {
      return "size " + Decimal(run.size) + ": must be a multiple of write_unit, " +
             Decimal(profile_.write_unit);
    }
    return NumberProblem("erase_ms", run.erase_ms);
  }

  std::string CheckAddress() const {
    const uint64_t size = profile_.FlashSize();
    if (profile_.base_address > kAddressSpace - size) {
      return "base_address " + Hex(profile_.base_address) + ": the flash of " + Decimal(size) +
             " bytes would end beyond 32-bit addresses; it can be at most " + Hex(kAddressSpace - size);
    }
    return {};
  }

  std::string CheckSlot() const { return RangeProblem("slot", profile_.slot); }

  std::string CheckSpare() const {
    std::string problem = RangeProblem("spare", profile_.spare);
    if (problem.empty()) problem = OverlapProblem("spare", profile_.spare, "slot", profile_.slot);
    if (problem.empty()) problem = SparePagesProblem();
    return problem;
  }

  std::string SparePagesProblem() const {
    const PageSpan pages = profile_.PagesOf(profile_.spare);
    const uint32_t size = profile_.PageSize(pages.first);
    for (uint32_t page = pages.first; page < pages.end(); ++page) {
      if (profile_.PageSize(page) == size) continue;
      return "spare: has pages of " + Decimal(size) + " and of " + Decimal(profile_.PageSize(page)) +
             " bytes; choose pages of one size";
    }
    const uint32_t largest = profile_.LargestPage(profile_.slot);
    if (size < largest) {
      return "spare: its pages have " + Decimal(size) + " bytes, but the slot has one of " +
             Decimal(largest) + "; choose spare pages of at least " + Decimal(largest) +
             " bytes or a slot without that page";
    }
    if (pages.count < kMinProfileSparePages) {
      return "spare: " + Decimal(pages.count) + " page; journal and undo need at least " +
             Decimal(kMinProfileSparePages) + ", set spare.length to " +
             Decimal(uint64_t{kMinProfileSparePages} * size) + " or more";
    }
    return {};
  }

  std::string CheckPatchStorage() const {
    if (!profile_.patch_storage) return {};
    const FlashRange& storage = *profile_.patch_storage;
    std::string problem = RangeProblem("patch_storage", storage);
    if (problem.empty()) problem = OverlapProblem("patch_storage", storage, "slot", profile_.slot);
    if (problem.empty()) problem = OverlapProblem("patch_storage", storage, "spare", profile_.spare);
    return problem;
  }

  std::string CheckProtected() const {
    for (size_t i = 0; i < profile_.protected_ranges.size(); ++i) {
      const std::string field = ProtectedName(i);
      const FlashRange& range = profile_.protected_ranges[i];
      std::string problem = RangeProblem(field, range);
      if (problem.empty() && i > 0) problem = OrderProblem(i);
      if (problem.empty()) problem = OverlapProblem(field, range, "spare", profile_.spare);
      if (problem.empty() && profile_.patch_storage) {
        problem = OverlapProblem(field, range, "patch_storage", *profile_.patch_storage);
      }
      if (!problem.empty()) return problem;
    }
    return {};
  }

  static std::string ProtectedName(size_t index) { return "protected_ranges[" + Decimal(index) + "]"; }

  std::string OrderProblem(size_t index) const {
    const FlashRange& range = profile_.protected_ranges[index];
    const FlashRange& previous = profile_.protected_ranges[index - 1];
    if (range.start >= previous.end()) return {};
    return ProtectedName(index) + " " + RangeText(range) + ": begins before the end of " +
           ProtectedName(index - 1) + ", " + Hex(previous.end()) +
           "; list them in ascending order, without overlaps";
  }

  std::string CheckRoom() const {
    const PageSpan pages = profile_.PagesOf(profile_.slot);
    for (uint32_t page = pages.first; page < pages.end(); ++page) {
      if (!profile_.IsProtected(page)) return {};
    }
    return "slot " + RangeText(profile_.slot) + ": too small, all its " + Decimal(pages.count) +
           " pages are protected; enlarge it or protect less";
  }

  std::string CheckRam() const {
    if (profile_.ram >= kMinProfileRam && profile_.ram <= kMaxProfileRam) return {};
    return "ram " + Decimal(profile_.ram) + ": must be " + Decimal(kMinProfileRam) + " .. " +
           Decimal(kMaxProfileRam) + " bytes";
  }

  std::string CheckQuantities() const {
    const std::pair<const char*, double> quantities[] = {
        {"timing.program_us_per_unit", profile_.program_us_per_unit},
        {"timing.read_us_per_kib", profile_.read_us_per_kib},
        {"power.erase_ma", profile_.erase_ma},
        {"power.program_ma", profile_.program_ma},
        {"power.cpu_ma", profile_.cpu_ma},
        {"power.supply_v", profile_.supply_v},
        {"cpu_mhz", profile_.cpu_mhz},
    };
    for (const auto& [field, value] : quantities) {
      std::string problem = NumberProblem(field, value);
      if (!problem.empty()) return problem;
    }
    return {};
  }

  static std::string NumberProblem(const std::string& field, double value) {
    if (std::isfinite(value) && value >= 0) return {};
    return field + " " + std::to_string(value) + ": must be 0 or more";
  }

  // Why `range` is not a list of whole pages of this flash.
  std::string RangeProblem(const std::string& field, const FlashRange& range) const {
    const uint64_t size = profile_.FlashSize();
    if (range.length == 0) return field + ".length 0: must be at least one page";
    if (range.start >= size || range.length > size - range.start) {
      return field + ": " + Decimal(range.length) + " bytes from " + Hex(range.start) +
             " end outside the flash, which has " + Decimal(size) + " bytes";
    }
    std::string problem = EdgeProblem(field + " start ", range.start);
    if (problem.empty() && range.end() < size) problem = EdgeProblem(field + " end ", range.end());
    return problem;
  }

  // Why `offset`, inside the flash, is not where a page starts.
  std::string EdgeProblem(const std::string& field, uint64_t offset) const {
    const uint32_t page = profile_.PageAt(offset);
    const uint64_t start = profile_.PageStart(page);
    if (offset == start) return {};
    return field + Hex(offset) + ": inside a page of " + Decimal(profile_.PageSize(page)) + " bytes; use " +
           Hex(start) + " or " + Hex(start + profile_.PageSize(page));
  }

  static std::string OverlapProblem(const std::string& field, const FlashRange& range,
                                    const std::string& other_field, const FlashRange& other) {
    if (!range.Overlaps(other)) return {};
    return field + " " + RangeText(range) + ": overlaps " + other_field + ", " + RangeText(other) +
           "; give each pages of its own";
  }

  const DeviceProfile& profile_;
};

}  // namespace

uint64_t DeviceProfile::FlashSize() const {
  uint64_t size = 0;
  for (const PageRun& run : pages) size += uint64_t{run.count} * run.size;
  return size;
}

uint32_t DeviceProfile::PageCount() const {
  uint32_t count = 0;
  for (const PageRun& run : pages) count += run.count;
  return count;
}

uint32_t DeviceProfile::PageAt(uint64_t offset) const {
  uint32_t first = 0;
  for (const PageRun& run : pages) {
    const uint64_t size = uint64_t{run.count} * run.size;
    if (offset < size) return first + static_cast<uint32_t>(offset / run.size);
    offset -= size;
    first += run.count;
  }
  return first;
}

uint64_t DeviceProfile::PageStart(uint32_t page) const {
  uint64_t start = 0;
  for (const PageRun& run : pages) {
    if (page < run.count) return start + uint64_t{page} * run.size;
    page -= run.count;
    start += uint64_t{run.count} * run.size;
  }
  return start;
}

const PageRun& DeviceProfile::RunOf(uint32_t page) const {
  size_t i = 0;
  while (page >= pages[i].count) page -= pages[i++].count;
  return pages[i];
}

uint32_t DeviceProfile::PageSize(uint32_t page) const { return RunOf(page).size; }

double DeviceProfile::PageEraseMs(uint32_t page) const { return RunOf(page).erase_ms; }

PageSpan DeviceProfile::PagesOf(const FlashRange& range) const {
  const uint32_t first = PageAt(range.start);
  return {first, PageAt(range.end()) - first};
}

uint32_t DeviceProfile::LargestPage(const FlashRange& range) const {
  const PageSpan span = PagesOf(range);
  uint32_t largest = 0;
  for (uint32_t page = span.first; page < span.end(); ++page) largest = std::max(largest, PageSize(page));
  return largest;
}

bool DeviceProfile::IsProtected(uint32_t page) const {
  const uint64_t start = PageStart(page);
  return std::any_of(protected_ranges.begin(), protected_ranges.end(),
                     [start](const FlashRange& range) { return range.Contains(start); });
}

std::optional<Error> CheckProfile(const DeviceProfile& profile) {
  std::string problem = Checker(profile).Check();
  if (problem.empty()) return std::nullopt;
  return Error{std::move(problem)};
}

std::optional<Error> CheckImageSize(const DeviceProfile& profile, const std::string& image,
                                    uint64_t image_size) {
  if (image_size <= profile.slot.length) return std::nullopt;
  return Error{image + ": " + Decimal(image_size) + " bytes, but the slot of " + profile.name + " has " +
               Decimal(profile.slot.length) + "; make the image smaller or the slot larger"};
}

}  // namespace libdelta
