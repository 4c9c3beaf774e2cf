// A shortest path through the new image.
//
// At each position the parse knows the cheapest way to have produced everything before it. From there it may
// go on with a literal byte, a copy from the output so far, or by following a *diagonal*: a fixed distance
// between old and new position. A diagonal stays active over mismatches as long as that may still pay, so
// long approximate copies and short exact ones compete at their estimated price in bits. Candidates are the
// longest match at each position, in images whose reference fields are cleared, and the diagonals used last.
#include "libdelta/host/parse.h"

#include <algorithm>
#include <array>
#include <limits>

#include "libdelta/host/bit_cost.h"
#include "libdelta/host/page_order.h"
#include "libdelta/host/parallel.h"

namespace libdelta {
namespace {

using Cost = uint64_t;
constexpr Cost kInfinite = std::numeric_limits<Cost>::max() / 4;
constexpr Cost kOne = kBitCostOne;

// Prices, in cost units, of what the model turns out to charge on average.
constexpr Cost kByteHit = 6;
constexpr Cost kByteMiss = 8 * kOne;
constexpr Cost kByteMissAgain = 5 * kOne;  // As far off as the last one on the diagonal.
constexpr Cost kReferenceHit = kOne / 15;
constexpr Cost kReferenceMaybe = kOne;
constexpr Cost kReferenceMiss = 28 * kOne;
constexpr Cost kUnavailable = 64 * kOne;
constexpr Cost kCopyStart = 16 * kOne;  // Operation and length, source aside.
constexpr Cost kSameDiagonal = 10 * kOne;
constexpr Cost kSameDistance = 3 * kOne;  // What a copy from the output costs less then.
constexpr Cost kLiteralStart = 2 * kOne;
constexpr Cost kLiteralLeast = 400;
constexpr size_t kMaxActive = 20;
constexpr size_t kMinOldMatch = 6;
constexpr size_t kMinRepeat = 2;  // At the distance used last.

struct Arrival {
  Cost cost = kInfinite;
  uint64_t from = 0;  // Where the operation that ends here started.
  uint64_t source = 0;
  OperationKind kind = OperationKind::kLiteral;
  int64_t shift = 0;      // Diagonal of the last old copy on the way here.
  uint64_t distance = 0;  // Of the last copy from the output on the way here; 0: none.
};

struct Active {
  int64_t shift;  // Old position minus new position.
  Cost cost;
  uint64_t from;
  uint8_t delta = 0;  // Of the last byte that was not as expected: how far off.
};

// Order-1 statistics of the new image as the price of a literal. The model, with more contexts but with
// everything still to learn, ends up at about five eighths of them and a bit more.
class LiteralPrices {
 public:
  explicit LiteralPrices(ByteView image) : pairs_(65536, 0) {
    std::vector<uint32_t> singles(256, 0);
    for (size_t i = 1; i < image.size(); ++i) {
      ++pairs_[Pair(image, i)];
      ++singles[image[i - 1]];
    }
    for (size_t p = 0; p < pairs_.size(); ++p) {
      if (pairs_[p] != 0) pairs_[p] = Log2Cost(singles[p >> 8] + 64) - Log2Cost(pairs_[p] + 1);
    }
  }
  Cost At(ByteView image, size_t i, uint32_t scale) const {
    if (i == 0) return 8 * kOne;
    return Cost{pairs_[Pair(image, i)]} * scale / 64 + kLiteralLeast;
  }

 private:
  static size_t Pair(ByteView image, size_t i) { return static_cast<size_t>(image[i - 1]) << 8 | image[i]; }
  std::vector<uint32_t> pairs_;  // Price of the second byte, in units of 1 / kOne bits.
};

// Parses one window of the new image.
class Parser {
 public:
  Parser(const ParseInput& input, const Plan& plan, const ParseOptions& options,
         const LiteralPrices& literals, const Matches& matches)
      : in_(input),
        plan_(plan),
        options_(options),
        relocator_(plan, input.old_image.size()),
        literals_(literals),
        matches_(matches),
        begin_(matches.begin()),
        end_(matches.end()),
        arrivals_(end_ - begin_ + 1),
        new_copy_start_(options.prices.copy_bits * kOne) {
    source_cost_ = Log2Cost(std::max<uint64_t>(input.old_image.size(), 2)) + 3 * kOne;
  }

  std::vector<Operation> Run() {
    ArrivalAt(begin_).cost = 0;
    for (size_t i = begin_; i < end_; ++i) {
      const bool settled = InGoodCopy(i);
      if (in_.old_index) {
        if (!settled) EnterBestMatch(i);
        EnterLastDiagonal(i);
      }
      const Arrival& here = ArrivalAt(i);
      Reach(i + 1,
            here.cost + literals_.At(in_.new_image, i, options_.prices.literal_scale) + LiteralStart(i), i, 0,
            OperationKind::kLiteral, here.shift);
      if (!settled) CopyFromOutput(i);
      AdvanceDiagonals(i);
    }
    return TraceBack();
  }

 private:
  Cost LiteralStart(size_t i) const {
    return i == begin_ || ArrivalAt(i).kind != OperationKind::kLiteral ? kLiteralStart : 0;
  }

  Arrival& ArrivalAt(size_t i) { return arrivals_[i - begin_]; }
  const Arrival& ArrivalAt(size_t i) const { return arrivals_[i - begin_]; }

  void Reach(size_t at, Cost cost, size_t from, uint64_t source, OperationKind kind, int64_t shift) {
    Arrival& arrival = ArrivalAt(at);
    if (cost >= arrival.cost) return;
    const uint64_t distance = kind == OperationKind::kNew ? source : ArrivalAt(from).distance;
    arrival = {cost, from, source, kind, shift, distance};
  }

  // Looks for the longest match at `i`; while inside a long one, offers that one again instead.
  void EnterBestMatch(size_t i) {
    if (IsInLongOld(i, long_end_)) {
      Enter(i, match_shift_);
      return;
    }
    const uint64_t near =
        static_cast<uint64_t>(std::max<int64_t>(0, static_cast<int64_t>(i) + ArrivalAt(i).shift));
    const Match match = matches_.FindOld(i, near);
    if (match.length < kMinOldMatch) return;
    match_shift_ = static_cast<int64_t>(match.position) - static_cast<int64_t>(i);
    if (match.length > kLongEnough) long_end_ = i + match.length;
    Enter(i, match_shift_);
  }

  // Whether the cheapest way here is a copy that has lasted and goes on: no need to look for anything else.
  bool InGoodCopy(size_t i) const {
    const Arrival& here = ArrivalAt(i);
    if (here.kind != OperationKind::kOld || i - here.from < kSettled || i + kSettled > end_) return false;
    const uint64_t old_position = here.source + (i - here.from);
    if (old_position + kSettled > in_.old_image.size()) return false;
    const uint8_t* from = in_.old_scan->normalised().data() + old_position;
    return std::equal(from, from + kSettled, in_.new_scan->normalised().data() + i);
  }

  // The diagonal last used on the cheapest way here is cheap to return to.
  void EnterLastDiagonal(size_t i) {
    const int64_t shift = ArrivalAt(i).shift;
    const int64_t old_position = static_cast<int64_t>(i) + shift;
    if (i == begin_ || old_position < 0 || old_position + 1 >= static_cast<int64_t>(in_.old_image.size()))
      return;
    if (i + 1 >= in_.new_image.size()) return;
    const size_t o = static_cast<size_t>(old_position);
    if (in_.old_image[o] == in_.new_image[i] || in_.old_scan->kind(o) != ReferenceScan::kNone)
      Enter(i, shift);
  }

  void Enter(size_t i, int64_t shift) {
    const Cost cost = ArrivalAt(i).cost + kCopyStart + SourceCost(shift - ArrivalAt(i).shift);
    for (Active& a : active_) {
      if (a.shift != shift) continue;
      if (cost < a.cost) a = {shift, cost, i};
      return;
    }
    if (active_.size() >= kMaxActive) {
      auto worst = std::max_element(active_.begin(), active_.end(),
                                    [](const Active& a, const Active& b) { return a.cost < b.cost; });
      if (worst->cost <= cost) return;
      *worst = {shift, cost, i};
      return;
    }
    active_.push_back({shift, cost, i});
  }

  // Price of naming a diagonal that is so far from the last one.
  Cost SourceCost(int64_t difference) const {
    if (difference == 0) return kSameDiagonal;
    return std::min(source_cost_, Log2Cost(static_cast<uint64_t>(std::abs(difference))) + 4 * kOne);
  }

  void AdvanceDiagonals(size_t i) {
    for (Active& a : active_) {
      const int64_t o = static_cast<int64_t>(i) + a.shift;
      if (o < 0 || o >= static_cast<int64_t>(in_.old_image.size())) {
        a.cost = kInfinite;
        continue;
      }
      a.cost += ByteCost(static_cast<size_t>(o), i, &a.delta);
      if (a.cost < ArrivalAt(i + 1).cost) {
        Reach(i + 1, a.cost, a.from, static_cast<uint64_t>(static_cast<int64_t>(a.from) + a.shift),
              OperationKind::kOld, a.shift);
      }
    }
    // A diagonal that could be entered afresh for less has lost.
    const Cost bound = ArrivalAt(i + 1).cost + kCopyStart + source_cost_;
    std::erase_if(active_, [&](const Active& a) { return a.cost >= bound; });
  }

  // Price of taking new byte `i` from old byte `o`; a reference is paid for at its first byte. `delta` is
  // that of the diagonal.
  Cost ByteCost(size_t o, size_t i, uint8_t* delta) const {
    if (in_.order && !in_.order->HasOld(o, i)) return kUnavailable;
    const uint8_t kind = in_.old_scan->kind(o);
    const bool equal = in_.old_image[o] == in_.new_image[i];
    if (kind == ReferenceScan::kNone) {
      if (equal) return kByteHit;
      const uint8_t before = *delta;
      *delta = static_cast<uint8_t>(in_.new_image[i] - in_.old_image[o]);
      return *delta == before ? kByteMissAgain : kByteMiss;
    }
    if (kind == ReferenceScan::kInside) return 0;
    const Template& t = plan_.templates[kind - 1u];
    const uint32_t width = Width(t);
    if (i + width > in_.new_image.size()) return equal ? kByteHit : kByteMiss;
    if (options_.maps_known) {
      Words words;
      FindReference(t, in_.old_image, o, &words);
      const uint32_t new_word = LoadWord(in_.new_image.data() + i, width, t.order);
      if (relocator_.Change(t, words, o, i).value_or(words.at[0]) == new_word) return kReferenceHit;
    } else if (in_.new_scan->kind(i) == kind) {
      const auto same = [&](const auto& a, const auto& b) {
        return std::equal(a.begin() + o, a.begin() + o + width, b.begin() + i);
      };
      if (same(in_.old_scan->normalised(), in_.new_scan->normalised())) {
        return same(in_.old_image, in_.new_image) ? kReferenceHit : kReferenceMaybe;
      }
    }
    Cost cost = kOne;
    for (size_t k = 0; k < width; ++k) {
      cost += in_.old_image[o + k] == in_.new_image[i + k] ? kOne : kReferenceMiss / 4;
    }
    return cost;
  }

  // Copies from the output at the distance used last, which is cheap to code, and at others.
  void CopyFromOutput(size_t i) {
    const Arrival here = ArrivalAt(i);
    if (here.distance != 0) {
      const size_t length = matches_.Length(i - here.distance, i, kMaxSearch);
      ReachCopies(i, kMinRepeat, length, here.distance, here.cost + new_copy_start_ - kSameDistance);
    }
    const auto reach = [&](size_t distance, size_t length) {
      ReachCopies(i, kMinNewMatch, length, distance, here.cost + new_copy_start_ + Log2Cost(distance));
    };
    if (IsInLongNew(i, output_end_)) return reach(output_distance_, output_end_ - i);
    matches_.ForEachNew(i, [&](size_t distance, size_t length) {
      reach(distance, length);
      if (length <= kMaxSearch) return;
      output_end_ = i + length;
      output_distance_ = distance;
    });
  }

  // Ends of a copy that starts at `i`: all, or the last few of a long one.
  void ReachCopies(size_t i, size_t shortest, size_t longest, uint64_t distance, Cost cost) {
    if (in_.order) longest = in_.order->FinalBytes(i - distance, i, longest);
    if (longest > 32) shortest = longest - 16;
    for (size_t k = shortest; k <= longest; ++k) {
      if (!matches_.CanEnd(i - distance, i, k)) continue;
      Reach(i + k, cost, i, distance, OperationKind::kNew, ArrivalAt(i).shift);
    }
  }

  std::vector<Operation> TraceBack() const {
    std::vector<Operation> reversed;
    for (size_t at = end_; at > begin_;) {
      const Arrival& a = ArrivalAt(at);
      reversed.push_back({a.kind, a.from, at - a.from, a.source});
      at = a.from;
    }
    return {reversed.rbegin(), reversed.rend()};
  }

  const ParseInput& in_;
  const Plan& plan_;
  const ParseOptions& options_;
  Relocator relocator_;
  const LiteralPrices& literals_;
  const Matches& matches_;
  const size_t begin_;
  const size_t end_;
  std::vector<Arrival> arrivals_;
  std::vector<Active> active_;
  Cost source_cost_;
  const Cost new_copy_start_;
  size_t long_end_ = 0;      // Of the last long match in the old image,
  int64_t match_shift_ = 0;  // and where the longest found last is.
  size_t output_end_ = 0;    // Of the last long match in the output,
  size_t output_distance_ = 0;
};

Matches MatchesOf(const ParseInput& input, const ParseOptions& options, size_t begin) {
  const size_t end = std::min(begin + options.window, input.new_image.size());
  return {{input.new_image, input.old_scan->normalised(), input.new_scan->normalised(), input.old_index,
           options.maps_known ? input.new_scan : nullptr},
          begin,
          end,
          options.output_tries};
}

// Joins what continues the operation before: literals, and a diagonal over the edge between two windows.
void Append(const Operation& next, std::vector<Operation>* operations) {
  if (!operations->empty()) {
    Operation& last = operations->back();
    if (last.kind == next.kind &&
        (next.kind == OperationKind::kLiteral ||
         (next.kind == OperationKind::kOld && last.source + last.length == next.source))) {
      last.length += next.length;
      return;
    }
  }
  operations->push_back(next);
}

constexpr uint32_t kStretchBits = 8;  // Of what Relocator looks up at once.

// The entry that says where `position` goes is the last one of [begin, end) that does not come after it; in
// front of all, the first.
uint64_t MapPosition(const MapEntry* begin, const MapEntry* end, uint64_t position) {
  const MapEntry* after = std::upper_bound(begin, end, position,
                                           [](uint64_t p, const MapEntry& e) { return p < e.old_position; });
  const MapEntry& entry = after == begin ? *after : *(after - 1);
  return position - entry.old_position + entry.new_position;
}

}  // namespace

Relocator::Relocator(const Plan& plan, uint64_t old_size) : plan_(plan), old_size_(old_size) {
  uint32_t entry = 0;
  for (uint64_t start = 0; start < old_size; start += uint64_t{1} << kStretchBits) {
    while (entry < plan.image_map.size() && plan.image_map[entry].old_position < start) ++entry;
    entries_before_.push_back(entry);
  }
  entries_before_.push_back(static_cast<uint32_t>(plan.image_map.size()));
}

bool Relocator::Known(uint32_t address) const {
  if (address - plan_.base < old_size_) return true;
  return !plan_.ram_map.empty() && address >= plan_.ram_map[0].old_position && address < plan_.ram_end;
}

uint64_t Relocator::MapOffset(uint32_t offset) const {
  if (plan_.image_map.empty()) return offset;
  const MapEntry* map = plan_.image_map.data();
  const size_t stretch = offset >> kStretchBits;
  const uint32_t before = entries_before_[stretch];
  return MapPosition(map + before - (before != 0), map + entries_before_[stretch + 1], offset);
}

uint32_t Relocator::Relocate(uint32_t address) const {
  const uint32_t offset = address - plan_.base;
  if (offset < old_size_) return plan_.base + static_cast<uint32_t>(MapOffset(offset));
  if (!Known(address)) return address;
  const std::vector<MapEntry>& ram = plan_.ram_map;
  return static_cast<uint32_t>(MapPosition(ram.data(), ram.data() + ram.size(), address));
}

std::optional<uint32_t> Relocator::Change(const Template& t, const Words& words, uint64_t old_position,
                                          uint64_t new_position) const {
  const uint32_t old_address = plan_.base + static_cast<uint32_t>(old_position);
  const uint32_t target = Target(t, Gather(t, words.at), old_address, kOldSide);
  uint32_t field;
  if (!Known(target) ||
      !FieldFor(t, Relocate(target), plan_.base + static_cast<uint32_t>(new_position), &field)) {
    return std::nullopt;
  }
  const uint32_t word = WithField(t, words, field);
  if (word == words.at[0]) return std::nullopt;
  return word;
}

std::deque<Matches> PrepareMatches(const ParseInput& input, const ParseOptions& options) {
  std::deque<Matches> windows;
  for (size_t begin = 0; begin < input.new_image.size(); begin += options.window) {
    windows.push_back(MatchesOf(input, options, begin));
    windows.back().Prepare(options.threads);
  }
  return windows;
}

std::vector<Operation> Parse(const ParseInput& input, const Plan& plan, const ParseOptions& options) {
  const LiteralPrices literals(input.new_image);
  std::vector<std::vector<Operation>> windows((input.new_image.size() + options.window - 1) / options.window);
  ForEachParallel(windows.size(), options.threads, [&](size_t i) {
    std::optional<Matches> own;
    if (!input.matches) own = MatchesOf(input, options, i * options.window);
    windows[i] = Parser(input, plan, options, literals, own ? *own : (*input.matches)[i]).Run();
  });
  std::vector<Operation> operations;
  for (const std::vector<Operation>& window : windows) {
    for (const Operation& o : window) Append(o, &operations);
  }
  return operations;
}

}  // namespace libdelta
