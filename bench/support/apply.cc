#include "bench/support/apply.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "libdelta/adapters/zstd.h"

namespace bench {
namespace {

struct Images {
  libdelta::ByteView old_image;
  libdelta::Bytes* new_image;
};

bool Contains(size_t size, libdelta_offset offset, uint32_t length) {
  return offset <= size && length <= size - offset;
}

int ReadOld(void* user, libdelta_offset offset, uint8_t* buffer, uint32_t length) {
  const libdelta::ByteView image = static_cast<Images*>(user)->old_image;
  if (!Contains(image.size(), offset, length)) return -1;
  std::memcpy(buffer, image.data() + offset, length);
  return 0;
}

int WriteNew(void* user, libdelta_offset offset, const uint8_t* data, uint32_t length) {
  libdelta::Bytes& image = *static_cast<Images*>(user)->new_image;
  if (!Contains(image.size(), offset, length)) return -1;
  std::memcpy(image.data() + offset, data, length);
  return 0;
}

int ReadNew(void* user, libdelta_offset offset, uint8_t* buffer, uint32_t length) {
  const libdelta::Bytes& image = *static_cast<Images*>(user)->new_image;
  if (!Contains(image.size(), offset, length)) return -1;
  std::memcpy(buffer, image.data() + offset, length);
  return 0;
}

int ComputeInit(void* user) { return crypto_hash_sha256_init(&static_cast<Digests*>(user)->state.sha256); }

int ComputeUpdate(void* user, const uint8_t* data, size_t length) {
  return crypto_hash_sha256_update(&static_cast<Digests*>(user)->state.sha256, data, length);
}

int ComputeFinal(void* user, uint8_t* digest) {
  Digests* digests = static_cast<Digests*>(user);
  const int result = crypto_hash_sha256_final(&digests->state.sha256, digest);
  digests->results.emplace_back(digest, digest + LIBDELTA_SHA256_SIZE);
  return result;
}

int ReplayInit(void* /*user*/) { return 0; }

int ReplayUpdate(void* /*user*/, const uint8_t* /*data*/, size_t /*length*/) { return 0; }

int ReplayFinal(void* user, uint8_t* digest) {
  Digests* digests = static_cast<Digests*>(user);
  if (digests->next == digests->results.size()) return -1;
  const libdelta::Bytes& result = digests->results[digests->next++];
  std::copy(result.begin(), result.end(), digest);
  return 0;
}

}  // namespace

libdelta_crypto ComputeDigests(Digests* digests) {
  digests->results.clear();
  return {digests, ComputeInit, ComputeUpdate, ComputeFinal, nullptr};
}

libdelta_crypto ReplayDigests(Digests* digests) {
  digests->next = 0;
  return {digests, ReplayInit, ReplayUpdate, ReplayFinal, nullptr};
}

libdelta_status Apply(libdelta::ByteView old_image, libdelta::ByteView patch, size_t piece,
                      const libdelta_crypto& crypto, libdelta::Bytes* new_image) {
  libdelta_header header;
  const libdelta_status parsed = libdelta_parse_header(patch.data(), patch.size(), &header);
  if (parsed != LIBDELTA_OK) return parsed;
  if (header.new_length != new_image->size()) return LIBDELTA_E_ARGUMENT;

  Images images = {old_image, new_image};
  libdelta_config config = {};
  config.io = {&images, ReadOld, WriteNew, ReadNew, nullptr};
  config.crypto = crypto;
  config.zstd = &libdelta_zstd_codec;

  std::vector<uint64_t> ram((libdelta_ram_required(header.ram) + 7) / 8);
  libdelta_updater* updater = nullptr;
  libdelta_status status = libdelta_init(ram.data(), ram.size() * 8, &config, &updater);
  for (size_t done = 0; done < patch.size() && status == LIBDELTA_NEED_INPUT;) {
    const size_t count = std::min(piece, patch.size() - done);
    status = libdelta_push(updater, patch.data() + done, count);
    done += count;
  }
  return status == LIBDELTA_NEED_INPUT ? libdelta_finish(updater) : status;
}

std::string CheckPatch(libdelta::ByteView old_image, libdelta::ByteView new_image, libdelta::ByteView patch) {
  Digests digests;
  libdelta::Bytes result(new_image.size());
  const libdelta_status status = Apply(old_image, patch, 4096, ComputeDigests(&digests), &result);
  if (status != LIBDELTA_OK) return std::string("apply: ") + libdelta_status_text(status);
  return std::equal(result.begin(), result.end(), new_image.begin()) ? "" : "apply: wrong result";
}

}  // namespace bench
