// A small picture of a report, for documents that cannot hold the page.
#ifndef BENCH_REPORT_CHART_H_
#define BENCH_REPORT_CHART_H_

#include <string>

#include "bench/report/output.h"

namespace bench {

// An SVG file: what remains of the full image's money, time and energy when `strategy` is sent instead, for
// one pair, on the headline profiles; typical case. Dies if there is no such pair or strategy.
std::string FormatChart(const Report& report, const std::string& pair, const std::string& strategy);

}  // namespace bench

#endif  // BENCH_REPORT_CHART_H_
