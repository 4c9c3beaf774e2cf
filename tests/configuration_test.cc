// Device libraries that single features were left out of (libdelta/config.h), each a module that is loaded
// here: what they accept, and with which status and how little done they refuse the rest.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "libdelta/adapters/host_crypto.h"
#include "libdelta/adapters/keys.h"
#include "libdelta/device.h"
#include "libdelta/host.h"
#include "tests/support/images.h"
#include "tests/support/patches.h"

namespace libdelta::testing {
namespace {

// A device library, compiled with LIBDELTA_<name> alone.
class Module {
 public:
  explicit Module(const std::string& name)
      : handle_(dlopen((std::string(LIBDELTA_MODULES) + "/libdevice_" + name + ".so").c_str(),
                       RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr) ADD_FAILURE() << dlerror();
  }
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  ~Module() {
    if (handle_ != nullptr) dlclose(handle_);
  }
  template <typename Function>
  Function* Find(const char* name) const {
    return reinterpret_cast<Function*>(dlsym(handle_, name));
  }

 private:
  void* handle_;
};

constexpr uint32_t kPage = 4096;
constexpr uint32_t kSlotPages = 6;
constexpr uint32_t kSparePages = 3;
constexpr uint32_t kRam = 131072;

// What the library may be given to do.
struct Offer {
  Bytes patch;
  libdelta_algorithm key = LIBDELTA_ED25519;
  uint8_t threshold = 1;
  bool in_place = false;
};

// A device whose flash is memory: old image and spare pages, or the old image and another place.
class Device {
 public:
  Device(const Bytes& old_image, const Offer& offer) : old_image_(old_image), flash_(kFlashSize, 0xff) {
    std::copy(old_image.begin(), old_image.end(), flash_.begin());
    config_.io = {this, ReadOld, WriteNew, ReadNew, nullptr};
    config_.crypto = libdelta_host_crypto(&hash_);
    const Result<PublicKey> key = DerivePublicKey(SecretOf(offer.key));
    key_bytes_ = key.value().bytes;
    key_ = {offer.key, key_bytes_.data()};
    config_.policy.keys = &key_;
    config_.policy.key_count = 1;
    config_.policy.threshold = offer.threshold;
    config_.zstd = &kNoise;
    if (offer.in_place) config_.flash = &layout_;
  }

  static SecretKey SecretOf(libdelta_algorithm algorithm) {
    SecretKey key(algorithm);
    key.secret().fill(7);
    return key;
  }

  libdelta_status Apply(const Module& module, const Bytes& patch) {
    std::vector<uint64_t> ram(
        module.Find<decltype(libdelta_ram_required)>("libdelta_ram_required")(kRam) / 8 + 1);
    libdelta_updater* updater = nullptr;
    libdelta_status status =
        module.Find<decltype(libdelta_init)>("libdelta_init")(ram.data(), ram.size() * 8, &config_, &updater);
    if (updater == nullptr) return status;
    status = module.Find<decltype(libdelta_push)>("libdelta_push")(updater, patch.data(), patch.size());
    if (status == LIBDELTA_NEED_INPUT)
      status = module.Find<decltype(libdelta_finish)>("libdelta_finish")(updater);
    return status;
  }

  // The new image, wherever it went.
  Bytes NewImage(size_t size) const {
    return config_.flash != nullptr ? Bytes(flash_.begin(), flash_.begin() + static_cast<ptrdiff_t>(size))
                                    : new_image_;
  }
  bool IsUntouched() const {
    return new_image_.empty() && std::equal(old_image_.begin(), old_image_.end(), flash_.begin());
  }

 private:
  static constexpr uint32_t kFlashSize = (kSlotPages + kSparePages) * kPage;

  static Device& From(void* user) { return *static_cast<Device*>(user); }
  static int Read(const Bytes& bytes, uint64_t offset, uint8_t* buffer, uint32_t length) {
    if (offset > bytes.size() || length > bytes.size() - offset) return -1;
    std::memcpy(buffer, bytes.data() + offset, length);
    return 0;
  }
  static int ReadOld(void* user, libdelta_offset offset, uint8_t* buffer, uint32_t length) {
    return Read(From(user).old_image_, offset, buffer, length);
  }
  static int ReadNew(void* user, libdelta_offset offset, uint8_t* buffer, uint32_t length) {
    return Read(From(user).new_image_, offset, buffer, length);
  }
  static int WriteNew(void* user, libdelta_offset offset, const uint8_t* data, uint32_t length) {
    Bytes& image = From(user).new_image_;
    if (offset != image.size()) return -1;
    image.insert(image.end(), data, data + length);
    return 0;
  }
  static int ReadFlash(void* user, uint32_t address, uint8_t* buffer, uint32_t length) {
    return Read(From(user).flash_, address, buffer, length);
  }
  static int Program(void* user, uint32_t address, const uint8_t* data, uint32_t length) {
    for (uint32_t i = 0; i < length; ++i) {
      uint8_t& byte = From(user).flash_.at(address + i);
      if (byte != 0xff) return -1;
      byte = data[i];
    }
    return 0;
  }
  static int Erase(void* user, uint32_t address) {
    std::fill_n(From(user).flash_.begin() + address, kPage, uint8_t{0xff});
    return 0;
  }
  // Stands for a zstd decoder: what counts here is whether it is asked.
  static constexpr libdelta_codec kNoise = {[](uint8_t*, size_t) { return -1; }, nullptr};

  const Bytes& old_image_;
  Bytes flash_;
  Bytes new_image_;
  libdelta_host_crypto_state hash_{};
  Bytes key_bytes_;
  libdelta_key key_{};
  libdelta_page_run runs_ = {kSlotPages, kPage};
  libdelta_flash layout_ = {this, ReadFlash, Program,           Erase, nullptr, &runs_, 1, kSparePages, 4,
                            0xff, 0,         kSlotPages* kPage, kPage, nullptr, 0};
  libdelta_config config_{};
};

class Configuration : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    ASSERT_TRUE(InitializeKeys());
    const auto& pairs = ThumbPairs();
    pair_ = {pairs[0].old_image(), pairs[0].new_image()};
    ASSERT_LE(std::max(pair_[0].size(), pair_[1].size()), kSlotPages * kPage);

    EncodeOptions options;
    options.ram = 8192;
    options.kind = PayloadKind::kDeltaOnly;
    const Bytes delta = Encoded(options);
    offers_["delta"] = {Signed(delta, LIBDELTA_ED25519)};
    offers_["p256"] = {Signed(delta, LIBDELTA_P256), LIBDELTA_P256};
    offers_["unsigned"] = {delta, LIBDELTA_ED25519, 0};
    options.templates = false;
    offers_["no templates"] = {Signed(Encoded(options), LIBDELTA_ED25519)};
    options.kind = PayloadKind::kFullOnly;
    offers_["full, no templates"] = {Signed(Encoded(options), LIBDELTA_ED25519)};
    options.templates = true;
    offers_["full"] = {Signed(Encoded(options), LIBDELTA_ED25519)};
    HeaderFields fields = ZstdFields(pair_[1], 1024);
    fields.ram = kRam;
    offers_["zstd"] = {Signed(ZstdPatch(fields), LIBDELTA_ED25519)};
    options.kind = PayloadKind::kDeltaOnly;
    options.in_place.emplace();
    options.in_place->pages = {{kSlotPages, kPage}};
    options.in_place->spare_count = kSparePages;
    offers_["in place"] = {Signed(Encoded(options), LIBDELTA_ED25519), LIBDELTA_ED25519, 1, true};
    options.templates = false;
    offers_["in place, no templates"] = {Signed(Encoded(options), LIBDELTA_ED25519), LIBDELTA_ED25519, 1,
                                         true};
  }

  // `refusals` is what the library without a feature refuses beyond what every one does.
  static void Expect(const std::string& module_name, const std::map<std::string, libdelta_status>& refusals,
                     libdelta_status zstd = LIBDELTA_E_RAM,
                     libdelta_status without_signature = LIBDELTA_E_ARGUMENT) {
    const Module module(module_name);
    for (const auto& [name, offer] : offers_) {
      libdelta_status expected = LIBDELTA_OK;
      if (name == "zstd") expected = zstd;  // The decoder has been asked, and found its memory too small.
      if (name == "unsigned") expected = without_signature;
      if (const auto refusal = refusals.find(name); refusal != refusals.end()) expected = refusal->second;
      Device device(pair_[0], offer);
      EXPECT_EQ(device.Apply(module, offer.patch), expected) << module_name << ": " << name;
      if (expected == LIBDELTA_OK) {
        EXPECT_EQ(device.NewImage(pair_[1].size()), pair_[1]) << module_name << ": " << name;
      } else {
        EXPECT_TRUE(device.IsUntouched()) << module_name << ": " << name;
      }
    }
  }

  static inline std::map<std::string, Offer> offers_;

 private:
  static Bytes Encoded(const EncodeOptions& options) {
    Result<Patch> patch = Encode(pair_[0], pair_[1], options);
    EXPECT_TRUE(patch.ok());
    return patch.value().bytes;
  }
  static Bytes Signed(const Bytes& patch, libdelta_algorithm algorithm) {
    const SecretKey key = Device::SecretOf(algorithm);
    const Result<Bytes> message = SignatureMessage(patch);
    const Result<Bytes> signature = Sign(key, message.value());
    const Result<PublicKey> public_key = DerivePublicKey(key);
    Result<Bytes> result = AddSignature(patch, algorithm, public_key.value().bytes, signature.value());
    EXPECT_TRUE(result.ok());
    return result.value();
  }

  static inline std::vector<Bytes> pair_;
};

TEST_F(Configuration, Everything) { Expect("ALL", {}); }

TEST_F(Configuration, NoInPlace) {
  const Module module("NO_IN_PLACE");
  Expect("NO_IN_PLACE",
         {{"in place", LIBDELTA_E_UNSUPPORTED}, {"in place, no templates", LIBDELTA_E_UNSUPPORTED}});
  libdelta_recovery recovery = LIBDELTA_IDLE;
  libdelta_offset offset = 0;
  alignas(8) uint8_t updater[1024] = {};
  EXPECT_EQ(module.Find<decltype(libdelta_recover)>("libdelta_recover")(
                reinterpret_cast<libdelta_updater*>(updater), &recovery, &offset),
            LIBDELTA_E_ARGUMENT);
}

TEST_F(Configuration, NoTwoSlot) {
  std::map<std::string, libdelta_status> refusals;
  for (const auto& [name, offer] : offers_) {
    if (!offer.in_place) refusals[name] = LIBDELTA_E_ARGUMENT;
  }
  Expect("NO_TWO_SLOT", refusals);
  // Nor in place.
  for (const char* name : {"delta", "full", "zstd"}) {
    Offer offer = offers_[name];
    offer.in_place = true;
    const Bytes old_image = ThumbPairs()[0].old_image();
    Device device(old_image, offer);
    EXPECT_NE(device.Apply(Module("NO_TWO_SLOT"), offer.patch), LIBDELTA_OK) << name;
    EXPECT_TRUE(device.IsUntouched()) << name;
  }
}

TEST_F(Configuration, NoTemplates) {
  Expect("NO_TEMPLATES", {{"delta", LIBDELTA_E_UNSUPPORTED},
                          {"full", LIBDELTA_E_UNSUPPORTED},
                          {"p256", LIBDELTA_E_UNSUPPORTED},
                          {"in place", LIBDELTA_E_UNSUPPORTED}});
}

TEST_F(Configuration, NoFullImage) {
  Expect("NO_FULL_IMAGE", {{"full", LIBDELTA_E_UNSUPPORTED}, {"full, no templates", LIBDELTA_E_UNSUPPORTED}},
         LIBDELTA_E_UNSUPPORTED);
}

TEST_F(Configuration, NoZstd) { Expect("NO_ZSTD", {}, LIBDELTA_E_UNSUPPORTED); }

TEST_F(Configuration, NoP256) {
  Expect("NO_P256", {{"p256", LIBDELTA_E_ARGUMENT}});
  // For a device with the other key.
  const Offer foreign = {offers_["p256"].patch, LIBDELTA_ED25519};
  const Bytes old_image = ThumbPairs()[0].old_image();
  Device device(old_image, foreign);
  EXPECT_EQ(device.Apply(Module("NO_P256"), foreign.patch), LIBDELTA_E_SIGNATURE);
}

TEST_F(Configuration, NoEd25519) {
  std::map<std::string, libdelta_status> refusals;
  for (const auto& [name, offer] : offers_) {
    if (offer.key == LIBDELTA_ED25519) refusals[name] = LIBDELTA_E_ARGUMENT;
  }
  Expect("NO_ED25519", refusals);
  const Offer foreign = {offers_["delta"].patch, LIBDELTA_P256};
  const Bytes old_image = ThumbPairs()[0].old_image();
  Device device(old_image, foreign);
  EXPECT_EQ(device.Apply(Module("NO_ED25519"), foreign.patch), LIBDELTA_E_SIGNATURE);
}

TEST_F(Configuration, AllowUnsigned) { Expect("ALLOW_UNSIGNED", {}, LIBDELTA_E_RAM, LIBDELTA_OK); }

// Unless the policy says so, a signature is needed all the same.
TEST_F(Configuration, AllowUnsignedObeysThePolicy) {
  const Offer offer = {offers_["unsigned"].patch, LIBDELTA_ED25519, 1};
  const Bytes old_image = ThumbPairs()[0].old_image();
  Device device(old_image, offer);
  EXPECT_EQ(device.Apply(Module("ALLOW_UNSIGNED"), offer.patch), LIBDELTA_E_SIGNATURE);
  EXPECT_TRUE(device.IsUntouched());
}

}  // namespace
}  // namespace libdelta::testing
