#include "tests/support/containers.h"

#include <algorithm>
#include <cstdio>

namespace libdelta::testing {
namespace {

class Writer {
 public:
  explicit Writer(bool big_endian = false) : big_endian_(big_endian) {}

  Writer& Put(uint64_t value, uint32_t size) {
    for (uint32_t i = 0; i < size; ++i) {
      out_.push_back(static_cast<uint8_t>(value >> 8 * (big_endian_ ? size - 1 - i : i)));
    }
    return *this;
  }
  Writer& Put(const Bytes& bytes) {
    out_.insert(out_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  Writer& PadTo(size_t size, uint8_t fill = 0) {
    out_.resize(std::max(size, out_.size()), fill);
    return *this;
  }
  size_t size() const { return out_.size(); }
  Bytes Take() { return std::move(out_); }

 private:
  bool big_endian_;
  Bytes out_;
};

Bytes Slice(const Bytes& bytes, size_t at, size_t size) {
  const size_t end = std::min(bytes.size(), at + size);
  return Bytes(bytes.begin() + static_cast<ptrdiff_t>(at), bytes.begin() + static_cast<ptrdiff_t>(end));
}

void PutRecord(uint32_t address, uint32_t type, const Bytes& data, std::string* text) {
  uint32_t sum = 0;
  const auto put = [&](uint32_t byte) {
    char digits[3];
    std::snprintf(digits, sizeof(digits), "%02X", byte & 255);
    *text += digits;
    sum += byte;
  };
  *text += ':';
  put(static_cast<uint32_t>(data.size()));
  put(address >> 8 & 255);
  put(address & 255);
  put(type);
  for (const uint8_t byte : data) put(byte);
  put(0u - sum);
  *text += "\r\n";
}

}  // namespace

Bytes MakeElf(const std::vector<Part>& parts, bool wide, bool big_endian, uint64_t stored_shift) {
  const uint32_t word = wide ? 8 : 4;
  const uint32_t header = wide ? 64 : 52;
  const uint32_t entry = wide ? 56 : 32;
  Writer out(big_endian);
  out.Put(
      {0x7f, 'E', 'L', 'F', static_cast<uint8_t>(wide ? 2 : 1), static_cast<uint8_t>(big_endian ? 2 : 1), 1});
  out.PadTo(16).Put(2, 2).Put(40, 2).Put(1, 4);
  out.Put(parts.empty() ? 0 : parts[0].address, word).Put(header, word).Put(0, word).Put(0, 4);
  out.Put(header, 2).Put(entry, 2).Put(parts.size() + 1, 2).Put(0, 2).Put(0, 2).Put(0, 2);
  // One that is not loaded comes first.
  size_t offset = (header + entry * (parts.size() + 1) + 15) & ~size_t{15};
  const auto program_header = [&](uint32_t type, uint64_t at, uint64_t address, uint64_t size) {
    out.Put(type, 4);
    if (wide) out.Put(5, 4);
    out.Put(at, word)
        .Put(address, word)
        .Put(address + stored_shift, word)
        .Put(size, word)
        .Put(size + 64, word);
    if (!wide) out.Put(5, 4);
    out.Put(16, word);
  };
  program_header(4, 0, 0, 16);
  std::vector<size_t> offsets;
  for (const Part& part : parts) {
    offsets.push_back(offset);
    program_header(1, offset, part.address, part.bytes.size());
    offset += (part.bytes.size() + 15) & ~size_t{15};
  }
  for (size_t i = 0; i < parts.size(); ++i) out.PadTo(offsets[i]).Put(parts[i].bytes);
  return out.Take();
}

Bytes MakeHex(const std::vector<Part>& parts, uint32_t per_record, bool segmented) {
  std::string text;
  for (const Part& part : parts) {
    uint64_t upper = UINT64_MAX;
    for (size_t at = 0; at < part.bytes.size();) {
      const uint64_t address = part.address + at;
      if (address >> 16 != upper) {
        upper = address >> 16;
        const uint64_t value = segmented ? upper << 12 : upper;
        PutRecord(0, segmented ? 2 : 4, {static_cast<uint8_t>(value >> 8), static_cast<uint8_t>(value)},
                  &text);
      }
      const size_t size = std::min<size_t>(per_record, 0x10000 - (address & 0xffff));
      const Bytes data = Slice(part.bytes, at, size);
      PutRecord(address & 0xffff, 0, data, &text);
      at += data.size();
    }
  }
  PutRecord(0, 5, {8, 0, 0, 1}, &text);
  PutRecord(0, 1, {}, &text);
  return Bytes(text.begin(), text.end());
}

Bytes MakeUf2(const std::vector<Part>& parts, uint32_t per_block) {
  uint32_t blocks = 0;
  for (const Part& part : parts) {
    blocks += static_cast<uint32_t>((part.bytes.size() + per_block - 1) / per_block);
  }
  Writer out;
  uint32_t number = 0;
  for (const Part& part : parts) {
    for (size_t at = 0; at < part.bytes.size(); at += per_block) {
      const Bytes data = Slice(part.bytes, at, per_block);
      const size_t end = out.size() + 512;
      out.Put(0x0a324655, 4).Put(0x9e5d5157, 4).Put(0x2000, 4).Put(part.address + at, 4).Put(data.size(), 4);
      out.Put(number++, 4).Put(blocks, 4).Put(0xe48bff56, 4).Put(data).PadTo(end - 4).Put(0x0ab16f30, 4);
    }
  }
  return out.Take();
}

Bytes MakeEsp(const std::vector<Part>& parts, uint32_t header) {
  Writer out;
  out.Put(0xe9, 1).Put(parts.size(), 1).Put(0x0202, 2).Put(0x40080000, 4).PadTo(header);
  uint8_t sum = 0xef;
  for (const Part& part : parts) {
    out.Put(part.address, 4).Put(part.bytes.size(), 4).Put(part.bytes);
    for (const uint8_t byte : part.bytes) sum ^= byte;
  }
  out.PadTo(out.size() | 15).Put(sum, 1);
  return out.Take();
}

Bytes MakeEsp8266V2(const std::vector<Part>& parts) {
  Writer out;
  out.Put(0xea, 1).Put(4, 1).Put(0, 2).Put(0x40100004, 4).Put(0, 4).Put(parts[0].bytes.size(), 4);
  out.Put(parts[0].bytes).Put(MakeEsp({parts.begin() + 1, parts.end()}, 8));
  return out.Take();
}

Bytes MakeMcuboot(const Bytes& image, uint32_t flags, uint32_t load_address) {
  Writer out;
  out.Put(0x96f3b83d, 4).Put(load_address, 4).Put(512, 2).Put(0, 2).Put(image.size(), 4).Put(flags, 4);
  out.Put(0x01020003, 4).Put(7, 4).Put(0, 4).PadTo(512).Put(image);
  out.Put(0x6907, 2).Put(4 + 36, 2).Put(0x10, 2).Put(32, 2).PadTo(512 + image.size() + 40, 0xa5);
  return out.Take();
}

Bytes MakeGbl(const std::vector<Part>& parts) {
  Writer out;
  out.Put(0x03a617eb, 4).Put(8, 4).Put(0x03000000, 4).Put(0, 4);
  out.Put(0xf40a0af4, 4).Put(28, 4).PadTo(out.size() + 28, 1);
  for (const Part& part : parts) {
    out.Put(0xfd0303fd, 4).Put(part.bytes.size() + 4, 4).Put(part.address, 4).Put(part.bytes);
  }
  out.Put(0xfc0404fc, 4).Put(4, 4).Put(0x12345678, 4);
  return out.Take();
}

Bytes MakeEbl(const std::vector<Part>& parts, uint32_t per_tag) {
  Writer out(true);
  out.Put(0, 2).Put(0x8c, 2).Put(0x0201, 2).Put(0xe350, 2).PadTo(4 + 0x8c, 7);
  for (const Part& part : parts) {
    for (size_t at = 0; at < part.bytes.size(); at += per_tag) {
      const Bytes data = Slice(part.bytes, at, per_tag);
      out.Put(at == 0 ? 0xfd03 : 0xfe01, 2).Put(data.size() + 4, 2).Put(part.address + at, 4).Put(data);
    }
  }
  out.Put(0xfc04, 2).Put(4, 2).Put(0xdebb20e3, 4).PadTo((out.size() + 63) & ~size_t{63}, 0xff);
  return out.Take();
}

Bytes MakeZigbeeOta(const Bytes& file) {
  Writer out;
  const uint32_t header = 58;  // With the optional field of hardware versions.
  out.Put(0x0beef11e, 4)
      .Put(0x0100, 2)
      .Put(header, 2)
      .Put(4, 2)
      .Put(0x117c, 2)
      .Put(0x0001, 2)
      .Put(2, 4)
      .Put(2, 2);
  out.PadTo(header - 6, 'x').Put(header + 6 + 10 + 6 + file.size(), 4).PadTo(header, 1);
  out.Put(0xf000, 2).Put(10, 4).PadTo(out.size() + 10, 0x11);  // Of the manufacturer's own kind.
  out.Put(0, 2).Put(file.size(), 4).Put(file);
  return out.Take();
}

}  // namespace libdelta::testing
