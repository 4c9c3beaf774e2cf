// Whole images against zstd -19, exact: makes a patch without a base for the new image of every pair,
// applies it with the device library, compares, and writes one CSV row per image and RAM size.
//
//   bench_full_images --corpus DIR [--ram 64K,1M] [--only TEXT] [--out CSV] [-j N]
//   bench_full_images --generated [--ram 64K,1M] [--out CSV | --check CSV]
//       Images as in bench/support/pairs.h, those of up to 2 MiB. Prints the worst ratios; fails when a bar
//       is missed. --check compares with a committed CSV.
//
// Columns:
//   codec      full: our own; full-zstd: a zstd frame, where the RAM covers its decoder and window
//   patch      bytes of the patch with one Ed25519 signature
//   zstd       bytes of one frame of libzstd at level 19
//   reference  zstd, with the patch's header and the links that this many bytes need
//   ratio      patch / reference
#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <string>
#include <vector>

#include "bench/support/apply.h"
#include "bench/support/pairs.h"
#include "bench/support/program.h"
#include "libdelta/device.h"
#include "libdelta/host.h"
#include "libdelta/host/container.h"

namespace bench {
namespace {

constexpr uint64_t kLargestImage = 2u << 20;
constexpr int kZstdLevel = 19;
constexpr uint64_t kZstdWindow = 8u << 20;  // Of that level; of the image, if that is smaller.
// Bars, per mille of the reference.
constexpr uint64_t kLimit = 1000;
constexpr uint64_t kLimitBesideZstd = 1020;  // Where the RAM is too small for zstd.

struct Row {
  const Pair* pair = nullptr;
  uint64_t new_size = 0;
  uint64_t ram = 0;
  std::string codec;
  uint64_t patch = 0;
  uint64_t zstd = 0;
  uint64_t reference = 0;
  bool zstd_fits = false;
  std::string failure;  // Empty: the patch was applied and the result is right.

  uint64_t limit() const { return zstd_fits ? kLimit : kLimitBesideZstd; }
  bool met() const { return patch * 1000 <= reference * limit(); }
};

uint64_t ZstdSize(libdelta::ByteView image) {
  libdelta::Bytes frame(ZSTD_compressBound(image.size()));
  const size_t size = ZSTD_compress(frame.data(), frame.size(), image.data(), image.size(), kZstdLevel);
  if (ZSTD_isError(size) != 0) Die(fmt::format("zstd: {}", ZSTD_getErrorName(size)));
  return size;
}

Row Measure(const Pair& pair, libdelta::ByteView image, uint64_t zstd, uint64_t ram) {
  Row row;
  row.pair = &pair;
  row.new_size = image.size();
  row.ram = ram;
  row.zstd = zstd;
  libdelta::EncodeOptions options;
  options.kind = libdelta::PayloadKind::kFullOnly;
  options.ram = ram;
  options.threads = 1;
  const libdelta::Result<libdelta::Patch> result = libdelta::Encode({}, image, options);
  if (!result.ok()) {
    row.failure = result.error();
    return row;
  }
  const libdelta::Patch& patch = result.value();
  row.codec = patch.stats.payload;
  row.patch = patch.bytes.size() + kSignatureEntry;
  row.failure = CheckPatch({}, image, patch.bytes);

  const libdelta::Result<libdelta_header> header = libdelta::ReadHeader(patch.bytes);
  if (!header.ok()) Die(header.error());
  const uint32_t chunk = header.value().chunk_size;
  row.reference = patch.stats.header_bytes + kSignatureEntry + libdelta::DataSizeToPayloadSize(zstd, chunk);
  const uint64_t window = std::min<uint64_t>(kZstdWindow, image.size());
  row.zstd_fits = libdelta::RamForArena(libdelta::ZstdArena(window, image.size()), chunk) <= ram;
  return row;
}

// In the order of pairs, then RAM sizes, whatever the number of threads. Too large images have no rows.
std::vector<Row> MeasureAll(const std::vector<Pair>& pairs, const std::vector<uint64_t>& rams,
                            unsigned threads) {
  std::vector<std::vector<Row>> rows(pairs.size());
  std::mutex print_mutex;
  ForEach(pairs.size(), threads, [&](size_t i) {
    const libdelta::Bytes image = Load(pairs[i]).new_image;
    if (image.size() > kLargestImage) return;
    const uint64_t zstd = ZstdSize(image);
    for (const uint64_t ram : rams) {
      const Row& row = rows[i].emplace_back(Measure(pairs[i], image, zstd, ram));
      const std::lock_guard lock(print_mutex);
      fmt::print(stderr, "{:<28} {:>6} {:>8} bytes  {}  {}\n", pairs[i].id, FormatSize(ram), row.patch,
                 FormatRatio(row.patch, row.reference), row.failure);
    }
  });
  std::vector<Row> all;
  for (const std::vector<Row>& some : rows) all.insert(all.end(), some.begin(), some.end());
  return all;
}

std::string FormatRows(const std::vector<Row>& rows) {
  std::string text = "set,id,class,new,ram,codec,patch,zstd,reference,ratio\n";
  for (const Row& row : rows) {
    text += fmt::format("{},{},{},{},{},{},{},{},{},{}\n", row.pair->set, row.pair->id,
                        row.pair->device_class, row.new_size, row.ram, row.codec, row.patch, row.zstd,
                        row.reference, FormatRatio(row.patch, row.reference));
  }
  return text;
}

void PrintRow(const char* what, const Row& row) {
  fmt::print("{}  {:<28} {:>6}  {} bytes of {}, reference {}: {}, bar {}\n", what, row.pair->id,
             FormatSize(row.ram), row.patch, row.new_size, row.reference,
             FormatRatio(row.patch, row.reference), FormatRatio(row.limit(), 1000));
}

// False when a patch was wrong or a bar is missed.
bool PrintSummary(const std::vector<Row>& rows, const std::vector<uint64_t>& rams) {
  bool good = true;
  for (const Row& row : rows) {
    if (!row.failure.empty()) fmt::print("FAILED  {} at {}: {}\n", row.pair->id, row.ram, row.failure);
    if (row.failure.empty() && !row.met()) PrintRow("MISSED", row);
    good = good && row.failure.empty() && row.met();
  }
  const auto better = [](const Row& a, const Row& b) {
    return a.patch * b.reference < b.patch * a.reference;
  };
  for (const uint64_t ram : rams) {
    std::vector<Row> some;
    std::copy_if(rows.begin(), rows.end(), std::back_inserter(some),
                 [ram](const Row& row) { return row.ram == ram; });
    const auto worst = std::max_element(some.begin(), some.end(), better);
    const auto missed = std::count_if(some.begin(), some.end(), [](const Row& row) { return !row.met(); });
    if (worst != some.end()) PrintRow("worst ", *worst);
    fmt::print("{} images at {}: {} above their bar\n", some.size(), FormatSize(ram), missed);
  }
  return good;
}

int Main(int argc, char** argv) {
  const Options options =
      ParseOptions(argc, argv, {"generated"}, {"corpus", "ram", "only", "out", "check", "j"});
  const std::vector<Pair> pairs = SelectPairs(options);
  const std::vector<uint64_t> rams = ParseSizes(Get(options, "ram", "64K,1M"));
  const std::vector<Row> rows = MeasureAll(pairs, rams, Threads(options));
  const bool good = PrintSummary(rows, rams);
  return WriteOrCheck(options, FormatRows(rows), "sh bench/sizes.sh --generated") && good ? 0 : 1;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::Main(argc, argv); }
