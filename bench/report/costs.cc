#include "bench/report/costs.h"

#include <cmath>
#include <utility>

#include "bench/support/program.h"

namespace bench {
namespace {

template <typename T>
T ValueOf(libdelta::Result<T> result) {
  if (!result.ok()) Die(result.error());
  return std::move(result.value());
}

libdelta::Cost Price(const libdelta::Catalog& catalog, const libdelta::CostProfile& profile, uint64_t bytes,
                     const libdelta::FlashWork* flash) {
  return ValueOf(libdelta::EstimateCost(*catalog.FindPlan(profile.plan), *catalog.FindLink(profile.link),
                                        bytes, libdelta::Conditions(), flash));
}

}  // namespace

std::vector<CostRow> PriceAll(const libdelta::Catalog& catalog, const std::vector<PairResult>& pairs) {
  const libdelta::Battery* battery = catalog.FindBattery(kReportBattery);
  if (battery == nullptr) Die("the catalog has no battery cr2032");
  std::vector<CostRow> rows;
  for (const PairResult& pair : pairs) {
    for (const Size& size : pair.sizes) {
      const libdelta::FlashWork* flash = FlashOf(pair, *size.strategy);
      if (!size.is_known() || flash == nullptr) continue;
      for (const libdelta::CostProfile& profile : catalog.profiles) {
        CostRow row;
        row.pair = &pair;
        row.size = &size;
        row.profile = &profile;
        row.cost = Price(catalog, profile, size.bytes, flash);
        row.ratios = libdelta::Compare(row.cost, Price(catalog, profile, pair.new_size, &pair.whole_slot));
        if (row.cost.total_joules) {
          row.battery_share = libdelta::BatteryShare(*battery, *row.cost.total_joules);
        }
        rows.push_back(row);
      }
    }
  }
  return rows;
}

std::vector<ProfileCurve> PriceCurves(const libdelta::Catalog& catalog) {
  constexpr int kSteps = 96;  // Six to a doubling, from 64 bytes to 4 MiB.
  std::vector<ProfileCurve> curves;
  for (const libdelta::CostProfile& profile : catalog.profiles) {
    ProfileCurve curve;
    curve.profile = &profile;
    curve.smallest = Price(catalog, profile, 1, nullptr);
    for (int i = 0; i <= kSteps; i++) {
      const uint64_t bytes = static_cast<uint64_t>(std::llround(64 * std::exp2(i / 6.0)));
      curve.points.push_back({bytes, Price(catalog, profile, bytes, nullptr)});
    }
    curves.push_back(std::move(curve));
  }
  return curves;
}

std::vector<BreakEvenRow> FindBreakEvens(const libdelta::Catalog& catalog,
                                         const std::vector<PairResult>& pairs) {
  std::vector<BreakEvenRow> rows;
  for (const PairResult& pair : pairs) {
    for (const Size& size : pair.sizes) {
      const Family family = size.strategy->family;
      if (family != Family::kOurs && family != Family::kOursInPlace) continue;
      for (const libdelta::CostProfile& profile : catalog.profiles) {
        BreakEvenRow row;
        row.pair = &pair;
        row.strategy = size.strategy;
        row.profile = &profile;
        row.break_even = ValueOf(libdelta::FindBreakEven(
            *catalog.FindPlan(profile.plan), *catalog.FindLink(profile.link), FlashOf(pair, *size.strategy)));
        rows.push_back(row);
      }
    }
  }
  return rows;
}

}  // namespace bench
