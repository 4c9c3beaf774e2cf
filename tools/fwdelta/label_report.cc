#include "fwdelta/label_report.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>
#include <vector>

#include "fwdelta/cost_report.h"
#include "fwdelta/text.h"

namespace fwdelta {
namespace {

using libdelta::LabelAmounts;
using libdelta::LabelLine;
using libdelta::Range;

// Bytes for people: at most three digits.
std::string ShortSize(double bytes) {
  if (!std::isfinite(bytes)) return "never ends";
  constexpr double kKilo = 1000;
  if (bytes < kKilo) return fmt::format("{:.0f} bytes", bytes);
  if (bytes < kKilo * kKilo) return fmt::format("{:.3g} kB", bytes / kKilo);
  if (bytes < kKilo * kKilo * kKilo) return fmt::format("{:.3g} MB", bytes / (kKilo * kKilo));
  return fmt::format("{:.4g} GB", bytes / (kKilo * kKilo * kKilo));
}

// The typical amount, and in brackets the range if it reads differently.
std::string Spread(const Range& range, const std::function<std::string(double)>& format) {
  std::string typical = format(range.typical);
  const std::string low = format(range.low);
  const std::string high = format(range.high);
  if (low == high) return typical;
  return fmt::format("{} ({} to {})", typical, low, high);
}

// Amounts that nobody feels are not told to the last digit.
std::string Money(const std::string& currency, double amount) {
  constexpr double kLeast = 0.01;
  if (amount > 0 && amount < kLeast) return fmt::format("under {} {}", currency, kLeast);
  return FormatMoney(currency, amount);
}

std::string Share(double share) {
  constexpr double kLeast = 0.0001;
  return share > 0 && share < kLeast ? "under " + FormatShare(kLeast) : FormatShare(share);
}

std::string Duration(double seconds) {
  return seconds > 0 && seconds < 1 ? "under 1 s" : FormatDuration(seconds);
}

std::string MoneyText(const LabelReport& report, const LabelLine& line, const Range LabelAmounts::*which) {
  if (!line.money) return "not priced";
  const std::string text =
      Spread((*line.money).*which, [&line](double amount) { return Money(line.plan.currency, amount); });
  return report.is_paid_by_user ? text : text + ", paid by the vendor";
}

std::string BundleText(const LabelLine& line, const Range LabelAmounts::*which) {
  const libdelta::Bundle& bundle = *line.plan.bundle;
  return fmt::format("{} of the prepaid {:.6g} MB", Spread((*line.bundle_share).*which, Share), bundle.mb);
}

std::string BatteryText(const LabelReport& report, const LabelLine& line, const Range LabelAmounts::*which) {
  if (!line.joules) return "not known";
  return fmt::format("{} of a {}",
                     Spread(libdelta::BatteryShare(report.battery, (*line.joules).*which), Share),
                     report.battery.name);
}

std::string InstalledText(const LabelReport& report) {
  if (report.installed == "automatic") return "automatically";
  if (report.installed == "postponable") return "automatically, can be postponed";
  if (report.installed == "on-request") return "when you ask for it";
  return "not stated";
}

std::string KindText(const PatchSummary& summary) {
  std::string text = summary.is_delta() ? "only what has changed is sent" : "the whole firmware is sent";
  text += summary.in_place ? "; replaces the firmware in place" : "; a second place keeps the old firmware";
  return text;
}

std::string SignedText(const PatchSummary& summary) {
  if (summary.signatures.empty()) return "NOT signed";
  return fmt::format("signed ({}), checked before it is used", Count(summary.signatures.size(), "signature"));
}

std::string SizeText(const LabelReport& report) {
  return fmt::format("{} (the whole firmware: {})", ShortSize(static_cast<double>(report.size.bytes)),
                     ShortSize(static_cast<double>(report.size.summary->new_length)));
}

std::string YearsText(const LabelReport& report) {
  return fmt::format("{} ({:.1f} years from {})", libdelta::ToText(report.label.terms.support_until),
                     report.label.years, libdelta::ToText(report.label.terms.from));
}

std::string FrequencyText(const LabelReport& report) {
  return fmt::format("about {:.6g} a year, {:.0f} in all", report.label.terms.updates_per_year,
                     report.label.updates);
}

std::string PayerText(const LabelReport& report) {
  return report.is_paid_by_user ? "you, the user" : "the vendor";
}

using Row = std::pair<std::string, std::string>;

// What is said of updates in general; also what a rule asks for: whether, how, until when.
std::vector<Row> GeneralRows(const LabelReport& report) {
  const PatchSummary& summary = *report.size.summary;
  return {{"Can be updated", "yes"},
          {"Security updates until", YearsText(report)},
          {"How often", FrequencyText(report)},
          {"Installed", InstalledText(report)},
          {"What is sent", KindText(summary)},
          {"Protection", SignedText(summary)},
          {"This update", SizeText(report)},
          {"Data is paid for by", PayerText(report)}};
}

struct Period {
  std::string name;
  const Range LabelAmounts::*which;
};

std::vector<Period> Periods(const LabelReport& report) {
  return {{"this update", &LabelAmounts::update},
          {"a year", &LabelAmounts::year},
          {"until " + libdelta::ToText(report.label.terms.support_until), &LabelAmounts::support}};
}

std::string LineTitle(const LabelLine& line) {
  return fmt::format("{}: {}", line.profile.name, PriceText(line.plan));
}

std::string CostCell(const LabelReport& report, const LabelLine& line, const Period& period) {
  std::string text = MoneyText(report, line, period.which);
  if (line.bundle_share) text += "; " + BundleText(line, period.which);
  return text;
}

std::string DataCell(const LabelLine& line, const Period& period) {
  return Spread(line.billed_bytes.*period.which, ShortSize);
}

std::string TimeCell(const LabelLine& line, const Period& period) {
  return Spread(line.seconds.*period.which, Duration);
}

std::string LastsText(const LabelLine& line) {
  return fmt::format(
      "These updates use the prepaid data up in {:.1f} years, before its or the support's end.",
      *line.bundle_lasts_years);
}

// What every reader must know of the figures.
std::vector<std::string> Caveats(const LabelReport& report) {
  std::vector<std::string> lines = {
      "Typical figures, in brackets the range. Prices are of the dates shown, in the plan's own currency, "
      "and were "
      "looked up by " +
          report.prices_as_of + "; ask your provider for today's.",
      "Other updates may be larger or smaller than this one; a year is so many of this one. Monthly fees are "
      "not in "
      "the costs."};
  if (!report.flash_note.empty()) lines.push_back("Flash: " + report.flash_note + ".");
  return lines;
}

std::string Escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

// Of plan and link, for the second layer: what a figure is and which sources it has.
struct Provenance {
  std::string what;
  std::string basis;
  std::vector<std::string> sources;
};

std::vector<Provenance> ProvenanceOf(const LabelLine& line) {
  std::vector<Provenance> list = {{"price, " + line.plan.name, line.plan.basis, line.plan.sources}};
  if (!line.plan.note.empty()) list.front().basis += "; " + line.plan.note;
  for (const libdelta::FigureNote& figure : line.link.figures) {
    list.push_back({figure.field, figure.basis, figure.sources});
  }
  return list;
}

using Cell = std::string (*)(const LabelReport& report, const LabelLine& line, const Period& period);

struct CellRow {
  const char* name;
  Cell cell;
};

constexpr CellRow kCellRows[] = {
    {"Data",
     [](const LabelReport&, const LabelLine& line, const Period& period) { return DataCell(line, period); }},
    {"Cost", CostCell},
    {"Time",
     [](const LabelReport&, const LabelLine& line, const Period& period) { return TimeCell(line, period); }},
    {"Battery", [](const LabelReport& report, const LabelLine& line,
                   const Period& period) { return BatteryText(report, line, period.which); }},
};

std::string HtmlTable(const LabelReport& report, const LabelLine& line) {
  std::string html =
      fmt::format("<table>\n<caption>{}</caption>\n<thead><tr><td></td>", Escaped(LineTitle(line)));
  for (const Period& period : Periods(report)) {
    html += fmt::format("<th scope=\"col\">{}</th>", Escaped(period.name));
  }
  html += "</tr></thead>\n<tbody>\n";
  for (const CellRow& row : kCellRows) {
    html += fmt::format("<tr><th scope=\"row\">{}</th>", row.name);
    for (const Period& period : Periods(report)) {
      html += fmt::format("<td>{}</td>", Escaped(row.cell(report, line, period)));
    }
    html += "</tr>\n";
  }
  html += "</tbody>\n</table>\n";
  if (line.bundle_lasts_years) html += fmt::format("<p><strong>{}</strong></p>\n", Escaped(LastsText(line)));
  return html;
}

std::string HtmlProvenance(const LabelLine& line, const libdelta::Catalog& catalog) {
  std::string html = fmt::format("<h3>{}</h3>\n<ul>\n", Escaped(line.profile.name));
  for (const Provenance& item : ProvenanceOf(line)) {
    html += fmt::format("<li>{}: {}", Escaped(item.what), Escaped(item.basis));
    for (const std::string& key : item.sources) {
      const auto source = catalog.sources.find(key);
      if (source == catalog.sources.end()) continue;
      html += fmt::format("; {} ({})", Escaped(source->second.title), Escaped(source->second.date));
    }
    html += "</li>\n";
  }
  return html + "</ul>\n";
}

constexpr std::string_view kStyle = R"(
body { font: 1rem/1.4 system-ui, sans-serif; margin: 1rem; color: #000; background: #fff; }
main { max-width: 46rem; margin: auto; border: 3px solid #000; padding: 0 1rem 1rem; }
h1 { font-size: 1.4rem; border-bottom: 6px solid #000; margin: 0.5rem 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; margin: 0; }
dt { font-weight: bold; }
dd { margin: 0; }
table { border-collapse: collapse; width: 100%; margin-top: 0.8rem; table-layout: fixed; }
thead td { width: 5rem; }
caption { text-align: left; font-weight: bold; border-top: 2px solid #000; padding-top: 0.3rem; }
th, td { text-align: left; vertical-align: top; padding: 0.1rem 0.6rem 0.1rem 0; }
th, td { border-bottom: 1px solid #000; }
summary { font-weight: bold; padding: 0.4rem 0; cursor: pointer; }
@media (max-width: 40rem) { dl { display: block; } table { font-size: 0.85rem; } }
)";

Json AmountsJson(const LabelAmounts& amounts) {
  return {{"update", ToJson(amounts.update)},
          {"year", ToJson(amounts.year)},
          {"support", ToJson(amounts.support)}};
}

Json AmountsJson(const std::optional<LabelAmounts>& amounts) {
  return amounts ? AmountsJson(*amounts) : Json();
}

Json BatteryJson(const LabelReport& report, const LabelLine& line) {
  if (!line.joules) return {};
  const auto share = [&](const Range& joules) { return libdelta::BatteryShare(report.battery, joules); };
  return AmountsJson(
      LabelAmounts{share(line.joules->update), share(line.joules->year), share(line.joules->support)});
}

Json LineJson(const LabelReport& report, const LabelLine& line) {
  return {{"id", line.profile.id},
          {"name", line.profile.name},
          {"plan",
           {{"name", line.plan.name},
            {"currency", line.plan.currency},
            {"priced", line.plan.is_priced()},
            {"price_date", line.plan.price_date.empty() ? Json() : Json(line.plan.price_date)},
            {"status", libdelta::NameOf(line.plan.status)},
            {"basis", line.plan.basis},
            {"note", line.plan.note},
            {"sources", line.plan.sources}}},
          {"link", line.link.name},
          {"billed_bytes", AmountsJson(line.billed_bytes)},
          {"money", AmountsJson(line.money)},
          {"bundle_share", AmountsJson(line.bundle_share)},
          {"bundle_lasts_years", line.bundle_lasts_years ? ToJson(*line.bundle_lasts_years) : Json()},
          {"seconds", AmountsJson(line.seconds)},
          {"joules", AmountsJson(line.joules)},
          {"battery_share", BatteryJson(report, line)}};
}

}  // namespace

std::string ToText(const LabelReport& report, const libdelta::Catalog& catalog) {
  std::string text = fmt::format("UPDATE DATA LABEL  {}\n\n", report.product);
  for (const auto& [name, value] : GeneralRows(report)) text += fmt::format("{:<24}{}\n", name, value);
  for (const LabelLine& line : report.label.lines) {
    text += fmt::format("\n{}\n", LineTitle(line));
    for (const Period& period : Periods(report)) {
      text += fmt::format("  {:<22}{}; {}\n", period.name, DataCell(line, period),
                          CostCell(report, line, period));
      text += fmt::format("  {:<22}time {}; battery {}\n", "", TimeCell(line, period),
                          BatteryText(report, line, period.which));
    }
    if (line.bundle_lasts_years) text += fmt::format("  {}\n", LastsText(line));
  }
  text += "\n";
  for (const std::string& caveat : Caveats(report)) text += caveat + "\n";
  text += "\nWHERE THE FIGURES COME FROM\n";
  for (const LabelLine& line : report.label.lines) {
    text += line.profile.name + "\n";
    for (const Provenance& item : ProvenanceOf(line)) {
      text += fmt::format("  {}: {}\n", item.what, item.basis);
      for (const std::string& key : item.sources) {
        const auto source = catalog.sources.find(key);
        if (source == catalog.sources.end()) continue;
        text += fmt::format("    {} ({})\n", source->second.title, source->second.date);
      }
    }
  }
  return text;
}

std::string ToHtml(const LabelReport& report, const libdelta::Catalog& catalog) {
  std::string html = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>Update data label: {0}</title>\n<style>{1}</style>\n</head>\n<body>\n<main>\n"
      "<h1>Update data label: {0}</h1>\n<dl>\n",
      Escaped(report.product), kStyle);
  for (const auto& [name, value] : GeneralRows(report)) {
    html += fmt::format("<dt>{}</dt><dd>{}</dd>\n", Escaped(name), Escaped(value));
  }
  html += "</dl>\n";
  for (const LabelLine& line : report.label.lines) html += HtmlTable(report, line);
  for (const std::string& caveat : Caveats(report)) html += fmt::format("<p>{}</p>\n", Escaped(caveat));
  html += "<details>\n<summary>Where the figures come from</summary>\n";
  for (const LabelLine& line : report.label.lines) html += HtmlProvenance(line, catalog);
  return html + "</details>\n</main>\n</body>\n</html>\n";
}

Json ToJson(const LabelReport& report, const libdelta::Catalog& catalog) {
  const PatchSummary& summary = *report.size.summary;
  const libdelta::LabelTerms& terms = report.label.terms;
  Json lines = Json::array();
  std::vector<PricedLink> used;
  for (const LabelLine& line : report.label.lines) {
    lines.push_back(LineJson(report, line));
    used.push_back({line.profile, line.plan, line.link});
  }
  return {{"ok", true},
          {"label", "update-data"},
          {"product", report.product},
          {"prices_as_of", report.prices_as_of},
          {"can_be_updated", true},
          {"support_from", libdelta::ToText(terms.from)},
          {"support_until", libdelta::ToText(terms.support_until)},
          {"support_years", ToJson(report.label.years)},
          {"updates_per_year", ToJson(terms.updates_per_year)},
          {"updates", ToJson(report.label.updates)},
          {"installed", report.installed.empty() ? Json() : Json(report.installed)},
          {"in_place", summary.in_place.has_value()},
          {"signatures", summary.signatures.size()},
          {"update_bytes", report.size.bytes},
          {"full_bytes", summary.new_length},
          {"paid_by", report.is_paid_by_user ? "user" : "vendor"},
          {"battery", report.battery.id},
          {"flash_note", report.flash_note},
          {"profiles", lines},
          {"sources", SourcesJson(catalog, used)}};
}

}  // namespace fwdelta
