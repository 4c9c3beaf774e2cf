// fwdelta info: what a patch says about itself.

#include <fmt/format.h>

#include <memory>
#include <string>

#include "fwdelta/command.h"
#include "fwdelta/files.h"
#include "fwdelta/patch_summary.h"
#include "fwdelta/text.h"

namespace fwdelta {
namespace {

struct InfoOptions {
  std::string patch;
  bool json = false;
};

void RunInfo(const InfoOptions& options) {
  const InputFile patch(options.patch);
  const PatchSummary summary = Summarize(patch.bytes(), patch.name());
  const uint64_t size = patch.bytes().size();
  if (!options.json) {
    Report(fmt::format("{:<12}{}, {}\n{}", "patch", patch.name(), Count(size, "byte"), ToText(summary)));
    CheckLength(summary, size, patch.name());
    return;
  }
  CheckLength(summary, size, patch.name());
  Json json = {{"ok", true}, {"patch", patch.name()}, {"size", size}};
  json.update(ToJson(summary));
  ReportJson(json);
}

}  // namespace

void AddInfo(const Command& program) {
  auto options = std::make_shared<InfoOptions>();
  const Command command = program.AddCommand("info", "Show what a patch says; checks no signature");
  command.AddArgument("PATCH", &options->patch, "The patch, \"-\" for standard input").Required();
  AddJsonOption(command, &options->json);
  command.SetFooter("Example:\n  fwdelta info update.fwd");
  command.SetAction([options] { RunInfo(*options); });
}

}  // namespace fwdelta
