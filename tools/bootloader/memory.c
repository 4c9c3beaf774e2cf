/* The memory functions that gcc expects of every program. Bytewise: small, and nothing here is in a hurry. */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *target, const void *source, size_t size);
void *memmove(void *target, const void *source, size_t size);
void *memset(void *target, int value, size_t size);
int memcmp(const void *left, const void *right, size_t size);

void *memcpy(void *target, const void *source, size_t size) {
  uint8_t *to = target;
  const uint8_t *from = source;
  while (size-- > 0) *to++ = *from++;
  return target;
}

void *memmove(void *target, const void *source, size_t size) {
  uint8_t *to = target;
  const uint8_t *from = source;
  if (to <= from) return memcpy(target, source, size);
  while (size-- > 0) to[size] = from[size];
  return target;
}

void *memset(void *target, int value, size_t size) {
  uint8_t *to = target;
  while (size-- > 0) *to++ = (uint8_t)value;
  return target;
}

int memcmp(const void *left, const void *right, size_t size) {
  const uint8_t *a = left;
  const uint8_t *b = right;
  for (; size > 0; size--, a++, b++) {
    if (*a != *b) return *a < *b ? -1 : 1;
  }
  return 0;
}
