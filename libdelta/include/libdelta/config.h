/* What the device library is compiled with. Each macro below is defined for the library and for its callers
 * alike (-DLIBDELTA_NO_ZSTD ...), or not at all; without any the library has all its features and accepts
 * signed patches only.
 *
 * A patch that needs what has been left out is refused with the status named here, before the old image is
 * touched; in place, a spare page may have been erased. Apart from that nothing but memory depends on the
 * macros.
 *
 * - LIBDELTA_NO_IN_PLACE: no updates in place. libdelta_config.flash is not used, libdelta_recover() returns
 *   E_ARGUMENT. Patches for updates in place: E_UNSUPPORTED.
 * - LIBDELTA_NO_TWO_SLOT: updates in place only. Without libdelta_config.flash libdelta_init() returns
 *   E_ARGUMENT; of libdelta_config.io only read_patch is used. Includes LIBDELTA_NO_ZSTD.
 * - LIBDELTA_NO_TEMPLATES: no references and no address maps. Patches are larger and have to be created for
 *   it (`fwdelta create --no-templates`). Others: E_UNSUPPORTED.
 * - LIBDELTA_NO_FULL_IMAGE: no patches that carry a whole image (`--no-full`): E_UNSUPPORTED. In place, an
 *   update that cannot be completed cannot be replaced then. Includes LIBDELTA_NO_ZSTD.
 * - LIBDELTA_NO_ZSTD: no hook for the zstd codec. libdelta_config.zstd is not used. Patches with it:
 *   E_UNSUPPORTED.
 * - LIBDELTA_NO_P256: for keys for ECDSA P-256 in the policy libdelta_init() returns E_ARGUMENT. Patches that
 *   only such keys have signed: E_SIGNATURE. Adapters have no code for P-256 then.
 * - LIBDELTA_NO_ED25519: the same for Ed25519. One of the two has to stay, unless unsigned patches are
 *   allowed.
 * - LIBDELTA_ALLOW_UNSIGNED: policies may have the threshold 0, which accepts patches without signatures.
 *   Without this macro libdelta_init() returns E_ARGUMENT for it.
 * - LIBDELTA_64BIT_OFFSETS: libdelta_offset has 64 bits, for images of 4 GiB and more. Without this macro
 *   such patches are E_UNSUPPORTED.
 */
#ifndef LIBDELTA_CONFIG_H_
#define LIBDELTA_CONFIG_H_

#if defined(LIBDELTA_NO_P256) && defined(LIBDELTA_NO_ED25519) && !defined(LIBDELTA_ALLOW_UNSIGNED)
#error "libdelta: without P-256 and Ed25519 no patch could be accepted"
#endif

#if defined(LIBDELTA_NO_TWO_SLOT) && defined(LIBDELTA_NO_IN_PLACE)
#error "libdelta: without two slots and without updates in place there is nothing to do"
#endif

/* Only whole images are zstd frames, and none is written in place. */
#if (defined(LIBDELTA_NO_FULL_IMAGE) || defined(LIBDELTA_NO_TWO_SLOT)) && !defined(LIBDELTA_NO_ZSTD)
#define LIBDELTA_NO_ZSTD
#endif

#endif /* LIBDELTA_CONFIG_H_ */
