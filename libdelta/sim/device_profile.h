// Device profiles: what the flash of a board looks like, what it costs, and where things live in it.
//
// A profile is a JSON file, described by profiles/device_profile.schema.json, or one of those in the library.
// All offsets are bytes from the first byte of the flash; only `base_address` is an address of the CPU.
// Nothing here reads files.
#ifndef LIBDELTA_SIM_DEVICE_PROFILE_H_
#define LIBDELTA_SIM_DEVICE_PROFILE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libdelta/host.h"

namespace libdelta {

// Limits of what a profile may say.
constexpr uint64_t kMaxFlashSize = uint64_t{256} << 20;  // The flash model keeps the flash in memory.
constexpr uint32_t kMinPageSize = 64;
constexpr uint32_t kMaxProfileWriteUnit = 32;
constexpr uint32_t kMinProfileSparePages = 2;
constexpr uint64_t kMinProfileRam = 2048;
constexpr uint64_t kMaxProfileRam = uint64_t{1} << 20;

// Consecutive pages (sectors: what one erase operation erases) of the same size.
struct PageRun {
  uint32_t count = 0;
  uint32_t size = 0;    // Bytes.
  double erase_ms = 0;  // Typical time to erase one of them.
};

// Bytes [start, start + length) of the flash.
struct FlashRange {
  uint64_t start = 0;
  uint64_t length = 0;

  uint64_t end() const { return start + length; }
  bool Contains(uint64_t offset) const { return offset >= start && offset - start < length; }
  bool Overlaps(const FlashRange& other) const { return start < other.end() && other.start < end(); }
  bool operator==(const FlashRange&) const = default;
};

// Pages [first, first + count).
struct PageSpan {
  uint32_t first = 0;
  uint32_t count = 0;

  uint32_t end() const { return first + count; }
  bool operator==(const PageSpan&) const = default;
};

// Where the numbers of one field come from: document, revision, table or section; or that it is an estimate.
struct SourceNote {
  std::string field;  // As in the JSON file, e.g. "pages" or "power.erase_ma".
  std::string text;
};

// A plain description: fill it by hand, change what ParseProfile() made, then ask CheckProfile().
// The member functions need a profile that CheckProfile() accepts.
struct DeviceProfile {
  std::string name;  // 1 .. 32 of a-z, 0-9 and "-".
  std::string description;
  std::vector<SourceNote> sources;

  uint64_t base_address = 0;   // Of the first byte of the flash, as the CPU sees it.
  std::vector<PageRun> pages;  // The whole flash, in ascending order.
  uint32_t write_unit = 4;     // Bytes, a power of two, 1 .. 32; each programmed at most once per erase.
  uint8_t erase_value = 0xff;  // 0xff or 0x00.

  FlashRange slot;   // Whole pages. Where the firmware lives.
  FlashRange spare;  // Whole pages of one size, 2 or more; each at least as large as the slot's largest page.
  // Whole pages in ascending order that no update may touch (settings, calibration), in the slot or elsewhere
  // but not in `spare` or `patch_storage`.
  std::vector<FlashRange> protected_ranges;
  std::optional<FlashRange> patch_storage;  // Whole pages outside slot and spare, for a stored patch.
  uint64_t ram = 8192;  // Bytes the updater may use in all, 2 KiB .. 1 MiB; a default that users change.

  double program_us_per_unit = 0;  // Typical time to program one write unit.
  double read_us_per_kib = 0;
  double erase_ma = 0;  // Supply current of the board while it erases, programs, computes.
  double program_ma = 0;
  double cpu_ma = 0;
  double supply_v = 0;
  double cpu_mhz = 0;
  uint32_t endurance_cycles = 0;  // Erases that a page is guaranteed to stand.

  uint64_t FlashSize() const;
  uint32_t PageCount() const;
  // `offset` at most FlashSize(), for which it is PageCount().
  uint32_t PageAt(uint64_t offset) const;
  // `page` less than PageCount().
  uint64_t PageStart(uint32_t page) const;
  uint32_t PageSize(uint32_t page) const;
  double PageEraseMs(uint32_t page) const;
  // The pages of `range`, which must be whole pages of this flash.
  PageSpan PagesOf(const FlashRange& range) const;
  uint32_t LargestPage(const FlashRange& range) const;
  // Whether the page lies in one of `protected_ranges`.
  bool IsProtected(uint32_t page) const;
  // The entry of `pages` that the page belongs to.
  const PageRun& RunOf(uint32_t page) const;
};

// Nothing, or what is impossible about `profile`: field, number, remedy.
std::optional<Error> CheckProfile(const DeviceProfile& profile);

// Nothing, or why an image of `image_size` bytes cannot live in the slot. `image` names it in the message.
std::optional<Error> CheckImageSize(const DeviceProfile& profile, const std::string& image,
                                    uint64_t image_size);

// Reads and checks a profile. `file_name` only appears in errors, which say in addition which field is wrong
// and what to do. Fields that the format does not have are refused.
Result<DeviceProfile> ParseProfile(std::string_view json, const std::string& file_name);

// Profiles in the library, in alphabetical order.
std::vector<std::string> ProfileNames();

// A profile in the library. Errors: there is none of that name; the message lists those there are.
Result<DeviceProfile> FindProfile(std::string_view name);

// Names of the fields that ParseProfile() knows, with a dot before those of nested objects and "[]" for
// elements of lists: "write_unit", "pages[].size", "power.erase_ma". In alphabetical order.
std::vector<std::string> ProfileFields();

}  // namespace libdelta

#endif  // LIBDELTA_SIM_DEVICE_PROFILE_H_
