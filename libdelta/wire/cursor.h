// The one reader of untrusted bytes of unknown length. Freestanding C++17; host and device.
#ifndef LIBDELTA_WIRE_CURSOR_H_
#define LIBDELTA_WIRE_CURSOR_H_

#include <stddef.h>
#include <stdint.h>

namespace libdelta {

// Little-endian, at any address.
inline uint16_t LoadU16(const uint8_t *bytes) { return static_cast<uint16_t>(bytes[0] | bytes[1] << 8); }

inline uint32_t LoadU32(const uint8_t *bytes) {
  return LoadU16(bytes) | static_cast<uint32_t>(LoadU16(bytes + 2)) << 16;
}

// A position in a byte string that somebody else wrote. Every read is checked against the end. A read
// beyond it consumes nothing and returns null. Views, never owns.
class Cursor {
 public:
  Cursor(const uint8_t *bytes, size_t size) : bytes_(bytes), left_(size) {}

  // Bytes not read yet.
  size_t left() const { return left_; }

  // The next `size` bytes, in place: valid as long as the bytes under the cursor.
  const uint8_t *Span(size_t size) {
    if (size > left_) return nullptr;
    const uint8_t *span = bytes_;
    bytes_ += size;
    left_ -= size;
    return span;
  }

 private:
  const uint8_t *bytes_;
  size_t left_;
};

}  // namespace libdelta

#endif  // LIBDELTA_WIRE_CURSOR_H_
