// Where code moved, references change as the address map says, time and again, and nothing else does. So a
// bit field that holds references gives itself away. All plausible fields are tried on a sample of changed
// words; for those that are right most often, the bits around them tell which words have the field: bits are
// demanded one after the other, first those that right predictions have more often than wrong ones, then
// those that leave out more wrong ones than right ones.
#include "libdelta/host/discovery.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "libdelta/host/bit_cost.h"
#include "libdelta/host/parallel.h"
#include "libdelta/host/parse.h"
#include "libdelta/host/references.h"

namespace libdelta {
namespace {

constexpr uint64_t kWord = 4;
constexpr uint64_t kStretch = 256;       // Places are taken in runs of this length.
constexpr size_t kMaxPlaces = 1u << 18;  // Looked at for the opcodes of a field.
constexpr size_t kMaxSample = 1500;      // Changed words that every field is tried on.
constexpr size_t kMinRight = 12;         // Of these, for a field to be looked at closely;
constexpr size_t kMaxFields = 20;        // at most so many are.
constexpr int64_t kRightGain = 14;       // Bits that a right prediction of a change saves,
constexpr int64_t kWrongCost = 10;       // that a wrong one costs,
constexpr int64_t kMinGain = 200;        // and that a template must save here.

// An old position in a segment, and where it went.
struct Place {
  uint64_t from;
  uint64_t to;
};

struct Field {
  Template form;  // Without an opcode.
  uint32_t ones;  // The field's bits in a word.
  size_t right;   // Words of the sample that it explains.
};

Field MakeField(uint32_t order, uint32_t twist, uint32_t scale, uint32_t origin,
                const std::vector<Run>& runs) {
  Field field{};
  Template& t = field.form;
  t.twist = static_cast<uint8_t>(twist);
  t.last_byte = kWord - 1;
  t.order = static_cast<uint8_t>(order);
  t.scale = static_cast<uint8_t>(scale);
  t.origin = static_cast<uint8_t>(origin);
  SetRuns(runs, 0, &t);
  for (uint32_t i = 0; i < runs.size(); ++i) field.ones |= RunOnes(t, i) << runs[i].shift;
  if (origin != 0) t.sign_bit = t.last_bit;
  return field;
}

// One run of bits, or one in either half of a word, in the three orders that bytes come in: relative to the
// word's address or absolute, in units of 1, 2 or 4 bytes. One run of big-endian words also with its lowest
// bit first.
std::vector<Field> PlausibleFields() {
  constexpr uint32_t kLittleHalvesHighFirst = 1;
  std::vector<Field> fields;
  const auto add = [&](uint32_t order, uint32_t twist, const std::vector<Run>& runs) {
    for (uint32_t scale = 0; scale <= 2; ++scale) {
      fields.push_back(MakeField(order, twist, scale, 1, runs));
      fields.push_back(MakeField(order, twist, scale, 0, runs));
    }
    fields.push_back(MakeField(order, twist, 2, 4, runs));  // From the address rounded down.
  };
  for (const uint32_t order : {kLittleEndian, kBigEndian, kLittleHalvesHighFirst}) {
    for (uint8_t shift = 0; shift <= 20; ++shift) {
      for (uint8_t length = 10; shift + length <= 32; ++length) {
        add(order, 0, {{shift, length}});
        if (order == kBigEndian) add(order, kReversed, {{shift, length}});
      }
    }
    for (uint8_t high = 4; high <= 12; ++high) {
      for (uint8_t low = 8; low < 16; ++low) {
        add(order, 0, {{16, high}, {0, low}});
        if (order == kLittleEndian) add(order, 0, {{0, high}, {16, low}});
      }
    }
  }
  return fields;
}

// `count` of `all`, evenly spread.
template <class T>
std::vector<T> Spread(const std::vector<T>& all, size_t count) {
  if (all.size() <= count) return all;
  std::vector<T> some;
  for (size_t i = 0; i < count; ++i) some.push_back(all[i * all.size() / count]);
  return some;
}

std::vector<Place> PlacesOf(const Plan& plan) {
  struct Stretch {
    Place start;
    uint64_t length;
  };
  std::vector<Stretch> stretches;
  for (size_t s = 0; s < plan.image_map.size(); ++s) {
    const MapEntry& entry = plan.image_map[s];
    for (uint64_t k = 0; k + kWord <= plan.segment_lengths[s]; k += kStretch) {
      const uint64_t length = std::min(kStretch, plan.segment_lengths[s] - k - (kWord - 1));
      stretches.push_back({{entry.old_position + k, entry.new_position + k}, length});
    }
  }
  std::vector<Place> places;
  for (const Stretch& s : Spread(stretches, kMaxPlaces / kStretch)) {
    for (uint64_t k = 0; k < s.length; ++k) places.push_back({s.start.from + k, s.start.to + k});
  }
  return places;
}

class Discovery {
 public:
  Discovery(ByteView old_image, ByteView new_image, const Plan& plan, unsigned threads)
      : threads_(threads),
        old_(old_image),
        new_(new_image),
        plan_(plan),
        relocator_(plan, old_image.size()),
        places_(PlacesOf(plan)),
        explained_(old_image.size(), 0) {
    for (const Template& t : plan.templates) MarkExplained(t);
  }

  std::vector<Template> Run(size_t limit) {
    std::vector<Template> found;
    for (const Field& field : BestFields()) {
      // A field may go with several opcodes.
      std::vector<Witness> witnesses = WitnessesOf(field.form);
      std::optional<Template> t;
      while (found.size() < limit && (t = FindOpcode(field, witnesses))) {
        found.push_back(*t);
        MarkExplained(*t);
        std::erase_if(witnesses, [&](const Witness& w) { return Explained(places_[w.place]); });
      }
    }
    return found;
  }

 private:
  // A word in which a field would change.
  struct Witness {
    uint64_t bits;  // The old word; above it the lowest two bits of its address.
    uint32_t place;
    bool right;
  };
  static constexpr uint32_t kAddressBits = 2;
  static constexpr uint32_t kWitnessBits = 32 + kAddressBits;

  // Right and wrong predictions.
  using Counts = std::array<uint64_t, 2>;
  static int64_t GainOf(const Counts& counts) {
    return kRightGain * static_cast<int64_t>(counts[1]) - kWrongCost * static_cast<int64_t>(counts[0]);
  }

  // How much better the odds of `some` are than those of `all`, for each of them that is right.
  static int64_t Lift(const Counts& some, const Counts& all) {
    const auto log = [](uint64_t count) { return static_cast<int64_t>(Log2Cost(count + 1)); };
    return static_cast<int64_t>(some[1]) * (log(some[1]) - log(some[0]) - log(all[1]) + log(all[0]));
  }

  uint32_t AddressOf(const Place& p) const { return plan_.base + static_cast<uint32_t>(p.from); }
  uint32_t Before(const Place& p, const Template& t) const {
    return LoadWord(old_.data() + p.from, kWord, t.order);
  }
  uint32_t After(const Place& p, const Template& t) const {
    return LoadWord(new_.data() + p.to, kWord, t.order);
  }

  // The word expected instead of `word`. Empty: it stays.
  std::optional<uint32_t> Change(const Template& t, const Place& p, uint32_t word) const {
    return relocator_.Change(t, {{word, 0}}, p.from, p.to);
  }

  bool Explained(const Place& p) const {
    const auto first = explained_.begin() + static_cast<std::ptrdiff_t>(p.from);
    return std::find(first, first + kWord, 1) != first + kWord;
  }

  void MarkExplained(const Template& t) {
    for (const Place& p : places_) {
      Words words;
      if ((AddressOf(p) & t.align_mask) || !FindReference(t, old_, p.from, &words)) continue;
      const std::optional<uint32_t> change = relocator_.Change(t, words, p.from, p.to);
      if (change != LoadWord(new_.data() + p.to, Width(t), t.order)) continue;
      std::fill_n(explained_.begin() + static_cast<std::ptrdiff_t>(p.from), Width(t), uint8_t{1});
    }
  }

  std::vector<Place> ChangedWords() const {
    std::vector<Place> changed;
    for (const Place& p : places_) {
      const uint8_t* word = old_.data() + p.from;
      if (!std::equal(word, word + kWord, new_.data() + p.to) && !Explained(p)) changed.push_back(p);
    }
    return Spread(changed, kMaxSample);
  }

  std::vector<Field> BestFields() const {
    const std::vector<Place> sample = ChangedWords();
    std::vector<Field> fields = PlausibleFields();
    // Fields of the same bits follow each other.
    std::vector<std::span<Field>> groups;
    for (size_t begin = 0, end = 0; begin < fields.size(); begin = end) {
      const auto same_bits = [&](const Field& f) {
        const Template& form = fields[begin].form;
        return f.ones == fields[begin].ones && f.form.order == form.order && f.form.twist == form.twist;
      };
      while (end < fields.size() && same_bits(fields[end])) ++end;
      groups.push_back(std::span(fields).subspan(begin, end - begin));
    }
    ForEachParallel(groups.size(), threads_, [&](size_t i) { CountRight(sample, groups[i]); });
    std::erase_if(fields, [](const Field& f) { return f.right < kMinRight; });
    std::stable_sort(fields.begin(), fields.end(),
                     [](const Field& a, const Field& b) { return a.right > b.right; });
    if (fields.size() > kMaxFields) fields.resize(kMaxFields);
    return fields;
  }

  // For fields of the same bits: of how many words they explain the change. Words in which other bits changed
  // are no witnesses.
  void CountRight(const std::vector<Place>& sample, std::span<Field> fields) const {
    const Template& bits = fields[0].form;
    for (const Place& p : sample) {
      const Words before = {{Before(p, bits), 0}};
      const Words after = {{After(p, bits), 0}};
      if ((before.at[0] ^ after.at[0]) & ~fields[0].ones) continue;
      const uint32_t old_field = Gather(bits, before.at);
      const uint32_t new_field = Gather(bits, after.at);
      for (Field& field : fields) {
        const uint32_t target = Target(field.form, old_field, AddressOf(p), kOldSide);
        const uint32_t new_address = plan_.base + static_cast<uint32_t>(p.to);
        uint32_t expected;
        field.right += relocator_.Known(target) &&
                       FieldFor(field.form, relocator_.Relocate(target), new_address, &expected) &&
                       expected == new_field;
      }
    }
  }

  std::vector<Witness> WitnessesOf(const Template& form) const {
    constexpr size_t kParts = 16;
    std::array<std::vector<Witness>, kParts> parts;
    ForEachParallel(kParts, threads_, [&](size_t part) {
      const size_t end = places_.size() * (part + 1) / kParts;
      for (size_t i = places_.size() * part / kParts; i < end; ++i) {
        const Place& p = places_[i];
        if (Explained(p)) continue;
        const uint32_t word = Before(p, form);
        const std::optional<uint32_t> change = Change(form, p, word);
        if (!change) continue;
        parts[part].push_back(
            {uint64_t{AddressOf(p)} << 32 | word, static_cast<uint32_t>(i), *change == After(p, form)});
      }
    });
    std::vector<Witness> witnesses;
    for (const auto& part : parts) witnesses.insert(witnesses.end(), part.begin(), part.end());
    return witnesses;
  }

  // Demands the bit outside `field` that is best at leaving out witnesses without it: while more would be
  // lost than saved, the one that improves the odds most, and then the one that saves most. Of address bits
  // only zeros can be demanded. False: none improves it.
  static bool DemandBit(const Field& field, std::vector<Witness>* witnesses, Counts* all, uint64_t* mask,
                        uint64_t* match) {
    std::array<std::array<Counts, 2>, kWitnessBits> counts{};
    for (const Witness& w : *witnesses) {
      for (uint32_t b = 0; b < kWitnessBits; ++b) ++counts[b][w.bits >> b & 1][w.right];
    }
    const bool pays = GainOf(*all) > 0;
    int64_t best = pays ? GainOf(*all) : 0;
    const Counts* left = nullptr;
    uint64_t bit = 0;
    uint64_t value = 0;
    for (uint32_t b = 0; b < kWitnessBits; ++b) {
      const uint64_t here = uint64_t{1} << b;
      if ((field.ones | *mask) & here) continue;
      for (uint32_t v = 0; v < (b < 32 ? 2 : 1); ++v) {
        const int64_t score = pays ? GainOf(counts[b][v]) : Lift(counts[b][v], *all);
        if (score <= best) continue;
        best = score;
        left = &counts[b][v];
        bit = here;
        value = v * here;
      }
    }
    if (left == nullptr) return false;
    *all = *left;
    *mask |= bit;
    *match |= value;
    std::erase_if(*witnesses, [&](const Witness& w) { return (w.bits & bit) != value; });
    return true;
  }

  static std::optional<Template> FindOpcode(const Field& field, std::vector<Witness> witnesses) {
    Counts all{};
    for (const Witness& w : witnesses) ++all[w.right];
    uint64_t mask = 0;
    uint64_t match = 0;
    while (DemandBit(field, &witnesses, &all, &mask, &match)) {
    }
    if (GainOf(all) < kMinGain) return std::nullopt;
    Template t = field.form;
    t.mask[0] = static_cast<uint32_t>(mask);
    t.match[0] = static_cast<uint32_t>(match);
    t.align_mask = static_cast<uint8_t>(mask >> 32);
    return t;
  }

  const unsigned threads_;
  const ByteView old_;
  const ByteView new_;
  const Plan& plan_;
  const Relocator relocator_;
  const std::vector<Place> places_;
  std::vector<uint8_t> explained_;  // Old bytes of references that are predicted.
};

}  // namespace

std::vector<Template> DiscoverTemplates(ByteView old_image, ByteView new_image, const Plan& plan,
                                        size_t limit, unsigned threads) {
  return Discovery(old_image, new_image, plan, threads).Run(limit);
}

}  // namespace libdelta
