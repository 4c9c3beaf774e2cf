// fwdelta label: the update data label, which tells a customer what updates are and what they cost.

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fwdelta/command.h"
#include "fwdelta/cost_options.h"
#include "fwdelta/failure.h"
#include "fwdelta/label_report.h"
#include "fwdelta/policy_options.h"
#include "libdelta/cost/label.h"
#include "libdelta/cost/model.h"

namespace fwdelta {
namespace {

struct LabelOptions {
  std::string patch;
  ProfileOptions profiles;
  FlashOptions flash;
  std::string battery = "cr2032";
  std::string product;
  std::string support_until;
  std::string from;
  std::string paid_by;
  std::string installed;
  double updates_per_year = 12;
  bool html = false;
  bool text = false;
  bool json = false;
  OutputOptions out;
};

libdelta::Date ParseDateOption(const char* option, const std::string& text) {
  const libdelta::Result<libdelta::Date> date = libdelta::ParseDate(text);
  if (!date.ok()) Fail(ExitCode::kUsage, "{} {}", option, date.error());
  return date.value();
}

libdelta::Date Today() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return libdelta::DateOfDay(std::chrono::duration_cast<std::chrono::days>(now).count());
}

LabelReport MakeReport(const LabelOptions& options, const libdelta::Catalog& catalog) {
  LabelReport report;
  report.prices_as_of = catalog.as_of;
  report.size = LoadUpdate(options.patch, std::nullopt);
  if (!report.size.summary) {
    Fail(ExitCode::kUsage, "{}: a label is made for a patch, not for a size", options.patch);
  }
  report.product = options.product.empty() ? report.size.name : options.product;
  report.is_paid_by_user = options.paid_by == "user";
  report.installed = options.installed;
  report.battery = FindBattery(catalog, options.battery);
  libdelta::LabelTerms terms;
  terms.from = options.from.empty() ? Today() : ParseDateOption("--from", options.from);
  terms.support_until = ParseDateOption("--support-until", options.support_until);
  terms.updates_per_year = options.updates_per_year;
  libdelta::Result<libdelta::UpdateLabel> label = libdelta::MakeLabel(terms);
  if (!label.ok()) Fail(ExitCode::kUsage, "{}", label.error());
  report.label = std::move(label.value());
  const UpdateFlash flash = EstimateFlash(catalog, options.flash, report.size);
  report.flash_note = flash.note;
  libdelta::Conditions conditions;
  conditions.resume_unit_bytes = report.size.chunk_bytes;
  for (const PricedLink& on : LoadProfiles(catalog, options.profiles)) {
    const libdelta::Result<libdelta::Cost> cost = libdelta::EstimateCost(
        on.plan, on.link, report.size.bytes, conditions, flash.update ? &*flash.update : nullptr);
    if (!cost.ok()) Fail(ExitCode::kUsage, "{}", cost.error());
    libdelta::AddLine(on.profile, on.plan, on.link, cost.value(), &report.label);
  }
  return report;
}

std::string Rendered(const LabelOptions& options, const LabelReport& report,
                     const libdelta::Catalog& catalog) {
  if (options.html) return ToHtml(report, catalog);
  if (options.json) return ToJson(report, catalog).dump(2) + "\n";
  return ToText(report, catalog);
}

void RunLabel(const LabelOptions& options) {
  if (options.html + options.text + options.json > 1) {
    Fail(ExitCode::kUsage, "--html, --text and --json: choose one of them");
  }
  const libdelta::Catalog catalog = LoadCatalog();
  const LabelReport report = MakeReport(options, catalog);
  const std::string text = Rendered(options, report, catalog);
  if (options.out.path.empty()) return Report(text);
  OutputFile output(options.out.path, {.force = options.out.force});
  output.Write({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  output.Commit();
}

}  // namespace

void AddLabel(const Command& program) {
  auto options = std::make_shared<LabelOptions>();
  const Command command = program.AddCommand(
      "label", "Make a label that tells a customer how long there are updates and what they cost");
  command.AddArgument("PATCH", &options->patch, "A typical update, \"-\" for standard input").Required();
  AddProfileOptions(command, &options->profiles);
  command
      .AddOption("--support-until", "DATE", &options->support_until,
                 "Last day of security updates, YYYY-MM-DD")
      .Required();
  command.AddOption("--paid-by", "WHO", &options->paid_by, "Who pays for the data: user or vendor")
      .Required()
      .OneOf({"user", "vendor"});
  command.AddOption("--updates-per-year", "N", &options->updates_per_year,
                    "How many there will be (default 12)");
  command.AddOption("--from", "DATE", &options->from, "The label's date (default: today)");
  command.AddOption("--product", "NAME", &options->product, "Name on the label (default: the patch's)");
  command
      .AddOption(
          "--installed", "HOW", &options->installed,
          "How updates are installed: automatic, postponable (automatic, can be postponed), on-request")
      .OneOf({"automatic", "postponable", "on-request"});
  AddFlashOptions(command, &options->flash);
  command.AddOption("--battery", "ID", &options->battery, "cr2032 (default) or 2xAA-alkaline");
  command.AddFlag("--html", &options->html, "A page of its own, with details to open");
  command.AddFlag("--text", &options->text, "Text (default)");
  AddJsonOption(command, &options->json);
  AddOutOption(command, &options->out, "Where it goes (default: standard output)");
  command.SetFooter(
      "Example:\n  fwdelta label update.fwd --profile P12,P03 --support-until 2031-06-30 --paid-by user "
      "--html "
      "--out label.html");
  command.SetAction([options] { RunLabel(*options); });
}

}  // namespace fwdelta
