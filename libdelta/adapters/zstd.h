/* Codec 1 of FORMAT.md (section 4) with libzstd: whole images in one zstd frame.
 *
 * For devices that have libzstd anyway. It decodes in the caller's RAM only: libzstd gets its
 * workspace from the arena and never calls malloc. The RAM that FORMAT.md 4 has patches declare is
 * enough for libzstd 1.5.4; a version with a larger decoder refuses with LIBDELTA_E_RAM or
 * LIBDELTA_E_MALFORMED.
 */
#ifndef LIBDELTA_ADAPTERS_ZSTD_H_
#define LIBDELTA_ADAPTERS_ZSTD_H_

#include "libdelta/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Hooks for libdelta_config.zstd. Stateless and constant; all state is in the arena. */
extern const libdelta_codec libdelta_zstd_codec;

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* LIBDELTA_ADAPTERS_ZSTD_H_ */
