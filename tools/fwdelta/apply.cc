// fwdelta apply: what a device does, with files for flash.

#include <fmt/format.h>

#include <memory>
#include <string>

#include "fwdelta/command.h"
#include "fwdelta/device_options.h"
#include "fwdelta/device_run.h"
#include "fwdelta/failure.h"
#include "fwdelta/files.h"
#include "fwdelta/flash_file.h"
#include "fwdelta/policy_options.h"
#include "fwdelta/text.h"
#include "libdelta/sim/flash_device.h"

namespace fwdelta {
namespace {

struct ApplyOptions {
  std::string first_file;  // The patch if there is no second.
  std::string second_file;
  OutputOptions out;
  PolicyOptions policy;
  bool in_place = false;
  std::string device;
  bool json = false;
};

void CheckInPlace(const ApplyOptions& options) {
  if (!options.in_place) {
    if (options.out.path.empty()) Fail(ExitCode::kUsage, "--out is required (see fwdelta apply --help)");
    if (!options.device.empty()) {
      Fail(ExitCode::kUsage, "--device is for updates in place only: add --in-place, or leave it out");
    }
    return;
  }
  if (options.device.empty()) {
    Fail(ExitCode::kUsage, "--in-place needs --device: where in the flash are the slot and spare pages");
  }
  if (!options.out.path.empty()) {
    Fail(ExitCode::kUsage,
         "--in-place updates FLASH itself; leave --out out, and copy FLASH first to keep it");
  }
  if (options.second_file.empty()) Fail(ExitCode::kUsage, "give FLASH and PATCH, before --trust");
  if (options.first_file == kStream) {
    Fail(ExitCode::kUsage, "FLASH is updated itself, so it cannot be \"-\"");
  }
}

void CheckApply(const ApplyOptions& options) {
  CheckInPlace(options);
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

libdelta_status UpdateFlash(const std::string& path, const FlashFile& flash, DeviceRun* run) {
  const auto is_begun = [&flash](libdelta::ByteView header) { return flash.HasHeader(header); };
  const Descriptor descriptor = OpenInput(path);
  if (path == kStream || IsPipe(descriptor.get())) return run->UpdateStream(descriptor.get(), is_begun);
  const InputFile patch(path);
  return run->UpdateStored(patch.bytes(), is_begun);
}

void ReportUpdated(const ApplyOptions& options, const PatchSummary& summary, const std::string& patch,
                   uint64_t resumed_from, bool was_done) {
  const std::string digest = Hex(summary.new_digest);
  if (options.json) {
    ReportJson({{"ok", true},
                {"patch", patch},
                {"flash", options.first_file},
                {"already_done", was_done},
                {"resumed_from", resumed_from},
                {"new", {{"length", summary.new_length}, {"sha256", digest}}},
                {"counter", summary.counter}});
    return;
  }
  const std::string how = was_done ? ", was there already; nothing changed"
                          : resumed_from == 0
                              ? ""
                              : fmt::format(", resumed at byte {} of the patch", resumed_from);
  Report(fmt::format("{}: {} in the slot, SHA-256 {}{}\n", options.first_file,
                     Count(summary.new_length, "byte"), digest, how));
}

void RunInPlace(const ApplyOptions& given) {
  const libdelta::DeviceProfile profile = LoadDevice(given.device);
  ApplyOptions options = given;
  options.policy.default_ram = profile.ram;
  const Policy policy(options.policy);
  const std::string patch_name = InputName(options.second_file);
  FlashFile flash(options.first_file, profile);
  DeviceRun run(policy, patch_name, nullptr);
  uint32_t counter = options.policy.min_counter;
  const libdelta::FlashPort port(profile, &flash.model(), &counter);
  run.UseFlash(port.callbacks(), options.first_file);
  const libdelta_status status = UpdateFlash(options.second_file, flash, &run);
  const bool is_in_progress = run.IsInProgress();
  flash.Save();
  try {
    run.Conclude(status);
  } catch (const Failure& failure) {
    if (!is_in_progress || !flash.is_changed()) throw;
    throw Failure{failure.code, fmt::format("{} ({} holds the update in progress: apply its patch again)",
                                            failure.message, options.first_file)};
  }
  ReportUpdated(options, run.summary(), patch_name, run.feed_from(), status == LIBDELTA_E_ALREADY_DONE);
}

void RunApply(const ApplyOptions& options) {
  CheckApply(options);
  if (options.in_place) return RunInPlace(options);
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

void AddApply(const Command& program) {
  auto options = std::make_shared<ApplyOptions>();
  const Command command =
      program.AddCommand("apply", "Verify a patch and make the new image from the old one");
  command.AddArgument(
      "OLD", &options->first_file,
      "The old image; may be left out when the patch carries all. In place: an image of the whole "
      "flash, which is updated");
  command.AddArgument("PATCH", &options->second_file,
                      "The patch; \"-\" takes it from standard input as it arrives");
  AddOutOption(command, &options->out, "The new image, \"-\" for standard output; not in place");
  command.AddFlag("--in-place", &options->in_place, "Update the flash image OLD itself, as --device would");
  AddDeviceOption(command, &options->device);
  AddPolicyOptions(command, &options->policy);
  command.AddFlag("--allow-unsigned", &options->policy.allow_unsigned, "Check no signature: for tests only");
  AddJsonOption(command, &options->json);
  command.SetFooter(
      "Example:\n  fwdelta apply old.bin update.fwd --trust release.pub --out new.bin\n"
      "  fwdelta apply --in-place flash.img update.fwd --device nrf52840 --trust release.pub");
  command.SetAction([options] { RunApply(*options); });
}

}  // namespace fwdelta
