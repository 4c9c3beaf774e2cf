#include "firmware.h"

enum { FRAME = 40, QUEUE = 8, ATTEMPTS = FIRMWARE_VERSION >= 2 ? 6 : 4 };

typedef struct frame {
  uint8_t bytes[FRAME];
  uint8_t length;
  uint8_t attempts;
  uint32_t due;
} frame;

static frame queue[QUEUE];
static uint32_t node_id;
static uint32_t sequence;
static uint32_t random_state = 0x2545f491;
static uint32_t dropped;

static const uint32_t network_key[8] = {0x6e65746b, 0x65792d6f, 0x662d7468, 0x652d6465,
                                        0x6d6f2d6e, 0x6f2d7365, 0x63726574, 0x2d617421};

void radio_init(uint32_t node) {
  node_id = node;
  random_state ^= node * 2654435761u;
  RADIO_CONTROL = 1;
}

/* Xorshift; only spreads retries over time. */
static uint32_t random_below(uint32_t limit) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 17;
  random_state ^= random_state << 5;
  return random_state % limit;
}

static uint8_t *put32(uint8_t *out, uint32_t value) {
  for (int i = 0; i < 4; i++) *out++ = (uint8_t)(value >> 8 * i);
  return out;
}

#if FIRMWARE_VERSION >= 2
/* Differences from the frame before are small: 7 bits a byte. */
static uint8_t *put_variable(uint8_t *out, int32_t value) {
  uint32_t rest = (uint32_t)value << 1 ^ (uint32_t)(value >> 31);
  while (rest >= 0x80) {
    *out++ = (uint8_t)(rest | 0x80);
    rest >>= 7;
  }
  *out++ = (uint8_t)rest;
  return out;
}
#endif

static frame *free_frame(void) {
  frame *oldest = &queue[0];
  for (unsigned i = 0; i < QUEUE; i++) {
    if (queue[i].length == 0) return &queue[i];
    if ((int32_t)(queue[i].due - oldest->due) < 0) oldest = &queue[i];
  }
  dropped++;
  return oldest;
}

void radio_send_reading(const sensor_reading *reading) {
  frame *self = free_frame();
  uint8_t *out = self->bytes;
  const uint32_t nonce[3] = {node_id, ++sequence, 0};
  out = put32(out, node_id);
  out = put32(out, sequence);
  uint8_t *secret = out;
#if FIRMWARE_VERSION >= 2
  static sensor_reading before;
  out = put_variable(out, reading->temperature - before.temperature);
  out = put_variable(out, reading->humidity - before.humidity);
  out = put_variable(out, reading->pressure - before.pressure);
  out = put_variable(out, reading->dew_point - before.dew_point);
  before = *reading;
#else
  out = put32(out, (uint32_t)reading->temperature);
  out = put32(out, (uint32_t)reading->humidity);
  out = put32(out, (uint32_t)reading->pressure);
  out = put32(out, (uint32_t)reading->dew_point);
#endif
  cipher_apply(network_key, nonce, secret, (size_t)(out - secret));
  out = put32(out, checksum_crc32(self->bytes, (size_t)(out - self->bytes)));
  self->length = (uint8_t)(out - self->bytes);
  self->attempts = 0;
  self->due = clock_milliseconds + random_below(200);
}

/* Consistent overhead byte stuffing: no zero inside a frame, one after it. */
static void transmit(const frame *self) {
  unsigned start = 0;
  while (start <= self->length) {
    unsigned end = start;
    while (end < self->length && self->bytes[end] != 0) end++;
    RADIO_FIFO = end - start + 1;
    for (unsigned i = start; i < end; i++) RADIO_FIFO = self->bytes[i];
    start = end + 1;
  }
  RADIO_FIFO = 0;
}

void radio_tick(uint32_t milliseconds) {
  for (unsigned i = 0; i < QUEUE; i++) {
    frame *self = &queue[i];
    if (self->length == 0 || (int32_t)(clock_milliseconds + milliseconds - self->due) < 0) continue;
    transmit(self);
    if (RADIO_CONTROL & 2) {
      self->length = 0;
      continue;
    }
    if (++self->attempts >= ATTEMPTS) {
      dropped++;
      self->length = 0;
      continue;
    }
    self->due = clock_milliseconds + (100u << self->attempts) + random_below(100);
  }
}

uint32_t radio_pending(void) {
  uint32_t count = 0;
  for (unsigned i = 0; i < QUEUE; i++) count += queue[i].length != 0;
  return count;
}
