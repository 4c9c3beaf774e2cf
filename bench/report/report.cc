// Measures and prices all ways to ship an update, and makes the page that shows them. bench/report.sh runs
// it.
//
//   bench_report pairs --generated --out DIR
//       Writes the generated pairs to DIR/ID/{old,new}.bin, for programs that want files.
//   bench_report measure (--corpus DIR --recipe bench/corpus.tsv | --generated) --peers DIR --board NAME
//                        --out DIR [-j N]
//       Writes sizes.csv, costs.csv, report.json and chart.svg. Of each pair, bench/peers.sh has been run:
//       --peers has its outputs, ID.tsv.
//   bench_report page --report DIR --template DIR --libraries DIR
//       Makes DIR/index.html of DIR/report.json.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "bench/report/chart.h"
#include "bench/report/costs.h"
#include "bench/report/measure.h"
#include "bench/report/output.h"
#include "bench/support/pairs.h"
#include "bench/support/program.h"

namespace bench {
namespace {

void WritePairs(const Options& options) {
  for (const Pair& pair : SelectPairs(options)) {
    const std::filesystem::path folder = std::filesystem::path(Get(options, "out", "")) / pair.id;
    std::filesystem::create_directories(folder);
    const ImagePair images = Load(pair);
    WriteText(folder / "old.bin", {images.old_image.begin(), images.old_image.end()});
    WriteText(folder / "new.bin", {images.new_image.begin(), images.new_image.end()});
  }
}

Board FindBoard(const libdelta::Catalog& catalog, const std::string& name) {
  libdelta::Result<libdelta::DeviceProfile> profile = libdelta::FindProfile(name);
  if (!profile.ok()) Die(profile.error());
  Board board;
  board.profile = std::move(profile.value());
  if (const libdelta::FlashSpread* spread = catalog.FindFlashSpread(name)) board.spread = *spread;
  return board;
}

// Of bench/corpus.tsv, by pair.
std::map<std::string, Package> ReadPackages(const std::filesystem::path& recipe) {
  std::map<std::string, Package> packages;
  std::istringstream lines(ReadText(recipe));
  std::string line;
  std::getline(lines, line);
  if (!line.starts_with("id\tclass\tisa\tkind\tsource\tfolder\tpackage\told_version\tnew_version\t")) {
    Die(fmt::format("{}: not a table like bench/corpus.tsv", recipe.string()));
  }
  while (std::getline(lines, line)) {
    const std::vector<std::string> fields = Split(line, '\t');
    packages[fields.at(0)] = {fields.at(4), fields.at(6), fields.at(7), fields.at(8)};
  }
  return packages;
}

void Measure(const Options& options) {
  libdelta::Result<libdelta::Catalog> catalog = libdelta::BuiltInCatalog();
  if (!catalog.ok()) Die(catalog.error());
  Report report;
  report.catalog = std::move(catalog.value());
  report.board = FindBoard(report.catalog, Get(options, "board", "nrf52840"));
  report.is_generated = options.contains("generated");
  if (!report.is_generated) report.packages = ReadPackages(Get(options, "recipe", ""));
  std::vector<Pair> pairs = SelectPairs(options);
  std::erase_if(pairs, [](const Pair& pair) { return pair.device_class != "mcu"; });
  report.pairs = MeasurePairs(pairs, Get(options, "peers", ""), report.board, Threads(options));
  report.costs = PriceAll(report.catalog, report.pairs);
  report.curves = PriceCurves(report.catalog);
  report.break_evens = FindBreakEvens(report.catalog, report.pairs);
  auto validations = libdelta::ValidateModel(report.catalog);
  if (!validations.ok()) Die(validations.error());
  report.validations = std::move(validations.value());
  const std::filesystem::path out = Get(options, "out", "");
  WriteText(out / "sizes.csv", FormatSizes(report));
  WriteText(out / "costs.csv", FormatCosts(report));
  WriteText(out / "report.json", FormatJson(report));
  // As good as any, and the one of README.md.
  const std::string favourite = "pyb-primehub-7.27.0-7.28.0";
  const bool has_favourite = std::any_of(report.pairs.begin(), report.pairs.end(),
                                         [&](const PairResult& pair) { return pair.pair.id == favourite; });
  WriteText(out / "chart.svg",
            FormatChart(report, has_favourite ? favourite : report.pairs.front().pair.id, "libdelta:64k"));
}

// Text that stands between <script> tags must not end them.
std::string InScript(std::string text) {
  for (size_t at = text.find("</"); at != std::string::npos; at = text.find("</", at + 3)) {
    text.insert(at + 1, "\\");
  }
  return text;
}

// The template, with each `@@FILE@@` replaced by that file of the report, of the libraries or of the
// template.
void MakePage(const Options& options) {
  const std::filesystem::path report = Get(options, "report", "");
  const std::filesystem::path folder = Get(options, "template", "");
  const std::filesystem::path libraries = Get(options, "libraries", "");
  const std::string page = ReadText(folder / "page.html");
  std::string result;
  size_t at = 0;
  for (size_t mark = page.find("@@"); mark != std::string::npos; mark = page.find("@@", at)) {
    const size_t end = page.find("@@", mark + 2);
    if (end == std::string::npos) Die("page.html: @@ without end");
    const std::string name = page.substr(mark + 2, end - mark - 2);
    result += page.substr(at, mark - at);
    at = end + 2;
    std::filesystem::path file = folder / name;
    for (const std::filesystem::path& other : {report / name, libraries / name}) {
      if (std::filesystem::exists(other)) file = other;
    }
    const std::string text = ReadText(file);
    result += name.ends_with(".js") || name.ends_with(".json") ? InScript(text) : text;
  }
  WriteText(report / "index.html", result + page.substr(at));
}

int Main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  const Options options = ParseOptions(
      argc - std::min(argc, 1), argv + std::min(argc, 1), {"generated"},
      {"corpus", "only", "peers", "board", "out", "j", "report", "template", "libraries", "recipe"});
  if (mode == "pairs") {
    WritePairs(options);
  } else if (mode == "measure") {
    Measure(options);
  } else if (mode == "page") {
    MakePage(options);
  } else {
    Die("pairs, measure or page; the head of bench/report/report.cc explains them");
  }
  return 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::Main(argc, argv); }
