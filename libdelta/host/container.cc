#include "libdelta/host/container.h"

#include <algorithm>
#include <bit>
#include <string_view>

#include "libdelta/host/sha256.h"
#include "libdelta/wire/header.h"

namespace libdelta {
namespace {

void Append(Bytes* out, ByteView bytes) { out->insert(out->end(), bytes.begin(), bytes.end()); }

// Little-endian.
void AppendNumber(Bytes* out, uint64_t value, int size) {
  for (; size != 0; --size, value >>= 8) out->push_back(static_cast<uint8_t>(value));
}

bool IsId(std::string_view id) {
  return id.size() <= kMaxId &&
         std::all_of(id.begin(), id.end(), [](char c) { return c >= 0x21 && c <= 0x7e; });
}

// Number of chunks that `data_size` bytes need. Every chunk but the last gives kLinkSize bytes to a link.
uint64_t ChunkCount(uint64_t data_size, uint32_t chunk_size) {
  if (data_size == 0) return 0;
  if (data_size <= chunk_size) return 1;
  const uint64_t data_per_chunk = chunk_size - kLinkSize;
  return 1 + (data_size - chunk_size + data_per_chunk - 1) / data_per_chunk;
}

struct Payload {
  Bytes bytes;
  Bytes first_link;
};

// The chain is built from the last chunk to the first, because each link covers the next chunk's own.
Payload BuildPayload(ByteView data, uint32_t chunk_size) {
  Payload payload;
  payload.bytes.resize(DataSizeToPayloadSize(data.size(), chunk_size));
  if (data.empty()) payload.first_link.resize(kLinkSize);  // Zeros.
  const size_t data_per_chunk = chunk_size - kLinkSize;
  for (uint64_t i = ChunkCount(data.size(), chunk_size); i-- != 0;) {
    const auto chunk = payload.bytes.begin() + static_cast<ptrdiff_t>(i * chunk_size);
    const ByteView rest = data.subspan(i * data_per_chunk);
    const bool is_last = payload.first_link.empty();
    const size_t count = is_last ? rest.size() : data_per_chunk;
    const auto data_begin = std::copy(payload.first_link.begin(), payload.first_link.end(), chunk);
    const auto chunk_end = std::copy_n(rest.begin(), count, data_begin);
    const Digest digest = Sha256(ByteView(chunk, chunk_end));
    payload.first_link.assign(digest.begin(), digest.begin() + kLinkSize);
  }
  return payload;
}

constexpr char kTooLong[] = "header: extensions are too long; at most 1024 bytes in all";

Result<Bytes> EncodeExtensions(const std::vector<Extension>& extensions) {
  Bytes out;
  for (size_t i = 0; i < extensions.size(); ++i) {
    const uint64_t minimum = i == 0 ? 1 : extensions[i - 1].type + 1;
    if (extensions[i].type > kMaxExtensionType || extensions[i].type < minimum) {
      return Error{"extension types: must be 1 .. 65535 and strictly increasing"};
    }
    if (extensions[i].value.size() >= kMaxHeader) return Error{kTooLong};
    AppendNumber(&out, extensions[i].type, 2);
    AppendNumber(&out, extensions[i].value.size(), 2);
    Append(&out, extensions[i].value);
  }
  return out;
}

std::string CheckFields(ByteView payload_data, const HeaderFields& fields) {
  if (!IsId(fields.hardware)) return "hardware id: at most 32 printable ASCII characters, no spaces";
  if (!IsId(fields.component)) return "component id: at most 32 printable ASCII characters, no spaces";
  if (fields.chunk_size < kMinChunk || fields.chunk_size > kMaxChunk) {
    return "chunk size: must be 256 .. 4096 bytes";
  }
  if (fields.ram < kMinRam || fields.ram > kMaxRam || fields.ram % kRamUnit != 0) {
    return "RAM: must be 2048 .. 1048576 bytes, a multiple of 32";
  }
  if (fields.ram < RamForArena(0, fields.chunk_size)) {
    return "RAM: too small for this chunk size; choose smaller chunks";
  }
  if (std::max(fields.old_image.size(), fields.new_image.size()) > kMaxLength) {
    return "image: must be shorter than 2^40 bytes";
  }
  if (DataSizeToPayloadSize(payload_data.size(), fields.chunk_size) > kMaxLength) {
    return "payload: must be shorter than 2^40 bytes, links included";
  }
  if (payload_data.empty() != fields.new_image.empty()) {
    return "payload: must be empty exactly when the new image is";
  }
  if (fields.codec == kCodecZstd && !fields.old_image.empty()) return "zstd payloads cannot use a base image";
  return {};
}

// The signed message and the signed length of a patch whose header has been parsed.
Bytes MakeMessage(ByteView patch, const libdelta_header& header) {
  Bytes message(kSignatureDomain, kSignatureDomain + kSignatureDomainSize);
  Append(&message, Sha256(patch.first(header.signed_length)));
  return message;
}

// Offset of the first signature entry whose key id is not below `key_id`; the end of the header if there is
// none.
size_t FindEntry(ByteView patch, const libdelta_header& header, const Bytes& key_id) {
  size_t at = header.signed_length + size_t{1};
  while (at != header.header_length &&
         std::lexicographical_compare(&patch[at], &patch[at] + kKeyIdSize, key_id.begin(), key_id.end())) {
    at += kSignatureEntrySize;
  }
  return at;
}

}  // namespace

Extension GeometryExtension(const InPlaceLayout& layout) {
  Extension extension{kInPlaceExtension, {}};
  const uint32_t unit_bits = static_cast<uint32_t>(std::countr_zero(layout.write_unit));
  AppendNumber(&extension.value, unit_bits << kSpareBits | (layout.spare_count - 1), 1);
  AppendNumber(&extension.value, layout.spare_page_size >> kPageUnitBits, 2);
  for (const SlotPages& run : layout.pages) {
    AppendNumber(&extension.value, run.count, 2);
    AppendNumber(&extension.value, run.size >> kPageUnitBits, 2);
  }
  return extension;
}

uint32_t SignedSize(const HeaderFields& fields) {
  size_t size = kFixedHeaderSize + fields.hardware.size() + fields.component.size();
  for (const Extension& extension : fields.extensions) size += kExtensionHeaderSize + extension.value.size();
  return static_cast<uint32_t>(size);
}

uint64_t DataSizeToPayloadSize(uint64_t data_size, uint32_t chunk_size) {
  const uint64_t chunks = ChunkCount(data_size, chunk_size);
  return chunks == 0 ? 0 : data_size + (chunks - 1) * kLinkSize;
}

Result<Bytes> Pack(ByteView payload_data, const HeaderFields& fields) {
  if (std::string problem = CheckFields(payload_data, fields); !problem.empty()) return Error{problem};
  Result<Bytes> extensions = EncodeExtensions(fields.extensions);
  if (!extensions.ok()) return extensions;
  const Payload payload = BuildPayload(payload_data, fields.chunk_size);

  Bytes out(kMagic, kMagic + sizeof(kMagic));
  out.push_back(kVersionMark | kFormatVersion);
  const size_t signed_length_at = out.size();
  out.resize(out.size() + 2);
  AppendNumber(&out, fields.chunk_size, 2);
  const uint64_t lengths[] = {fields.old_image.size(), fields.new_image.size(), payload.bytes.size()};
  for (const uint64_t length : lengths) AppendNumber(&out, length, 4);
  AppendNumber(&out, fields.ram / kRamUnit, 2);
  out.push_back(fields.codec);
  for (const uint64_t length : lengths) AppendNumber(&out, length >> 32, 1);
  AppendNumber(&out, fields.hardware.size(), 1);
  AppendNumber(&out, fields.component.size(), 1);
  Append(&out, Sha256(fields.new_image));
  Append(&out, payload.first_link);
  const Digest old_digest = Sha256(fields.old_image);
  Append(&out, ByteView(old_digest).first(kOldDigestSize));
  AppendNumber(&out, fields.counter, 4);
  out.insert(out.end(), fields.hardware.begin(), fields.hardware.end());
  out.insert(out.end(), fields.component.begin(), fields.component.end());
  Append(&out, extensions.value());
  if (out.size() >= kMaxHeader) return Error{kTooLong};
  out[signed_length_at] = static_cast<uint8_t>(out.size());
  out[signed_length_at + 1] = static_cast<uint8_t>(out.size() >> 8);
  out.push_back(0);  // No signatures yet.
  Append(&out, payload.bytes);
  return out;
}

Result<libdelta_header> ReadHeader(ByteView patch) {
  libdelta_header header;
  switch (ParseHeader(patch.data(), patch.size(), &header)) {
    case LIBDELTA_OK:
      return header;
    case LIBDELTA_NEED_INPUT:
      return Error{"patch: ends within the header"};
    case LIBDELTA_E_VERSION:
      return Error{"patch: not a patch, or of a format version this tool does not know"};
    default:
      return Error{"patch: malformed header"};
  }
}

Result<Bytes> SignatureMessage(ByteView patch) {
  const Result<libdelta_header> header = ReadHeader(patch);
  if (!header.ok()) return Error{header.error()};
  return MakeMessage(patch, header.value());
}

Result<Bytes> AddSignature(ByteView patch, int algorithm, ByteView public_key, ByteView signature) {
  const Result<libdelta_header> parsed = ReadHeader(patch);
  if (!parsed.ok()) return Error{parsed.error()};
  const libdelta_header& header = parsed.value();
  if (algorithm != LIBDELTA_ED25519 && algorithm != LIBDELTA_P256) return Error{"key: unknown algorithm"};
  if (public_key.size() != (algorithm == LIBDELTA_P256 ? 64 : 32)) return Error{"key: wrong length"};
  if (signature.size() != kSignatureSize) return Error{"signature: must be 64 bytes"};
  const Bytes key_id = KeyId(algorithm, public_key);
  const size_t at = FindEntry(patch, header, key_id);
  if (at != header.header_length && std::equal(key_id.begin(), key_id.end(), &patch[at])) {
    return Error{"patch: already has a signature by this key"};
  }
  if (header.signature_count == kMaxSignatures || header.header_length + kSignatureEntrySize > kMaxHeader) {
    return Error{"patch: no room for another signature"};
  }
  Bytes out(patch.begin(), patch.begin() + static_cast<ptrdiff_t>(at));
  ++out[header.signed_length];
  Append(&out, key_id);
  Append(&out, signature);
  Append(&out, patch.subspan(at));
  return out;
}

Bytes KeyId(int algorithm, ByteView public_key) {
  Bytes material = {static_cast<uint8_t>(algorithm)};
  Append(&material, public_key);
  const Digest digest = Sha256(material);
  return Bytes(digest.begin(), digest.begin() + kKeyIdSize);
}

}  // namespace libdelta
