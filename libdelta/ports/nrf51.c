#include "libdelta/ports/nrf51.h"

#include <string.h>

#define NVMC_READY (*(volatile uint32_t *)0x4001e400u)
#define NVMC_CONFIG (*(volatile uint32_t *)0x4001e504u)
#define NVMC_ERASEPAGE ((volatile uint32_t *)0x4001e508u)
enum { CONFIG_READ = 0, CONFIG_WRITE = 1, CONFIG_ERASE = 2 };

/* Every change of the flash is one call of this function: an erase stores the page's address to ERASEPAGE, to
 * program is to store a word where it belongs. Not inlined, so that a debugger can count operations and stop
 * at a chosen one: tests/qemu cuts power here. */
__attribute__((noinline)) static void operate(volatile uint32_t *where, uint32_t value, uint32_t config) {
  NVMC_CONFIG = config;
  while ((NVMC_READY & 1) == 0) {
  }
  *where = value;
  while ((NVMC_READY & 1) == 0) {
  }
  NVMC_CONFIG = CONFIG_READ;
}

static int is_within(const void *user, uint32_t address, uint32_t length, uint32_t unit) {
  const libdelta_nrf51_area *area = user;
  return address % unit == 0 && length % unit == 0 && address >= area->begin && address <= area->end &&
         length <= area->end - address;
}

int libdelta_nrf51_read(void *user, uint32_t address, uint8_t *buffer, uint32_t length) {
  (void)user;
  memcpy(buffer, (const void *)(uintptr_t)address, length);
  return 0;
}

int libdelta_nrf51_program(void *user, uint32_t address, const uint8_t *data, uint32_t length) {
  if (!is_within(user, address, length, LIBDELTA_NRF51_UNIT)) return -1;
  for (; length > 0; length -= LIBDELTA_NRF51_UNIT) {
    uint32_t word;
    memcpy(&word, data, sizeof(word));
    operate((volatile uint32_t *)(uintptr_t)address, word, CONFIG_WRITE);
    address += LIBDELTA_NRF51_UNIT;
    data += LIBDELTA_NRF51_UNIT;
  }
  return 0;
}

int libdelta_nrf51_erase(void *user, uint32_t address) {
  if (!is_within(user, address, LIBDELTA_NRF51_PAGE, LIBDELTA_NRF51_PAGE)) return -1;
  operate(NVMC_ERASEPAGE, address, CONFIG_ERASE);
  return 0;
}
