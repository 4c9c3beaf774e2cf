# For the build files of zephyr/ and esp-idf/: the library's sources, where its headers are, and the macros of
# ../include/libdelta/config.h, each of which has a CONFIG_LIBDELTA_... option of the same name in
# Kconfig.features.
get_filename_component(LIBDELTA_FOLDER ${CMAKE_CURRENT_LIST_DIR}/.. ABSOLUTE)
get_filename_component(LIBDELTA_PARENT ${LIBDELTA_FOLDER}/.. ABSOLUTE)
file(GLOB LIBDELTA_SOURCES ${LIBDELTA_FOLDER}/wire/*.cc ${LIBDELTA_FOLDER}/device/*.cc)
set(LIBDELTA_DEFINITIONS)
set(LIBDELTA_MACROS
  NO_IN_PLACE NO_TWO_SLOT NO_TEMPLATES NO_FULL_IMAGE NO_ZSTD NO_P256 NO_ED25519 ALLOW_UNSIGNED 64BIT_OFFSETS)
foreach(macro ${LIBDELTA_MACROS})
  if(CONFIG_LIBDELTA_${macro})
    list(APPEND LIBDELTA_DEFINITIONS LIBDELTA_${macro})
  endif()
endforeach()
