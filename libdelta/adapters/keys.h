// Keys on the host: generate, read, write, sign. Ed25519 by libsodium, ECDSA P-256 by Mbed TLS.
//
// Files hold one line of text each, so that they can be grepped, mailed and compared by eye:
//   libdelta-pub ed25519 <public key, hex> <key id, hex> [comment]
//   libdelta-key ed25519 <secret, hex>
// The public key is that of libdelta_key (32 bytes, or x || y), the secret is 32 bytes: the seed of
// RFC 8032 or the private number of P-256, big-endian. A public key may also be a PEM file ("BEGIN
// PUBLIC KEY"), which is what HSMs and openssl export.
//
// Signatures are deterministic, so signing the same patch twice gives the same file: Ed25519 by
// definition, P-256 by RFC 6979. Secrets are wiped from memory as soon as their object dies.
// Nothing here reads or writes files.
#ifndef LIBDELTA_ADAPTERS_KEYS_H_
#define LIBDELTA_ADAPTERS_KEYS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libdelta/device.h"
#include "libdelta/host.h"

namespace libdelta {

// "ed25519" or "p256".
const char* AlgorithmName(libdelta_algorithm algorithm);
std::optional<libdelta_algorithm> AlgorithmFromName(std::string_view name);

// Bytes of a public key as in libdelta_key: 32 or 64.
size_t PublicKeySize(libdelta_algorithm algorithm);

struct PublicKey {
  libdelta_algorithm algorithm = LIBDELTA_ED25519;
  Bytes bytes;          // PublicKeySize(algorithm) of them; a valid point of the curve when parsed.
  std::string comment;  // Free text after the key id; printable, may be empty.
};

// Moves but does not copy; the memory is wiped when the object dies or is moved from.
class SecretKey {
 public:
  static constexpr size_t kSize = 32;
  using Secret = std::array<uint8_t, kSize>;

  explicit SecretKey(libdelta_algorithm algorithm) : algorithm_(algorithm) {}
  SecretKey(SecretKey&& other) noexcept;
  SecretKey& operator=(SecretKey&& other) noexcept;
  ~SecretKey();

  libdelta_algorithm algorithm() const { return algorithm_; }
  const Secret& secret() const { return secret_; }
  Secret& secret() { return secret_; }

 private:
  libdelta_algorithm algorithm_;
  Secret secret_{};
};

// The line of a secret key file, wiped when the object dies.
class SecretText {
 public:
  explicit SecretText(const SecretKey& key);
  ~SecretText();
  SecretText(const SecretText&) = delete;
  SecretText& operator=(const SecretText&) = delete;

  std::string_view view() const { return {text_.data(), size_}; }

 private:
  std::array<char, 128> text_{};
  size_t size_ = 0;
};

// Must be called, and have returned true, before any other function below; any number of times.
// False: the system gives no random numbers.
bool InitializeKeys();

// A new key from the system's random numbers.
Result<SecretKey> GenerateKey(libdelta_algorithm algorithm);

Result<PublicKey> DerivePublicKey(const SecretKey& key);

// 64 bytes as in FORMAT.md. The signature is verified before it is returned.
Result<Bytes> Sign(const SecretKey& key, ByteView message);

// True only for a valid signature of 64 bytes.
bool VerifySignature(const PublicKey& key, ByteView message, ByteView signature);

// The 64 bytes of a signature that another program made: raw, or for P-256 in DER as openssl and most
// HSMs write it. Does not verify it.
Result<Bytes> ParseSignature(libdelta_algorithm algorithm, ByteView signature);

// The text of a public key file, newline included.
std::string FormatPublicKey(const PublicKey& key);

// Errors name the field that is wrong; the caller names the file.
Result<PublicKey> ParsePublicKey(std::string_view text);
Result<SecretKey> ParseSecretKey(std::string_view text);

}  // namespace libdelta

#endif  // LIBDELTA_ADAPTERS_KEYS_H_
