// The subcommands. Each Add...() declares one's options; parsing the command line then runs it.
#ifndef TOOLS_FWDELTA_COMMAND_H_
#define TOOLS_FWDELTA_COMMAND_H_

#include <string>
#include <string_view>

#include "fwdelta/command_line.h"
#include "fwdelta/files.h"
#include "fwdelta/patch_summary.h"

namespace fwdelta {

void AddKeygen(const Command& program);
void AddCreate(const Command& program);
void AddExplain(const Command& program);
void AddSign(const Command& program);
void AddFlatten(const Command& program);
void AddInfo(const Command& program);
void AddVerify(const Command& program);
void AddApply(const Command& program);
void AddSimulate(const Command& program);
void AddServe(const Command& program);
void AddCost(const Command& program);
void AddLabel(const Command& program);

// Where an output goes, and whether it may replace a file: options that several commands have.
struct OutputOptions {
  std::string path;
  bool force = false;
};
Option AddOutOption(const Command& command, OutputOptions* options, const std::string& description);

void AddJsonOption(const Command& command, bool* json);

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
