// What the encoder finds out about an image before it matches: where references are, and the load address.
#ifndef LIBDELTA_HOST_ANALYSIS_H_
#define LIBDELTA_HOST_ANALYSIS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "libdelta/host.h"
#include "libdelta/host/plan.h"

namespace libdelta {

// The address of the first byte, voted for by words that would then point to the start of a function or of a
// string. Empty when no address stands out.
std::optional<uint32_t> FindLoadAddress(ByteView image, unsigned threads = 1);

// How addresses in a file go with its bytes.
struct ImageBase {
  bool found = false;       // Otherwise `address` is only right about alignment.
  uint32_t address = 0;     // Of the file's first byte.
  bool big_endian = false;  // Words of 4 bytes.
};

// What the file says of where its bytes are loaded, if FindLoadAddress() does not contradict it.
ImageBase FindBase(ByteView file, unsigned threads = 1);

class Relocator;

// Templates of words that count from a place which is not their own: in two ELF files those of the unwind
// tables. `base`: address of both files' first byte.
std::vector<Template> OffsetTables(ByteView old_file, ByteView new_file, uint32_t base);

// The references of one image under a set of templates.
class ReferenceScan {
 public:
  static constexpr uint8_t kNone = 0;
  static constexpr uint8_t kInside = 0xff;  // A byte of a reference other than its first.

  // `known`: where targets are in the new image, if anything is known of that.
  ReferenceScan(ByteView image, Side side, const std::vector<Template>& templates, uint32_t base,
                const Relocator* known = nullptr);

  // Template number + 1 of the reference that starts at `position`, kNone or kInside.
  uint8_t kind(size_t position) const { return kinds_[position]; }
  // Whether an absolute value is taken for a pointer into the image.
  const std::vector<uint8_t>& kinds() const { return kinds_; }
  // The image with every reference's field cleared. Where targets are known, fields of data have the low bits
  // of their target in the new image instead.
  const Bytes& normalised() const { return normalised_; }
  // Of a new image: it, with the low bits of their target instead of their field in references that copies
  // keep (IsKept). Two of them are the same if their targets are.
  const Bytes& absolute() const { return absolute_; }

 private:
  std::vector<uint8_t> kinds_;
  Bytes normalised_;
  Bytes absolute_;
};

}  // namespace libdelta

#endif  // LIBDELTA_HOST_ANALYSIS_H_
