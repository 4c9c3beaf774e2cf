#include "libdelta/cost/flash_work.h"

#include <algorithm>
#include <optional>

#include "libdelta/sim/flash_model.h"

namespace libdelta {
namespace {

FlashWork WorkOf(const DeviceProfile& profile, const FlashSpread& spread, const FlashStatistics& statistics) {
  FlashWork work;
  work.erases = statistics.erases;
  work.programmed_bytes = statistics.bytes_programmed;
  for (const uint32_t erases : statistics.page_erases) {
    work.most_erases_of_a_page = std::max<uint64_t>(work.most_erases_of_a_page, erases);
  }
  for (const Case which : kCases) {
    FlashTimes times = TimesOf(profile, statistics);
    times.erase_ms *= spread.erase.at(which);
    times.program_ms *= spread.program.at(which);
    work.seconds.at(which) = times.total_ms() / 1000;
    work.joules.at(which) = times.Millijoules(profile) * spread.current.at(which) / 1000;
  }
  if (profile.endurance_cycles != 0) {
    work.wear_share = static_cast<double>(work.most_erases_of_a_page) / profile.endurance_cycles;
  }
  return work;
}

}  // namespace

Result<FlashWork> WholeSlotWork(const DeviceProfile& profile, const FlashSpread& spread,
                                uint64_t image_bytes) {
  if (const std::optional<Error> error = CheckImageSize(profile, "the image", image_bytes)) return *error;
  FlashStatistics statistics;
  statistics.page_erases.resize(profile.PageCount());
  const PageSpan slot = profile.PagesOf(profile.slot);
  for (uint32_t page = slot.first; page < slot.end(); ++page) {
    const uint64_t start = profile.PageStart(page);
    if (start - profile.slot.start >= image_bytes || profile.IsProtected(page)) continue;
    const uint64_t bytes =
        std::min<uint64_t>(profile.PageSize(page), profile.slot.start + image_bytes - start);
    const uint64_t units = (bytes + profile.write_unit - 1) / profile.write_unit;
    statistics.page_erases[page] = 1;
    ++statistics.erases;
    statistics.programs += units;
    statistics.bytes_programmed += units * profile.write_unit;
  }
  return WorkOf(profile, spread, statistics);
}

FlashWork InPlaceWork(const DeviceProfile& profile, const FlashSpread& spread, const CampaignResult& result) {
  return WorkOf(profile, spread, result.statistics);
}

}  // namespace libdelta
