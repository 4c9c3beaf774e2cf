// fwdelta sign: one more signature, by a key that is here or somewhere else.

#include <fmt/format.h>

#include <memory>
#include <string>

#include "fwdelta/command.h"
#include "fwdelta/failure.h"
#include "fwdelta/files.h"
#include "fwdelta/key_files.h"
#include "fwdelta/text.h"

namespace fwdelta {
namespace {

struct SignOptions {
  std::string patch;
  OutputOptions out;
  std::string key;
  std::string message_out;
  std::string signature;
  std::string public_key;
};

void CheckSign(const SignOptions& options) {
  const int ways = !options.key.empty() + !options.message_out.empty() + !options.signature.empty();
  if (ways != 1) {
    Fail(ExitCode::kUsage,
         "give one of: --key K (sign here), --message-out F (write what to sign elsewhere), "
         "--signature F --pub PUB (add what was signed elsewhere)");
  }
  if (options.signature.empty() != options.public_key.empty()) {
    Fail(ExitCode::kUsage, "--signature and --pub belong together: whose signature is it?");
  }
  if (options.message_out.empty() && options.out.path.empty()) {
    Fail(ExitCode::kUsage, "--out is required: where to write the signed patch");
  }
  if (!options.message_out.empty() && !options.out.path.empty()) {
    Fail(ExitCode::kUsage, "--message-out writes no patch, so leave --out away");
  }
}

void WriteMessage(const SignOptions& options, const InputFile& patch) {
  OutputFile output(options.message_out, {.force = options.out.force});
  const libdelta::Bytes message = MessageOf(patch.bytes(), patch.name());
  output.Write(message);
  output.Commit();
  ReportBeside(output, fmt::format("{}: {} to sign; then fwdelta sign --signature FILE --pub PUB\n",
                                   output.name(), Count(message.size(), "byte")));
}

libdelta::Bytes AddForeignSignature(const SignOptions& options, const InputFile& patch) {
  const libdelta::PublicKey key = ReadPublicKey(options.public_key);
  const InputFile file(options.signature);
  const libdelta::Result<libdelta::Bytes> signature = libdelta::ParseSignature(key.algorithm, file.bytes());
  if (!signature.ok()) Fail(ExitCode::kSignature, "{}: {}", file.name(), signature.error());
  if (!libdelta::VerifySignature(key, MessageOf(patch.bytes(), patch.name()), signature.value())) {
    Fail(ExitCode::kSignature, "{}: not a signature of {} by {} (sign the bytes that --message-out writes)",
         file.name(), patch.name(), options.public_key);
  }
  return AddSignatureOf(key, signature.value(), patch.bytes(), patch.name());
}

void WriteSigned(const SignOptions& options, const InputFile& patch) {
  OutputFile output(options.out.path, {.force = options.out.force});
  const libdelta::Bytes signed_patch =
      options.key.empty() ? AddForeignSignature(options, patch)
                          : AddSignatureBy(ReadSecretKey(options.key), patch.bytes(), patch.name());
  output.Write(signed_patch);
  output.Commit();
  const PatchSummary summary = Summarize(signed_patch, output.name());
  ReportBeside(
      output,
      fmt::format("{}: {}, {}, the last by {}\n", output.name(), Count(signed_patch.size(), "byte"),
                  Count(summary.signatures.size(), "signature"), Hex(summary.signatures.back().key_id)));
}

void RunSign(const SignOptions& options) {
  CheckSign(options);
  const InputFile patch(options.patch);
  CheckLength(Summarize(patch.bytes(), patch.name()), patch.bytes().size(), patch.name());
  if (options.message_out.empty()) {
    WriteSigned(options, patch);
  } else {
    WriteMessage(options, patch);
  }
}

}  // namespace

void AddSign(const Command& program) {
  auto options = std::make_shared<SignOptions>();
  const Command command = program.AddCommand("sign", "Add a signature to a patch");
  command.AddArgument("PATCH", &options->patch, "The patch, \"-\" for standard input").Required();
  AddOutOption(command, &options->out, "The patch with the signature, \"-\" for standard output");
  command.AddOption("--key", "KEY", &options->key, "Sign with this secret key");
  command.AddOption("--message-out", "FILE", &options->message_out, "Write the 56 bytes to sign elsewhere");
  command.AddOption("--signature", "FILE", &options->signature,
                    "Add this signature: 64 bytes, or DER for P-256");
  command.AddOption("--pub", "PUB", &options->public_key,
                    "Public key (.pub or PEM) that --signature belongs to");
  command.SetFooter(
      "Examples:\n"
      "  fwdelta sign update.fwd --key second.key --out signed.fwd\n"
      "A key that never leaves its machine:\n"
      "  fwdelta sign update.fwd --message-out update.msg\n"
      "  openssl pkeyutl -sign -rawin -inkey hsm.pem -in update.msg -out update.sig\n"
      "  fwdelta sign update.fwd --signature update.sig --pub hsm-public.pem --out signed.fwd");
  command.SetAction([options] { RunSign(*options); });
}

}  // namespace fwdelta
