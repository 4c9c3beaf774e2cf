// How fast, and with how much memory: creating and applying patches, and the stages of that, by image size,
// with fits of how cost grows. A Google Benchmark program; images are generated
// (bench/support/thumb_images.h).
//
//   bench_speed [--machine TEXT] [--out CSV] [--benchmark_...]
//       Images of 64 KiB to 64 MiB. Prints the measures, then the bars; fails when one is missed. Bars of
//       what --benchmark_filter leaves out are not judged.
//   bench_speed --short
//       For the tests: the smallest images, and bars kSlack times as wide, which only a mistake misses.
//
// Measures:
//   create           a point release; create_major: a third of the functions edited, replaced or new
//   apply_unchanged  an image against itself; apply_moved: some new functions, and what was there has moved
//                    and refers to moved places; apply_changed: nothing was there before. In RAM, without
//                    digests, and ..._digests: with SHA-256 of both images and the patch
//   match_index      the index of the old image; match_find: looking up a piece of 64 bytes of each 64 of the
//                    new one
//   code, decode     a byte at a time through model and arithmetic coder
//   templates        finding instruction set, load address and references of an image
//   sha256           of an image, on the host
// Columns of the CSV:
//   image          bytes of the new image
//   patch          bytes, unsigned; where there is one
//   seconds        of the best run: other work on the machine only ever adds time
//   mb_per_s       10^6 bytes of new image per second
//   ns_per_nlog2n  seconds * 10^9 / (image * log2(image)): does not grow if cost is n log n
//   peak_mib       most memory of the process meanwhile, images included; Linux only
//   machine        what this was measured on
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench/support/apply.h"
#include "bench/support/program.h"
#include "bench/support/thumb_images.h"
#include "libdelta/device/range_decoder.h"
#include "libdelta/host.h"
#include "libdelta/host/analysis.h"
#include "libdelta/host/isa.h"
#include "libdelta/host/matcher.h"
#include "libdelta/host/range_encoder.h"
#include "libdelta/host/sha256.h"
#include "libdelta/wire/model.h"

namespace bench {
namespace {

constexpr uint32_t kKiB = 1024;
constexpr uint32_t kLargest = 64 * 1024 * kKiB;
constexpr uint32_t kLargestShort = 256 * kKiB;
constexpr uint32_t kBarSize = 300 * kKiB;
// Bars. Growth is how much ns_per_nlog2n may exceed that of a smaller image: caches make some difference.
constexpr double kCreateSeconds = 1;        // A pair of 300 KiB.
constexpr double kCreateMebibytes = 190.7;  // 200 MB, likewise.
constexpr double kGrowth = 1.5;
constexpr double kUnchangedRate = 500;  // MB/s, without digests.
constexpr double kChangedRate = 2;
constexpr double kSlack = 3;

// --- measuring ------------------------------------------------------------------------------------

// Lets the peak of this process begin at what it holds now (proc(5), clear_refs).
void ResetPeak() {
  malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << 5;
}

// MiB since then; 0 where the system does not tell.
double PeakMemory() {
  std::ifstream status("/proc/self/status");
  for (std::string name; status >> name;) {
    uint64_t kib = 0;
    if (name == "VmHWM:" && status >> kib) return static_cast<double>(kib) / kKiB;
  }
  return 0;
}

// Runs `work` as often as the benchmark wants, for an image of `size` bytes.
void Measure(benchmark::State& state, uint64_t size, const std::function<void()>& work) {
  double best = std::numeric_limits<double>::infinity();
  ResetPeak();
  for ([[maybe_unused]] const auto iteration : state) {
    const auto start = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    best = std::min(best, elapsed.count());
  }
  state.SetComplexityN(static_cast<int64_t>(size));
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(size));
  state.counters["image"] = static_cast<double>(size);
  state.counters["best_s"] = best;
  state.counters["peak_MiB"] = PeakMemory();
}

// --- create and apply -----------------------------------------------------------------------------

libdelta::Bytes Create(const ImagePair& images) {
  libdelta::Result<libdelta::Patch> patch =
      libdelta::Encode(images.old_image, images.new_image, libdelta::EncodeOptions());
  if (!patch.ok()) Die(patch.error());
  return std::move(patch.value().bytes);
}

ImagePair PointRelease(uint32_t size) {
  ThumbProgram program;
  program.size = size;
  return MakeThumbImages(program);
}

ImagePair MajorRelease(uint32_t size) { return MakeThumbImages({1, size, 300, 20, 20, 20}); }

// An image against itself.
ImagePair UnchangedImages(uint32_t size) {
  const libdelta::Bytes image = MakeThumbImages({1, size, 0, 0, 0, 0}).old_image;
  return {image, image};
}

// Few functions are new, but most references are not what they were.
ImagePair MovedImages(uint32_t size) { return MakeThumbImages({1, size, 0, 0, 1, 1}); }

// An image of which nothing was there before.
ImagePair ChangedImages(uint32_t size) {
  return {MakeThumbImages({1, size, 0, 0, 0, 0}).old_image, MakeThumbImages({2, size, 0, 0, 0, 0}).old_image};
}

using MakeImages = ImagePair (*)(uint32_t size);

void MeasureCreate(benchmark::State& state, MakeImages make_images) {
  const ImagePair images = make_images(static_cast<uint32_t>(state.range(0)));
  size_t patch = 0;
  Measure(state, images.new_image.size(), [&] { patch = Create(images).size(); });
  state.counters["patch"] = static_cast<double>(patch);
}

// Patches to apply, made once: with and without digests it is the same one.
class PatchCache {
 public:
  const libdelta::Bytes& Get(MakeImages make_images, int64_t size, const ImagePair& images) {
    libdelta::Bytes& patch = patches_[{make_images, size}];
    if (patch.empty()) patch = Create(images);
    return patch;
  }

 private:
  std::map<std::pair<MakeImages, int64_t>, libdelta::Bytes> patches_;
};

void MeasureApply(benchmark::State& state, PatchCache* patches, MakeImages make_images, bool with_digests) {
  const ImagePair images = make_images(static_cast<uint32_t>(state.range(0)));
  const libdelta::Bytes& patch = patches->Get(make_images, state.range(0), images);
  Digests digests;
  libdelta::Bytes result(images.new_image.size());
  const auto apply = [&](const libdelta_crypto& crypto) {
    const libdelta_status status = Apply(images.old_image, patch, 4 * kKiB, crypto, &result);
    if (status != LIBDELTA_OK) Die(libdelta_status_text(status));
  };
  apply(ComputeDigests(&digests));
  if (result != images.new_image) Die("wrong result");
  Measure(state, images.new_image.size(),
          [&] { apply(with_digests ? ComputeDigests(&digests) : ReplayDigests(&digests)); });
  state.counters["patch"] = static_cast<double>(patch.size());
}

// --- stages ---------------------------------------------------------------------------------------

void MeasureIndex(benchmark::State& state) {
  const ImagePair images = PointRelease(static_cast<uint32_t>(state.range(0)));
  Measure(state, images.old_image.size(),
          [&] { benchmark::DoNotOptimize(libdelta::MakeIndex(images.old_image)); });
}

void MeasureFind(benchmark::State& state) {
  constexpr size_t kPiece = 64;
  const ImagePair images = PointRelease(static_cast<uint32_t>(state.range(0)));
  const libdelta::ByteView image = images.new_image;
  const std::unique_ptr<libdelta::OldIndex> index = libdelta::MakeIndex(images.old_image);
  Measure(state, image.size(), [&] {
    for (size_t at = 0; at + kPiece <= image.size(); at += kPiece) {
      benchmark::DoNotOptimize(index->Find(image.subspan(at, kPiece), at));
    }
  });
}

struct EncodingPort {
  libdelta::RangeEncoder* encoder;
  int Bit(uint32_t p12, int bit) {
    encoder->Bit(p12, bit);
    return bit;
  }
};

struct DecodingPort {
  libdelta::RangeDecoder* decoder;
  int Bit(uint32_t p12, int /*unknown*/) { return decoder->Bit(p12); }
};

// Passes `bytes` through a model of 64 KiB, in contexts of the bytes before. When decoding, that fills them
// in.
template <class Port>
void CodeBytes(Port* port, libdelta::Bytes* bytes) {
  constexpr uint32_t kUnits = 64 * kKiB / libdelta::kSlotUnitSize;
  std::vector<libdelta::Weight> memory((libdelta::kModelSize + kUnits * libdelta::kSlotUnitSize) /
                                       sizeof(libdelta::Weight));
  libdelta::Model<Port> model = {};
  model.Start(port);
  model.Attach(memory.data(), kUnits, libdelta::kMaxConfidence);
  model.Reset();
  uint32_t before = 0;
  for (uint8_t& byte : *bytes) {
    libdelta::Input contexts[libdelta::kInputs];
    for (uint32_t i = 0; i < libdelta::kInputs; i++) {
      contexts[i].context = i << 28 | (before & ((1u << 8 * std::min(i, 3u)) - 1));
    }
    byte = static_cast<uint8_t>(model.CodeByte(contexts, 0, byte));
    before = before << 8 | byte;
  }
}

libdelta::Bytes Encoded(libdelta::Bytes bytes) {
  libdelta::Bytes coded;
  libdelta::RangeEncoder encoder(&coded);
  EncodingPort port{&encoder};
  CodeBytes(&port, &bytes);
  encoder.EndGroup();
  return coded;
}

void MeasureCode(benchmark::State& state) {
  const libdelta::Bytes image = PointRelease(static_cast<uint32_t>(state.range(0))).old_image;
  Measure(state, image.size(), [&] { benchmark::DoNotOptimize(Encoded(image)); });
}

void MeasureDecode(benchmark::State& state) {
  const libdelta::Bytes image = PointRelease(static_cast<uint32_t>(state.range(0))).old_image;
  const libdelta::Bytes coded = Encoded(image);
  libdelta::Bytes result(image.size());
  Measure(state, image.size(), [&] {
    libdelta::RangeDecoder decoder = {};
    decoder.SetInput(coded.data(), static_cast<uint32_t>(coded.size()), 0);
    decoder.Start();
    DecodingPort port{&decoder};
    CodeBytes(&port, &result);
  });
  if (result != image) Die("wrong result");
}

void MeasureTemplates(benchmark::State& state) {
  const libdelta::Bytes image = PointRelease(static_cast<uint32_t>(state.range(0))).old_image;
  Measure(state, image.size(), [&] {
    const libdelta::TemplateSet* set = libdelta::DetectSet(image);
    if (set == nullptr) Die("the generated image is not like code");
    const std::optional<uint32_t> base = libdelta::FindLoadAddress(image);
    benchmark::DoNotOptimize(
        libdelta::ReferenceScan(image, libdelta::kOldSide, set->calls, base.value_or(0)));
  });
}

void MeasureHash(benchmark::State& state) {
  const libdelta::Bytes image = MakeNoise(1, static_cast<uint32_t>(state.range(0)));
  Measure(state, image.size(), [&] { benchmark::DoNotOptimize(libdelta::Sha256(image)); });
}

// --- the program ----------------------------------------------------------------------------------

void Register(bool is_short, PatchCache* patches) {
  const uint32_t largest = is_short ? kLargestShort : kLargest;
  const auto add = [&](const std::string& name, const std::function<void(benchmark::State&)>& measure,
                       benchmark::BigO complexity) {
    return benchmark::RegisterBenchmark(name.c_str(), measure)
        ->RangeMultiplier(4)
        ->Range(64 * kKiB, largest)
        ->Complexity(complexity)
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime()
        ->MinTime(is_short ? 0.05 : 3);
  };
  add(
      "create", [](auto& state) { MeasureCreate(state, PointRelease); }, benchmark::oNLogN)
      ->Arg(kBarSize);
  benchmark::RegisterBenchmark("create_major", [](auto& state) { MeasureCreate(state, MajorRelease); })
      ->Arg(kBarSize)
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime()
      ->MinTime(is_short ? 0.05 : 3);
  for (const auto& [name, make_images] :
       {std::pair<std::string, MakeImages>{"apply_unchanged", UnchangedImages},
        {"apply_moved", MovedImages},
        {"apply_changed", ChangedImages}}) {
    for (const bool with_digests : {false, true}) {
      add(
          name + (with_digests ? "_digests" : ""),
          [patches, make = make_images, with_digests](auto& state) {
            MeasureApply(state, patches, make, with_digests);
          },
          benchmark::oN);
    }
  }
  add("match_index", MeasureIndex, benchmark::oNLogN);
  add("match_find", MeasureFind, benchmark::oNLogN);
  add("code", MeasureCode, benchmark::oN);
  add("decode", MeasureDecode, benchmark::oN);
  add("templates", MeasureTemplates, benchmark::oN);
  add("sha256", MeasureHash, benchmark::oN);
}

struct Row {
  std::string measure;
  uint64_t image = 0;
  uint64_t patch = 0;  // 0: there is none.
  double seconds = 0;
  double peak_mib = 0;

  double rate() const { return static_cast<double>(image) / 1e6 / seconds; }
  double per_n_log_n() const {
    const double n = static_cast<double>(image);
    return seconds * 1e9 / (n * std::log2(n));
  }
};

// Prints as usual, and keeps what bars and CSV need.
class Reporter : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override {
    ConsoleReporter::ReportRuns(runs);
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Iteration) continue;
      const auto counter = [&run](const char* name) {
        const auto found = run.counters.find(name);
        return found == run.counters.end() ? 0.0 : found->second.value;
      };
      rows_.push_back({run.run_name.function_name, static_cast<uint64_t>(counter("image")),
                       static_cast<uint64_t>(counter("patch")), counter("best_s"), counter("peak_MiB")});
    }
  }
  const std::vector<Row>& rows() const { return rows_; }

 private:
  std::vector<Row> rows_;
};

// The largest factor between the cost per n log n of an image and that of a smaller one.
double WorstGrowth(std::vector<Row> rows) {
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.image < b.image; });
  double least = std::numeric_limits<double>::infinity();
  double worst = 0;
  for (const Row& row : rows) {
    if (row.measure != "create") continue;
    least = std::min(least, row.per_n_log_n());
    worst = std::max(worst, row.per_n_log_n() / least);
  }
  return worst;
}

bool PrintBar(const std::string& what, double value, double bar, bool met) {
  fmt::print("{:<40} {:>9.3f}  bar {:>7.3f}  {}\n", what, value, bar, met ? "met" : "MISSED");
  return met;
}

// Generated images have about the size asked for.
bool IsAbout(uint64_t image, uint64_t size) { return image > size / 10 * 9 && image < size / 10 * 11; }

// False when a bar is missed. Those of apply are judged at 256 KiB.
bool PrintBars(const std::vector<Row>& rows, double slack) {
  const auto at_most = [](const std::string& what, double value, double bar) {
    return PrintBar(what, value, bar, value <= bar);
  };
  const auto at_least = [](const std::string& what, double value, double bar) {
    return PrintBar(what, value, bar, value >= bar);
  };
  bool good = at_most("create, growth over n log n", WorstGrowth(rows), kGrowth * slack);
  for (const Row& row : rows) {
    if (row.measure.starts_with("create") && IsAbout(row.image, kBarSize)) {
      good = at_most(row.measure + " of 300 KiB, s", row.seconds, kCreateSeconds * slack) && good;
      good = at_most(row.measure + " of 300 KiB, MiB", row.peak_mib, kCreateMebibytes) && good;
    }
    if (!IsAbout(row.image, 256 * kKiB)) continue;
    const std::string rate = row.measure + " of 256 KiB, MB/s";
    if (row.measure == "apply_unchanged") good = at_least(rate, row.rate(), kUnchangedRate / slack) && good;
    if (row.measure == "apply_changed") good = at_least(rate, row.rate(), kChangedRate / slack) && good;
  }
  return good;
}

std::string FormatRows(const std::vector<Row>& rows, const std::string& machine) {
  std::string text = "measure,image,patch,seconds,mb_per_s,ns_per_nlog2n,peak_mib,machine\n";
  for (const Row& row : rows) {
    text += fmt::format("{},{},{},{:.5f},{:.2f},{:.2f},{:.0f},{}\n", row.measure, row.image,
                        row.patch == 0 ? "" : fmt::format("{}", row.patch), row.seconds, row.rate(),
                        row.per_n_log_n(), row.peak_mib, machine);
  }
  return text;
}

int Main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);  // Takes its own options away.
  const Options options = ParseOptions(argc, argv, {"short"}, {"machine", "out"});
  const bool is_short = options.contains("short");
  PatchCache patches;
  Register(is_short, &patches);
  Reporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  if (reporter.rows().empty()) Die("nothing was measured");
  const bool good = PrintBars(reporter.rows(), is_short ? kSlack : 1);
  if (options.contains("out")) {
    WriteText(options.at("out"), FormatRows(reporter.rows(), Get(options, "machine", "")));
  }
  return good ? 0 : 1;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::Main(argc, argv); }
