/* A C program that has the vendored device library compiled in: applies a signed patch in 16 KiB of RAM.
 *
 *   drop_in OLD PATCH NEW
 *
 * Prints the library's verdict and writes NEW if that is good. tests/embedded_test.sh compiles and runs it.
 */
#include <stdio.h>
#include <string.h>

#include "libdelta/adapters/bearssl.h"
#include "libdelta/adapters/tinyssh.h"
#include "libdelta/device.h"
#include "release_key.h" /* Made from a .pub file of fwdelta keygen. */

enum { MOST = 1 << 20 };

typedef struct image {
  uint8_t bytes[MOST];
  size_t length;
} image;

static image old_image;
static image patch;
static image new_image;

static int load(const char *name, image *to) {
  FILE *file = fopen(name, "rb");
  if (file == NULL) return -1;
  to->length = fread(to->bytes, 1, sizeof(to->bytes), file);
  return fclose(file);
}

static int copy_out(const image *from, libdelta_offset offset, uint8_t *buffer, uint32_t length) {
  if (offset > from->length || length > from->length - offset) return -1;
  memcpy(buffer, from->bytes + offset, length);
  return 0;
}

static int read_old(void *user, libdelta_offset offset, uint8_t *buffer, uint32_t length) {
  (void)user;
  return copy_out(&old_image, offset, buffer, length);
}

static int read_new(void *user, libdelta_offset offset, uint8_t *buffer, uint32_t length) {
  (void)user;
  return copy_out(&new_image, offset, buffer, length);
}

static int write_new(void *user, libdelta_offset offset, const uint8_t *data, uint32_t length) {
  (void)user;
  if (offset != new_image.length || length > MOST - new_image.length) return -1;
  memcpy(new_image.bytes + offset, data, length);
  new_image.length += length;
  return 0;
}

static libdelta_status apply(void) {
  static uint64_t ram[16384 / sizeof(uint64_t)];
  static const libdelta_key key = {RELEASE_KEY_ALGORITHM, release_key};
  libdelta_bearssl_state hash;
  libdelta_config config;
  libdelta_updater *updater;
  libdelta_status status;
  size_t at = 0;
  memset(&config, 0, sizeof(config));
  config.io.read_old = read_old;
  config.io.write_new = write_new;
  config.io.read_new = read_new;
  config.crypto = libdelta_bearssl_crypto(&hash);
#ifdef LIBDELTA_NO_P256
  config.crypto.verify = libdelta_tinyssh_verify;
#endif
  config.policy.keys = &key;
  config.policy.key_count = 1;
  config.policy.threshold = 1;
  status = libdelta_init(ram, sizeof(ram), &config, &updater);
  while (status == LIBDELTA_NEED_INPUT && at < patch.length) {
    const size_t piece = patch.length - at < 100 ? patch.length - at : 100;
    status = libdelta_push(updater, patch.bytes + at, piece);
    at += piece;
  }
  return status == LIBDELTA_NEED_INPUT ? libdelta_finish(updater) : status;
}

int main(int count, char **names) {
  FILE *file;
  libdelta_status status;
  if (count != 4 || load(names[1], &old_image) != 0 || load(names[2], &patch) != 0) return 2;
  status = apply();
  printf("%d bits: %s\n", 8 * (int)sizeof(void *), libdelta_status_text(status));
  if (status != LIBDELTA_OK) return 1;
  file = fopen(names[3], "wb");
  if (file == NULL || fwrite(new_image.bytes, 1, new_image.length, file) != new_image.length) return 2;
  return fclose(file);
}
