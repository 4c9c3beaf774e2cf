#include "fwdelta/causes.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <string_view>

#include "libdelta/host/bit_cost.h"

namespace fwdelta {
namespace {

using libdelta::ByteView;
using libdelta::CostTrace;
using Origin = CostTrace::Origin;

// --- Dates, times and ids of a build -----------------------------------------------------------------

struct Stamp {
  uint64_t start;
  uint64_t end;
};

// Whether text of that form is at `at`: '9' stands for a digit, '_' for a digit or a space, 'a' for a letter.
bool HasForm(ByteView image, uint64_t at, std::string_view form) {
  if (form.size() > image.size() - at) return false;
  for (size_t i = 0; i < form.size(); ++i) {
    const unsigned char c = image[at + i];
    const bool fits = form[i] == '9'   ? std::isdigit(c) != 0
                      : form[i] == '_' ? std::isdigit(c) || c == ' '
                      : form[i] == 'a' ? std::isalpha(c) != 0
                                       : c == static_cast<unsigned char>(form[i]);
    if (!fits) return false;
  }
  return true;
}

bool IsMonth(ByteView image, uint64_t at) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const std::string_view name(reinterpret_cast<const char*>(image.data() + at), 3);
  for (size_t i = 0; i < kMonths.size(); i += 3) {
    if (kMonths.substr(i, 3) == name) return true;
  }
  return false;
}

uint64_t HexDigits(ByteView image, uint64_t at) {
  uint64_t end = at;
  while (end < image.size() && (std::isdigit(image[end]) || (image[end] >= 'a' && image[end] <= 'f'))) ++end;
  return end - at;
}

// Bytes of a stamp that begins at `at`; 0: none does.
uint64_t StampAt(ByteView image, uint64_t at) {
  constexpr uint8_t kBuildId[] = {4, 0, 0, 0, 20, 0, 0, 0, 3, 0, 0, 0, 'G', 'N', 'U', 0};
  constexpr uint64_t kGitDigits = 40;
  if (HasForm(image, at, "aaa _9 9999") && IsMonth(image, at)) return 11;  // As in __DATE__.
  if (HasForm(image, at, "99:99:99")) return 8;                            // As in __TIME__.
  if (HasForm(image, at, "9999-99-99")) return 10;
  if (image[at] == '-' && at + 1 < image.size() && image[at + 1] == 'g') {  // As git describe has it.
    const uint64_t digits = HexDigits(image, at + 2);
    if (digits >= 7 && digits <= kGitDigits) return 2 + digits;
  }
  if (std::isxdigit(image[at]) && (at == 0 || !std::isxdigit(image[at - 1])) &&
      HexDigits(image, at) == kGitDigits) {
    return kGitDigits;
  }
  const ByteView rest = image.subspan(at);
  if (rest.size() >= sizeof(kBuildId) + 20 &&
      std::equal(std::begin(kBuildId), std::end(kBuildId), rest.begin())) {
    return sizeof(kBuildId) + 20;
  }
  return 0;
}

std::vector<Stamp> FindStamps(ByteView image) {
  std::vector<Stamp> stamps;
  for (uint64_t at = 0; at < image.size();) {
    const uint64_t size = StampAt(image, at);
    if (size != 0) stamps.push_back({at, at + size});
    at += std::max<uint64_t>(size, 1);
  }
  return stamps;
}

// --- Compressed and encrypted data -------------------------------------------------------------------

constexpr uint64_t kOpaqueWindow = 2048;
// Bits per byte, in 1/256: random bytes have 7.9 in such a window, code has up to 7.2.
constexpr uint64_t kOpaqueEntropy = 78 * libdelta::kBitCostOne / 10;

// For each window of the image, whether its bytes are as good as random.
std::vector<bool> FindOpaque(ByteView image) {
  std::vector<bool> opaque;
  for (uint64_t at = 0; at < image.size(); at += kOpaqueWindow) {
    const ByteView window = image.subspan(at, std::min<uint64_t>(kOpaqueWindow, image.size() - at));
    std::array<uint32_t, 256> counts{};
    for (const uint8_t byte : window) ++counts[byte];
    uint64_t bits = 0;
    for (const uint32_t count : counts) {
      if (count != 0) bits += count * (libdelta::Log2Cost(window.size()) - libdelta::Log2Cost(count));
    }
    opaque.push_back(window.size() == kOpaqueWindow && bits > kOpaqueEntropy * window.size());
  }
  return opaque;
}

// --- Order -------------------------------------------------------------------------------------------

// For each piece, whether it is a copy from the old image that is out of order: not on the chain of copies
// that has most bytes and goes through both images in the same direction.
std::vector<bool> FindReordered(const std::vector<CostTrace::Piece>& pieces) {
  constexpr size_t kMaxCopies = 20000;
  constexpr uint64_t kMinCopy = 32;  // Shorter ones are coincidences.
  std::vector<size_t> copies;
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (pieces[i].origin == Origin::kOldCopy && pieces[i].length >= kMinCopy) copies.push_back(i);
  }
  std::vector<bool> reordered(pieces.size(), false);
  if (copies.size() > kMaxCopies) return reordered;
  // Copies by source; best[k] is the heaviest chain that ends with one of the first k of them.
  std::vector<size_t> by_source(copies.size());
  for (size_t i = 0; i < copies.size(); ++i) by_source[i] = i;
  std::stable_sort(by_source.begin(), by_source.end(),
                   [&](size_t a, size_t b) { return pieces[copies[a]].source < pieces[copies[b]].source; });
  std::vector<size_t> rank(copies.size());
  for (size_t i = 0; i < by_source.size(); ++i) rank[by_source[i]] = i + 1;
  struct Chain {
    uint64_t bytes = 0;
    size_t last = SIZE_MAX;
  };
  std::vector<Chain> best(copies.size() + 1);  // A Fenwick tree of maxima.
  std::vector<size_t> before(copies.size(), SIZE_MAX);
  Chain longest;
  for (size_t i = 0; i < copies.size(); ++i) {
    Chain chain;
    for (size_t k = rank[i]; k != 0; k &= k - 1) {
      if (best[k].bytes > chain.bytes) chain = best[k];
    }
    before[i] = chain.last;
    const Chain extended{chain.bytes + pieces[copies[i]].length, i};
    if (extended.bytes > longest.bytes) longest = extended;
    for (size_t k = rank[i]; k < best.size(); k += k & (0 - k)) {
      if (extended.bytes > best[k].bytes) best[k] = extended;
    }
  }
  for (const size_t copy : copies) reordered[copy] = true;
  for (size_t i = longest.last; i != SIZE_MAX; i = before[i]) reordered[copies[i]] = false;
  return reordered;
}

// --- All together ------------------------------------------------------------------------------------

class Judge {
 public:
  Judge(ByteView old_image, ByteView new_image, const CostTrace& trace,
        const std::vector<std::string>& streams)
      : old_(old_image),
        new_(new_image),
        trace_(trace),
        streams_(streams),
        stamps_(FindStamps(new_image)),
        opaque_(FindOpaque(new_image)),
        reordered_(FindReordered(trace.pieces)) {}

  CauseCosts Run() {
    uint64_t table = 0;  // Of the maps.
    for (const CostTrace::Cost& cost : trace_.costs) {
      if (cost.position != CostTrace::kNowhere) {
        Add(CauseOf(cost), cost.cost);
      } else if (streams_[cost.stream] == "map") {
        table += cost.cost;
      } else {
        Add(Cause::kSearch, cost.cost);
      }
    }
    // Each copy has its share of the maps.
    const uint64_t out_of_order =
        static_cast<uint64_t>(std::count(reordered_.begin(), reordered_.end(), true));
    const uint64_t copies = static_cast<uint64_t>(
        std::count_if(trace_.pieces.begin(), trace_.pieces.end(),
                      [](const CostTrace::Piece& piece) { return piece.origin == Origin::kOldCopy; }));
    const uint64_t share = copies == 0 ? 0 : table * out_of_order / copies;
    Add(Cause::kReordered, share);
    Add(Cause::kMoved, table - share);
    return std::move(result_);
  }

 private:
  void Add(Cause cause, uint64_t cost) { result_.cost[static_cast<size_t>(cause)] += cost; }

  Cause CauseOf(const CostTrace::Cost& cost) {
    const std::string& stream = streams_[cost.stream];
    if (stream == "clean") return Cause::kSearch;
    if (const Stamp* stamp = StampOf(cost.position)) {
      Mention(*stamp);
      return Cause::kBuildStamps;
    }
    const auto after =
        std::upper_bound(trace_.pieces.begin(), trace_.pieces.end(), cost.position,
                         [](uint64_t at, const CostTrace::Piece& p) { return at < p.position; });
    if (after == trace_.pieces.begin()) return Cause::kNewContent;
    const CostTrace::Piece& piece = *(after - 1);
    if (stream == "references" && piece.origin == Origin::kOldCopy) return Cause::kMoved;
    if (stream == "map" || stream == "operations") {
      if (reordered_[static_cast<size_t>(&piece - trace_.pieces.data())]) return Cause::kReordered;
      return piece.origin == Origin::kOldCopy ? Cause::kMoved : Cause::kNewContent;
    }
    if (opaque_[cost.position / kOpaqueWindow]) return Cause::kOpaque;
    if (piece.origin != Origin::kOldCopy) return Cause::kNewContent;
    return IsPointer(piece, cost.position) ? Cause::kMovedData : Cause::kChurn;
  }

  const Stamp* StampOf(uint64_t position) const {
    const auto after = std::upper_bound(stamps_.begin(), stamps_.end(), position,
                                        [](uint64_t at, const Stamp& stamp) { return at < stamp.start; });
    if (after == stamps_.begin() || position >= (after - 1)->end) return nullptr;
    return &*(after - 1);
  }

  void Mention(const Stamp& stamp) {
    constexpr size_t kMaxStamps = 5;
    if (stamp.start == last_stamp_ || result_.stamps.size() == kMaxStamps) return;
    last_stamp_ = stamp.start;
    std::string text;
    for (uint64_t i = stamp.start; i < stamp.end; ++i) {
      if (!std::isprint(new_[i])) {
        text = "GNU build id";
        break;
      }
      text += static_cast<char>(new_[i]);
    }
    result_.stamps.push_back(text);
  }

  // Whether the aligned word at a place of a copy changed like an address does: by less than 64 KiB, beyond
  // those.
  bool IsPointer(const CostTrace::Piece& piece, uint64_t position) const {
    constexpr uint32_t kNear = 0x10000;
    const uint64_t at = position & ~uint64_t{3};
    const uint64_t from = piece.source + (at - piece.position);
    if (at < piece.position || at + 4 > piece.position + piece.length || from + 4 > old_.size()) return false;
    const auto word = [](ByteView image, uint64_t i) {
      return image[i] | image[i + 1] << 8 | image[i + 2] << 16 | uint32_t{image[i + 3]} << 24;
    };
    const uint32_t before = word(old_, from);
    const uint32_t after = word(new_, at);
    const uint32_t change = after - before;
    return change != 0 && before >= kNear && (change < kNear || 0 - change < kNear);
  }

  ByteView old_;
  ByteView new_;
  const CostTrace& trace_;
  const std::vector<std::string>& streams_;
  const std::vector<Stamp> stamps_;
  const std::vector<bool> opaque_;
  const std::vector<bool> reordered_;
  CauseCosts result_;
  uint64_t last_stamp_ = UINT64_MAX;
};

}  // namespace

const CauseText& TextOf(Cause cause) {
  static constexpr CauseText kTexts[] = {
      {"new_content", "new code and data", ""},
      {"churn", "small changes in what stayed",
       "same compiler and options for both releases; link-time optimisation spreads every edit"},
      {"moved", "addresses that moved",
       "leave room between parts that grow, so that others stay where they are"},
      {"reordered", "another order of functions and data",
       "fix the link order: sorted inputs, a symbol ordering file"},
      {"moved_data", "pointers that moved on their own",
       "keep the order of variables and tables: new ones last"},
      {"build_stamps", "dates, times and ids of the build",
       "reproducible builds: no __DATE__ and __TIME__, SOURCE_DATE_EPOCH, no build ids"},
      {"opaque", "compressed or encrypted data",
       "ship it uncompressed: the patch compresses what has changed"},
      {"search", "marking what is unchanged", ""},
  };
  static_assert(std::size(kTexts) == static_cast<size_t>(Cause::kCount));
  return kTexts[static_cast<size_t>(cause)];
}

CauseCosts FindCauses(ByteView old_image, ByteView new_image, const CostTrace& trace,
                      const std::vector<std::string>& stream_names) {
  return Judge(old_image, new_image, trace, stream_names).Run();
}

}  // namespace fwdelta
