/* What bench/instructions.cc puts into the RAM of bench/instructions/firmware.c. */
#ifndef BENCH_INSTRUCTIONS_JOB_H_
#define BENCH_INSTRUCTIONS_JOB_H_

#include <stdint.h>

#include "libdelta/device.h"

enum {
  JOB_ADDRESS = 0x21000000,
  FLASH_ADDRESS = 0x21800000,
  JOB_FLASH_SIZE = 0x400000, /* Addresses of flash count from 0. */
  JOB_MOST_RAM = 65536
};

/* Numbers are little-endian. Images and patch are where the offsets say, from the start of the job on. */
typedef struct job {
  uint32_t old_offset;
  uint32_t old_length;
  uint32_t new_offset;
  uint32_t new_length;
  uint32_t patch_offset;
  uint32_t patch_length;
  uint32_t run_count; /* 0: two slots, and nothing below matters. */
  libdelta_page_run runs[8];
  uint32_t spare_count;
  uint32_t spare_page_size;
  uint32_t write_unit;
  uint32_t erase_value;
  uint32_t slot;
  uint32_t spare;
  uint32_t protected_count;
  libdelta_range protected_ranges[4];
} job;

#endif /* BENCH_INSTRUCTIONS_JOB_H_ */
