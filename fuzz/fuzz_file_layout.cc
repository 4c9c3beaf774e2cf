// The files that images come in, on arbitrary bytes: whatever they say, ranges are inside the file and apart
// from each other, and what they put into flash is of bounded size.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "libdelta/host/file_layout.h"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const libdelta::ByteView file(data, size);
  const libdelta::FileLayout layout = libdelta::ParseFileLayout(file);
  const uint64_t digits = layout.format == libdelta::FileFormat::kIntelHex ? 2 : 1;
  Require(layout.ranges.empty() || layout.problem.empty() || layout.zigbee_ota);
  uint64_t end = 0;
  uint64_t loaded = 0;
  for (const libdelta::LoadedRange& range : layout.ranges) {
    Require(range.offset >= end && range.size != 0 && range.size <= size);
    end = range.offset + range.size * digits;
    Require(end <= size);
    if (range.stored) loaded += range.size;
  }
  Require(libdelta::BasesOf(layout, file).size() <= layout.ranges.size());
  // Gaps are not filled, so flash has no more than the file.
  const auto flat = libdelta::Flatten(layout, file, 0, 0xff);
  if (!flat.ok()) return 0;
  uint64_t flash = 0;
  uint64_t after = 0;
  for (const libdelta::FlatImage& image : flat.value()) {
    Require(!image.bytes.empty() && (flash == 0 || image.address > after));
    after = image.address + image.bytes.size();
    flash += image.bytes.size();
  }
  Require(flash != 0 && flash <= loaded);
  return 0;
}
