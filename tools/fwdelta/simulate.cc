// fwdelta simulate: what an update in place costs on a board, and whether power cuts can harm it.

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fwdelta/command.h"
#include "fwdelta/device_options.h"
#include "fwdelta/failure.h"
#include "fwdelta/files.h"
#include "fwdelta/patch_summary.h"
#include "fwdelta/policy_options.h"
#include "fwdelta/progress.h"
#include "fwdelta/simulation.h"
#include "fwdelta/text.h"
#include "libdelta/host.h"
#include "libdelta/sim/campaign.h"

namespace fwdelta {
namespace {

struct SimulateOptions {
  std::string old_image;
  std::string second_file;  // The new image, or a patch.
  std::string device;
  std::string source = "stream";
  std::string cuts = "none";
  uint64_t seed = 1;
  std::optional<uint64_t> ram;
  bool all = false;
  bool json = false;
};

// What is simulated.
struct Scene {
  libdelta::DeviceProfile profile;
  libdelta::Bytes patch;
  libdelta::Bytes new_image;
  PatchSummary summary;
};

libdelta::CampaignOptions ParseCuts(const SimulateOptions& options) {
  libdelta::CampaignOptions campaign;
  campaign.seed = options.seed;
  if (options.all) {
    campaign.most_cuts = 0;
    campaign.most_nested_cuts = 0;
  }
  const size_t colon = options.cuts.find(':');
  const std::string mode = options.cuts.substr(0, colon);
  const bool has_count = colon != std::string::npos;
  const std::optional<uint64_t> count =
      has_count ? ParseNumber(std::string_view(options.cuts).substr(colon + 1)) : 0;
  const bool is_counted = mode == "random" || mode == "nested";
  if (!is_counted && mode != "none" && mode != "every") {
    Fail(ExitCode::kUsage, "--cuts {}: must be none, every, random:N or nested:N", options.cuts);
  }
  if (is_counted != has_count || !count || (has_count && *count == 0)) {
    Fail(ExitCode::kUsage,
         "--cuts {}: random and nested need a number, as in {}:100; none and every have none", options.cuts,
         is_counted ? mode : "random");
  }
  campaign.count = *count;
  campaign.mode = mode == "every"    ? libdelta::CutMode::kEvery
                  : mode == "random" ? libdelta::CutMode::kRandom
                  : mode == "nested" ? libdelta::CutMode::kNested
                                     : libdelta::CutMode::kNone;
  return campaign;
}

libdelta::Bytes CreatePatch(const libdelta::DeviceProfile& profile, const InputFile& old_image,
                            const InputFile& new_image) {
  CheckImageFits(profile, new_image.name(), new_image.bytes().size());
  Progress progress("fwdelta: creating");
  libdelta::EncodeOptions encode;
  encode.in_place = libdelta::LayoutOf(profile);
  encode.ram = profile.ram;
  encode.progress = [&progress](int per_mille) { progress.Show(static_cast<uint64_t>(per_mille), 1000); };
  libdelta::Result<libdelta::Patch> patch = libdelta::Encode(old_image.bytes(), new_image.bytes(), encode);
  if (!patch.ok()) Fail(ExitCode::kUsage, "{}", patch.error());
  return std::move(patch.value().bytes);
}

Scene MakeScene(const SimulateOptions& options, const InputFile& old_image, const InputFile& second) {
  Scene scene;
  scene.profile = LoadDevice(options.device);
  if (options.ram) scene.profile.ram = *options.ram;
  CheckImageFits(scene.profile, old_image.name(), old_image.bytes().size());
  const bool is_patch = IsPatch(second.bytes());
  if (is_patch) {
    scene.patch.assign(second.bytes().begin(), second.bytes().end());
  } else {
    scene.patch = CreatePatch(scene.profile, old_image, second);
  }
  scene.summary = Summarize(scene.patch, second.name());
  scene.new_image = UpdateOnce(scene.profile, old_image, scene.patch, second.name());
  return scene;
}

// Erases or programs of the pages of a range.
struct PageCounts {
  uint64_t total = 0;
  uint32_t max = 0;
  uint32_t pages = 0;
  double mean() const { return pages == 0 ? 0 : static_cast<double>(total) / pages; }
};

PageCounts CountPages(const libdelta::DeviceProfile& profile, const libdelta::FlashRange& range,
                      const std::vector<uint32_t>& by_page) {
  PageCounts counts;
  const libdelta::PageSpan span = profile.PagesOf(range);
  for (uint32_t page = span.first; page < span.end(); ++page) {
    counts.total += by_page[page];
    counts.max = std::max(counts.max, by_page[page]);
    ++counts.pages;
  }
  return counts;
}

double Mean(uint64_t total, uint64_t count) {
  return count == 0 ? 0 : static_cast<double>(total) / static_cast<double>(count);
}

const char* OperationName(libdelta::FlashOperation what) {
  return what == libdelta::FlashOperation::kErase ? "erase" : "program";
}

Json PageJson(const PageCounts& counts) {
  return {{"total", counts.total}, {"max", counts.max}, {"mean", counts.mean()}};
}

Json SimulationJson(const SimulateOptions& options, const Scene& scene,
                    const libdelta::CampaignResult& result) {
  const libdelta::DeviceProfile& profile = scene.profile;
  const libdelta::FlashStatistics& statistics = result.statistics;
  Json classes = Json::array();
  for (const libdelta::CutClass& entry : result.classes) {
    classes.push_back({{"operation", OperationName(entry.what)},
                       {"cut", libdelta::CutKindName(entry.kind)},
                       {"cuts", entry.cuts},
                       {"old", entry.old},
                       {"resumed", entry.resumed},
                       {"new", entry.finished}});
  }
  return {{"ok", result.failure_count == 0},
          {"device", profile.name},
          {"source", options.source},
          {"patch_length", scene.patch.size()},
          {"new_length", scene.new_image.size()},
          {"ram", scene.summary.ram},
          {"pages",
           {{"changed", result.changed_pages},
            {"unchanged", result.unchanged_pages},
            {"unchanged_erased", result.unchanged_erased}}},
          {"erases",
           {{"total", statistics.erases},
            {"slot", PageJson(CountPages(profile, profile.slot, statistics.page_erases))},
            {"spare", PageJson(CountPages(profile, profile.spare, statistics.page_erases))}}},
          {"programs",
           {{"total", statistics.programs},
            {"slot", PageJson(CountPages(profile, profile.slot, statistics.page_programs))},
            {"spare", PageJson(CountPages(profile, profile.spare, statistics.page_programs))}}},
          {"bytes",
           {{"programmed", statistics.bytes_programmed},
            {"slot", statistics.bytes_to_slot},
            {"spare", statistics.bytes_to_spare},
            {"changed_pages", result.changed_bytes},
            {"safety", result.safety_bytes}}},
          {"flash_ms", result.flash_ms},
          {"flash_mj", result.flash_mj},
          {"cuts",
           {{"mode", options.cuts},
            {"seed", options.seed},
            {"operations", result.operations},
            {"operations_cut", result.operations_cut},
            {"runs", result.runs},
            {"cuts", result.cuts},
            {"boots", result.boots},
            {"again_max", result.again_max},
            {"again_mean", Mean(result.again_total, result.cuts)},
            {"classes", classes}}},
          {"failure_count", result.failure_count},
          {"failures", result.failures}};
}

std::string CutsText(const SimulateOptions& options, const libdelta::CampaignResult& result) {
  if (result.cuts == 0) return {};
  const bool is_sample = result.operations_cut != 0 && result.operations_cut < result.operations;
  std::string text = fmt::format("{:<12}{} in {}, followed by {}", "power cuts", result.cuts,
                                 Count(result.runs, "run"), Count(result.boots, "boot"));
  if (result.operations_cut == 0) {
    text += fmt::format("; at random among {} operations", result.operations);
  } else {
    text += fmt::format("; at {} of {} operations{}", result.operations_cut, result.operations,
                        is_sample && options.cuts == "every" ? "; --all cuts at each" : "");
  }
  text += fmt::format("\n{:<12}{:<9}{:<9}{:>9}{:>12}{:>12}{:>12}\n", "", "during", "cut", "cuts", "old image",
                      "resumed", "new image");
  for (const libdelta::CutClass& entry : result.classes) {
    text +=
        fmt::format("{:<12}{:<9}{:<9}{:>9}{:>12}{:>12}{:>12}\n", "", OperationName(entry.what),
                    libdelta::CutKindName(entry.kind), entry.cuts, entry.old, entry.resumed, entry.finished);
  }
  if (options.source == "stream") {
    text += fmt::format("{:<12}{} at most after a cut, {:.0f} in the mean\n", "sent again",
                        Count(result.again_max, "byte"), Mean(result.again_total, result.cuts));
  }
  return text;
}

std::string SimulationText(const SimulateOptions& options, const Scene& scene,
                           const libdelta::CampaignResult& result) {
  const libdelta::DeviceProfile& profile = scene.profile;
  const libdelta::FlashStatistics& statistics = result.statistics;
  const PageCounts slot = CountPages(profile, profile.slot, statistics.page_erases);
  const PageCounts spare = CountPages(profile, profile.spare, statistics.page_erases);
  const PageCounts slot_units = CountPages(profile, profile.slot, statistics.page_programs);
  const PageCounts spare_units = CountPages(profile, profile.spare, statistics.page_programs);
  std::string text;
  auto line = [&text](std::string_view field, const std::string& value) {
    text += fmt::format("{:<12}{}\n", field, value);
  };
  line("device",
       fmt::format("{}, patch {}", profile.name, options.source == "stream" ? "streamed" : "stored"));
  line("patch",
       fmt::format("{}, {} of the new image's {}; needs {} of RAM", Count(scene.patch.size(), "byte"),
                   Percent(scene.patch.size(), scene.new_image.size()), scene.new_image.size(),
                   FormatSize(scene.summary.ram)));
  line("pages", fmt::format("{} changed, {} left alone", result.changed_pages,
                            result.unchanged_pages - result.unchanged_erased));
  line("erases", fmt::format("{}: slot {}, at most {} of a page; spare {}, at most {} and {:.1f} in the mean",
                             statistics.erases, slot.total, slot.max, spare.total, spare.max, spare.mean()));
  line("programs", fmt::format("{} of {}: slot {}, at most {} of a page; spare {}, at most {}",
                               statistics.programs, Count(profile.write_unit, "byte"), slot_units.total,
                               slot_units.max, spare_units.total, spare_units.max));
  line("written", fmt::format("{}; {} for safety, {} of the changed pages' {}",
                              Count(statistics.bytes_programmed, "byte"), result.safety_bytes,
                              Percent(result.safety_bytes, result.changed_bytes), result.changed_bytes));
  line("flash alone", fmt::format("{:.1f} s and {:.1f} mJ, with the profile's typical values",
                                  result.flash_ms / 1000, result.flash_mj));
  text += CutsText(options, result);
  if (result.cuts != 0 && result.failure_count == 0) {
    line("verdict",
         "after every cut the old image was ready, the update went on, or the new image was there; "
         "every run ended with exactly the new image");
  }
  return text;
}

void RunSimulate(const SimulateOptions& options) {
  libdelta::CampaignOptions campaign = ParseCuts(options);
  if (options.ram) CheckRam(*options.ram);
  if (options.old_image == kStream && options.second_file == kStream) {
    Fail(ExitCode::kUsage, "only one of OLD and the other file can be \"-\"");
  }
  const InputFile old_image(options.old_image);
  const InputFile second(options.second_file);
  const Scene scene = MakeScene(options, old_image, second);

  const libdelta::PatchSourceKind source =
      options.source == "stream" ? libdelta::PatchSourceKind::kStream : libdelta::PatchSourceKind::kStored;
  Progress progress("fwdelta: cutting power");
  campaign.progress = [&progress](uint64_t done, uint64_t total) { progress.Show(done, total); };
  const libdelta::CampaignResult result = Simulate(scene.profile, source, old_image.bytes(), scene.new_image,
                                                   scene.patch, second.name(), campaign);
  progress.Clear();
  const Json report = SimulationJson(options, scene, result);
  if (!options.json) Report(SimulationText(options, scene, result));
  if (result.failure_count != 0) {
    throw Failure{ExitCode::kUnsafe,
                  fmt::format("{} in {}; first: {}", Count(result.failure_count, "failure"),
                              Count(result.runs + 1, "run"), result.failures.front()),
                  report};
  }
  if (options.json) ReportJson(report);
}

}  // namespace

void AddSimulate(const Command& program) {
  auto options = std::make_shared<SimulateOptions>();
  const Command command = program.AddCommand(
      "simulate", "Show what an update in place costs on a board, and cut its power in many ways");
  command.AddArgument("OLD", &options->old_image, "The image in the slot").Required();
  command.AddArgument("NEW", &options->second_file, "The new image, or a patch for updates in place")
      .Required();
  AddDeviceOption(command, &options->device).Required();
  command.AddOption("--source", "SOURCE", &options->source, "Of the patch: stream (default) or stored")
      .OneOf({"stream", "stored"});
  command.AddOption("--cuts", "CUTS", &options->cuts,
                    "Power cuts: none (default), every, random:N (runs with several), nested:N (second cuts "
                    "during the recovery from N)");
  command.AddOption("--seed", "N", &options->seed, "Of all that is random (default 1)");
  command.AddSize("--ram", &options->ram, "RAM the device may use in all (default: that of --device)");
  command.AddFlag("--all", &options->all, "Cut at each operation, however many there are");
  AddJsonOption(command, &options->json);
  command.SetFooter("Example:\n  fwdelta simulate old.bin new.bin --device nrf52840 --cuts every");
  command.SetAction([options] { RunSimulate(*options); });
}

}  // namespace fwdelta
