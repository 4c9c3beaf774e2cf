#include "bench/report/output.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <set>

#include <nlohmann/json.hpp>

namespace bench {
namespace {

using Json = nlohmann::ordered_json;
using libdelta::Range;

// Six significant digits: more than any of the figures is known to, and the same text everywhere.
constexpr int kDigits = 6;

Json Number(double value) {
  if (!std::isfinite(value)) return nullptr;
  const double rounded = std::strtod(fmt::format("{:.{}g}", value, kDigits).c_str(), nullptr);
  if (std::abs(rounded) < 1e15 && rounded == std::trunc(rounded)) return static_cast<int64_t>(rounded);
  return rounded;
}

Json Numbers(const Range& range) { return {Number(range.low), Number(range.typical), Number(range.high)}; }

template <typename T>
Json Optional(const std::optional<T>& value) {
  if (!value) return nullptr;
  if constexpr (std::is_same_v<T, Range>) {
    return Numbers(*value);
  } else if constexpr (std::is_integral_v<T>) {
    return *value;
  } else {
    return Number(*value);
  }
}

Json Typical(const std::optional<Range>& range) { return range ? Number(range->typical) : Json(); }

// --- CSV ------------------------------------------------------------------------------------------

std::string Quoted(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

// A value of report.json as a field: lists are written one after the other, null is empty.
std::string Field(const Json& value) {
  if (value.is_null()) return "";
  return value.is_string() ? Quoted(value.get<std::string>()) : value.dump();
}

std::string FormatTable(const Json& columns, const Json& rows) {
  std::string text;
  const auto add_line = [&text](const Json& values) {
    for (size_t i = 0; i < values.size(); i++) text += (i == 0 ? "" : ",") + Field(values[i]);
    text += "\n";
  };
  add_line(columns);
  for (const Json& row : rows) add_line(row);
  return text;
}

// --- tables, as lists of columns and rows ---------------------------------------------------------

Json SizeColumns() { return {"pair", "strategy", "state", "bytes", "share", "ram", "version", "egress"}; }

// What who sends it pays for a device, by the order of Catalog::egress.
Json EgressCosts(const libdelta::Catalog& catalog, uint64_t bytes) {
  Json costs = Json::array();
  for (const libdelta::EgressPrice& egress : catalog.egress) {
    Range cost;
    for (const libdelta::Case which : libdelta::kCases) {
      cost.at(which) = egress.price_per_gb.at(which) * static_cast<double>(bytes) / 1e9;
    }
    costs.push_back(Numbers(cost));
  }
  return costs;
}

Json SizeRows(const Report& report) {
  Json rows = Json::array();
  for (const PairResult& pair : report.pairs) {
    for (const Size& size : pair.sizes) {
      const bool known = size.is_known();
      const Json bytes = known ? Json(size.bytes) : Json();
      const Json share =
          known ? Number(static_cast<double>(size.bytes) / static_cast<double>(pair.new_size)) : Json();
      rows.push_back({pair.pair.id, size.strategy->id, NameOf(size.state), bytes, share, Optional(size.ram),
                      size.version, known ? EgressCosts(report.catalog, size.bytes) : Json()});
    }
  }
  return rows;
}

Json CostColumns() {
  Json columns = {"pair", "strategy", "profile", "packets"};
  for (const char* name : {"billed_bytes", "money", "credits", "bundle_share", "transfer_seconds",
                           "total_seconds", "radio_joules", "total_joules", "battery_share"}) {
    for (const char* which : {"low", "typical", "high"}) columns.push_back(fmt::format("{}_{}", name, which));
  }
  for (const char* name : {"bytes", "billed_bytes", "money", "total_seconds", "total_joules"}) {
    columns.push_back(fmt::format("{}_ratio_to_full", name));
  }
  return columns;
}

Json CostRows(const Report& report) {
  Json rows = Json::array();
  for (const CostRow& row : report.costs) {
    const libdelta::Cost& cost = row.cost;
    Json values = {row.pair->pair.id, row.size->strategy->id, row.profile->id, cost.packets};
    const auto add = [&values](const std::optional<Range>& range) {
      for (const libdelta::Case which : libdelta::kCases) {
        values.push_back(range ? Number(range->at(which)) : Json());
      }
    };
    add(cost.billed_bytes);
    add(cost.money);
    add(cost.credits);
    add(cost.bundle_share);
    add(cost.transfer_seconds);
    add(cost.total_seconds);
    add(cost.radio_joules);
    add(cost.total_joules);
    add(row.battery_share);
    const libdelta::CostRatios& ratios = row.ratios;
    for (const libdelta::Ratio& ratio : {ratios.update_bytes, ratios.billed_bytes, ratios.money,
                                         ratios.total_seconds, ratios.total_joules}) {
      values.push_back(Typical(ratio));
    }
    rows.push_back(std::move(values));
  }
  return rows;
}

Json BreakEvenColumns() {
  return {"pair",
          "strategy",
          "profile",
          "rounding_bytes",
          "session_time_bytes",
          "session_energy_bytes",
          "flash_time_bytes",
          "flash_energy_bytes"};
}

Json BreakEvenRows(const Report& report) {
  Json rows = Json::array();
  for (const BreakEvenRow& row : report.break_evens) {
    const libdelta::BreakEven& sizes = row.break_even;
    rows.push_back({row.pair->pair.id, row.strategy->id, row.profile->id, Optional(sizes.rounding_bytes),
                    Optional(sizes.session_time_bytes), Optional(sizes.session_energy_bytes),
                    Optional(sizes.flash_time_bytes), Optional(sizes.flash_energy_bytes)});
  }
  return rows;
}

// --- the other parts of report.json ---------------------------------------------------------------

Json FlashJson(const libdelta::FlashWork& work) {
  return {{"erases", work.erases},
          {"programmed_bytes", work.programmed_bytes},
          {"most_erases_of_a_page", work.most_erases_of_a_page},
          {"seconds", Numbers(work.seconds)},
          {"joules", Numbers(work.joules)},
          {"wear_share", Number(work.wear_share)},
          {"updates_to_end_of_endurance",
           work.wear_share > 0 ? Json(std::llround(1 / work.wear_share)) : Json()}};
}

Json BoardJson(const Board& board) {
  Json sources = Json::object();
  for (const libdelta::SourceNote& note : board.profile.sources) sources[note.field] = note.text;
  return {{"name", board.profile.name},
          {"description", board.profile.description},
          {"ram", board.profile.ram},
          {"page_bytes", board.profile.LargestPage(board.profile.slot)},
          {"spare_pages", board.profile.PagesOf(board.profile.spare).count},
          {"endurance_cycles", board.profile.endurance_cycles},
          {"spread_basis", board.spread.basis},
          {"sources", sources}};
}

Json PairsJson(const Report& report) {
  Json pairs = Json::array();
  for (const PairResult& pair : report.pairs) {
    Json curve = Json::array();
    for (const RamPoint& point : pair.ram_curve) curve.push_back({point.ram, point.bytes});
    const auto package = report.packages.find(pair.pair.id);
    const Package from = package == report.packages.end() ? Package() : package->second;
    pairs.push_back(
        {{"id", pair.pair.id},
         {"source", from.source},
         {"package", from.name},
         {"old_version", from.old_version},
         {"new_version", from.new_version},
         {"isa", pair.pair.isa},
         {"kind", pair.pair.kind},
         {"old_bytes", pair.old_size},
         {"new_bytes", pair.new_size},
         {"ram_curve", curve},
         {"flash", {{"whole_slot", FlashJson(pair.whole_slot)}, {"in_place", FlashJson(pair.in_place)}}}});
  }
  return pairs;
}

Json StrategiesJson() {
  Json strategies = Json::array();
  for (const Strategy& strategy : Strategies()) {
    strategies.push_back({{"id", strategy.id},
                          {"title", strategy.title},
                          {"family", NameOf(strategy.family)},
                          {"ram_basis", strategy.ram_basis}});
  }
  return strategies;
}

// Sources of all figures of a link, each once.
Json LinkSources(const libdelta::Link& link) {
  std::set<std::string> sources;
  for (const libdelta::FigureNote& note : link.figures)
    sources.insert(note.sources.begin(), note.sources.end());
  return sources;
}

Json LinkAssumptions(const libdelta::Link& link) {
  Json assumptions = Json::array();
  for (const libdelta::FigureNote& note : link.figures) {
    if (!note.basis.empty()) assumptions.push_back(note.field + ": " + note.basis);
  }
  return assumptions;
}

Json ProfilesJson(const libdelta::Catalog& catalog) {
  Json profiles = Json::array();
  for (const libdelta::CostProfile& profile : catalog.profiles) {
    const libdelta::PricePlan& plan = *catalog.FindPlan(profile.plan);
    const libdelta::Link& link = *catalog.FindLink(profile.link);
    profiles.push_back({{"id", profile.id},
                        {"name", profile.name},
                        {"headline", profile.headline},
                        {"plan",
                         {{"id", plan.id},
                          {"name", plan.name},
                          {"payer", NameOf(plan.payer)},
                          {"model", NameOf(plan.model)},
                          {"priced", plan.is_priced()},
                          {"currency", plan.currency},
                          {"price_date", plan.price_date},
                          {"status", NameOf(plan.status)},
                          {"confidence", NameOf(plan.confidence)},
                          {"basis", plan.basis},
                          {"note", plan.note},
                          {"quantum_bytes", plan.metering.quantum_bytes},
                          {"rounding_scope", NameOf(plan.metering.scope)},
                          {"sources", plan.sources}}},
                        {"link",
                         {{"id", link.id},
                          {"name", link.name},
                          {"window", NameOf(link.window)},
                          {"confidence", NameOf(link.confidence)},
                          {"note", link.note},
                          {"assumptions", LinkAssumptions(link)},
                          {"sources", LinkSources(link)}}}});
  }
  return profiles;
}

Json CurvesJson(const std::vector<ProfileCurve>& curves) {
  const auto values = [](const libdelta::Cost& cost) {
    return Json{cost.update_bytes, Number(cost.billed_bytes.typical), Typical(cost.money),
                Number(cost.transfer_seconds.typical), Typical(cost.radio_joules)};
  };
  Json all = Json::array();
  for (const ProfileCurve& curve : curves) {
    Json points = Json::array();
    for (const CurvePoint& point : curve.points) points.push_back(values(point.cost));
    all.push_back({{"profile", curve.profile->id}, {"smallest", values(curve.smallest)}, {"points", points}});
  }
  return all;
}

Json EgressJson(const libdelta::Catalog& catalog) {
  Json all = Json::array();
  for (const libdelta::EgressPrice& egress : catalog.egress) {
    all.push_back({{"id", egress.id},
                   {"currency", egress.currency},
                   {"price_date", egress.price_date},
                   {"price_per_gb", Numbers(egress.price_per_gb)},
                   {"included_gb", Number(egress.included_gb)},
                   {"price_per_month", Number(egress.price_per_month)},
                   {"note", egress.note},
                   {"sources", egress.sources}});
  }
  return all;
}

Json ValidationsJson(const std::vector<libdelta::Validation>& validations) {
  Json all = Json::array();
  for (const libdelta::Validation& validation : validations) {
    const libdelta::Observation& observation = validation.observation;
    all.push_back({{"id", observation.id},
                   {"what", observation.what},
                   {"quantity", observation.quantity},
                   {"update_bytes", observation.update_bytes},
                   {"observed", {Number(observation.observed_low), Number(observation.observed_high)}},
                   {"predicted", Number(validation.predicted)},
                   {"error", Number(validation.error)},
                   {"inputs", observation.inputs},
                   {"inputs_from_same_log", observation.inputs_from_same_log},
                   {"source",
                    {{"title", observation.source.title},
                     {"url", observation.source.url},
                     {"date", observation.source.date}}}});
  }
  return all;
}

Json RulesJson(const std::vector<libdelta::PublishedRule>& rules) {
  Json all = Json::array();
  for (const libdelta::PublishedRule& rule : rules) {
    all.push_back({{"who", rule.who}, {"text", rule.text}, {"sources", rule.sources}});
  }
  return all;
}

Json SourcesJson(const libdelta::Catalog& catalog) {
  Json all = Json::object();
  for (const auto& [key, source] : catalog.sources) {
    all[key] = {{"title", source.title},
                {"url", source.url},
                {"date", source.date},
                {"quality", source.quality},
                {"note", source.note}};
  }
  return all;
}

}  // namespace

std::string FormatSizes(const Report& report) {
  Json rows = SizeRows(report);
  // The last column is a list of its own.
  for (Json& row : rows) row.erase(row.size() - 1);
  Json columns = SizeColumns();
  columns.erase(columns.size() - 1);
  return FormatTable(columns, rows);
}

std::string FormatCosts(const Report& report) {
  Json columns = CostColumns();
  Json rows = CostRows(report);
  for (const char* name : {"currency", "price_date", "price_status"}) columns.push_back(name);
  for (size_t i = 0; i < rows.size(); i++) {
    const libdelta::PricePlan& plan = *report.catalog.FindPlan(report.costs[i].profile->plan);
    rows[i].push_back(plan.currency);
    rows[i].push_back(plan.price_date);
    rows[i].push_back(NameOf(plan.status));
  }
  return FormatTable(columns, rows);
}

std::string FormatJson(const Report& report) {
  const Json json = {
      {"format", 1},
      {"prices_as_of", report.catalog.as_of},
      {"generated_images", report.is_generated},
      {"battery", kReportBattery},
      {"board", BoardJson(report.board)},
      {"strategies", StrategiesJson()},
      {"pairs", PairsJson(report)},
      {"profiles", ProfilesJson(report.catalog)},
      {"egress", EgressJson(report.catalog)},
      {"sizes", {{"columns", SizeColumns()}, {"rows", SizeRows(report)}}},
      {"costs", {{"columns", CostColumns()}, {"rows", CostRows(report)}}},
      {"break_even", {{"columns", BreakEvenColumns()}, {"rows", BreakEvenRows(report)}}},
      {"curve_columns", {"bytes", "billed_bytes", "money", "transfer_seconds", "radio_joules"}},
      {"curves", CurvesJson(report.curves)},
      {"validation", ValidationsJson(report.validations)},
      {"rounding_rules", RulesJson(report.catalog.rounding_rules)},
      {"not_practical", RulesJson(report.catalog.not_practical)},
      {"sources", SourcesJson(report.catalog)}};
  return json.dump() + "\n";
}

}  // namespace bench
