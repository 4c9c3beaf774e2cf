// The libdelta codec's decoder as the updater sees it: authenticated payload bytes in, new image out.
#ifndef LIBDELTA_DEVICE_DECODER_H_
#define LIBDELTA_DEVICE_DECODER_H_

#include "libdelta/device.h"

namespace libdelta {

// Payload bytes that DecoderRun() may leave unread when it returns NEED_INPUT (FORMAT.md 3.3).
constexpr uint32_t kDecoderLookahead = 56;

#if defined(LIBDELTA_NO_TEMPLATES)
constexpr uint32_t kDecoderSize32 = 320;
#else
constexpr uint32_t kDecoderSize32 = 352;
#endif

// Opaque state; decoder.cc knows what is inside.
struct Decoder {
  alignas(8) uint8_t storage[sizeof(libdelta_offset) > 4 ? 520 : sizeof(void *) > 4 ? 416 : kDecoderSize32];
};

class InPlace;

// Prepares decoding of `new_length` bytes. `arena`, aligned to 4 bytes, is all RAM beyond the fixed part and
// the chunk buffer. `in_place` may be inactive; if it resumes, decoding goes on where its journal says.
// NEED_INPUT or, if that cannot be, E_FLASH.
libdelta_status DecoderInit(Decoder *decoder, const libdelta_io *io, InPlace *in_place, uint8_t *arena,
                            uint32_t arena_size, libdelta_offset old_length, libdelta_offset new_length);

// Decodes as far as whole steps allow. `last`: no input follows. Sets *used. NEED_INPUT: at most
// kDecoderLookahead bytes are left unread and must be presented again, first, with the next call. OK: all of
// the new image has been written.
libdelta_status DecoderRun(Decoder *decoder, const uint8_t *input, uint32_t size, bool last, uint32_t *used);

}  // namespace libdelta

#endif  // LIBDELTA_DEVICE_DECODER_H_
