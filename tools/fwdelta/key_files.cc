#include "fwdelta/key_files.h"

#include <sodium.h>
#include <sys/stat.h>

#include <array>
#include <cstdio>
#include <string_view>
#include <utility>

#include "fwdelta/failure.h"
#include "fwdelta/files.h"

namespace fwdelta {
namespace {

// The text of a small file, wiped when the object dies.
class KeyText {
 public:
  explicit KeyText(const std::string& path) : descriptor_(OpenInput(path)) {
    const std::string name = InputName(path);
    size_t count = 0;
    do {
      count = ReadSome(descriptor_.get(), name, text_.data() + size_, text_.size() - size_);
      size_ += count;
    } while (count != 0 && size_ < text_.size());
    if (size_ == text_.size()) Fail(ExitCode::kUsage, "{}: too long for a key file", name);
  }
  ~KeyText() { sodium_memzero(text_.data(), text_.size()); }
  KeyText(const KeyText&) = delete;
  KeyText& operator=(const KeyText&) = delete;

  int fd() const { return descriptor_.get(); }
  std::string_view view() const { return {reinterpret_cast<const char*>(text_.data()), size_}; }

 private:
  Descriptor descriptor_;
  std::array<uint8_t, 4096> text_{};
  size_t size_ = 0;
};

void WarnWhenExposed(int fd, const std::string& path) {
  struct stat status;
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return;
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) == 0) return;
  fmt::print(stderr, "fwdelta: warning: {}: others may read this secret key (chmod 600 {})\n", path, path);
}

}  // namespace

libdelta::SecretKey ReadSecretKey(const std::string& path) {
  const KeyText text(path);
  libdelta::Result<libdelta::SecretKey> key = libdelta::ParseSecretKey(text.view());
  if (!key.ok()) Fail(ExitCode::kUsage, "{}: {}", InputName(path), key.error());
  WarnWhenExposed(text.fd(), path);
  return std::move(key.value());
}

libdelta::PublicKey ReadPublicKey(const std::string& path) {
  const KeyText text(path);
  libdelta::Result<libdelta::PublicKey> key = libdelta::ParsePublicKey(text.view());
  if (!key.ok()) Fail(ExitCode::kUsage, "{}: {}", InputName(path), key.error());
  return std::move(key.value());
}

libdelta::Bytes KeyIdOf(const libdelta::PublicKey& key) { return libdelta::KeyId(key.algorithm, key.bytes); }

libdelta::Bytes MessageOf(libdelta::ByteView patch, const std::string& name) {
  libdelta::Result<libdelta::Bytes> message = libdelta::SignatureMessage(patch);
  if (!message.ok()) Fail(ExitCode::kMalformed, "{}: {}", name, message.error());
  return std::move(message.value());
}

libdelta::Bytes AddSignatureBy(const libdelta::SecretKey& key, libdelta::ByteView patch,
                               const std::string& name) {
  const libdelta::Result<libdelta::PublicKey> public_key = libdelta::DerivePublicKey(key);
  if (!public_key.ok()) Fail(ExitCode::kInternal, "{}", public_key.error());
  const libdelta::Result<libdelta::Bytes> signature = libdelta::Sign(key, MessageOf(patch, name));
  if (!signature.ok()) Fail(ExitCode::kInternal, "{}", signature.error());
  return AddSignatureOf(public_key.value(), signature.value(), patch, name);
}

libdelta::Bytes AddSignatureOf(const libdelta::PublicKey& key, libdelta::ByteView signature,
                               libdelta::ByteView patch, const std::string& name) {
  libdelta::Result<libdelta::Bytes> result =
      libdelta::AddSignature(patch, key.algorithm, key.bytes, signature);
  if (!result.ok()) Fail(ExitCode::kUsage, "{}: {}", name, result.error());
  return std::move(result.value());
}

}  // namespace fwdelta
