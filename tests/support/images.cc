#include "tests/support/images.h"

#include <algorithm>

#include "bench/support/thumb_images.h"
#include "tests/support/patches.h"
#include "tests/support/random.h"

namespace libdelta::testing {
namespace {

ptrdiff_t At(size_t position) { return static_cast<ptrdiff_t>(position); }

Bytes Slice(const Bytes& image, size_t from, size_t to) {
  return Bytes(image.begin() + At(from), image.begin() + At(to));
}

Bytes Joined(Bytes first, const Bytes& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

Bytes WithInserted(const Bytes& image, size_t at, const Bytes& piece) {
  return Joined(Joined(Slice(image, 0, at), piece), Slice(image, at, image.size()));
}

Bytes WithDeleted(const Bytes& image, size_t from, size_t to) {
  return Joined(Slice(image, 0, from), Slice(image, to, image.size()));
}

Bytes Noise() { return RandomBytes(6000, 11); }
Bytes Text() { return TextLike(9000, 12); }
Bytes Zeros() { return Bytes(5000, 0); }

// Words that count up: every byte differs from its neighbours in the same way.
Bytes CountingWords(uint32_t first, uint32_t step, size_t count) {
  Bytes out;
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t word = first + step * i;
    for (uint32_t shift = 0; shift < 32; shift += 8) out.push_back(static_cast<uint8_t>(word >> shift));
  }
  return out;
}

// A patterned image in which each byte depends on its position's bits: many near matches everywhere.
Bytes ThueMorse(size_t size) {
  Bytes out(size);
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<uint8_t>(__builtin_popcountll(i) & 1);
  return out;
}

bench::ImagePair Thumb(const bench::ThumbProgram& program) { return bench::MakeThumbImages(program); }

bench::ImagePair SmallThumb() { return Thumb({.seed = 31, .size = 12 * 1024}); }
bench::ImagePair EditedThumb() {
  return Thumb({.seed = 32, .size = 24 * 1024, .edited_per_mille = 120, .added_per_mille = 40});
}
bench::ImagePair RewrittenThumb() {
  return Thumb({.seed = 33,
                .size = 32 * 1024,
                .edited_per_mille = 100,
                .replaced_per_mille = 120,
                .added_per_mille = 60,
                .variables_added = 9});
}
bench::ImagePair ManyVariables() {
  return Thumb({.seed = 34, .size = 40 * 1024, .edited_per_mille = 10, .variables_added = 120});
}

// Functions in another order without new links: calls and pointers are wrong, as in an odd build.
Bytes ShuffledThumb() { return WithBlocksShuffled(SmallThumb().old_image, 512, 35); }

}  // namespace

Bytes Periodic(const Bytes& pattern, size_t size) {
  Bytes out(size);
  for (size_t i = 0; i < size; ++i) out[i] = pattern[i % pattern.size()];
  return out;
}

Bytes FibonacciWord(size_t size) {
  Bytes previous = {'b'};
  Bytes word = {'a'};
  while (word.size() < size) {
    Bytes next = Joined(word, previous);
    previous = std::move(word);
    word = std::move(next);
  }
  word.resize(size);
  return word;
}

Bytes DeBruijn(uint32_t letters) {
  // An Euler tour: from each letter the arcs to all letters, each used once, highest first.
  std::vector<uint32_t> arcs_left(letters, letters);
  std::vector<uint32_t> path = {0};
  Bytes tour;
  while (!path.empty()) {
    const uint32_t at = path.back();
    if (arcs_left[at] != 0) {
      path.push_back(--arcs_left[at]);
    } else {
      tour.push_back(static_cast<uint8_t>(at));
      path.pop_back();
    }
  }
  tour.pop_back();
  return tour;
}

Bytes TextLike(size_t size, uint64_t seed) {
  static constexpr char kLetters[] = "  eeettaaooiinnsshhrrddllcum.\n";
  Random random(seed);
  Bytes out(size);
  for (uint8_t& byte : out) byte = static_cast<uint8_t>(kLetters[random.Below(sizeof(kLetters) - 1)]);
  return out;
}

Bytes WithEdits(const Bytes& image, size_t spacing, uint64_t seed) {
  Random random(seed);
  Bytes out;
  for (size_t i = 0; i < image.size();) {
    switch (random.Below(spacing * 3)) {
      case 0:
        out.push_back(random.Byte());
        ++i;
        break;
      case 1:
        for (size_t n = 1 + random.Below(20); n != 0; --n) out.push_back(random.Byte());
        break;
      case 2:
        i += 1 + random.Below(20);
        break;
      default:
        out.push_back(image[i++]);
    }
  }
  return out;
}

Bytes WithBlocksShuffled(const Bytes& image, size_t block, uint64_t seed) {
  Random random(seed);
  std::vector<size_t> order;
  for (size_t i = 0; i < image.size(); i += block) order.push_back(i);
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.Below(i)]);
  Bytes out;
  for (const size_t start : order) {
    out = Joined(std::move(out), Slice(image, start, std::min(start + block, image.size())));
  }
  return out;
}

const std::vector<NamedPair>& TinyPairs() {
  static const std::vector<NamedPair> pairs = {
      {"BothEmpty", [] { return Bytes{}; }, [] { return Bytes{}; }},
      {"OldEmpty", [] { return Bytes{}; }, [] { return TextLike(500, 1); }},
      {"NewEmpty", [] { return TextLike(500, 1); }, [] { return Bytes{}; }},
      {"OneByteSame", [] { return Bytes{7}; }, [] { return Bytes{7}; }},
      {"OneByteOther", [] { return Bytes{7}; }, [] { return Bytes{0xff}; }},
      {"OneByteFromNothing", [] { return Bytes{}; }, [] { return Bytes{0}; }},
      {"OneByteFromMany", [] { return RandomBytes(300, 2); }, [] { return Bytes{9}; }},
      {"ManyFromOneByte", [] { return Bytes{9}; }, [] { return RandomBytes(300, 2); }},
      {"TwoBytes",
       [] {
         return Bytes{1, 2};
       },
       [] {
         return Bytes{2, 1};
       }},
      {"ThreeBytes",
       [] {
         return Bytes{1, 2, 3};
       },
       [] {
         return Bytes{1, 2, 3, 4, 5};
       }},
      {"OneBlock", [] { return RandomBytes(64, 3); }, [] { return RandomBytes(64, 3); }},
      {"BlockAndOneByte", [] { return RandomBytes(65, 3); }, [] { return RandomBytes(65, 3); }},
  };
  return pairs;
}

const std::vector<NamedPair>& AwkwardPairs() {
  static const std::vector<NamedPair> pairs = {
      {"Identical", Noise, Noise},
      {"IdenticalZeros", [] { return Bytes(40000, 0); }, [] { return Bytes(40000, 0); }},
      {"IdenticalOnes", [] { return Bytes(20000, 0xff); }, [] { return Bytes(20000, 0xff); }},
      {"ZerosLonger", Zeros, [] { return Bytes(7777, 0); }},
      {"ZerosShorter", Zeros, [] { return Bytes(4097, 0); }},
      {"ZerosToOnes", Zeros, [] { return Bytes(5000, 0xff); }},
      {"AllEqualFromNothing", [] { return Bytes{}; }, [] { return Bytes(9000, 0x5a); }},
      {"Incompressible", Noise, [] { return RandomBytes(6000, 13); }},
      {"IncompressibleFromNothing", [] { return Bytes{}; }, Noise},
      {"FewEdits", Noise, [] { return WithEdits(Noise(), 600, 14); }},
      {"ManyEdits", Text, [] { return WithEdits(Text(), 40, 15); }},
      {"EditsEverywhere", Noise, [] { return WithEdits(Noise(), 6, 16); }},
      {"Inserted", Noise, [] { return WithInserted(Noise(), 2500, RandomBytes(1500, 17)); }},
      {"InsertedAtStart", Text, [] { return Joined(RandomBytes(1, 18), Text()); }},
      {"Appended", Text, [] { return Joined(Text(), TextLike(2000, 19)); }},
      {"Deleted", Noise, [] { return WithDeleted(Noise(), 1000, 3333); }},
      {"DeletedAtStart", Noise, [] { return Slice(Noise(), 1, 6000); }},
      {"DeletedAtEnd", Text, [] { return Slice(Text(), 0, 8191); }},
      {"BlocksMoved", Noise, [] { return WithBlocksShuffled(Noise(), 700, 20); }},
      {"SmallBlocksMoved", Text, [] { return WithBlocksShuffled(Text(), 33, 21); }},
      {"HalvesSwapped", Noise, [] { return Joined(Slice(Noise(), 3000, 6000), Slice(Noise(), 0, 3000)); }},
      {"Doubled", Noise, [] { return Joined(Noise(), Noise()); }},
      {"OldMuchLarger", [] { return RandomBytes(60000, 22); },
       [] { return Slice(RandomBytes(60000, 22), 41000, 41900); }},
      {"OldMuchSmaller", [] { return RandomBytes(300, 23); },
       [] { return WithInserted(TextLike(20000, 24), 10000, RandomBytes(300, 23)); }},
      {"PeriodTwo",
       [] {
         return Periodic({1, 2}, 4001);
       },
       [] {
         return Periodic({2, 1}, 5003);
       }},
      {"PeriodsDiffer", [] { return Periodic(RandomBytes(251, 25), 9000); },
       [] { return Periodic(RandomBytes(241, 25), 9000); }},
      {"PeriodicWithEdits", [] { return Periodic(RandomBytes(64, 26), 8000); },
       [] { return WithEdits(Periodic(RandomBytes(64, 26), 8000), 200, 27); }},
      {"Fibonacci", [] { return FibonacciWord(6765); }, [] { return FibonacciWord(8000); }},
      {"FibonacciEdited", [] { return FibonacciWord(7000); },
       [] { return WithEdits(FibonacciWord(7000), 300, 28); }},
      {"ThueMorse", [] { return ThueMorse(4096); }, [] { return Slice(ThueMorse(10000), 1234, 7000); }},
      {"DeBruijn", [] { return DeBruijn(80); }, [] { return WithBlocksShuffled(DeBruijn(80), 100, 29); }},
      {"DeBruijnReversed", [] { return DeBruijn(64); },
       [] {
         Bytes image = DeBruijn(64);
         std::reverse(image.begin(), image.end());
         return image;
       }},
      {"CountingWords", [] { return CountingWords(0x20000000, 4, 1500); },
       [] { return CountingWords(0x20000010, 4, 1600); }},
      {"CountingHighWords", [] { return CountingWords(0xfffff000, 4, 1500); },
       [] { return CountingWords(0xfffff104, 4, 1500); }},
  };
  return pairs;
}

const std::vector<NamedPair>& ThumbPairs() {
  static const std::vector<NamedPair> pairs = {
      {"Thumb", [] { return SmallThumb().old_image; }, [] { return SmallThumb().new_image; }},
      {"ThumbIdentical", [] { return SmallThumb().old_image; }, [] { return SmallThumb().old_image; }},
      {"ThumbBackwards", [] { return SmallThumb().new_image; }, [] { return SmallThumb().old_image; }},
      {"ThumbEdited", [] { return EditedThumb().old_image; }, [] { return EditedThumb().new_image; }},
      {"ThumbRewritten", [] { return RewrittenThumb().old_image; },
       [] { return RewrittenThumb().new_image; }},
      {"ThumbManyVariables", [] { return ManyVariables().old_image; },
       [] { return ManyVariables().new_image; }},
      {"ThumbShuffled", [] { return SmallThumb().old_image; }, ShuffledThumb},
      {"ThumbOtherProgram", [] { return SmallThumb().old_image; },
       [] { return Thumb({.seed = 99, .size = 12 * 1024}).old_image; }},
      {"ThumbCutShort", [] { return SmallThumb().old_image; },
       [] { return Slice(SmallThumb().new_image, 0, 4099); }},
  };
  return pairs;
}

std::vector<NamedPair> AllPairs() {
  std::vector<NamedPair> all;
  for (const auto* group : {&TinyPairs(), &AwkwardPairs(), &ThumbPairs()}) {
    all.insert(all.end(), group->begin(), group->end());
  }
  return all;
}

std::string PairName(const NamedPair& pair) { return pair.name; }

}  // namespace libdelta::testing
