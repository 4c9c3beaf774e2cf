// Patch sizes, exact: encodes pairs of images, applies each patch with the device library, compares
// the result byte for byte, and writes one CSV row per pair, RAM size and effort. The CSV has nothing that
// depends on the machine or the time, so runs can be compared exactly.
//
//   bench_sizes --corpus DIR [--ram 8K,64K,1M] [--efforts 5] [--only TEXT] [--out CSV] [--times CSV] [-j N]
//       Pairs as in bench/support/pairs.h. Prints the summary of the default effort with the bars.
//   bench_sizes --generated [--ram 8K,64K] [--efforts 5] [--out CSV | --check CSV]
//       Pairs from bench/support/thumb_images.h; --check compares with a committed CSV.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "bench/support/pairs.h"
#include "bench/support/program.h"
#include "bench/support/sizes.h"
#include "libdelta/host.h"

namespace bench {
namespace {

std::string FormatRows(const std::vector<SizeRow>& rows) {
  std::vector<std::string> streams;  // Union over the rows, in order of first appearance.
  for (const SizeRow& row : rows) {
    for (const auto& [name, bits] : row.stats.stream_bits) {
      if (std::find(streams.begin(), streams.end(), name) == streams.end()) streams.push_back(name);
    }
  }
  std::string text =
      "set,id,class,isa,kind,ram,effort,old,new,patch,best_name,best,ratio,best_mcu_name,best_mcu,ratio_mcu,"
      "payload,header_bytes,link_bytes";
  for (const std::string& name : streams) text += "," + name + "_bits";
  text += "\n";
  for (const SizeRow& row : rows) {
    const Pair& pair = *row.pair;
    text +=
        fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}", pair.set, pair.id,
                    pair.device_class, pair.isa, pair.kind, row.ram, row.effort, row.old_size, row.new_size,
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

std::string FormatTimes(const std::vector<SizeRow>& rows) {
  std::string text = "set,id,ram,effort,old,new,create_seconds\n";
  for (const SizeRow& row : rows) {
    text += fmt::format("{},{},{},{},{},{},{:.3f}\n", row.pair->set, row.pair->id, row.ram, row.effort,
                        row.old_size, row.new_size, row.seconds);
  }
  return text;
}

using Filter = bool (*)(const Pair&);

constexpr uint64_t kSmallRam = 8192;
constexpr uint64_t kMcuRam = 65536;
constexpr uint64_t kLinuxRam = 1048576;
constexpr uint64_t kAllowance = 200;  // Bytes that any patch may be larger than the best peer's.

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
void PrintMean(const std::vector<SizeRow>& rows, std::string_view set, const Bar& bar, bool judged,
               bool* met) {
  Mean mean;
  for (const SizeRow& row : rows) {
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

constexpr uint64_t kRams[] = {kSmallRam, kMcuRam, kLinuxRam};

// Means by instruction set and by kind of release, as a table with one column for each RAM size.
void PrintTable(const std::vector<SizeRow>& rows) {
  std::map<std::string, std::map<uint64_t, Mean>> groups;
  for (const SizeRow& row : rows) {
    if (!IsAveraged(*row.pair)) continue;
    const Pair& pair = *row.pair;
    groups[pair.device_class + ", " + pair.isa][row.ram].Add(row.patch, pair.best.bytes);
    groups[pair.device_class + ", all " + pair.kind][row.ram].Add(row.patch, pair.best.bytes);
  }
  fmt::print("| patch / best peer, both sets | pairs | 8K | 64K | 1M |\n|---|---|---|---|---|\n");
  for (auto& [group, means] : groups) {
    fmt::print("| {} | {} |", group, means.begin()->second.count());
    for (const uint64_t ram : kRams) {
      fmt::print(" {} |", means[ram].count() == 0 ? "" : fmt::format("{:.2f}", means[ram].value()));
    }
    fmt::print("\n");
  }
}

// What efforts do, on average over all pairs at the RAM size that they are judged at.
void PrintEfforts(const std::vector<SizeRow>& rows) {
  struct Sum {
    Mean mean;
    double seconds = 0;
    uint64_t bytes = 0;
  };
  std::map<int, Sum> efforts;
  for (const SizeRow& row : rows) {
    if (!IsAveraged(*row.pair) || row.ram != (IsMcu(*row.pair) ? kMcuRam : kLinuxRam)) continue;
    Sum& sum = efforts[row.effort];
    sum.mean.Add(row.patch, row.pair->best.bytes);
    sum.seconds += row.seconds;
    sum.bytes += row.new_size;
  }
  for (const auto& [effort, sum] : efforts) {
    fmt::print("effort {}: {:.4f} of the best peer on average, {:.2f} s of processor time per MB\n", effort,
               sum.mean.value(), sum.seconds / static_cast<double>(sum.bytes) * 1e6);
  }
}

// False when a bar is missed. Bars are for the set `dev`; others are reported alike.
bool PrintSummary(const std::vector<SizeRow>& rows) {
  bool met = true;
  for (const std::string_view set : {"dev", "public"}) {
    const bool judged = set == "dev";
    for (const Bar& bar : kBars) PrintMean(rows, set, bar, judged, &met);
    for (const SizeRow& row : rows) {
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
  const Options options = ParseOptions(argc, argv, {"generated"},
                                       {"corpus", "ram", "efforts", "only", "out", "times", "check", "j"});
  const std::vector<Pair> pairs = SelectPairs(options);
  const bool generated = options.contains("generated");
  const std::vector<SizeRow> rows = MeasureSizes(
      pairs, ParseSizes(Get(options, "ram", generated ? "8K,64K" : "8K,64K,1M")),
      ParseSizes(Get(options, "efforts", std::to_string(libdelta::kDefaultEffort))), Threads(options));
  bool good = AllApplied(rows);
  if (options.contains("times")) WriteText(options.at("times"), FormatTimes(rows));
  if (!generated) {
    std::vector<SizeRow> usual;
    std::copy_if(rows.begin(), rows.end(), std::back_inserter(usual),
                 [](const SizeRow& row) { return row.effort == libdelta::kDefaultEffort; });
    PrintTable(usual);
    PrintEfforts(rows);
    good = PrintSummary(usual) && good;
  }
  return WriteOrCheck(options, FormatRows(rows), "sh bench/sizes.sh --generated") && good ? 0 : 1;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::Main(argc, argv); }
