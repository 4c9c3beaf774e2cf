#include "firmware.h"

typedef struct record {
  uint32_t sequence;
  uint32_t time;
  int32_t a;
  int32_t b;
  uint8_t kind;
  uint8_t reserved;
  uint16_t checksum;
} record;

enum { RECORDS = 64 };

static record records[RECORDS];
static uint32_t next_sequence;

static uint16_t checksum_of(const record *entry) {
  return checksum_crc16((const uint8_t *)entry, offsetof(record, checksum));
}

static int is_valid(const record *entry) {
  return entry->sequence != 0 && entry->checksum == checksum_of(entry);
}

void journal_init(void) {
  next_sequence = 1;
  for (unsigned i = 0; i < RECORDS; i++) {
    if (is_valid(&records[i]) && records[i].sequence >= next_sequence)
      next_sequence = records[i].sequence + 1;
  }
  journal_append(JOURNAL_BOOT, FIRMWARE_VERSION, 0);
}

void journal_append(uint8_t kind, int32_t a, int32_t b) {
  record *entry = &records[next_sequence % RECORDS];
  entry->sequence = next_sequence++;
  entry->time = clock_milliseconds;
  entry->a = a;
  entry->b = b;
  entry->kind = kind;
  entry->reserved = 0;
  entry->checksum = checksum_of(entry);
}

static const char *const kind_names[] = {"?", "boot", "reading", "fault", "setting"};

void journal_dump(uint32_t newest) {
  uint32_t sequence = next_sequence > newest ? next_sequence - newest : 1;
  for (; sequence < next_sequence; sequence++) {
    const record *entry = &records[sequence % RECORDS];
    if (entry->sequence != sequence) continue;
    if (!is_valid(entry)) {
      console_print("%u: damaged record\n", (int32_t)sequence, 0, 0);
      continue;
    }
    const char *name = kind_names[entry->kind < 5 ? entry->kind : 0];
    console_print("%u  %u ms  %s", (int32_t)sequence, (int32_t)entry->time, (int32_t)(uintptr_t)name);
    switch (entry->kind) {
      case JOURNAL_READING:
        console_print("  %q degrees, %q %%\n", entry->a, entry->b, 0);
        break;
      case JOURNAL_FAULT:
        console_print("  channel %d out of range: %d\n", entry->a, entry->b, 0);
        break;
#if FIRMWARE_VERSION >= 2
      case JOURNAL_SETTING:
        console_print("  channel %d offset %q\n", entry->a, entry->b, 0);
        break;
#endif
      default:
        console_print("  %d %d\n", entry->a, entry->b, 0);
        break;
    }
  }
}

uint32_t journal_count(void) { return next_sequence - 1; }
