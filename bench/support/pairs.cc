#include "bench/support/pairs.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <sstream>
#include <tuple>
#include <utility>

namespace bench {

namespace {

std::vector<Pair> CorpusPairs(const std::filesystem::path& corpus, const std::string& only) {
  std::istringstream table(ReadText(corpus / "peers.tsv"));
  std::string line;
  std::getline(table, line);
  const std::vector<std::string> names = Split(line, '\t');
  std::vector<Pair> pairs;
  while (std::getline(table, line)) {
    const std::vector<std::string> values = Split(line, '\t');
    std::map<std::string, std::string> field;
    for (size_t i = 0; i < std::min(names.size(), values.size()); i++) field[names[i]] = values[i];
    const std::filesystem::path folder = corpus / field["set"] / field["id"];
    if (!std::filesystem::exists(folder / "new.bin")) continue;
    if (field["id"].find(only) == std::string::npos) continue;
    const auto peer = [&field](const std::string& column) {
      const std::string& bytes = field[column];
      return Peer{field[column + "_name"], bytes.empty() ? 0 : ParseNumber(bytes)};
    };
    std::map<std::string, uint64_t> peers;
    for (const auto& [column, value] : field) {
      const bool is_size = column == "xz" || column.find(':') != std::string::npos;
      if (is_size && !value.empty()) peers[column] = ParseNumber(value);
    }
    pairs.push_back({field["set"], field["id"], field["class"], field["isa"], field["kind"], folder,
                     std::nullopt, peer("best"), peer("best_mcu"), std::move(peers)});
  }
  return pairs;
}

std::vector<Pair> GeneratedPairs() {
  const auto pair = [](std::string id, std::string kind, const ThumbProgram& program) {
    return Pair{"generated", std::move(id), "mcu", "thumb", std::move(kind), {}, program, {}, {}, {}};
  };
  return {
      pair("identical", "rebuild", {11, 40000, 0, 0, 0, 0}),
      pair("one-variable", "rebuild", {12, 60000, 0, 0, 0, 1}),
      pair("point-24k", "point", {13, 24000, 5, 0, 2, 1}),
      pair("point-96k", "point", {14, 96000, 5, 0, 2, 1}),
      pair("minor-64k", "minor", {15, 64000, 60, 10, 10, 4}),
      pair("major-48k", "major", {16, 48000, 300, 150, 100, 20}),
      pair("unrelated-16k", "major", {17, 16000, 0, 1000, 0, 0}),
  };
}

}  // namespace

std::vector<Pair> SelectPairs(const Options& options) {
  const std::string corpus = Get(options, "corpus", "");
  if (options.contains("generated") == !corpus.empty()) Die("give either --corpus DIR or --generated");
  std::vector<Pair> pairs = corpus.empty() ? GeneratedPairs() : CorpusPairs(corpus, Get(options, "only", ""));
  if (pairs.empty()) Die("no pairs");
  std::sort(pairs.begin(), pairs.end(),
            [](const Pair& a, const Pair& b) { return std::tie(a.set, a.id) < std::tie(b.set, b.id); });
  return pairs;
}

ImagePair Load(const Pair& pair) {
  if (pair.program) return MakeThumbImages(*pair.program);
  return {ReadBytes(pair.folder / "old.bin"), ReadBytes(pair.folder / "new.bin")};
}

}  // namespace bench
