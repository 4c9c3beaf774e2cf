// The `fwdelta` command: wires the subcommands, and turns every error into a message and an exit code.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <string_view>

#include "fwdelta/command.h"
#include "fwdelta/exit_codes.h"
#include "fwdelta/failure.h"
#include "fwdelta/files.h"
#include "libdelta/adapters/keys.h"
#include "libdelta/wire/format.h"

namespace fwdelta {
namespace {

std::string ExitCodeHelp() {
  std::string text = "Exit codes:\n";
  for (const ExitCodeEntry& entry : kExitCodes) {
    text += fmt::format("  {:>2}  {}\n", static_cast<int>(entry.code), entry.meaning);
  }
  return text +
         "\nExample:\n"
         "  fwdelta keygen --out release\n"
         "  fwdelta create old.bin new.bin --key release.key --out update.fwd\n"
         "  fwdelta apply old.bin update.fwd --trust release.pub --out new.bin";
}

const char* NameOf(ExitCode code) {
  for (const ExitCodeEntry& entry : kExitCodes) {
    if (entry.code == code) return entry.name;
  }
  return "unknown";
}

// Shows positional arguments by their bare names; their descriptions say which may be left out.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_option_usage(const CLI::Option* option) const override { return option->get_name(true); }
};

int ReportFailure(const Failure& failure, bool json) {
  fmt::print(stderr, "fwdelta: {}\n", failure.message);
  const int code = static_cast<int>(failure.code);
  if (json) {
    Json report = {
        {"ok", false}, {"exit_code", code}, {"error", NameOf(failure.code)}, {"message", failure.message}};
    report.update(failure.report);
    fmt::print("{}\n", report.dump(2, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace));
  }
  return code;
}

// Asked for before parsing, because a command line that cannot be parsed is an error to report as well.
bool WantsJson(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (argv[i] == std::string_view("--json")) return true;
  }
  return false;
}

void AddCommands(CLI::App* app) {
  app->set_version_flag(
      "--version", fmt::format("fwdelta {} (patch format {})", FWDELTA_VERSION, libdelta::kFormatVersion));
  app->footer(ExitCodeHelp());
  app->formatter(std::make_shared<HelpFormatter>());
  app->require_subcommand(1);
  const Command program(app);
  AddKeygen(program);
  AddCreate(program);
  AddExplain(program);
  AddSign(program);
  AddFlatten(program);
  AddInfo(program);
  AddVerify(program);
  AddApply(program);
  AddSimulate(program);
  AddServe(program);
  AddCost(program);
  AddLabel(program);
}

Failure UsageFailure(const CLI::App& app, const CLI::ParseError& error) {
  std::string command = "fwdelta";
  for (const CLI::App* sub : app.get_subcommands()) command += " " + sub->get_name();
  return {ExitCode::kUsage, fmt::format("{} (see {} --help)", error.what(), command)};
}

int Main(int argc, char** argv) {
  const bool json = WantsJson(argc, argv);
  CLI::App app("Creates, signs, checks and applies signed firmware deltas.", "fwdelta");
  try {
    if (!libdelta::InitializeKeys()) Fail(ExitCode::kInternal, "the system gives no random numbers");
    InstallSignalHandlers();
    AddCommands(&app);
    app.parse(argc, argv);
    return static_cast<int>(ExitCode::kOk);
  } catch (const CLI::Success& help_or_version) {
    return app.exit(help_or_version);
  } catch (const CLI::ParseError& error) {
    return ReportFailure(UsageFailure(app, error), json);
  } catch (const Failure& failure) {
    return ReportFailure(failure, json);
  } catch (const std::exception& error) {
    return ReportFailure({ExitCode::kInternal, error.what()}, json);
  }
}

}  // namespace
}  // namespace fwdelta

int main(int argc, char** argv) { return fwdelta::Main(argc, argv); }
