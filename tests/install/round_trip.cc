// Creates a patch and signs it with a key of its own, through installed headers and archives only.
#include <libdelta/adapters/sodium.h>
#include <libdelta/host.h>

#include <array>
#include <cstdio>

int main() {
  libdelta::Bytes old_image(5000, 1);
  libdelta::Bytes new_image(5000, 1);
  new_image[2500] = 2;
  const libdelta::Result<libdelta::Patch> patch = libdelta::Encode(old_image, new_image, {});
  if (!patch.ok()) {
    std::fprintf(stderr, "%s\n", patch.error().c_str());
    return 1;
  }

  std::array<uint8_t, crypto_sign_ed25519_PUBLICKEYBYTES> public_key;
  std::array<uint8_t, crypto_sign_ed25519_SECRETKEYBYTES> secret_key;
  std::array<uint8_t, crypto_sign_ed25519_BYTES> signature;
  if (sodium_init() < 0) return 1;
  crypto_sign_ed25519_keypair(public_key.data(), secret_key.data());
  const libdelta::Result<libdelta::Bytes> message = libdelta::SignatureMessage(patch.value().bytes);
  if (!message.ok()) return 1;
  crypto_sign_ed25519_detached(signature.data(), nullptr, message.value().data(), message.value().size(),
                               secret_key.data());
  const libdelta::Result<libdelta::Bytes> signed_patch =
      libdelta::AddSignature(patch.value().bytes, LIBDELTA_ED25519, public_key, signature);
  if (!signed_patch.ok()) return 1;

  const libdelta_key key = {LIBDELTA_ED25519, public_key.data()};
  const libdelta::Bytes& bytes = message.value();
  return libdelta_sodium_verify(nullptr, &key, bytes.data(), bytes.size(), signature.data());
}
