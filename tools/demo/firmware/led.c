#include "firmware.h"

typedef struct step {
  uint16_t milliseconds;
  uint8_t level;
} step;

typedef struct pattern {
  const char *name;
  const step *steps;
  uint8_t count;
  uint8_t fade;
} pattern;

static const step steady_steps[] = {{1000, 255}};
static const step blink_steps[] = {{500, 255}, {500, 0}};
static const step heartbeat_steps[] = {{80, 255}, {120, 20}, {80, 255}, {900, 0}};
static const step breathe_steps[] = {{1500, 255}, {200, 255}, {1500, 8}, {400, 8}};
static const step alarm_steps[] = {{60, 255}, {60, 0}, {60, 255}, {60, 0}, {60, 255}, {300, 0}};
#if FIRMWARE_VERSION >= 2
static const step beacon_steps[] = {{30, 255}, {2970, 0}};
#endif

static const pattern patterns[] = {
    {"steady", steady_steps, 1, 0},       {"blink", blink_steps, 2, 0},
    {"heartbeat", heartbeat_steps, 4, 0}, {"breathe", breathe_steps, 4, 1},
#if FIRMWARE_VERSION >= 2
    {"beacon", beacon_steps, 2, 0},
#endif
    {"alarm", alarm_steps, 6, 0},
};

enum { PATTERNS = sizeof(patterns) / sizeof(patterns[0]) };

static struct {
  const pattern *current;
  uint32_t step;
  uint32_t elapsed;
  uint32_t from;
} state;

/* Perceived brightness grows with the square root of the duty cycle, about. */
static uint32_t duty_of(uint32_t level) { return (level * level * 65535u) / (255u * 255u); }

void led_init(void) {
  state.current = &patterns[2];
  state.step = 0;
  state.elapsed = 0;
  state.from = 0;
}

int led_select(const char *name) {
  for (size_t i = 0; i < PATTERNS; i++) {
    if (!text_equal(name, patterns[i].name)) continue;
    state.current = &patterns[i];
    state.step = 0;
    state.elapsed = 0;
    return 1;
  }
  return 0;
}

void led_tick(uint32_t milliseconds) {
  const step *now = &state.current->steps[state.step];
  state.elapsed += milliseconds;
  while (state.elapsed >= now->milliseconds) {
    state.elapsed -= now->milliseconds;
    state.from = now->level;
    state.step = state.step + 1 == state.current->count ? 0 : state.step + 1;
    now = &state.current->steps[state.step];
  }
  uint32_t level = now->level;
  if (state.current->fade) {
    const int32_t change = (int32_t)level - (int32_t)state.from;
    level = (uint32_t)((int32_t)state.from + change * (int32_t)state.elapsed / now->milliseconds);
  }
  PWM_DUTY = duty_of(level);
}

const char *led_name(size_t index) { return index < PATTERNS ? patterns[index].name : NULL; }
