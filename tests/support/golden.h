// The folder tests/golden: decoder inputs that stay as they are from release to release.
//
//   apply/NAME/old.bin, patch.fwd, new.sha256   unsigned patches that must apply; the digest in hexadecimal
//   refuse/NAME.fwd                             patches that must be refused ...
//   refuse/index.txt                            ... each with "NAME BASE STATUS": the case of apply/ whose
//                                               old.bin is the base, and the number in libdelta_status
//
// All of it comes from make_golden.cc.
#ifndef LIBDELTA_TESTS_SUPPORT_GOLDEN_H_
#define LIBDELTA_TESTS_SUPPORT_GOLDEN_H_

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libdelta/host.h"

namespace libdelta::testing {

inline std::filesystem::path GoldenFolder() {
  return std::filesystem::path(LIBDELTA_SOURCE_DIR) / "tests/golden";
}

inline std::optional<Bytes> ReadFile(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return std::nullopt;
  return Bytes{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

inline std::string ToHex(ByteView bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

struct GoldenPatch {
  std::string name;
  Bytes old_image;
  Bytes patch;
  std::string new_sha256;
};

inline std::optional<GoldenPatch> ReadGoldenPatch(const std::filesystem::path& folder) {
  const auto old_image = ReadFile(folder / "old.bin");
  const auto patch = ReadFile(folder / "patch.fwd");
  std::ifstream digest(folder / "new.sha256");
  std::string text;
  if (!old_image || !patch || !(digest >> text)) return std::nullopt;
  return GoldenPatch{folder.filename().string(), *old_image, *patch, text};
}

// Of refuse/index.txt.
struct GoldenRefusal {
  std::string name;
  std::string base;
  int status;
};

inline std::vector<GoldenRefusal> ReadGoldenRefusals() {
  std::ifstream index(GoldenFolder() / "refuse/index.txt");
  std::vector<GoldenRefusal> refusals;
  GoldenRefusal entry;
  while (index >> entry.name >> entry.base >> entry.status) refusals.push_back(entry);
  return refusals;
}

}  // namespace libdelta::testing

#endif  // LIBDELTA_TESTS_SUPPORT_GOLDEN_H_
