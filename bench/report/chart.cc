#include "bench/report/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "bench/support/program.h"

namespace bench {
namespace {

constexpr int kLeft = 330;  // Of the plot, in pixels.
constexpr int kWidth = 420;
constexpr int kTop = 74;
constexpr int kRow = 24;

double X(double share) { return kLeft + kWidth * share; }

std::string Escaped(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '&') {
      escaped += "&amp;";
    } else if (c == '<') {
      escaped += "&lt;";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string Text(double x, double y, const std::string& more, const std::string& text) {
  return fmt::format("<text x=\"{:.0f}\" y=\"{:.0f}\"{}>{}</text>\n", x, y, more, Escaped(text));
}

// A quantity of the chart: its name, color, and the outline of its mark around the origin.
struct Series {
  const char* name;
  const char* color;
  const char* outline;
  libdelta::Ratio libdelta::CostRatios::*ratio;
};

constexpr Series kSeries[] = {
    {"money", "#2166ac", "M-5,-5H5V5H-5Z", &libdelta::CostRatios::money},
    {"time", "#c2390a", "M0,-6L6,0L0,6L-6,0Z", &libdelta::CostRatios::total_seconds},
    {"energy", "#0d7a68", "M0,-6L6,5H-6Z", &libdelta::CostRatios::total_joules},
};

std::string Mark(const Series& series, double x, double y) {
  return fmt::format(
      "<path d=\"{}\" transform=\"translate({:.1f},{:.0f})\" fill=\"{}\" fill-opacity=\"0.85\"/>\n",
      series.outline, x, y, series.color);
}

}  // namespace

std::string FormatChart(const Report& report, const std::string& pair, const std::string& strategy) {
  std::vector<const CostRow*> rows;
  for (const CostRow& row : report.costs) {
    if (row.pair->pair.id == pair && row.size->strategy->id == strategy && row.profile->headline) {
      rows.push_back(&row);
    }
  }
  if (rows.empty()) Die(fmt::format("no costs of {} for {}", strategy, pair));
  const CostRow& first = *rows.front();
  const double bytes_share =
      static_cast<double>(first.size->bytes) / static_cast<double>(first.pair->new_size);
  const int bottom = kTop + kRow * static_cast<int>(rows.size());
  const int width = kLeft + kWidth + 40;

  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
      "font-family=\"sans-serif\" font-size=\"13\" fill=\"#1c2024\" role=\"img\" "
      "aria-label=\"Share of the full image's money, time and energy that remains, by link and plan\">\n"
      "<rect width=\"{0}\" height=\"{1}\" fill=\"#ffffff\"/>\n",
      width, bottom + 40);
  svg += Text(12, 22, " font-weight=\"bold\"",
              fmt::format("{}: {} bytes instead of {}. What remains of the cost?", pair, first.size->bytes,
                          first.pair->new_size));
  double legend = kLeft;
  for (const Series& series : kSeries) {
    svg += Mark(series, legend, 44) + Text(legend + 12, 48, "", series.name);
    legend += 90;
  }
  for (int percent = 0; percent <= 100; percent += 25) {
    const double x = X(percent / 100.0);
    svg += fmt::format("<path d=\"M{0:.0f},{1}V{2}\" stroke=\"#cfd5da\"/>\n", x, kTop - 8, bottom);
    svg += Text(x, bottom + 18, " text-anchor=\"middle\"", fmt::format("{} %", percent));
  }
  svg += fmt::format("<path d=\"M{0:.1f},{1}V{2}\" stroke=\"#1c2024\" stroke-dasharray=\"3 3\"/>\n",
                     X(bytes_share), kTop - 8, bottom);
  svg += Text(X(bytes_share), bottom + 34, " text-anchor=\"middle\" fill=\"#565e66\"",
              fmt::format("bytes {:.1f} %", 100 * bytes_share));
  for (size_t i = 0; i < rows.size(); i++) {
    const double y = kTop + kRow * (static_cast<double>(i) + 0.5);
    const CostRow& row = *rows[i];
    const libdelta::PricePlan& plan = *report.catalog.FindPlan(row.profile->plan);
    const bool is_old = plan.status != libdelta::PriceStatus::kCurrent;
    svg += Text(kLeft - 14, y + 4, " text-anchor=\"end\"",
                row.profile->name + (is_old ? fmt::format(" ({})", NameOf(plan.status)) : ""));
    for (const Series& series : kSeries) {
      const libdelta::Ratio& ratio = row.ratios.*series.ratio;
      if (ratio) svg += Mark(series, X(std::min(1.0, ratio->typical)), y);
    }
  }
  return svg + "</svg>\n";
}

}  // namespace bench
