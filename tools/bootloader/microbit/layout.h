/* Where things are in the 256 KiB of an nRF51822, in bytes from address 0. microbit.json says the same to
 * `fwdelta create --device`; tests/qemu_test.sh would fail if they differed, because the device refuses
 * patches for another geometry.
 *
 *   0x00000  24 KiB  bootloader
 *   0x06000 226 KiB  slot: the application, replaced in place
 *   0x3e800   1 KiB  settings, the slot's last page: protected, no update touches it
 *   0x3ec00   3 KiB  spare pages: the journal of an update, and undo copies where the slot has no free pages
 *   0x3f800   2 KiB  security counter
 */
#ifndef TOOLS_BOOTLOADER_MICROBIT_LAYOUT_H_
#define TOOLS_BOOTLOADER_MICROBIT_LAYOUT_H_

#define LAYOUT_HARDWARE "microbit" /* As in `fwdelta create --hardware`. */

enum {
  LAYOUT_PAGE = 0x400,
  LAYOUT_SLOT = 0x6000,
  LAYOUT_SLOT_PAGES = 227,
  LAYOUT_SETTINGS = 0x3e800,
  LAYOUT_SPARE = 0x3ec00,
  LAYOUT_SPARE_PAGES = 3,
  LAYOUT_COUNTER = 0x3f800,
  LAYOUT_COUNTER_PAGES = 2,
  LAYOUT_END = 0x40000,
  LAYOUT_RAM = 0x20000000,
  LAYOUT_RAM_END = 0x20004000
};

/* What a patch may need (`fwdelta create --ram 4K`, the default of microbit.json). */
enum { LAYOUT_UPDATE_RAM = 4096 };

#endif /* TOOLS_BOOTLOADER_MICROBIT_LAYOUT_H_ */
