// A device in memory: images, patch storage and policy, every callback counted and able to fail.
#ifndef LIBDELTA_TESTS_SUPPORT_DEVICE_H_
#define LIBDELTA_TESTS_SUPPORT_DEVICE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "libdelta/adapters/host_crypto.h"
#include "libdelta/device.h"
#include "libdelta/host.h"
#include "tests/support/patches.h"

namespace libdelta::testing {

// How the patch reaches the library.
enum class Feed { kWhole, kBytes, kRandom, kStored };
inline constexpr Feed kAllFeeds[] = {Feed::kWhole, Feed::kBytes, Feed::kRandom, Feed::kStored};
std::string FeedName(Feed feed);

enum class Call { kReadOld, kWriteNew, kReadNew, kReadPatch, kHashInit, kHashUpdate, kHashFinal, kVerify };

// What the library must return when a callback of that kind fails.
libdelta_status StatusOfFailure(Call call);

class Device {
 public:
  // Accepts exactly the PatchCases(): Signer(1) and Signer(2) both have to sign.
  explicit Device(Bytes old_image = {});
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  // Free to change before Apply().
  Bytes old_image;
  std::vector<libdelta_key> keys;
  uint8_t threshold = 2;
  std::optional<std::string> hardware = "board-7";
  std::optional<std::string> component = "app";
  uint32_t min_counter = 5;
  bool has_zstd = true;
  bool has_read_old = true;
  std::optional<size_t> ram_size;  // Unset: what the header declares, or the minimum if it cannot be parsed.
  uint64_t seed = 1;               // Piece sizes of Feed::kRandom.
  std::optional<size_t> failing_call;  // Index of the callback that returns an error.
  std::function<void(Call)> before_call;
  // Called after each piece that was pushed, with the number of bytes pushed so far.
  std::function<void(size_t)> after_push;

  // Runs the update from start to end. Checks with EXPECT that the library keeps its promises: gapless
  // writes, accesses in bounds, no use of memory beyond its own, sticky result.
  libdelta_status Apply(ByteView patch, Feed feed);

  // The configuration that Apply() uses, for tests that call the library themselves. Points into this
  // object.
  const libdelta_config& Config();

  // What the last Apply() did.
  const Bytes& new_image() const { return new_image_; }
  const std::vector<Call>& calls() const { return calls_; }

  // Contents of the patch storage; before_call may change it.
  Bytes stored_patch;

 private:
  static Device& From(void* user) { return *static_cast<Device*>(user); }
  int Count(Call call);
  int Read(Call call, const Bytes& source, libdelta_offset offset, uint8_t* buffer, uint32_t length);
  int Write(libdelta_offset offset, const uint8_t* data, uint32_t length);
  libdelta_status Push(libdelta_updater* updater, ByteView patch, Feed feed);
  static libdelta_io IoCallbacks();
  static libdelta_crypto CryptoCallbacks();

  libdelta_host_crypto_state crypto_state_{};
  libdelta_crypto crypto_;
  libdelta_config config_{};
  Bytes new_image_;
  std::vector<Call> calls_;
};

}  // namespace libdelta::testing

#endif  // LIBDELTA_TESTS_SUPPORT_DEVICE_H_
