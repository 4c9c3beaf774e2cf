// fwdelta cost: what an update costs who receives it, on many kinds of link and plan.

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fwdelta/command.h"
#include "fwdelta/cost_options.h"
#include "fwdelta/cost_report.h"
#include "fwdelta/failure.h"
#include "fwdelta/policy_options.h"
#include "libdelta/cost/model.h"
#include "libdelta/cost/validation.h"

namespace fwdelta {
namespace {

struct CostOptions {
  std::string update;
  std::optional<uint64_t> full;
  ProfileOptions profiles;
  FlashOptions flash;
  std::string battery = "cr2032";
  double interruptions = 0;
  bool no_resume = false;
  bool validate = false;
  bool json = false;
  bool csv = false;
};

CostRow MakeRow(const PricedLink& on, const CostReport& report, const UpdateFlash& flash) {
  const auto cost_of = [&](uint64_t bytes, const libdelta::Conditions& conditions,
                           const std::optional<libdelta::FlashWork>& work) {
    libdelta::Result<libdelta::Cost> cost =
        libdelta::EstimateCost(on.plan, on.link, bytes, conditions, work ? &*work : nullptr);
    if (!cost.ok()) Fail(ExitCode::kUsage, "{}", cost.error());
    return cost.value();
  };
  CostRow row;
  row.on = on;
  row.update = cost_of(report.update_bytes, report.conditions, flash.update);
  if (report.full_bytes) {
    libdelta::Conditions conditions = report.conditions;
    conditions.resume_unit_bytes = 0;  // Chunks are the patch's.
    row.full = cost_of(*report.full_bytes, conditions, flash.full);
  }
  row.break_even = libdelta::FindBreakEven(on.plan, on.link, flash.update ? &*flash.update : nullptr).value();
  return row;
}

void Validate(const CostOptions& options, const libdelta::Catalog& catalog) {
  const libdelta::Result<std::vector<libdelta::Validation>> result = libdelta::ValidateModel(catalog);
  if (!result.ok()) Fail(ExitCode::kInternal, "{}", result.error());
  if (options.json) return ReportJson(ToJson(result.value()));
  Report(options.csv ? ToCsv(result.value()) : ToText(result.value()));
}

void RunCost(const CostOptions& options) {
  if (options.json && options.csv) Fail(ExitCode::kUsage, "--json and --csv: choose one of them");
  if (options.validate != options.update.empty()) {
    Fail(ExitCode::kUsage, "give either a patch or size, or --validate");
  }
  const libdelta::Catalog catalog = LoadCatalog();
  if (options.validate) return Validate(options, catalog);
  const UpdateSize size = LoadUpdate(options.update, options.full);
  CostReport report;
  report.update_name = size.name;
  report.update_bytes = size.bytes;
  report.full_bytes = size.full_bytes;
  report.conditions.interruptions_per_hour = options.interruptions;
  report.conditions.resume = !options.no_resume;
  report.conditions.resume_unit_bytes = size.chunk_bytes;
  report.battery = FindBattery(catalog, options.battery);
  const UpdateFlash flash = EstimateFlash(catalog, options.flash, size);
  report.device = flash.device;
  report.flash_note = flash.note;
  for (const PricedLink& on : LoadProfiles(catalog, options.profiles)) {
    report.rows.push_back(MakeRow(on, report, flash));
  }
  if (options.json) return ReportJson(ToJson(report, catalog));
  Report(options.csv ? ToCsv(report) : ToText(report, catalog));
}

}  // namespace

void AddCost(const Command& program) {
  auto options = std::make_shared<CostOptions>();
  const Command command = program.AddCommand(
      "cost", "Show what an update costs in billed bytes, money, time, energy and flash, by link and plan");
  command.AddArgument("UPDATE", &options->update, "A patch, or a size such as 18K");
  command.AddSize("--full", &options->full,
                  "Size of the full image to compare with (default: the patch's new image)");
  AddProfileOptions(command, &options->profiles);
  AddFlashOptions(command, &options->flash);
  command.AddOption("--battery", "ID", &options->battery, "cr2032 (default) or 2xAA-alkaline");
  command.AddOption("--interruptions", "RATE", &options->interruptions,
                    "Interruptions in an hour of transfer, at random (default 0); gives expected values");
  command.AddFlag("--no-resume", &options->no_resume, "An interrupted transfer starts from nothing");
  command.AddFlag("--validate", &options->validate,
                  "Show what the model says of transfers that were measured");
  command.AddFlag("--csv", &options->csv, "Report as a table of comma-separated values");
  AddJsonOption(command, &options->json);
  command.SetFooter(
      "Example:\n  fwdelta cost update.fwd --profile all\n  fwdelta cost 18K --full 212K --profile P13");
  command.SetAction([options] { RunCost(*options); });
}

}  // namespace fwdelta
