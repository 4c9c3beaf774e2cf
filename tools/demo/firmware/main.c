#include "firmware.h"

volatile uint32_t clock_milliseconds;

void clock_tick(void) { clock_milliseconds++; }

typedef struct task {
  void (*run)(uint32_t milliseconds);
  uint32_t period;
  uint32_t due;
} task;

static void sample_task(uint32_t milliseconds) {
  (void)milliseconds;
  sensor_sample();
}

static void report_task(uint32_t milliseconds) {
  (void)milliseconds;
  const sensor_reading reading = sensor_latest();
  journal_append(JOURNAL_READING, reading.temperature, reading.humidity);
  radio_send_reading(&reading);
}

static void console_task(uint32_t milliseconds) {
  static char line[96];
  (void)milliseconds;
  while (console_read_line(line, sizeof(line))) command_run(line);
}

#if FIRMWARE_VERSION >= 2
static void alarm_task(uint32_t milliseconds) {
  static int alarmed;
  (void)milliseconds;
  const sensor_reading reading = sensor_latest();
  const int alarm = reading.temperature - reading.dew_point < 200;
  if (alarm == alarmed) return;
  alarmed = alarm;
  led_select(alarm ? "alarm" : "heartbeat");
  console_put(alarm ? "condensation ahead\n" : "dry again\n");
}
#endif

static task tasks[] = {
    {sample_task, 250, 0},     {report_task, 60000, 5000}, {console_task, 20, 0},
    {led_tick, 10, 0},         {radio_tick, 50, 0},
#if FIRMWARE_VERSION >= 2
    {alarm_task, 1000, 10000},
#endif
};

enum { TASKS = sizeof(tasks) / sizeof(tasks[0]) };

int main(void) {
  console_init();
  journal_init();
  sensor_init();
  led_init();
  radio_init(0x00c0ffee);
  console_print("sensor node, version %d\n", FIRMWARE_VERSION, 0, 0);
  for (;;) {
    WATCHDOG_FEED = 1;
    for (unsigned i = 0; i < TASKS; i++) {
      if ((int32_t)(clock_milliseconds - tasks[i].due) < 0) continue;
      tasks[i].due += tasks[i].period;
      tasks[i].run(tasks[i].period);
    }
  }
}
