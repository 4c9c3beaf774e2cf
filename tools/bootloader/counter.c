#include "counter.h"

#include "board.h"
#include "layout.h"

enum { NUMBER, COMPLEMENT, MARK, WORDS };

static uint32_t address_of(uint32_t page) { return LAYOUT_COUNTER + page * LAYOUT_PAGE; }

static const volatile uint32_t *record_of(uint32_t page) {
  return (const volatile uint32_t *)(uintptr_t)address_of(page);
}

/* The number in a page, 0 if there is none. */
static uint32_t number_in(uint32_t page) {
  const uint32_t number = record_of(page)[NUMBER];
  return record_of(page)[COMPLEMENT] == ~number ? number : 0;
}

/* The same for a record that will read so for ever. */
static uint32_t lasting_number_in(uint32_t page) {
  return record_of(page)[MARK] != 0xffffffffu ? number_in(page) : 0;
}

uint32_t counter_read(void) {
  const uint32_t first = number_in(0);
  const uint32_t second = number_in(1);
  return first > second ? first : second;
}

int counter_commit(void *user, uint32_t counter) {
  const uint32_t record[WORDS] = {counter, ~counter, 0};
  const uint32_t kept = lasting_number_in(1) > lasting_number_in(0) ? 1 : 0;
  const uint32_t other = 1 - kept;
  if (lasting_number_in(kept) > counter) return 0;
  if (board_flash.erase(user, address_of(other)) != 0) return -1;
  if (board_flash.program(user, address_of(other), (const uint8_t *)record, sizeof(record)) != 0) return -1;
  return lasting_number_in(other) == counter ? 0 : -1;
}
