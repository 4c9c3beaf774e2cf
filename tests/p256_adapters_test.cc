// The adapters for P-256 that are C and in no archive of ours, with Debian's libraries: BearSSL, and Mbed TLS
// behind the PSA API.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "libdelta/adapters/bearssl.h"
#include "libdelta/adapters/keys.h"
#include "libdelta/adapters/psa.h"
#include "libdelta/host/sha256.h"

namespace libdelta {
namespace {

struct Adapter {
  const char* name;
  libdelta_crypto (*crypto)();
};

libdelta_crypto BearSsl() {
  static libdelta_bearssl_state state;
  return libdelta_bearssl_crypto(&state);
}

libdelta_crypto Psa() {
  static libdelta_psa_state state;
  return libdelta_psa_crypto(&state);
}

class P256Adapter : public testing::TestWithParam<Adapter> {
 protected:
  P256Adapter() {
    EXPECT_TRUE(InitializeKeys());
    EXPECT_EQ(psa_crypto_init(), PSA_SUCCESS);
    crypto_ = GetParam().crypto();
    Result<SecretKey> key = GenerateKey(LIBDELTA_P256);
    secret_ = std::move(key.value());
    public_ = DerivePublicKey(secret_).value();
    signature_ = Sign(secret_, message_).value();
  }

  bool Verify(const Bytes& key, const Bytes& message, const Bytes& signature) {
    const libdelta_key device_key = {LIBDELTA_P256, key.data()};
    return crypto_.verify(crypto_.user, &device_key, message.data(), message.size(), signature.data()) == 0;
  }

  libdelta_crypto crypto_{};
  SecretKey secret_{LIBDELTA_P256};
  PublicKey public_;
  const Bytes message_ = {1, 2, 3, 4, 5};
  Bytes signature_;
};

TEST_P(P256Adapter, HashesAsTheHostDoes) {
  const libdelta_crypto& crypto = crypto_;
  Bytes bytes(1000);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i * 31);
  for (const size_t size : {size_t{0}, size_t{1}, size_t{64}, bytes.size()}) {
    std::array<uint8_t, LIBDELTA_SHA256_SIZE> digest{};
    ASSERT_EQ(crypto.sha256_init(crypto.user), 0);
    ASSERT_EQ(crypto.sha256_update(crypto.user, bytes.data(), size / 3), 0);
    ASSERT_EQ(crypto.sha256_update(crypto.user, bytes.data() + size / 3, size - size / 3), 0);
    ASSERT_EQ(crypto.sha256_final(crypto.user, digest.data()), 0);
    EXPECT_EQ(digest, Sha256(ByteView(bytes).first(size))) << size;
  }
}

TEST_P(P256Adapter, AcceptsWhatTheHostSigned) { EXPECT_TRUE(Verify(public_.bytes, message_, signature_)); }

TEST_P(P256Adapter, RefusesEveryOtherBit) {
  for (size_t i = 0; i < signature_.size(); i += 7) {
    Bytes other = signature_;
    other[i] ^= 4;
    EXPECT_FALSE(Verify(public_.bytes, message_, other)) << i;
  }
  EXPECT_FALSE(Verify(public_.bytes, {1, 2, 3, 4}, signature_));
  const PublicKey other = DerivePublicKey(GenerateKey(LIBDELTA_P256).value()).value();
  EXPECT_FALSE(Verify(other.bytes, message_, signature_));
}

TEST_P(P256Adapter, RefusesNumbersOutOfRange) {
  // The order of the curve's group (SEC 2): r and s must be below it.
  const Bytes order = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
                       0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                       0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
  for (const Bytes& number : {Bytes(32, 0x00), order, Bytes(32, 0xff)}) {
    for (const size_t at : {0, 32}) {
      Bytes bad = signature_;
      std::copy(number.begin(), number.end(), bad.begin() + static_cast<ptrdiff_t>(at));
      EXPECT_FALSE(Verify(public_.bytes, message_, bad));
    }
  }
  EXPECT_FALSE(Verify(public_.bytes, message_, Bytes(64, 0)));
}

TEST_P(P256Adapter, RefusesKeysThatAreNoPoints) {
  for (const uint8_t value : {uint8_t{0}, uint8_t{1}, uint8_t{0xff}}) {
    EXPECT_FALSE(Verify(Bytes(64, value), message_, signature_));
    EXPECT_FALSE(Verify(Bytes(64, value), message_, Bytes(64, 0)));
  }
}

TEST_P(P256Adapter, RefusesEd25519) {
  const libdelta_key key = {LIBDELTA_ED25519, public_.bytes.data()};
  EXPECT_NE(crypto_.verify(crypto_.user, &key, message_.data(), message_.size(), signature_.data()), 0);
}

// A hash that was begun and given up is not in the way of the next.
TEST_P(P256Adapter, HashesAfterAnAbandonedHash) {
  std::array<uint8_t, LIBDELTA_SHA256_SIZE> digest{};
  ASSERT_EQ(crypto_.sha256_init(crypto_.user), 0);
  ASSERT_EQ(crypto_.sha256_update(crypto_.user, message_.data(), message_.size()), 0);
  ASSERT_EQ(crypto_.sha256_init(crypto_.user), 0);
  ASSERT_EQ(crypto_.sha256_final(crypto_.user, digest.data()), 0);
  EXPECT_EQ(digest, Sha256({}));
}

INSTANTIATE_TEST_SUITE_P(All, P256Adapter, testing::Values(Adapter{"BearSsl", BearSsl}, Adapter{"Psa", Psa}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace libdelta
