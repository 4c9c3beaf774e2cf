// The libdelta codec's decoder on hostile data, without container: nothing is verified on the way here, so
// every bound must be the decoder's own.
//
// Input: arena size, new length, old length (2 bytes each, little-endian), piece size (1), old image, data.
// The first two are taken modulo small limits, which bounds the time that the smallest groups take.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "libdelta/device.h"
#include "libdelta/host.h"
#include "tests/support/decoding.h"

namespace {

using libdelta::ByteView;
using libdelta::testing::DecodeInPieces;
using libdelta::testing::DecodeInput;
using libdelta::testing::DecodeOutcome;

void Require(bool condition) {
  if (!condition) std::abort();
}

// The payload must end where the image does.
DecodeOutcome Decode(const DecodeInput& input, size_t piece_size) {
  DecodeOutcome outcome = DecodeInPieces(input, piece_size);
  if (!outcome.problem.empty()) std::fprintf(stderr, "%s\n", outcome.problem.c_str());
  Require(outcome.problem.empty());
  if (outcome.status == LIBDELTA_OK && outcome.unread != 0) outcome.status = LIBDELTA_E_MALFORMED;
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 8) return 0;
  const auto number = [&](size_t at) { return static_cast<uint32_t>(data[at] | data[at + 1] << 8); };
  const uint32_t arena_size = number(0) % 16384;
  const size_t new_length = number(2) % 8192;
  const size_t old_size = std::min<size_t>(number(4), size - 8);
  const size_t piece_size = data[6] + size_t{1};
  const ByteView old_image(data + 7, old_size);
  const ByteView payload(data + 7 + old_size, data + size);
  // The updater never calls the decoder for an empty image.
  if (new_length == 0) return 0;
  const DecodeInput input{old_image, new_length, payload, arena_size};

  const DecodeOutcome whole = Decode(input, payload.size());
  const DecodeOutcome pieces = Decode(input, piece_size);
  Require((whole.status == LIBDELTA_OK) == (pieces.status == LIBDELTA_OK));
  if (whole.status != LIBDELTA_OK) return 0;
  Require(whole.new_image.size() == new_length && whole.new_image == pieces.new_image);
  return 0;
}
