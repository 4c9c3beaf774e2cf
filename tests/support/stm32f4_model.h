/* What libdelta/ports/stm32f4.c has in place of registers and flash when it is compiled for a test. */
#ifndef LIBDELTA_TESTS_SUPPORT_STM32F4_MODEL_H_
#define LIBDELTA_TESTS_SUPPORT_STM32F4_MODEL_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

uint32_t stm32f4_model_load(uint32_t address);
void stm32f4_model_store(uint32_t address, uint32_t value);
const void *stm32f4_model_flash(uint32_t address);

#ifdef __cplusplus
} /* extern "C" */
#endif

#define LOAD(address) stm32f4_model_load(address)
#define STORE(address, value) stm32f4_model_store((uint32_t)(address), value)
#define FLASH_AT(address) stm32f4_model_flash(address)

#endif /* LIBDELTA_TESTS_SUPPORT_STM32F4_MODEL_H_ */
