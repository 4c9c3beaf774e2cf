// How fast: creating patches by image size, applying them in unchanged and in changed regions, with
// and without digests. Images are generated (bench/support/thumb_images.h).
//
//   bench_speed [--benchmark_filter=REGEX] ...
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "bench/support/apply.h"
#include "bench/support/thumb_images.h"
#include "libdelta/host.h"

namespace bench {
namespace {

constexpr uint32_t kKiB = 1024;

enum class Region { kUnchanged, kChanged };
enum class Hashing { kComputed, kExcluded };

// Most memory that this process has used, MiB.
double PeakMemory() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

void BM_Create(benchmark::State& state) {
  ThumbProgram program;
  program.size = static_cast<uint32_t>(state.range(0)) * kKiB;
  const ImagePair images = MakeThumbImages(program);
  size_t patch_size = 0;
  for (auto _ : state) {
    const libdelta::Result<libdelta::Patch> patch =
        libdelta::Encode(images.old_image, images.new_image, libdelta::EncodeOptions());
    if (!patch.ok()) return state.SkipWithError(patch.error().c_str());
    patch_size = patch.value().bytes.size();
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * images.new_image.size()));
  state.counters["patch"] = static_cast<double>(patch_size);
  state.counters["peak_MiB"] = PeakMemory();
}
// In increasing order: the peak is that of the process so far.
BENCHMARK(BM_Create)
    ->Arg(64)
    ->Arg(256)
    ->Arg(300)
    ->Arg(kKiB)
    ->Arg(4 * kKiB)
    ->Arg(16 * kKiB)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// Unchanged: an image against itself. Changed: an image of which nothing was there before.
ImagePair RegionImages(Region region) {
  ThumbProgram program;
  if (region == Region::kUnchanged) {
    program.size = 4096 * kKiB;
    program.edited_per_mille = 0;
    program.added_per_mille = 0;
    program.variables_added = 0;
    return MakeThumbImages(program);
  }
  program.size = 256 * kKiB;
  ImagePair images = MakeThumbImages(program);
  program.seed++;
  images.old_image = MakeThumbImages(program).old_image;
  return images;
}

void BM_Apply(benchmark::State& state, Region region, Hashing hashing) {
  const ImagePair images = RegionImages(region);
  const libdelta::Result<libdelta::Patch> patch =
      libdelta::Encode(images.old_image, images.new_image, libdelta::EncodeOptions());
  if (!patch.ok()) return state.SkipWithError(patch.error().c_str());
  Digests digests;
  libdelta::Bytes result(images.new_image.size());
  libdelta_status status =
      Apply(images.old_image, patch.value().bytes, 4 * kKiB, ComputeDigests(&digests), &result);
  if (status != LIBDELTA_OK || result != images.new_image) return state.SkipWithError("wrong result");
  for (auto _ : state) {
    const libdelta_crypto crypto =
        hashing == Hashing::kComputed ? ComputeDigests(&digests) : ReplayDigests(&digests);
    status = Apply(images.old_image, patch.value().bytes, 4 * kKiB, crypto, &result);
    if (status != LIBDELTA_OK) return state.SkipWithError(libdelta_status_text(status));
    benchmark::DoNotOptimize(result.data());
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * images.new_image.size()));
}
BENCHMARK_CAPTURE(BM_Apply, unchanged, Region::kUnchanged, Hashing::kExcluded);
BENCHMARK_CAPTURE(BM_Apply, unchanged_with_digests, Region::kUnchanged, Hashing::kComputed);
BENCHMARK_CAPTURE(BM_Apply, changed, Region::kChanged, Hashing::kExcluded)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_Apply, changed_with_digests, Region::kChanged, Hashing::kComputed)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace bench

BENCHMARK_MAIN();
