#include "firmware.h"

size_t text_length(const char *text) {
  size_t length = 0;
  while (text[length] != 0) length++;
  return length;
}

int text_equal(const char *left, const char *right) {
  while (*left != 0 && *left == *right) {
    left++;
    right++;
  }
  return *left == *right;
}

int text_parse_number(const char *text, int32_t *value) {
  const int negative = *text == '-';
  uint32_t base = 10;
  int32_t result = 0;
  if (negative) text++;
  if (text[0] == '0' && text[1] == 'x') {
    base = 16;
    text += 2;
  }
  if (*text == 0) return 0;
  for (; *text != 0; text++) {
    uint32_t digit;
    if (*text >= '0' && *text <= '9') {
      digit = (uint32_t)(*text - '0');
    } else if (*text >= 'a' && *text <= 'f') {
      digit = (uint32_t)(*text - 'a') + 10;
    } else {
      return 0;
    }
    if (digit >= base) return 0;
    if (result > (INT32_MAX - 15) / (int32_t)base) return 0;
    result = result * (int32_t)base + (int32_t)digit;
  }
  *value = negative ? -result : result;
  return 1;
}

typedef struct output {
  char *buffer;
  size_t size;
  size_t used;
} output;

static void put(output *out, char character) {
  if (out->used + 1 < out->size) out->buffer[out->used++] = character;
}

static void put_number(output *out, uint32_t value, uint32_t base, unsigned digits) {
  char reversed[11];
  unsigned count = 0;
  do {
    const uint32_t digit = value % base;
    reversed[count++] = (char)(digit < 10 ? '0' + digit : 'a' + digit - 10);
    value /= base;
  } while (value != 0);
  while (count < digits) reversed[count++] = '0';
  while (count > 0) put(out, reversed[--count]);
}

static void put_signed(output *out, int32_t value, int hundredths) {
  uint32_t magnitude = (uint32_t)value;
  if (value < 0) {
    put(out, '-');
    magnitude = 0u - magnitude;
  }
  if (!hundredths) {
    put_number(out, magnitude, 10, 1);
    return;
  }
  put_number(out, magnitude / 100, 10, 1);
  put(out, '.');
  put_number(out, magnitude % 100, 10, 2);
}

size_t text_format(char *buffer, size_t size, const char *format, const int32_t *values, size_t count) {
  output out = {buffer, size, 0};
  size_t next = 0;
  for (; *format != 0; format++) {
    if (*format != '%') {
      put(&out, *format);
      continue;
    }
    format++;
    if (*format == '%') {
      put(&out, '%');
      continue;
    }
    if (next == count) break;
    const int32_t value = values[next++];
    switch (*format) {
      case 'd':
        put_signed(&out, value, 0);
        break;
      case 'q':
        put_signed(&out, value, 1);
        break;
      case 'u':
        put_number(&out, (uint32_t)value, 10, 1);
        break;
      case 'x':
        put_number(&out, (uint32_t)value, 16, FIRMWARE_VERSION >= 2 ? 8 : 1);
        break;
      case 'c':
        put(&out, (char)value);
        break;
      case 's': {
        const char *text = (const char *)(uintptr_t)(uint32_t)value;
        while (*text != 0) put(&out, *text++);
        break;
      }
      default:
        put(&out, '?');
        break;
    }
  }
  if (out.size > 0) out.buffer[out.used] = 0;
  return out.used;
}
