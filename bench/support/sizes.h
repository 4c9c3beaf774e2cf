// Patch sizes, measured and averaged.
#ifndef BENCH_SUPPORT_SIZES_H_
#define BENCH_SUPPORT_SIZES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "bench/support/pairs.h"
#include "libdelta/host.h"

namespace bench {

// A patch that was made, applied with the device library, and compared.
struct SizeRow {
  const Pair* pair = nullptr;
  uint64_t ram = 0;
  int effort = libdelta::kDefaultEffort;
  uint64_t old_size = 0;
  uint64_t new_size = 0;
  uint64_t patch = 0;  // With one signature.
  double seconds = 0;
  libdelta::EncodeStats stats;
  std::string failure;  // Empty: the patch was applied and the result is right.
};

// In the order of pairs, then RAM sizes, then efforts, whatever the number of threads. `pairs` must outlive
// the result.
std::vector<SizeRow> MeasureSizes(const std::vector<Pair>& pairs, const std::vector<uint64_t>& rams,
                                  const std::vector<uint64_t>& efforts, unsigned threads);

// Prints the failures. False if there are any.
bool AllApplied(const std::vector<SizeRow>& rows);

constexpr uint64_t kLargestJudged = 4u << 20;  // Bytes of a new image.

bool IsMcu(const Pair& pair);
bool IsLinux(const Pair& pair);
bool IsThumb(const Pair& pair);
// False for pairs whose best peer is so small that header and signature alone would decide.
bool IsAveraged(const Pair& pair);

// Geometric mean of patch sizes against a peer's.
class Mean {
 public:
  void Add(uint64_t patch, uint64_t peer);
  int count() const { return count_; }
  double value() const;

 private:
  double log_sum_ = 0;
  int count_ = 0;
};

}  // namespace bench

#endif  // BENCH_SUPPORT_SIZES_H_
