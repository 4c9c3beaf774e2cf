#include "fwdelta/command.h"

#include <fmt/format.h>

#include <cstdio>

#include "fwdelta/failure.h"

namespace fwdelta {
namespace {

void Print(FILE* file, std::string_view text) {
  // A report that got lost must not look like success.
  if (fwrite(text.data(), 1, text.size(), file) != text.size() || fflush(file) != 0) {
    Fail(ExitCode::kIo, "cannot write the report: the output is closed or full");
  }
}

}  // namespace

Option AddOutOption(const Command& command, OutputOptions* options, const std::string& description) {
  command.AddFlag("--force", &options->force, "Replace an existing output file");
  return command.AddOption("--out", "FILE", &options->path, description);
}

void AddJsonOption(const Command& command, bool* json) {
  command.AddFlag("--json", &*json, "Report in JSON on standard output, errors as well");
}

void CheckJsonOutput(bool json, const std::string& out) {
  if (json && out == kStream) {
    Fail(ExitCode::kUsage, "--json and \"--out -\" both want standard output; give --out a file name");
  }
}

void Report(std::string_view text) { Print(stdout, text); }

void ReportBeside(const OutputFile& output, std::string_view text) {
  Print(output.is_stream() ? stderr : stdout, text);
}

void ReportJson(const Json& json) {
  Print(stdout, json.dump(2, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace) + "\n");
}

}  // namespace fwdelta
