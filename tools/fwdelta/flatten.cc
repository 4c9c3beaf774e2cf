// fwdelta flatten: the image that a firmware file puts into flash.

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fwdelta/command.h"
#include "fwdelta/failure.h"
#include "fwdelta/files.h"
#include "fwdelta/policy_options.h"
#include "fwdelta/text.h"
#include "libdelta/host/file_layout.h"

namespace fwdelta {
namespace {

struct FlattenOptions {
  std::string file;
  OutputOptions out;
  std::string region;
  std::string fill = "0xff";
  uint64_t max_gap = 65536;
  bool json = false;
};

std::string Describe(const std::vector<libdelta::FlatImage>& images) {
  constexpr size_t kMost = 8;
  std::string text;
  for (size_t i = 0; i < images.size() && i < kMost; ++i) {
    text += fmt::format("{}{:#x} ({})", i == 0 ? "" : ", ", images[i].address,
                        Count(images[i].bytes.size(), "byte"));
  }
  return images.size() > kMost ? text + " ..." : text;
}

const libdelta::FlatImage& Choose(const std::vector<libdelta::FlatImage>& images,
                                  const FlattenOptions& options, const std::string& name) {
  if (options.region.empty()) {
    if (images.size() == 1) return images[0];
    Fail(ExitCode::kUsage,
         "{} fills {} regions of flash: {}; choose one with --region ADDRESS, or raise --max-gap", name,
         images.size(), Describe(images));
  }
  const std::optional<uint64_t> address = ParseNumber(options.region);
  if (!address) Fail(ExitCode::kUsage, "--region {}: give a number (0x8000000)", options.region);
  for (const libdelta::FlatImage& image : images) {
    if (*address - image.address < image.bytes.size()) return image;
  }
  Fail(ExitCode::kUsage, "--region {}: {} fills {}", options.region, name, Describe(images));
}

void RunFlatten(const FlattenOptions& options) {
  CheckJsonOutput(options.json, options.out.path);
  const std::optional<uint64_t> fill = ParseNumber(options.fill);
  if (!fill || *fill > 255) Fail(ExitCode::kUsage, "--fill {}: must be 0 .. 255", options.fill);
  const InputFile file(options.file);
  OutputFile output(options.out.path, {.force = options.out.force});
  const libdelta::FileLayout layout = libdelta::ParseFileLayout(file.bytes());
  if (!layout.problem.empty()) Fail(ExitCode::kMalformed, "{}: {}", file.name(), layout.problem);
  const auto images = libdelta::Flatten(layout, file.bytes(), options.max_gap, static_cast<uint8_t>(*fill));
  if (!images.ok()) {
    Fail(ExitCode::kMalformed, "{}: {} {}", file.name(), libdelta::NameOf(layout.format), images.error());
  }
  const libdelta::FlatImage& image = Choose(images.value(), options, file.name());
  output.Write(image.bytes);
  output.Commit();
  if (options.json) {
    ReportJson({{"ok", true},
                {"format", libdelta::NameOf(layout.format)},
                {"image", output.name()},
                {"address", image.address},
                {"size", image.bytes.size()}});
    return;
  }
  ReportBeside(output,
               fmt::format("{}: {} at {:#x}, from {}\n", output.name(), Count(image.bytes.size(), "byte"),
                           image.address, libdelta::NameOf(layout.format)));
}

}  // namespace

void AddFlatten(const Command& program) {
  auto options = std::make_shared<FlattenOptions>();
  const Command command = program.AddCommand(
      "flatten", "Make the image that a device has in flash from Intel HEX, UF2, ELF, GBL or EBL");
  command.AddArgument("FILE", &options->file, "The file, \"-\" for standard input").Required();
  AddOutOption(command, &options->out, "The image, \"-\" for standard output").Required();
  command.AddOption("--region", "ADDRESS", &options->region, "Of several regions, the one with this address");
  command.AddSize("--max-gap", &options->max_gap, "Gaps to fill; larger ones part regions (default 64K)");
  command.AddOption("--fill", "BYTE", &options->fill, "Byte for gaps (default 0xff, as erased)");
  AddJsonOption(command, &options->json);
  command.SetFooter("Example:\n  fwdelta flatten firmware.hex --out firmware.bin");
  command.SetAction([options] { RunFlatten(*options); });
}

}  // namespace fwdelta
