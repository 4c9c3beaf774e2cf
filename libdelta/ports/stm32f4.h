/* Flash callbacks for the STM32F4 with one bank of up to 1 MiB (STM32F405/407/415/417, 401, 411, 446 ...):
 * for libdelta_flash of <libdelta/device.h>.
 *
 * Source: ST RM0090, chapter 3, "Embedded Flash memory interface": FLASH_KEYR, FLASH_SR, FLASH_CR, FLASH_ACR,
 * sector erase, programming with a parallelism of 32 bits, which needs a supply of 2.7 V or more. While the
 * flash is busy, reading it stalls the CPU, so nothing has to be in RAM. The controller is locked before and
 * after each call. No vendor SDK, no interrupt, no RAM of its own.
 *
 * Uneven sectors: 4 of 16, 1 of 64 and up to 7 of 128 KiB. Each is a page of the slot, as a run of its own
 * size; the library, its journal and `fwdelta create` know pages of different sizes. Three things follow.
 *   - Spare pages are as large as the slot's largest page: 128 KiB each, at least two.
 *   - Undo copies use free pages of the slot only if they have the size of a spare page.
 *   - A slot may begin in a small sector: the bootloader then has those before it.
 *
 *   static const libdelta_stm32f4_area area = {0x08008000, 0x08100000};
 *   static const libdelta_page_run runs[] = {{2, 0x4000}, {1, 0x10000}, {5, 0x20000}};
 *   static const libdelta_flash flash = {
 *     .user = (void *)&area,
 *     .read = libdelta_stm32f4_read, .program = libdelta_stm32f4_program, .erase = libdelta_stm32f4_erase,
 *     .runs = runs, .run_count = 3, .slot = 0x08008000,
 *     .spare = 0x080c0000, .spare_count = 2, .spare_page_size = 0x20000,
 *     .write_unit = LIBDELTA_STM32F4_UNIT, .erase_value = 0xff};
 *
 * This is the layout of stm32f4_bootloader.ld, stm32f4_application.ld and the profile
 * libdelta/sim/profiles/stm32f4.json.
 *
 * Tested against a model of the controller on a PC (tests/stm32f4_test.cc); QEMU has none, and nothing ran on
 * a chip.
 */
#ifndef LIBDELTA_PORTS_STM32F4_H_
#define LIBDELTA_PORTS_STM32F4_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { LIBDELTA_STM32F4_UNIT = 4 /**< Bytes that are programmed at once. */ };

/** Addresses that may be programmed and erased: from `begin` up to, but not including, `end`. Whole sectors.
 */
typedef struct libdelta_stm32f4_area {
  uint32_t begin;
  uint32_t end;
} libdelta_stm32f4_area;

/** Copies from flash, which is memory. Never fails. `user` is not used. */
int libdelta_stm32f4_read(void *user, uint32_t address, uint8_t *buffer, uint32_t length);

/** Programs words; -1, and nothing is done, unless address and length are multiples of 4 and all is in the
 *  area; -1 as well if the controller reports an error. `data` may have any alignment. */
int libdelta_stm32f4_program(void *user, uint32_t address, const uint8_t *data, uint32_t length);

/** Erases the sector at `address`; -1, and nothing is done, unless a sector starts there and is in the area;
 *  -1 as well if the controller reports an error. */
int libdelta_stm32f4_erase(void *user, uint32_t address);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* LIBDELTA_PORTS_STM32F4_H_ */
