/* Declarations of what libdelta/ports/mcuboot.md uses of MCUboot's flash map, after its documentation. */
#ifndef TESTS_EMBEDDED_MCUBOOT_FLASH_MAP_BACKEND_H_
#define TESTS_EMBEDDED_MCUBOOT_FLASH_MAP_BACKEND_H_

#include <stdint.h>

struct flash_area {
  uint8_t fa_id;
  uint8_t fa_device_id;
  uint16_t pad16;
  uint32_t fa_off;
  uint32_t fa_size;
};

int flash_area_read(const struct flash_area *area, uint32_t offset, void *target, uint32_t length);
int flash_area_write(const struct flash_area *area, uint32_t offset, const void *source, uint32_t length);
int flash_area_erase(const struct flash_area *area, uint32_t offset, uint32_t length);

#endif /* TESTS_EMBEDDED_MCUBOOT_FLASH_MAP_BACKEND_H_ */
