// Arithmetic encoder: the counterpart of device/range_decoder.h (FORMAT.md, "Arithmetic coding").
#ifndef LIBDELTA_HOST_RANGE_ENCODER_H_
#define LIBDELTA_HOST_RANGE_ENCODER_H_

#include <cstdint>

#include "libdelta/host.h"

namespace libdelta {

class RangeEncoder {
 public:
  explicit RangeEncoder(Bytes* out) : out_(out) {}

  // Codes `bit`, whose probability of being 1 is p12 / 4096.
  void Bit(uint32_t p12, int bit) {
    const uint32_t bound = (range_ >> 12) * p12;
    if (bit) {
      range_ = bound;
    } else {
      low_ += bound;
      range_ -= bound;
    }
    while (range_ < (1u << 24)) Shift();
  }

  // Ends a group: two bytes settle the rest, whatever follows them.
  void EndGroup() {
    low_ += 0xffff;
    Shift();
    Shift();
    low_ = 0;
    range_ = 0xffffffffu;
  }

 private:
  void Shift() {
    if (low_ >> 32) {
      for (size_t i = out_->size(); i-- > 0 && ++(*out_)[i] == 0;) {
      }
      low_ &= 0xffffffffu;
    }
    out_->push_back(static_cast<uint8_t>(low_ >> 24));
    low_ = low_ << 8 & 0xffffffffu;
    range_ <<= 8;
  }

  Bytes* out_;
  uint64_t low_ = 0;
  uint32_t range_ = 0xffffffffu;
};

}  // namespace libdelta

#endif  // LIBDELTA_HOST_RANGE_ENCODER_H_
