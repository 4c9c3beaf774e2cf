#include "libdelta/device/policy.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "libdelta/device/digest.h"
#include "libdelta/device/state.h"

namespace libdelta {
namespace {

constexpr uint32_t kP256KeySize = 64;
constexpr uint32_t kEd25519KeySize = 32;

#ifdef LIBDELTA_NO_P256
constexpr bool kHasP256 = false;
#else
constexpr bool kHasP256 = true;
#endif
#ifdef LIBDELTA_NO_ED25519
constexpr bool kHasEd25519 = false;
#else
constexpr bool kHasEd25519 = true;
#endif

// Of a key that IsUsableConfig() has accepted.
uint32_t KeySize(const libdelta_key &key) {
  if (!kHasEd25519) return kP256KeySize;
  return kHasP256 && key.algorithm == LIBDELTA_P256 ? kP256KeySize : kEd25519KeySize;
}

bool IsUsableKey(const libdelta_key &key) {
  return key.bytes != nullptr &&
         ((kHasP256 && key.algorithm == LIBDELTA_P256) || (kHasEd25519 && key.algorithm == LIBDELTA_ED25519));
}

// CheckSignatures()'s working memory. It lives in the scratch area, which leaves the stack to the
// signature library.
struct Work {
  uint8_t domain[kSignatureDomainSize];  // The signed message is this
  uint8_t header_digest[kDigestSize];    // and this.
  uint8_t key_digest[kDigestSize];       // Starts with the key's id.
  uint8_t key_material[1 + kP256KeySize];
};
constexpr uint32_t kMessageSize = kSignatureDomainSize + kDigestSize;
static_assert(offsetof(Work, header_digest) == kSignatureDomainSize && sizeof(Work) <= kScratchSize,
              "scratch area");

// Whether `wanted`, if any, is the id. Never inlined: it is used twice.
[[gnu::noinline]] bool IsSameId(const char *wanted, const uint8_t *id, uint32_t length) {
  if (wanted == nullptr) return true;
  // The bytes of `id` are printable, so a shorter `wanted` differs at its terminator at the latest.
  for (; length != 0; --length) {
    if (static_cast<uint8_t>(*wanted++) != *id++) return false;
  }
  return *wanted == '\0';
}

Work *GetWork(libdelta_updater *updater) { return reinterpret_cast<Work *>(Scratch(updater)); }

// OK if a trusted key made the signature of `entry`; E_SIGNATURE or E_HASH otherwise.
libdelta_status CheckEntry(libdelta_updater *updater, const uint8_t *entry) {
  const libdelta_crypto &crypto = updater->config->crypto;
  const libdelta_key *key = updater->config->policy.keys;
  Work *work = GetWork(updater);
  for (uint32_t left = updater->config->policy.key_count; left != 0; --left, ++key) {
    const uint32_t key_size = KeySize(*key);
    work->key_material[0] = static_cast<uint8_t>(key->algorithm);
    memcpy(work->key_material + 1, key->bytes, key_size);
    const libdelta_status status = ComputeDigest(updater, work->key_material, 1 + key_size, work->key_digest);
    if (status != LIBDELTA_OK) return status;
    if (memcmp(entry, work->key_digest, kKeyIdSize) == 0 &&
        crypto.verify(crypto.user, key, work->domain, kMessageSize, entry + kKeyIdSize) == 0) {
      return LIBDELTA_OK;
    }
  }
  return LIBDELTA_E_SIGNATURE;
}

bool HasImageCallbacks(const libdelta_io &io) { return io.write_new != nullptr && io.read_new != nullptr; }

#ifndef LIBDELTA_NO_IN_PLACE

// Powers of two up to `most`.
bool IsUnit(uint32_t unit, uint32_t most) { return unit != 0 && unit <= most && (unit & (unit - 1)) == 0; }

static_assert(1u << kPageUnitBits == kBlock, "headers count pages in blocks");

bool IsUsableFlash(const libdelta_flash &flash) {
  if (flash.read == nullptr || flash.program == nullptr || flash.erase == nullptr || flash.runs == nullptr ||
      flash.run_count == 0 || flash.run_count > kMaxPageRuns || flash.spare_count < kMinSparePages ||
      flash.spare_count > kMaxSparePages || flash.spare_page_size % kBlock != 0 ||
      !IsUnit(flash.write_unit, kMaxWriteUnit) ||
      (flash.protected_count != 0 && flash.protected_ranges == nullptr)) {
    return false;
  }
  for (uint32_t i = 0; i < flash.run_count; ++i) {
    const libdelta_page_run &run = flash.runs[i];
    if (run.count == 0 || run.size == 0 || run.size % kBlock != 0 || run.size > flash.spare_page_size) {
      return false;
    }
  }
  return true;
}

// What the new image is written to.
bool IsUsableTarget(const libdelta_config &config) {
  if (config.flash != nullptr) return IsUsableFlash(*config.flash);
  return kHasTwoSlot && HasImageCallbacks(config.io);
}

#else

bool IsUsableTarget(const libdelta_config &config) { return HasImageCallbacks(config.io); }

#endif

}  // namespace

bool IsUsableConfig(const libdelta_config &config) {
  const libdelta_crypto &crypto = config.crypto;
  const libdelta_policy &policy = config.policy;
  if (!IsUsableTarget(config) || crypto.sha256_init == nullptr || crypto.sha256_update == nullptr ||
      crypto.sha256_final == nullptr || policy.threshold > policy.key_count) {
    return false;
  }
#ifdef LIBDELTA_ALLOW_UNSIGNED
  if (policy.threshold == 0) return true;
#endif
  if (policy.threshold == 0 || crypto.verify == nullptr || policy.keys == nullptr) return false;
  for (uint32_t i = 0; i < policy.key_count; ++i) {
    if (!IsUsableKey(policy.keys[i])) return false;
  }
  return true;
}

libdelta_status CheckSignatures(libdelta_updater *updater) {
  Work *work = GetWork(updater);
  const uint8_t *bytes = HeaderBytes(updater);
  const uint32_t signed_length = updater->header.signed_length;
  libdelta_status status = ComputeDigest(updater, bytes, signed_length, work->header_digest);
  memcpy(work->domain, kSignatureDomain, kSignatureDomainSize);

  // Entries have distinct key ids (the parser saw to it), so counting entries counts distinct keys,
  // whatever the list of trusted keys repeats. They end where the header does.
  const uint8_t *entry = bytes + signed_length + 1;
  uint32_t wanted = updater->config->policy.threshold;
  for (; wanted != 0 && status != LIBDELTA_E_HASH; entry += kSignatureEntrySize) {
    if (entry == updater->next) return LIBDELTA_E_SIGNATURE;
    status = CheckEntry(updater, entry);
    if (status == LIBDELTA_OK) --wanted;
  }
  return status;
}

libdelta_status CheckTarget(libdelta_updater *updater) {
  const libdelta_policy &policy = updater->config->policy;
  const WireHeader &header = updater->header;
  const uint8_t *hardware = HeaderBytes(updater) + kFixedHeaderSize;
  if (!IsSameId(policy.hardware, hardware, header.hardware_length)) return LIBDELTA_E_HARDWARE;
  if (!IsSameId(policy.component, hardware + header.hardware_length, header.component_length)) {
    return LIBDELTA_E_COMPONENT;
  }
  return Fixed(updater).counter < policy.min_counter ? LIBDELTA_E_COUNTER : LIBDELTA_OK;
}

}  // namespace libdelta
