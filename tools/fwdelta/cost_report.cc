#include "fwdelta/cost_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>

#include "fwdelta/text.h"

namespace fwdelta {
namespace {

using libdelta::Case;
using libdelta::Cost;
using libdelta::kCases;
using libdelta::Range;

std::string_view NameOfCase(Case which) {
  return which == Case::kLow ? "low" : which == Case::kTypical ? "typical" : "high";
}

// Three significant digits, without an exponent and without zeros at the end.
std::string Digits(double value) {
  if (value == 0) return "0";
  const int magnitude = static_cast<int>(std::floor(std::log10(std::abs(value))));
  std::string text = fmt::format("{:.{}f}", value, std::clamp(2 - magnitude, 0, 12));
  if (text.find('.') == std::string::npos) return text;
  while (text.ends_with('0')) text.pop_back();
  if (text.ends_with('.')) text.pop_back();
  return text;
}

std::string FormatAmount(double amount) { return std::isfinite(amount) ? Digits(amount) : "never"; }

// Without the sign of a zero.
double PercentOf(double share) { return std::abs(share) < 0.0005 ? 0 : share * 100; }

struct Unit {
  double size;
  const char* name;
};

// In the largest unit of which there is at least one.
template <size_t kCount>
std::string InUnits(double value, const Unit (&units)[kCount]) {
  if (!std::isfinite(value)) return "never";
  if (value == 0) return fmt::format("0 {}", units[0].name);
  for (const Unit& unit : units) {
    if (value >= unit.size) return fmt::format("{} {}", Digits(value / unit.size), unit.name);
  }
  return fmt::format("{} {}", Digits(value / units[kCount - 1].size), units[kCount - 1].name);
}

Json ToJson(const std::optional<Range>& range) { return range ? fwdelta::ToJson(*range) : Json(); }
Json ToJson(const std::optional<double>& number) { return number ? fwdelta::ToJson(*number) : Json(); }

Json FlashJson(const libdelta::FlashWork& flash) {
  return {{"erases", flash.erases},
          {"programmed_bytes", flash.programmed_bytes},
          {"most_erases_of_a_page", flash.most_erases_of_a_page},
          {"seconds", ToJson(flash.seconds)},
          {"joules", ToJson(flash.joules)},
          {"wear_share", ToJson(flash.wear_share)}};
}

Json CostJson(const Cost& cost, const libdelta::Catalog& catalog) {
  Json batteries = Json::object();
  for (const libdelta::Battery& battery : catalog.batteries) {
    batteries[battery.id] =
        cost.total_joules ? fwdelta::ToJson(libdelta::BatteryShare(battery, *cost.total_joules)) : Json();
  }
  return {{"bytes", cost.update_bytes},
          {"packets", cost.packets},
          {"ends",
           {{"low", cost.ends(Case::kLow)},
            {"typical", cost.ends(Case::kTypical)},
            {"high", cost.ends(Case::kHigh)}}},
          {"sessions", ToJson(cost.sessions)},
          {"wire_bytes", ToJson(cost.wire_bytes)},
          {"billed_bytes", ToJson(cost.billed_bytes)},
          {"credits", ToJson(cost.credits)},
          {"priced", cost.money.has_value()},
          {"money", ToJson(cost.money)},
          {"bundle_share", ToJson(cost.bundle_share)},
          {"transfer_seconds", ToJson(cost.transfer_seconds)},
          {"total_seconds", ToJson(cost.total_seconds)},
          {"radio_joules", ToJson(cost.radio_joules)},
          {"total_joules", ToJson(cost.total_joules)},
          {"battery_share", batteries},
          {"flash", cost.flash ? FlashJson(*cost.flash) : Json()}};
}

Json RatiosJson(const libdelta::CostRatios& ratios) {
  return {{"bytes", ToJson(ratios.update_bytes)},
          {"wire_bytes", ToJson(ratios.wire_bytes)},
          {"billed_bytes", ToJson(ratios.billed_bytes)},
          {"money", ToJson(ratios.money)},
          {"transfer_seconds", ToJson(ratios.transfer_seconds)},
          {"total_seconds", ToJson(ratios.total_seconds)},
          {"radio_joules", ToJson(ratios.radio_joules)},
          {"total_joules", ToJson(ratios.total_joules)},
          {"flash_seconds", ToJson(ratios.flash_seconds)},
          {"flash_joules", ToJson(ratios.flash_joules)},
          {"flash_erases", ToJson(ratios.flash_erases)}};
}

Json BreakEvenJson(const libdelta::BreakEven& sizes) {
  return {{"rounding_bytes", ToJson(sizes.rounding_bytes)},
          {"session_time_bytes", ToJson(sizes.session_time_bytes)},
          {"session_energy_bytes", ToJson(sizes.session_energy_bytes)},
          {"flash_time_bytes", ToJson(sizes.flash_time_bytes)},
          {"flash_energy_bytes", ToJson(sizes.flash_energy_bytes)}};
}

Json PlanJson(const libdelta::PricePlan& plan) {
  Json bundle;
  if (plan.bundle) {
    bundle = {{"price", ToJson(plan.bundle->price)},
              {"mb", plan.bundle->mb},
              {"years", ToJson(plan.bundle->years)}};
  }
  return {{"id", plan.id},
          {"name", plan.name},
          {"payer", libdelta::NameOf(plan.payer)},
          {"model", libdelta::NameOf(plan.model)},
          {"currency", plan.currency},
          {"priced", plan.is_priced()},
          {"price_date", plan.price_date.empty() ? Json() : Json(plan.price_date)},
          {"status", libdelta::NameOf(plan.status)},
          {"confidence", libdelta::NameOf(plan.confidence)},
          {"quantum_bytes", plan.metering.quantum_bytes},
          {"quantum_scope", libdelta::NameOf(plan.metering.scope)},
          {"bundle", bundle},
          {"monthly_fee", ToJson(plan.monthly_fee)},
          {"daily_fee", ToJson(plan.daily_fee)},
          {"basis", plan.basis},
          {"note", plan.note},
          {"sources", plan.sources}};
}

Json LinkJson(const libdelta::Link& link) {
  Json figures = Json::object();
  for (const libdelta::FigureNote& figure : link.figures) {
    figures[figure.field] = {{"sources", figure.sources}, {"basis", figure.basis}};
  }
  return {{"id", link.id},
          {"name", link.name},
          {"window", libdelta::NameOf(link.window)},
          {"confidence", libdelta::NameOf(link.confidence)},
          {"payload_bytes", link.payload_bytes},
          {"overhead_bytes", link.overhead_bytes},
          {"note", link.note},
          {"figures", figures}};
}

Json RowJson(const CostRow& row, const libdelta::Catalog& catalog) {
  return {{"id", row.on.profile.id},
          {"name", row.on.profile.name},
          {"headline", row.on.profile.headline},
          {"plan", PlanJson(row.on.plan)},
          {"link", LinkJson(row.on.link)},
          {"update", CostJson(row.update, catalog)},
          {"full", row.full ? CostJson(*row.full, catalog) : Json()},
          {"ratio", row.full ? RatiosJson(libdelta::Compare(row.update, *row.full)) : Json()},
          {"break_even", BreakEvenJson(row.break_even)}};
}

// A field of CSV (RFC 4180).
std::string CsvField(std::string_view text) {
  if (text.find_first_of("\",\n\r") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

std::string CsvNumber(const std::optional<Range>& range, Case which) {
  if (!range) return "";
  const Json number = fwdelta::ToJson(range->at(which));
  return number.is_null() ? "" : number.dump();
}

// A column that update, full image and ratio have.
struct CostColumn {
  const char* name;
  std::optional<Range> (*of_cost)(const Cost& cost);
  libdelta::Ratio (*of_ratios)(const libdelta::CostRatios& ratios);
};

constexpr CostColumn kColumns[] = {
    {"bytes",
     [](const Cost& c) -> std::optional<Range> {
       return libdelta::Same(static_cast<double>(c.update_bytes));
     },
     [](const libdelta::CostRatios& r) { return r.update_bytes; }},
    {"wire_bytes", [](const Cost& c) -> std::optional<Range> { return c.wire_bytes; },
     [](const libdelta::CostRatios& r) { return r.wire_bytes; }},
    {"billed_bytes", [](const Cost& c) -> std::optional<Range> { return c.billed_bytes; },
     [](const libdelta::CostRatios& r) { return r.billed_bytes; }},
    {"money", [](const Cost& c) { return c.money; }, [](const libdelta::CostRatios& r) { return r.money; }},
    {"transfer_seconds", [](const Cost& c) -> std::optional<Range> { return c.transfer_seconds; },
     [](const libdelta::CostRatios& r) { return r.transfer_seconds; }},
    {"total_seconds", [](const Cost& c) -> std::optional<Range> { return c.total_seconds; },
     [](const libdelta::CostRatios& r) { return r.total_seconds; }},
    {"radio_joules", [](const Cost& c) { return c.radio_joules; },
     [](const libdelta::CostRatios& r) { return r.radio_joules; }},
    {"total_joules", [](const Cost& c) { return c.total_joules; },
     [](const libdelta::CostRatios& r) { return r.total_joules; }},
};

std::string CsvRow(const CostRow& row, Case which) {
  const libdelta::PricePlan& plan = row.on.plan;
  std::string text =
      fmt::format("{},{},{},{},{},{},{},{}", CsvField(row.on.profile.id), CsvField(row.on.profile.name),
                  CsvField(plan.id), CsvField(row.on.link.id), CsvField(plan.currency),
                  CsvField(plan.price_date), libdelta::NameOf(plan.status), NameOfCase(which));
  std::optional<libdelta::CostRatios> ratios;
  if (row.full) ratios = libdelta::Compare(row.update, *row.full);
  for (const CostColumn& column : kColumns) text += "," + CsvNumber(column.of_cost(row.update), which);
  for (const CostColumn& column : kColumns) {
    text += "," + (row.full ? CsvNumber(column.of_cost(*row.full), which) : "");
  }
  for (const CostColumn& column : kColumns) {
    text += "," + (ratios ? CsvNumber(column.of_ratios(*ratios), which) : "");
  }
  return text + "\n";
}

std::string RatioText(const libdelta::Ratio& ratio) {
  return ratio ? fmt::format("{}%", Digits(ratio->typical * 100)) : "-";
}

std::string MoneyText(const libdelta::PricePlan& plan, const Cost& cost) {
  return cost.money ? FormatMoney(plan.currency, cost.money->typical) : "not priced";
}

// The four digits of a year in a date, with a mark for prices that are not current.
std::string PriceYear(const libdelta::PricePlan& plan) {
  const std::string& date = plan.price_date;
  for (size_t i = 0; i + 4 <= date.size(); ++i) {
    const std::string_view year = std::string_view(date).substr(i, 4);
    if ((year.starts_with("20") || year.starts_with("19")) && ParseNumber(year)) {
      return std::string(year) + (plan.status == libdelta::PriceStatus::kCurrent ? "" : "*");
    }
  }
  return plan.price_date.empty() ? "-" : "?";
}

std::string TableText(const CostReport& report) {
  std::string text = fmt::format("{:<5} {:<42} {:>10} {:>14} {:>5} {:>10} {:>9} {:>8}\n", "", "", "billed",
                                 "money", "year", "time", "energy", report.battery.name);
  bool has_old_prices = false;
  for (const CostRow& row : report.rows) {
    const Cost& cost = row.update;
    const std::string year = PriceYear(row.on.plan);
    has_old_prices |= year.ends_with('*');
    text += fmt::format("{:<5} {:<42.42} {:>10} {:>14} {:>5} {:>10} {:>9} {:>8}\n", row.on.profile.id,
                        row.on.profile.name, FormatBytes(cost.billed_bytes.typical),
                        MoneyText(row.on.plan, cost), year, FormatDuration(cost.total_seconds.typical),
                        cost.total_joules ? FormatEnergy(cost.total_joules->typical) : "-",
                        cost.total_joules
                            ? FormatShare(libdelta::BatteryShare(report.battery, *cost.total_joules).typical)
                            : "-");
    if (!row.full) continue;
    if (cost.ends(Case::kTypical) && !row.full->ends(Case::kTypical)) {
      text += fmt::format("{:<5} {:<42}\n", "", "  the full image's transfer never ends");
      continue;
    }
    const libdelta::CostRatios ratios = libdelta::Compare(cost, *row.full);
    text += fmt::format("{:<5} {:<42} {:>10} {:>14} {:>5} {:>10} {:>9}\n", "", "  of the full image's",
                        RatioText(ratios.billed_bytes), RatioText(ratios.money), "",
                        RatioText(ratios.total_seconds), RatioText(ratios.total_joules));
  }
  if (has_old_prices) text += "* a historic or withdrawn price\n";
  return text;
}

std::string SourceText(const libdelta::Catalog& catalog, const std::string& key) {
  const auto found = catalog.sources.find(key);
  if (found == catalog.sources.end()) return key;
  return fmt::format("{}: {} ({}), {}", key, found->second.title, found->second.date, found->second.url);
}

// One profile, with all ranges and where the figures come from.
std::string DetailText(const CostReport& report, const CostRow& row, const libdelta::Catalog& catalog) {
  const libdelta::PricePlan& plan = row.on.plan;
  std::string text;
  const auto line = [&text](std::string_view field, const std::string& value) {
    text += fmt::format("{:<12}{}\n", field, value);
  };
  line("profile", fmt::format("{}, {}", row.on.profile.id, row.on.profile.name));
  line("plan",
       fmt::format("{}; {}{}", plan.name, PriceText(plan), plan.basis.empty() ? "" : "; " + plan.basis));
  if (!plan.note.empty()) line("", plan.note);
  line("link", row.on.link.name);
  std::vector<std::pair<std::string, const Cost*>> columns = {{"update", &row.update}};
  if (row.full) columns.emplace_back("full image", &*row.full);
  for (const auto& [name, cost] : columns) {
    line(name, fmt::format("{}, {}", Count(cost->update_bytes, "byte"), Count(cost->packets, "packet")));
    line("  billed", FormatRange(cost->billed_bytes, FormatBytes) + " bytes");
    if (cost->credits) line("  credits", FormatRange(*cost->credits, FormatBytes));
    if (!cost->money) {
      line("  money", "not priced");
    } else {
      line("  money", plan.currency + " " + FormatRange(*cost->money, FormatAmount));
    }
    if (cost->bundle_share) line("  bundle", FormatRange(*cost->bundle_share, FormatShare));
    line("  time", FormatRange(cost->total_seconds, FormatDuration));
    if (cost->flash) {
      line("  flash", fmt::format("{}, {} programmed, {}, {}", Count(cost->flash->erases, "erase"),
                                  Count(cost->flash->programmed_bytes, "byte"),
                                  FormatDuration(cost->flash->seconds.typical),
                                  FormatEnergy(cost->flash->joules.typical)));
    }
    if (cost->total_joules) {
      line("  energy", FormatRange(*cost->total_joules, FormatEnergy));
      line("  battery",
           fmt::format("{} of a {}",
                       FormatRange(libdelta::BatteryShare(report.battery, *cost->total_joules), FormatShare),
                       report.battery.name));
    } else {
      line("  energy", "not known for this link");
    }
  }
  if (row.full) {
    const libdelta::CostRatios ratios = libdelta::Compare(row.update, *row.full);
    line("of full", fmt::format("bytes {}, billed {}, money {}, time {}, energy {}, flash {}",
                                RatioText(ratios.update_bytes), RatioText(ratios.billed_bytes),
                                RatioText(ratios.money), RatioText(ratios.total_seconds),
                                RatioText(ratios.total_joules), RatioText(ratios.flash_joules)));
  }
  for (const std::string& key : plan.sources) line("source", SourceText(catalog, key));
  for (const libdelta::FigureNote& figure : row.on.link.figures) {
    line("source", fmt::format("{}: {}", figure.field, figure.basis));
    for (const std::string& key : figure.sources) line("", SourceText(catalog, key));
  }
  return text;
}

}  // namespace

std::string FormatMoney(const std::string& currency, double amount) {
  return std::isfinite(amount) ? fmt::format("{} {}", currency, Digits(amount)) : "never";
}

std::string FormatBytes(double bytes) {
  return std::isfinite(bytes) ? fmt::format("{:.0f}", bytes) : "never";
}

std::string FormatRange(const Range& range, const std::function<std::string(double)>& format) {
  if (range.low == range.high) return format(range.typical);
  return fmt::format("{} (low {}, high {})", format(range.typical), format(range.low), format(range.high));
}

std::string FormatDuration(double seconds) {
  static constexpr Unit kUnits[] = {
      {365.25 * 86400, "years"}, {86400, "days"}, {3600, "h"}, {60, "min"}, {1, "s"}, {1e-3, "ms"}};
  return seconds == 0 ? "0 s" : InUnits(seconds, kUnits);
}

std::string FormatEnergy(double joules) {
  static constexpr Unit kUnits[] = {{1e3, "kJ"}, {1, "J"}, {1e-3, "mJ"}, {1e-6, "uJ"}};
  return joules == 0 ? "0 J" : InUnits(joules, kUnits);
}

std::string FormatShare(double share) {
  return std::isfinite(share) ? fmt::format("{}%", Digits(share * 100)) : "never";
}

std::string PriceText(const libdelta::PricePlan& plan) {
  if (!plan.is_priced()) return "no published price";
  if (plan.price_date.empty()) {
    return plan.model == libdelta::PriceModel::kFlat ? "no charge by volume" : "price undated";
  }
  const bool is_undated = plan.price_date.starts_with("undated");
  const bool is_current = plan.status == libdelta::PriceStatus::kCurrent;
  return fmt::format("price {}{}{}", is_undated ? "" : "of ", plan.price_date,
                     is_current ? "" : fmt::format(" ({})", libdelta::NameOf(plan.status)));
}

Json ToJson(double number) {
  if (!std::isfinite(number)) return {};
  constexpr double kExact = 1e15;
  if (number == std::floor(number) && std::abs(number) < kExact) return static_cast<int64_t>(number);
  return std::stod(fmt::format("{:.9g}", number));
}

Json ToJson(const Range& range) {
  return {{"low", ToJson(range.low)}, {"typical", ToJson(range.typical)}, {"high", ToJson(range.high)}};
}

Json SourcesJson(const libdelta::Catalog& catalog, const std::vector<PricedLink>& used) {
  std::set<std::string> keys;
  for (const PricedLink& item : used) {
    keys.insert(item.plan.sources.begin(), item.plan.sources.end());
    for (const libdelta::FigureNote& figure : item.link.figures) {
      keys.insert(figure.sources.begin(), figure.sources.end());
    }
  }
  Json json = Json::object();
  for (const std::string& key : keys) {
    const auto found = catalog.sources.find(key);
    if (found == catalog.sources.end()) continue;
    const libdelta::Source& source = found->second;
    json[key] = {
        {"title", source.title}, {"url", source.url}, {"date", source.date}, {"quality", source.quality}};
    if (!source.note.empty()) json[key]["note"] = source.note;
  }
  return json;
}

std::string ToText(const CostReport& report, const libdelta::Catalog& catalog) {
  std::string text =
      fmt::format("{:<12}{}{}", "update", report.update_name.empty() ? "" : report.update_name + ", ",
                  Count(report.update_bytes, "byte"));
  if (report.full_bytes) {
    text += fmt::format("; {} of the full image's {}", Percent(report.update_bytes, *report.full_bytes),
                        *report.full_bytes);
  }
  text += "\n";
  if (!report.flash_note.empty()) text += fmt::format("{:<12}{}\n", "flash", report.flash_note);
  if (report.conditions.interruptions_per_hour > 0) {
    text += fmt::format("{:<12}{} an hour, {}; expected values\n", "interrupted",
                        report.conditions.interruptions_per_hour,
                        report.conditions.resume ? "then goes on" : "then starts again");
  }
  if (report.rows.size() == 1) return text + DetailText(report, report.rows.front(), catalog);
  return text +
         fmt::format("{:<12}typical; prices are of the year shown, looked up {}\n", "figures",
                     catalog.as_of) +
         TableText(report);
}

Json ToJson(const CostReport& report, const libdelta::Catalog& catalog) {
  Json rows = Json::array();
  std::vector<PricedLink> used;
  for (const CostRow& row : report.rows) {
    rows.push_back(RowJson(row, catalog));
    used.push_back(row.on);
  }
  return {{"ok", true},
          {"prices_as_of", catalog.as_of},
          {"update",
           {{"name", report.update_name.empty() ? Json() : Json(report.update_name)},
            {"bytes", report.update_bytes}}},
          {"full_bytes", report.full_bytes ? Json(*report.full_bytes) : Json()},
          {"device", report.device.empty() ? Json() : Json(report.device)},
          {"flash_note", report.flash_note},
          {"conditions",
           {{"interruptions_per_hour", ToJson(report.conditions.interruptions_per_hour)},
            {"resume", report.conditions.resume},
            {"resume_unit_bytes", report.conditions.resume_unit_bytes}}},
          {"profiles", rows},
          {"sources", SourcesJson(catalog, used)}};
}

std::string ToCsv(const CostReport& report) {
  std::string text = "profile,name,plan,link,currency,price_date,price_status,case";
  for (const char* group : {"update", "full", "ratio"}) {
    for (const CostColumn& column : kColumns) text += fmt::format(",{}_{}", group, column.name);
  }
  text += "\n";
  for (const CostRow& row : report.rows) {
    for (const Case which : kCases) text += CsvRow(row, which);
  }
  return text;
}

std::string ToText(const std::vector<libdelta::Validation>& validations) {
  std::string text = fmt::format("{:<22} {:>10} {:>22} {:>7}\n", "", "predicted", "observed", "error");
  bool has_same_log = false;
  for (const libdelta::Validation& validation : validations) {
    const libdelta::Observation& observation = validation.observation;
    const auto amount = [&](double value) {
      return observation.quantity == "seconds" ? FormatDuration(value)
                                               : fmt::format("{} {}", Digits(value), observation.quantity);
    };
    std::string observed = amount(observation.observed_low);
    if (observation.observed_high != observation.observed_low) {
      observed += " to " + amount(observation.observed_high);
    }
    has_same_log |= observation.inputs_from_same_log;
    text += fmt::format("{:<22} {:>10} {:>22} {:>+6.0f}%{}\n", observation.id, amount(validation.predicted),
                        observed, PercentOf(validation.error), observation.inputs_from_same_log ? " *" : "");
  }
  if (has_same_log) text += "* the round trip is from the log of the transfer itself\n";
  return text;
}

Json ToJson(const std::vector<libdelta::Validation>& validations) {
  Json rows = Json::array();
  for (const libdelta::Validation& validation : validations) {
    const libdelta::Observation& observation = validation.observation;
    rows.push_back({{"id", observation.id},
                    {"what", observation.what},
                    {"quantity", observation.quantity},
                    {"update_bytes", observation.update_bytes},
                    {"observed_low", ToJson(observation.observed_low)},
                    {"observed_high", ToJson(observation.observed_high)},
                    {"predicted", ToJson(validation.predicted)},
                    {"error", ToJson(validation.error)},
                    {"inputs", observation.inputs},
                    {"inputs_from_same_log", observation.inputs_from_same_log},
                    {"source",
                     {{"title", observation.source.title},
                      {"url", observation.source.url},
                      {"date", observation.source.date}}}});
  }
  return {{"ok", true}, {"observations", rows}};
}

std::string ToCsv(const std::vector<libdelta::Validation>& validations) {
  std::string text =
      "id,what,quantity,update_bytes,observed_low,observed_high,predicted,error_percent,inputs_from_same_log,"
      "inputs,"
      "source,date\n";
  for (const libdelta::Validation& validation : validations) {
    const libdelta::Observation& observation = validation.observation;
    text += fmt::format("{},{},{},{},{:.6g},{:.6g},{:.6g},{:.1f},{},{},{},{}\n", CsvField(observation.id),
                        CsvField(observation.what), observation.quantity, observation.update_bytes,
                        observation.observed_low, observation.observed_high, validation.predicted,
                        PercentOf(validation.error), observation.inputs_from_same_log ? "yes" : "no",
                        CsvField(observation.inputs), CsvField(observation.source.url),
                        CsvField(observation.source.date));
  }
  return text;
}

}  // namespace fwdelta
