// fwdelta explain: where the bytes of a patch go, and what would save some.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fwdelta/causes.h"
#include "fwdelta/command.h"
#include "fwdelta/device_options.h"
#include "fwdelta/encode_options.h"
#include "fwdelta/failure.h"
#include "fwdelta/files.h"
#include "fwdelta/progress.h"
#include "fwdelta/symbols.h"
#include "fwdelta/text.h"
#include "libdelta/host.h"
#include "libdelta/wire/format.h"

namespace fwdelta {
namespace {

using libdelta::CostTrace;

struct ExplainOptions {
  std::string old_image;
  std::string new_image;
  std::string old_map;
  std::string new_map;
  uint64_t top = 20;
  bool json = false;
  EncodeArguments encoding;
};

struct Row {
  std::string name;
  uint64_t cost = 0;  // In the units of CostTrace.
  uint64_t bytes = 0;
  uint64_t start = 0;  // In the new image, where it is a part of it.
  uint64_t end = 0;
  std::string note;
};

// Gives each row its bytes, so that they add up to `total`: the largest fractions are rounded up.
void Apportion(std::vector<Row>* rows, uint64_t total) {
  uint64_t sum = 0;
  for (const Row& row : *rows) sum += row.cost;
  if (sum == 0) return;
  const uint64_t unit = (sum >> 32) + 1;  // Makes products fit.
  std::vector<std::pair<uint64_t, size_t>> fractions;
  uint64_t given = 0;
  for (size_t i = 0; i < rows->size(); ++i) {
    const uint64_t product = (*rows)[i].cost / unit * total;
    (*rows)[i].bytes = product / (sum / unit);
    given += (*rows)[i].bytes;
    fractions.emplace_back(product % (sum / unit), i);
  }
  std::stable_sort(fractions.begin(), fractions.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  for (size_t i = 0; given < total; i = (i + 1) % fractions.size(), ++given)
    ++(*rows)[fractions[i].second].bytes;
}

// Everything that is said about a pair.
struct Explanation {
  uint64_t patch_bytes = 0;  // With one signature.
  std::string payload;
  std::vector<Row> kinds;  // All of the patch.
  // All of the payload, if there is a trace of it.
  std::vector<Row> regions;
  std::vector<Row> sections;
  std::vector<Row> symbols;
  std::vector<Row> causes;  // As in Cause.
  std::vector<std::string> stamps;
};

constexpr char kTables[] = "(tables)";
constexpr char kElsewhere[] = "(elsewhere)";

// What the streams are in the words of a user.
std::string KindOf(const std::string& stream) {
  static const std::map<std::string, std::string> kKinds = {
      {"prologue", "templates"},         {"map", "maps and segments"}, {"operations", "copy operations"},
      {"literals", "literals"},          {"clean", "unchanged parts"}, {"references", "references"},
      {"hits", "places of differences"}, {"misses", "differences"},
  };
  const auto kind = kKinds.find(stream);
  return kind == kKinds.end() ? stream : kind->second;
}

// Sums the trace up by place; what is in none is a row of its own.
std::vector<Row> ByPlace(const CostTrace& trace, const std::vector<Place>& places) {
  std::vector<Row> rows;
  for (const Place& place : places) rows.push_back({place.name, 0, 0, place.start, place.end, {}});
  Row tables{kTables, 0, 0, 0, 0, {}};
  Row elsewhere{kElsewhere, 0, 0, 0, 0, {}};
  for (const CostTrace::Cost& cost : trace.costs) {
    if (cost.position == CostTrace::kNowhere) {
      tables.cost += cost.cost;
      continue;
    }
    const auto after = std::upper_bound(places.begin(), places.end(), cost.position,
                                        [](uint64_t at, const Place& place) { return at < place.start; });
    const bool inside = after != places.begin() && cost.position < (after - 1)->end;
    (inside ? rows[static_cast<size_t>(after - places.begin() - 1)] : elsewhere).cost += cost.cost;
  }
  rows.push_back(elsewhere);
  rows.push_back(tables);
  return rows;
}

std::vector<Place> Regions(uint64_t size) {
  constexpr uint64_t kMaxRegions = 16;
  uint64_t step = 1024;
  while (size / step >= kMaxRegions) step *= 2;
  std::vector<Place> regions;
  for (uint64_t at = 0; at < size; at += step) regions.push_back({"", at, std::min(size, at + step)});
  return regions;
}

// Rows that cost something, the most expensive ones first.
std::vector<Row> Ranked(std::vector<Row> rows) {
  std::erase_if(rows, [](const Row& row) { return row.cost == 0; });
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.cost > b.cost; });
  return rows;
}

// What became of a symbol since the old release.
void CompareSizes(const std::vector<Symbol>& before, const std::vector<Symbol>& after,
                  std::vector<Row>* rows) {
  std::map<std::string, uint64_t> old_sizes;
  std::map<std::string, uint64_t> new_sizes;
  for (const Symbol& symbol : before) old_sizes[symbol.name] = symbol.size;
  for (const Symbol& symbol : after) new_sizes[symbol.name] = symbol.size;
  for (Row& row : *rows) {
    const auto now = new_sizes.find(row.name);
    if (now == new_sizes.end()) continue;
    const auto was = old_sizes.find(row.name);
    if (was == old_sizes.end()) {
      row.note = "new";
    } else if (was->second != now->second) {
      row.note = fmt::format("{:+} bytes", static_cast<int64_t>(now->second - was->second));
    }
  }
}

// The table of an image, from its map or from itself. Empty: there is none.
std::optional<SymbolTable> TableOf(const InputFile& image, const std::string& map) {
  if (!map.empty()) {
    const InputFile file(map);
    return ReadSymbols(file.bytes(), file.name());
  }
  if (IsElf(image.bytes())) return ReadSymbols(image.bytes(), image.name());
  return std::nullopt;
}

class Explainer {
 public:
  explicit Explainer(const ExplainOptions& options)
      : options_(options), old_(options.old_image), new_(options.new_image) {}

  Explanation Run() {
    const std::optional<SymbolTable> old_table = TableOf(old_, options_.old_map);
    const std::optional<SymbolTable> new_table = TableOf(new_, options_.new_map);
    Encode();
    ExplainKinds();
    if (trace_.costs.empty()) return std::move(result_);
    result_.regions = ByPlace(trace_, Regions(new_.bytes().size()));
    if (new_table) ExplainSymbols(*new_table, old_table);
    ExplainCauses();
    for (std::vector<Row>* rows : {&result_.regions, &result_.sections, &result_.symbols, &result_.causes}) {
      Apportion(rows, patch_.stats.payload_bytes);
    }
    return std::move(result_);
  }

  // Of the image's first byte; empty: not known.
  std::optional<uint64_t> base() const {
    if (options_.encoding.load_address != "auto") return ParseNumber(options_.encoding.load_address);
    if (patch_.stats.load_address != 0) return patch_.stats.load_address;
    return std::nullopt;
  }

 private:
  void Encode() {
    const std::optional<libdelta::DeviceProfile> device = LoadDevice(options_.encoding);
    if (device) {
      CheckImageFits(*device, old_.name(), old_.bytes().size());
      CheckImageFits(*device, new_.name(), new_.bytes().size());
    }
    libdelta::EncodeOptions encode = MakeEncodeOptions(options_.encoding, device);
    Progress progress("fwdelta: explaining");
    encode.progress = [&progress](int per_mille) { progress.Show(static_cast<uint64_t>(per_mille), 1000); };
    encode.trace = &trace_;
    libdelta::Result<libdelta::Patch> patch = libdelta::Encode(old_.bytes(), new_.bytes(), encode);
    if (!patch.ok()) Fail(ExitCode::kUsage, "{}", patch.error());
    patch_ = std::move(patch.value());
  }

  void ExplainKinds() {
    const libdelta::EncodeStats& stats = patch_.stats;
    result_.payload = stats.payload;
    result_.patch_bytes = patch_.bytes.size() + libdelta::kSignatureEntrySize;
    std::vector<Row> streams;
    for (const auto& [name, bits] : stats.stream_bits) streams.push_back({KindOf(name), 0, 0, 0, 0, {}});
    for (const CostTrace::Cost& cost : trace_.costs) streams[cost.stream].cost += cost.cost;
    if (trace_.costs.empty()) streams = {{stats.payload, stats.payload_bytes, 0, 0, 0, {}}};
    Apportion(&streams, stats.payload_bytes);
    const auto fixed = [&](const char* name, uint64_t bytes) {
      result_.kinds.push_back({name, 0, bytes, 0, 0, {}});
    };
    fixed("header", stats.header_bytes);
    fixed("signature", libdelta::kSignatureEntrySize);
    fixed("hash chain", stats.link_bytes);
    result_.kinds.insert(result_.kinds.end(), streams.begin(), streams.end());
  }

  void ExplainSymbols(const SymbolTable& table, const std::optional<SymbolTable>& before) {
    const bool is_own = options_.new_map.empty();
    std::optional<uint64_t> first = base();
    if (!first && !table.sections.empty()) {
      // As tools make images from ELF files.
      first = std::min_element(table.sections.begin(), table.sections.end(),
                               [](const Symbol& a, const Symbol& b) { return a.stored < b.stored; })
                  ->stored;
    }
    const auto rows = [&](const std::vector<Symbol>& symbols, const std::vector<Symbol>* old_symbols) {
      if (symbols.empty()) return std::vector<Row>();
      std::vector<Row> found = ByPlace(trace_, PlacesIn(symbols, new_.bytes(), is_own, first));
      if (old_symbols) CompareSizes(*old_symbols, symbols, &found);
      return Ranked(std::move(found));
    };
    result_.sections = rows(table.sections, before ? &before->sections : nullptr);
    result_.symbols = rows(table.symbols, before ? &before->symbols : nullptr);
  }

  void ExplainCauses() {
    std::vector<std::string> names;
    for (const auto& [name, bits] : patch_.stats.stream_bits) names.push_back(name);
    const libdelta::ByteView base = patch_.stats.payload == "delta" ? old_.bytes() : libdelta::ByteView();
    CauseCosts causes = FindCauses(base, new_.bytes(), trace_, names);
    for (size_t i = 0; i < causes.cost.size(); ++i) {
      result_.causes.push_back({TextOf(static_cast<Cause>(i)).name, causes.cost[i], 0, 0, 0, {}});
    }
    result_.stamps = std::move(causes.stamps);
  }

  const ExplainOptions& options_;
  const InputFile old_;
  const InputFile new_;
  libdelta::Patch patch_;
  CostTrace trace_;
  Explanation result_;
};

// --- Reports -----------------------------------------------------------------------------------------

std::string Line(const std::string& name, uint64_t bytes, uint64_t total, const std::string& note) {
  std::string line = fmt::format("  {:<40}{:>10}{:>8}", name, bytes, Percent(bytes, total));
  if (!note.empty()) line += "  " + note;
  return line + "\n";
}

std::string PlaceText(const Row& row, std::optional<uint64_t> base) {
  if (row.end == 0) return row.name;
  const uint64_t first = base.value_or(0);
  return fmt::format("{:#010x} .. {:#010x}", first + row.start, first + row.end - 1);
}

std::string TopText(const std::string& title, const std::vector<Row>& rows, uint64_t top, uint64_t total) {
  std::string text = title + "\n";
  uint64_t rest = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i < top) {
      text += Line(rows[i].name, rows[i].bytes, total, rows[i].note);
    } else {
      rest += rows[i].bytes;
    }
  }
  if (rows.size() > top) text += Line(fmt::format("({} more)", rows.size() - top), rest, total, {});
  return text;
}

std::string ToText(const ExplainOptions& options, const Explanation& e, std::optional<uint64_t> base) {
  const uint64_t total = e.patch_bytes;
  std::string text =
      fmt::format("patch with one signature: {}, {}\n\nby kind\n", Count(total, "byte"), e.payload);
  for (const Row& row : e.kinds) text += Line(row.name, row.bytes, total, {});
  if (e.regions.empty()) return text;
  text += "\nby region of the new image\n";
  for (const Row& row : e.regions) {
    if (row.cost != 0) text += Line(PlaceText(row, base), row.bytes, total, {});
  }
  if (!e.sections.empty()) text += TopText("\nby section", e.sections, options.top, total);
  if (!e.symbols.empty()) text += TopText("\nby symbol", e.symbols, options.top, total);
  text += "\nwhy, as far as one can tell, and what would save it\n";
  std::vector<Row> causes = e.causes;
  for (size_t i = 0; i < causes.size(); ++i) causes[i].note = TextOf(static_cast<Cause>(i)).remedy;
  for (const Row& row : Ranked(causes)) {
    text += Line(row.name, row.bytes, total, {});
    if (!row.note.empty()) text += "    -> " + row.note + "\n";
  }
  if (!e.stamps.empty()) text += fmt::format("  of the build: {}\n", fmt::join(e.stamps, ", "));
  return text;
}

Json RowsJson(const std::vector<Row>& rows) {
  Json list = Json::array();
  for (const Row& row : rows) {
    Json json = {{"name", row.name}, {"bytes", row.bytes}};
    if (row.end != 0) {
      json["start"] = row.start;
      json["end"] = row.end;
    }
    if (!row.note.empty()) json["note"] = row.note;
    list.push_back(std::move(json));
  }
  return list;
}

Json ToJson(const ExplainOptions& options, const Explanation& e) {
  Json json = {{"ok", true},
               {"old", InputName(options.old_image)},
               {"new", InputName(options.new_image)},
               {"patch_bytes", e.patch_bytes},
               {"payload", e.payload},
               {"kinds", RowsJson(e.kinds)},
               {"regions", RowsJson(e.regions)},
               {"sections", RowsJson(e.sections)},
               {"symbols", RowsJson(e.symbols)}};
  Json causes = Json::array();
  for (size_t i = 0; i < e.causes.size(); ++i) {
    const CauseText& text = TextOf(static_cast<Cause>(i));
    causes.push_back(
        {{"id", text.id}, {"name", text.name}, {"bytes", e.causes[i].bytes}, {"remedy", text.remedy}});
  }
  json["causes"] = causes;
  json["build_stamps"] = e.stamps;
  return json;
}

void RunExplain(const ExplainOptions& options) {
  CheckEncodeArguments(options.encoding);
  if (options.old_image == kStream && options.new_image == kStream) {
    Fail(ExitCode::kUsage, "only one of OLD and NEW can be \"-\"");
  }
  Explainer explainer(options);
  const Explanation explanation = explainer.Run();
  if (options.json) {
    ReportJson(ToJson(options, explanation));
  } else {
    Report(ToText(options, explanation, explainer.base()));
  }
}

}  // namespace

void AddExplain(const Command& program) {
  auto options = std::make_shared<ExplainOptions>();
  const Command command =
      program.AddCommand("explain", "Show where the bytes of a patch go, and what would save some");
  command.AddArgument("OLD", &options->old_image, "The old image").Required();
  command.AddArgument("NEW", &options->new_image, "The new image").Required();
  command.AddOption("--old-map", "FILE", &options->old_map,
                    "Sections and symbols of OLD: an ELF file or a map of GNU ld");
  command.AddOption("--new-map", "FILE", &options->new_map, "Likewise, of NEW");
  command.AddOption("--top", "N", &options->top, "Sections and symbols to show (default 20)");
  AddEncodeOptions(command, &options->encoding);
  AddJsonOption(command, &options->json);
  command.SetFooter("Example:\n  fwdelta explain old.bin new.bin --old-map old.elf --new-map new.elf");
  command.SetAction([options] { RunExplain(*options); });
}

}  // namespace fwdelta
