/* Compiles only if the definitions of the chosen options reach the library's callers. */
#include <libdelta/device.h>

#if !defined(LIBDELTA_NO_ED25519) || !defined(LIBDELTA_NO_ZSTD) || defined(LIBDELTA_NO_P256)
#error "the definitions are not those of the options"
#endif

size_t needed(void);
size_t needed(void) { return libdelta_ram_required(LIBDELTA_MIN_RAM); }
