// What the measuring programs have in common: arguments, files, exact CSV text.
#ifndef BENCH_SUPPORT_PROGRAM_H_
#define BENCH_SUPPORT_PROGRAM_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libdelta/host.h"

namespace bench {

// Prints the message and ends the program.
[[noreturn]] void Die(const std::string& message);

// Options by name, without the dashes in front. `flags` have no value (it is empty here), `values` have one.
// Dies of anything else.
using Options = std::map<std::string, std::string>;
Options ParseOptions(int argc, char** argv, const std::vector<std::string>& flags,
                     const std::vector<std::string>& values);

// The option's value, or `otherwise` if it was not given.
std::string Get(const Options& options, const std::string& name, const std::string& otherwise);
// Of -j; by default as many as the machine has.
unsigned Threads(const Options& options);

// Bytes, as in "8K,64K,1M".
std::vector<uint64_t> ParseSizes(const std::string& text);
// The other way round; bytes where neither fits.
std::string FormatSize(uint64_t bytes);

uint64_t ParseNumber(std::string_view text);
std::vector<std::string> Split(const std::string& text, char separator);
std::string ReadText(const std::filesystem::path& path);
libdelta::Bytes ReadBytes(const std::filesystem::path& path);
void WriteText(const std::filesystem::path& path, const std::string& text);

// Thousandths, rounded; integers only, so that the text is the same everywhere. Empty if `whole` is 0.
std::string FormatRatio(uint64_t part, uint64_t whole);

// Runs job(0) .. job(count - 1) on `threads` threads.
void ForEach(size_t count, unsigned threads, const std::function<void(size_t)>& job);

// Does what --out and --check ask for. False if `text` is not what the file of --check has: prints the
// difference and says that `remedy` makes it anew.
bool WriteOrCheck(const Options& options, const std::string& text, const std::string& remedy);

}  // namespace bench

#endif  // BENCH_SUPPORT_PROGRAM_H_
