#include "libdelta/host/matcher.h"

#include <divsufsort.h>
#include <xxhash.h>

#include <algorithm>

namespace libdelta {
namespace {

constexpr size_t kBuckets = 65536;
constexpr size_t kNearTries = 24;  // Matches that are nearly as long looked at on either side.
constexpr size_t kByteWorth = 3;

size_t CommonPrefix(ByteView a, ByteView b, size_t from) {
  const size_t limit = std::min(a.size(), b.size());
  while (from < limit && a[from] == b[from]) ++from;
  return from;
}

uint64_t Distance(uint64_t a, uint64_t b) { return a > b ? a - b : b - a; }

constexpr uint64_t kMinBlock = 32;
constexpr uint64_t kMaxBlocks = 1u << 22;  // 32 MiB of slots.
constexpr size_t kMaxProbes = 16;

}  // namespace

SuffixIndex::SuffixIndex(ByteView text) : text_(text), suffixes_(text.size()), buckets_(kBuckets + 1, 0) {
  if (!text.empty()) divsufsort(text.data(), suffixes_.data(), static_cast<int32_t>(text.size()));
  for (size_t i = 0; i + 1 < text.size(); ++i) ++buckets_[(text[i] << 8 | text[i + 1]) + 1];
  if (!text.empty()) ++buckets_[(text[text.size() - 1] << 8) + 1];  // The last suffix has one byte.
  for (size_t i = 0; i < kBuckets; ++i) buckets_[i + 1] += buckets_[i];
}

IndexMatch SuffixIndex::Longest(ByteView query) const {
  if (query.size() < 2 || text_.empty()) return {};
  const size_t bucket = static_cast<size_t>(query[0]) << 8 | query[1];
  int32_t low = buckets_[bucket];
  int32_t high = buckets_[bucket + 1];
  // Invariant: suffixes before `low` are smaller than the query, those from `high` on are larger.
  size_t low_common = 0;
  size_t high_common = 0;
  int32_t best = low;
  size_t best_length = 0;
  while (low < high) {
    const int32_t middle = low + (high - low) / 2;
    const ByteView text = Suffix(static_cast<size_t>(middle));
    const size_t common = CommonPrefix(text, query, std::min(low_common, high_common));
    if (common > best_length) {
      best = middle;
      best_length = common;
    }
    if (common == query.size()) break;
    if (common == text.size() || text[common] < query[common]) {
      low = middle + 1;
      low_common = common;
    } else {
      high = middle;
      high_common = common;
    }
  }
  if (best_length < 2) return {};
  return {static_cast<uint32_t>(best), static_cast<uint32_t>(best_length)};
}

uint64_t SuffixIndex::Nearest(const IndexMatch& match, ByteView query, uint64_t near) const {
  // Each byte less counts like being 2^kByteWorth times as far away.
  const auto cost_of = [&](uint64_t position, size_t length) {
    return (Distance(position, near) + 1) << std::min(kByteWorth * (match.length - length), size_t{32});
  };
  uint64_t best = static_cast<uint64_t>(suffixes_[match.place]);
  uint64_t best_cost = cost_of(best, match.length);
  const size_t least = match.length > kLongEnough ? match.length : match.length - match.length / 3;
  // Those that match nearly as far are neighbours.
  const auto consider = [&](size_t i) {
    const uint64_t position = static_cast<uint64_t>(suffixes_[i]);
    if (cost_of(position, match.length) >= best_cost) return true;
    const size_t length = CommonPrefix(Suffix(i), query, 0);
    if (length < least) return false;
    const uint64_t cost = cost_of(position, length);
    if (cost < best_cost) {
      best = position;
      best_cost = cost;
    }
    return true;
  };
  const size_t first = match.place - std::min<size_t>(match.place, kNearTries);
  const size_t end = std::min(suffixes_.size(), size_t{match.place} + kNearTries + 1);
  for (size_t i = match.place; i-- > first && consider(i);) {
  }
  for (size_t i = match.place + size_t{1}; i < end && consider(i); ++i) {
  }
  return best;
}

BlockIndex::BlockIndex(ByteView text) : text_(text), block_(kMinBlock) {
  while (text.size() / block_ > kMaxBlocks) block_ *= 2;
  size_t slots = 1024;
  while (slots < 2 * (text.size() / block_)) slots *= 2;
  slots_.resize(slots, 0);
  for (uint64_t b = 0; (b + 1) * block_ <= text.size(); ++b) {
    size_t slot = XXH3_64bits(text.data() + b * block_, block_) & (slots - 1);
    size_t probes = 0;
    while (probes < kMaxProbes && slots_[slot] != 0) {
      slot = (slot + 1) & (slots - 1);
      ++probes;
    }
    if (probes < kMaxProbes) slots_[slot] = static_cast<uint32_t>(b + 1);
  }
}

template <class Visit>
void BlockIndex::ForEachBlock(ByteView query, Visit visit) const {
  if (query.size() < block_) return;
  const size_t mask = slots_.size() - 1;
  size_t slot = XXH3_64bits(query.data(), block_) & mask;
  for (size_t probes = 0; probes < kMaxProbes && slots_[slot] != 0; ++probes, slot = (slot + 1) & mask) {
    const uint32_t block = slots_[slot] - 1;
    const uint64_t length = CommonPrefix(text_.subspan(block * block_), query, 0);
    if (length >= block_) visit(block, length);
  }
}

IndexMatch BlockIndex::Longest(ByteView query) const {
  IndexMatch best{};
  ForEachBlock(query, [&](uint32_t block, uint64_t length) {
    if (length > best.length) best = {block, static_cast<uint32_t>(length)};
  });
  return best;
}

uint64_t BlockIndex::Nearest(const IndexMatch& match, ByteView query, uint64_t near) const {
  uint64_t nearest = match.place * block_;
  ForEachBlock(query, [&](uint32_t block, uint64_t length) {
    if (length == match.length && Distance(block * block_, near) < Distance(nearest, near))
      nearest = block * block_;
  });
  return nearest;
}

std::unique_ptr<OldIndex> MakeIndex(ByteView text) {
  if (text.empty()) return nullptr;
  if (text.size() <= kMaxSuffixText) return std::make_unique<SuffixIndex>(text);
  return std::make_unique<BlockIndex>(text);
}

}  // namespace libdelta
