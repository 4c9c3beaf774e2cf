// Hexadecimal text, the form in which standards print their test vectors.
#ifndef LIBDELTA_TESTS_SUPPORT_HEX_H_
#define LIBDELTA_TESTS_SUPPORT_HEX_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "libdelta/host.h"

namespace libdelta::testing {

// `text` must be an even number of hexadecimal digits.
inline Bytes FromHex(std::string_view text) {
  auto digit = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
  Bytes bytes;
  for (size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<uint8_t>(digit(text[i]) << 4 | digit(text[i + 1])));
  }
  return bytes;
}

inline Bytes FromText(std::string_view text) { return Bytes(text.begin(), text.end()); }

}  // namespace libdelta::testing

#endif  // LIBDELTA_TESTS_SUPPORT_HEX_H_
