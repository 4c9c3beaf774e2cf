// What every strategy costs on every profile: plan, link, board.
#ifndef BENCH_REPORT_COSTS_H_
#define BENCH_REPORT_COSTS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "bench/report/measure.h"
#include "libdelta/cost/catalog.h"
#include "libdelta/cost/model.h"

namespace bench {

struct CostRow {
  const PairResult* pair = nullptr;
  const Size* size = nullptr;
  const libdelta::CostProfile* profile = nullptr;
  libdelta::Cost cost;
  libdelta::CostRatios ratios;                   // To the full image.
  std::optional<libdelta::Range> battery_share;  // Of a CR2032.
};

// The cost of one size after the other, for a chart. Typical case, transfer only.
struct CurvePoint {
  uint64_t bytes = 0;
  libdelta::Cost cost;
};

struct ProfileCurve {
  const libdelta::CostProfile* profile = nullptr;
  libdelta::Cost smallest;  // Of one byte: what setting up costs.
  std::vector<CurvePoint> points;
};

struct BreakEvenRow {
  const PairResult* pair = nullptr;
  const Strategy* strategy = nullptr;  // Whose flash work is meant.
  const libdelta::CostProfile* profile = nullptr;
  libdelta::BreakEven break_even;
};

inline constexpr const char* kReportBattery = "cr2032";

// Of all sizes that are known and whose flash work is, in the order of pairs, strategies, profiles.
std::vector<CostRow> PriceAll(const libdelta::Catalog& catalog, const std::vector<PairResult>& pairs);
std::vector<ProfileCurve> PriceCurves(const libdelta::Catalog& catalog);
// For libdelta with two slots and in place.
std::vector<BreakEvenRow> FindBreakEvens(const libdelta::Catalog& catalog,
                                         const std::vector<PairResult>& pairs);

}  // namespace bench

#endif  // BENCH_REPORT_COSTS_H_
