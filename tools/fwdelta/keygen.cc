// fwdelta keygen: a new key pair.

#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "fwdelta/command.h"
#include "fwdelta/failure.h"
#include "fwdelta/files.h"
#include "fwdelta/key_files.h"
#include "fwdelta/text.h"

namespace fwdelta {
namespace {

struct KeygenOptions {
  std::string out;
  std::string algorithm = "ed25519";
  std::string comment;
  bool json = false;
};

libdelta::ByteView AsBytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

void CheckComment(const std::string& comment) {
  for (const char c : comment) {
    const uint8_t byte = static_cast<uint8_t>(c);  // UTF-8 is welcome.
    if (byte < ' ' || byte == 0x7f) Fail(ExitCode::kUsage, "--comment: one line of printable characters");
  }
}

// A lost secret key cannot be had back, so there is no way to overwrite one.
OutputFile::Options KeyFileOptions(mode_t mode) {
  return {false, mode, "keys are never overwritten; choose another --out or move it away"};
}

void WriteKeyPair(const libdelta::SecretKey& secret, const libdelta::PublicKey& key,
                  const std::string& name) {
  OutputFile secret_file(name + ".key", KeyFileOptions(0600));
  OutputFile public_file(name + ".pub", KeyFileOptions(0666));
  secret_file.Write(AsBytes(libdelta::SecretText(secret).view()));
  public_file.Write(AsBytes(libdelta::FormatPublicKey(key)));
  secret_file.Commit();
  try {
    public_file.Commit();
  } catch (const Failure&) {
    unlink((name + ".key").c_str());  // Both or none.
    throw;
  }
}

void RunKeygen(const KeygenOptions& options) {
  if (options.out == kStream) Fail(ExitCode::kUsage, "--out -: keys are written to files; give a name");
  CheckComment(options.comment);
  libdelta::Result<libdelta::SecretKey> secret =
      libdelta::GenerateKey(*libdelta::AlgorithmFromName(options.algorithm));
  if (!secret.ok()) Fail(ExitCode::kInternal, "{}", secret.error());
  libdelta::Result<libdelta::PublicKey> key = libdelta::DerivePublicKey(secret.value());
  if (!key.ok()) Fail(ExitCode::kInternal, "{}", key.error());
  key.value().comment = options.comment;
  WriteKeyPair(secret.value(), key.value(), options.out);
  const std::string id = Hex(KeyIdOf(key.value()));
  if (options.json) {
    ReportJson({{"ok", true},
                {"algorithm", options.algorithm},
                {"key_id", id},
                {"secret_key", options.out + ".key"},
                {"public_key", options.out + ".pub"}});
  } else {
    Report(fmt::format("{0}.key: secret, keep it offline; {0}.pub: for devices and --trust; {1} key {2}\n",
                       options.out, options.algorithm, id));
  }
}

}  // namespace

void AddKeygen(const Command& program) {
  auto options = std::make_shared<KeygenOptions>();
  const Command command = program.AddCommand("keygen", "Generate a key pair: NAME.key (secret) and NAME.pub");
  command.AddOption("--out", "NAME", &options->out, "Name of both files, without the ending").Required();
  command.AddOption("--algorithm", "NAME", &options->algorithm, "ed25519 (default) or p256")
      .OneOf({"ed25519", "p256"});
  command.AddOption("--comment", "TEXT", &options->comment, "Text after the key in NAME.pub");
  AddJsonOption(command, &options->json);
  command.SetFooter("Example:\n  fwdelta keygen --out release");
  command.SetAction([options] { RunKeygen(*options); });
}

}  // namespace fwdelta
