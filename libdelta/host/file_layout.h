// The file that an image comes in: what is loaded from where in it, and to which address.
#ifndef LIBDELTA_HOST_FILE_LAYOUT_H_
#define LIBDELTA_HOST_FILE_LAYOUT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libdelta/host.h"

namespace libdelta {

enum class FileFormat { kRaw, kElf, kIntelHex, kUf2, kEspImage, kMcuboot, kGbl, kEbl };

// "Intel HEX", "raw image" ...
const char* NameOf(FileFormat format);

// Bytes that follow each other in the file and in memory. In Intel HEX, each byte of memory is two digits.
struct LoadedRange {
  uint64_t offset = 0;             // In the file; the range is within it.
  uint64_t size = 0;               // Bytes of memory; at least 1.
  std::optional<uint64_t> run;     // Address at which the program sees it; unset: the file does not say.
  std::optional<uint64_t> stored;  // Address at which it is put into flash, likewise.
};

// The search table for unwinding (.eh_frame_hdr), of the usual kind. Offsets in the file.
struct UnwindIndex {
  uint64_t start = 0;    // What the words of a row count from.
  uint64_t rows = 0;     // Each has two words: function, entry.
  uint64_t count = 0;    // Of rows; they are all in the file.
  uint64_t entries = 0;  // Start of the entries (.eh_frame).
};

struct FileLayout {
  FileFormat format = FileFormat::kRaw;
  bool zigbee_ota = false;  // A Zigbee OTA file is around it.
  bool big_endian = false;  // Only ELF says so.
  // By offset in the file, without overlaps there. Empty for a raw image, of which the whole file is loaded.
  std::vector<LoadedRange> ranges;
  std::optional<UnwindIndex> unwind_index;  // Of an ELF file.
  // Why a file that begins like one of the formats, or the image in a Zigbee OTA file, was taken for a raw
  // image; else empty.
  std::string problem;
};

// Never fails: what is not a sound file of any of the formats is a raw image. Encrypted and compressed parts
// are in no range. Takes time and memory in proportion to the file.
FileLayout ParseFileLayout(ByteView file);

// The addresses that the first byte of `file` would have if all of it were loaded like one of its ranges,
// that to which most words of the file point first. Empty if the file does not say where it is loaded.
std::vector<uint32_t> BasesOf(const FileLayout& layout, ByteView file);

// The part of flash that a file fills.
struct FlatImage {
  uint64_t address = 0;  // Of its first byte.
  Bytes bytes;
};

// What the file puts into flash, one image for each stretch that is not interrupted by more than `max_gap`
// bytes, by address; gaps are filled with `fill`. Of bytes that are given twice the later ones count. Errors:
// the file does not say where anything is stored, or the images are longer than 1 GiB in all.
Result<std::vector<FlatImage>> Flatten(const FileLayout& layout, ByteView file, uint64_t max_gap,
                                       uint8_t fill);

}  // namespace libdelta

#endif  // LIBDELTA_HOST_FILE_LAYOUT_H_
