// fwdelta create: a patch from two images.

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fwdelta/command.h"
#include "fwdelta/device_options.h"
#include "fwdelta/encode_options.h"
#include "fwdelta/failure.h"
#include "fwdelta/files.h"
#include "fwdelta/key_files.h"
#include "fwdelta/progress.h"
#include "fwdelta/text.h"
#include "libdelta/host.h"
#include "libdelta/host/file_layout.h"

namespace fwdelta {
namespace {

struct CreateOptions {
  std::string first_image;  // The new one if there is no second.
  std::string second_image;
  OutputOptions out;
  std::vector<std::string> keys;
  bool is_unsigned = false;
  bool stats = false;
  bool json = false;
  EncodeArguments encoding;
};

void CheckCreate(const CreateOptions& options) {
  if (options.keys.empty() && !options.is_unsigned) {
    Fail(ExitCode::kUsage,
         "a patch without a signature is refused by devices: sign it with --key K (fwdelta keygen --out NAME "
         "makes one), or say --unsigned to sign it later (fwdelta sign)");
  }
  if (!options.keys.empty() && options.is_unsigned) {
    Fail(ExitCode::kUsage, "--key and --unsigned exclude each other");
  }
  if (options.first_image.empty() || (options.second_image.empty() && !options.encoding.full)) {
    Fail(ExitCode::kUsage, "give OLD and NEW; only with --full does NEW alone suffice");
  }
  if (options.first_image == kStream && options.second_image == kStream) {
    Fail(ExitCode::kUsage, "only one of OLD and NEW can be \"-\"");
  }
  CheckEncodeArguments(options.encoding);
  CheckJsonOutput(options.json, options.out.path);
}

// Says so when a file is no image as a device has it.
void WarnOfText(const InputFile& file) {
  const libdelta::FileFormat format = libdelta::ParseFileLayout(file.bytes()).format;
  if (format != libdelta::FileFormat::kIntelHex && format != libdelta::FileFormat::kUf2) return;
  fmt::print(stderr,
             "fwdelta: warning: {}: the patch is for this {} file, byte by byte; a device has the image that "
             "\"fwdelta flatten\" makes of it, and patches for that are a fraction of the size\n",
             file.name(), libdelta::NameOf(format));
}

libdelta::Patch EncodeImages(const CreateOptions& options) {
  const std::optional<libdelta::DeviceProfile> device = LoadDevice(options.encoding);
  const InputFile new_image(options.second_image.empty() ? options.first_image : options.second_image);
  std::unique_ptr<InputFile> old_image;  // A whole image ignores it.
  if (!options.encoding.full) old_image = std::make_unique<InputFile>(options.first_image);
  WarnOfText(new_image);
  if (device) {
    CheckImageFits(*device, new_image.name(), new_image.bytes().size());
    if (old_image) CheckImageFits(*device, old_image->name(), old_image->bytes().size());
  }
  Progress progress("fwdelta: creating");
  libdelta::EncodeOptions encode = MakeEncodeOptions(options.encoding, device);
  encode.progress = [&progress](int per_mille) { progress.Show(static_cast<uint64_t>(per_mille), 1000); };
  libdelta::Result<libdelta::Patch> patch =
      libdelta::Encode(old_image ? old_image->bytes() : libdelta::ByteView(), new_image.bytes(), encode);
  if (!patch.ok()) Fail(ExitCode::kUsage, "{}", patch.error());
  return std::move(patch.value());
}

std::string StatsText(const libdelta::EncodeStats& stats, uint64_t patch_bytes) {
  std::string text;
  auto row = [&](const std::string& name, uint64_t bits) {
    text +=
        fmt::format("{:<28}{:>12}{:>12}{:>8}\n", name, bits, (bits + 7) / 8, Percent(bits, 8 * patch_bytes));
  };
  text += fmt::format("{:<28}{:>12}{:>12}{:>8}\n", "stream", "bits", "bytes", "share");
  for (const auto& [name, bits] : stats.stream_bits) row(name, bits);
  row("(payload)", 8 * stats.payload_bytes);
  row("(hash chain)", 8 * stats.link_bytes);
  row("(header and signatures)", 8 * (patch_bytes - stats.payload_bytes - stats.link_bytes));
  row("(patch)", 8 * patch_bytes);
  for (const auto& [name, count] : stats.counts) text += fmt::format("{:<28}{:>12}\n", name, count);
  if (stats.load_address != 0) text += fmt::format("{:<28}{:>#12x}\n", "load address", stats.load_address);
  return text;
}

Json StatsJson(const libdelta::EncodeStats& stats) {
  Json streams = Json::object();
  for (const auto& [name, bits] : stats.stream_bits) streams[name] = bits;
  Json counts = Json::object();
  for (const auto& [name, count] : stats.counts) counts[name] = count;
  return {{"stream_bits", streams},
          {"counts", counts},
          {"unsigned_header_bytes", stats.header_bytes},
          {"link_bytes", stats.link_bytes},
          {"payload_bytes", stats.payload_bytes},
          {"load_address", stats.load_address}};
}

std::string SummaryText(const PatchSummary& summary, const libdelta::EncodeStats& stats,
                        const std::string& name) {
  std::string signers;
  for (const SignatureEntry& entry : summary.signatures) {
    signers += (signers.empty() ? ", signed by " : ", ") + Hex(entry.key_id);
  }
  return fmt::format("{}: {}, {} of the new image's {}; {}{}, needs {} of RAM{}\n", name,
                     Count(summary.patch_length(), "byte"),
                     Percent(summary.patch_length(), summary.new_length), summary.new_length, stats.payload,
                     summary.in_place ? " in place" : "", FormatSize(summary.ram),
                     signers.empty() ? ", not signed" : signers);
}

void ReportPatch(const CreateOptions& options, const libdelta::Patch& patch, const OutputFile& output) {
  const std::string& name = output.name();
  const PatchSummary summary = Summarize(patch.bytes, name);
  if (options.json) {
    Json json = {
        {"ok", true}, {"patch", name}, {"payload", patch.stats.payload}, {"header", ToJson(summary)}};
    json["stats"] = StatsJson(patch.stats);
    ReportJson(json);
    return;
  }
  if (options.stats) ReportBeside(output, StatsText(patch.stats, patch.bytes.size()));
  ReportBeside(output, SummaryText(summary, patch.stats, name));
}

void RunCreate(const CreateOptions& options) {
  CheckCreate(options);
  // Keys and output first: their errors should not come after a long computation.
  std::vector<libdelta::SecretKey> keys;
  for (const std::string& path : options.keys) keys.push_back(ReadSecretKey(path));
  OutputFile output(options.out.path, {.force = options.out.force});
  libdelta::Patch patch = EncodeImages(options);
  for (const libdelta::SecretKey& key : keys) {
    patch.bytes = AddSignatureBy(key, patch.bytes, output.name());
  }
  output.Write(patch.bytes);
  output.Commit();
  ReportPatch(options, patch, output);
}

}  // namespace

void AddCreate(const Command& program) {
  auto options = std::make_shared<CreateOptions>();
  const Command command = program.AddCommand("create", "Create a patch that turns OLD into NEW");
  command.AddArgument("OLD", &options->first_image, "The old image; may be left out with --full");
  command.AddArgument("NEW", &options->second_image, "The new image");
  AddOutOption(command, &options->out, "The patch, \"-\" for standard output").Required();
  command.AddOption("--key", "KEY", &options->keys, "Sign with this secret key; may be repeated")
      .OneAtATime();
  command.AddFlag("--unsigned", &options->is_unsigned, "Do not sign");
  AddEncodeOptions(command, &options->encoding);
  command.AddFlag("--stats", &options->stats, "Print where the bits of the patch went");
  AddJsonOption(command, &options->json);
  command.SetFooter(
      "Example:\n  fwdelta create old.bin new.bin --key release.key --hardware bulb-r2 --out update.fwd\n"
      "  fwdelta create old.bin new.bin --in-place --device nrf52840 --key release.key --out update.fwd");
  command.SetAction([options] { RunCreate(*options); });
}

}  // namespace fwdelta
