// Patch sizes, exact: encodes pairs of images, applies each patch with the device library, compares
// the result byte for byte, and writes one CSV row per pair and RAM size. The CSV has nothing that
// depends on the machine or the time, so runs can be compared exactly.
//
//   bench_sizes --corpus DIR [--ram 8K,64K,1M] [--only TEXT] [--out CSV] [--times CSV] [-j N]
//       Pairs as in bench/support/pairs.h. Prints the summary with the bars.
//   bench_sizes --generated [--ram 8K,64K] [--out CSV | --check CSV]
//       Pairs from bench/support/thumb_images.h; --check compares with a committed CSV.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "bench/support/apply.h"
#include "bench/support/pairs.h"
#include "bench/support/program.h"
#include "libdelta/host.h"

namespace bench {
namespace {

// Pairs whose best peer is smaller are not averaged: header and signature alone would decide.
constexpr uint64_t kSmallestAveraged = 1000;

struct Row {
  const Pair* pair = nullptr;
  uint64_t ram = 0;
  uint64_t old_size = 0;
  uint64_t new_size = 0;
  uint64_t patch = 0;
  double seconds = 0;
  libdelta::EncodeStats stats;
  std::string failure;  // Empty: the patch was applied and the result is right.
};

Row Measure(const Pair& pair, const ImagePair& images, uint64_t ram) {
  libdelta::EncodeOptions options;
  options.ram = ram;
  options.threads = 1;
  const auto start = std::chrono::steady_clock::now();
  const libdelta::Result<libdelta::Patch> patch =
      libdelta::Encode(images.old_image, images.new_image, options);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  Row row;
  row.pair = &pair;
  row.ram = ram;
  row.old_size = images.old_image.size();
  row.new_size = images.new_image.size();
  row.seconds = elapsed.count();
  if (!patch.ok()) {
    row.failure = patch.error();
    return row;
  }
  row.patch = patch.value().bytes.size() + kSignatureEntry;
  row.stats = patch.value().stats;
  row.failure = CheckPatch(images.old_image, images.new_image, patch.value().bytes);
  if (row.failure.empty() && row.stats.ram > ram) {
    row.failure = fmt::format("declares {} bytes of RAM", row.stats.ram);
  }
  return row;
}

// In the order of pairs, then RAM sizes, whatever the number of threads.
std::vector<Row> MeasureAll(const std::vector<Pair>& pairs, const std::vector<uint64_t>& rams,
                            unsigned threads) {
  std::vector<Row> rows(pairs.size() * rams.size());
  std::mutex print_mutex;
  ForEach(pairs.size(), threads, [&](size_t i) {
    const ImagePair images = Load(pairs[i]);
    for (size_t k = 0; k < rams.size(); k++) {
      Row& row = rows[i * rams.size() + k];
      row = Measure(pairs[i], images, rams[k]);
      const std::lock_guard lock(print_mutex);
      fmt::print(stderr, "{:<28} {:>6} {:>8} bytes  {:6.2f} s  {}\n", pairs[i].id, FormatSize(row.ram),
                 row.patch, row.seconds, row.failure);
    }
  });
  return rows;
}

std::string FormatRows(const std::vector<Row>& rows) {
  std::vector<std::string> streams;  // Union over the rows, in order of first appearance.
  for (const Row& row : rows) {
    for (const auto& [name, bits] : row.stats.stream_bits) {
      if (std::find(streams.begin(), streams.end(), name) == streams.end()) streams.push_back(name);
    }
  }
  std::string text =
      "set,id,class,isa,kind,ram,old,new,patch,best_name,best,ratio,best_mcu_name,best_mcu,ratio_mcu,"
      "payload,header_bytes,link_bytes";
  for (const std::string& name : streams) text += "," + name + "_bits";
  text += "\n";
  for (const Row& row : rows) {
    const Pair& pair = *row.pair;
    text += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}", pair.set, pair.id,
                        pair.device_class, pair.isa, pair.kind, row.ram, row.old_size, row.new_size,
                        row.patch, pair.best.name, pair.best.bytes, FormatRatio(row.patch, pair.best.bytes),
                        pair.best_mcu.name, pair.best_mcu.bytes, FormatRatio(row.patch, pair.best_mcu.bytes),
                        row.stats.payload, row.stats.header_bytes, row.stats.link_bytes);
    for (const std::string& name : streams) {
      uint64_t value = 0;
      for (const auto& [stream, bits] : row.stats.stream_bits) {
        if (stream == name) value += bits;
      }
      text += fmt::format(",{}", value);
    }
    text += "\n";
  }
  return text;
}

std::string FormatTimes(const std::vector<Row>& rows) {
  std::string text = "set,id,ram,old,new,create_seconds\n";
  for (const Row& row : rows) {
    text += fmt::format("{},{},{},{},{},{:.3f}\n", row.pair->set, row.pair->id, row.ram, row.old_size,
                        row.new_size, row.seconds);
  }
  return text;
}

// Geometric mean of patch sizes against a peer's.
class Mean {
 public:
  void Add(uint64_t patch, uint64_t peer) {
    if (patch == 0 || peer == 0) return;
    log_sum_ += std::log(static_cast<double>(patch) / static_cast<double>(peer));
    count_++;
  }
  int count() const { return count_; }
  double value() const { return std::exp(log_sum_ / count_); }

 private:
  double log_sum_ = 0;
  int count_ = 0;
};

bool IsThumb(const Pair& pair) { return pair.isa.starts_with("thumb"); }
bool IsAveraged(const Pair& pair) { return pair.best.bytes >= kSmallestAveraged; }

using Filter = bool (*)(const Pair&);

constexpr uint64_t kSmallRam = 8192;
constexpr uint64_t kMcuRam = 65536;
constexpr uint64_t kLinuxRam = 1048576;
constexpr uint64_t kLargestJudged = 4u << 20;  // Bytes of a new image.
constexpr uint64_t kAllowance = 200;           // Bytes that any patch may be larger than the best peer's.

bool IsMcu(const Pair& pair) { return pair.device_class == "mcu"; }
bool IsLinux(const Pair& pair) { return pair.device_class == "linux"; }

// What is averaged, and the bar that it is held to; 0: none.
struct Bar {
  std::string_view what;
  uint64_t ram;
  Peer Pair::*peer;
  Filter filter;
  double bar;
};

constexpr Bar kBars[] = {
    {"all MCU / best peer, 64K", kMcuRam, &Pair::best, IsMcu, 0.60},
    {"Thumb / best peer, 64K", kMcuRam, &Pair::best, IsThumb, 0.50},
    {"Thumb point releases", kMcuRam, &Pair::best,
     [](const Pair& p) { return IsThumb(p) && p.kind == "point"; }, 0.40},
    {"Thumb major releases", kMcuRam, &Pair::best,
     [](const Pair& p) { return IsThumb(p) && p.kind == "major"; }, 0.80},
    {"TC32, 64K", kMcuRam, &Pair::best, [](const Pair& p) { return p.isa == "tc32"; }, 0.70},
    {"RISC-V, 64K", kMcuRam, &Pair::best, [](const Pair& p) { return p.isa.starts_with("rv"); }, 0.70},
    {"Xtensa, 64K", kMcuRam, &Pair::best, [](const Pair& p) { return p.isa.starts_with("xtensa"); }, 0.70},
    {"AVR, 64K", kMcuRam, &Pair::best, [](const Pair& p) { return p.isa == "avr"; }, 0.70},
    {"BA2, 64K", kMcuRam, &Pair::best, [](const Pair& p) { return p.isa.starts_with("ba2"); }, 0.80},
    {"APS3, 64K", kMcuRam, &Pair::best, [](const Pair& p) { return p.isa.starts_with("cortus"); }, 0.80},
    {"AArch64, 1M", kLinuxRam, &Pair::best, [](const Pair& p) { return p.isa == "arm64"; }, 0.70},
    {"embedded Linux, 1M", kLinuxRam, &Pair::best, IsLinux, 0.70},
    {"data, 1M", kLinuxRam, &Pair::best, [](const Pair& p) { return p.device_class == "data"; }, 1.00},
    {"all MCU / best MCU-class peer, 8K", kSmallRam, &Pair::best_mcu, IsMcu, 0.50},
    {"Thumb / best MCU-class peer, 8K", kSmallRam, &Pair::best_mcu, IsThumb, 0.55},
};

// One line of the summary; without `judged` the bar does not count.
void PrintMean(const std::vector<Row>& rows, std::string_view set, const Bar& bar, bool judged, bool* met) {
  Mean mean;
  for (const Row& row : rows) {
    if (row.pair->set == set && row.ram == bar.ram && bar.filter(*row.pair) && IsAveraged(*row.pair)) {
      mean.Add(row.patch, (row.pair->*bar.peer).bytes);
    }
  }
  if (mean.count() == 0) return;
  fmt::print("{:<7} {:<44} {:>3} pairs  {:.3f}", set, bar.what, mean.count(), mean.value());
  if (judged) {
    const bool ok = mean.value() <= bar.bar;
    fmt::print("  bar {:.2f}  {}", bar.bar, ok ? "met" : "MISSED");
    *met = *met && ok;
  }
  fmt::print("\n");
}

void PrintIsaMeans(const std::vector<Row>& rows, std::string_view set, uint64_t ram) {
  std::map<std::tuple<std::string, std::string>, Mean> means;
  for (const Row& row : rows) {
    if (row.pair->set != set || row.ram != ram || !IsAveraged(*row.pair)) continue;
    means[{row.pair->device_class + " " + row.pair->isa, ""}].Add(row.patch, row.pair->best.bytes);
    means[{row.pair->device_class + " all", row.pair->kind}].Add(row.patch, row.pair->best.bytes);
  }
  for (const auto& [key, mean] : means) {
    const auto& [group, kind] = key;
    fmt::print("{:<7} {:<44} {:>3} pairs  {:.3f}\n", set,
               fmt::format("{} {} / best peer, {}K", group, kind, ram / 1024), mean.count(), mean.value());
  }
}

// False when a bar is missed. Bars are for the set `dev`; others are reported alike.
bool PrintSummary(const std::vector<Row>& rows) {
  bool met = true;
  for (const std::string_view set : {"dev", "public"}) {
    const bool judged = set == "dev";
    for (const Bar& bar : kBars) PrintMean(rows, set, bar, judged, &met);
    for (const uint64_t ram : {kMcuRam, kLinuxRam}) PrintIsaMeans(rows, set, ram);
    for (const Row& row : rows) {
      const uint64_t best = row.pair->best.bytes;
      if (row.pair->set != set || best == 0 || row.ram != (IsMcu(*row.pair) ? kMcuRam : kLinuxRam)) continue;
      const bool above = row.patch > best + kAllowance && row.new_size <= kLargestJudged;
      if (!above && IsAveraged(*row.pair)) continue;
      fmt::print("{:<7} {:<44} {} bytes, best peer {} ({}): {}\n", set, row.pair->id, row.patch, best,
                 row.pair->best.name, above ? "more than 200 bytes above the best peer" : "not averaged");
      met = met && !(judged && above);
    }
  }
  return met;
}

int Main(int argc, char** argv) {
  const Options options =
      ParseOptions(argc, argv, {"generated"}, {"corpus", "ram", "only", "out", "times", "check", "j"});
  const std::vector<Pair> pairs = SelectPairs(options);
  const std::vector<Row> rows = MeasureAll(
      pairs, ParseSizes(Get(options, "ram", options.contains("generated") ? "8K,64K" : "8K,64K,1M")),
      Threads(options));
  bool good = true;
  for (const Row& row : rows) {
    if (row.failure.empty()) continue;
    fmt::print("FAILED  {} at {}: {}\n", row.pair->id, FormatSize(row.ram), row.failure);
    good = false;
  }
  if (options.contains("times")) WriteText(options.at("times"), FormatTimes(rows));
  if (!options.contains("generated")) good = PrintSummary(rows) && good;
  return WriteOrCheck(options, FormatRows(rows), "sh bench/sizes.sh --generated") && good ? 0 : 1;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::Main(argc, argv); }
