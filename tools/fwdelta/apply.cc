// fwdelta apply: what a device does, with files for flash.

#include <fmt/format.h>

#include <memory>
#include <string>

#include "fwdelta/command.h"
#include "fwdelta/device_run.h"
#include "fwdelta/failure.h"
#include "fwdelta/files.h"
#include "fwdelta/policy_options.h"
#include "fwdelta/text.h"

namespace fwdelta {
namespace {

struct ApplyOptions {
  std::string first_file;  // The patch if there is no second.
  std::string second_file;
  OutputOptions out;
  PolicyOptions policy;
  bool json = false;
};

void CheckApply(const ApplyOptions& options) {
  if (options.policy.trust.empty() && !options.policy.allow_unsigned) {
    Fail(ExitCode::kUsage, "say whom to trust with --trust PUB, or --allow-unsigned to trust anybody");
  }
  if (options.first_file.empty()) {
    Fail(ExitCode::kUsage, "give OLD and PATCH, before --trust, which takes every name that follows it");
  }
  if (options.first_file == kStream && options.second_file == kStream) {
    Fail(ExitCode::kUsage, "only one of OLD and PATCH can be \"-\"");
  }
  CheckJsonOutput(options.json, options.out.path);
}

// A pipe is followed as it comes, like a download; a file is authenticated whole before the first write.
void ApplyFile(const std::string& path, DeviceRun* run, OutputFile* output) {
  if (path != kStream) {
    const Descriptor descriptor = OpenInput(path);
    if (IsPipe(descriptor.get())) return run->ApplyStream(descriptor.get(), output);
    const InputFile patch(path);
    return run->ApplyStored(patch.bytes(), output);
  }
  const Descriptor descriptor = OpenInput(path);
  run->ApplyStream(descriptor.get(), output);
}

void ReportApplied(bool json, const PatchSummary& summary, const std::string& patch,
                   const OutputFile& output) {
  const std::string digest = Hex(summary.new_digest);
  if (json) {
    ReportJson({{"ok", true},
                {"patch", patch},
                {"out", output.name()},
                {"new", {{"length", summary.new_length}, {"sha256", digest}}},
                {"counter", summary.counter}});
    return;
  }
  ReportBeside(output,
               fmt::format("{}: {}, SHA-256 {}\n", output.name(), Count(summary.new_length, "byte"), digest));
}

void RunApply(const ApplyOptions& options) {
  CheckApply(options);
  const Policy policy(options.policy);
  std::unique_ptr<InputFile> old_image;
  if (!options.second_file.empty()) old_image = std::make_unique<InputFile>(options.first_file);
  const std::string& patch = options.second_file.empty() ? options.first_file : options.second_file;
  const std::string patch_name = InputName(patch);
  OutputFile output(options.out.path, {.force = options.out.force});
  DeviceRun run(policy, patch_name, old_image.get());
  ApplyFile(patch, &run, &output);
  output.Commit();
  ReportApplied(options.json, run.summary(), patch_name, output);
}

}  // namespace

void AddApply(CLI::App* app) {
  auto options = std::make_shared<ApplyOptions>();
  CLI::App* command = app->add_subcommand("apply", "Verify a patch and make the new image from the old one");
  command->add_option("OLD", options->first_file, "The old image; may be left out when the patch carries all")
      ->type_name("");
  command
      ->add_option("PATCH", options->second_file,
                   "The patch; \"-\" takes it from standard input as it arrives")
      ->type_name("");
  AddOutOption(command, &options->out, "The new image, \"-\" for standard output")->required();
  AddPolicyOptions(command, &options->policy);
  command->add_flag("--allow-unsigned", options->policy.allow_unsigned, "Check no signature: for tests only");
  AddJsonOption(command, &options->json);
  command->footer("Example:\n  fwdelta apply old.bin update.fwd --trust release.pub --out new.bin");
  command->callback([options] { RunApply(*options); });
}

}  // namespace fwdelta
