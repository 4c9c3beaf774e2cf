// Finds where in an old image a piece of a new one occurs.
#ifndef LIBDELTA_HOST_MATCHER_H_
#define LIBDELTA_HOST_MATCHER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "libdelta/host.h"

namespace libdelta {

struct Match {
  uint64_t position = 0;
  uint64_t length = 0;  // 0: no match.
};

class OldIndex {
 public:
  virtual ~OldIndex() = default;
  // A long prefix of `query` that occurs in the text; of equal ones that were found, the nearest to `near`.
  virtual Match Find(ByteView query, uint64_t near) const = 0;
};

// Exact longest matches by suffix array: 4 bytes of memory per byte. For texts shorter than 2 GiB.
class SuffixIndex : public OldIndex {
 public:
  explicit SuffixIndex(ByteView text);
  Match Find(ByteView query, uint64_t near) const override;

 private:
  ByteView text_;
  std::vector<int32_t> suffixes_;
  std::vector<int32_t> buckets_;  // First suffix of each two-byte prefix, and one past the last.
};

// Matches that start with one of the text's aligned blocks, by hash: bounded memory for texts of any size.
class BlockIndex : public OldIndex {
 public:
  explicit BlockIndex(ByteView text);
  Match Find(ByteView query, uint64_t near) const override;

 private:
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
