#include "firmware.h"

enum { CHANNEL_TEMPERATURE = 0, CHANNEL_HUMIDITY = 1, CHANNEL_PRESSURE = 2, CHANNELS = 3 };

enum { WINDOW = FIRMWARE_VERSION >= 2 ? 7 : 5 };

typedef struct channel {
  int32_t window[WINDOW];
  uint32_t next;
  int32_t smooth; /* Sixteenths. */
  uint32_t faults;
} channel;

typedef struct calibration {
  int32_t gain; /* 1 / 65536 */
  int32_t offset;
  int32_t lowest;
  int32_t highest;
} calibration;

static channel channels[CHANNELS];

static calibration calibrations[CHANNELS] = {
    {411206, -4550, -4000, 12500},
    {160200, 0, 0, 10000},
    {1101004, 30000, 30000, 110000},
};

/* log2(1 + i / 32) in 1 / 4096. */
static const uint16_t log2_table[33] = {0,    182,  358,  530,  696,  858,  1016, 1169, 1319, 1465, 1607,
                                        1746, 1882, 2015, 2145, 2272, 2396, 2518, 2637, 2754, 2869, 2982,
                                        3092, 3200, 3307, 3412, 3514, 3615, 3715, 3812, 3908, 4003, 4096};

void sensor_init(void) {
  for (unsigned i = 0; i < CHANNELS; i++) {
    channels[i].next = 0;
    channels[i].faults = 0;
    channels[i].smooth = 0;
    for (unsigned k = 0; k < WINDOW; k++) channels[i].window[k] = calibrations[i].lowest;
  }
}

static int32_t median(const int32_t *values) {
  int32_t sorted[WINDOW];
  for (unsigned i = 0; i < WINDOW; i++) {
    unsigned k = i;
    for (; k > 0 && sorted[k - 1] > values[i]; k--) sorted[k] = sorted[k - 1];
    sorted[k] = values[i];
  }
  return sorted[WINDOW / 2];
}

static int32_t compensate(unsigned index, uint32_t raw) {
  const calibration *parameters = &calibrations[index];
  int64_t value = (int64_t)(raw & 0xfff) * parameters->gain;
#if FIRMWARE_VERSION >= 2
  /* The humidity element reads 0.14 % less for each degree above 25. */
  if (index == CHANNEL_HUMIDITY) {
    const int32_t excess = channels[CHANNEL_TEMPERATURE].smooth / 16 - 2500;
    value += value / 10000 * (excess * 14 / 100);
  }
#endif
  return (int32_t)(value >> 16) + parameters->offset;
}

static void update(unsigned index, uint32_t raw) {
  channel *self = &channels[index];
  const int32_t value = compensate(index, raw);
  if (value < calibrations[index].lowest || value > calibrations[index].highest) {
    self->faults++;
    journal_append(JOURNAL_FAULT, (int32_t)index, value);
    return;
  }
  self->window[self->next] = value;
  self->next = (self->next + 1) % WINDOW;
  const int32_t middle = median(self->window);
  self->smooth += middle - self->smooth / 16;
}

void sensor_sample(void) {
  for (unsigned i = 0; i < CHANNELS; i++) update(i, ADC_DATA(i));
}

/* Natural logarithm of value / 10000, in thousandths; 0 < value <= 10000. */
static int32_t log_of_fraction(int32_t value) {
  int32_t shift = 0;
  uint32_t mantissa = (uint32_t)value;
  while (mantissa < 32768) {
    mantissa <<= 1;
    shift++;
  }
  const uint32_t index = (mantissa - 32768) >> 10;
  const uint32_t rest = (mantissa - 32768) & 1023;
  const int32_t low = log2_table[index];
  const int32_t high = log2_table[index + 1];
  const int32_t log2 = (15 - shift) * 4096 + low + (high - low) * (int32_t)rest / 1024;
  /* log2(10000) is 13.2877; ln 2 is 0.6931. */
  return (int32_t)((int64_t)(log2 - 54427) * 6931 / (4096 * 10));
}

/* Magnus formula, with constants 17.62 and 243.12 degrees. */
static int32_t dew_point(int32_t temperature, int32_t humidity) {
  if (humidity < 100) humidity = 100;
  const int32_t gamma =
      log_of_fraction(humidity) + (int32_t)((int64_t)17620 * temperature / (24312 + temperature));
  return (int32_t)((int64_t)24312 * gamma / (17620 - gamma));
}

sensor_reading sensor_latest(void) {
  sensor_reading reading;
  reading.temperature = channels[CHANNEL_TEMPERATURE].smooth / 16;
  reading.humidity = channels[CHANNEL_HUMIDITY].smooth / 16;
  reading.pressure = channels[CHANNEL_PRESSURE].smooth / 16;
  reading.dew_point = dew_point(reading.temperature, reading.humidity);
  return reading;
}

uint32_t sensor_faults(void) {
  uint32_t sum = 0;
  for (unsigned i = 0; i < CHANNELS; i++) sum += channels[i].faults;
  return sum;
}

void sensor_set_offset(int32_t hundredths) {
  calibrations[CHANNEL_TEMPERATURE].offset = hundredths - 4550;
  journal_append(JOURNAL_SETTING, CHANNEL_TEMPERATURE, hundredths);
}
