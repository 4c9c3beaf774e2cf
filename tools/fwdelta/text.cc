#include "fwdelta/text.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>

namespace fwdelta {

std::string Hex(libdelta::ByteView bytes) {
  std::string text;
  for (const uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

std::optional<uint64_t> ParseNumber(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  }
  uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, base);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::optional<uint64_t> ParseSize(std::string_view text) {
  constexpr std::string_view kUnits = "KMG";
  unsigned shift = 0;
  if (!text.empty()) {
    const char unit = text.back() >= 'a' ? static_cast<char>(text.back() - 'a' + 'A') : text.back();
    const size_t index = kUnits.find(unit);
    if (index != std::string_view::npos) {
      shift = 10 * (static_cast<unsigned>(index) + 1);
      text.remove_suffix(1);
    }
  }
  const std::optional<uint64_t> number = ParseNumber(text);
  if (!number || *number > std::numeric_limits<uint64_t>::max() >> shift) return std::nullopt;
  return *number << shift;
}

std::string FormatSize(uint64_t size) {
  constexpr uint64_t kKilo = 1024;
  if (size == 0 || size % kKilo != 0) return Count(size, "byte");
  if (size % (kKilo * kKilo) == 0) return fmt::format("{}M", size / (kKilo * kKilo));
  return fmt::format("{}K", size / kKilo);
}

std::string Count(uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string Percent(uint64_t part, uint64_t whole) {
  if (whole == 0) return "-";
  return fmt::format("{:.1f}%", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

}  // namespace fwdelta
