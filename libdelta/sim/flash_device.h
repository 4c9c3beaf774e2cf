// A device with one slot: the device library over a flash model, one power cycle at a time. The bootloader's
// part of an update in place is here: recover, feed the patch from where it is wanted, decide whether to
// boot.
#ifndef LIBDELTA_SIM_FLASH_DEVICE_H_
#define LIBDELTA_SIM_FLASH_DEVICE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "libdelta/device.h"
#include "libdelta/host.h"
#include "libdelta/sim/device_profile.h"
#include "libdelta/sim/flash_model.h"

namespace libdelta {

// The planner's view of a profile.
InPlaceLayout LayoutOf(const DeviceProfile& profile);

enum class PatchSourceKind : uint8_t {
  kStream,  // Pushed past the device; what was missed must be sent again.
  kStored,  // Behind a read callback.
};

// What the device trusts and has. Pointers must outlive the device.
struct DeviceSetup {
  std::vector<libdelta_key> keys;
  uint8_t threshold = 0;  // 0: unsigned patches, where the library was compiled for them.
  std::string hardware;   // Empty: not checked.
  std::string component;
  libdelta_crypto crypto{};
  PatchSourceKind source = PatchSourceKind::kStream;
  uint32_t push_size = 4096;  // Bytes per push, at least 1.
};

// One power cycle.
struct PowerCycle {
  libdelta_recovery recovery = LIBDELTA_IDLE;
  // Of recovery, and of the update if one was fed. OK or E_ALREADY_DONE: the new image is in the slot.
  libdelta_status status = LIBDELTA_OK;
  uint64_t feed_from = 0;  // Where the patch was wanted from.
  uint64_t fed = 0;        // Patch bytes pushed.
  bool power_lost = false;
};

// The bootloader's part in a power cycle.
struct Bootloader {
  ByteView patch;       // Fed from where it is wanted until the update ends or power fails; may be empty.
  bool recover = true;  // False: the patch is offered although another update may be in progress.
  bool offer = true;    // A patch that has not begun may begin.
  PatchSourceKind source = PatchSourceKind::kStream;
  uint32_t push_size = 4096;                        // Bytes per push, at least 1.
  std::function<void(uint64_t patch_end)> on_push;  // Before bytes up to there are pushed; may be empty.
};

// One power cycle with the library so configured, over `flash`, which is rebooted at the end.
PowerCycle RunBootloader(const libdelta_config& config, const Bootloader& bootloader, FlashModel* flash);

// What the device library is about to do to the flash.
struct FlashRequest {
  FlashOperation what = FlashOperation::kErase;
  uint64_t offset = 0;
  ByteView data;           // To be programmed; empty for an erase.
  uint64_t patch_end = 0;  // End of the patch bytes that the library has been given, when they are pushed.
};

// The callbacks of the device library over a flash model. Not to be moved: the library keeps addresses.
class FlashPort {
 public:
  // `profile` must be the one of `flash`. `flash` and `counter` must outlive the port.
  FlashPort(const DeviceProfile& profile, FlashModel* flash, uint32_t* counter);
  FlashPort(const FlashPort&) = delete;
  FlashPort& operator=(const FlashPort&) = delete;

  const libdelta_flash* callbacks() const { return &callbacks_; }
  // Called before every program and erase; must outlive the port. Null: nothing is called.
  void set_watch(const std::function<void(const FlashRequest&)>* watch) { watch_ = watch; }
  void set_patch_end(uint64_t patch_end) { patch_end_ = patch_end; }

 private:
  static int Read(void* user, uint32_t address, uint8_t* buffer, uint32_t length);
  static int Program(void* user, uint32_t address, const uint8_t* data, uint32_t length);
  static int Erase(void* user, uint32_t address);
  static int CommitCounter(void* user, uint32_t counter);
  void Watch(FlashOperation what, uint64_t offset, ByteView data) const;

  FlashModel* flash_;
  uint32_t* counter_;
  std::vector<libdelta_page_run> runs_;
  std::vector<libdelta_range> protected_;
  libdelta_flash callbacks_{};
  const std::function<void(const FlashRequest&)>* watch_ = nullptr;
  uint64_t patch_end_ = 0;
};

class FlashDevice {
 public:
  // `profile` must be one that CheckProfile() accepts, and `flash` one of that profile.
  FlashDevice(const DeviceProfile& profile, const DeviceSetup& setup, FlashModel flash);

  // Boots. If an update is in progress or `patch` is not empty, `patch` is fed until the update ends or power
  // fails; then the flash is rebooted. `offer`: a patch that has not begun may begin.
  PowerCycle Boot(ByteView patch, bool offer);

  FlashModel& flash() { return flash_; }
  const FlashModel& flash() const { return flash_; }
  uint32_t counter() const { return counter_; }

  // Is called before every program and erase; may copy this device, which is as it was before the call,
  // apart from the RAM that a power cut erases.
  void set_watch(std::function<void(const FlashRequest&)> watch) { watch_ = std::move(watch); }

 private:
  struct PatchAccess {
    const FlashModel* flash;
    ByteView patch;
  };
  static int ReadPatch(void* user, libdelta_offset offset, uint8_t* buffer, uint32_t length);

  DeviceSetup setup_;
  FlashModel flash_;
  uint32_t counter_ = 0;
  std::function<void(const FlashRequest&)> watch_;
};

}  // namespace libdelta

#endif  // LIBDELTA_SIM_FLASH_DEVICE_H_
