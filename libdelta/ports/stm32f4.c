#include "libdelta/ports/stm32f4.h"

#include <string.h>

/* How registers and flash are reached. tests/stm32f4_test.cc puts a model of the controller here. */
#ifdef LIBDELTA_STM32F4_MODEL
#include LIBDELTA_STM32F4_MODEL
#else
#define LOAD(address) (*(volatile const uint32_t *)(address))
#define STORE(address, value) (*(volatile uint32_t *)(address) = (value))
#define FLASH_AT(address) ((const void *)(address))
#endif

enum { FLASH_BEGIN = 0x08000000, FLASH_END = 0x08100000 };
enum { ACR = 0x40023c00, KEYR = 0x40023c04, SR = 0x40023c0c, CR = 0x40023c10 };

static const uint32_t key1 = 0x45670123;
static const uint32_t key2 = 0xcdef89ab;
static const uint32_t sr_errors = 0xf2; /* PGSERR, PGPERR, PGAERR, WRPERR, OPERR. */
static const uint32_t sr_busy = 1u << 16;
static const uint32_t cr_program = 1u << 0;
static const uint32_t cr_sector_erase = 1u << 1;
static const uint32_t cr_words = 2u << 8; /* PSIZE. */
static const uint32_t cr_start = 1u << 16;
static const uint32_t cr_lock = 1u << 31;
enum { CR_SECTOR = 3 };
static const uint32_t acr_caches = 3u << 9; /* ICEN, DCEN. */
static const uint32_t acr_resets = 3u << 11;

static int is_within(const void *user, uint32_t address, uint32_t length) {
  const libdelta_stm32f4_area *area = user;
  return address >= area->begin && address <= area->end && length <= area->end - address;
}

/* Waits for the operation in progress and takes its errors away. -1 if there are any. */
static int wait(void) {
  uint32_t status = LOAD(SR);
  while ((status & sr_busy) != 0) status = LOAD(SR);
  STORE(SR, status & sr_errors);
  return (status & sr_errors) == 0 ? 0 : -1;
}

/* What was left of errors before does not count. */
static void unlock(void) {
  if ((LOAD(CR) & cr_lock) != 0) {
    STORE(KEYR, key1);
    STORE(KEYR, key2);
  }
  wait();
}

/* The caches may have what was erased. They may only be reset while they are off. */
static void reset_caches(void) {
  const uint32_t control = LOAD(ACR);
  STORE(ACR, control & ~acr_caches);
  STORE(ACR, (control & ~acr_caches) | acr_resets);
  STORE(ACR, control & ~acr_caches);
  STORE(ACR, control);
}

/* The number of the sector that starts at `address` and its size in *size; -1 if there is none. */
static int sector_at(uint32_t address, uint32_t *size) {
  const uint32_t offset = address - FLASH_BEGIN;
  if (offset >= FLASH_END - FLASH_BEGIN) return -1;
  *size = offset < 0x10000 ? 0x4000 : offset < 0x20000 ? 0x10000 : 0x20000;
  if (offset % *size != 0) return -1;
  return (int)(offset < 0x10000 ? offset / *size : offset / 0x20000 + 4);
}

int libdelta_stm32f4_read(void *user, uint32_t address, uint8_t *buffer, uint32_t length) {
  (void)user;
  memcpy(buffer, FLASH_AT(address), length);
  return 0;
}

int libdelta_stm32f4_program(void *user, uint32_t address, const uint8_t *data, uint32_t length) {
  int result = 0;
  if (address % LIBDELTA_STM32F4_UNIT != 0 || length % LIBDELTA_STM32F4_UNIT != 0 ||
      !is_within(user, address, length)) {
    return -1;
  }
  unlock();
  STORE(CR, cr_words | cr_program);
  for (; length > 0 && result == 0; length -= LIBDELTA_STM32F4_UNIT) {
    uint32_t word;
    memcpy(&word, data, sizeof(word));
    STORE(address, word);
    result = wait();
    address += LIBDELTA_STM32F4_UNIT;
    data += LIBDELTA_STM32F4_UNIT;
  }
  STORE(CR, cr_lock);
  return result;
}

int libdelta_stm32f4_erase(void *user, uint32_t address) {
  uint32_t size = 0;
  const int sector = sector_at(address, &size);
  if (sector < 0 || !is_within(user, address, size)) return -1;
  unlock();
  STORE(CR, cr_words | cr_sector_erase | (uint32_t)sector << CR_SECTOR);
  STORE(CR, cr_words | cr_sector_erase | (uint32_t)sector << CR_SECTOR | cr_start);
  const int result = wait();
  STORE(CR, cr_lock);
  reset_caches();
  return result;
}
