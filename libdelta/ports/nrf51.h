/* Flash callbacks for the nRF51 (nRF51822 and others): for libdelta_flash of <libdelta/device.h>.
 *
 * Source: nRF51 Series Reference Manual, chapter "Non-Volatile Memory Controller (NVMC)". Pages of 1 KiB,
 * words of 32 bits, erased bits are 1. The CPU stands still while it runs from flash and the flash is erased
 * or programmed (22 ms a page, 46 us a word), so the callbacks return when all is done. Nothing but the four
 * registers below is used: no vendor SDK, no interrupt, no RAM of its own.
 *
 * `user` of libdelta_flash is the libdelta_nrf51_area that may be written. Whatever lies outside of it is
 * refused, so not even a defect can reach the bootloader.
 *
 *   static const libdelta_nrf51_area area = {0x6000, 0x40000};
 *   static const libdelta_flash flash = {
 *     .user = (void *)&area,
 *     .read = libdelta_nrf51_read, .program = libdelta_nrf51_program, .erase = libdelta_nrf51_erase,
 *     .write_unit = LIBDELTA_NRF51_UNIT, .erase_value = 0xff, .spare_page_size = LIBDELTA_NRF51_PAGE, ...};
 *
 * commit_counter is the caller's: tools/bootloader/counter.c has one.
 */
#ifndef LIBDELTA_PORTS_NRF51_H_
#define LIBDELTA_PORTS_NRF51_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  LIBDELTA_NRF51_PAGE = 1024, /**< Bytes that are erased at once. */
  LIBDELTA_NRF51_UNIT = 4     /**< Bytes that are programmed at once. */
};

/** Addresses that may be programmed and erased: from `begin` up to, but not including, `end`. Whole pages. */
typedef struct libdelta_nrf51_area {
  uint32_t begin;
  uint32_t end;
} libdelta_nrf51_area;

/** Copies from flash, which is memory. Never fails. `user` is not used. */
int libdelta_nrf51_read(void *user, uint32_t address, uint8_t *buffer, uint32_t length);

/** Programs words; -1, and nothing is done, unless address and length are multiples of 4 and all is in the
 *  area. `data` may have any alignment. */
int libdelta_nrf51_program(void *user, uint32_t address, const uint8_t *data, uint32_t length);

/** Erases the page at `address`; -1, and nothing is done, unless a page starts there and is in the area. */
int libdelta_nrf51_erase(void *user, uint32_t address);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* LIBDELTA_PORTS_NRF51_H_ */
