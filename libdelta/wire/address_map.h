// The address map: where each part of the old image, or of its RAM, is in the new one.
//
// A sorted table of (old, new) pairs; everything from one pair's `old` up to the next moves together.
// Positions are packed into as few bytes as the images need, because the table is held in the device's RAM;
// the new one may carry a flag in its lowest bit.
#ifndef LIBDELTA_WIRE_ADDRESS_MAP_H_
#define LIBDELTA_WIRE_ADDRESS_MAP_H_

#include <stdint.h>

namespace libdelta {

// Bytes of a table, rounded up so that what follows it is aligned.
constexpr uint32_t TableSize(uint32_t entries, uint32_t width) { return (entries * 2u * width + 3) & ~3u; }

template <typename Position>
class AddressMap {
 public:
  // The map must have been zero-initialised.
  void Attach(uint8_t* table, uint32_t size, uint32_t width, bool flagged) {
    table_ = table;
    size_ = static_cast<uint16_t>(size);
    width_ = static_cast<uint8_t>(width);
    flagged_ = flagged;
  }

  bool full() const { return count_ == size_; }
  void Fill() { count_ = size_; }  // The table's bytes are put there by somebody else.
  uint32_t count() const { return count_; }
  Position old_at(uint32_t i) const { return Load(2 * i); }
  Position new_at(uint32_t i) const { return Load(2 * i + 1) >> flagged_; }
  bool flag_at(uint32_t i) const { return Load(2 * i + 1) & 1; }

  // Needs !full(). What does not fit in the table's width is cut off.
  [[gnu::noinline]] void Append(Position old_position, Position new_position, bool flag) {
    uint8_t* bytes = table_ + 2u * count_++ * width_;
    Store(bytes, old_position);
    Store(bytes + width_, flagged_ ? new_position << 1 | flag : new_position);
  }

  // Index of the last pair with old <= position; the first pair when there is none. Needs count() > 0.
  uint32_t Find(Position position) const {
    uint32_t low = 0;
    uint32_t high = count_;
    while (high - low > 1) {
      const uint32_t middle = (low + high) / 2;
      if (old_at(middle) <= position) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return low;
  }

  [[gnu::noinline]] Position Map(Position position) const {
    if (count_ == 0) return position;
    const uint32_t i = Find(position);
    return position - old_at(i) + new_at(i);
  }

 private:
  [[gnu::noinline]] Position Load(uint32_t index) const {
    const uint8_t* bytes = table_ + index * width_;
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
  uint16_t size_;
  uint16_t count_;
  uint8_t width_;
  bool flagged_;
};

// Stands in where a decoder is compiled without address maps.
template <typename Position>
struct NoAddressMap {
  static void Attach(uint8_t*, uint32_t, uint32_t, bool) {}
  static void Fill() {}
  static constexpr uint32_t count() { return 0; }
  static constexpr Position old_at(uint32_t) { return 0; }
  static constexpr Position new_at(uint32_t) { return 0; }
  static constexpr bool flag_at(uint32_t) { return false; }
};

template <typename Position, bool kIsThere>
struct AddressMapType {
  using Type = AddressMap<Position>;
};
template <typename Position>
struct AddressMapType<Position, false> {
  using Type = NoAddressMap<Position>;
};

}  // namespace libdelta

#endif  // LIBDELTA_WIRE_ADDRESS_MAP_H_
