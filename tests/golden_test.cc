// Patches as they were made once: what applied must apply for good, what is malformed must be refused with
// the status that it has always had.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "libdelta/device.h"
#include "libdelta/host/sha256.h"
#include "tests/support/device.h"
#include "tests/support/golden.h"

namespace libdelta::testing {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> ApplyFolders() {
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(GoldenFolder() / "apply")) folders.push_back(entry.path());
  std::sort(folders.begin(), folders.end());
  return folders;
}

void MakeTrusting(Device* device) {
  device->keys.clear();
  device->threshold = 0;
  device->hardware.reset();
  device->component.reset();
  device->min_counter = 0;
}

TEST(Golden, PatchesApply) {
  const std::vector<fs::path> folders = ApplyFolders();
  EXPECT_GE(folders.size(), 15u);
  for (const fs::path& folder : folders) {
    SCOPED_TRACE(folder.filename().string());
    const auto golden = ReadGoldenPatch(folder);
    ASSERT_TRUE(golden.has_value());
    for (const Feed feed : kAllFeeds) {
      Device device(golden->old_image);
      MakeTrusting(&device);
      ASSERT_EQ(device.Apply(golden->patch, feed), LIBDELTA_OK) << FeedName(feed);
      EXPECT_EQ(ToHex(Sha256(device.new_image())), golden->new_sha256) << FeedName(feed);
    }
  }
}

TEST(Golden, MalformedPatchesAreRefused) {
  const std::vector<GoldenRefusal> refusals = ReadGoldenRefusals();
  EXPECT_GE(refusals.size(), 20u);
  for (const GoldenRefusal& refusal : refusals) {
    SCOPED_TRACE(refusal.name);
    const auto patch = ReadFile(GoldenFolder() / "refuse" / (refusal.name + ".fwd"));
    const auto base = ReadGoldenPatch(GoldenFolder() / "apply" / refusal.base);
    ASSERT_TRUE(patch && base);
    for (const Feed feed : kAllFeeds) {
      Device device(base->old_image);
      MakeTrusting(&device);
      EXPECT_EQ(device.Apply(*patch, feed), refusal.status) << FeedName(feed);
    }
  }
}

// Every file is listed: none was forgotten.
TEST(Golden, EveryMalformedPatchIsListed) {
  const std::vector<GoldenRefusal> refusals = ReadGoldenRefusals();
  for (const auto& entry : fs::directory_iterator(GoldenFolder() / "refuse")) {
    if (entry.path().extension() != ".fwd") continue;
    const std::string name = entry.path().stem().string();
    EXPECT_TRUE(std::any_of(refusals.begin(), refusals.end(), [&](const auto& r) { return r.name == name; }))
        << name;
  }
}

}  // namespace
}  // namespace libdelta::testing
