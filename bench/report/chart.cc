#include "bench/report/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "bench/support/program.h"
#include "bench/support/svg.h"

namespace bench {
namespace {

constexpr int kLeft = 330;  // Of the plot, in pixels.
constexpr int kWidth = 420;
constexpr int kTop = 74;
constexpr int kRow = 24;

double X(double share) { return kLeft + kWidth * share; }

// A quantity of the chart.
struct Series {
  const char* name;
  SvgMark mark;
  libdelta::Ratio libdelta::CostRatios::*ratio;
};

constexpr Series kSeries[] = {
    {"money", kBlueSquare, &libdelta::CostRatios::money},
    {"time", kRedDiamond, &libdelta::CostRatios::total_seconds},
    {"energy", kGreenTriangle, &libdelta::CostRatios::total_joules},
};

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

  std::string svg = SvgText(12, 22, " font-weight=\"bold\"",
                            fmt::format("{}: {} bytes instead of {}. What remains of the cost?", pair,
                                        first.size->bytes, first.pair->new_size));
  double legend = kLeft;
  for (const Series& series : kSeries) {
    svg += SvgMarkAt(series.mark, legend, 44) + SvgText(legend + 12, 48, "", series.name);
    legend += 90;
  }
  for (int percent = 0; percent <= 100; percent += 25) {
    const double x = X(percent / 100.0);
    svg += SvgPath(fmt::format("M{:.0f},{}V{}", x, kTop - 8, bottom), kSvgGrid);
    svg += SvgText(x, bottom + 18, " text-anchor=\"middle\"", fmt::format("{} %", percent));
  }
  svg += SvgPath(fmt::format("M{:.1f},{}V{}", X(bytes_share), kTop - 8, bottom), kSvgDashed);
  svg += SvgText(X(bytes_share), bottom + 34, " text-anchor=\"middle\" fill=\"#565e66\"",
                 fmt::format("bytes {:.1f} %", 100 * bytes_share));
  for (size_t i = 0; i < rows.size(); i++) {
    const double y = kTop + kRow * (static_cast<double>(i) + 0.5);
    const CostRow& row = *rows[i];
    const libdelta::PricePlan& plan = *report.catalog.FindPlan(row.profile->plan);
    const bool is_old = plan.status != libdelta::PriceStatus::kCurrent;
    svg += SvgText(kLeft - 14, y + 4, " text-anchor=\"end\"",
                   row.profile->name + (is_old ? fmt::format(" ({})", NameOf(plan.status)) : ""));
    for (const Series& series : kSeries) {
      const libdelta::Ratio& ratio = row.ratios.*series.ratio;
      if (ratio) svg += SvgMarkAt(series.mark, X(std::min(1.0, ratio->typical)), y);
    }
  }
  return SvgFile(width, bottom + 40,
                 "Share of the full image's money, time and energy that remains, by link and plan", svg);
}

}  // namespace bench
