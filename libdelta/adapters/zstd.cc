#include "libdelta/adapters/zstd.h"

// For decoding in memory that the caller owns.
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

namespace {

// At the start of the codec's RAM; libzstd's workspace follows.
struct State {
  ZSTD_DStream *stream;
  uint64_t frame_ended;  // 64 bits keep the workspace 8-byte aligned on every target.
};

int Begin(uint8_t *ram, size_t ram_size) {
  if (ram_size < sizeof(State)) return -1;
  State *state = reinterpret_cast<State *>(ram);
  state->stream = ZSTD_initStaticDStream(ram + sizeof(State), ram_size - sizeof(State));
  state->frame_ended = 0;
  return state->stream != nullptr ? 0 : -1;
}

int Decode(uint8_t *ram, const uint8_t *input, size_t input_size, size_t *used, uint8_t *output,
           size_t output_size, size_t *produced) {
  State *state = reinterpret_cast<State *>(ram);
  // libzstd would begin another frame; the format has exactly one.
  if (state->frame_ended != 0) return *used == input_size ? 0 : -1;
  ZSTD_inBuffer in = {input, input_size, *used};
  ZSTD_outBuffer out = {output, output_size, *produced};
  const size_t result = ZSTD_decompressStream(state->stream, &out, &in);
  if (ZSTD_isError(result) != 0) return -1;
  *used = in.pos;
  *produced = out.pos;
  state->frame_ended = result == 0 ? 1 : 0;
  return 0;
}

}  // namespace

const libdelta_codec libdelta_zstd_codec = {Begin, Decode};
