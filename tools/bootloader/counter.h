/* The security counter, which never goes back, in two flash pages (layout.h of the board).
 *
 * A page holds one record of three words, each programmed once after the page was erased: the number, its
 * complement, and a mark. A new record goes to the other page. What if power fails?
 *
 * - Programming turns bits to 0 and erasing turns them to 1. Number and complement that have gone part of the
 *   way, in one direction, are each other's complement only if neither has changed. So what is torn is either
 *   the right number or no record.
 * - A torn word may read well now and not after the next reset. The mark is programmed when the record is
 *   complete, so a record with any sign of a mark will always read well. Only for the sake of such a record
 *   is the other page erased.
 */
#ifndef TOOLS_BOOTLOADER_COUNTER_H_
#define TOOLS_BOOTLOADER_COUNTER_H_

#include <stdint.h>

/* The greatest number of both pages, 0 if there is none. */
uint32_t counter_read(void);

/* commit_counter of libdelta_flash, whose `user` is the port's area: stores `counter` unless it is higher. */
int counter_commit(void *user, uint32_t counter);

#endif /* TOOLS_BOOTLOADER_COUNTER_H_ */
