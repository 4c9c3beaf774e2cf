// The files of a report. Nothing in them depends on the time or the machine, only on the peers' versions.
#ifndef BENCH_REPORT_OUTPUT_H_
#define BENCH_REPORT_OUTPUT_H_

#include <map>
#include <string>
#include <vector>

#include "bench/report/costs.h"
#include "bench/report/measure.h"
#include "libdelta/cost/catalog.h"
#include "libdelta/cost/validation.h"

namespace bench {

// Where the images of a pair come from.
struct Package {
  std::string source;  // "npm", "deb".
  std::string name;
  std::string old_version;
  std::string new_version;
};

struct Report {
  libdelta::Catalog catalog;
  Board board;
  bool is_generated = false;                // Images that bench/support/thumb_images.h made, of no device.
  std::map<std::string, Package> packages;  // By pair.
  std::vector<PairResult> pairs;
  std::vector<CostRow> costs;
  std::vector<ProfileCurve> curves;
  std::vector<BreakEvenRow> break_evens;
  std::vector<libdelta::Validation> validations;
};

std::string FormatSizes(const Report& report);  // sizes.csv
std::string FormatCosts(const Report& report);  // costs.csv
std::string FormatJson(const Report& report);   // report.json

}  // namespace bench

#endif  // BENCH_REPORT_OUTPUT_H_
