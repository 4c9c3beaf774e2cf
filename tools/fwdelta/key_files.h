// Key files: reading them with errors that name the file, and secrets wiped from every buffer.
#ifndef TOOLS_FWDELTA_KEY_FILES_H_
#define TOOLS_FWDELTA_KEY_FILES_H_

#include <string>
#include <vector>

#include "libdelta/adapters/keys.h"

namespace fwdelta {

// Warns on standard error when others may read the file.
libdelta::SecretKey ReadSecretKey(const std::string& path);

libdelta::PublicKey ReadPublicKey(const std::string& path);

libdelta::Bytes KeyIdOf(const libdelta::PublicKey& key);

// Signs `patch` and puts the signature in; `name` is what messages call the patch.
libdelta::Bytes AddSignatureBy(const libdelta::SecretKey& key, libdelta::ByteView patch,
                               const std::string& name);

// Puts in a signature that has been made elsewhere and must be valid already.
libdelta::Bytes AddSignatureOf(const libdelta::PublicKey& key, libdelta::ByteView signature,
                               libdelta::ByteView patch, const std::string& name);

// What a key signs for `patch`.
libdelta::Bytes MessageOf(libdelta::ByteView patch, const std::string& name);

}  // namespace fwdelta

#endif  // TOOLS_FWDELTA_KEY_FILES_H_
