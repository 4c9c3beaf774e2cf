// Makes the decoder inputs of tests/golden (golden.h says what is there) and the seeds of the fuzzers.
//
//   make_golden SOURCE_DIR
//
// Run it by hand when the format changes, and commit the result together with FORMAT.md. It replaces
// tests/golden/apply, tests/golden/refuse and the files named seed-* in fuzz/corpus.
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "bench/support/thumb_images.h"
#include "libdelta/device.h"
#include "libdelta/host.h"
#include "libdelta/host/container.h"
#include "libdelta/host/sha256.h"
#include "libdelta/wire/header.h"
#include "libdelta/wire/reference.h"
#include "tests/support/golden.h"
#include "tests/support/images.h"
#include "tests/support/patches.h"
#include "tests/support/payloads.h"

namespace libdelta::testing {
namespace {

namespace fs = std::filesystem;

void Write(const fs::path& path, ByteView bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream stream(path, std::ios::binary);
  stream.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!stream.flush()) {
    std::fprintf(stderr, "make_golden: cannot write %s\n", path.string().c_str());
    std::exit(1);
  }
}

void WriteText(const fs::path& path, const std::string& text) {
  Write(path, Bytes(text.begin(), text.end()));
}

template <typename T>
T Must(Result<T> result) {
  if (!result.ok()) {
    std::fprintf(stderr, "make_golden: %s\n", result.error().c_str());
    std::exit(1);
  }
  return std::move(result.value());
}

struct Case {
  std::string name;
  Bytes old_image;
  Bytes new_image;
  EncodeOptions options;
  Bytes patch;
};

EncodeOptions Small(uint64_t ram, uint32_t chunk, uint64_t group = 0) {
  EncodeOptions options;
  options.ram = ram;
  options.chunk = chunk;
  options.group = group;
  options.threads = 1;
  return options;
}

EncodeOptions Full(uint64_t ram) {
  EncodeOptions options = Small(ram, 256);
  options.kind = PayloadKind::kFullOnly;
  return options;
}

// Pointers into RAM behind two gigabytes, as on cores that map it there.
Bytes HighRamImage(uint32_t added) {
  Bytes out;
  for (uint32_t i = 0; i < 200; ++i) {
    const uint32_t address = 0xa0000000u + i * i % 199 * 8 + (i * i % 199 > 60 ? added : 0);
    uint8_t word[4];
    StoreWord(word, kLittleEndian, address);
    out.insert(out.end(), word, word + 4);
    const Bytes between = RandomBytes(8, i + 1);
    out.insert(out.end(), between.begin(), between.end());
  }
  return out;
}

std::vector<Case> MakeCases() {
  const auto thumb = bench::MakeThumbImages({.seed = 5, .size = 10 * 1024, .edited_per_mille = 80});
  const auto ram = bench::MakeThumbImages({.seed = 6, .size = 8 * 1024, .variables_added = 20});
  const Bytes text = TextLike(3000, 1);
  const Bytes noise = RandomBytes(2500, 2);
  EncodeOptions high_ram = Small(8192, 1024);
  high_ram.load_address = 0x9d000000;
  EncodeOptions ids = Small(4096, 256);
  ids.hardware = "board-7";
  ids.component = "app";
  ids.counter = 77;
  return {
      {"both-empty", {}, {}, Small(2048, 256), {}},
      {"to-empty", text, {}, Small(2048, 256), {}},
      {"one-byte", {1}, {2}, Small(2048, 256), {}},
      {"identical", text, text, Small(2048, 256), {}},
      {"identical-groups", text, text, Small(4096, 256, 64), {}},
      {"edits", text, WithEdits(text, 60, 3), Small(2048, 256), {}},
      {"edits-groups", text, WithEdits(text, 60, 3), Small(4096, 256, 64), {}},
      {"odd-chunks", noise, WithEdits(noise, 30, 4), Small(4096, 301), {}},
      {"moved", noise, WithBlocksShuffled(noise, 300, 5), Small(8192, 512), {}},
      {"ids", text, WithEdits(text, 500, 6), ids, {}},
      {"full", {}, text, Full(4096), {}},
      {"full-noise", {}, noise, Full(65536), {}},
      {"full-zstd", {}, text, Full(1 << 20), {}},
      {"thumb-2k", thumb.old_image, thumb.new_image, Small(2048, 256), {}},
      {"thumb-64k", thumb.old_image, thumb.new_image, Small(65536, 4096), {}},
      {"ram-map", ram.old_image, ram.new_image, Small(8192, 1024), {}},
      {"high-ram", HighRamImage(0), HighRamImage(24), high_ram, {}},
  };
}

// --- What must be refused --------------------------------------------------------------------------

struct Refusal {
  std::string name;
  std::string base;
  Bytes patch;
  libdelta_status status;
};

// A patch of `data` around the images of a case: whatever the data, header and chain are right.
Bytes Packed(const Case& from, ByteView data, uint8_t codec = kCodecDelta, uint64_t ram = 2048) {
  HeaderFields fields;
  fields.codec = codec;
  if (codec == kCodecDelta) fields.old_image = from.old_image;
  fields.new_image = from.new_image;
  fields.chunk_size = 256;
  fields.ram = codec == kCodecDelta ? ram : 1 << 20;
  return Must(Pack(data, fields));
}

// What the codec reads: the payload without links.
Bytes DataOf(ByteView patch) {
  const libdelta_header header = Must(ReadHeader(patch));
  Bytes data;
  for (size_t at = header.header_length; at < patch.size(); at += header.chunk_size) {
    const bool last = patch.size() - at <= header.chunk_size;
    const ByteView chunk = patch.subspan(at, last ? patch.size() - at : header.chunk_size);
    const ByteView kept = last ? chunk : chunk.subspan(kLinkSize);
    data.insert(data.end(), kept.begin(), kept.end());
  }
  return data;
}

Bytes With(Bytes bytes, size_t at, uint8_t value) {
  bytes[at] = value;
  return bytes;
}

Bytes Cut(Bytes bytes, size_t size) {
  bytes.resize(size);
  return bytes;
}

Bytes Extended(Bytes bytes, size_t count, uint8_t value) {
  bytes.resize(bytes.size() + count, value);
  return bytes;
}

void AddHeaderRefusals(const Case& from, std::vector<Refusal>* out) {
  const Bytes& patch = from.patch;
  const size_t size = patch.size();
  const libdelta_header header = Must(ReadHeader(patch));
  const size_t new_digest = static_cast<size_t>(header.new_digest - patch.data());
  const auto add = [&](const char* name, Bytes bytes, libdelta_status status) {
    out->push_back({name, from.name, std::move(bytes), status});
  };
  add("empty", {}, LIBDELTA_E_TRUNCATED);
  add("magic", With(patch, 0, 'X'), LIBDELTA_E_VERSION);
  add("version", With(patch, 3, kVersionMark | 2), LIBDELTA_E_VERSION);
  add("codec", With(patch, offsetof(WireHeader, codec), 9), LIBDELTA_E_UNSUPPORTED);
  add("header-cut", Cut(patch, 40), LIBDELTA_E_TRUNCATED);
  add("payload-cut", Cut(patch, size - 1), LIBDELTA_E_TRUNCATED);
  add("trailing", Extended(patch, 1, 0), LIBDELTA_E_TRAILING);
  add("old-digest", With(patch, static_cast<size_t>(header.old_digest - patch.data()), 0xaa),
      LIBDELTA_E_OLD_DIGEST);
  add("new-digest", With(patch, new_digest, static_cast<uint8_t>(patch[new_digest] + 1)),
      LIBDELTA_E_NEW_DIGEST);
  add("chunk", With(patch, size - 1, static_cast<uint8_t>(patch[size - 1] ^ 1)), LIBDELTA_E_CHUNK);
  add("signature-count", With(patch, header.signed_length, 9), LIBDELTA_E_MALFORMED);
}

void AddPayloadRefusals(const Case& from, std::vector<Refusal>* out) {
  const Bytes data = DataOf(from.patch);
  const auto add = [&](const char* name, const Bytes& bytes) {
    out->push_back({name, from.name, Packed(from, bytes), LIBDELTA_E_MALFORMED});
  };
  add("data-short", Cut(data, data.size() / 2));
  add("data-one-byte", {0x80});
  add("data-long", Extended(data, 100, 0x33));
  add("data-zero-at-end", Extended(data, 3, 0));
  add("data-ones", Bytes(400, 0xff));
  add("data-zeros", Bytes(400, 0));
  for (const PrologueCase& test : PrologueCases()) {
    const Bytes patch = Packed(from, test.bad, kCodecDelta, RamForArena(test.arena, kMinChunk));
    out->push_back({test.name, from.name, patch, LIBDELTA_E_MALFORMED});
  }
  // Copies that leave their image.
  const uint64_t old_size = from.old_image.size();
  const uint64_t new_size = from.new_image.size();
  const auto add_plan = [&](const char* name, const Plan& plan) {
    const CodedPlan coded = CodePlan(from.old_image, from.new_image, plan, 2048 - RamForArena(0, kMinChunk));
    if (coded.status != LIBDELTA_E_MALFORMED) {
      std::fprintf(stderr, "make_golden: %s is not malformed\n", name);
      std::exit(1);
    }
    add(name, Extended(coded.data, 64, 0x55));
  };
  Plan segment;
  segment.image_map = {{old_size - 99, 0}};
  segment.segment_lengths = {100};
  add_plan("segment-outside-base", segment);
  Plan copy;
  copy.operations = {{OperationKind::kOld, 0, 100, old_size - 99}};
  add_plan("copy-outside-base", copy);
  copy.operations = {{OperationKind::kNew, 0, 1, 1}};
  add_plan("copy-before-start", copy);
  add_plan("literals-beyond-end", LiteralPlan(new_size + 1));
  out->push_back({"zstd-noise", "full-zstd", Packed({"", {}, from.new_image, {}, {}}, data, kCodecZstd),
                  LIBDELTA_E_MALFORMED});
}

void WriteGolden(const fs::path& folder, const std::vector<Case>& cases) {
  fs::remove_all(folder / "apply");
  fs::remove_all(folder / "refuse");
  std::vector<Refusal> refusals;
  for (const Case& c : cases) {
    Write(folder / "apply" / c.name / "old.bin", c.old_image);
    Write(folder / "apply" / c.name / "patch.fwd", c.patch);
    WriteText(folder / "apply" / c.name / "new.sha256", ToHex(Sha256(c.new_image)) + "\n");
    if (c.name == "edits") {
      AddHeaderRefusals(c, &refusals);
      AddPayloadRefusals(c, &refusals);
    }
  }
  std::string index;
  for (const Refusal& r : refusals) {
    Write(folder / "refuse" / (r.name + ".fwd"), r.patch);
    index += r.name + " " + r.base + " " + std::to_string(r.status) + "\n";
  }
  WriteText(folder / "refuse" / "index.txt", index);
}

// --- Seeds -----------------------------------------------------------------------------------------

void Append(Bytes* out, ByteView bytes) { out->insert(out->end(), bytes.begin(), bytes.end()); }

// Input of fuzz_apply: options, base length, base, patch.
Bytes ApplySeed(const Case& c, uint8_t options) {
  Bytes seed = {options, static_cast<uint8_t>(c.old_image.size()),
                static_cast<uint8_t>(c.old_image.size() >> 8)};
  Append(&seed, c.old_image);
  Append(&seed, c.patch);
  return seed;
}

// Input of fuzz_roundtrip: options (2), old length (2), old, new.
Bytes RoundTripSeed(const Case& c, uint8_t options, uint8_t pieces) {
  Bytes seed = {options, pieces, static_cast<uint8_t>(c.old_image.size()),
                static_cast<uint8_t>(c.old_image.size() >> 8)};
  Append(&seed, c.old_image);
  Append(&seed, c.new_image);
  return seed;
}

// Input of fuzz_codec: arena (2), new length (2), old length (2), piece size (1), old, data.
Bytes CodecSeed(const Case& c) {
  const libdelta_header header = Must(ReadHeader(c.patch));
  const size_t arena = static_cast<size_t>(header.ram - RamForArena(0, header.chunk_size));
  const size_t new_size = c.new_image.size();
  const size_t old_size = c.old_image.size();
  Bytes seed;
  for (const size_t value : {arena, new_size, old_size}) {
    seed.push_back(static_cast<uint8_t>(value));
    seed.push_back(static_cast<uint8_t>(value >> 8));
  }
  seed.push_back(40);
  Append(&seed, c.old_image);
  Append(&seed, DataOf(c.patch));
  return seed;
}

std::vector<Case> SeedCases() {
  const auto thumb = bench::MakeThumbImages({.seed = 9, .size = 1536, .edited_per_mille = 200});
  const Bytes text = TextLike(700, 1);
  const Bytes noise = RandomBytes(400, 2);
  std::vector<Case> cases = {
      {"tiny", {1, 2, 3}, {1, 2, 4}, Small(2048, 256), {}},
      {"identical", text, text, Small(2048, 256, 64), {}},
      {"edits", text, WithEdits(text, 30, 3), Small(4096, 264), {}},
      {"moved", noise, WithBlocksShuffled(noise, 50, 4), Small(2048, 256), {}},
      {"repeats", FibonacciWord(300), FibonacciWord(500), Small(4096, 256), {}},
      {"thumb", thumb.old_image, thumb.new_image, Small(4096, 256), {}},
      {"full", {}, text, Full(2048), {}},
  };
  for (Case& c : cases) c.patch = Must(Encode(c.old_image, c.new_image, c.options)).bytes;
  return cases;
}

void RemoveSeeds(const fs::path& folder) {
  if (!fs::exists(folder)) return;
  std::vector<fs::path> old_seeds;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with("seed-")) old_seeds.push_back(entry.path());
  }
  for (const fs::path& path : old_seeds) fs::remove(path);
}

void WriteSeeds(const fs::path& folder) {
  RemoveSeeds(folder);
  uint8_t number = 0;
  for (const Case& c : SeedCases()) {
    const std::string name = "seed-" + c.name;
    const uint8_t piece = static_cast<uint8_t>(number * 38);
    Write(folder / "fuzz_apply" / name, ApplySeed(c, static_cast<uint8_t>(piece | 1)));
    Write(folder / "fuzz_roundtrip" / name, RoundTripSeed(c, static_cast<uint8_t>(number * 7), piece));
    const libdelta_header header = Must(ReadHeader(c.patch));
    if (header.codec == kCodecDelta) Write(folder / "fuzz_codec" / name, CodecSeed(c));
    const Bytes header_bytes(c.patch.begin(), c.patch.begin() + header.header_length);
    Write(folder / "fuzz_header" / name, number % 2 ? Signer(1).Sign(header_bytes) : header_bytes);
    ++number;
  }
}

}  // namespace
}  // namespace libdelta::testing

int main(int argc, char** argv) {
  using namespace libdelta::testing;  // NOLINT(google-build-using-namespace)
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_golden SOURCE_DIR\n");
    return 2;
  }
  std::vector<Case> cases = MakeCases();
  for (Case& c : cases) c.patch = Must(libdelta::Encode(c.old_image, c.new_image, c.options)).bytes;
  const std::filesystem::path source(argv[1]);
  WriteGolden(source / "tests/golden", cases);
  WriteSeeds(source / "fuzz/corpus");
  return 0;
}
