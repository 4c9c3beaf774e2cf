#include "fwdelta/encode_options.h"

#include <fmt/format.h>

#include <vector>

#include "fwdelta/device_options.h"
#include "fwdelta/failure.h"
#include "fwdelta/policy_options.h"
#include "fwdelta/text.h"
#include "libdelta/sim/flash_device.h"
#include "libdelta/wire/format.h"

namespace fwdelta {

void AddEncodeOptions(const Command& command, EncodeArguments* arguments) {
  libdelta::EncodeOptions* encode = &arguments->encode;
  command.AddOption("--hardware", "ID", &encode->hardware, "Board that the patch is for");
  command.AddOption("--component", "ID", &encode->component, "Image on that board");
  command.AddOption("--counter", "N", &encode->counter, "Security counter; devices refuse older ones");
  command.AddSize("--ram", &arguments->ram,
                  "RAM the device may use in all: 2K .. 1M, in steps of 32 bytes (default 64K, or that of "
                  "--device)");
  command.AddSize("--chunk", &arguments->chunk, "Bytes verified at a time: 256 .. 4K (default RAM / 8)");
  command.AddFlag("--full", &arguments->full, "Carry the whole new image, compressed; needs no OLD");
  command
      .AddFlag("--no-full", &arguments->no_full,
               "Never carry a whole image, which is done where it is smaller; for LIBDELTA_NO_FULL_IMAGE")
      .Excludes("--full");
  command.AddFlag("--no-templates{false}", &encode->templates,
                  "For devices without templates (LIBDELTA_NO_TEMPLATES)");
  command.AddFlag("--in-place", &arguments->in_place,
                  "Update the only slot of --device, page by page; survives power cuts");
  AddDeviceOption(command, &arguments->device);
  command.AddOption("--load-address", "ADDRESS", &arguments->load_address,
                    "Address of the first image byte (default: auto)");
  std::vector<std::string> isas = libdelta::InstructionSets();
  isas.insert(isas.begin(), "auto");
  command
      .AddOption("--isa", "NAME", &arguments->isa,
                 "Instruction set whose references to look for (default: auto)")
      .OneOf(isas);
  command
      .AddOption("--effort", "N", &encode->effort, "How long to search for a small patch: 1 .. 9 (default 5)")
      .Within(libdelta::kLeastEffort, libdelta::kMostEffort);
  command.AddOption("-j,--threads", "N", &encode->threads,
                    "Threads to use (default: all); never changes the patch");
}

void CheckEncodeArguments(const EncodeArguments& arguments) {
  if (arguments.in_place && arguments.device.empty()) {
    Fail(ExitCode::kUsage,
         "--in-place needs --device: the patch is planned for the pages and spare pages of a board");
  }
  if (!arguments.in_place && !arguments.device.empty()) {
    Fail(ExitCode::kUsage, "--device is for updates in place only: add --in-place, or leave it out");
  }
  if (arguments.ram) CheckRam(*arguments.ram);
  if (arguments.chunk != 0 &&
      (arguments.chunk < libdelta::kMinChunk || arguments.chunk > libdelta::kMaxChunk)) {
    Fail(ExitCode::kUsage, "--chunk {}: must be 256 .. 4K", FormatSize(arguments.chunk));
  }
}

std::optional<libdelta::DeviceProfile> LoadDevice(const EncodeArguments& arguments) {
  if (!arguments.in_place) return std::nullopt;
  return LoadDevice(arguments.device);
}

libdelta::EncodeOptions MakeEncodeOptions(const EncodeArguments& arguments,
                                          const std::optional<libdelta::DeviceProfile>& device) {
  libdelta::EncodeOptions encode = arguments.encode;
  if (device) {
    encode.in_place = libdelta::LayoutOf(*device);
    encode.ram = device->ram;
  }
  if (arguments.ram) encode.ram = *arguments.ram;
  encode.chunk = static_cast<uint32_t>(arguments.chunk);
  if (arguments.full) encode.kind = libdelta::PayloadKind::kFullOnly;
  if (arguments.no_full) encode.kind = libdelta::PayloadKind::kDeltaOnly;
  if (arguments.load_address != "auto") {
    encode.load_address = ParseNumber(arguments.load_address);
    if (!encode.load_address) {
      Fail(ExitCode::kUsage, "--load-address {}: give a number (0x8000000) or auto", arguments.load_address);
    }
  }
  if (arguments.isa != "auto") encode.isa = arguments.isa;
  return encode;
}

}  // namespace fwdelta
