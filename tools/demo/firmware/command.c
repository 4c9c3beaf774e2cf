#include "firmware.h"

typedef struct command {
  const char *name;
  const char *arguments;
  const char *help;
  void (*run)(int count, char **arguments);
} command;

static void run_help(int count, char **arguments);

static int32_t pointer(const char *text) { return (int32_t)(uintptr_t)text; }

static void run_read(int count, char **arguments) {
  (void)count;
  (void)arguments;
  const sensor_reading reading = sensor_latest();
  console_print("temperature %q degrees\nhumidity    %q %%\npressure    %q hPa\n", reading.temperature,
                reading.humidity, reading.pressure);
  console_print("dew point   %q degrees\n", reading.dew_point, 0, 0);
}

static void run_led(int count, char **arguments) {
  if (count < 2) {
    console_put("patterns:");
    for (size_t i = 0; led_name(i) != NULL; i++) console_print(" %s", pointer(led_name(i)), 0, 0);
    console_put("\n");
    return;
  }
  if (!led_select(arguments[1]))
    console_print("led: no pattern is called '%s'\n", pointer(arguments[1]), 0, 0);
}

static void run_log(int count, char **arguments) {
  int32_t newest = 10;
  if (count > 1 && !text_parse_number(arguments[1], &newest)) {
    console_print("log: '%s' is not a number\n", pointer(arguments[1]), 0, 0);
    return;
  }
  journal_dump((uint32_t)newest);
}

static void run_offset(int count, char **arguments) {
  int32_t hundredths;
  if (count < 2 || !text_parse_number(arguments[1], &hundredths)) {
    console_put("offset: give hundredths of a degree\n");
    return;
  }
#if FIRMWARE_VERSION >= 2
  if (hundredths < -500 || hundredths > 500) {
    console_put("offset: more than 5 degrees is a broken sensor, not an offset\n");
    return;
  }
#endif
  sensor_set_offset(hundredths);
}

static void run_status(int count, char **arguments) {
  (void)count;
  (void)arguments;
  console_print("version %d, up %u s, %u records\n", FIRMWARE_VERSION, (int32_t)(clock_milliseconds / 1000),
                (int32_t)journal_count());
  console_print("faults %u, frames waiting %u\n", (int32_t)sensor_faults(), (int32_t)radio_pending(), 0);
}

static void run_crc(int count, char **arguments) {
  if (count < 2) {
    console_put("crc: give a word\n");
    return;
  }
  const uint8_t *data = (const uint8_t *)arguments[1];
  const size_t length = text_length(arguments[1]);
  console_print("crc32 %x crc16 %x\n", (int32_t)checksum_crc32(data, length), checksum_crc16(data, length),
                0);
}

#if FIRMWARE_VERSION >= 2
static void run_watch(int count, char **arguments) {
  int32_t rounds = 5;
  if (count > 1 && !text_parse_number(arguments[1], &rounds)) rounds = 5;
  for (int32_t i = 0; i < rounds; i++) {
    const uint32_t until = clock_milliseconds + 1000;
    while ((int32_t)(until - clock_milliseconds) > 0) WATCHDOG_FEED = 1;
    sensor_sample();
    const sensor_reading reading = sensor_latest();
    console_print("%d: %q degrees, %q %%\n", i, reading.temperature, reading.humidity);
  }
}
#endif

static const command commands[] = {
    {"help", "", "this list", run_help},
    {"read", "", "latest readings, filtered", run_read},
    {"led", "[pattern]", "choose what the LED does, or list the patterns", run_led},
    {"log", "[count]", "newest records of the journal", run_log},
    {"offset", "hundredths", "correct the temperature sensor", run_offset},
    {"status", "", "version, uptime, queues and faults", run_status},
#if FIRMWARE_VERSION >= 2
    {"watch", "[count]", "one reading each second", run_watch},
#endif
    {"crc", "word", "checksums of a word, to test the serial line", run_crc},
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void run_help(int count, char **arguments) {
  (void)count;
  (void)arguments;
  for (unsigned i = 0; i < COMMANDS; i++) {
    console_print("%s %s\n    %s\n", pointer(commands[i].name), pointer(commands[i].arguments),
                  pointer(commands[i].help));
  }
}

void command_run(char *line) {
  char *arguments[6];
  int count = 0;
  while (*line != 0 && count < 6) {
    while (*line == ' ') *line++ = 0;
    if (*line == 0) break;
    arguments[count++] = line;
    while (*line != 0 && *line != ' ') line++;
  }
  if (count == 0) return;
  for (unsigned i = 0; i < COMMANDS; i++) {
    if (!text_equal(arguments[0], commands[i].name)) continue;
    commands[i].run(count, arguments);
    return;
  }
  console_print("'%s' is not a command; try help\n", pointer(arguments[0]), 0, 0);
}
