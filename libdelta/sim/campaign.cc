#include "libdelta/sim/campaign.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "libdelta/sim/random.h"

namespace libdelta {
namespace {

constexpr uint64_t kMostBoots = 1000;     // Of a run; more of them are no progress.
constexpr uint64_t kMostRandomCuts = 64;  // Of a run.
constexpr uint64_t kSnapshotMemory = uint64_t{64} << 20;
constexpr uint64_t kMostSnapshots = 256;

constexpr TornRead kTornReads[] = {TornRead::kStable, TornRead::kFlaky, TornRead::kError};

const char* TornReadName(TornRead torn_read) {
  switch (torn_read) {
    case TornRead::kStable:
      return "stable";
    case TornRead::kFlaky:
      return "flaky";
    case TornRead::kError:
      return "failing";
  }
  return "";
}

uint64_t Mix(uint64_t a, uint64_t b) { return SplitMix64(a ^ SplitMix64(b).Next()).Next(); }

// At most `most` of `from`, evenly spaced; 0: all.
std::vector<uint64_t> Sample(const std::vector<uint64_t>& from, uint64_t most) {
  if (most == 0 || from.size() <= most) return from;
  std::vector<uint64_t> numbers;
  for (uint64_t i = 0; i < most; ++i) numbers.push_back(from[from.size() * i / most]);
  return numbers;
}

// At most `most` of the numbers from `first` on, evenly spaced; 0: all.
std::vector<uint64_t> Sample(uint64_t first, uint64_t count, uint64_t most) {
  const uint64_t taken = most == 0 ? count : std::min(count, most);
  std::vector<uint64_t> numbers;
  // count * i stays far below 2^64: operations of a flash that is in memory.
  for (uint64_t i = 0; i < taken; ++i) numbers.push_back(first + count * i / taken);
  return numbers;
}

// A device that has just lost power, and has it again.
struct Snapshot {
  FlashDevice device;
  uint64_t patch_end;  // Of what had been sent.
  TornRead torn_read;
};

class Campaign {
 public:
  Campaign(const DeviceProfile& profile, const DeviceSetup& setup, ByteView old_image, ByteView new_image,
           ByteView patch, const CampaignOptions& options)
      : profile_(profile),
        is_stream_(setup.source == PatchSourceKind::kStream),
        old_image_(old_image),
        new_image_(new_image),
        patch_(patch),
        options_(options),
        start_(profile, setup, MakeFlash()) {
    libdelta_header header;
    if (libdelta_parse_header(patch.data(), patch.size(), &header) == LIBDELTA_OK) counter_ = header.counter;
  }

  CampaignResult Run();

 private:
  using Visit = std::function<void(const Snapshot&)>;

  FlashModel MakeFlash() const;
  void RunUninterrupted();
  std::vector<uint64_t> ChooseOperations(uint64_t most) const;
  void CountPages(const FlashStatistics& statistics);
  void RunEvery();
  void RunRandom();
  void RunNested();

  // Lets `from` be updated, and visits what a cut at each of `operations`, which ascend, leaves of it. Cuts
  // and how torn places read rotate, or the latter is `torn_read`.
  void VisitCuts(const FlashDevice& from, const std::vector<uint64_t>& operations, uint64_t salt,
                 std::optional<TornRead> torn_read, const Visit& visit);
  void TakeSnapshots(const FlashDevice& passing, const FlashRequest& call, uint64_t first,
                     const std::vector<uint64_t>& operations, uint64_t salt,
                     std::optional<TornRead> torn_read, uint64_t end, uint64_t* next,
                     std::vector<Snapshot>* snapshots);
  // Boots `device` until it has the new image. Returns the operations this took. `cut_again`: called before
  // each boot, to set a cut.
  uint64_t Finish(FlashDevice* device, uint64_t patch_end, TornRead torn_read,
                  const std::function<void(FlashModel*)>& cut_again);
  // Counts what the boot after a cut has found. False: something that must not be.
  bool Judge(const CutRecord& cut, const PowerCycle& cycle, bool is_old, bool is_new, uint64_t patch_end);
  void CheckEnd(FlashDevice* device, const PowerCycle& last, const std::string& when);
  CutClass& ClassOf(const CutRecord& cut);

  bool Holds(FlashModel* flash, ByteView image) const;
  bool IsOutsideUntouched(const FlashModel& flash) const;
  std::string When(const FlashModel& flash, TornRead torn_read) const;
  void Report(const std::string& when, const std::string& what);
  void ShowProgress(uint64_t total) {
    ++result_.runs;
    if (options_.progress) options_.progress(result_.runs, total);
  }

  const DeviceProfile& profile_;
  const bool is_stream_;
  const ByteView old_image_;
  const ByteView new_image_;
  const ByteView patch_;
  const CampaignOptions& options_;
  const FlashDevice start_;
  uint32_t counter_ = 0;
  std::vector<uint64_t> critical_;  // Operations: erases several times, programs in spare pages once.
  CampaignResult result_;
};

// Everything but slot and spare pages holds random bytes: nothing of it may change.
FlashModel Campaign::MakeFlash() const {
  FlashModel flash(profile_, {.seed = options_.seed, .torn_read = TornRead::kStable, .writable = {}});
  SplitMix64 random(options_.seed);
  Bytes bytes;
  for (uint32_t page = 0; page < profile_.PageCount(); ++page) {
    const uint64_t start = profile_.PageStart(page);
    const bool is_protected = profile_.IsProtected(page);
    if (!is_protected && (profile_.slot.Contains(start) || profile_.spare.Contains(start))) {
      const uint64_t offset = start - profile_.slot.start;
      if (!profile_.slot.Contains(start) || offset >= old_image_.size()) continue;
      flash.Load(start, old_image_.subspan(
                            offset, std::min<uint64_t>(profile_.PageSize(page), old_image_.size() - offset)));
      continue;
    }
    bytes.resize(profile_.PageSize(page));
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.Next());
    flash.Load(start, bytes);
  }
  return flash;
}

CampaignResult Campaign::Run() {
  RunUninterrupted();
  if (result_.status != LIBDELTA_OK) return std::move(result_);
  switch (options_.mode) {
    case CutMode::kNone:
      break;
    case CutMode::kEvery:
      RunEvery();
      break;
    case CutMode::kRandom:
      RunRandom();
      break;
    case CutMode::kNested:
      RunNested();
      break;
  }
  return std::move(result_);
}

void Campaign::RunUninterrupted() {
  FlashDevice device = start_;
  device.set_watch([&](const FlashRequest& request) {
    const uint64_t first = device.flash().operations();
    if (request.what == FlashOperation::kErase) {
      // Once for each way to cut it.
      critical_.insert(critical_.end(), std::size(kCutKinds), first);
    } else if (profile_.spare.Contains(request.offset)) {
      for (uint64_t i = 0; i < request.data.size() / profile_.write_unit; ++i) critical_.push_back(first + i);
    }
  });
  const PowerCycle cycle = device.Boot(patch_, true);
  device.set_watch(nullptr);
  result_.status = cycle.status;
  result_.operations = device.flash().operations();
  result_.statistics = device.flash().statistics();
  result_.flash_ms = device.flash().EstimatedMs();
  result_.flash_mj = device.flash().EstimatedMj();
  if (cycle.status == LIBDELTA_OK) {
    CountPages(result_.statistics);
    CheckEnd(&device, cycle, "without a cut");
    return;
  }
  // A refusal must leave everything as it was.
  if (result_.operations != 0 || !Holds(&device.flash(), old_image_)) {
    Report("without a cut", std::string("the patch was refused after flash operations: ") +
                                libdelta_status_text(cycle.status));
  }
}

void Campaign::CountPages(const FlashStatistics& statistics) {
  const PageSpan span = profile_.PagesOf(profile_.slot);
  const uint64_t longest = std::max(old_image_.size(), new_image_.size());
  uint64_t image_bytes = 0;
  for (uint32_t page = span.first; page < span.end(); ++page) {
    const uint64_t start = profile_.PageStart(page) - profile_.slot.start;
    if (start >= longest || profile_.IsProtected(page)) continue;
    const uint64_t end = std::min<uint64_t>(start + profile_.PageSize(page), new_image_.size());
    bool is_changed = false;
    for (uint64_t i = start; i < end; ++i) {
      is_changed |= new_image_[i] != (i < old_image_.size() ? old_image_[i] : profile_.erase_value);
    }
    if (is_changed) {
      ++result_.changed_pages;
      result_.changed_bytes += profile_.PageSize(page);
      image_bytes += uint64_t{statistics.page_programs[page]} * profile_.write_unit;
    } else {
      ++result_.unchanged_pages;
      if (statistics.page_erases[page] != 0) ++result_.unchanged_erased;
    }
  }
  result_.safety_bytes = statistics.bytes_programmed - image_bytes;
}

void Campaign::TakeSnapshots(const FlashDevice& passing, const FlashRequest& call, uint64_t first,
                             const std::vector<uint64_t>& operations, uint64_t salt,
                             std::optional<TornRead> torn_read, uint64_t end, uint64_t* next,
                             std::vector<Snapshot>* snapshots) {
  const uint64_t count = call.what == FlashOperation::kErase ? 1 : call.data.size() / profile_.write_unit;
  for (; *next < end && operations[*next] < first + count; ++*next) {
    const uint64_t turn = *next + salt;
    const CutKind kind = kCutKinds[turn % std::size(kCutKinds)];
    const TornRead reads =
        torn_read ? *torn_read : kTornReads[turn / std::size(kCutKinds) % std::size(kTornReads)];
    snapshots->push_back({passing, call.patch_end, reads});
    FlashDevice& device = snapshots->back().device;
    device.set_watch(nullptr);
    FlashModel& flash = device.flash();
    flash.Fork(Mix(options_.seed ^ salt, operations[*next]), reads);
    flash.SetCut(operations[*next], kind);
    if (call.what == FlashOperation::kErase) {
      flash.Erase(call.offset);
    } else {
      flash.Program(call.offset, call.data.data(), call.data.size());
    }
    if (flash.powered() || !flash.cut() || flash.cut()->operation != operations[*next]) {
      Report(When(flash, reads), "the cut did not happen");
    }
    flash.Reboot();
  }
}

void Campaign::VisitCuts(const FlashDevice& from, const std::vector<uint64_t>& operations, uint64_t salt,
                         std::optional<TornRead> torn_read, const Visit& visit) {
  // In turns, because a snapshot takes as much memory as the flash has, and because the library's hash
  // state is shared: no device may run while another one is half-way.
  const uint64_t most = std::clamp<uint64_t>(kSnapshotMemory / profile_.FlashSize(), 1, kMostSnapshots);
  for (uint64_t next = 0; next < operations.size();) {
    const uint64_t begin = next;
    const uint64_t end = std::min<uint64_t>(operations.size(), next + most);
    std::vector<Snapshot> snapshots;
    snapshots.reserve(end - next);
    FlashDevice passing = from;
    passing.set_watch([&](const FlashRequest& call) {
      const uint64_t first = passing.flash().operations();
      TakeSnapshots(passing, call, first, operations, salt, torn_read, end, &next, &snapshots);
      if (next == end) passing.flash().SetCut(first, CutKind::kBefore);  // Nobody needs the rest.
    });
    passing.Boot(patch_, true);
    for (const Snapshot& snapshot : snapshots) visit(snapshot);
    if (next == begin) {
      Report("operation " + std::to_string(operations[next]),
             "was not reached: the update is not repeatable");
      return;
    }
  }
}

CutClass& Campaign::ClassOf(const CutRecord& cut) {
  for (CutClass& entry : result_.classes) {
    if (entry.kind == cut.kind && entry.what == cut.what) return entry;
  }
  CutClass entry;
  entry.kind = cut.kind;
  entry.what = cut.what;
  const auto order = [](const CutClass& a, const CutClass& b) {
    return std::pair(a.what, a.kind) < std::pair(b.what, b.kind);
  };
  return *result_.classes.insert(
      std::upper_bound(result_.classes.begin(), result_.classes.end(), entry, order), entry);
}

bool Campaign::Judge(const CutRecord& cut, const PowerCycle& cycle, bool is_old, bool is_new,
                     uint64_t patch_end) {
  CutClass& entry = ClassOf(cut);
  uint64_t again = 0;
  switch (cycle.recovery) {
    case LIBDELTA_IDLE:
      if (!is_old) return false;
      ++entry.old;
      again = patch_end;
      break;
    case LIBDELTA_RESUME:
      ++entry.resumed;
      again = patch_end - std::min(patch_end, cycle.feed_from);
      break;
    case LIBDELTA_FINISHED:
      if (!is_new) return false;
      ++entry.finished;
      break;
    default:
      return false;
  }
  if (!is_stream_) return true;
  result_.again_max = std::max(result_.again_max, again);
  result_.again_total += again;
  return true;
}

uint64_t Campaign::Finish(FlashDevice* device, uint64_t patch_end, TornRead torn_read,
                          const std::function<void(FlashModel*)>& cut_again) {
  FlashModel& flash = device->flash();
  const uint64_t before = flash.operations();
  std::string when = "before the first cut";
  for (uint64_t boots = 0; boots < kMostBoots; ++boots) {
    bool is_old = false;
    bool is_new = false;
    const std::optional<CutRecord> cut = flash.cut();
    if (cut) {
      when = When(flash, torn_read);
      ++ClassOf(*cut).cuts;
      ++result_.cuts;
      ++result_.boots;
      is_old = Holds(&flash, old_image_);
      is_new = Holds(&flash, new_image_);
    }
    if (cut_again) cut_again(&flash);
    const PowerCycle cycle = device->Boot(patch_, true);
    // Without power recovery cannot tell what it would have found.
    const bool is_told = !cycle.power_lost || cycle.recovery != LIBDELTA_STRANDED;
    if (cut && is_told && !Judge(*cut, cycle, is_old, is_new, patch_end)) {
      Report(when,
             std::string("the next boot found neither the old image ready, nor an update to resume, nor "
                         "the new image: recovery ") +
                 std::to_string(cycle.recovery) + ", " + libdelta_status_text(cycle.status));
      return flash.operations() - before;
    }
    if (!cycle.power_lost) {
      flash.ClearCut();
      const uint64_t after = flash.operations();
      CheckEnd(device, cycle, when);
      return after - before;
    }
    patch_end = cycle.fed == 0 ? std::max(patch_end, cycle.feed_from) : cycle.feed_from + cycle.fed;
  }
  Report(when, "no end after " + std::to_string(kMostBoots) + " boots");
  return flash.operations() - before;
}

void Campaign::CheckEnd(FlashDevice* device, const PowerCycle& last, const std::string& when) {
  FlashModel& flash = device->flash();
  if (last.status != LIBDELTA_OK && last.status != LIBDELTA_E_ALREADY_DONE) {
    Report(when, std::string("the update ended with: ") + libdelta_status_text(last.status));
  } else if (!Holds(&flash, new_image_)) {
    Report(when, "the update ended, but the slot does not hold the new image");
  } else if (device->counter() < counter_ && last.status == LIBDELTA_OK) {
    Report(when, "the security counter was not committed");
  } else {
    const PowerCycle cycle = device->Boot({}, false);
    const bool is_done = cycle.recovery == LIBDELTA_FINISHED || cycle.recovery == LIBDELTA_IDLE;
    if (!is_done || cycle.status != LIBDELTA_OK || !Holds(&flash, new_image_)) {
      Report(when, "the update ended, but the next boot does not boot the new image");
    }
  }
  if (!IsOutsideUntouched(flash)) Report(when, "bytes outside the slot's and spare pages have changed");
  if (flash.violation_count() != 0) Report(when, "a flash rule was broken: " + flash.violations().front());
}

// In ascending order, some of them more than once. `most`: about as many, 0: all.
std::vector<uint64_t> Campaign::ChooseOperations(uint64_t most) const {
  std::vector<uint64_t> chosen = Sample(critical_, most == 0 ? 0 : std::max<uint64_t>(1, most / 2));
  const std::vector<uint64_t> others =
      Sample(0, result_.operations, most == 0 ? 0 : most - std::min<uint64_t>(most, chosen.size()));
  if (most == 0 || most > chosen.size()) {
    for (const uint64_t operation : others) {
      if (!std::binary_search(critical_.begin(), critical_.end(), operation)) chosen.push_back(operation);
    }
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

void Campaign::RunEvery() {
  const bool is_sample = options_.most_cuts != 0 && result_.operations > options_.most_cuts;
  const std::vector<uint64_t> operations = ChooseOperations(is_sample ? options_.most_cuts : 0);
  std::vector<uint64_t> distinct = operations;
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  result_.operations_cut = distinct.size();
  VisitCuts(start_, operations, 0, std::nullopt, [&](const Snapshot& snapshot) {
    FlashDevice device = snapshot.device;
    Finish(&device, snapshot.patch_end, snapshot.torn_read, nullptr);
    ShowProgress(operations.size());
  });
}

void Campaign::RunRandom() {
  for (uint64_t run = 0; run < options_.count; ++run) {
    SplitMix64 random(Mix(options_.seed, run));
    const TornRead torn_read = kTornReads[run % std::size(kTornReads)];
    FlashDevice device = start_;
    device.flash().Fork(random.Next(), torn_read);
    // Some runs have few cuts, others many close together.
    const uint64_t range = std::max<uint64_t>(1, result_.operations >> random.Below(8));
    uint64_t cuts = 0;
    Finish(&device, 0, torn_read, [&](FlashModel* flash) {
      if (++cuts > kMostRandomCuts) return;
      flash->SetCut(flash->operations() + random.Below(range), kCutKinds[random.Below(std::size(kCutKinds))]);
    });
    ShowProgress(options_.count);
  }
}

void Campaign::RunNested() {
  const std::vector<uint64_t> operations = ChooseOperations(options_.count);
  result_.operations_cut = operations.size();
  uint64_t done = 0;
  VisitCuts(start_, operations, 0, std::nullopt, [&](const Snapshot& first) {
    FlashDevice device = first.device;
    const uint64_t after = first.device.flash().operations();
    const uint64_t taken = Finish(&device, first.patch_end, first.torn_read, nullptr);
    ++result_.runs;
    // What the cut added: work done again and what it takes to begin it; and the first operations of what
    // is new.
    constexpr uint64_t kBeyond = 16;
    const uint64_t left = result_.operations - std::min(result_.operations, after);
    const uint64_t recovery = std::min(taken, taken - std::min(taken, left) + kBeyond);
    VisitCuts(first.device, Sample(after, recovery, options_.most_nested_cuts), 1 + done, first.torn_read,
              [&](const Snapshot& second) {
                FlashDevice twice = second.device;
                Finish(&twice, second.patch_end, second.torn_read, nullptr);
                ++result_.runs;
              });
    if (options_.progress) options_.progress(++done, operations.size());
  });
}

bool Campaign::Holds(FlashModel* flash, ByteView image) const {
  const PageSpan span = profile_.PagesOf(profile_.slot);
  Bytes bytes;
  for (uint32_t page = span.first; page < span.end(); ++page) {
    const uint64_t start = profile_.PageStart(page);
    const uint64_t offset = start - profile_.slot.start;
    if (offset >= image.size()) break;
    if (profile_.IsProtected(page)) continue;
    bytes.resize(std::min<uint64_t>(profile_.PageSize(page), image.size() - offset));
    if (!flash->Read(start, bytes.data(), bytes.size())) return false;
    if (std::memcmp(bytes.data(), image.data() + offset, bytes.size()) != 0) return false;
  }
  return true;
}

bool Campaign::IsOutsideUntouched(const FlashModel& flash) const {
  for (uint32_t page = 0; page < profile_.PageCount(); ++page) {
    const FlashRange range = {profile_.PageStart(page), profile_.PageSize(page)};
    const bool is_ours = profile_.slot.Contains(range.start) || profile_.spare.Contains(range.start);
    if (is_ours && !profile_.IsProtected(page)) continue;
    const ByteView now = flash.contents(range);
    const ByteView then = start_.flash().contents(range);
    if (!std::equal(now.begin(), now.end(), then.begin())) return false;
  }
  return true;
}

std::string Campaign::When(const FlashModel& flash, TornRead torn_read) const {
  if (!flash.cut()) return "without a cut";
  const CutRecord& cut = *flash.cut();
  return "cut \"" + std::string(CutKindName(cut.kind)) + "\" at operation " + std::to_string(cut.operation) +
         ", " + (cut.what == FlashOperation::kErase ? "erase" : "program") + " at flash offset " +
         std::to_string(cut.offset) + ", torn reads " + TornReadName(torn_read) + ", seed " +
         std::to_string(options_.seed);
}

void Campaign::Report(const std::string& when, const std::string& what) {
  ++result_.failure_count;
  if (result_.failures.size() < CampaignResult::kMaxFailures) result_.failures.push_back(when + ": " + what);
}

}  // namespace

CampaignResult RunCampaign(const DeviceProfile& profile, const DeviceSetup& setup, ByteView old_image,
                           ByteView new_image, ByteView patch, const CampaignOptions& options) {
  return Campaign(profile, setup, old_image, new_image, patch, options).Run();
}

}  // namespace libdelta
