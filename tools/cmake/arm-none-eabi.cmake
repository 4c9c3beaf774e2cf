# Bare-metal Arm; LIBDELTA_CPU names the core (cortex-m0plus, cortex-m4 ...).
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR arm)
set(CMAKE_C_COMPILER arm-none-eabi-gcc)
set(CMAKE_CXX_COMPILER arm-none-eabi-g++)
# There is no C library to link a try-compile program with.
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES LIBDELTA_CPU)
set(LIBDELTA_CPU cortex-m0plus CACHE STRING "Value of -mcpu")
set(CMAKE_C_FLAGS_INIT "-mcpu=${LIBDELTA_CPU} -mthumb")
set(CMAKE_CXX_FLAGS_INIT "-mcpu=${LIBDELTA_CPU} -mthumb")
