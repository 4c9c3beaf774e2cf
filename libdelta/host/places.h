// Where in an instruction a byte is: what the contexts of new code look at.
#ifndef LIBDELTA_HOST_PLACES_H_
#define LIBDELTA_HOST_PLACES_H_

#include <cstdint>

#include "libdelta/host.h"

namespace libdelta {

// Masks of positions as in Plan::places, after the size of the units that the image seems to be made of:
// bytes (text, code without alignment), two bytes (Thumb, compressed RISC-V, AVR) or four (ARM, AArch64).
uint32_t ChoosePlaces(ByteView image);

}  // namespace libdelta

#endif  // LIBDELTA_HOST_PLACES_H_
