// The device's decoder on a processor of another kind, with 32-bit offsets: decodes the cases of
// make_cases.cc and compares. Prints "N passed, M failed"; returns 1 if any failed or there is none. C++17
// and the C library only.
//
//   decode_cases FILE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libdelta/device/decoder.h"
#include "libdelta/device/in_place.h"

namespace {

struct Images {
  const uint8_t* old_image;
  uint32_t old_length;
  uint8_t* new_image;
  uint32_t new_length;
};

int Read(const uint8_t* image, uint32_t size, libdelta_offset offset, uint8_t* buffer, uint32_t length) {
  if (offset > size || length > size - offset) return -1;
  memcpy(buffer, image + offset, length);
  return 0;
}

int ReadOld(void* user, libdelta_offset offset, uint8_t* buffer, uint32_t length) {
  const Images* images = static_cast<Images*>(user);
  return Read(images->old_image, images->old_length, offset, buffer, length);
}

int ReadNew(void* user, libdelta_offset offset, uint8_t* buffer, uint32_t length) {
  const Images* images = static_cast<Images*>(user);
  return Read(images->new_image, images->new_length, offset, buffer, length);
}

int WriteNew(void* user, libdelta_offset offset, const uint8_t* data, uint32_t length) {
  const Images* images = static_cast<Images*>(user);
  if (offset > images->new_length || length > images->new_length - offset) return -1;
  memcpy(images->new_image + offset, data, length);
  return 0;
}

uint32_t Number(FILE* file) {
  uint32_t value = 0;
  for (uint32_t i = 0; i < 4; ++i) value |= static_cast<uint32_t>(fgetc(file) & 255) << 8 * i;
  return value;
}

uint8_t* Bytes(FILE* file, uint32_t size) {
  uint8_t* bytes = static_cast<uint8_t*>(malloc(size + 1));
  if (bytes == nullptr || fread(bytes, 1, size, file) != size) abort();
  return bytes;
}

// Reads one case and decodes it.
bool Passes(FILE* file) {
  const uint32_t arena_size = Number(file);
  const uint32_t old_length = Number(file);
  const uint32_t payload_length = Number(file);
  const uint32_t new_length = Number(file);
  uint8_t* const old_image = Bytes(file, old_length);
  uint8_t* const payload = Bytes(file, payload_length);
  uint8_t* const expected = Bytes(file, new_length);
  uint8_t* const new_image = static_cast<uint8_t*>(calloc(new_length + 1, 1));
  uint8_t* const arena = static_cast<uint8_t*>(malloc(arena_size));
  Images images = {old_image, old_length, new_image, new_length};
  const libdelta_io io = {&images, ReadOld, WriteNew, ReadNew, nullptr};
  static libdelta::Decoder decoder;
  libdelta::InPlace elsewhere{};
  libdelta::DecoderInit(&decoder, &io, &elsewhere, arena, arena_size, old_length, new_length);
  uint32_t used = 0;
  const libdelta_status status = libdelta::DecoderRun(&decoder, payload, payload_length, true, &used);
  const bool passes = status == LIBDELTA_OK && memcmp(new_image, expected, new_length) == 0;
  if (!passes) printf("%u bytes to %u: status %d\n", old_length, new_length, static_cast<int>(status));
  free(arena);
  free(new_image);
  free(expected);
  free(payload);
  free(old_image);
  return passes;
}

}  // namespace

int main(int argc, char** argv) {
  FILE* const file = argc == 2 ? fopen(argv[1], "rb") : nullptr;
  if (file == nullptr) return 2;
  unsigned passed = 0;
  unsigned failed = 0;
  for (int c = fgetc(file); c != EOF; c = fgetc(file)) {
    ungetc(c, file);
    ++(Passes(file) ? passed : failed);
  }
  fclose(file);
  printf("%u passed, %u failed\n", passed, failed);
  return failed != 0 || passed == 0 ? 1 : 0;
}
