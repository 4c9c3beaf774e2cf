// Images, keys and patches for tests: the same on every run.
#ifndef LIBDELTA_TESTS_SUPPORT_PATCHES_H_
#define LIBDELTA_TESTS_SUPPORT_PATCHES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "libdelta/device.h"
#include "libdelta/host.h"
#include "libdelta/host/container.h"

namespace libdelta::testing {

// `size` incompressible bytes.
Bytes RandomBytes(size_t size, uint64_t seed);

// A key pair for Ed25519, a function of `seed`.
class Signer {
 public:
  explicit Signer(uint8_t seed);

  // As in libdelta_key; valid as long as this object.
  libdelta_key key() const { return {LIBDELTA_ED25519, public_key_.data()}; }
  const Bytes& public_key() const { return public_key_; }

  // `patch` with this key's signature added. Stops the test program if that fails.
  Bytes Sign(ByteView patch) const;

 private:
  Bytes public_key_;
  Bytes secret_key_;
};

// One zstd frame that holds `image` and declares its size.
Bytes ZstdFrame(ByteView image);

// The least RAM that a header can declare for that arena.
uint64_t RoundedRam(uint64_t arena, uint32_t chunk_size);

// Fields of a patch with a zstd payload for `new_image`; the RAM is what FORMAT.md 4 asks for. The view
// is kept.
HeaderFields ZstdFields(ByteView new_image, uint32_t chunk_size);

// An unsigned patch of those fields. Stops the test program if a field is out of range.
Bytes ZstdPatch(const HeaderFields& fields);

// A patch and what a device needs to apply it.
struct PatchCase {
  std::string name;
  Bytes old_image;
  Bytes new_image;
  Bytes patch;  // Signed by Signer(1) and Signer(2), in this order.
};

// Small patches of all shapes: many chunks, one chunk, an empty image, extensions, whole images and
// differences.
const std::vector<PatchCase>& PatchCases();

// The one with the most chunks, all of them incompressible.
const PatchCase& ManyChunks();

// Parses the header of a patch that is known to be good.
libdelta_header HeaderOf(ByteView patch);

// Makes the digest of the base and the hash chain right, as far as `patch` has them. The base may go on
// behind the length that the patch declares.
void RepairDigests(ByteView old_image, Bytes* patch);

// Lengths of the payload's chunks, in order.
std::vector<size_t> ChunkLengths(ByteView patch);

}  // namespace libdelta::testing

#endif  // LIBDELTA_TESTS_SUPPORT_PATCHES_H_
