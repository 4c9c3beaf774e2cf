// Finds where in an old image a piece of a new one occurs.
#ifndef LIBDELTA_HOST_MATCHER_H_
#define LIBDELTA_HOST_MATCHER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "libdelta/host.h"

namespace libdelta {

// A match longer than this is good enough: no shorter one is taken in its place, and its length is exact.
constexpr size_t kLongEnough = 64;

struct Match {
  uint64_t position = 0;
  uint64_t length = 0;  // 0: no match.
};

// A match that is the first of others of its length.
struct IndexMatch {
  uint32_t place;   // In the index.
  uint32_t length;  // 0: no match.
};

class OldIndex {
 public:
  virtual ~OldIndex() = default;
  // A long prefix of `query`, of less than 4 GiB, that occurs in the text.
  virtual IndexMatch Longest(ByteView query) const = 0;
  // Of the matches beside `match` in the index that are as long, or nearly as long, the position of the one
  // that costs least if being far from `near` does.
  virtual uint64_t Nearest(const IndexMatch& match, ByteView query, uint64_t near) const = 0;

  Match Find(ByteView query, uint64_t near) const {
    const IndexMatch match = Longest(query);
    if (match.length == 0) return {};
    return {Nearest(match, query, near), match.length};
  }
};

// Exact longest matches by suffix array: 4 bytes of memory per byte. For texts shorter than 2 GiB.
class SuffixIndex : public OldIndex {
 public:
  explicit SuffixIndex(ByteView text);
  IndexMatch Longest(ByteView query) const override;
  uint64_t Nearest(const IndexMatch& match, ByteView query, uint64_t near) const override;

 private:
  ByteView Suffix(size_t i) const { return text_.subspan(static_cast<size_t>(suffixes_[i])); }

  ByteView text_;
  std::vector<int32_t> suffixes_;
  std::vector<int32_t> buckets_;  // First suffix of each two-byte prefix, and one past the last.
};

// Matches that start with one of the text's aligned blocks, by hash: bounded memory for texts of any size.
class BlockIndex : public OldIndex {
 public:
  explicit BlockIndex(ByteView text);
  IndexMatch Longest(ByteView query) const override;
  uint64_t Nearest(const IndexMatch& match, ByteView query, uint64_t near) const override;

 private:
  // Calls visit(block, length) for blocks that `query` begins with, and how far they match.
  template <class Visit>
  void ForEachBlock(ByteView query, Visit visit) const;

  ByteView text_;
  uint64_t block_;               // Bytes per block.
  std::vector<uint32_t> slots_;  // Open addressing: number of a block + 1, or 0.
};

// Texts up to this size get a suffix array.
constexpr uint64_t kMaxSuffixText = 4u << 20;

// The index that suits the size of `text`, which must outlive it; null for an empty one.
std::unique_ptr<OldIndex> MakeIndex(ByteView text);

}  // namespace libdelta

#endif  // LIBDELTA_HOST_MATCHER_H_
