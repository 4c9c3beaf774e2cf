// Payloads for processors of other kinds: writes old images, payloads and the new images that must come out.
//
//   make_foreign_cases FILE               random plans, and what the encoder makes of pairs of images
//   make_foreign_cases --hostile FILE     the most work that a payload can ask for, in one case
//   make_foreign_cases --no-work FILE     literals of the same length instead
//
// A file is a list of cases: arena, old length, payload length, new length (u32, little-endian), old image,
// payload, new image.
#include <cstdint>
#include <cstdio>
#include <string_view>

#include "libdelta/host/payload.h"
#include "tests/support/images.h"
#include "tests/support/payloads.h"
#include "tests/support/random_plans.h"

namespace libdelta::testing {
namespace {

struct Case {
  uint32_t arena;
  Bytes old_image;
  Bytes payload;
  Bytes new_image;
};

constexpr uint32_t kArena = 60000;

bool Append(std::FILE* file, const Case& c) {
  bool ok = true;
  for (const size_t number : {size_t{c.arena}, c.old_image.size(), c.payload.size(), c.new_image.size()}) {
    for (uint32_t i = 0; i < 4; ++i)
      ok = std::fputc(static_cast<int>(number >> 8 * i & 255), file) >= 0 && ok;
  }
  for (const Bytes* bytes : {&c.old_image, &c.payload, &c.new_image}) {
    if (bytes->empty()) continue;  // fwrite() does not take null.
    ok = std::fwrite(bytes->data(), 1, bytes->size(), file) == bytes->size() && ok;
  }
  return ok;
}

Case Coded(const PlannedPair& pair) {
  const CodedPlan coded = CodePlan(pair.old_image, pair.new_image, pair.plan, kArena);
  if (coded.status != LIBDELTA_OK) std::abort();
  return {kArena, pair.old_image, coded.data, pair.new_image};
}

bool AppendRandom(std::FILE* file) {
  bool ok = true;
  for (uint64_t seed = 0; seed < 150; ++seed) {
    ok = Append(file, Coded(MakePlannedPair(seed, seed % 3 == 0 ? 0 : 20))) && ok;
  }
  for (const NamedPair& pair : AllPairs()) {
    PayloadOptions options;
    options.arena = 6000;
    const Bytes old_image = pair.old_image();
    const Bytes new_image = pair.new_image();
    if (new_image.empty()) continue;
    ok = Append(file,
                {options.arena, old_image, EncodePayload(old_image, new_image, options).data, new_image}) &&
         ok;
  }
  return ok;
}

bool AppendHostile(std::FILE* file, bool work) {
  PlannedPair pair = MakeHostilePair(kArena);
  if (!work) pair.plan = LiteralPlan(pair.new_image.size());
  return Append(file, Coded(pair));
}

int Main(int argc, char** argv) {
  const std::string_view mode = argc == 3 ? argv[1] : "";
  if (argc < 2 || argc > 3) return 2;
  std::FILE* file = std::fopen(argv[argc - 1], "wb");
  if (file == nullptr) return 1;
  const bool ok = mode.empty() ? AppendRandom(file) : AppendHostile(file, mode == "--hostile");
  return std::fclose(file) == 0 && ok ? 0 : 1;
}

}  // namespace
}  // namespace libdelta::testing

int main(int argc, char** argv) { return libdelta::testing::Main(argc, argv); }
