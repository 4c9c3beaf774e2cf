// The subcommands. Each Add...() declares one's options; parsing the command line then runs it.
#ifndef TOOLS_FWDELTA_COMMAND_H_
#define TOOLS_FWDELTA_COMMAND_H_

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>

#include "fwdelta/files.h"
#include "fwdelta/patch_summary.h"

namespace fwdelta {

void AddKeygen(CLI::App* app);
void AddCreate(CLI::App* app);
void AddExplain(CLI::App* app);
void AddSign(CLI::App* app);
void AddFlatten(CLI::App* app);
void AddInfo(CLI::App* app);
void AddVerify(CLI::App* app);
void AddApply(CLI::App* app);
void AddSimulate(CLI::App* app);
void AddServe(CLI::App* app);
void AddCost(CLI::App* app);
void AddLabel(CLI::App* app);

// Where an output goes, and whether it may replace a file: options that several commands have.
struct OutputOptions {
  std::string path;
  bool force = false;
};
CLI::Option* AddOutOption(CLI::App* command, OutputOptions* options, const std::string& description);

void AddJsonOption(CLI::App* command, bool* json);

// Throws a Failure (kUsage) when both a report and an output file want standard output.
void CheckJsonOutput(bool json, const std::string& out);

// Prints text to standard output.
void Report(std::string_view text);

// The same, but to standard error when `output` is a stream and may be standard output itself.
void ReportBeside(const OutputFile& output, std::string_view text);

// Prints a JSON document to standard output. Bytes that are not UTF-8 (in file names) are replaced.
void ReportJson(const Json& json);

}  // namespace fwdelta

#endif  // TOOLS_FWDELTA_COMMAND_H_
