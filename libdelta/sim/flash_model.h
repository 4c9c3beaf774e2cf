// A flash memory that hides nothing: it refuses what real flash does wrong silently, counts everything, and
// loses power where it is told to.
//
// Rules. A unit (DeviceProfile::write_unit) is programmed at most once after an erase of its page. Programs
// cover whole units, erases whole pages; both stay inside the ranges that the caller allowed and outside
// protected ones. An operation that breaks a rule changes nothing, returns false and is recorded in
// violations(), so that a test can demand that there are none.
//
// Operations. One erase is one operation; a program of N units is N operations, in ascending order, so that
// power can fail between any two units. Reads are not operations. The first operation has index 0.
//
// Power cuts. SetCut() chooses an operation and what happens to it. That operation fails, and so does
// everything after it, without a record, until Reboot(). What an interrupted operation leaves behind is torn:
// - a unit whose program was interrupted counts as programmed, even if it reads erased;
// - in a page whose erase was interrupted no unit can be programmed until an erase of it completes, even if
//   the page reads erased;
// - how torn places read after the next Reboot() is up to TornRead.
//
// Everything random comes from the seed: equal calls give equal results on every platform. Objects can be
// copied to try several futures of one moment; the copy shares nothing that changes.
#ifndef LIBDELTA_SIM_FLASH_MODEL_H_
#define LIBDELTA_SIM_FLASH_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libdelta/host.h"
#include "libdelta/sim/device_profile.h"
#include "libdelta/sim/random.h"

namespace libdelta {

// What happens to the operation at which power fails.
enum class CutKind : uint8_t {
  kBefore,  // Nothing.
  kPrefix,  // Only the first bytes of the unit or page have changed: a random number from 0 to all but one.
  kAlmost,  // Program: all but the last byte of the unit. Erase: all but one of the bits that were
            // programmed.
  kRandom,  // Each bit that had to change has changed or not.
  kAfter,   // Complete and not torn, but the caller does not hear of it any more.
};
constexpr CutKind kCutKinds[] = {CutKind::kBefore, CutKind::kPrefix, CutKind::kAlmost, CutKind::kRandom,
                                 CutKind::kAfter};
// "before", "prefix", "almost", "random", "after".
const char* CutKindName(CutKind kind);

// How the bits read that an interrupted operation had to change, until an erase of their page completes.
enum class TornRead : uint8_t {
  kStable,  // As the cut left them.
  // Differently from boot to boot: as the cut left them, as if the operation had completed, any mix of before
  // and after, or, where a program was interrupted, as if it had not begun. The same during one boot.
  kFlaky,
  // As the cut left them, but reading any part of a unit whose program was interrupted fails, and so does
  // one that an interrupted erase left neither old nor erased: its error-correcting code does not fit.
  kError,
};

enum class FlashOperation : uint8_t { kErase, kProgram };

// The cut that happened.
struct CutRecord {
  uint64_t operation = 0;  // Index.
  CutKind kind = CutKind::kBefore;
  FlashOperation what = FlashOperation::kErase;
  uint64_t offset = 0;  // Of the page or the unit.
};

// Interrupted operations count like complete ones, unless power failed before they began.
struct FlashStatistics {
  uint64_t erases = 0;
  uint64_t programs = 0;  // Units.
  uint64_t bytes_programmed = 0;
  uint64_t bytes_to_slot = 0;  // Of `bytes_programmed`.
  uint64_t bytes_to_spare = 0;
  uint64_t bytes_read = 0;
  std::vector<uint32_t> page_erases;    // By page.
  std::vector<uint32_t> page_programs;  // Units, by page.
};

// How long the flash was busy, by the profile's typical values.
struct FlashTimes {
  double erase_ms = 0;
  double program_ms = 0;
  double read_ms = 0;

  double total_ms() const { return erase_ms + program_ms + read_ms; }
  double Millijoules(const DeviceProfile& profile) const;
};

FlashTimes TimesOf(const DeviceProfile& profile, const FlashStatistics& statistics);

struct FlashOptions {
  uint64_t seed = 1;
  TornRead torn_read = TornRead::kStable;
  // Where Program() and Erase() may work: whole pages. Empty: slot and spare.
  std::vector<FlashRange> writable;
};

class FlashModel {
 public:
  // `profile` must be one that CheckProfile() accepts. The flash is erased.
  explicit FlashModel(const DeviceProfile& profile, const FlashOptions& options = {});

  // Puts content in place the way a factory does: anywhere inside the flash, not counted, not an operation.
  // The units it touches count as programmed, the pages as not torn.
  void Load(uint64_t offset, ByteView bytes);

  // What a device's flash driver calls. False: refused, or there is no power; nothing was read or, apart from
  // the operation that was cut, changed. `size` may be 0.
  bool Read(uint64_t offset, uint8_t* buffer, size_t size);
  bool Program(uint64_t offset, const uint8_t* data, size_t size);
  bool Erase(uint64_t offset);  // The page that starts there.

  // Power will fail at operation `operation`; replaces a cut that is still to come. An operation that is past
  // never comes again.
  void SetCut(uint64_t operation, CutKind kind);
  void ClearCut();
  // Power is back: torn places take the values that they read as in this boot. A cut that is still to come
  // stays. Also allowed without a cut before it (a reset of the CPU).
  void Reboot();
  bool powered() const { return powered_; }
  // For a copy: what is random from now on differs from what it is in the original.
  void Fork(uint64_t seed, TornRead torn_read) {
    random_ = SplitMix64(seed);
    torn_read_ = torn_read;
  }
  // The last cut that happened.
  const std::optional<CutRecord>& cut() const { return cut_record_; }

  // Operations so far, the one that was cut included: the index of the next.
  uint64_t operations() const { return operations_; }
  // What a test must find empty. After the first kMaxViolations they are only counted.
  const std::vector<std::string>& violations() const { return violations_; }
  uint64_t violation_count() const { return violation_count_; }
  static constexpr size_t kMaxViolations = 100;

  const DeviceProfile& profile() const;
  // What reads return now, without the failures of TornRead::kError.
  ByteView contents() const { return contents_; }
  ByteView contents(const FlashRange& range) const { return contents().subspan(range.start, range.length); }
  bool IsProgrammed(uint64_t offset) const;  // Whether the unit at `offset` waits for an erase.

  const FlashStatistics& statistics() const { return statistics_; }
  void ResetStatistics();
  // Of the flash alone, from the statistics and the profile's typical values.
  double EstimatedMs() const;
  double EstimatedMj() const;

 private:
  struct Geometry;
  // Bytes from `start` that an interrupted operation had to change.
  struct Torn {
    FlashOperation what;
    uint64_t start;
    Bytes before;
    Bytes after;  // Had the operation completed.
    Bytes left;   // By the cut.
  };

  static std::shared_ptr<const Geometry> MakeGeometry(const DeviceProfile& profile,
                                                      std::vector<FlashRange> writable);

  bool IsInside(uint64_t offset, uint64_t size) const;
  bool IsReadable(uint64_t offset, uint64_t size) const;
  // Why an operation is against the rules; empty if it is not.
  std::string ProgramProblem(uint64_t offset, uint64_t size) const;
  std::string EraseProblem(uint64_t offset) const;
  std::string PageProblem(uint32_t page) const;
  std::string PageText(uint32_t page) const;
  // Records a violation; false.
  bool Refuse(const char* call, uint64_t offset, uint64_t size, const std::string& problem);

  // Counts an operation and tells whether power fails at it.
  std::optional<CutKind> Begin(FlashOperation what, uint64_t offset);
  void ProgramUnit(uint64_t offset, const uint8_t* data, std::optional<CutKind> cut);
  void ErasePage(uint32_t page, std::optional<CutKind> cut);
  // Changes bytes from `start` towards `after` as far as a cut of that kind lets them.
  void Tear(CutKind kind, FlashOperation what, uint64_t start, Bytes after);
  void LeaveStrayBit(const Bytes& before, uint8_t* bytes);
  void MixBytes(const Bytes& before, const Bytes& after, uint8_t* bytes);
  void ForgetTorn(uint32_t page);

  void SetProgrammed(uint64_t unit);
  void ClearProgrammed(uint64_t unit, uint64_t count);
  void CountProgram(uint64_t offset);

  std::shared_ptr<const Geometry> geometry_;
  TornRead torn_read_;
  SplitMix64 random_;
  bool powered_ = true;
  std::optional<uint64_t> cut_operation_;
  CutKind cut_kind_ = CutKind::kBefore;
  std::optional<CutRecord> cut_record_;
  uint64_t operations_ = 0;
  Bytes contents_;
  std::vector<uint64_t> programmed_;  // One bit per unit.
  std::vector<uint8_t> torn_pages_;   // By page; 1: an erase of it was interrupted.
  std::vector<Torn> torn_;            // Empty with TornRead::kStable.
  std::vector<std::string> violations_;
  uint64_t violation_count_ = 0;
  FlashStatistics statistics_;
};

}  // namespace libdelta

#endif  // LIBDELTA_SIM_FLASH_MODEL_H_
