#include "tests/support/patches.h"

#include <sodium.h>
#include <zstd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "libdelta/host/sha256.h"
#include "libdelta/wire/format.h"

namespace libdelta::testing {
namespace {

template <typename T>
T Must(Result<T> result) {
  if (!result.ok()) {
    std::fprintf(stderr, "test setup failed: %s\n", result.error().c_str());
    std::abort();
  }
  return result.value();
}

void PutDigest(ByteView bytes, uint8_t* out, size_t size) {
  const Digest digest = Sha256(bytes);
  std::copy_n(digest.begin(), size, out);
}

Bytes SignTwice(ByteView patch) { return Signer(2).Sign(Signer(1).Sign(patch)); }

PatchCase ZstdCase(std::string name, Bytes image, uint32_t chunk_size,
                   std::vector<Extension> extensions = {}) {
  PatchCase result{std::move(name), {}, std::move(image), {}};
  HeaderFields fields = ZstdFields(result.new_image, chunk_size);
  fields.hardware = "board-7";
  fields.component = "app";
  fields.counter = 5;
  fields.extensions = std::move(extensions);
  result.patch = SignTwice(ZstdPatch(fields));
  return result;
}

PatchCase EncodedCase(std::string name, Bytes old_image, Bytes new_image, uint64_t ram) {
  PatchCase result{std::move(name), std::move(old_image), std::move(new_image), {}};
  EncodeOptions options;
  options.hardware = "board-7";
  options.component = "app";
  options.counter = 5;
  options.ram = ram;
  options.chunk = kMinChunk;
  options.threads = 1;
  result.patch = SignTwice(Must(Encode(result.old_image, result.new_image, options)).bytes);
  return result;
}

// `image` with a piece inserted, a piece removed and some bytes changed.
Bytes Edited(const Bytes& image) {
  Bytes out(image.begin(), image.begin() + 700);
  const Bytes inserted = RandomBytes(500, 77);
  out.insert(out.end(), inserted.begin(), inserted.end());
  out.insert(out.end(), image.begin() + 900, image.end());
  for (size_t i = 1500; i < out.size(); i += 97) out[i] = static_cast<uint8_t>(out[i] + 3);
  return out;
}

std::vector<PatchCase> MakeCases() {
  Bytes repetitive = RandomBytes(500, 3);
  for (int i = 0; i < 5; ++i)
    repetitive.insert(repetitive.end(), repetitive.begin(), repetitive.begin() + 500);
  std::vector<PatchCase> cases;
  cases.push_back(ZstdCase("zstd-many-chunks", RandomBytes(2200, 1), 256));
  cases.push_back(ZstdCase("zstd-odd-chunks", RandomBytes(1500, 2), 301));
  cases.push_back(ZstdCase("zstd-one-chunk", repetitive, 1024));
  cases.push_back(ZstdCase("zstd-empty", {}, 256));
  cases.push_back(ZstdCase("zstd-extensions", RandomBytes(600, 4), 256, {{2, RandomBytes(9, 5)}, {40, {}}}));
  const Bytes old_image = RandomBytes(4000, 6);
  cases.push_back(EncodedCase("delta", old_image, Edited(old_image), 4096));
  cases.push_back(EncodedCase("full", {}, Edited(old_image), 4096));
  cases.push_back(EncodedCase("delta-to-empty", old_image, {}, 4096));
  return cases;
}

}  // namespace

Bytes RandomBytes(size_t size, uint64_t seed) {
  std::mt19937_64 random(seed);
  Bytes out(size);
  for (uint8_t& byte : out) byte = static_cast<uint8_t>(random() >> 32);
  return out;
}

Signer::Signer(uint8_t seed)
    : public_key_(crypto_sign_PUBLICKEYBYTES), secret_key_(crypto_sign_SECRETKEYBYTES) {
  const Bytes seed_bytes(crypto_sign_SEEDBYTES, seed);
  crypto_sign_seed_keypair(public_key_.data(), secret_key_.data(), seed_bytes.data());
}

Bytes Signer::Sign(ByteView patch) const {
  const Bytes message = Must(SignatureMessage(patch));
  Bytes signature(crypto_sign_BYTES);
  crypto_sign_detached(signature.data(), nullptr, message.data(), message.size(), secret_key_.data());
  return Must(AddSignature(patch, LIBDELTA_ED25519, public_key_, signature));
}

Bytes ZstdFrame(ByteView image) {
  Bytes frame(ZSTD_compressBound(image.size()));
  frame.resize(ZSTD_compress(frame.data(), frame.size(), image.data(), image.size(), 3));
  return frame;
}

uint64_t RoundedRam(uint64_t arena, uint32_t chunk_size) {
  return (RamForArena(arena, chunk_size) + kRamUnit - 1) / kRamUnit * kRamUnit;
}

HeaderFields ZstdFields(ByteView new_image, uint32_t chunk_size) {
  HeaderFields fields;
  fields.codec = kCodecZstd;
  fields.new_image = new_image;
  fields.chunk_size = chunk_size;
  // A frame that declares its size has no window larger than the image, or than 2^20 at this level.
  const uint64_t window = std::clamp<uint64_t>(new_image.size(), 1024, 1 << 20);
  fields.ram = RoundedRam(ZstdArena(window, new_image.size()), chunk_size);
  return fields;
}

Bytes ZstdPatch(const HeaderFields& fields) {
  return Must(Pack(fields.new_image.empty() ? Bytes{} : ZstdFrame(fields.new_image), fields));
}

const std::vector<PatchCase>& PatchCases() {
  static const std::vector<PatchCase> cases = MakeCases();
  return cases;
}

const PatchCase& ManyChunks() { return PatchCases().front(); }

libdelta_header HeaderOf(ByteView patch) { return Must(ReadHeader(patch)); }

void RepairDigests(ByteView old_image, Bytes* patch) {
  libdelta_header header;
  if (libdelta_parse_header(patch->data(), patch->size(), &header) != LIBDELTA_OK) return;
  uint8_t* const bytes = patch->data();
  if (header.old_digest != nullptr) {
    const uint64_t length = std::min<uint64_t>(header.old_length, old_image.size());
    PutDigest(old_image.first(length), bytes + (header.old_digest - bytes), kOldDigestSize);
  }
  if (header.payload_length != patch->size() - header.header_length || header.first_link == nullptr) return;
  const ByteView payload = ByteView(*patch).subspan(header.header_length);
  for (size_t start = (payload.size() - 1) / header.chunk_size * header.chunk_size;;
       start -= header.chunk_size) {
    const ByteView chunk =
        payload.subspan(start, std::min<size_t>(header.chunk_size, payload.size() - start));
    const uint8_t* link = start == 0 ? header.first_link : payload.data() + start - header.chunk_size;
    PutDigest(chunk, bytes + (link - bytes), kLinkSize);
    if (start == 0) return;
  }
}

std::vector<size_t> ChunkLengths(ByteView patch) {
  const libdelta_header header = HeaderOf(patch);
  std::vector<size_t> lengths;
  for (uint64_t left = header.payload_length; left != 0; left -= lengths.back()) {
    lengths.push_back(static_cast<size_t>(std::min<uint64_t>(left, header.chunk_size)));
  }
  return lengths;
}

}  // namespace libdelta::testing
