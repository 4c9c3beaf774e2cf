/* Where things are in the first flash bank of QEMU's RISC-V machine "virt": blocks of 256 KiB, two chips of
 * 16 bits. riscv_virt.json says the same to `fwdelta create --device`.
 *
 *   0x20000000 0.25 MiB  bootloader
 *   0x20040000    2 MiB  slot: the application, replaced in place
 *   0x20200000 0.25 MiB  settings, the slot's last block: protected, no update touches it
 *   0x20240000 0.75 MiB  spare pages: the journal of an update, and undo copies
 *   0x20300000  0.5 MiB  security counter
 */
#ifndef TOOLS_BOOTLOADER_RISCV_LAYOUT_H_
#define TOOLS_BOOTLOADER_RISCV_LAYOUT_H_

#define LAYOUT_HARDWARE "riscv-virt" /* As in `fwdelta create --hardware`. */

enum {
  LAYOUT_PAGE = 0x40000,
  LAYOUT_SLOT = 0x20040000,
  LAYOUT_SLOT_PAGES = 8,
  LAYOUT_SETTINGS = 0x20200000,
  LAYOUT_SPARE = 0x20240000,
  LAYOUT_SPARE_PAGES = 3,
  LAYOUT_COUNTER = 0x20300000,
  LAYOUT_COUNTER_PAGES = 2,
  LAYOUT_END = 0x20380000
};

/* What a patch may need (`fwdelta create --ram 8K`, the default of riscv_virt.json). */
enum { LAYOUT_UPDATE_RAM = 8192 };

#endif /* TOOLS_BOOTLOADER_RISCV_LAYOUT_H_ */
