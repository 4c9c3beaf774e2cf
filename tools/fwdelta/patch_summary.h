// What a patch header says, as values, as text and as JSON. Trusts nothing and judges nothing.
#ifndef TOOLS_FWDELTA_PATCH_SUMMARY_H_
#define TOOLS_FWDELTA_PATCH_SUMMARY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fwdelta/json.h"
#include "libdelta/device.h"
#include "libdelta/host.h"

namespace fwdelta {

struct SignatureEntry {
  libdelta::Bytes key_id;
  libdelta::Bytes signature;
};

struct ExtensionEntry {
  uint64_t type = 0;
  bool critical = false;
  libdelta::Bytes value;
};

// The flash that an update in place was planned for.
struct InPlaceGeometry {
  std::vector<libdelta::SlotPages> pages;
  uint32_t write_unit = 0;
  uint32_t spare_count = 0;
  uint32_t spare_page_size = 0;

  uint64_t slot_size() const;
};

struct PatchSummary {
  uint8_t version = 0;
  uint8_t codec = 0;
  std::string hardware;
  std::string component;
  uint32_t counter = 0;
  uint64_t old_length = 0;
  libdelta::Bytes old_digest;  // The first 16 bytes; empty for a whole image.
  uint64_t new_length = 0;
  libdelta::Bytes new_digest;
  uint64_t payload_length = 0;
  uint64_t ram = 0;
  uint32_t chunk_size = 0;
  uint32_t header_length = 0;
  std::vector<ExtensionEntry> extensions;
  std::optional<InPlaceGeometry> in_place;  // Decoded from them.
  std::vector<SignatureEntry> signatures;

  bool is_delta() const { return old_length != 0; }
  uint64_t patch_length() const { return header_length + payload_length; }
  uint64_t chunk_count() const;
  uint64_t link_bytes() const;  // Of the hash chain, that in the header included.
};

// Throws a Failure (kMalformed) that says what is wrong with the start of `patch`.
PatchSummary Summarize(libdelta::ByteView patch, const std::string& name);

// In hexadecimal, with dots where only the start of a SHA-256 is known.
std::string DigestText(libdelta::ByteView digest);

// Whether it begins like a patch, of whatever format version.
bool IsPatch(libdelta::ByteView bytes);

// Why libdelta_parse_header() refused `patch`, without the file's name.
std::string ExplainHeader(libdelta_status status, libdelta::ByteView patch);

// Throws a Failure (kMalformed) when the file is shorter or longer than its header says.
void CheckLength(const PatchSummary& summary, uint64_t size, const std::string& name);

Json ToJson(const PatchSummary& summary);

// "slot of 864K (216 x 4K), ...".
std::string ToText(const InPlaceGeometry& geometry);

// Aligned lines.
std::string ToText(const PatchSummary& summary);

}  // namespace fwdelta

#endif  // TOOLS_FWDELTA_PATCH_SUMMARY_H_
