// The cost of 18 KB on each plan and link of an installed library.
#include <libdelta/cost/catalog.h>
#include <libdelta/cost/model.h>

#include <cstdio>

int main() {
  const libdelta::Result<libdelta::Catalog> catalog = libdelta::BuiltInCatalog();
  if (!catalog.ok()) {
    std::fprintf(stderr, "%s\n", catalog.error().c_str());
    return 1;
  }
  for (const libdelta::CostProfile& profile : catalog.value().profiles) {
    const libdelta::Result<libdelta::Cost> cost = libdelta::EstimateCost(
        *catalog.value().FindPlan(profile.plan), *catalog.value().FindLink(profile.link), 18000, {});
    if (!cost.ok()) {
      std::fprintf(stderr, "%s: %s\n", profile.id.c_str(), cost.error().c_str());
      return 1;
    }
    std::printf("%s: %.0f s\n", profile.name.c_str(), cost.value().transfer_seconds.typical);
  }
  return 0;
}
