// fwdelta verify: would a device accept this patch? Everything but the decoding.

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fwdelta/command.h"
#include "fwdelta/device_options.h"
#include "fwdelta/device_run.h"
#include "fwdelta/failure.h"
#include "fwdelta/files.h"
#include "fwdelta/key_files.h"
#include "fwdelta/policy_options.h"
#include "fwdelta/text.h"
#include "libdelta/sim/flash_device.h"

namespace fwdelta {
namespace {

struct VerifyOptions {
  std::string patch;
  std::string old_image;
  std::string device;
  PolicyOptions policy;
  bool json = false;
};

// The trusted keys that have really signed. The device library stops at the threshold; a person wants
// to know all of them.
std::vector<Policy::TrustedKey> FindSigners(const Policy& policy, const PatchSummary& summary,
                                            const libdelta::Bytes& message) {
  std::vector<Policy::TrustedKey> signers;
  for (const Policy::TrustedKey& trusted : policy.keys()) {
    for (const SignatureEntry& entry : summary.signatures) {
      if (entry.key_id == trusted.id && libdelta::VerifySignature(trusted.key, message, entry.signature)) {
        signers.push_back(trusted);
      }
    }
  }
  return signers;
}

void ReportVerified(const VerifyOptions& options, const Policy& policy, const InputFile& patch,
                    const PatchSummary& summary) {
  const auto signers = FindSigners(policy, summary, MessageOf(patch.bytes(), patch.name()));
  if (options.json) {
    Json keys = Json::array();
    for (const Policy::TrustedKey& key : signers) {
      keys.push_back({{"key_id", Hex(key.id)},
                      {"algorithm", libdelta::AlgorithmName(key.key.algorithm)},
                      {"file", key.path}});
    }
    ReportJson({{"ok", true},
                {"patch", patch.name()},
                {"threshold", policy.threshold()},
                {"signers", keys},
                {"base_checked", !options.old_image.empty() && summary.is_delta()},
                {"header", ToJson(summary)}});
    return;
  }
  std::string text =
      fmt::format("{}: authentic and complete, {}\n", patch.name(), Count(patch.bytes().size(), "byte"));
  for (const Policy::TrustedKey& key : signers)
    text += fmt::format("  signed by {} ({})\n", Hex(key.id), key.path);
  if (!options.old_image.empty() && summary.is_delta())
    text += fmt::format("  made from {}\n", options.old_image);
  Report(text);
}

// A patch for updates in place is shown to a device with the flash that it was made for, or that of --device.
void VerifyInPlace(const VerifyOptions& options, const PatchSummary& summary, const InputFile* old_image,
                   const InputFile& patch, DeviceRun* run) {
  const libdelta::DeviceProfile profile =
      options.device.empty() ? MakeDevice(*summary.in_place, patch.name()) : LoadDevice(options.device);
  libdelta::FlashModel flash(profile);
  if (old_image != nullptr) {
    CheckImageFits(profile, old_image->name(), old_image->bytes().size());
    flash.Load(profile.slot.start, old_image->bytes());
  }
  uint32_t counter = 0;
  const libdelta::FlashPort port(profile, &flash, &counter);
  run->UseFlash(port.callbacks(), options.old_image);
  run->Verify(patch.bytes(), old_image != nullptr);
}

void RunVerify(const VerifyOptions& options) {
  if (options.policy.trust.empty()) {
    Fail(ExitCode::kUsage, "--trust PUB is required: whose signature should the patch have?");
  }
  if (options.patch.empty()) {
    Fail(ExitCode::kUsage, "give the patch, before --trust, which takes every name that follows it");
  }
  if (options.patch == kStream && options.old_image == kStream) {
    Fail(ExitCode::kUsage, "only one of the patch and --old can be \"-\"");
  }
  const Policy policy(options.policy);
  const InputFile patch(options.patch);
  std::unique_ptr<InputFile> old_image;
  if (!options.old_image.empty()) old_image = std::make_unique<InputFile>(options.old_image);
  DeviceRun run(policy, patch.name(), old_image.get());
  libdelta_header header;
  const bool is_patch =
      libdelta_parse_header(patch.bytes().data(), patch.bytes().size(), &header) == LIBDELTA_OK;
  const PatchSummary summary = is_patch ? Summarize(patch.bytes(), patch.name()) : PatchSummary();
  if (summary.in_place || !options.device.empty()) {
    VerifyInPlace(options, summary, old_image.get(), patch, &run);
  } else {
    run.Verify(patch.bytes());
  }
  ReportVerified(options, policy, patch, run.summary());
}

}  // namespace

void AddVerify(const Command& program) {
  auto options = std::make_shared<VerifyOptions>();
  const Command command = program.AddCommand("verify", "Check signatures, target and every byte of a patch");
  command.AddArgument("PATCH", &options->patch, "The patch, \"-\" for standard input");
  AddPolicyOptions(command, &options->policy);
  command.AddOption("--old", "OLD", &options->old_image,
                    "Also check that the patch was made from this image");
  AddDeviceOption(command, &options->device);
  AddJsonOption(command, &options->json);
  command.SetFooter(
      "Example:\n  fwdelta verify update.fwd --trust release.pub --hardware bulb-r2 --old old.bin");
  command.SetAction([options] { RunVerify(*options); });
}

}  // namespace fwdelta
