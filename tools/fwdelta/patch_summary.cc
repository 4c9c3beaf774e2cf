#include "fwdelta/patch_summary.h"

#include <algorithm>

#include "fwdelta/failure.h"
#include "fwdelta/text.h"
#include "libdelta/wire/cursor.h"
#include "libdelta/wire/format.h"

namespace fwdelta {
namespace {

constexpr size_t kMagicSize = sizeof(libdelta::kMagic);

libdelta::Bytes Copy(const uint8_t* bytes, size_t size) {
  return bytes == nullptr ? libdelta::Bytes() : libdelta::Bytes(bytes, bytes + size);
}

std::string CopyId(const uint8_t* id, size_t size) {
  return size == 0 ? std::string() : std::string(reinterpret_cast<const char*>(id), size);
}

// The parser has found the extensions well-formed, so reading them cannot fail.
std::vector<ExtensionEntry> ReadExtensions(const libdelta_header& header) {
  std::vector<ExtensionEntry> result;
  libdelta::Cursor cursor(header.extensions, header.extensions_length);
  while (const uint8_t* const start = cursor.Span(4)) {
    const uint64_t type = libdelta::LoadU16(start);
    const size_t size = libdelta::LoadU16(start + 2);
    const uint8_t* const value = cursor.Span(size);
    if (value == nullptr) break;
    result.push_back({type, (type & 1) != 0, Copy(value, size)});
  }
  return result;
}

// Nothing if there is no such extension, or none of a length that it can have.
std::optional<InPlaceGeometry> ReadGeometry(const std::vector<ExtensionEntry>& extensions) {
  for (const ExtensionEntry& entry : extensions) {
    if (entry.type != libdelta::kInPlaceExtension) continue;
    const uint8_t* const value = entry.value.data();
    const size_t size = entry.value.size();
    if (size <= libdelta::kGeometrySize || (size - libdelta::kGeometrySize) % libdelta::kGeometryRunSize != 0)
      return std::nullopt;
    InPlaceGeometry geometry;
    geometry.write_unit = 1u << (value[0] >> libdelta::kSpareBits);
    geometry.spare_count = value[0] % libdelta::kMaxSparePages + 1;
    const auto page_size = [](const uint8_t* at) {
      return uint32_t{libdelta::LoadU16(at)} << libdelta::kPageUnitBits;
    };
    geometry.spare_page_size = page_size(value + 1);
    for (size_t at = libdelta::kGeometrySize; at < size; at += libdelta::kGeometryRunSize) {
      geometry.pages.push_back({libdelta::LoadU16(value + at), page_size(value + at + 2)});
    }
    return geometry;
  }
  return std::nullopt;
}

// "216 x 4K", "2 x 16K + 1 x 64K".
std::string PagesText(const std::vector<libdelta::SlotPages>& pages) {
  std::string text;
  for (const libdelta::SlotPages& run : pages) {
    text += fmt::format("{}{} x {}", text.empty() ? "" : " + ", run.count, FormatSize(run.size));
  }
  return text;
}

Json GeometryJson(const std::optional<InPlaceGeometry>& geometry) {
  if (!geometry) return nullptr;
  Json pages = Json::array();
  for (const libdelta::SlotPages& run : geometry->pages) {
    pages.push_back({{"count", run.count}, {"size", run.size}});
  }
  return {{"write_unit", geometry->write_unit},
          {"spare_pages", geometry->spare_count},
          {"spare_page_size", geometry->spare_page_size},
          {"slot_pages", pages},
          {"slot_size", geometry->slot_size()}};
}

std::vector<SignatureEntry> ReadSignatures(libdelta::ByteView patch, const libdelta_header& header) {
  std::vector<SignatureEntry> result;
  const uint8_t* entry = patch.data() + header.signed_length + 1;
  for (unsigned i = 0; i < header.signature_count; ++i, entry += libdelta::kSignatureEntrySize) {
    result.push_back(
        {Copy(entry, libdelta::kKeyIdSize), Copy(entry + libdelta::kKeyIdSize, libdelta::kSignatureSize)});
  }
  return result;
}

const char* CodecName(uint8_t codec) {
  switch (codec) {
    case libdelta::kCodecDelta:
      return "libdelta";
    case libdelta::kCodecZstd:
      return "zstd";
    default:
      return "unknown";
  }
}

std::string IdText(const std::string& id) { return id.empty() ? "(any)" : id; }

std::string SizeText(uint64_t size) {
  const std::string exact = Count(size, "byte");
  const std::string rounded = FormatSize(size);
  return exact == rounded ? exact : fmt::format("{} ({})", exact, rounded);
}

std::string ImageText(uint64_t length, const libdelta::Bytes& digest) {
  if (digest.empty()) return "none: the patch carries the whole new image";
  return fmt::format("{}, SHA-256 {}", Count(length, "byte"), DigestText(digest));
}

Json ImageJson(uint64_t length, const libdelta::Bytes& digest) {
  if (digest.empty()) return nullptr;
  const bool is_whole = digest.size() == libdelta::kDigestSize;
  return {{"length", length}, {is_whole ? "sha256" : "sha256_start", Hex(digest)}};
}

}  // namespace

uint64_t InPlaceGeometry::slot_size() const {
  uint64_t size = 0;
  for (const libdelta::SlotPages& run : pages) size += uint64_t{run.count} * run.size;
  return size;
}

uint64_t PatchSummary::chunk_count() const {
  return payload_length / chunk_size + (payload_length % chunk_size != 0 ? 1 : 0);
}

uint64_t PatchSummary::link_bytes() const { return chunk_count() * libdelta::kLinkSize; }

PatchSummary Summarize(libdelta::ByteView patch, const std::string& name) {
  libdelta_header header;
  const libdelta_status status = libdelta_parse_header(patch.data(), patch.size(), &header);
  if (status != LIBDELTA_OK) Fail(ExitCode::kMalformed, "{}: {}", name, ExplainHeader(status, patch));
  PatchSummary summary;
  summary.version = header.version;
  summary.codec = header.codec;
  summary.hardware = CopyId(header.hardware, header.hardware_length);
  summary.component = CopyId(header.component, header.component_length);
  summary.counter = header.counter;
  summary.old_length = header.old_length;
  summary.old_digest = Copy(header.old_digest, libdelta::kOldDigestSize);
  summary.new_length = header.new_length;
  summary.new_digest = Copy(header.new_digest, libdelta::kDigestSize);
  summary.payload_length = header.payload_length;
  summary.ram = header.ram;
  summary.chunk_size = header.chunk_size;
  summary.header_length = header.header_length;
  summary.extensions = ReadExtensions(header);
  summary.in_place = ReadGeometry(summary.extensions);
  summary.signatures = ReadSignatures(patch, header);
  return summary;
}

std::string DigestText(libdelta::ByteView digest) {
  return Hex(digest) + (digest.size() < libdelta::kDigestSize ? "..." : "");
}

bool IsPatch(libdelta::ByteView bytes) {
  return bytes.size() > kMagicSize && bytes[kMagicSize] >= libdelta::kVersionMark &&
         std::equal(bytes.begin(), bytes.begin() + kMagicSize, libdelta::kMagic);
}

std::string ExplainHeader(libdelta_status status, libdelta::ByteView patch) {
  if (status == LIBDELTA_NEED_INPUT) {
    return fmt::format("ends inside its header, after {}; fetch it again", Count(patch.size(), "byte"));
  }
  if (status != LIBDELTA_E_VERSION) return "the header is damaged; fetch the patch again";
  if (!IsPatch(patch)) return "not a libdelta patch";
  return fmt::format("format version {}, but this fwdelta knows version {} only; use a newer fwdelta",
                     patch[kMagicSize] - libdelta::kVersionMark, libdelta::kFormatVersion);
}

void CheckLength(const PatchSummary& summary, uint64_t size, const std::string& name) {
  const uint64_t expected = summary.patch_length();
  if (size == expected) return;
  Fail(ExitCode::kMalformed, "{}: {} long, but its header says {}: {}; fetch it again", name,
       Count(size, "byte"), expected, size < expected ? "truncated" : "bytes follow its end");
}

Json ToJson(const PatchSummary& summary) {
  Json signatures = Json::array();
  for (const SignatureEntry& entry : summary.signatures) {
    signatures.push_back({{"key_id", Hex(entry.key_id)}, {"signature", Hex(entry.signature)}});
  }
  Json extensions = Json::array();
  for (const ExtensionEntry& entry : summary.extensions) {
    extensions.push_back({{"type", entry.type}, {"critical", entry.critical}, {"value", Hex(entry.value)}});
  }
  return {{"version", summary.version},
          {"codec", CodecName(summary.codec)},
          {"codec_number", summary.codec},
          {"payload_kind", summary.is_delta() ? "delta" : "full"},
          {"hardware", summary.hardware},
          {"component", summary.component},
          {"counter", summary.counter},
          {"old", ImageJson(summary.old_length, summary.old_digest)},
          {"new", ImageJson(summary.new_length, summary.new_digest)},
          {"header_length", summary.header_length},
          {"payload_length", summary.payload_length},
          {"patch_length", summary.patch_length()},
          {"chunk_size", summary.chunk_size},
          {"chunks", summary.chunk_count()},
          {"link_bytes", summary.link_bytes()},
          {"ram", summary.ram},
          {"signatures", signatures},
          {"in_place", GeometryJson(summary.in_place)},
          {"extensions", extensions}};
}

std::string ToText(const InPlaceGeometry& geometry) {
  return fmt::format("slot of {} ({}), write unit of {}, {} spare pages of {}",
                     FormatSize(geometry.slot_size()), PagesText(geometry.pages),
                     Count(geometry.write_unit, "byte"), geometry.spare_count,
                     FormatSize(geometry.spare_page_size));
}

std::string ToText(const PatchSummary& summary) {
  std::string text;
  auto line = [&text](std::string_view field, const std::string& value) {
    text += fmt::format("{:<12}{}\n", field, value);
  };
  line("format",
       fmt::format("version {}, codec {} ({})", summary.version, summary.codec, CodecName(summary.codec)));
  line("hardware", IdText(summary.hardware));
  line("component", IdText(summary.component));
  line("counter", fmt::format("{}", summary.counter));
  line("old image", ImageText(summary.old_length, summary.old_digest));
  line("new image", ImageText(summary.new_length, summary.new_digest));
  line("header", Count(summary.header_length, "byte"));
  line("payload",
       fmt::format("{} in {} of at most {}, {} of them links", Count(summary.payload_length, "byte"),
                   Count(summary.chunk_count(), "chunk"), summary.chunk_size,
                   summary.chunk_count() == 0 ? 0 : summary.link_bytes() - libdelta::kLinkSize));
  line("RAM", SizeText(summary.ram));
  if (summary.in_place) {
    line("in place", ToText(*summary.in_place));
  }
  for (const ExtensionEntry& entry : summary.extensions) {
    if (summary.in_place && entry.type == libdelta::kInPlaceExtension) continue;
    line("extension",
         fmt::format("type {} ({}), {}", entry.type, entry.critical ? "critical" : "may be ignored",
                     Count(entry.value.size(), "byte")));
  }
  if (summary.signatures.empty()) line("signed by", "nobody");
  for (const SignatureEntry& entry : summary.signatures) line("signed by", "key " + Hex(entry.key_id));
  return text;
}

}  // namespace fwdelta
