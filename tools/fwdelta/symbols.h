// What a linker knows of an image: its sections and functions, from an ELF file or a GNU ld map.
#ifndef TOOLS_FWDELTA_SYMBOLS_H_
#define TOOLS_FWDELTA_SYMBOLS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libdelta/host.h"
#include "libdelta/host/file_layout.h"

namespace fwdelta {

// A named stretch of the program.
struct Symbol {
  std::string name;
  uint64_t run = 0;                     // Address at which it runs,
  uint64_t stored = 0;                  // and at which it is put into flash.
  std::optional<uint64_t> file_offset;  // In the ELF file.
  uint64_t size = 0;
};

struct SymbolTable {
  std::vector<Symbol> sections;
  std::vector<Symbol> symbols;  // Functions and objects; of a map, input sections.
};

bool IsElf(libdelta::ByteView file);

// Throws a Failure (kMalformed) that names `name` if the file is neither ELF nor a map, or damaged. A table
// may be empty: stripped files have no symbols.
SymbolTable ReadSymbols(libdelta::ByteView file, const std::string& name);

// A symbol's place in an image.
struct Place {
  std::string name;
  uint64_t start = 0;  // Offset in the image.
  uint64_t end = 0;
};

// Where in `image` the symbols are, by start; what is elsewhere is left out. `is_own`: the table is that of
// the image, which is an ELF file. `base`: address of the image's first byte, if it is known.
std::vector<Place> PlacesIn(const std::vector<Symbol>& symbols, libdelta::ByteView image, bool is_own,
                            std::optional<uint64_t> base);

}  // namespace fwdelta

#endif  // TOOLS_FWDELTA_SYMBOLS_H_
