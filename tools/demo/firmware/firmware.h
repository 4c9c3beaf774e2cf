/* A sensor node's firmware: the base and the update of the demo's bundled pair. It is compiled twice, as
 * FIRMWARE_VERSION 1 and 2; what a maintainer would change between two releases hangs on that macro. */
#ifndef TOOLS_DEMO_FIRMWARE_FIRMWARE_H_
#define TOOLS_DEMO_FIRMWARE_FIRMWARE_H_

#include <stddef.h>
#include <stdint.h>

#ifndef FIRMWARE_VERSION
#define FIRMWARE_VERSION 1
#endif

/* text.c: formatting without the C library. Conversions: %d %u %x %s %c and %q, a number in hundredths. */
size_t text_length(const char *text);
int text_equal(const char *left, const char *right);
int text_parse_number(const char *text, int32_t *value);
size_t text_format(char *buffer, size_t size, const char *format, const int32_t *values, size_t count);

/* console.c: a serial port behind a ring buffer. */
void console_init(void);
void console_put(const char *text);
void console_print(const char *format, int32_t a, int32_t b, int32_t c);
void console_receive(uint8_t byte);
int console_read_line(char *line, size_t size);

/* sensor.c: samples, compensated with the sensor's calibration, filtered. Hundredths of a unit. */
typedef struct sensor_reading {
  int32_t temperature;
  int32_t humidity;
  int32_t pressure;
  int32_t dew_point;
} sensor_reading;
void sensor_init(void);
void sensor_sample(void);
sensor_reading sensor_latest(void);
uint32_t sensor_faults(void);
void sensor_set_offset(int32_t hundredths);

/* led.c: patterns on one LED. */
void led_init(void);
int led_select(const char *name);
void led_tick(uint32_t milliseconds);
const char *led_name(size_t index);

/* checksum.c */
uint32_t checksum_crc32(const uint8_t *data, size_t size);
uint16_t checksum_crc16(const uint8_t *data, size_t size);

/* cipher.c: ChaCha20 of RFC 8439, for radio frames. */
void cipher_apply(const uint32_t key[8], const uint32_t nonce[3], uint8_t *data, size_t size);

/* journal.c: a ring of records in data flash. */
enum { JOURNAL_BOOT = 1, JOURNAL_READING = 2, JOURNAL_FAULT = 3, JOURNAL_SETTING = 4 };
void journal_init(void);
void journal_append(uint8_t kind, int32_t a, int32_t b);
void journal_dump(uint32_t newest);
uint32_t journal_count(void);

/* radio.c: frames with sequence number, cipher, checksum and byte stuffing. */
void radio_init(uint32_t node);
void radio_send_reading(const sensor_reading *reading);
void radio_tick(uint32_t milliseconds);
uint32_t radio_pending(void);

/* command.c */
void command_run(char *line);

/* main.c */
extern volatile uint32_t clock_milliseconds;
void clock_tick(void);
int main(void);

#ifdef FIRMWARE_BOARD
#include FIRMWARE_BOARD /* The same names for a real one: tools/bootloader/microbit. */
#else
/* Registers of an imaginary microcontroller. */
#define BOARD_REGISTER(offset) (*(volatile uint32_t *)(0x40000000u + (offset)))
#define UART_DATA BOARD_REGISTER(0x4400)
#define UART_STATUS BOARD_REGISTER(0x4404)
#define ADC_DATA(channel) BOARD_REGISTER(0x12400 + 4u * (channel))
#define PWM_DUTY BOARD_REGISTER(0x0034)
#define RADIO_FIFO BOARD_REGISTER(0x13000)
#define RADIO_CONTROL BOARD_REGISTER(0x13004)
#define WATCHDOG_FEED BOARD_REGISTER(0x3000)
#endif

#endif /* TOOLS_DEMO_FIRMWARE_FIRMWARE_H_ */
