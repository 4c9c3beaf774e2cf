/* Flash callbacks for parallel NOR flash with the Intel/Sharp command set (CFI command set 1: Intel and
 * Micron StrataFlash J3, P30, P33 and others), on a bus of 32 bits: for libdelta_flash of
 * <libdelta/device.h>.
 *
 * Source: Intel StrataFlash Embedded Memory (J3 v. D) data sheet, "Command Set", "Status Register" and the
 * flowcharts for buffered programming and block erase; JEDEC JESD68 and JEP137 for CFI. Read Array 0xff,
 * Read Status 0x70, Clear Status 0x50, Write to Buffer 0xe8, Block Erase 0x20, Unlock 0x60, Confirm 0xd0.
 *
 * While it is busy, and until it is put back to Read Array, no byte of a chip can be read. So what is
 * executed then is in RAM: the section ".ramtext", which the linker script puts next to .data
 * (riscv_virt_bootloader.ld). Interrupts have to be off, or their handlers and vectors in RAM as well.
 *
 * `user` of libdelta_flash is the libdelta_cfi_nor.
 *
 *   static const libdelta_cfi_nor nor = {0x20040000, 0x20380000, 0x40000, 0x00010001};
 *   static const libdelta_flash flash = {
 *     .user = (void *)&nor,
 *     .read = libdelta_cfi_nor_read, .program = libdelta_cfi_nor_program, .erase = libdelta_cfi_nor_erase,
 *     .write_unit = LIBDELTA_CFI_NOR_UNIT, .erase_value = 0xff, ...};
 */
#ifndef LIBDELTA_PORTS_CFI_NOR_H_
#define LIBDELTA_PORTS_CFI_NOR_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  LIBDELTA_CFI_NOR_UNIT = 4,   /**< Bytes that are programmed at once, at least. */
  LIBDELTA_CFI_NOR_BUFFER = 64 /**< Bytes that are programmed at once, at most: 32 in each of two chips. */
};

/** What may be programmed and erased, from `begin` up to, but not including, `end`, in whole blocks; and how
 *  the chips are connected. */
typedef struct libdelta_cfi_nor {
  uint32_t begin; /**< Addresses. */
  uint32_t end;
  uint32_t block; /**< Bytes that are erased at once, in all chips together; a power of two. */
  uint32_t
      lanes; /**< 1 in the lowest bit of each chip: 0x00010001 for two chips of 16 bits, 1 for one of 32. */
} libdelta_cfi_nor;

/** Copies from flash, which is memory. Never fails. `user` is not used. */
int libdelta_cfi_nor_read(void *user, uint32_t address, uint8_t *buffer, uint32_t length);

/** Programs words; -1, and nothing is done, unless address and length are multiples of 4 and all is in the
 *  area; -1 as well if a chip reports an error. `data` may have any alignment and be anywhere. */
int libdelta_cfi_nor_program(void *user, uint32_t address, const uint8_t *data, uint32_t length);

/** Unlocks and erases the block at `address`; -1, and nothing is done, unless a block starts there and is in
 *  the area; -1 as well if a chip reports an error. */
int libdelta_cfi_nor_erase(void *user, uint32_t address);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* LIBDELTA_PORTS_CFI_NOR_H_ */
