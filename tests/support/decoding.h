// The device's decoder without container: a payload in pieces, and images whose bounds are checked.
#ifndef LIBDELTA_TESTS_SUPPORT_DECODING_H_
#define LIBDELTA_TESTS_SUPPORT_DECODING_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "libdelta/device.h"
#include "libdelta/host.h"

namespace libdelta::testing {

// What a decoder reads and writes. Every access must be inside, and writes gapless, whatever the payload: the
// first that is not fails, and is the `problem`.
struct BoundedImages {
  ByteView old_image;
  uint64_t new_length = 0;
  Bytes new_image{};
  std::string problem{};

  bool ReadOld(uint64_t offset, uint8_t* buffer, uint32_t length);
  bool ReadNew(uint64_t offset, uint8_t* buffer, uint32_t length);
  bool WriteNew(uint64_t offset, const uint8_t* data, uint32_t length);
  // They point into this object.
  libdelta_io Callbacks();
  // Keeps the first problem.
  void Report(const std::string& what);

 private:
  bool Read(ByteView source, uint64_t offset, uint8_t* buffer, uint32_t length);
};

struct DecodeInput {
  ByteView old_image;
  uint64_t new_length;
  ByteView data;
  uint32_t arena_size;
};

struct DecodeOutcome {
  libdelta_status status;
  Bytes new_image;
  size_t unread;        // Bytes of the payload, when the decoder was done.
  std::string problem;  // Empty, or what a decoder must never do.
};

// As the updater does it: what was left unread comes again, in front of `piece_size` more bytes. Buffers
// and arena have exactly the size that they claim, for the sanitizer to guard.
DecodeOutcome DecodeInPieces(const DecodeInput& input, size_t piece_size);

}  // namespace libdelta::testing

#endif  // LIBDELTA_TESTS_SUPPORT_DECODING_H_
