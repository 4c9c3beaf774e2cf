/* libdelta device library: verify and apply a signed firmware delta.
 *
 * Purpose
 *   Turns an old image and a patch (`*.fwd`, FORMAT.md) into a new image in a small, fixed amount of
 *   memory. No heap, no global state, no recursion, no floating point. Usable from C99 and C++.
 *
 * Shape of a call sequence
 *   Streamed patch:                          Stored patch:
 *     libdelta_init(ram, size, &config, &u)    libdelta_init(ram, size, &config, &u)
 *     while bytes arrive:                      libdelta_apply_stored(u, patch_size)
 *       libdelta_push(u, bytes, count)
 *     libdelta_finish(u)
 *   Both run the same engine. A streamed patch is authenticated chunk by chunk: no byte is decoded
 *   before it is verified. A stored patch is authenticated completely before the first output byte,
 *   and each chunk again when it is read for decoding.
 *
 * Order of checks
 *   header bounds, version -> signatures -> hardware, component -> counter -> memory -> old image
 *   digest -> first output byte ... last output byte -> new image digest -> LIBDELTA_OK.
 *   The caller must not boot or use the new image before LIBDELTA_OK is returned.
 *
 * Memory
 *   The caller owns one buffer (`ram`), aligned to 8 bytes, for the life of the update. The patch
 *   header declares how many bytes it needs ("RAM dial"); see libdelta_ram_required(). Beside it the
 *   library uses stack only (see bench/results/footprint.csv).
 *
 * Configuration
 *   Features can be left out when the library is compiled: see config.h.
 *
 * Errors
 *   Every error is permanent and sticky: once a call has returned one, every later call returns the
 *   same one. Numbers are pinned and never reused.
 */
#ifndef LIBDELTA_DEVICE_H_
#define LIBDELTA_DEVICE_H_

#include <stddef.h>
#include <stdint.h>

#include "libdelta/config.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Image offsets and lengths, in bytes. 32 bits suffice for a microcontroller; define
 *  LIBDELTA_64BIT_OFFSETS (library and callers alike) for images of 4 GiB and more. A patch whose
 *  lengths do not fit is refused with LIBDELTA_E_UNSUPPORTED. */
#ifdef LIBDELTA_64BIT_OFFSETS
typedef uint64_t libdelta_offset;
#else
typedef uint32_t libdelta_offset;
#endif

/** Result of every call. 0: complete; 1: feed more; 16 and above: permanent error. */
typedef enum libdelta_status {
  LIBDELTA_OK = 0,             /**< The new image is complete and its digest has been verified. */
  LIBDELTA_NEED_INPUT = 1,     /**< All input consumed; push more. */
  LIBDELTA_E_ARGUMENT = 16,    /**< Bad configuration or call order: null pointer, misaligned RAM. */
  LIBDELTA_E_MALFORMED = 17,   /**< The patch violates FORMAT.md. */
  LIBDELTA_E_VERSION = 18,     /**< Not a patch, or a format version this library does not know. */
  LIBDELTA_E_UNSUPPORTED = 19, /**< Codec, critical extension or image size not supported here, or a feature
                                    that was left out (config.h). */
  LIBDELTA_E_SIGNATURE = 20,   /**< Fewer than `threshold` valid signatures by distinct trusted keys. */
  LIBDELTA_E_HARDWARE = 21,    /**< The patch is for other hardware. */
  LIBDELTA_E_COMPONENT = 22,   /**< The patch is for another component. */
  LIBDELTA_E_COUNTER = 23,     /**< The patch's security counter is older than the device's. */
  LIBDELTA_E_RAM = 24,         /**< The patch needs more RAM than the caller gave. */
  LIBDELTA_E_OLD_DIGEST = 25,  /**< The base image is not the one the patch was made from. */
  LIBDELTA_E_CHUNK = 26,       /**< A chunk does not match the hash chain. */
  LIBDELTA_E_NEW_DIGEST = 27,  /**< The output does not have the signed digest: do not use it. */
  LIBDELTA_E_TRAILING = 28,    /**< Bytes follow the end of the patch. */
  LIBDELTA_E_TRUNCATED = 29,   /**< The patch ended early. */
  LIBDELTA_E_READ_OLD = 30,    /**< The read_old callback failed. */
  LIBDELTA_E_WRITE_NEW = 31,   /**< The write_new callback failed. */
  LIBDELTA_E_READ_NEW = 32,    /**< The read_new callback failed. */
  LIBDELTA_E_READ_PATCH = 33,  /**< The read_patch callback failed. */
  LIBDELTA_E_HASH = 34,        /**< A hash callback failed. */
  LIBDELTA_E_FLASH = 35,       /**< A flash callback failed, or flash does not hold what was programmed. */
  LIBDELTA_E_GEOMETRY = 36,    /**< The patch is for another flash geometry, or not for updates in place. */
  LIBDELTA_E_IN_PROGRESS = 37, /**< Another update has begun: finish it, or send a whole image. */
  LIBDELTA_E_ALREADY_DONE = 38 /**< The flash holds the new image already. Not a failure. */
} libdelta_status;

/** One line of English for a status; never null. */
const char *libdelta_status_text(libdelta_status status);

/** Signature algorithms. Both have 64-byte signatures: Ed25519 as in RFC 8032, ECDSA P-256 with
 *  SHA-256 as r || s, each 32 bytes big-endian. */
typedef enum libdelta_algorithm { LIBDELTA_ED25519 = 1, LIBDELTA_P256 = 2 } libdelta_algorithm;

enum {
  LIBDELTA_SHA256_SIZE = 32,
  LIBDELTA_SIGNATURE_SIZE = 64,
  LIBDELTA_KEY_ID_SIZE = 8,
  LIBDELTA_MAX_HEADER = 1024, /**< Whole header with signatures, bytes. */
  LIBDELTA_MAX_ID = 32,       /**< Hardware and component ids, bytes. */
  LIBDELTA_MAX_SIGNATURES = 8,
  LIBDELTA_MIN_RAM = 2048, /**< Smallest RAM dial, bytes. */
  LIBDELTA_FIXED_RAM = 512 /**< Fixed part counted in every RAM dial, bytes. */
};

/** A trusted public key. `bytes` is 32 bytes for Ed25519 and 64 bytes (x || y, big-endian) for
 *  P-256. The array must outlive the update. */
typedef struct libdelta_key {
  libdelta_algorithm algorithm;
  const uint8_t *bytes;
} libdelta_key;

/** Flash and patch access. Every callback returns 0 on success, anything else on failure; a failure
 *  ends the update with the matching status. `length` is never 0. Offsets are relative to the start
 *  of the old image, the new image or the patch. */
typedef struct libdelta_io {
  void *user; /**< Passed to every callback. */
  /** Reads bytes of the old image. May be null only for patches that carry a whole image. */
  int (*read_old)(void *user, libdelta_offset offset, uint8_t *buffer, uint32_t length);
  /** Writes bytes of the new image; called with strictly increasing, gapless offsets. */
  int (*write_new)(void *user, libdelta_offset offset, const uint8_t *data, uint32_t length);
  /** Reads back bytes that write_new has been given. */
  int (*read_new)(void *user, libdelta_offset offset, uint8_t *buffer, uint32_t length);
  /** Reads bytes of a stored patch. Only libdelta_apply_stored() needs it. */
  int (*read_patch)(void *user, libdelta_offset offset, uint8_t *buffer, uint32_t length);
} libdelta_io;

/** SHA-256 and signature verification, from any library or hardware engine
 *  (libdelta/adapters/). One hash computation is in progress at a time. Returns 0 on success. */
typedef struct libdelta_crypto {
  void *user; /**< Passed to every callback; usually holds the hash state. */
  int (*sha256_init)(void *user);
  int (*sha256_update)(void *user, const uint8_t *data, size_t length);
  int (*sha256_final)(void *user, uint8_t digest[LIBDELTA_SHA256_SIZE]);
  /** Returns 0 only if `signature` over `message` by `key` is valid. Must not use the sha256
   *  callbacks' state. May be null when the policy has no keys. */
  int (*verify)(void *user, const libdelta_key *key, const uint8_t *message, size_t length,
                const uint8_t signature[LIBDELTA_SIGNATURE_SIZE]);
} libdelta_crypto;

/** What the device accepts. Ids are compared bytewise. */
typedef struct libdelta_policy {
  const libdelta_key *keys; /**< Trusted keys; duplicates count once. */
  uint8_t key_count;
  uint8_t threshold;     /**< Valid signatures by distinct keys needed; 1 .. key_count. 0 accepts
                              unsigned patches, and only in libraries compiled with
                              LIBDELTA_ALLOW_UNSIGNED. */
  const char *hardware;  /**< NUL-terminated id the patch must carry; null: not checked. */
  const char *component; /**< Likewise. */
  uint32_t min_counter;  /**< Patches with a smaller security counter are refused. */
} libdelta_policy;

/** Consecutive pages of the same size. A page is the least that can be erased. */
typedef struct libdelta_page_run {
  uint32_t count;
  uint32_t size; /**< Bytes, a multiple of 64. */
} libdelta_page_run;

/** Bytes of the slot that no update may touch: settings, calibration. Whole pages. */
typedef struct libdelta_range {
  uint32_t start; /**< Offset in the slot. */
  uint32_t length;
} libdelta_range;

/** Flash for updates in place. One slot holds the image; spare pages hold a journal and what is about to be
 *  overwritten. Callbacks return 0 on success. Addresses are what the callbacks make of them. It is not
 *  copied. */
typedef struct libdelta_flash {
  void *user; /**< Passed to every callback. */
  /** Reads bytes. May fail where a write was torn (ECC): the library takes that as "nothing there". */
  int (*read)(void *user, uint32_t address, uint8_t *buffer, uint32_t length);
  /** Programs whole write units, each of them at most once after its page was erased. */
  int (*program)(void *user, uint32_t address, const uint8_t *data, uint32_t length);
  /** Erases the page that starts at `address`. */
  int (*erase)(void *user, uint32_t address);
  /** Stores `counter` as the device's security counter unless it is higher already. Called when the new
   *  image has been verified, possibly more than once. May be null. */
  int (*commit_counter)(void *user, uint32_t counter);
  const libdelta_page_run *runs; /**< Pages of the slot, from its start. */
  uint8_t run_count;
  uint8_t spare_count;      /**< Spare pages: at least 2, at most 16. */
  uint8_t write_unit;       /**< Bytes: 1, 2, 4, 8, 16 or 32. */
  uint8_t erase_value;      /**< Of an erased byte: 0xff or 0. */
  uint32_t slot;            /**< Address of the slot. */
  uint32_t spare;           /**< Address of the first spare page; the others follow. */
  uint32_t spare_page_size; /**< Bytes, at least the slot's largest page; a multiple of 64, below 4 MiB. */
  const libdelta_range *protected_ranges;
  uint8_t protected_count;
} libdelta_flash;

/** Streaming decoder of another codec (FORMAT.md 4), e.g. zstd; see libdelta/adapters/zstd.h.
 *  `ram` is the caller's buffer minus the fixed part and the chunk buffer. */
typedef struct libdelta_codec {
  /** Prepares `ram`; returns 0 on success, anything else when it does not suffice. */
  int (*begin)(uint8_t *ram, size_t ram_size);
  /** Decodes from input[*used..) to output, advancing *used and *produced; returns 0 on progress,
   *  anything else for malformed input. */
  int (*decode)(uint8_t *ram, const uint8_t *input, size_t input_size, size_t *used, uint8_t *output,
                size_t output_size, size_t *produced);
} libdelta_codec;

/** Everything the library needs from its environment. It is not copied: it and all it points to
 *  must outlive the update. */
typedef struct libdelta_config {
  libdelta_io io;
  libdelta_crypto crypto;
  libdelta_policy policy;
  const libdelta_codec *zstd;  /**< Null: patches with the zstd codec are refused as unsupported. */
  const libdelta_flash *flash; /**< Updates in place; read_old, write_new and read_new are then not used.
                                    Null: the new image goes elsewhere. */
} libdelta_config;

/** What a header says. Pointers point into the header bytes given to libdelta_parse_header(). */
typedef struct libdelta_header {
  uint8_t version;
  uint8_t codec; /**< 0: libdelta, 1: zstd. */
  uint8_t signature_count;
  uint8_t hardware_length;
  uint8_t component_length;
  const uint8_t *hardware; /**< Not NUL-terminated. */
  const uint8_t *component;
  uint32_t counter;
  uint64_t old_length; /**< 0: the patch carries a whole image and needs no base. */
  uint64_t new_length;
  uint64_t payload_length;   /**< Bytes after the header, links included. */
  uint32_t ram;              /**< RAM an applier needs, bytes, fixed part included; a multiple of 32. */
  uint32_t chunk_size;       /**< Bytes per chunk, link included. */
  const uint8_t *old_digest; /**< First 16 bytes of SHA-256; null when old_length is 0. */
  const uint8_t *new_digest; /**< SHA-256, all of it. */
  const uint8_t *first_link; /**< 16 bytes; null when there is no payload. */
  const uint8_t *extensions; /**< Encoded extensions. */
  uint16_t extensions_length;
  uint16_t signed_length; /**< Bytes that the signatures cover. */
  uint16_t header_length; /**< signed_length + signature block. */
} libdelta_header;

/** Parses a header without judging it. Returns LIBDELTA_OK; LIBDELTA_NEED_INPUT when `length` bytes
 *  are a proper prefix of a header; or MALFORMED, VERSION. Reads nothing beyond `length`. */
libdelta_status libdelta_parse_header(const uint8_t *bytes, size_t length, libdelta_header *header);

/** An update in progress. Lives at the start of the caller's RAM buffer. */
typedef struct libdelta_updater libdelta_updater;

/** Bytes the caller must provide to apply a patch that declares `ram` bytes. Equal to `ram` on 32-bit
 *  targets where updates in place are left out (LIBDELTA_NO_IN_PLACE); their state, and the larger pointers
 *  of 64-bit hosts, need some hundred bytes more. */
size_t libdelta_ram_required(uint64_t ram);

/** Starts an update. `ram`: caller's buffer of `size` bytes, 8-byte aligned, at least
 *  libdelta_ram_required(LIBDELTA_MIN_RAM). On success *updater is set and LIBDELTA_NEED_INPUT
 *  returned; otherwise LIBDELTA_E_ARGUMENT or LIBDELTA_E_RAM and *updater is null. */
libdelta_status libdelta_init(void *ram, size_t size, const libdelta_config *config,
                              libdelta_updater **updater);

/** What is in the flash after a reset. */
typedef enum libdelta_recovery {
  LIBDELTA_IDLE = 0,     /**< No update has begun; boot what is in the slot. */
  LIBDELTA_FINISHED = 1, /**< The last update was completed and verified; boot it. */
  LIBDELTA_RESUME = 2,   /**< An update has begun: do not boot, feed its patch. */
  LIBDELTA_STRANDED = 3  /**< An update was given up, or its patch is not acceptable any more: do not boot,
                              send a whole image. */
} libdelta_recovery;

/** To be called first after every reset where config->flash is set, on a fresh updater. Where there is a
 * journal it computes the digest of the slot; for the rest, the caller decides whether to boot. Sets
 * *recovery. RESUME: returns NEED_INPUT, and the patch is to be pushed from byte *feed_from on;
 * libdelta_apply_stored() goes on there by itself. IDLE, FINISHED: returns OK; the updater is spent.
 * STRANDED: returns the reason. Any other error leaves *recovery at STRANDED. */
libdelta_status libdelta_recover(libdelta_updater *updater, libdelta_recovery *recovery,
                                 libdelta_offset *feed_from);

/** Consumes patch bytes in pieces of any size, including 0. Returns NEED_INPUT until the patch is
 *  complete, then OK; bytes beyond the end give LIBDELTA_E_TRAILING. */
libdelta_status libdelta_push(libdelta_updater *updater, const uint8_t *data, size_t length);

/** Tells that no more bytes will come. Returns OK, the sticky error, or LIBDELTA_E_TRUNCATED. */
libdelta_status libdelta_finish(libdelta_updater *updater);

/** Applies a patch of `patch_size` bytes through io.read_patch. Never returns NEED_INPUT. */
libdelta_status libdelta_apply_stored(libdelta_updater *updater, libdelta_offset patch_size);

/** Makes all checks that libdelta_apply_stored() makes before the first output byte, but decodes and
 *  writes nothing: header, policy, RAM, every chunk; the old image as well, unless io.read_old is
 *  null. OK means that the patch is authentic and acceptable; the updater is then spent, and another
 *  one can apply the patch. */
libdelta_status libdelta_verify_stored(libdelta_updater *updater, libdelta_offset patch_size);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* LIBDELTA_DEVICE_H_ */
