// Numbers as they are in a patch.
#ifndef LIBDELTA_WIRE_LITTLE_H_
#define LIBDELTA_WIRE_LITTLE_H_

#include <stdint.h>

namespace libdelta {

// An aligned number as it is in a patch: little-endian, whatever the processor is.
template <typename T>
struct Little {
  T raw;

  operator T() const { return InOrder(raw); }  // NOLINT(google-explicit-constructor)
  Little &operator=(T value) {
    raw = InOrder(value);
    return *this;
  }

 private:
  // Its own inverse.
  static T InOrder(T raw) {
    if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) return raw;
    T value = 0;
    for (uint32_t shift = 0; shift != 8 * sizeof(T); shift += 8) {
      value = static_cast<T>(value << 8 | (raw >> shift & 0xff));
    }
    return value;
  }
};

}  // namespace libdelta

#endif  // LIBDELTA_WIRE_LITTLE_H_
