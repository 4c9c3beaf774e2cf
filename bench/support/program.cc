#include "bench/support/program.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

namespace bench {

void Die(const std::string& message) {
  fmt::print(stderr, "bench: {}\n", message);
  std::exit(1);
}

Options ParseOptions(int argc, char** argv, const std::vector<std::string>& flags,
                     const std::vector<std::string>& values) {
  const auto has = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  Options options;
  for (int i = 1; i < argc; i++) {
    const std::string argument = argv[i];
    const std::string name = argument.substr(std::min(argument.find_first_not_of('-'), argument.size()));
    const bool takes_value = has(values, name);
    if (!takes_value && !has(flags, name)) {
      Die(fmt::format("unknown option '{}'; the head of the program's source lists them", argument));
    }
    if (takes_value && i + 1 == argc) Die(fmt::format("no value for {}", argument));
    options[name] = takes_value ? argv[++i] : "";
  }
  return options;
}

std::string Get(const Options& options, const std::string& name, const std::string& otherwise) {
  const auto found = options.find(name);
  return found == options.end() ? otherwise : found->second;
}

unsigned Threads(const Options& options) {
  const auto found = options.find("j");
  const uint64_t count =
      found == options.end() ? std::thread::hardware_concurrency() : ParseNumber(found->second);
  return static_cast<unsigned>(std::max<uint64_t>(1, count));
}

std::vector<uint64_t> ParseSizes(const std::string& text) {
  std::vector<uint64_t> sizes;
  for (std::string part : Split(text, ',')) {
    const char unit = part.empty() ? '\0' : part.back();
    if (unit == 'K' || unit == 'M') part.pop_back();
    sizes.push_back(ParseNumber(part) << (unit == 'K' ? 10 : unit == 'M' ? 20 : 0));
  }
  if (sizes.empty()) Die("sizes are missing; an example: 8K,64K");
  return sizes;
}

std::string FormatSize(uint64_t bytes) {
  if (bytes != 0 && bytes % (1u << 20) == 0) return fmt::format("{}M", bytes >> 20);
  if (bytes != 0 && bytes % (1u << 10) == 0) return fmt::format("{}K", bytes >> 10);
  return fmt::format("{}", bytes);
}

uint64_t ParseNumber(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) Die(fmt::format("not a number: '{}'", text));
  return value;
}

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

std::string ReadText(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) Die(fmt::format("cannot read {}", path.string()));
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

libdelta::Bytes ReadBytes(const std::filesystem::path& path) {
  const std::string text = ReadText(path);
  return {text.begin(), text.end()};
}

void WriteText(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  if (!file.flush()) Die(fmt::format("cannot write {}", path.string()));
}

std::string FormatRatio(uint64_t part, uint64_t whole) {
  if (whole == 0) return "";
  const uint64_t thousandths = (part * 2000 + whole) / (2 * whole);
  return fmt::format("{}.{:03}", thousandths / 1000, thousandths % 1000);
}

void ForEach(size_t count, unsigned threads, const std::function<void(size_t)>& job) {
  std::atomic<size_t> next = 0;
  std::vector<std::jthread> workers;
  for (unsigned i = 0; i < threads; i++) {
    workers.emplace_back([&] {
      for (size_t k = next++; k < count; k = next++) job(k);
    });
  }
}

bool WriteOrCheck(const Options& options, const std::string& text, const std::string& remedy) {
  if (options.contains("out")) WriteText(options.at("out"), text);
  if (!options.contains("check")) return true;
  const std::string& path = options.at("check");
  const std::string committed = ReadText(path);
  if (text == committed) {
    fmt::print("{}: as committed\n", path);
    return true;
  }
  const std::vector<std::string> old_lines = Split(committed, '\n');
  const std::vector<std::string> new_lines = Split(text, '\n');
  for (size_t i = 0; i < std::max(old_lines.size(), new_lines.size()); i++) {
    const std::string old_line = i < old_lines.size() ? old_lines[i] : "";
    const std::string new_line = i < new_lines.size() ? new_lines[i] : "";
    if (old_line != new_line) fmt::print("-{}\n+{}\n", old_line, new_line);
  }
  fmt::print("sizes changed; if that is meant, run '{}' and commit {}\n", remedy, path);
  return false;
}

}  // namespace bench
