// Patch sizes, exact: encodes pairs of images, applies each patch with the device library, compares
// the result byte for byte, and writes one CSV row per pair and RAM size. The CSV has nothing that
// depends on the machine or the time, so runs can be compared exactly.
//
//   bench_sizes --corpus DIR [--ram 8K,64K] [--only TEXT] [--out CSV] [--times CSV] [-j N]
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

// One line of the summary; `bar` 0: no bar.
void PrintMean(const std::vector<Row>& rows, std::string_view set, std::string_view what, uint64_t ram,
               Peer Pair::*peer, Filter filter, double bar, bool* met) {
  Mean mean;
  for (const Row& row : rows) {
    if (row.pair->set == set && row.ram == ram && filter(*row.pair) && IsAveraged(*row.pair)) {
      mean.Add(row.patch, (row.pair->*peer).bytes);
    }
  }
  if (mean.count() == 0) return;
  fmt::print("{:<7} {:<44} {:>3} pairs  {:.3f}", set, what, mean.count(), mean.value());
  if (bar > 0) {
    const bool ok = mean.value() <= bar;
    fmt::print("  bar {:.2f}  {}", bar, ok ? "met" : "MISSED");
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
    const auto bar = [judged](double value) { return judged ? value : 0.0; };
    const Filter is_mcu = [](const Pair& pair) { return pair.device_class == "mcu"; };
    PrintMean(rows, set, "Thumb / best peer of all, 64K", 65536, &Pair::best, IsThumb, bar(0.58), &met);
    PrintMean(rows, set, "all MCU / best peer of all, 64K", 65536, &Pair::best, is_mcu, bar(0.80), &met);
    PrintMean(rows, set, "Thumb / best MCU-class peer, 8K", 8192, &Pair::best_mcu, IsThumb, bar(0.55), &met);
    PrintMean(rows, set, "all MCU / best MCU-class peer, 8K", 8192, &Pair::best_mcu, is_mcu, 0, &met);
    for (const Row& row : rows) {
      const uint64_t best = row.pair->best.bytes;
      if (row.pair->set != set || row.ram != 65536 || best == 0 || !is_mcu(*row.pair)) continue;
      if (row.patch * 100 <= best * 110 + 20000) continue;
      fmt::print("{:<7} {:<44} {} bytes, best peer {} ({})  {}\n", set, row.pair->id, row.patch, best,
                 row.pair->best.name, judged ? "MISSED: above 1.10 x peer + 200" : "above 1.10 x peer + 200");
      met = met && !judged;
    }
    PrintIsaMeans(rows, set, 65536);
    for (const Row& row : rows) {
      if (row.pair->set != set || row.ram != 65536 || IsAveraged(*row.pair) || row.pair->best.bytes == 0)
        continue;
      fmt::print("{:<7} {:<44} {} bytes, best peer {} ({}): not averaged\n", set, row.pair->id, row.patch,
                 row.pair->best.bytes, row.pair->best.name);
    }
  }
  return met;
}

int Main(int argc, char** argv) {
  const Options options =
      ParseOptions(argc, argv, {"generated"}, {"corpus", "ram", "only", "out", "times", "check", "j"});
  const std::vector<Pair> pairs = SelectPairs(options);
  const std::vector<Row> rows =
      MeasureAll(pairs, ParseSizes(Get(options, "ram", "8K,64K")), Threads(options));
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
