// Patch sizes, exact: encodes pairs of images, applies each patch with the device library, compares
// the result byte for byte, and writes one CSV row per pair and RAM size. The CSV has nothing that
// depends on the machine or the time, so runs can be compared exactly.
//
//   bench_sizes --corpus DIR [--ram 8K,64K] [--only TEXT] [--out CSV] [--times CSV] [-j N]
//       DIR/peers.tsv lists the pairs and what other programs need for them; DIR/SET/ID/{old,new}.bin
//       are the images; pairs without images are left out. Prints the summary with the bars.
//   bench_sizes --generated [--ram 8K,64K] [--out CSV | --check CSV]
//       Pairs from bench/support/thumb_images.h; --check compares with a committed CSV.
#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "bench/support/apply.h"
#include "bench/support/thumb_images.h"
#include "libdelta/host.h"

namespace bench {
namespace {

// Every size is that of a patch with one Ed25519 signature; the encoder's output has none.
constexpr uint64_t kSignatureEntry = LIBDELTA_KEY_ID_SIZE + LIBDELTA_SIGNATURE_SIZE;
// Pairs whose best peer is smaller are not averaged: header and signature alone would decide.
constexpr uint64_t kSmallestAveraged = 1000;

struct Peer {
  std::string name;
  uint64_t bytes = 0;
};

struct Pair {
  std::string set;
  std::string id;
  std::string device_class;
  std::string isa;
  std::string kind;
  std::filesystem::path folder;         // Of the images; empty for generated ones.
  std::optional<ThumbProgram> program;  // How to generate the images.
  Peer best;                            // Smallest of all peers; 0 bytes: not measured.
  Peer best_mcu;                        // Smallest whose decoder fits a microcontroller.
};

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

struct Arguments {
  std::string corpus;
  bool generated = false;
  std::vector<uint64_t> rams = {8192, 65536};
  std::string only;
  std::string out;
  std::string times;
  std::string check;
  unsigned jobs = std::max(1u, std::thread::hardware_concurrency());
};

[[noreturn]] void Die(const std::string& message) {
  fmt::print(stderr, "bench_sizes: {}\n", message);
  std::exit(1);
}

uint64_t ParseNumber(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) Die(fmt::format("not a number: '{}'", text));
  return value;
}

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

std::vector<uint64_t> ParseRams(const std::string& text) {
  std::vector<uint64_t> rams;
  for (std::string part : Split(text, ',')) {
    const bool kilobytes = !part.empty() && part.back() == 'K';
    if (kilobytes) part.pop_back();
    rams.push_back(ParseNumber(part) * (kilobytes ? 1024 : 1));
  }
  if (rams.empty()) Die("--ram needs sizes, as in --ram 8K,64K");
  return rams;
}

Arguments ParseArguments(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; i++) {
    const std::string_view option = argv[i];
    if (option == "--generated") {
      arguments.generated = true;
      continue;
    }
    if (i + 1 == argc) Die(fmt::format("unknown option, or no value: '{}'", option));
    const std::string value = argv[++i];
    if (option == "--corpus") {
      arguments.corpus = value;
    } else if (option == "--ram") {
      arguments.rams = ParseRams(value);
    } else if (option == "--only") {
      arguments.only = value;
    } else if (option == "--out") {
      arguments.out = value;
    } else if (option == "--times") {
      arguments.times = value;
    } else if (option == "--check") {
      arguments.check = value;
    } else if (option == "-j") {
      arguments.jobs = static_cast<unsigned>(std::max<uint64_t>(1, ParseNumber(value)));
    } else {
      Die(fmt::format("unknown option '{}'; the head of bench/sizes.cc lists them", option));
    }
  }
  if (arguments.generated == !arguments.corpus.empty()) Die("give either --corpus DIR or --generated");
  return arguments;
}

std::string ReadText(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) Die(fmt::format("cannot read {}", path.string()));
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void WriteText(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  if (!file.flush()) Die(fmt::format("cannot write {}", path.string()));
}

libdelta::Bytes ReadBytes(const std::filesystem::path& path) {
  const std::string text = ReadText(path);
  return {text.begin(), text.end()};
}

std::vector<Pair> CorpusPairs(const Arguments& arguments) {
  std::istringstream table(ReadText(std::filesystem::path(arguments.corpus) / "peers.tsv"));
  std::string line;
  std::getline(table, line);
  const std::vector<std::string> names = Split(line, '\t');
  std::vector<Pair> pairs;
  while (std::getline(table, line)) {
    const std::vector<std::string> values = Split(line, '\t');
    std::map<std::string, std::string> field;
    for (size_t i = 0; i < std::min(names.size(), values.size()); i++) field[names[i]] = values[i];
    const std::filesystem::path folder = std::filesystem::path(arguments.corpus) / field["set"] / field["id"];
    if (!std::filesystem::exists(folder / "new.bin")) continue;
    if (field["id"].find(arguments.only) == std::string::npos) continue;
    const auto peer = [&field](const std::string& column) {
      const std::string& bytes = field[column];
      return Peer{field[column + "_name"], bytes.empty() ? 0 : ParseNumber(bytes)};
    };
    pairs.push_back({field["set"], field["id"], field["class"], field["isa"], field["kind"], folder,
                     std::nullopt, peer("best"), peer("best_mcu")});
  }
  return pairs;
}

std::vector<Pair> GeneratedPairs() {
  const auto pair = [](std::string id, std::string kind, const ThumbProgram& program) {
    return Pair{"generated", std::move(id), "mcu", "thumb", std::move(kind), {}, program, {}, {}};
  };
  return {
      pair("identical", "rebuild", {11, 40000, 0, 0, 0, 0}),
      pair("one-variable", "rebuild", {12, 60000, 0, 0, 0, 1}),
      pair("point-24k", "point", {13, 24000, 5, 0, 2, 1}),
      pair("point-96k", "point", {14, 96000, 5, 0, 2, 1}),
      pair("minor-64k", "minor", {15, 64000, 60, 10, 10, 4}),
      pair("major-48k", "major", {16, 48000, 300, 150, 100, 20}),
      pair("unrelated-16k", "major", {17, 16000, 0, 1000, 0, 0}),
  };
}

ImagePair Load(const Pair& pair) {
  if (pair.program) return MakeThumbImages(*pair.program);
  return {ReadBytes(pair.folder / "old.bin"), ReadBytes(pair.folder / "new.bin")};
}

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

  Digests digests;
  libdelta::Bytes result(images.new_image.size());
  const libdelta_status status =
      Apply(images.old_image, patch.value().bytes, 4096, ComputeDigests(&digests), &result);
  if (status != LIBDELTA_OK) {
    row.failure = fmt::format("apply: {}", libdelta_status_text(status));
  } else if (result != images.new_image) {
    row.failure = "apply: wrong result";
  } else if (row.stats.ram > ram) {
    row.failure = fmt::format("declares {} bytes of RAM", row.stats.ram);
  }
  return row;
}

// In the order of pairs, then RAM sizes, whatever the number of threads.
std::vector<Row> MeasureAll(const std::vector<Pair>& pairs, const Arguments& arguments) {
  std::vector<Row> rows(pairs.size() * arguments.rams.size());
  std::atomic<size_t> next = 0;
  std::mutex print_mutex;
  const auto work = [&] {
    for (size_t i = next++; i < pairs.size(); i = next++) {
      const ImagePair images = Load(pairs[i]);
      for (size_t k = 0; k < arguments.rams.size(); k++) {
        Row& row = rows[i * arguments.rams.size() + k];
        row = Measure(pairs[i], images, arguments.rams[k]);
        const std::lock_guard lock(print_mutex);
        fmt::print(stderr, "{:<28} {:>6}K {:>8} bytes  {:6.2f} s  {}\n", pairs[i].id, row.ram / 1024,
                   row.patch, row.seconds, row.failure);
      }
    }
  };
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < arguments.jobs; i++) threads.emplace_back(work);
  threads.clear();
  return rows;
}

// Thousandths, rounded; integers only, so that the text is the same everywhere.
std::string Ratio(uint64_t part, uint64_t whole) {
  if (whole == 0) return "";
  const uint64_t thousandths = (part * 2000 + whole) / (2 * whole);
  return fmt::format("{}.{:03}", thousandths / 1000, thousandths % 1000);
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
                        row.patch, pair.best.name, pair.best.bytes, Ratio(row.patch, pair.best.bytes),
                        pair.best_mcu.name, pair.best_mcu.bytes, Ratio(row.patch, pair.best_mcu.bytes),
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

bool Check(const std::string& text, const std::string& path) {
  const std::string committed = ReadText(path);
  if (text == committed) {
    fmt::print("{}: as committed\n", path);
    return true;
  }
  const std::vector<std::string> old_lines = Split(committed, '\n');
  const std::vector<std::string> new_lines = Split(text, '\n');
  for (size_t i = 0; i < std::max(old_lines.size(), new_lines.size()); i++) {
    const std::string old_line = i < old_lines.size() ? old_lines[i] : "";
    const std::string new_line = i < new_lines.size() ? new_lines[i] : "";
    if (old_line != new_line) fmt::print("-{}\n+{}\n", old_line, new_line);
  }
  fmt::print("sizes changed; if that is meant, run 'sh bench/sizes.sh --generated' and commit {}\n", path);
  return false;
}

int Main(int argc, char** argv) {
  const Arguments arguments = ParseArguments(argc, argv);
  std::vector<Pair> pairs = arguments.generated ? GeneratedPairs() : CorpusPairs(arguments);
  if (pairs.empty()) Die("no pairs");
  std::sort(pairs.begin(), pairs.end(),
            [](const Pair& a, const Pair& b) { return std::tie(a.set, a.id) < std::tie(b.set, b.id); });
  const std::vector<Row> rows = MeasureAll(pairs, arguments);
  bool good = true;
  for (const Row& row : rows) {
    if (row.failure.empty()) continue;
    fmt::print("FAILED  {} at {}K: {}\n", row.pair->id, row.ram / 1024, row.failure);
    good = false;
  }
  const std::string text = FormatRows(rows);
  if (!arguments.out.empty()) WriteText(arguments.out, text);
  if (!arguments.times.empty()) WriteText(arguments.times, FormatTimes(rows));
  if (!arguments.generated) good = PrintSummary(rows) && good;
  if (!arguments.check.empty()) good = Check(text, arguments.check) && good;
  return good ? 0 : 1;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::Main(argc, argv); }
