// Header parser and the host functions that edit headers, on arbitrary bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "libdelta/device.h"
#include "libdelta/host.h"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

// What a parsed header points to lies in its signed part.
void RequireInside(const libdelta_header& header, const uint8_t* bytes, const uint8_t* field, size_t length) {
  Require(field >= bytes && static_cast<size_t>(field - bytes) <= header.signed_length &&
          length <= header.signed_length - static_cast<size_t>(field - bytes));
}

void CheckParsed(const libdelta_header& header, const uint8_t* bytes, size_t size) {
  Require(header.header_length <= size && header.header_length <= LIBDELTA_MAX_HEADER);
  Require(header.signature_count <= LIBDELTA_MAX_SIGNATURES);
  RequireInside(header, bytes, header.hardware, header.hardware_length);
  RequireInside(header, bytes, header.component, header.component_length);
  RequireInside(header, bytes, header.extensions, header.extensions_length);
  RequireInside(header, bytes, header.new_digest, LIBDELTA_SHA256_SIZE);
  Require((header.old_digest != nullptr) == (header.old_length != 0));
  Require((header.first_link != nullptr) == (header.payload_length != 0));
  if (header.old_digest != nullptr) RequireInside(header, bytes, header.old_digest, 16);
  if (header.first_link != nullptr) RequireInside(header, bytes, header.first_link, 16);
}

// A header that parses can be signed, and still parses then.
void CheckSigning(libdelta::ByteView patch, const libdelta_header& header) {
  Require(libdelta::SignatureMessage(patch).ok());
  const libdelta::Bytes key(32, 1);
  const auto result = libdelta::AddSignature(patch, LIBDELTA_ED25519, key, libdelta::Bytes(64));
  if (!result.ok()) return;
  libdelta_header again;
  Require(libdelta_parse_header(result.value().data(), result.value().size(), &again) == LIBDELTA_OK);
  Require(again.signature_count == header.signature_count + 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  libdelta_header header;
  const libdelta_status status = libdelta_parse_header(data, size, &header);
  if (status == LIBDELTA_NEED_INPUT) {
    Require(size < LIBDELTA_MAX_HEADER);
    return 0;
  }
  if (status != LIBDELTA_OK) {
    Require(status == LIBDELTA_E_MALFORMED || status == LIBDELTA_E_VERSION);
    return 0;
  }
  CheckParsed(header, data, size);
  libdelta_header shorter;
  Require(libdelta_parse_header(data, header.header_length - 1u, &shorter) == LIBDELTA_NEED_INPUT);
  CheckSigning({data, size}, header);
  return 0;
}
