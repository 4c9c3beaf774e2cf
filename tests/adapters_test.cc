// The ready-made crypto callbacks, against published vectors and against each other.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "libdelta/adapters/host_crypto.h"
#include "libdelta/adapters/mbedtls.h"
#include "libdelta/adapters/sodium.h"
#include "tests/support/hex.h"

namespace libdelta {
namespace {

using testing::FromHex;
using testing::FromText;

// One adapter with its state.
struct Adapter {
  std::string name;
  libdelta_crypto crypto;
};

class AdaptersTest : public ::testing::Test {
 protected:
  std::vector<Adapter> All() {
    return {{"sodium", libdelta_sodium_crypto(&sodium_)},
            {"mbedtls", libdelta_mbedtls_crypto(&mbedtls_)},
            {"host", libdelta_host_crypto(&host_)}};
  }

  libdelta_sodium_state sodium_;
  libdelta_mbedtls_state mbedtls_;
  libdelta_host_crypto_state host_;
};

// SHA-256 of `data`, given to the adapter in pieces of `piece` bytes.
Bytes Hash(const libdelta_crypto& crypto, const Bytes& data, size_t piece) {
  Bytes digest(LIBDELTA_SHA256_SIZE);
  EXPECT_EQ(crypto.sha256_init(crypto.user), 0);
  for (size_t at = 0; at < data.size(); at += piece) {
    EXPECT_EQ(crypto.sha256_update(crypto.user, data.data() + at, std::min(piece, data.size() - at)), 0);
  }
  EXPECT_EQ(crypto.sha256_final(crypto.user, digest.data()), 0);
  return digest;
}

bool Verify(const libdelta_crypto& crypto, libdelta_algorithm algorithm, const Bytes& public_key,
            const Bytes& message, const Bytes& signature) {
  const libdelta_key key{algorithm, public_key.data()};
  return crypto.verify(crypto.user, &key, message.data(), message.size(), signature.data()) == 0;
}

struct SignatureVector {
  libdelta_algorithm algorithm;
  Bytes public_key;
  Bytes message;
  Bytes signature;
};

// RFC 8032 section 7.1, test 3.
SignatureVector Ed25519Vector() {
  return {LIBDELTA_ED25519, FromHex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"),
          FromHex("af82"),
          FromHex("6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
                  "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a")};
}

// RFC 6979 section A.2.5, SHA-256, message "sample".
SignatureVector P256Vector() {
  return {LIBDELTA_P256,
          FromHex("60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
                  "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"),
          FromText("sample"),
          FromHex("efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
                  "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8")};
}

constexpr char kP256Order[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

TEST_F(AdaptersTest, HashesFipsVectors) {
  const std::pair<Bytes, const char*> vectors[] = {
      {{}, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {FromText("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {FromText("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {Bytes(1000000, 'a'), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"}};
  for (const Adapter& adapter : All()) {
    for (const auto& [data, digest] : vectors) {
      EXPECT_EQ(Hash(adapter.crypto, data, 4096), FromHex(digest)) << adapter.name << " " << data.size();
    }
  }
}

TEST_F(AdaptersTest, AgreeOnHashesOfEveryLengthAndPiece) {
  const std::vector<Adapter> adapters = All();
  for (size_t size = 0; size < 200; ++size) {
    const Bytes data(size, static_cast<uint8_t>(size));
    const Bytes digest = Hash(adapters.front().crypto, data, 200);
    for (const Adapter& adapter : adapters) {
      EXPECT_EQ(Hash(adapter.crypto, data, 1 + size % 7), digest) << adapter.name << " " << size;
    }
  }
}

TEST_F(AdaptersTest, AbandonedHashLeavesNoTrace) {
  for (const Adapter& adapter : All()) {
    const Bytes other = FromText("abandoned");
    ASSERT_EQ(adapter.crypto.sha256_init(adapter.crypto.user), 0);
    ASSERT_EQ(adapter.crypto.sha256_update(adapter.crypto.user, other.data(), other.size()), 0);
    EXPECT_EQ(Hash(adapter.crypto, FromText("abc"), 3),
              FromHex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"))
        << adapter.name;
  }
  libdelta_mbedtls_release(&mbedtls_);
}

// The device library hashes an image while it has verified, or is about to verify, signatures.
TEST_F(AdaptersTest, VerifyDoesNotDisturbTheHashInProgress) {
  const SignatureVector vectors[] = {Ed25519Vector(), P256Vector()};
  for (const Adapter& adapter : All()) {
    const Bytes text = FromText("abc");
    Bytes digest(LIBDELTA_SHA256_SIZE);
    adapter.crypto.sha256_init(adapter.crypto.user);
    adapter.crypto.sha256_update(adapter.crypto.user, text.data(), 1);
    for (const SignatureVector& v : vectors) {
      Verify(adapter.crypto, v.algorithm, v.public_key, v.message, v.signature);
    }
    adapter.crypto.sha256_update(adapter.crypto.user, text.data() + 1, 2);
    adapter.crypto.sha256_final(adapter.crypto.user, digest.data());
    EXPECT_EQ(digest, FromHex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
  }
}

TEST_F(AdaptersTest, AcceptPublishedSignaturesOfTheirAlgorithmsOnly) {
  for (const Adapter& adapter : All()) {
    for (const SignatureVector& v : {Ed25519Vector(), P256Vector()}) {
      const bool supported =
          adapter.name == "host" || (adapter.name == "sodium") == (v.algorithm == LIBDELTA_ED25519);
      EXPECT_EQ(Verify(adapter.crypto, v.algorithm, v.public_key, v.message, v.signature), supported)
          << adapter.name << " algorithm " << v.algorithm;
    }
  }
}

TEST_F(AdaptersTest, RefuseUnknownAlgorithms) {
  const SignatureVector v = P256Vector();
  for (const Adapter& adapter : All()) {
    for (const int algorithm : {0, 3}) {
      EXPECT_FALSE(Verify(adapter.crypto, static_cast<libdelta_algorithm>(algorithm), v.public_key, v.message,
                          v.signature));
    }
  }
}

TEST_F(AdaptersTest, RefuseEveryFlippedBit) {
  const libdelta_crypto crypto = libdelta_host_crypto(&host_);
  for (const SignatureVector& v : {Ed25519Vector(), P256Vector()}) {
    for (size_t bit = 0; bit < 8 * v.signature.size(); ++bit) {
      Bytes signature = v.signature;
      signature[bit / 8] = static_cast<uint8_t>(signature[bit / 8] ^ 1u << bit % 8);
      EXPECT_FALSE(Verify(crypto, v.algorithm, v.public_key, v.message, signature)) << bit;
    }
    for (size_t bit = 0; bit < 8 * v.public_key.size(); bit += 5) {
      Bytes key = v.public_key;
      key[bit / 8] = static_cast<uint8_t>(key[bit / 8] ^ 1u << bit % 8);
      EXPECT_FALSE(Verify(crypto, v.algorithm, key, v.message, v.signature)) << bit;
    }
    Bytes message = v.message;
    message.push_back(0);
    EXPECT_FALSE(Verify(crypto, v.algorithm, v.public_key, message, v.signature));
  }
}

// S + L gives the same point as S, so a verifier that does not compare S with the group order L accepts
// a second signature that nobody made.
TEST_F(AdaptersTest, RefuseEd25519SAboveTheGroupOrder) {
  const Bytes order = FromHex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  SignatureVector v = Ed25519Vector();
  unsigned carry = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    carry += v.signature[32 + i] + unsigned{order[i]};
    v.signature[32 + i] = static_cast<uint8_t>(carry);
    carry >>= 8;
  }
  ASSERT_EQ(carry, 0u);
  const libdelta_crypto crypto = libdelta_sodium_crypto(&sodium_);
  EXPECT_FALSE(Verify(crypto, v.algorithm, v.public_key, v.message, v.signature));
}

// With the neutral element as key and as R, S = 0 fulfils the equation for every message.
TEST_F(AdaptersTest, RefuseEd25519KeysOfSmallOrder) {
  Bytes neutral(32);
  neutral[0] = 1;
  Bytes signature = neutral;
  signature.resize(64);
  const libdelta_crypto crypto = libdelta_sodium_crypto(&sodium_);
  EXPECT_FALSE(Verify(crypto, LIBDELTA_ED25519, neutral, FromText("any"), signature));
}

TEST_F(AdaptersTest, RefuseP256NumbersOutOfRange) {
  const libdelta_crypto crypto = libdelta_mbedtls_crypto(&mbedtls_);
  const SignatureVector v = P256Vector();
  for (const size_t number : {0, 1}) {
    for (const Bytes& value : {Bytes(32), FromHex(kP256Order), Bytes(32, 0xff)}) {
      Bytes signature = v.signature;
      std::copy(value.begin(), value.end(), signature.begin() + static_cast<ptrdiff_t>(32 * number));
      EXPECT_FALSE(Verify(crypto, v.algorithm, v.public_key, v.message, signature)) << number;
    }
  }
  EXPECT_FALSE(Verify(crypto, v.algorithm, v.public_key, v.message, Bytes(64)));
}

TEST_F(AdaptersTest, RefuseP256KeysOffTheCurve) {
  const libdelta_crypto crypto = libdelta_mbedtls_crypto(&mbedtls_);
  const SignatureVector v = P256Vector();
  Bytes off_curve = v.public_key;
  off_curve[63] = static_cast<uint8_t>(off_curve[63] ^ 1);
  const Bytes above_the_field(64, 0xff);
  for (const Bytes& key : {off_curve, Bytes(64), above_the_field}) {
    EXPECT_FALSE(Verify(crypto, v.algorithm, key, v.message, v.signature));
  }
}

}  // namespace
}  // namespace libdelta
