#include "tests/support/device.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>

#include "libdelta/adapters/zstd.h"

namespace libdelta::testing {
namespace {

constexpr size_t kGuardSize = 64;
constexpr uint8_t kGuard = 0xa7;

// The caller's buffer, with guard bytes behind it.
class Ram {
 public:
  explicit Ram(size_t size) : size_(size), words_((size + kGuardSize + 7) / 8) {
    std::fill(bytes() + size_, bytes() + size_ + kGuardSize, kGuard);
  }
  uint8_t* bytes() { return reinterpret_cast<uint8_t*>(words_.data()); }
  size_t size() const { return size_; }
  bool IsGuardIntact() {
    return std::all_of(bytes() + size_, bytes() + size_ + kGuardSize, [](uint8_t b) { return b == kGuard; });
  }

 private:
  size_t size_;
  std::vector<uint64_t> words_;
};

size_t DeclaredRam(ByteView patch) {
  libdelta_header header;
  const bool is_header = libdelta_parse_header(patch.data(), patch.size(), &header) == LIBDELTA_OK;
  return libdelta_ram_required(is_header ? header.ram : uint64_t{LIBDELTA_MIN_RAM});
}

}  // namespace

std::string FeedName(Feed feed) {
  switch (feed) {
    case Feed::kWhole:
      return "whole";
    case Feed::kBytes:
      return "bytes";
    case Feed::kRandom:
      return "random";
    case Feed::kStored:
      return "stored";
  }
  return "";
}

libdelta_status StatusOfFailure(Call call) {
  switch (call) {
    case Call::kReadOld:
      return LIBDELTA_E_READ_OLD;
    case Call::kWriteNew:
      return LIBDELTA_E_WRITE_NEW;
    case Call::kReadNew:
      return LIBDELTA_E_READ_NEW;
    case Call::kReadPatch:
      return LIBDELTA_E_READ_PATCH;
    case Call::kVerify:
      return LIBDELTA_E_SIGNATURE;
    case Call::kHashInit:
    case Call::kHashUpdate:
    case Call::kHashFinal:
      return LIBDELTA_E_HASH;
  }
  return LIBDELTA_OK;
}

Device::Device(Bytes old) : old_image(std::move(old)), crypto_(libdelta_host_crypto(&crypto_state_)) {
  static const Signer first(1);
  static const Signer second(2);
  keys = {first.key(), second.key()};
}

int Device::Count(Call call) {
  const size_t index = calls_.size();
  calls_.push_back(call);
  if (before_call) before_call(call);
  return failing_call == index ? -1 : 0;
}

int Device::Read(Call call, const Bytes& source, libdelta_offset offset, uint8_t* buffer, uint32_t length) {
  if (Count(call) != 0) return -1;
  const bool in_bounds = offset <= source.size() && length <= source.size() - offset;
  EXPECT_TRUE(in_bounds) << "read of " << length << " bytes at " << offset << " of " << source.size();
  EXPECT_NE(length, 0u);
  if (!in_bounds) return -1;
  std::copy_n(source.begin() + static_cast<ptrdiff_t>(offset), length, buffer);
  return 0;
}

int Device::Write(libdelta_offset offset, const uint8_t* data, uint32_t length) {
  if (Count(Call::kWriteNew) != 0) return -1;
  EXPECT_EQ(offset, new_image_.size()) << "writes must be gapless";
  EXPECT_NE(length, 0u);
  new_image_.insert(new_image_.end(), data, data + length);
  return 0;
}

libdelta_io Device::IoCallbacks() {
  libdelta_io io{};
  io.read_old = [](void* user, libdelta_offset offset, uint8_t* buffer, uint32_t length) {
    return From(user).Read(Call::kReadOld, From(user).old_image, offset, buffer, length);
  };
  io.write_new = [](void* user, libdelta_offset offset, const uint8_t* data, uint32_t length) {
    return From(user).Write(offset, data, length);
  };
  io.read_new = [](void* user, libdelta_offset offset, uint8_t* buffer, uint32_t length) {
    return From(user).Read(Call::kReadNew, From(user).new_image_, offset, buffer, length);
  };
  io.read_patch = [](void* user, libdelta_offset offset, uint8_t* buffer, uint32_t length) {
    return From(user).Read(Call::kReadPatch, From(user).stored_patch, offset, buffer, length);
  };
  return io;
}

libdelta_crypto Device::CryptoCallbacks() {
  libdelta_crypto crypto{};
  crypto.sha256_init = [](void* user) {
    if (From(user).Count(Call::kHashInit) != 0) return -1;
    return From(user).crypto_.sha256_init(From(user).crypto_.user);
  };
  crypto.sha256_update = [](void* user, const uint8_t* data, size_t length) {
    if (From(user).Count(Call::kHashUpdate) != 0) return -1;
    return From(user).crypto_.sha256_update(From(user).crypto_.user, data, length);
  };
  crypto.sha256_final = [](void* user, uint8_t* digest) {
    if (From(user).Count(Call::kHashFinal) != 0) return -1;
    return From(user).crypto_.sha256_final(From(user).crypto_.user, digest);
  };
  crypto.verify = [](void* user, const libdelta_key* key, const uint8_t* message, size_t length,
                     const uint8_t* signature) {
    if (From(user).Count(Call::kVerify) != 0) return -1;
    return From(user).crypto_.verify(From(user).crypto_.user, key, message, length, signature);
  };
  return crypto;
}

const libdelta_config& Device::Config() {
  config_.io = IoCallbacks();
  config_.io.user = this;
  if (!has_read_old) config_.io.read_old = nullptr;
  config_.crypto = CryptoCallbacks();
  config_.crypto.user = this;
  config_.policy.keys = keys.data();
  config_.policy.key_count = static_cast<uint8_t>(keys.size());
  config_.policy.threshold = threshold;
  config_.policy.hardware = hardware ? hardware->c_str() : nullptr;
  config_.policy.component = component ? component->c_str() : nullptr;
  config_.policy.min_counter = min_counter;
  config_.zstd = has_zstd ? &libdelta_zstd_codec : nullptr;
  return config_;
}

libdelta_status Device::Push(libdelta_updater* updater, ByteView patch, Feed feed) {
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<size_t> any_size(0, 300);
  for (size_t position = 0; position < patch.size();) {
    const size_t wish = feed == Feed::kBytes ? 1 : feed == Feed::kRandom ? any_size(random) : patch.size();
    const size_t size = std::min(wish, patch.size() - position);
    // A copy of its own lets the sanitizers see reads beyond the piece.
    const std::unique_ptr<uint8_t[]> piece(new uint8_t[size]);
    std::copy_n(patch.begin() + static_cast<ptrdiff_t>(position), size, piece.get());
    const libdelta_status status = libdelta_push(updater, piece.get(), size);
    position += size;
    if (after_push) after_push(position);
    if (status >= LIBDELTA_E_ARGUMENT) return status;
  }
  return libdelta_finish(updater);
}

libdelta_status Device::Apply(ByteView patch, Feed feed) {
  new_image_.clear();
  calls_.clear();
  Ram ram(ram_size.value_or(DeclaredRam(patch)));
  libdelta_updater* updater = nullptr;
  libdelta_status status = libdelta_init(ram.bytes(), ram.size(), &Config(), &updater);
  if (status != LIBDELTA_NEED_INPUT) {
    EXPECT_EQ(updater, nullptr);
    return status;
  }
  if (feed == Feed::kStored) {
    stored_patch.assign(patch.begin(), patch.end());
    status = libdelta_apply_stored(updater, static_cast<libdelta_offset>(patch.size()));
  } else {
    status = Push(updater, patch, feed);
  }
  EXPECT_NE(status, LIBDELTA_NEED_INPUT);
  EXPECT_TRUE(ram.IsGuardIntact());

  const size_t calls_made = calls_.size();
  EXPECT_EQ(libdelta_finish(updater), status) << "the result must be sticky";
  if (status != LIBDELTA_OK) {
    EXPECT_EQ(libdelta_push(updater, patch.data(), patch.size()), status) << "errors must be sticky";
    EXPECT_EQ(libdelta_apply_stored(updater, static_cast<libdelta_offset>(patch.size())), status);
  }
  EXPECT_EQ(calls_.size(), calls_made) << "a finished update must not call back";
  return status;
}

}  // namespace libdelta::testing
