#include "libdelta/ports/cfi_nor.h"

#include <string.h>

/* Commands and status bits, for all chips at once. They are computed before the flash stops to be readable.
 */
typedef struct patterns {
  uint32_t clear_status;
  uint32_t unlock;
  uint32_t erase;
  uint32_t write_buffer;
  uint32_t confirm;
  uint32_t read_array;
  uint32_t ready;  /* Status: not busy. */
  uint32_t errors; /* Status: erase, program, voltage, lock. */
} patterns;

static patterns patterns_for(uint32_t lanes) {
  const patterns all = {0x50 * lanes, 0x60 * lanes, 0x20 * lanes, 0xe8 * lanes,
                        0xd0 * lanes, 0xff * lanes, 0x80 * lanes, 0x3a * lanes};
  return all;
}

static int is_within(const libdelta_cfi_nor *nor, uint32_t address, uint32_t length, uint32_t unit) {
  return address % unit == 0 && length % unit == 0 && address >= nor->begin && address <= nor->end &&
         length <= nor->end - address;
}

#define IN_RAM __attribute__((noinline, section(".ramtext")))

/* Waits until all chips are ready, and makes the flash readable again. Returns their errors. */
IN_RAM static uint32_t finish(volatile uint32_t *at, const patterns *all) {
  uint32_t status = *at;
  while ((status & all->ready) != all->ready) status = *at;
  *at = all->clear_status;
  *at = all->read_array;
  return status & all->errors;
}

IN_RAM static uint32_t erase_block(volatile uint32_t *at, const patterns *all) {
  *at = all->clear_status;
  *at = all->unlock;
  *at = all->confirm;
  *at = all->erase;
  *at = all->confirm;
  return finish(at, all);
}

/* `words` are in RAM. `last` is their number less one, for all chips. */
IN_RAM static uint32_t program_buffer(volatile uint32_t *at, const patterns *all, const uint32_t *words,
                                      uint32_t count, uint32_t last) {
  *at = all->clear_status;
  do {
    *at = all->write_buffer;
  } while ((*at & all->ready) != all->ready);
  *at = last;
  for (uint32_t i = 0; i < count; i++) at[i] = words[i];
  *at = all->confirm;
  return finish(at, all);
}

int libdelta_cfi_nor_read(void *user, uint32_t address, uint8_t *buffer, uint32_t length) {
  (void)user;
  memcpy(buffer, (const void *)(uintptr_t)address, length);
  return 0;
}

int libdelta_cfi_nor_program(void *user, uint32_t address, const uint8_t *data, uint32_t length) {
  const libdelta_cfi_nor *nor = user;
  const patterns all = patterns_for(nor->lanes);
  uint32_t words[LIBDELTA_CFI_NOR_BUFFER / LIBDELTA_CFI_NOR_UNIT];
  if (!is_within(nor, address, length, LIBDELTA_CFI_NOR_UNIT)) return -1;
  while (length > 0) {
    /* What is programmed at once must not cross a multiple of the buffer's size. */
    uint32_t piece = LIBDELTA_CFI_NOR_BUFFER - address % LIBDELTA_CFI_NOR_BUFFER;
    if (piece > length) piece = length;
    memcpy(words, data, piece);
    const uint32_t count = piece / LIBDELTA_CFI_NOR_UNIT;
    if (program_buffer((volatile uint32_t *)(uintptr_t)address, &all, words, count,
                       (count - 1) * nor->lanes) != 0) {
      return -1;
    }
    address += piece;
    data += piece;
    length -= piece;
  }
  return 0;
}

int libdelta_cfi_nor_erase(void *user, uint32_t address) {
  const libdelta_cfi_nor *nor = user;
  const patterns all = patterns_for(nor->lanes);
  if (!is_within(nor, address, nor->block, nor->block)) return -1;
  return erase_block((volatile uint32_t *)(uintptr_t)address, &all) == 0 ? 0 : -1;
}
