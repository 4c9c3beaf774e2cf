// How fast: creating patches by image size, with the memory that takes, and applying them in unchanged and
// in changed regions, with and without digests. Images are generated (bench/support/thumb_images.h).
//
//   bench_speed [--seconds 10] [--machine TEXT] [--out CSV]
//       Prints a table with the bars; fails when one is missed. Repeats each measurement for that many
//       seconds and takes the best run: other work on the machine only ever adds time.
//   bench_speed --short
//       For the tests: the smaller images, and bars kSlack times as wide, which only a mistake misses.
//
// Columns:
//   measure        create: point release; create_major: a third of the functions edited, replaced or new;
//                  apply_unchanged: an image against itself; apply_moved: some new functions, and what was
//                  there has moved and refers to moved places; apply_changed: nothing was there before
//   image          bytes of the new image
//   patch          bytes, unsigned
//   seconds        of the best run
//   mb_per_s       10^6 bytes of new image per second
//   ns_per_nlog2n  seconds * 10^9 / (image * log2(image)): does not grow if cost is n log n
//   peak_mib       most memory of the process while creating, both images included; Linux only
//   machine        what this was measured on
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
#include <string>
#include <vector>

#include "bench/support/apply.h"
#include "bench/support/program.h"
#include "bench/support/thumb_images.h"
#include "libdelta/host.h"

namespace bench {
namespace {

constexpr uint32_t kKiB = 1024;
// Bars. Growth is how much ns_per_nlog2n may exceed that of a smaller image: caches make some difference.
constexpr double kCreateSeconds = 1;        // A pair of 300 KiB.
constexpr double kCreateMebibytes = 190.7;  // 200 MB, likewise.
constexpr double kGrowth = 1.5;
constexpr double kUnchangedRate = 500;  // MB/s, without digests.
constexpr double kChangedRate = 2;
constexpr double kSlack = 3;

struct Row {
  std::string measure;
  uint64_t image = 0;
  uint64_t patch = 0;
  double seconds = 0;
  double peak_mib = 0;  // 0: not measured.

  double rate() const { return static_cast<double>(image) / 1e6 / seconds; }
  double per_n_log_n() const {
    const double n = static_cast<double>(image);
    return seconds * 1e9 / (n * std::log2(n));
  }
};

// Of the best of the runs that fit into `budget` seconds; there are at least two.
double BestSeconds(double budget, const std::function<void()>& run) {
  double best = std::numeric_limits<double>::infinity();
  double sum = 0;
  for (int runs = 0; runs < 2 || sum < budget; runs++) {
    const auto start = std::chrono::steady_clock::now();
    run();
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    best = std::min(best, elapsed.count());
    sum += elapsed.count();
  }
  return best;
}

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

libdelta::Patch Create(const ImagePair& images) {
  libdelta::Result<libdelta::Patch> patch =
      libdelta::Encode(images.old_image, images.new_image, libdelta::EncodeOptions());
  if (!patch.ok()) Die(patch.error());
  return std::move(patch.value());
}

Row MeasureCreate(const std::string& measure, const ThumbProgram& program, double budget) {
  const ImagePair images = MakeThumbImages(program);
  Row row;
  row.measure = measure;
  row.image = images.new_image.size();
  ResetPeak();
  row.seconds = BestSeconds(budget, [&] { row.patch = Create(images).bytes.size(); });
  row.peak_mib = PeakMemory();
  return row;
}

// An image against itself.
ImagePair UnchangedImages() {
  const libdelta::Bytes image = MakeThumbImages({1, 4096 * kKiB, 0, 0, 0, 0}).old_image;
  return {image, image};
}

// Few functions are new, but most references are not what they were.
ImagePair MovedImages() { return MakeThumbImages({1, 1024 * kKiB, 0, 0, 1, 1}); }

// An image of which nothing was there before.
ImagePair ChangedImages() {
  return {MakeThumbImages({1, 256 * kKiB, 0, 0, 0, 0}).old_image,
          MakeThumbImages({2, 256 * kKiB, 0, 0, 0, 0}).old_image};
}

// Two rows: without and with digests.
std::vector<Row> MeasureApply(const std::string& measure, const ImagePair& images, double budget) {
  const libdelta::Bytes patch = Create(images).bytes;
  Digests digests;
  libdelta::Bytes result(images.new_image.size());
  const auto apply = [&](const libdelta_crypto& crypto) {
    const libdelta_status status = Apply(images.old_image, patch, 4 * kKiB, crypto, &result);
    if (status != LIBDELTA_OK) Die(libdelta_status_text(status));
  };
  Row with;
  with.measure = measure + "_digests";
  with.image = images.new_image.size();
  with.patch = patch.size();
  Row without = with;
  without.measure = measure;
  with.seconds = BestSeconds(budget, [&] { apply(ComputeDigests(&digests)); });
  if (result != images.new_image) Die("wrong result");
  without.seconds = BestSeconds(budget, [&] { apply(ReplayDigests(&digests)); });
  return {without, with};
}

void PrintRow(const Row& row) {
  fmt::print("{:<24} {:>9} bytes {:>9.4f} s {:>8.2f} MB/s", row.measure, row.image, row.seconds, row.rate());
  if (row.peak_mib > 0) fmt::print(" {:>7.1f} MiB {:>6.1f} ns/(n log2 n)", row.peak_mib, row.per_n_log_n());
  fmt::print("\n");
}

std::vector<Row> MeasureAll(bool is_short, double budget) {
  std::vector<Row> rows;
  const auto add = [&rows](const std::vector<Row>& more) {
    for (const Row& row : more) PrintRow(row);
    rows.insert(rows.end(), more.begin(), more.end());
  };
  const std::vector<uint32_t> sizes = is_short ? std::vector<uint32_t>{64, 300, 1024}
                                               : std::vector<uint32_t>{64, 256, 300, 1024, 4096, 16384};
  for (const uint32_t size : sizes) {
    ThumbProgram program;
    program.size = size * kKiB;
    add({MeasureCreate("create", program, budget)});
  }
  add({MeasureCreate("create_major", {1, 300 * kKiB, 300, 20, 20, 20}, budget)});
  add(MeasureApply("apply_unchanged", UnchangedImages(), budget));
  add(MeasureApply("apply_moved", MovedImages(), budget));
  add(MeasureApply("apply_changed", ChangedImages(), budget));
  return rows;
}

// The largest factor between the cost per n log n of an image and that of a smaller one.
double WorstGrowth(const std::vector<Row>& rows) {
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
bool IsBarSize(uint64_t image) { return image > 270 * kKiB && image < 330 * kKiB; }

// False when a bar is missed.
bool PrintBars(const std::vector<Row>& rows, double slack) {
  const auto at_most = [](const std::string& what, double value, double bar) {
    return PrintBar(what, value, bar, value <= bar);
  };
  const auto at_least = [](const std::string& what, double value, double bar) {
    return PrintBar(what, value, bar, value >= bar);
  };
  bool good = at_most("create, growth over n log n", WorstGrowth(rows), kGrowth * slack);
  for (const Row& row : rows) {
    if (row.measure.starts_with("create") && IsBarSize(row.image)) {
      good = at_most(row.measure + " of 300 KiB, s", row.seconds, kCreateSeconds * slack) && good;
      good = at_most(row.measure + " of 300 KiB, MiB", row.peak_mib, kCreateMebibytes) && good;
    }
    const std::string rate = row.measure + ", MB/s";
    if (row.measure == "apply_unchanged") good = at_least(rate, row.rate(), kUnchangedRate / slack) && good;
    if (row.measure == "apply_changed") good = at_least(rate, row.rate(), kChangedRate / slack) && good;
  }
  return good;
}

std::string FormatRows(const std::vector<Row>& rows, const std::string& machine) {
  std::string text = "measure,image,patch,seconds,mb_per_s,ns_per_nlog2n,peak_mib,machine\n";
  for (const Row& row : rows) {
    const bool is_create = row.peak_mib > 0;
    text += fmt::format("{},{},{},{:.4f},{:.2f},{},{},{}\n", row.measure, row.image, row.patch, row.seconds,
                        row.rate(), is_create ? fmt::format("{:.0f}", row.per_n_log_n()) : "",
                        is_create ? fmt::format("{:.0f}", row.peak_mib) : "", machine);
  }
  return text;
}

int Main(int argc, char** argv) {
  const Options options = ParseOptions(argc, argv, {"short"}, {"seconds", "machine", "out"});
  const bool is_short = options.contains("short");
  const uint64_t budget = ParseNumber(Get(options, "seconds", is_short ? "1" : "10"));
  const std::vector<Row> rows = MeasureAll(is_short, static_cast<double>(budget));
  const bool good = PrintBars(rows, is_short ? kSlack : 1);
  if (options.contains("out")) WriteText(options.at("out"), FormatRows(rows, Get(options, "machine", "")));
  return good ? 0 : 1;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::Main(argc, argv); }
