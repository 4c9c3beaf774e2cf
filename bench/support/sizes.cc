#include "bench/support/sizes.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <mutex>

#include "bench/support/apply.h"
#include "bench/support/program.h"

namespace bench {
namespace {

constexpr uint64_t kSmallestAveraged = 1000;

void MeasureSize(const ImagePair& images, SizeRow* row) {
  libdelta::EncodeOptions options;
  options.ram = row->ram;
  options.effort = row->effort;
  options.threads = 1;
  const auto start = std::chrono::steady_clock::now();
  const libdelta::Result<libdelta::Patch> patch =
      libdelta::Encode(images.old_image, images.new_image, options);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  row->old_size = images.old_image.size();
  row->new_size = images.new_image.size();
  row->seconds = elapsed.count();
  if (!patch.ok()) {
    row->failure = patch.error();
    return;
  }
  row->patch = patch.value().bytes.size() + kSignatureEntry;
  row->stats = patch.value().stats;
  row->failure = CheckPatch(images.old_image, images.new_image, patch.value().bytes);
  if (row->failure.empty() && row->stats.ram > row->ram) {
    row->failure = fmt::format("declares {} bytes of RAM", row->stats.ram);
  }
}

}  // namespace

std::vector<SizeRow> MeasureSizes(const std::vector<Pair>& pairs, const std::vector<uint64_t>& rams,
                                  const std::vector<uint64_t>& efforts, unsigned threads) {
  std::vector<SizeRow> rows;
  for (const Pair& pair : pairs) {
    for (const uint64_t ram : rams) {
      for (const uint64_t effort : efforts) {
        SizeRow& row = rows.emplace_back();
        row.pair = &pair;
        row.ram = ram;
        row.effort = static_cast<int>(effort);
      }
    }
  }
  std::mutex print_mutex;
  ForEach(rows.size(), threads, [&](size_t i) {
    SizeRow& row = rows[i];
    MeasureSize(Load(*row.pair), &row);
    const std::lock_guard lock(print_mutex);
    fmt::print(stderr, "{:<28} {:>6} {:>2} {:>8} bytes  {:6.2f} s  {}\n", row.pair->id, FormatSize(row.ram),
               row.effort, row.patch, row.seconds, row.failure);
  });
  return rows;
}

bool AllApplied(const std::vector<SizeRow>& rows) {
  bool good = true;
  for (const SizeRow& row : rows) {
    if (row.failure.empty()) continue;
    fmt::print("FAILED  {} at {}, effort {}: {}\n", row.pair->id, FormatSize(row.ram), row.effort,
               row.failure);
    good = false;
  }
  return good;
}

bool IsMcu(const Pair& pair) { return pair.device_class == "mcu"; }
bool IsLinux(const Pair& pair) { return pair.device_class == "linux"; }
bool IsThumb(const Pair& pair) { return pair.isa.starts_with("thumb"); }
bool IsAveraged(const Pair& pair) { return pair.best.bytes >= kSmallestAveraged; }

void Mean::Add(uint64_t patch, uint64_t peer) {
  if (patch == 0 || peer == 0) return;
  log_sum_ += std::log(static_cast<double>(patch) / static_cast<double>(peer));
  count_++;
}

double Mean::value() const { return std::exp(log_sum_ / count_); }

}  // namespace bench
