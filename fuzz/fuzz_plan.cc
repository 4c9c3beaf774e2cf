// Price plans and broadband labels from anywhere: refused with a message, or good for a cost.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "libdelta/cost/model.h"
#include "libdelta/cost/plan_file.h"

using libdelta::Case;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const libdelta::Result<libdelta::OwnPlan> own = libdelta::ParsePlanFile(text, "plan", "");
  if (!own.ok()) {
    if (!own.error().starts_with("plan: ")) abort();
    return 0;
  }
  libdelta::Link link;
  link.payload_bytes = 40;
  link.overhead_bytes = 10;
  link.round_trip_seconds = libdelta::Same(1);
  if (own.value().link) link = *own.value().link;
  for (const uint64_t bytes : {uint64_t{0}, uint64_t{1}, uint64_t{123456}, libdelta::kMaxUpdateBytes}) {
    const libdelta::Result<libdelta::Cost> cost =
        libdelta::EstimateCost(own.value().plan, link, bytes, {.interruptions_per_hour = 0.5});
    if (!cost.ok()) continue;
    for (const Case which : libdelta::kCases) {
      if (!(cost.value().billed_bytes.at(which) >= 0)) abort();  // Nor not a number.
      if (cost.value().money && !(cost.value().money->at(which) >= 0)) abort();
    }
  }
  return 0;
}
