// A file with the content of a board's whole flash.
#ifndef TOOLS_FWDELTA_FLASH_FILE_H_
#define TOOLS_FWDELTA_FLASH_FILE_H_

#include <string>

#include "libdelta/sim/device_profile.h"
#include "libdelta/sim/flash_model.h"

namespace fwdelta {

class FlashFile {
 public:
  // A file that is shorter than the flash is taken as erased at its end, but must reach into the slot.
  // Throws a Failure (kIo, kUsage). `path` and `profile` must outlive the object.
  FlashFile(const std::string& path, const libdelta::DeviceProfile& profile);

  libdelta::FlashModel& model() { return model_; }
  bool is_changed() const { return model_.operations() != 0; }

  // Whether a journal in a spare page has the header that `patch_start` begins with.
  bool HasHeader(libdelta::ByteView patch_start) const;

  // Replaces the file if there were flash operations. Throws a Failure (kIo).
  void Save() const;

 private:
  const std::string& path_;
  const libdelta::DeviceProfile& profile_;
  libdelta::FlashModel model_;
};

}  // namespace fwdelta

#endif  // TOOLS_FWDELTA_FLASH_FILE_H_
