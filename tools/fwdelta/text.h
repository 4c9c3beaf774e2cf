// Numbers, sizes and bytes as text, both ways.
#ifndef TOOLS_FWDELTA_TEXT_H_
#define TOOLS_FWDELTA_TEXT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libdelta/host.h"

namespace fwdelta {

std::string Hex(libdelta::ByteView bytes);

// Decimal, or hexadecimal after "0x". Nothing else, and nothing above 2^64 - 1.
std::optional<uint64_t> ParseNumber(std::string_view text);

// ParseNumber() with an optional K, M or G (powers of 1024) behind it.
std::optional<uint64_t> ParseSize(std::string_view text);

// "64K" where that is exact, else "65537 bytes".
std::string FormatSize(uint64_t size);

// "1 byte", "2 bytes".
std::string Count(uint64_t count, std::string_view noun);

// `part` in percent of `whole`, one decimal; "-" when there is no whole.
std::string Percent(uint64_t part, uint64_t whole);

}  // namespace fwdelta

#endif  // TOOLS_FWDELTA_TEXT_H_
