// Apart from the rest of the library, so that a device that prints nothing does not carry the texts.
#include "libdelta/device.h"

const char *libdelta_status_text(libdelta_status status) {
  switch (status) {
    case LIBDELTA_OK:
      return "the new image is complete and verified";
    case LIBDELTA_NEED_INPUT:
      return "more of the patch is needed";
    case LIBDELTA_E_ARGUMENT:
      return "bad configuration, argument or order of calls";
    case LIBDELTA_E_MALFORMED:
      return "the patch is malformed";
    case LIBDELTA_E_VERSION:
      return "not a patch, or a patch of an unknown format version";
    case LIBDELTA_E_UNSUPPORTED:
      return "the patch needs a codec, extension, feature or image size that is not supported here";
    case LIBDELTA_E_SIGNATURE:
      return "too few valid signatures by trusted keys";
    case LIBDELTA_E_HARDWARE:
      return "the patch is for other hardware";
    case LIBDELTA_E_COMPONENT:
      return "the patch is for another component";
    case LIBDELTA_E_COUNTER:
      return "the patch is older than this device accepts";
    case LIBDELTA_E_RAM:
      return "the patch needs more RAM than there is";
    case LIBDELTA_E_OLD_DIGEST:
      return "the base image is not the one the patch was made from";
    case LIBDELTA_E_CHUNK:
      return "a chunk does not match the hash chain";
    case LIBDELTA_E_NEW_DIGEST:
      return "the new image is wrong and must not be used";
    case LIBDELTA_E_TRAILING:
      return "bytes follow the end of the patch";
    case LIBDELTA_E_TRUNCATED:
      return "the patch ends early";
    case LIBDELTA_E_READ_OLD:
      return "reading the base image failed";
    case LIBDELTA_E_WRITE_NEW:
      return "writing the new image failed";
    case LIBDELTA_E_READ_NEW:
      return "reading back the new image failed";
    case LIBDELTA_E_READ_PATCH:
      return "reading the patch failed";
    case LIBDELTA_E_HASH:
      return "computing a hash failed";
    case LIBDELTA_E_FLASH:
      return "a flash operation failed";
    case LIBDELTA_E_GEOMETRY:
      return "the patch is for another flash geometry or not for an update in place";
    case LIBDELTA_E_IN_PROGRESS:
      return "another update has begun";
    case LIBDELTA_E_ALREADY_DONE:
      return "the new image is installed already";
  }
  return "unknown status";
}
