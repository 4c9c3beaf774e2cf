// Runs a fuzz harness without a fuzzer: over each file given on the command line, each file in each
// directory given, and a fixed number of variations of each. Any compiler can build it, and the same
// inputs always give the same run. A path without files is a failure: nothing would have been tested.
//
//   fuzz_NAME_replay VARIATIONS PATH...
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<uint8_t>;

constexpr size_t kMaxInput = 1 << 20;

std::vector<fs::path> FilesIn(const fs::path& path) {
  std::error_code error;
  std::vector<fs::path> files;
  if (fs::is_regular_file(path, error)) files.push_back(path);
  if (fs::is_directory(path, error)) {
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());  // Directory order differs between file systems.
  return files;
}

// Some bits flipped, and sometimes the end cut off.
Bytes Variation(Bytes bytes, std::mt19937_64* random) {
  if (bytes.empty()) return bytes;
  for (uint64_t flips = 1 + (*random)() % 4; flips != 0; --flips) {
    uint8_t& byte = bytes[(*random)() % bytes.size()];
    byte = static_cast<uint8_t>(byte ^ 1u << ((*random)() % 8));
  }
  if ((*random)() % 4 == 0) bytes.resize((*random)() % bytes.size());
  return bytes;
}

// Returns how many inputs were run.
int RunWithVariations(const Bytes& bytes, int variations) {
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  std::mt19937_64 random(bytes.size());
  for (int i = 0; i < variations; ++i) {
    const Bytes variation = Variation(bytes, &random);
    LLVMFuzzerTestOneInput(variation.data(), variation.size());
  }
  return 1 + variations;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s VARIATIONS PATH...\n", argv[0]);
    return 2;
  }
  const int variations = std::atoi(argv[1]);
  int files = 0;
  int empty_paths = 0;
  int runs = RunWithVariations({}, variations) + RunWithVariations(Bytes(300, 0xff), variations);
  for (int i = 2; i < argc; ++i) {
    const std::vector<fs::path> paths = FilesIn(argv[i]);
    if (paths.empty()) {
      std::fprintf(stderr, "%s: no files\n", argv[i]);
      ++empty_paths;
    }
    for (const fs::path& path : paths) {
      std::ifstream stream(path, std::ios::binary);
      Bytes bytes{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
      bytes.resize(std::min(bytes.size(), kMaxInput));
      runs += RunWithVariations(bytes, variations);
      ++files;
    }
  }
  std::printf("%d files, %d runs\n", files, runs);
  return empty_paths == 0 ? 0 : 1;
}
