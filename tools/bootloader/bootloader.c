/* A bootloader that updates the application in place, on a board with a serial port (board.h).
 *
 * After every reset it first asks libdelta whether an update is in progress. If so, it goes on with that and
 * boots nothing before it is complete. If not, it gives a host a moment to offer a patch (serial.h), and
 * boots the application. Only a patch that is signed by the compiled-in key, made for this hardware, not
 * older than what has been installed, and made from what is in the slot, changes anything.
 */
#include "board.h"
#include "counter.h"
#include "layout.h" /* Of the board. */
#include "libdelta/adapters/bearssl.h"
#include "libdelta/adapters/tinyssh.h"
#include "libdelta/device.h"
#include "release_key.h" /* Made by build.sh from a .pub file of `fwdelta keygen`. */
#include "serial.h"

enum {
  STATE_RAM = 256,     /* Beyond what patches may need: see libdelta_ram_required(). */
  OFFER_TIME = 300,    /* Milliseconds after a reset in which a host may begin. */
  PATIENCE = 5000,     /* That long a host may be silent before the device looks what it can do without it. */
  QUESTION_TIME = 1000 /* Between two questions when nothing can be done without it. */
};

static const libdelta_key key = {RELEASE_KEY_ALGORITHM, release_key};

static uint64_t update_ram[(LAYOUT_UPDATE_RAM + STATE_RAM) / sizeof(uint64_t)];
static libdelta_bearssl_state hash_state;
static libdelta_config config;
static uint8_t part[SERIAL_PART];

/* A fresh updater: one is good for one patch. It can only fail for a mistake in this file. */
static libdelta_updater *start_update(void) {
  libdelta_updater *updater = NULL;
  config.crypto = libdelta_bearssl_crypto(&hash_state);
#ifdef LIBDELTA_NO_P256
  config.crypto.verify = libdelta_tinyssh_verify;
#endif
  config.flash = &board_flash;
  config.policy.keys = &key;
  config.policy.key_count = 1;
  config.policy.threshold = 1;
  config.policy.hardware = LAYOUT_HARDWARE;
  config.policy.min_counter = counter_read();
  const libdelta_status status = libdelta_init(update_ram, sizeof(update_ram), &config, &updater);
  while (updater == NULL) serial_end(status);
  return updater;
}

/* Feeds the patch from `offset` on until the library has a verdict. LIBDELTA_NEED_INPUT: the host fell
 * silent; *offered tells whether it had said anything. If `may_leave` is 0, that does not happen. */
static libdelta_status feed(libdelta_updater *updater, libdelta_offset offset, int may_leave, int *offered) {
  libdelta_status status = LIBDELTA_NEED_INPUT;
  *offered = 0;
  while (status == LIBDELTA_NEED_INPUT) {
    const uint32_t patience = !may_leave ? QUESTION_TIME : *offered ? PATIENCE : OFFER_TIME;
    uint32_t length = 0;
    switch (serial_ask(offset, patience, part, &length)) {
      case SERIAL_SILENCE:
        if (may_leave) return status;
        break;
      case SERIAL_RESTART:
        updater = start_update();
        offset = 0;
        *offered = 1;
        break;
      case SERIAL_BYTES:
        status = length > 0 ? libdelta_push(updater, part, length) : libdelta_finish(updater);
        offset += length;
        *offered = 1;
        break;
    }
  }
  return status;
}

/* Returns when there is an application to boot. */
static void update(void) {
  for (;;) {
    libdelta_updater *updater = start_update();
    libdelta_recovery recovery = LIBDELTA_STRANDED;
    libdelta_offset offset = 0;
    int offered = 0;
    libdelta_recover(updater, &recovery, &offset);
    serial_wait_for_silence();
    const int may_boot =
        (recovery == LIBDELTA_IDLE || recovery == LIBDELTA_FINISHED) && board_has_application();
    if (recovery != LIBDELTA_RESUME) {
      updater = start_update();
      offset = 0;
    }
    const libdelta_status status = feed(updater, offset, may_boot, &offered);
    if (status != LIBDELTA_NEED_INPUT) serial_end(status);
    if (!offered) return;
    /* Whatever happened, the flash knows best what comes next: ask it again. */
  }
}

int main(void) {
  board_start();
  update();
  board_stop();
  board_boot();
}
