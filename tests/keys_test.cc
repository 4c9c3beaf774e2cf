// Key files and signing, against published vectors.

#include "libdelta/adapters/keys.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>

#include "tests/support/hex.h"

namespace libdelta {
namespace {

using testing::FromHex;
using testing::FromText;

constexpr libdelta_algorithm kAlgorithms[] = {LIBDELTA_ED25519, LIBDELTA_P256};

struct KeyVector {
  const char* source;
  libdelta_algorithm algorithm;
  const char* secret;
  const char* public_key;
  Bytes message;
  const char* signature;
};

const KeyVector kVectors[] = {
    {"RFC 8032 7.1 test 1",
     LIBDELTA_ED25519,
     "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
     {},
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
     "d25bf5f0595bbe24655141438e7a100b"},
    {"RFC 8032 7.1 test 2", LIBDELTA_ED25519,
     "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", FromHex("72"),
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
     "387b2eaeb4302aeeb00d291612bb0c00"},
    {"RFC 6979 A.2.5 sample", LIBDELTA_P256,
     "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
     "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
     "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
     FromText("sample"),
     "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716f7cb1c942d657c41d436c7a1b6e29f65"
     "f3e900dbb9aff4064dc4ab2f843acda8"},
    {"RFC 6979 A.2.5 test", LIBDELTA_P256, "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
     "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
     "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
     FromText("test"),
     "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367019f4113742a2b14bd25926b49c64915"
     "5f267e60d3814b4c0cc84250e46f0083"},
};

class KeysTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_TRUE(InitializeKeys()); }
};

std::string SecretLine(libdelta_algorithm algorithm, const std::string& hex) {
  return std::string("libdelta-key ") + AlgorithmName(algorithm) + " " + hex + "\n";
}

PublicKey NewPublicKey(libdelta_algorithm algorithm, const std::string& comment = "") {
  const Result<SecretKey> secret = GenerateKey(algorithm);
  EXPECT_TRUE(secret.ok());
  Result<PublicKey> key = DerivePublicKey(secret.value());
  EXPECT_TRUE(key.ok());
  key.value().comment = comment;
  return key.value();
}

TEST_F(KeysTest, DerivesAndSignsAsPublished) {
  for (const KeyVector& v : kVectors) {
    SCOPED_TRACE(v.source);
    const Result<SecretKey> secret = ParseSecretKey(SecretLine(v.algorithm, v.secret));
    ASSERT_TRUE(secret.ok()) << secret.error();
    const Result<PublicKey> key = DerivePublicKey(secret.value());
    ASSERT_TRUE(key.ok());
    EXPECT_EQ(key.value().bytes, FromHex(v.public_key));
    const Result<Bytes> signature = Sign(secret.value(), v.message);
    ASSERT_TRUE(signature.ok());
    EXPECT_EQ(signature.value(), FromHex(v.signature));
    EXPECT_TRUE(VerifySignature(key.value(), v.message, signature.value()));
  }
}

TEST_F(KeysTest, GeneratesDistinctKeysThatSign) {
  std::set<Bytes> seen;
  const Bytes message = FromText("message");
  for (const libdelta_algorithm algorithm : kAlgorithms) {
    for (int i = 0; i < 4; ++i) {
      const Result<SecretKey> secret = GenerateKey(algorithm);
      ASSERT_TRUE(secret.ok());
      const Result<PublicKey> key = DerivePublicKey(secret.value());
      const Result<Bytes> signature = Sign(secret.value(), message);
      ASSERT_TRUE(key.ok() && signature.ok());
      EXPECT_TRUE(seen.insert(key.value().bytes).second);
      EXPECT_TRUE(VerifySignature(key.value(), message, signature.value()));
      EXPECT_FALSE(VerifySignature(key.value(), FromText("massage"), signature.value()));
      EXPECT_EQ(Sign(secret.value(), message).value(), signature.value()) << "not deterministic";
    }
  }
}

TEST_F(KeysTest, VerifyRefusesWrongLengths) {
  const PublicKey key = NewPublicKey(LIBDELTA_ED25519);
  EXPECT_FALSE(VerifySignature(key, FromText("m"), Bytes(63)));
  EXPECT_FALSE(VerifySignature(key, FromText("m"), Bytes(65)));
  PublicKey short_key = key;
  short_key.bytes.pop_back();
  EXPECT_FALSE(VerifySignature(short_key, FromText("m"), Bytes(64)));
  PublicKey other_algorithm = key;
  other_algorithm.algorithm = LIBDELTA_P256;
  EXPECT_FALSE(VerifySignature(other_algorithm, FromText("m"), Bytes(64)));
}

TEST_F(KeysTest, PublicKeyFilesRoundTrip) {
  for (const libdelta_algorithm algorithm : kAlgorithms) {
    for (const char* comment : {"", "release key, 2024"}) {
      const PublicKey key = NewPublicKey(algorithm, comment);
      const std::string text = FormatPublicKey(key);
      EXPECT_TRUE(text.starts_with("libdelta-pub ")) << text;
      EXPECT_EQ(text.find('\n'), text.size() - 1) << text;
      const Result<PublicKey> parsed = ParsePublicKey(text);
      ASSERT_TRUE(parsed.ok()) << parsed.error();
      EXPECT_EQ(parsed.value().algorithm, algorithm);
      EXPECT_EQ(parsed.value().bytes, key.bytes);
      EXPECT_EQ(parsed.value().comment, comment);
    }
  }
}

TEST_F(KeysTest, SecretKeyFilesRoundTrip) {
  for (const libdelta_algorithm algorithm : kAlgorithms) {
    const Result<SecretKey> key = GenerateKey(algorithm);
    ASSERT_TRUE(key.ok());
    const SecretText text(key.value());
    EXPECT_TRUE(text.view().starts_with("libdelta-key "));
    EXPECT_TRUE(text.view().ends_with("\n"));
    const Result<SecretKey> parsed = ParseSecretKey(text.view());
    ASSERT_TRUE(parsed.ok()) << parsed.error();
    EXPECT_EQ(parsed.value().algorithm(), algorithm);
    EXPECT_EQ(parsed.value().secret(), key.value().secret());
  }
}

TEST_F(KeysTest, MovedSecretsAreWiped) {
  SecretKey first = std::move(GenerateKey(LIBDELTA_ED25519).value());
  const SecretKey::Secret secret = first.secret();
  SecretKey second = std::move(first);
  EXPECT_EQ(second.secret(), secret);
  EXPECT_EQ(first.secret(), SecretKey::Secret{});  // NOLINT(bugprone-use-after-move)
  SecretKey third(LIBDELTA_P256);
  third = std::move(second);
  EXPECT_EQ(third.algorithm(), LIBDELTA_ED25519);
  EXPECT_EQ(second.secret(), SecretKey::Secret{});  // NOLINT(bugprone-use-after-move)
}

TEST_F(KeysTest, RefusesDamagedPublicKeys) {
  const std::string good = FormatPublicKey(NewPublicKey(LIBDELTA_ED25519));
  std::string flipped = good;
  flipped[30] = flipped[30] == '0' ? '1' : '0';
  std::string wrong_id = good;
  wrong_id[good.size() - 2] = wrong_id[good.size() - 2] == '0' ? '1' : '0';
  std::string wrong_algorithm = good;
  wrong_algorithm.replace(wrong_algorithm.find("ed25519"), 7, "p256");
  const std::string no_id = good.substr(0, good.rfind(' ')) + "\n";
  for (const std::string& text :
       {std::string(), std::string("libdelta-pub"), std::string("x y z"), flipped, wrong_id, wrong_algorithm,
        no_id, good + good, SecretLine(LIBDELTA_ED25519, kVectors[0].secret)}) {
    EXPECT_FALSE(ParsePublicKey(text).ok()) << text;
  }
}

TEST_F(KeysTest, RefusesPublicKeysThatAreNoPoints) {
  Bytes neutral(32);
  neutral[0] = 1;
  const PublicKey keys[] = {{LIBDELTA_ED25519, neutral, ""},
                            {LIBDELTA_ED25519, Bytes(32, 0xff), ""},
                            {LIBDELTA_P256, Bytes(64), ""},
                            {LIBDELTA_P256, Bytes(64, 0x11), ""}};
  for (const PublicKey& key : keys) EXPECT_FALSE(ParsePublicKey(FormatPublicKey(key)).ok());
}

TEST_F(KeysTest, RefusesDamagedSecretKeys) {
  const std::string hex = kVectors[0].secret;
  const std::string zero(64, '0');
  const std::string order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
  for (const std::string& text :
       {std::string(), SecretLine(LIBDELTA_ED25519, hex.substr(1)), SecretLine(LIBDELTA_ED25519, hex + "00"),
        SecretLine(LIBDELTA_ED25519, "g" + hex.substr(1)), SecretLine(LIBDELTA_ED25519, hex + " more"),
        SecretLine(LIBDELTA_P256, zero), SecretLine(LIBDELTA_P256, order),
        FormatPublicKey(NewPublicKey(LIBDELTA_ED25519))}) {
    EXPECT_FALSE(ParseSecretKey(text).ok()) << text;
  }
}

// The public keys of the vectors above, as `openssl pkey -pubout` writes them.
TEST_F(KeysTest, ReadsPemPublicKeys) {
  const Result<PublicKey> ed25519 = ParsePublicKey(
      "-----BEGIN PUBLIC KEY-----\n"
      "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
      "-----END PUBLIC KEY-----\n");
  ASSERT_TRUE(ed25519.ok()) << ed25519.error();
  EXPECT_EQ(ed25519.value().algorithm, LIBDELTA_ED25519);
  EXPECT_EQ(ed25519.value().bytes, FromHex(kVectors[0].public_key));
  const Result<PublicKey> p256 = ParsePublicKey(
      "-----BEGIN PUBLIC KEY-----\n"
      "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7\n"
      "Yfps5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==\n"
      "-----END PUBLIC KEY-----\n");
  ASSERT_TRUE(p256.ok()) << p256.error();
  EXPECT_EQ(p256.value().algorithm, LIBDELTA_P256);
  EXPECT_EQ(p256.value().bytes, FromHex(kVectors[2].public_key));
}

TEST_F(KeysTest, RefusesOtherPem) {
  for (const char* text : {"-----BEGIN PRIVATE KEY-----\nMCow\n-----END PRIVATE KEY-----\n",
                           "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n",
                           "-----BEGIN PUBLIC KEY-----\n????\n-----END PUBLIC KEY-----\n",
                           "-----BEGIN PUBLIC KEY-----\nMCow\n", "-----END PUBLIC KEY-----"}) {
    EXPECT_FALSE(ParsePublicKey(text).ok()) << text;
  }
}

TEST_F(KeysTest, ReadsRawAndDerSignatures) {
  const Bytes raw = FromHex(kVectors[2].signature);
  EXPECT_EQ(ParseSignature(LIBDELTA_P256, raw).value(), raw);
  // Both numbers have their top bit set, so DER puts a zero byte in front of each.
  Bytes der = FromHex("3046022100");
  der.insert(der.end(), raw.begin(), raw.begin() + 32);
  for (const uint8_t byte : FromHex("022100")) der.push_back(byte);
  der.insert(der.end(), raw.begin() + 32, raw.end());
  const Result<Bytes> parsed = ParseSignature(LIBDELTA_P256, der);
  ASSERT_TRUE(parsed.ok()) << parsed.error();
  EXPECT_EQ(parsed.value(), raw);
  EXPECT_FALSE(ParseSignature(LIBDELTA_ED25519, der).ok());
  Bytes longer = der;
  longer.push_back(0);
  EXPECT_FALSE(ParseSignature(LIBDELTA_P256, longer).ok());
  for (size_t size = 0; size < der.size(); ++size) {
    if (size == LIBDELTA_SIGNATURE_SIZE) continue;  // Taken as raw; it will not verify.
    EXPECT_FALSE(ParseSignature(LIBDELTA_P256, ByteView(der).first(size)).ok()) << size;
  }
}

// A number of more than 32 bytes would not fit in r || s.
TEST_F(KeysTest, RefusesDerNumbersThatAreTooLong) {
  Bytes der = FromHex("3026022101");
  der.resize(der.size() + 32, 0xab);
  for (const uint8_t byte : FromHex("020101")) der.push_back(byte);
  EXPECT_FALSE(ParseSignature(LIBDELTA_P256, der).ok());
}

TEST_F(KeysTest, NamesAlgorithms) {
  for (const libdelta_algorithm algorithm : kAlgorithms) {
    EXPECT_EQ(AlgorithmFromName(AlgorithmName(algorithm)), algorithm);
  }
  EXPECT_FALSE(AlgorithmFromName("ED25519").has_value());
  EXPECT_FALSE(AlgorithmFromName("").has_value());
}

}  // namespace
}  // namespace libdelta
