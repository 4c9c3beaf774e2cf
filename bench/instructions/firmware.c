/* Applies one patch on QEMU's mps2-an386 (Cortex-M4) and counts instructions: with -icount shift=0 each takes
 * a nanosecond, and a timer of 25 MHz counts 40 of them. What to do is a job in RAM; bench/instructions.cc
 * writes it and reads the line that this prints. Flash is RAM here, so callbacks cost what copying does.
 */
#include <stdint.h>
#include <string.h>

#include "job.h"
#include "libdelta/adapters/bearssl.h"
#include "libdelta/device.h"

extern uint32_t stack_top;

void reset_handler(void);

/* CMSDK timer 0: counts down. */
#define TIMER_CONTROL (*(volatile uint32_t *)0x40000000)
#define TIMER_VALUE (*(volatile uint32_t *)0x40000004)
#define TIMER_RELOAD (*(volatile uint32_t *)0x40000008)
enum { INSTRUCTIONS_PER_TICK = 40 };

static const job *const the_job = (const job *)JOB_ADDRESS;
static uint8_t *const flash = (uint8_t *)FLASH_ADDRESS;
static uint64_t ram[(JOB_MOST_RAM + 512) / sizeof(uint64_t)];
static libdelta_bearssl_state hash;
static libdelta_crypto bearssl;
static uint32_t hash_ticks;
static uint32_t hash_bytes;

static uint32_t now(void) { return ~TIMER_VALUE; }

static const uint8_t *job_bytes(uint32_t offset) { return (const uint8_t *)JOB_ADDRESS + offset; }

/* --- Semihosting: Arm, "Semihosting for AArch32 and AArch64", SYS_WRITE0 and SYS_EXIT --- */

static void ask_host(uint32_t operation, const void *argument) {
  register uint32_t r0 __asm__("r0") = operation;
  register const void *r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

static void print_number(uint32_t number) {
  char text[12];
  char *digit = text + sizeof(text) - 1;
  *digit = 0;
  *--digit = ' ';
  do {
    *--digit = (char)('0' + number % 10);
    number /= 10;
  } while (number > 0);
  ask_host(4, digit);
}

/* --- Callbacks --- */

static int hash_init(void *user) {
  const uint32_t begin = now();
  const int result = bearssl.sha256_init(user);
  hash_ticks += now() - begin;
  return result;
}

static int hash_update(void *user, const uint8_t *data, size_t length) {
  const uint32_t begin = now();
  const int result = bearssl.sha256_update(user, data, length);
  hash_ticks += now() - begin;
  hash_bytes += length;
  return result;
}

static int hash_final(void *user, uint8_t digest[LIBDELTA_SHA256_SIZE]) {
  const uint32_t begin = now();
  const int result = bearssl.sha256_final(user, digest);
  hash_ticks += now() - begin;
  return result;
}

static int read_flash(void *user, uint32_t address, uint8_t *buffer, uint32_t length) {
  (void)user;
  memcpy(buffer, flash + address, length);
  return 0;
}

static int program(void *user, uint32_t address, const uint8_t *data, uint32_t length) {
  (void)user;
  memcpy(flash + address, data, length);
  return 0;
}

static int erase(void *user, uint32_t address) {
  uint32_t at = the_job->slot;
  (void)user;
  if (address - the_job->spare < the_job->spare_count * the_job->spare_page_size) {
    memset(flash + address, (int)the_job->erase_value, the_job->spare_page_size);
    return 0;
  }
  for (uint32_t run = 0; run < the_job->run_count; run++) {
    for (uint32_t i = 0; i < the_job->runs[run].count; i++, at += the_job->runs[run].size) {
      if (at != address) continue;
      memset(flash + address, (int)the_job->erase_value, the_job->runs[run].size);
      return 0;
    }
  }
  return -1;
}

static int read_old(void *user, libdelta_offset offset, uint8_t *buffer, uint32_t length) {
  (void)user;
  memcpy(buffer, job_bytes(the_job->old_offset) + offset, length);
  return 0;
}

static int read_new(void *user, libdelta_offset offset, uint8_t *buffer, uint32_t length) {
  return read_flash(user, offset, buffer, length);
}

static int write_new(void *user, libdelta_offset offset, const uint8_t *data, uint32_t length) {
  return program(user, offset, data, length);
}

static libdelta_status apply(void) {
  static libdelta_flash slot;
  static libdelta_config config;
  libdelta_updater *updater = NULL;
  bearssl = libdelta_bearssl_crypto(&hash);
  config.crypto = bearssl;
  config.crypto.sha256_init = hash_init;
  config.crypto.sha256_update = hash_update;
  config.crypto.sha256_final = hash_final;
  config.io.read_old = read_old;
  config.io.read_new = read_new;
  config.io.write_new = write_new;
  if (the_job->run_count != 0) {
    memset(flash, (int)the_job->erase_value, JOB_FLASH_SIZE);
    memcpy(flash + the_job->slot, job_bytes(the_job->old_offset), the_job->old_length);
    slot.read = read_flash;
    slot.program = program;
    slot.erase = erase;
    slot.runs = the_job->runs;
    slot.run_count = (uint8_t)the_job->run_count;
    slot.spare_count = (uint8_t)the_job->spare_count;
    slot.write_unit = (uint8_t)the_job->write_unit;
    slot.erase_value = (uint8_t)the_job->erase_value;
    slot.slot = the_job->slot;
    slot.spare = the_job->spare;
    slot.spare_page_size = the_job->spare_page_size;
    slot.protected_ranges = the_job->protected_ranges;
    slot.protected_count = (uint8_t)the_job->protected_count;
    config.flash = &slot;
  }
  libdelta_status status = libdelta_init(ram, sizeof(ram), &config, &updater);
  /* As from a radio. */
  for (uint32_t at = 0; status == LIBDELTA_NEED_INPUT && at < the_job->patch_length; at += 64) {
    const uint32_t left = the_job->patch_length - at;
    status = libdelta_push(updater, job_bytes(the_job->patch_offset) + at, left < 64 ? left : 64);
  }
  return status;
}

void reset_handler(void) {
  TIMER_RELOAD = 0xffffffffu;
  TIMER_VALUE = 0xffffffffu;
  TIMER_CONTROL = 1;
  const uint32_t begin = now();
  const libdelta_status status = apply();
  const uint32_t all = now() - begin;
  const uint8_t *image = flash + (the_job->run_count != 0 ? the_job->slot : 0);
  const int is_right = memcmp(image, job_bytes(the_job->new_offset), the_job->new_length) == 0;
  print_number(status);
  print_number((uint32_t)is_right);
  print_number(all - hash_ticks);
  print_number(hash_ticks);
  print_number(hash_bytes);
  ask_host(4, "\n");
  ask_host(0x18, (const void *)0x20026); /* SYS_EXIT: the application has ended. */
  for (;;) {
  }
}

/* Words where they are aligned, as in any C library: the firmware's own, not the library's. */
void *memcpy(void *restrict target, const void *restrict source, size_t size) {
  uint8_t *to = target;
  const uint8_t *from = source;
  if ((((uintptr_t)to | (uintptr_t)from) & 3) == 0) {
    for (; size >= 16; size -= 16, to += 16, from += 16) {
      uint32_t *words = (uint32_t *)to;
      const uint32_t *more = (const uint32_t *)from;
      words[0] = more[0];
      words[1] = more[1];
      words[2] = more[2];
      words[3] = more[3];
    }
  }
  while (size-- > 0) *to++ = *from++;
  return target;
}

void *memmove(void *target, const void *source, size_t size) {
  uint8_t *to = target;
  const uint8_t *from = source;
  if (to <= from) {
    while (size-- > 0) *to++ = *from++;
  } else {
    while (size-- > 0) to[size] = from[size];
  }
  return target;
}

void *memset(void *target, int value, size_t size) {
  uint8_t *to = target;
  const uint32_t word = (uint8_t)value * 0x01010101u;
  for (; ((uintptr_t)to & 3) == 0 && size >= 4; size -= 4, to += 4) *(uint32_t *)to = word;
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

__attribute__((section(".vectors"), used)) static const struct {
  uint32_t *stack;
  void (*reset)(void);
} vectors = {&stack_top, reset_handler};
