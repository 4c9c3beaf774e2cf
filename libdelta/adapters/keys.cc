#include "libdelta/adapters/keys.h"

#include <mbedtls/asn1.h>
#include <mbedtls/bignum.h>
#include <mbedtls/ecdsa.h>
#include <mbedtls/ecp.h>
#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "libdelta/adapters/host_crypto.h"
#include "libdelta/adapters/mbedtls.h"

namespace libdelta {
namespace {

constexpr std::string_view kPublicTag = "libdelta-pub";
constexpr std::string_view kSecretTag = "libdelta-key";
constexpr size_t kNumberSize = 32;  // Of a P-256 coordinate, and of r and s.

// DER of a SubjectPublicKeyInfo up to the key: RFC 8410 for Ed25519; RFC 5480 for P-256, with the
// byte 4 that starts an uncompressed point. Both have fixed lengths, so no ASN.1 parser is needed.
constexpr uint8_t kEd25519Info[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
constexpr uint8_t kP256Info[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};

// Random numbers in the form that Mbed TLS wants.
int RandomBytes(void* /*user*/, unsigned char* buffer, size_t size) {
  randombytes_buf(buffer, size);
  return 0;
}

// The curve and the numbers of one key, released (and so wiped) on every way out.
class P256 {
 public:
  P256() {
    mbedtls_ecp_group_init(&group_);
    mbedtls_ecp_point_init(&point_);
    for (mbedtls_mpi* number : {&d_, &r_, &s_}) mbedtls_mpi_init(number);
    ready_ = mbedtls_ecp_group_load(&group_, MBEDTLS_ECP_DP_SECP256R1) == 0;
  }
  ~P256() {
    for (mbedtls_mpi* number : {&d_, &r_, &s_}) mbedtls_mpi_free(number);
    mbedtls_ecp_point_free(&point_);
    mbedtls_ecp_group_free(&group_);
  }
  P256(const P256&) = delete;
  P256& operator=(const P256&) = delete;

  bool Generate(SecretKey::Secret* secret) {
    return ready_ && mbedtls_ecp_gen_privkey(&group_, &d_, RandomBytes, nullptr) == 0 &&
           mbedtls_mpi_write_binary(&d_, secret->data(), secret->size()) == 0;
  }

  // False also for numbers outside [1, n - 1].
  bool LoadSecret(const SecretKey::Secret& secret) {
    return ready_ && mbedtls_mpi_read_binary(&d_, secret.data(), secret.size()) == 0 &&
           mbedtls_ecp_check_privkey(&group_, &d_) == 0;
  }

  bool DerivePublic(uint8_t* coordinates) {
    uint8_t point[1 + 2 * kNumberSize];
    size_t size = 0;
    if (mbedtls_ecp_mul(&group_, &point_, &d_, &group_.G, RandomBytes, nullptr) != 0 ||
        mbedtls_ecp_point_write_binary(&group_, &point_, MBEDTLS_ECP_PF_UNCOMPRESSED, &size, point,
                                       sizeof(point)) != 0 ||
        size != sizeof(point)) {
      return false;
    }
    std::memcpy(coordinates, point + 1, 2 * kNumberSize);
    return true;
  }

  // RFC 6979; random numbers only blind the computation and do not influence the result.
  bool SignDigest(const uint8_t* digest, uint8_t* signature) {
    return mbedtls_ecdsa_sign_det_ext(&group_, &r_, &s_, &d_, digest, LIBDELTA_SHA256_SIZE, MBEDTLS_MD_SHA256,
                                      RandomBytes, nullptr) == 0 &&
           WriteSignature(signature);
  }

  // ECDSA-Sig-Value of RFC 3279: SEQUENCE { INTEGER r, INTEGER s }, nothing after it.
  bool ReadDerSignature(ByteView der, uint8_t* signature) {
    Bytes copy(der.begin(), der.end());  // Mbed TLS 2.28 takes a non-const cursor.
    unsigned char* cursor = copy.data();
    unsigned char* const end = cursor + copy.size();
    size_t length = 0;
    return mbedtls_asn1_get_tag(&cursor, end, &length, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE) ==
               0 &&
           cursor + length == end && mbedtls_asn1_get_mpi(&cursor, end, &r_) == 0 &&
           mbedtls_asn1_get_mpi(&cursor, end, &s_) == 0 && cursor == end && WriteSignature(signature);
  }

  bool IsOnCurve(ByteView coordinates) {
    Bytes point = {4};
    point.insert(point.end(), coordinates.begin(), coordinates.end());
    return ready_ && mbedtls_ecp_point_read_binary(&group_, &point_, point.data(), point.size()) == 0 &&
           mbedtls_ecp_check_pubkey(&group_, &point_) == 0;
  }

 private:
  bool WriteSignature(uint8_t* signature) {
    return mbedtls_mpi_write_binary(&r_, signature, kNumberSize) == 0 &&
           mbedtls_mpi_write_binary(&s_, signature + kNumberSize, kNumberSize) == 0;
  }

  mbedtls_ecp_group group_;
  mbedtls_ecp_point point_;
  mbedtls_mpi d_;
  mbedtls_mpi r_;
  mbedtls_mpi s_;
  bool ready_ = false;
};

// libsodium's form of an Ed25519 secret, seed || public key, wiped on every way out.
struct Ed25519Pair {
  explicit Ed25519Pair(const SecretKey& key) {
    crypto_sign_ed25519_seed_keypair(public_key, secret, key.secret().data());
  }
  ~Ed25519Pair() { sodium_memzero(secret, sizeof(secret)); }
  Ed25519Pair(const Ed25519Pair&) = delete;
  Ed25519Pair& operator=(const Ed25519Pair&) = delete;

  uint8_t public_key[crypto_sign_ed25519_PUBLICKEYBYTES];
  uint8_t secret[crypto_sign_ed25519_SECRETKEYBYTES];
};

std::string ToHex(ByteView bytes) {
  std::string text(2 * bytes.size() + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), bytes.data(), bytes.size());
  text.pop_back();
  return text;
}

// Fills `bytes` from exactly twice as many hexadecimal digits.
bool FromHex(std::string_view text, std::span<uint8_t> bytes) {
  size_t written = 0;
  const char* end = nullptr;
  return text.size() == 2 * bytes.size() &&
         sodium_hex2bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &written, &end) == 0 &&
         written == bytes.size() && end == text.data() + text.size();
}

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// Takes the next word off the front of `text`; empty at the end.
std::string_view NextWord(std::string_view* text) {
  size_t begin = 0;
  while (begin < text->size() && IsSpace((*text)[begin])) ++begin;
  size_t end = begin;
  while (end < text->size() && !IsSpace((*text)[end])) ++end;
  const std::string_view word = text->substr(begin, end - begin);
  text->remove_prefix(end);
  return word;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

bool IsValidPoint(const PublicKey& key) {
  if (key.algorithm == LIBDELTA_P256) return P256().IsOnCurve(key.bytes);
  return crypto_core_ed25519_is_valid_point(key.bytes.data()) == 1;
}

Result<PublicKey> Checked(PublicKey key) {
  if (!IsValidPoint(key)) return Error{"the public key is not a point of its curve; the file is damaged"};
  return key;
}

bool HasPrefix(ByteView bytes, ByteView prefix, size_t rest) {
  return bytes.size() == prefix.size() + rest && std::equal(prefix.begin(), prefix.end(), bytes.begin());
}

Result<PublicKey> ParsePem(std::string_view text) {
  constexpr std::string_view kBegin = "-----BEGIN PUBLIC KEY-----";
  constexpr std::string_view kEnd = "-----END PUBLIC KEY-----";
  const size_t end = text.find(kEnd);
  if (!text.starts_with(kBegin) || end == std::string_view::npos) {
    return Error{"not a PEM public key (\"BEGIN PUBLIC KEY\")"};
  }
  const std::string_view body = text.substr(kBegin.size(), end - kBegin.size());
  Bytes der(body.size());
  size_t size = 0;
  if (sodium_base642bin(der.data(), der.size(), body.data(), body.size(), " \t\r\n", &size, nullptr,
                        sodium_base64_VARIANT_ORIGINAL) != 0) {
    return Error{"the PEM public key is not base64; the file is damaged"};
  }
  der.resize(size);
  for (const libdelta_algorithm algorithm : {LIBDELTA_ED25519, LIBDELTA_P256}) {
    const ByteView prefix = algorithm == LIBDELTA_P256 ? ByteView(kP256Info) : ByteView(kEd25519Info);
    if (HasPrefix(der, prefix, PublicKeySize(algorithm))) {
      return Checked({algorithm, Bytes(der.begin() + static_cast<ptrdiff_t>(prefix.size()), der.end()), ""});
    }
  }
  return Error{"the PEM public key is neither Ed25519 nor P-256 (uncompressed)"};
}

Result<libdelta_algorithm> ParseAlgorithm(std::string_view word) {
  const std::optional<libdelta_algorithm> algorithm = AlgorithmFromName(word);
  if (!algorithm) return Error{"unknown algorithm \"" + std::string(word) + "\" (ed25519 or p256)"};
  return *algorithm;
}

}  // namespace

const char* AlgorithmName(libdelta_algorithm algorithm) {
  return algorithm == LIBDELTA_P256 ? "p256" : "ed25519";
}

std::optional<libdelta_algorithm> AlgorithmFromName(std::string_view name) {
  for (const libdelta_algorithm algorithm : {LIBDELTA_ED25519, LIBDELTA_P256}) {
    if (name == AlgorithmName(algorithm)) return algorithm;
  }
  return std::nullopt;
}

size_t PublicKeySize(libdelta_algorithm algorithm) {
  return algorithm == LIBDELTA_P256 ? 2 * kNumberSize : crypto_sign_ed25519_PUBLICKEYBYTES;
}

SecretKey::SecretKey(SecretKey&& other) noexcept : algorithm_(other.algorithm_), secret_(other.secret_) {
  sodium_memzero(other.secret_.data(), kSize);
}

SecretKey& SecretKey::operator=(SecretKey&& other) noexcept {
  if (this != &other) {
    algorithm_ = other.algorithm_;
    secret_ = other.secret_;
    sodium_memzero(other.secret_.data(), kSize);
  }
  return *this;
}

SecretKey::~SecretKey() { sodium_memzero(secret_.data(), kSize); }

SecretText::SecretText(const SecretKey& key) {
  auto append = [this](std::string_view part) {
    std::memcpy(text_.data() + size_, part.data(), part.size());
    size_ += part.size();
  };
  append(kSecretTag);
  append(" ");
  append(AlgorithmName(key.algorithm()));
  append(" ");
  sodium_bin2hex(text_.data() + size_, text_.size() - size_, key.secret().data(), SecretKey::kSize);
  size_ += 2 * SecretKey::kSize;
  append("\n");
}

SecretText::~SecretText() { sodium_memzero(text_.data(), text_.size()); }

bool InitializeKeys() { return sodium_init() >= 0; }

Result<SecretKey> GenerateKey(libdelta_algorithm algorithm) {
  SecretKey key(algorithm);
  if (algorithm == LIBDELTA_P256) {
    if (!P256().Generate(&key.secret())) return Error{"cannot generate a P-256 key"};
  } else {
    randombytes_buf(key.secret().data(), SecretKey::kSize);
  }
  return key;
}

Result<PublicKey> DerivePublicKey(const SecretKey& key) {
  PublicKey result{key.algorithm(), Bytes(PublicKeySize(key.algorithm())), ""};
  if (key.algorithm() == LIBDELTA_P256) {
    P256 curve;
    if (!curve.LoadSecret(key.secret()) || !curve.DerivePublic(result.bytes.data())) {
      return Error{"the secret is not a P-256 private key; the file is damaged"};
    }
  } else {
    const Ed25519Pair pair(key);
    std::copy(std::begin(pair.public_key), std::end(pair.public_key), result.bytes.begin());
  }
  return result;
}

Result<Bytes> Sign(const SecretKey& key, ByteView message) {
  Bytes signature(LIBDELTA_SIGNATURE_SIZE);
  if (key.algorithm() == LIBDELTA_P256) {
    uint8_t digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, message.data(), message.size());
    P256 curve;
    if (!curve.LoadSecret(key.secret()) || !curve.SignDigest(digest, signature.data())) {
      return Error{"cannot sign: the secret is not a P-256 private key"};
    }
  } else {
    const Ed25519Pair pair(key);
    crypto_sign_ed25519_detached(signature.data(), nullptr, message.data(), message.size(), pair.secret);
  }
  // A computing fault while signing can reveal the secret, so a wrong signature never leaves.
  const Result<PublicKey> public_key = DerivePublicKey(key);
  if (!public_key.ok() || !VerifySignature(public_key.value(), message, signature)) {
    return Error{"the new signature does not verify: this machine computes wrongly"};
  }
  return signature;
}

bool VerifySignature(const PublicKey& key, ByteView message, ByteView signature) {
  if (key.bytes.size() != PublicKeySize(key.algorithm) || signature.size() != LIBDELTA_SIGNATURE_SIZE) {
    return false;
  }
  libdelta_host_crypto_state state;
  const libdelta_crypto crypto = libdelta_host_crypto(&state);
  const libdelta_key device_key{key.algorithm, key.bytes.data()};
  return crypto.verify(crypto.user, &device_key, message.data(), message.size(), signature.data()) == 0;
}

Result<Bytes> ParseSignature(libdelta_algorithm algorithm, ByteView signature) {
  if (signature.size() == LIBDELTA_SIGNATURE_SIZE) return Bytes(signature.begin(), signature.end());
  Bytes raw(LIBDELTA_SIGNATURE_SIZE);
  if (algorithm == LIBDELTA_P256 && P256().ReadDerSignature(signature, raw.data())) return raw;
  return Error{algorithm == LIBDELTA_P256 ? "not a P-256 signature (64 bytes r || s, or DER)"
                                          : "not an Ed25519 signature (64 bytes)"};
}

std::string FormatPublicKey(const PublicKey& key) {
  std::string line(kPublicTag);
  line.append(" ").append(AlgorithmName(key.algorithm));
  line.append(" ").append(ToHex(key.bytes));
  line.append(" ").append(ToHex(KeyId(key.algorithm, key.bytes)));
  if (!key.comment.empty()) line.append(" ").append(key.comment);
  return line + "\n";
}

Result<PublicKey> ParsePublicKey(std::string_view text) {
  text = Trim(text);
  if (text.starts_with("-----")) return ParsePem(text);
  if (text.find('\n') != std::string_view::npos) return Error{"more than one line; one key per file"};
  const std::string_view tag = NextWord(&text);
  if (tag == kSecretTag) return Error{"a secret key where the public one (.pub) is needed"};
  if (tag != kPublicTag) return Error{"not a public key (\"libdelta-pub ...\" or PEM)"};
  const Result<libdelta_algorithm> algorithm = ParseAlgorithm(NextWord(&text));
  if (!algorithm.ok()) return Error{algorithm.error()};
  PublicKey key{algorithm.value(), Bytes(PublicKeySize(algorithm.value())), ""};
  if (!FromHex(NextWord(&text), key.bytes)) {
    return Error{"the public key is not " + std::to_string(2 * key.bytes.size()) + " hexadecimal digits"};
  }
  const Bytes id = KeyId(key.algorithm, key.bytes);
  Bytes stated_id(id.size());
  if (!FromHex(NextWord(&text), stated_id) || stated_id != id) {
    return Error{"the key id is not " + ToHex(id) + ", the public key's; the file is damaged"};
  }
  key.comment = Trim(text);
  return Checked(std::move(key));
}

Result<SecretKey> ParseSecretKey(std::string_view text) {
  text = Trim(text);
  if (text.find('\n') != std::string_view::npos) return Error{"more than one line; one key per file"};
  const std::string_view tag = NextWord(&text);
  if (tag == kPublicTag) return Error{"a public key where the secret one (.key) is needed"};
  if (tag != kSecretTag) return Error{"not a secret key (\"libdelta-key ...\")"};
  const Result<libdelta_algorithm> algorithm = ParseAlgorithm(NextWord(&text));
  if (!algorithm.ok()) return Error{algorithm.error()};
  SecretKey key(algorithm.value());
  if (!FromHex(NextWord(&text), key.secret()) || !Trim(text).empty()) {
    return Error{"the secret is not " + std::to_string(2 * SecretKey::kSize) + " hexadecimal digits"};
  }
  // Refuses a P-256 number out of range here rather than when it signs.
  const Result<PublicKey> public_key = DerivePublicKey(key);
  if (!public_key.ok()) return Error{public_key.error()};
  return key;
}

}  // namespace libdelta
