// How many of the cases that could be tried a test tries: LIBDELTA_CAMPAIGN=full for all of them, which takes
// hours, and =quick for a smaller sample than usual, for builds that check every access.
#ifndef TESTS_SUPPORT_CAMPAIGN_H_
#define TESTS_SUPPORT_CAMPAIGN_H_

#include <cstdlib>
#include <string_view>

namespace libdelta::testing {

inline bool CampaignIs(std::string_view name) {
  const char* campaign = std::getenv("LIBDELTA_CAMPAIGN");
  return campaign != nullptr && campaign == name;
}

inline bool IsFullCampaign() { return CampaignIs("full"); }
inline bool IsQuickCampaign() { return CampaignIs("quick"); }

}  // namespace libdelta::testing

#endif  // TESTS_SUPPORT_CAMPAIGN_H_
