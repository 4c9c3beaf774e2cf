/* The serial protocol of the bootloader, device side; `fwdelta serve` is the host side.
 *
 * The device asks, the host answers. 115200 baud, 8 data bits, no parity, no handshake lines: a byte that
 * comes while the flash is busy may be lost, so the host sends nothing that the device has not asked for.
 *
 * Device to host, lines of text that end with "\n"; whatever does not begin with "fwd " is the application's:
 *
 *   fwd want OFFSET LENGTH   send at most LENGTH bytes of the patch from byte OFFSET on (decimal numbers)
 *   fwd end STATUS           the update has ended, STATUS as in <libdelta/device.h>; 0 or 38: it is done
 *
 * Host to device:
 *
 *   STX (02)   a part: offset (4 bytes), length (2), that many bytes, CRC-32 (4) of offset, length and bytes;
 *              numbers are little-endian. Length 0: the patch ends before that offset. Length 0xffff, without
 *              bytes: another patch, ask for that from byte 0 on; if an update is open, only a whole image is
 *              accepted.
 *   ENQ (05)   what do you want? An application restarts the device.
 *
 * After anything that is not a good part, be it ENQ or noise, the device waits until the line has been silent
 * for 100 ms, and asks again; it also does when nothing comes. A good part for another offset answers an
 * older question and is dropped. So everything can be lost, altered or repeated. A "want" acknowledges all
 * bytes below its offset, and the next part is sent in answer to it: no more than one is under way, and the
 * device needs room for one. After a reset the device asks from where it can go on; nothing is kept on the
 * host.
 */
#ifndef TOOLS_BOOTLOADER_SERIAL_H_
#define TOOLS_BOOTLOADER_SERIAL_H_

#include <stdint.h>

enum { SERIAL_PART = 256 }; /* Largest LENGTH. */

typedef enum serial_answer {
  SERIAL_SILENCE, /* Nothing came in time. */
  SERIAL_BYTES,   /* A part. */
  SERIAL_RESTART  /* Another patch. */
} serial_answer;

/* Drops all that comes until nothing does: answers to questions that are not asked any more. */
void serial_wait_for_silence(void);

/* Asks for the patch from `offset` on and waits for an answer, that many milliseconds. */
serial_answer serial_ask(uint32_t offset, uint32_t milliseconds, uint8_t part[SERIAL_PART], uint32_t *length);

/* Tells how the update ended. */
void serial_end(uint32_t status);

#endif /* TOOLS_BOOTLOADER_SERIAL_H_ */
