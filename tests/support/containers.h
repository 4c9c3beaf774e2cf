// Firmware files for tests, built without the code that reads them.
#ifndef LIBDELTA_TESTS_SUPPORT_CONTAINERS_H_
#define LIBDELTA_TESTS_SUPPORT_CONTAINERS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "libdelta/host.h"

namespace libdelta::testing {

// Bytes for consecutive addresses.
struct Part {
  uint64_t address;
  Bytes bytes;
};

// With program headers only, as a stripped image has them. Each part is stored `stored_shift` bytes above the
// address at which it runs.
Bytes MakeElf(const std::vector<Part>& parts, bool wide, bool big_endian, uint64_t stored_shift = 0);

// Records of `per_record` bytes, extended addresses of type 4, or 2 where `segmented`.
Bytes MakeHex(const std::vector<Part>& parts, uint32_t per_record = 16, bool segmented = false);

Bytes MakeUf2(const std::vector<Part>& parts, uint32_t per_block = 256);

// An image for ESP32 and later; `header` is 8 for ESP8266.
Bytes MakeEsp(const std::vector<Part>& parts, uint32_t header = 24);

// An image for ESP8266 whose code runs from flash: the first part's address is not in the file.
Bytes MakeEsp8266V2(const std::vector<Part>& parts);

Bytes MakeMcuboot(const Bytes& image, uint32_t flags = 0, uint32_t load_address = 0);

Bytes MakeGbl(const std::vector<Part>& parts);

// Tags of `per_tag` bytes.
Bytes MakeEbl(const std::vector<Part>& parts, uint32_t per_tag = 2048);

Bytes MakeZigbeeOta(const Bytes& file);

}  // namespace libdelta::testing

#endif  // LIBDELTA_TESTS_SUPPORT_CONTAINERS_H_
