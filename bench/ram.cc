// What RAM on the device is worth: encodes the pairs of microcontrollers and of embedded Linux for many RAM
// sizes, checks each patch as bench_sizes does, and writes a CSV that depends on neither machine nor time,
// and a chart of the means. Prints the means as a table.
//
//   bench_ram --corpus DIR [--only TEXT] [--out CSV] [--chart SVG] [-j N]
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <string>
#include <vector>

#include "bench/support/pairs.h"
#include "bench/support/program.h"
#include "bench/support/sizes.h"
#include "bench/support/svg.h"
#include "libdelta/host.h"

namespace bench {
namespace {

constexpr char kMcuRams[] = "2K,4K,8K,16K,32K,64K,128K,256K,1M";
// Fewer: these pairs take the most time, and what runs Linux has more than a microcontroller.
constexpr char kLinuxRams[] = "8K,64K,256K,1M";

// A line of the chart.
struct Series {
  const char* name;
  SvgMark mark;
  bool (*filter)(const Pair&);
  Peer Pair::*peer;
  const char* peer_name;
};

constexpr Series kSeries[] = {
    {"embedded Linux", kGrayCross, IsLinux, &Pair::best, "best peer"},
    {"all MCU", kBlueSquare, IsMcu, &Pair::best, "best peer"},
    {"Thumb", kGreenTriangle, IsThumb, &Pair::best, "best peer"},
    {"all MCU", kRedDiamond, IsMcu, &Pair::best_mcu, "best peer for an MCU"},
};

struct Point {
  uint64_t ram = 0;
  double mean = 0;
};

// A line that is there: means over the same pairs at each size, in the order of sizes.
struct Curve {
  const Series* series = nullptr;
  int pairs = 0;
  std::vector<Point> points;
};

std::vector<Curve> MakeCurves(const std::vector<SizeRow>& rows) {
  std::vector<Curve> curves;
  for (const Series& series : kSeries) {
    Curve curve;
    curve.series = &series;
    for (const uint64_t ram : ParseSizes(kMcuRams)) {
      Mean mean;
      for (const SizeRow& row : rows) {
        if (row.ram != ram || !series.filter(*row.pair) || !IsAveraged(*row.pair)) continue;
        mean.Add(row.patch, (row.pair->*series.peer).bytes);
      }
      if (mean.count() == 0) continue;
      curve.pairs = mean.count();
      curve.points.push_back({ram, mean.value()});
    }
    if (!curve.points.empty()) curves.push_back(curve);
  }
  return curves;
}

void PrintTable(const std::vector<Curve>& curves) {
  const std::vector<uint64_t> rams = ParseSizes(kMcuRams);
  std::string head = "| both sets | pairs |";
  std::string rule = "|---|---|";
  for (const uint64_t ram : rams) {
    head += fmt::format(" {} |", FormatSize(ram));
    rule += "---|";
  }
  fmt::print("{}\n{}\n", head, rule);
  for (const Curve& curve : curves) {
    fmt::print("| {} / {} | {} |", curve.series->name, curve.series->peer_name, curve.pairs);
    for (const uint64_t ram : rams) {
      const auto at = std::find_if(curve.points.begin(), curve.points.end(),
                                   [ram](const Point& point) { return point.ram == ram; });
      fmt::print(" {} |", at == curve.points.end() ? "" : fmt::format("{:.2f}", at->mean));
    }
    fmt::print("\n");
  }
}

// The plot, in pixels.
constexpr int kLeft = 58;
constexpr int kTop = 56;
constexpr int kStep = 50;  // From a RAM size to its double.
constexpr int kHeight = 300;
constexpr int kLabels = 290;  // Room for the names behind the lines.
constexpr int kLabelHeight = 18;
constexpr double kTick = 0.2;

// Whole pixels, as marks and text are placed.
struct Plot {
  uint64_t least_ram;
  uint64_t most_ram;
  double top;  // The ratio at the upper end.

  double X(uint64_t ram) const {
    return kLeft + std::round(kStep * std::log2(static_cast<double>(ram) / static_cast<double>(least_ram)));
  }
  double Y(double ratio) const { return kTop + std::round(kHeight * (1 - ratio / top)); }
  double right() const { return X(most_ram); }
};

Plot MakePlot(const std::vector<Curve>& curves) {
  const std::vector<uint64_t> rams = ParseSizes(kMcuRams);
  double most = 1;
  for (const Curve& curve : curves) {
    for (const Point& point : curve.points) most = std::max(most, point.mean);
  }
  return {rams.front(), rams.back(), kTick * std::ceil(most / kTick + 0.25)};
}

// The grid, and what its lines mean.
std::string FormatAxes(const Plot& plot) {
  std::string svg;
  const int ticks = static_cast<int>(std::lround(plot.top / kTick));
  for (int i = 0; i <= ticks; i++) {
    const double y = plot.Y(i * kTick);
    svg += SvgPath(fmt::format("M{},{}H{}", kLeft, y, plot.right()), kSvgGrid);
    svg += SvgText(kLeft - 10, y + 4, " text-anchor=\"end\"", fmt::format("{:.1f}", i * kTick));
  }
  for (uint64_t ram = plot.least_ram; ram <= plot.most_ram; ram *= 2) {
    const double x = plot.X(ram);
    svg += SvgPath(fmt::format("M{},{}V{}", x, kTop, kTop + kHeight), kSvgGrid);
    svg += SvgText(x, kTop + kHeight + 20, " text-anchor=\"middle\"", FormatSize(ram));
  }
  svg += SvgText((kLeft + plot.right()) / 2, kTop + kHeight + 42, " text-anchor=\"middle\"",
                 "RAM for the update, in bytes");
  svg += SvgPath(fmt::format("M{},{}H{}", kLeft, plot.Y(1), plot.right()), kSvgDashed);
  return svg + SvgText(plot.right() + 14, plot.Y(1) + 4, " fill=\"#565e66\"", "1.00 the best peer");
}

std::string FormatCurve(const Plot& plot, const Curve& curve) {
  std::string path;
  std::string marks;
  for (const Point& point : curve.points) {
    const double x = plot.X(point.ram);
    const double y = plot.Y(point.mean);
    path += fmt::format("{}{},{}", path.empty() ? "M" : "L", x, y);
    marks += SvgMarkAt(curve.series->mark, x, y);
  }
  return SvgPath(path,
                 fmt::format(" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"", curve.series->mark.color)) +
         marks;
}

// Each at the end of its line, or as near as those above leave room.
std::string FormatLabels(const Plot& plot, std::vector<Curve> curves) {
  const auto end_of = [](const Curve& curve) { return curve.points.back().mean; };
  std::sort(curves.begin(), curves.end(),
            [&](const Curve& a, const Curve& b) { return end_of(a) > end_of(b); });
  std::string svg;
  double lowest = kTop;
  for (const Curve& curve : curves) {
    const double y = std::max(plot.Y(end_of(curve)) + 4, lowest + kLabelHeight);
    svg += SvgText(plot.right() + 14, y, fmt::format(" fill=\"{}\"", curve.series->mark.color),
                   fmt::format("{:.2f} {} ({}) / {}", end_of(curve), curve.series->name, curve.pairs,
                               curve.series->peer_name));
    lowest = y;
  }
  return svg;
}

std::string FormatChart(const std::vector<Curve>& curves) {
  const Plot plot = MakePlot(curves);
  std::string svg = SvgText(12, 22, " font-weight=\"bold\"", "Size of the patch against RAM on the device");
  svg += SvgText(12, 42, " fill=\"#565e66\"", "patch / best peer: geometric means (and of how many pairs)");
  svg += FormatAxes(plot);
  for (const Curve& curve : curves) svg += FormatCurve(plot, curve);
  svg += FormatLabels(plot, curves);
  return SvgFile(static_cast<int>(plot.right()) + kLabels, kTop + kHeight + 56,
                 "Size of patches as a share of the best other program's, against the RAM of the device",
                 svg);
}

std::string FormatRows(const std::vector<SizeRow>& rows) {
  std::string text = "set,id,class,isa,ram,patch,best,best_mcu,ratio,ratio_mcu\n";
  for (const SizeRow& row : rows) {
    const Pair& pair = *row.pair;
    text += fmt::format("{},{},{},{},{},{},{},{},{},{}\n", pair.set, pair.id, pair.device_class, pair.isa,
                        row.ram, row.patch, pair.best.bytes, pair.best_mcu.bytes,
                        FormatRatio(row.patch, pair.best.bytes), FormatRatio(row.patch, pair.best_mcu.bytes));
  }
  return text;
}

int Main(int argc, char** argv) {
  const Options options = ParseOptions(argc, argv, {}, {"corpus", "only", "out", "chart", "j"});
  std::vector<Pair> mcu = SelectPairs(options);
  std::vector<Pair> embedded;
  std::copy_if(mcu.begin(), mcu.end(), std::back_inserter(embedded), [](const Pair& pair) {
    return IsLinux(pair) && std::filesystem::file_size(pair.folder / "new.bin") <= kLargestJudged;
  });
  std::erase_if(mcu, [](const Pair& pair) { return !IsMcu(pair); });

  const std::vector<uint64_t> efforts = {libdelta::kDefaultEffort};
  std::vector<SizeRow> rows = MeasureSizes(mcu, ParseSizes(kMcuRams), efforts, Threads(options));
  std::vector<SizeRow> more = MeasureSizes(embedded, ParseSizes(kLinuxRams), efforts, Threads(options));
  std::move(more.begin(), more.end(), std::back_inserter(rows));
  const bool good = AllApplied(rows);
  const std::vector<Curve> curves = MakeCurves(rows);
  PrintTable(curves);
  if (options.contains("out")) WriteText(options.at("out"), FormatRows(rows));
  if (options.contains("chart")) WriteText(options.at("chart"), FormatChart(curves));
  return good ? 0 : 1;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::Main(argc, argv); }
