// Arithmetic decoder (FORMAT.md, "Arithmetic coding"): 32-bit range, renormalised by bytes, no carries.
#ifndef LIBDELTA_DEVICE_RANGE_DECODER_H_
#define LIBDELTA_DEVICE_RANGE_DECODER_H_

#include <stdint.h>

namespace libdelta {

class RangeDecoder {
 public:
  // Makes `size` bytes present, of which the first `next` have been taken. Beyond them it reads zeros.
  void SetInput(const uint8_t* input, uint32_t size, uint32_t next) {
    input_ = input;
    size_ = size;
    next_ = next;
  }
  // Bytes taken, zeros included.
  uint32_t next() const { return next_; }

  void Start() {
    range_ = 0xffffffffu;
    for (int i = 0; i < 4; ++i) code_ = code_ << 8 | NextByte();
  }

  // A group ends: of the four bytes in `code_`, the last two belong to what follows.
  void Restart() {
    next_ -= 2;
    Start();
  }

  int Bit(uint32_t p12) {
    const uint32_t bound = (range_ >> 12) * p12;
    const int bit = code_ < bound;
    if (bit) {
      range_ = bound;
    } else {
      code_ -= bound;
      range_ -= bound;
    }
    while (range_ < (1u << 24)) {
      range_ <<= 8;
      code_ = code_ << 8 | NextByte();
    }
    return bit;
  }

 private:
  uint32_t NextByte() {
    const uint32_t at = next_++;
    return at < size_ ? input_[at] : 0u;
  }

  const uint8_t* input_;
  uint32_t size_;
  uint32_t next_;
  uint32_t range_;
  uint32_t code_;
};

}  // namespace libdelta

#endif  // LIBDELTA_DEVICE_RANGE_DECODER_H_
