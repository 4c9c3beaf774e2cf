// The address map: where each part of the old image, or of its RAM, is in the new one.
//
// A sorted table of (old, new) pairs; everything from one pair's `old` up to the next moves together.
// Positions are packed into as few bytes as the images need, because the table is held in the device's RAM;
// the new one may carry a flag in its lowest bit.
#ifndef LIBDELTA_WIRE_ADDRESS_MAP_H_
#define LIBDELTA_WIRE_ADDRESS_MAP_H_

#include <stdint.h>

namespace libdelta {

template <typename Position>
class AddressMap {
 public:
  void Attach(uint8_t* table, uint8_t width, bool flagged) {
    table_ = table;
    width_ = width;
    flagged_ = flagged;
    count_ = 0;
  }

  uint32_t count() const { return count_; }
  Position old_at(uint32_t i) const { return Load(table_ + 2u * i * width_); }
  Position new_at(uint32_t i) const { return LoadNew(i) >> flagged_; }
  bool flag_at(uint32_t i) const { return LoadNew(i) & 1; }

  void Append(Position old_position, Position new_position, bool flag) {
    Store(table_ + 2u * count_ * width_, old_position);
    Store(table_ + (2u * count_ + 1) * width_, flagged_ ? new_position << 1 | flag : new_position);
    ++count_;
  }

  // Index of the last pair with old <= position; the first pair when there is none. Needs count() > 0.
  uint32_t Find(Position position) const {
    uint32_t low = 0;
    uint32_t high = count_;
    while (high - low > 1) {
      const uint32_t middle = low + (high - low) / 2;
      if (old_at(middle) <= position) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return low;
  }

  Position Map(Position position) const {
    if (count_ == 0) return position;
    const uint32_t i = Find(position);
    return position - old_at(i) + new_at(i);
  }

 private:
  Position LoadNew(uint32_t i) const { return Load(table_ + (2u * i + 1) * width_); }

  Position Load(const uint8_t* bytes) const {
    Position value = 0;
    for (uint32_t i = width_; i-- > 0;) value = static_cast<Position>(value << 8 | bytes[i]);
    return value;
  }

  void Store(uint8_t* bytes, Position value) {
    for (uint32_t i = 0; i < width_; ++i, value = static_cast<Position>(value >> 8)) {
      bytes[i] = static_cast<uint8_t>(value);
    }
  }

  uint8_t* table_;
  uint16_t count_;
  uint8_t width_;
  bool flagged_;
};

}  // namespace libdelta

#endif  // LIBDELTA_WIRE_ADDRESS_MAP_H_
