#include "libdelta/host/analysis.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <map>

#include "libdelta/host/file_layout.h"
#include "libdelta/host/isa.h"
#include "libdelta/host/parallel.h"
#include "libdelta/host/parse.h"
#include "libdelta/host/references.h"

namespace libdelta {
namespace {

uint32_t Word(ByteView image, size_t at) { return LoadWord(image.data() + at, 4, kLittleEndian); }

// Offsets where something that others point to seems to start.
std::vector<uint32_t> FunctionStarts(ByteView image) {
  std::vector<uint32_t> starts;
  for (size_t i = 0; i + 2 <= image.size(); i += 2) {
    const uint32_t half = LoadWord(image.data() + i, 2, kLittleEndian);
    if ((half & 0xff00) == 0xb500 || half == 0xe92d) starts.push_back(static_cast<uint32_t>(i));
  }
  return starts;
}

std::vector<uint32_t> StringStarts(ByteView image) {
  std::vector<uint32_t> starts;
  const auto printable = [](uint8_t c) { return c >= 0x20 && c < 0x7f; };
  for (size_t i = 1; i + 6 <= image.size(); ++i) {
    if (image[i - 1] != 0) continue;
    bool text = true;
    for (size_t k = 0; k < 6 && text; ++k) text = printable(image[i + k]);
    if (text) starts.push_back(static_cast<uint32_t>(i));
  }
  return starts;
}

// At most `limit` elements, evenly spread.
template <class T>
std::vector<T> Thin(const std::vector<T>& all, size_t limit) {
  if (all.size() <= limit) return all;
  std::vector<T> some;
  for (size_t i = 0; i < limit; ++i) some.push_back(all[i * all.size() / limit]);
  return some;
}

// A word that may be a pointer, and where it stands modulo its alignment.
struct PointerWord {
  uint32_t value;
  uint32_t phase;
  auto operator<=>(const PointerWord&) const = default;
};

// Real pointers lie in one or two of these windows of the address space; words that are code are everywhere.
constexpr uint32_t kWindowBits = 20;
constexpr size_t kMaxWindows = 128;
constexpr size_t kMaxWords = 1000;  // Considered of each window.
constexpr size_t kMaxStarts = 600;  // Of each kind.
constexpr size_t kMinWords = 24;
constexpr uint32_t kMinLead = 30;
constexpr uint32_t kMostWeight = 3;  // Of a vote.

// Counts, for the pointers of one window, which load address would make them point to starts.
class BaseVote {
 public:
  BaseVote(uint32_t window, size_t image_size)
      : lowest_((int64_t{window} << kWindowBits) - static_cast<int64_t>(image_size | 1) - 1),
        votes_((image_size + (size_t{1} << kWindowBits)) / 2 + 2, 0) {}

  void Add(const std::vector<PointerWord>& words, const std::vector<uint32_t>& starts) {
    // Pointers are aligned: a word and a start fit together only if their lowest bits do.
    std::array<std::vector<uint32_t>, 4> fitting;
    for (const uint32_t start : starts) fitting[start & 3].push_back(start);
    for (const PointerWord& word : words) {
      for (const uint32_t start : fitting[(word.value + word.phase) & 3]) {
        if (word.value < start) break;
        const uint32_t base = word.value - start;
        Vote(base,
             base % 256 == 0 ? kMostWeight : 1);  // Images start at round addresses more often than not.
      }
    }
  }

  // The address with the most votes, and how far it is ahead of all others: chance has no clear winner.
  void Count(uint32_t* winner, uint32_t* lead) const {
    size_t best = 0;
    uint32_t second = 0;
    for (size_t i = 1; i < votes_.size(); ++i) {
      if (votes_[i] > votes_[best]) {
        second = votes_[best];
        best = i;
      } else {
        second = std::max<uint32_t>(second, votes_[i]);
      }
    }
    *winner = static_cast<uint32_t>(lowest_ + 2 * static_cast<int64_t>(best));
    *lead = votes_[best] - second;
  }

 private:
  void Vote(uint32_t base, uint32_t weight) {
    uint16_t& votes = votes_[static_cast<size_t>(base - lowest_) / 2];
    votes = static_cast<uint16_t>(votes + weight);
  }

  int64_t lowest_;
  std::vector<uint16_t> votes_;  // Each word has at most one of kMostWeight for each list of starts.
};

// Distinct words by window.
using Windows = std::map<uint32_t, std::vector<PointerWord>>;

Windows CollectWords(ByteView image) {
  std::vector<PointerWord> words;
  for (size_t i = 0; i + 4 <= image.size(); i += 2) {
    const uint32_t word = Word(image, i);
    if (word >= 0x100 && word <= 0xfff00000u) words.push_back({word, static_cast<uint32_t>(i & 3)});
  }
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  Windows windows;
  for (const PointerWord& word : words) windows[word.value >> kWindowBits].push_back(word);
  return windows;
}

std::vector<uint32_t> BusiestWindows(const Windows& windows) {
  std::vector<std::pair<size_t, uint32_t>> ranked;
  for (const auto& [window, words] : windows) ranked.emplace_back(words.size(), window);
  std::sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  std::vector<uint32_t> busiest;
  for (size_t i = 0; i < ranked.size() && i < kMaxWindows && ranked[i].first >= kMinWords; ++i)
    busiest.push_back(ranked[i].second);
  return busiest;
}

// Whether hardly anything is left of a word without its field, as in tables: one row looks like another then.
bool IsData(const Template& t) { return !IsPair(t) && (t.origin == 0 || t.last_bit >= 30); }

// Adds a template for words that count from a base, and tells them from others by what they have in common.
void AddOffsets(const std::vector<uint32_t>& words, bool big_endian, uint32_t old_base, uint32_t new_base,
                std::vector<Template>* templates) {
  constexpr int kMostScale = 7;
  uint32_t all = 0xffffffff;
  uint32_t any = 0;
  for (const uint32_t word : words) {
    all &= word;
    any |= word;
  }
  if (words.empty() || all == any) return;
  const int low = std::countr_zero(all ^ any);
  const int last = 31 - std::countl_zero(all ^ any) - low;
  if (low > kMostScale) return;
  Template t = PointerTemplate(big_endian);
  t.scale = static_cast<uint8_t>(low);
  t.last_bit = static_cast<uint8_t>(last);
  t.run_shift[0] = static_cast<uint8_t>(low);
  t.run_last[0] = static_cast<uint8_t>(last);
  t.mask[0] = ~(RunOnes(t, 0) << low);
  t.match[0] = all & t.mask[0];
  t.base[kOldSide] = old_base + t.match[0];
  t.base[kNewSide] = new_base + t.match[0];
  templates->push_back(t);
}

}  // namespace

std::optional<uint32_t> FindLoadAddress(ByteView image, unsigned threads) {
  const Windows windows = CollectWords(image);
  const std::vector<uint32_t> busiest = BusiestWindows(windows);
  const std::vector<uint32_t> functions = Thin(FunctionStarts(image), kMaxStarts);
  const std::vector<uint32_t> strings = Thin(StringStarts(image), kMaxStarts);
  struct Winner {
    uint32_t address;
    uint32_t lead;
  };
  std::vector<Winner> winners(busiest.size(), Winner{});
  std::atomic<uint32_t> best_lead{kMinLead};
  ForEachParallel(busiest.size(), threads, [&](size_t i) {
    const std::vector<PointerWord>& all = windows.at(busiest[i]);
    // Each word has at most one vote for an address in either list.
    if (2 * kMostWeight * std::min(all.size(), kMaxWords) < best_lead) return;
    std::vector<PointerWord> odd;  // Thumb function pointers have their lowest bit set.
    for (const PointerWord& word : all) {
      if (word.value & 1) odd.push_back({word.value - 1, word.phase});
    }
    BaseVote vote(busiest[i], image.size());
    vote.Add(Thin(odd, kMaxWords), functions);
    vote.Add(Thin(all, kMaxWords), strings);
    vote.Count(&winners[i].address, &winners[i].lead);
    uint32_t before = best_lead;
    while (before < winners[i].lead && !best_lead.compare_exchange_weak(before, winners[i].lead)) {
    }
  });
  const auto best = std::max_element(winners.begin(), winners.end(),
                                     [](const Winner& a, const Winner& b) { return a.lead < b.lead; });
  if (best == winners.end() || best->lead < kMinLead) return std::nullopt;
  return best->address;
}

ImageBase FindBase(ByteView file, unsigned threads) {
  const FileLayout layout = ParseFileLayout(file);
  ImageBase base;
  base.big_endian = layout.big_endian;
  if (!layout.ranges.empty() && layout.format != FileFormat::kIntelHex) {
    base.address = 0u - static_cast<uint32_t>(layout.ranges[0].offset);
  }
  // A file may say what is not so; votes are real pointers.
  const std::vector<uint32_t> bases = BasesOf(layout, file);
  const std::optional<uint32_t> voted = FindLoadAddress(file, threads);
  const bool agree = voted && std::find(bases.begin(), bases.end(), *voted) != bases.end();
  // A position-independent file is linked for 0, where any small number would be taken for a pointer.
  base.found = voted || (!bases.empty() && bases[0] != 0);
  if (!bases.empty() && (agree || !voted)) {
    base.address = bases[0];
  } else if (voted) {
    base.address = *voted;
  }
  return base;
}

std::vector<Template> OffsetTables(ByteView old_file, ByteView new_file, uint32_t base) {
  const FileLayout layout = ParseFileLayout(old_file);
  const std::optional<UnwindIndex> before = layout.unwind_index;
  const std::optional<UnwindIndex> after = ParseFileLayout(new_file).unwind_index;
  if (!before || !after) return {};
  const auto word = [&](uint64_t at) {
    return LoadWord(old_file.data() + at, 4, layout.big_endian ? kBigEndian : kLittleEndian);
  };
  std::vector<uint32_t> functions;
  std::vector<uint32_t> entries;
  std::vector<uint32_t> backwards;
  for (uint64_t i = 0; i < before->count; ++i) {
    functions.push_back(word(before->rows + 8 * i));
    entries.push_back(word(before->rows + 8 * i + 4));
    // Behind its length an entry says how far before that the one is which it has in common with others.
    const uint64_t common = before->start + entries.back() + 4;
    if (common + 4 <= old_file.size()) backwards.push_back(word(common));
  }
  const auto address = [&](uint64_t offset) { return base + static_cast<uint32_t>(offset); };
  std::vector<Template> templates;
  const auto add = [&](const std::vector<uint32_t>& words, uint64_t old_start, uint64_t new_start) {
    AddOffsets(words, layout.big_endian, address(old_start), address(new_start), &templates);
  };
  add(functions, before->start, after->start);
  add(entries, before->start, after->start);
  // Mostly that is the first of all. Counted from there, the distance is where the word itself is.
  add(backwards, before->entries, after->entries);
  return templates;
}

ReferenceScan::ReferenceScan(ByteView image, Side side, const std::vector<Template>& templates, uint32_t base,
                             const Relocator* known)
    : kinds_(image.size(), kNone), normalised_(image.begin(), image.end()) {
  if (side == kNewSide) absolute_ = normalised_;
  std::vector<uint8_t> wanted;
  // Like a decoder: the last one first.
  for (size_t k = templates.size(); k-- > 0;) {
    if (!IsShortPointer(templates[k])) wanted.push_back(static_cast<uint8_t>(k));
  }
  size_t i = 0;
  while (i < image.size()) {
    const uint32_t address = base + static_cast<uint32_t>(i);
    uint32_t width = 1;
    for (const uint8_t k : wanted) {
      const Template& t = templates[k];
      if (address & t.align_mask) continue;
      Words words;
      if (!FindReference(t, image, i, &words)) continue;
      const uint32_t target = Target(t, Gather(t, words.at), address, side);
      if (target - base >= image.size()) continue;
      kinds_[i] = static_cast<uint8_t>(k + 1);
      for (size_t j = 1; j < Width(t); ++j) kinds_[i + j] = kInside;
      width = Width(t);
      const auto store = [&](Bytes* to, uint32_t field) {
        StoreWord(to->data() + i, width, t.order, WithField(t, words, field));
      };
      const auto field_of = [&](uint32_t address) { return address >> t.scale << (31 - t.last_bit); };
      if (side == kNewSide && IsKept(t)) store(&absolute_, field_of(target));
      uint32_t field = 0;
      if (known != nullptr && IsData(t)) {
        field = field_of(side == kOldSide ? known->Relocate(target) : target);
      }
      store(&normalised_, field);
      break;
    }
    i += width;
  }
}

}  // namespace libdelta
