/* The smallest firmware that uses the device library; bench/footprint.sh links it to see what the
 * linker keeps. Its own code goes to sections that are not counted, and so do the memory functions,
 * which every firmware has already. STORED and PUSHED choose how the patch arrives. */
#include "libdelta/device.h"
#include "tools/bootloader/memory.c"

/* The unwind tables of libgcc's division name it; nothing calls it. */
void __aeabi_unwind_cpp_pr0(void);
void __aeabi_unwind_cpp_pr0(void) {}

extern const libdelta_config config; /* Absolute symbols: the board's part, not counted. */
extern uint64_t ram[8192];
extern uint8_t radio[64];

void stub_main(void);
void stub_main(void) {
  libdelta_updater *updater;
  libdelta_status status = libdelta_init(ram, 65536, &config, &updater);
#ifndef LIBDELTA_NO_IN_PLACE
  libdelta_recovery recovery;
  libdelta_offset feed_from;
  status = libdelta_recover(updater, &recovery, &feed_from);
#endif
#ifdef PUSHED
  while (status == LIBDELTA_NEED_INPUT) status = libdelta_push(updater, radio, sizeof(radio));
  status = libdelta_finish(updater);
#endif
#ifdef STORED
  status = libdelta_apply_stored(updater, 10000);
#endif
  *(volatile libdelta_status *)radio = status;
}
