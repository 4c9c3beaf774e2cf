// Arithmetic decoder (FORMAT.md, "Arithmetic coding"): 32-bit range, renormalised by bytes, no carries.
#ifndef LIBDELTA_DEVICE_RANGE_DECODER_H_
#define LIBDELTA_DEVICE_RANGE_DECODER_H_

#include <stdint.h>

namespace libdelta {

class RangeDecoder {
 public:
  // Points the decoder at the bytes that are present. Beyond them it reads zeros and counts them.
  void SetInput(const uint8_t* next, const uint8_t* end) {
    next_ = next;
    end_ = end;
  }
  const uint8_t* next() const { return next_; }
  uint32_t overrun() const { return overrun_; }

  void Start() {
    range_ = 0xffffffffu;
    code_ = 0;
    for (int i = 0; i < 4; ++i) code_ = code_ << 8 | NextByte();
  }

  // A group ends: of the four bytes in `code_`, the last two belong to what follows.
  void Restart() {
    for (int i = 0; i < 2; ++i) {
      if (overrun_ != 0) {
        --overrun_;
      } else {
        --next_;
      }
    }
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
    Normalise();
    return bit;
  }

  int Direct() {
    range_ >>= 1;
    const int bit = code_ >= range_;
    if (bit) code_ -= range_;
    Normalise();
    return bit;
  }

 private:
  void Normalise() {
    while (range_ < (1u << 24)) {
      range_ <<= 8;
      code_ = code_ << 8 | NextByte();
    }
  }

  uint32_t NextByte() {
    if (next_ != end_) return *next_++;
    ++overrun_;
    return 0;
  }

  const uint8_t* next_;
  const uint8_t* end_;
  uint32_t range_;
  uint32_t code_;
  uint32_t overrun_;
};

}  // namespace libdelta

#endif  // LIBDELTA_DEVICE_RANGE_DECODER_H_
