// Updates in place for tests: boards cut down to the size of small images, pairs of images that suit their
// pages, and a device whose every flash access can be watched and made to fail.
#ifndef LIBDELTA_TESTS_SUPPORT_IN_PLACE_H_
#define LIBDELTA_TESTS_SUPPORT_IN_PLACE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "libdelta/adapters/sodium.h"
#include "libdelta/device.h"
#include "libdelta/host.h"
#include "libdelta/sim/device_profile.h"
#include "libdelta/sim/flash_device.h"
#include "libdelta/sim/flash_model.h"
#include "tests/support/patches.h"

namespace libdelta::testing {

// `board` with no more pages in the slot than `image_size` bytes and `free_pages` beyond them take, its spare
// pages (16 at most) behind a page that is not writable. Of a slot with protected pages the last one is.
DeviceProfile CutDown(const DeviceProfile& board, uint64_t image_size, uint32_t free_pages);

// A pair of images.
struct InPlacePair {
  std::string name;
  Bytes old_image;
  Bytes new_image;
};

// Images of about `size` bytes for pages of `page` bytes: small and large changes, moved blocks, growing and
// shrinking ones, unchanged pages, ends inside pages and write units.
std::vector<InPlacePair> InPlacePairs(uint64_t size, uint64_t page);

// The pair of that name.
InPlacePair FindInPlacePair(const std::string& name, uint64_t size, uint64_t page);

// Options for a patch in place for a board.
EncodeOptions InPlaceOptions(const DeviceProfile& profile);

// Calls that the library makes.
enum class FlashCall : uint8_t { kRead, kProgram, kErase, kCommitCounter, kReadPatch };

// Signer(1)'s device. Can be copied, like the flash in it.
class InPlaceDevice {
 public:
  // The old image is in the slot; what is not used of the flash holds noise.
  InPlaceDevice(const DeviceProfile& profile, ByteView old_image, const FlashOptions& options = {});

  // Free to change.
  FlashModel flash;
  uint32_t counter = 0;  // The security counter.
  bool is_stored = false;
  uint32_t push_size = 4096;
  std::vector<uint8_t> trusted = {1};  // Seeds of signers.
  uint8_t threshold = 1;
  std::string hardware;
  // Called before each call of the library. False: the call fails.
  std::function<bool(FlashCall, uint32_t address, const uint8_t* data, uint32_t length)> before_call;

  // One power cycle, as the bootloader has it: recover, feed `patch` if it is wanted or if nothing is in
  // progress and `offer`.
  PowerCycle Boot(ByteView patch, bool offer = true);
  // Offers a patch from its first byte on, whatever is in progress.
  PowerCycle Offer(ByteView patch);

  uint64_t calls() const { return calls_; }
  // The library has made more calls in one cycle than any update needs.
  bool hangs() const { return hangs_; }
  uint64_t fed() const { return fed_; }  // Bytes of the patch that the library has had in this cycle.

  Bytes Slot(uint64_t length) const;
  // Whether the slot holds the image, apart from protected bytes.
  bool Holds(ByteView image) const;

 private:
  static constexpr uint64_t kMaxCalls = 20000000;
  struct Access;
  bool Allow(FlashCall call, uint32_t address, const uint8_t* data, uint32_t length);
  PowerCycle Run(ByteView patch, bool recover, bool offer);

  uint64_t calls_ = 0;
  uint64_t calls_at_boot_ = 0;
  uint64_t fed_ = 0;
  bool hangs_ = false;
};

}  // namespace libdelta::testing

#endif  // LIBDELTA_TESTS_SUPPORT_IN_PLACE_H_
