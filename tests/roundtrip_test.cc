// Encoder and device library together: for every pair of images, whatever the options, what Encode()
// makes is what the device needs to write the new image, however the patch reaches it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "libdelta/device.h"
#include "libdelta/host.h"
#include "libdelta/host/container.h"
#include "libdelta/host/payload.h"
#include "tests/support/campaign.h"
#include "tests/support/device.h"
#include "tests/support/images.h"

namespace libdelta::testing {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kRams[] = {2048, 4096, 8192, 65536, 1 << 20};
constexpr uint32_t kChunks[] = {256, 264, 1024, 4096};
constexpr uint64_t kGroups[] = {0, 64, 4096};

struct Setting {
  uint64_t ram;
  uint32_t chunk;
  uint64_t group;
};

std::string Text(const Setting& setting) {
  return "ram " + std::to_string(setting.ram) + ", chunk " + std::to_string(setting.chunk) + ", group " +
         std::to_string(setting.group);
}

bool LeavesRoomForAModel(const Setting& setting) {
  return RamForArena(kMinArena, setting.chunk) <= setting.ram;
}

std::vector<Setting> AllSettings() {
  std::vector<Setting> settings;
  for (const uint64_t group : kGroups) {
    for (const uint32_t chunk : kChunks) {
      for (const uint64_t ram : kRams) {
        const Setting setting{ram, chunk, group};
        if (LeavesRoomForAModel(setting)) settings.push_back(setting);
      }
    }
  }
  return settings;
}

EncodeOptions OptionsFor(const Setting& setting) {
  EncodeOptions options;
  options.ram = setting.ram;
  options.chunk = setting.chunk;
  options.group = setting.group;
  options.threads = 1;
  return options;
}

// A device that takes any unsigned patch.
void MakeTrusting(Device* device) {
  device->keys.clear();
  device->threshold = 0;
  device->hardware.reset();
  device->component.reset();
  device->min_counter = 0;
}

void ExpectApplies(const Bytes& old_image, const Bytes& new_image, const Bytes& patch,
                   const std::vector<Feed>& feeds) {
  for (const Feed feed : feeds) {
    Device device(old_image);
    MakeTrusting(&device);
    ASSERT_EQ(device.Apply(patch, feed), LIBDELTA_OK) << FeedName(feed);
    // Not ASSERT_EQ: it would print both images.
    ASSERT_TRUE(device.new_image() == new_image) << FeedName(feed);
  }
}

void ExpectRoundTrip(const Bytes& old_image, const Bytes& new_image, const EncodeOptions& options,
                     const std::vector<Feed>& feeds) {
  const Result<Patch> patch = Encode(old_image, new_image, options);
  ASSERT_TRUE(patch.ok()) << patch.error();
  ExpectApplies(old_image, new_image, patch.value().bytes, feeds);
}

const std::vector<Feed> kEveryFeed(std::begin(kAllFeeds), std::end(kAllFeeds));

class RoundTrip : public ::testing::TestWithParam<NamedPair> {
 protected:
  Bytes old_image_ = GetParam().old_image();
  Bytes new_image_ = GetParam().new_image();
};

// Defaults, and a whole image instead of a delta.
TEST_P(RoundTrip, WithDefaults) {
  EncodeOptions options;
  ExpectRoundTrip(old_image_, new_image_, options, kEveryFeed);
  options.kind = PayloadKind::kFullOnly;
  ExpectRoundTrip(old_image_, new_image_, options, {Feed::kBytes});
}

// Every pair meets every RAM size, chunk size and group size, though not every combination.
TEST_P(RoundTrip, WithEverySetting) {
  const std::vector<Setting> settings = AllSettings();
  const bool tiny = old_image_.size() + new_image_.size() < 1000;
  const size_t stride = tiny ? 1 : IsQuickCampaign() ? 27 : 9;
  for (size_t i = old_image_.size() % stride; i < settings.size(); i += stride) {
    SCOPED_TRACE(Text(settings[i]));
    ExpectRoundTrip(old_image_, new_image_, OptionsFor(settings[i]),
                    {i % 2 == 0 ? Feed::kBytes : Feed::kRandom, i % 3 == 0 ? Feed::kStored : Feed::kWhole});
    if (HasFatalFailure()) return;
  }
}

// The same bytes again, and for any number of threads.
TEST_P(RoundTrip, IsDeterministic) {
  EncodeOptions options;
  options.ram = 8192;
  options.group = 4096;
  std::optional<Bytes> first;
  for (const unsigned threads : {1u, 1u, 2u, 5u}) {
    options.threads = threads;
    const Result<Patch> patch = Encode(old_image_, new_image_, options);
    ASSERT_TRUE(patch.ok()) << patch.error();
    if (!first) first = patch.value().bytes;
    EXPECT_TRUE(patch.value().bytes == *first) << threads << " threads";
  }
}

TEST(EncodeOptions, MoreEffortMakesSmallerPatches) {
  const Bytes old_image = ThumbPairs()[0].old_image();
  const Bytes new_image = ThumbPairs()[0].new_image();
  std::vector<size_t> sizes;
  for (int effort = kLeastEffort; effort <= kMostEffort; ++effort) {
    EncodeOptions options;
    options.effort = effort;
    const Result<Patch> patch = Encode(old_image, new_image, options);
    ASSERT_TRUE(patch.ok()) << patch.error();
    EXPECT_TRUE(Encode(old_image, new_image, options).value().bytes == patch.value().bytes) << effort;
    ExpectApplies(old_image, new_image, patch.value().bytes, {Feed::kRandom});
    sizes.push_back(patch.value().bytes.size());
  }
  EXPECT_LE(sizes.back(), sizes.front());
}

INSTANTIATE_TEST_SUITE_P(Tiny, RoundTrip, ::testing::ValuesIn(TinyPairs()),
                         [](const auto& info) { return PairName(info.param); });
INSTANTIATE_TEST_SUITE_P(Awkward, RoundTrip, ::testing::ValuesIn(AwkwardPairs()),
                         [](const auto& info) { return PairName(info.param); });
INSTANTIATE_TEST_SUITE_P(Programs, RoundTrip, ::testing::ValuesIn(ThumbPairs()),
                         [](const auto& info) { return PairName(info.param); });

TEST(EncodeOptions, OutOfRangeAreRefused) {
  const Bytes image = TextLike(300, 1);
  for (const uint64_t ram : {uint64_t{0}, uint64_t{2047}, uint64_t{(1 << 20) + 1}, ~uint64_t{0}}) {
    EncodeOptions options;
    options.ram = ram;
    EXPECT_FALSE(Encode(image, image, options).ok()) << ram;
  }
  for (const uint32_t chunk : {1u, 255u, 4097u, ~0u}) {
    EncodeOptions options;
    options.chunk = chunk;
    EXPECT_FALSE(Encode(image, image, options).ok()) << chunk;
  }
  for (const int effort : {-1, 0, 10}) {
    EncodeOptions options;
    options.effort = effort;
    EXPECT_FALSE(Encode(image, image, options).ok()) << effort;
  }
  EXPECT_FALSE(Encode(image, image, OptionsFor({2048, 2048, 0})).ok());
  EXPECT_FALSE(Encode(image, image, OptionsFor({4096, 4096, 0})).ok());
  EncodeOptions options;
  options.hardware = std::string(33, 'x');
  EXPECT_FALSE(Encode(image, image, options).ok());
}

TEST(EncodeOptions, EveryRamAndChunkThatLeaveRoomWork) {
  const NamedPair& pair = ThumbPairs().front();
  const Bytes old_image = pair.old_image();
  const Bytes new_image = pair.new_image();
  for (uint32_t chunk = 256; chunk <= 1024; chunk += 123) {
    const Setting smallest{std::max<uint64_t>(2048, RoundedRam(kMinArena, chunk)), chunk, 0};
    SCOPED_TRACE(Text(smallest));
    ExpectRoundTrip(old_image, new_image, OptionsFor(smallest), {Feed::kRandom});
    if (HasFatalFailure()) return;
  }
}

// Every size around the smallest, not only those that a person would choose.
TEST(EncodeOptions, RamsAroundTheSmallestAreRefusedOrWork) {
  const Bytes old_image = TextLike(600, 1);
  const Bytes new_image = WithEdits(old_image, 50, 2);
  for (const uint32_t chunk : {1024u, 1027u}) {
    const uint64_t smallest = RoundedRam(kMinArena, chunk);
    for (uint64_t ram = smallest - 40; ram < smallest + 70; ++ram) {
      SCOPED_TRACE(ram);
      const EncodeOptions options = OptionsFor({ram, chunk, 64});
      EXPECT_EQ(Encode(old_image, new_image, options).ok(), ram >= smallest);
      if (ram < smallest) continue;
      ExpectRoundTrip(old_image, new_image, options, {Feed::kBytes, Feed::kStored});
      if (HasFatalFailure()) return;
    }
  }
}

TEST(EncodeOptions, RamIsRoundedDown) {
  const Bytes old_image = TextLike(600, 1);
  const Bytes new_image = WithEdits(old_image, 50, 2);
  const Result<Patch> exact = Encode(old_image, new_image, OptionsFor({4096, 256, 0}));
  const Result<Patch> above = Encode(old_image, new_image, OptionsFor({4127, 256, 0}));
  ASSERT_TRUE(exact.ok() && above.ok());
  EXPECT_EQ(above.value().bytes, exact.value().bytes);
  EXPECT_EQ(above.value().stats.ram, 4096u);
}

TEST(EncodeOptions, LoadAddressIsUsedAndNeverBreaksThePatch) {
  const NamedPair& pair = ThumbPairs().front();
  for (const uint64_t address : {0u, 1u, 0x08000000u, 0x7fffff00u, 0x9d000000u, 0xfffffffcu}) {
    SCOPED_TRACE(address);
    EncodeOptions options;
    options.load_address = address;
    ExpectRoundTrip(pair.old_image(), pair.new_image(), options, {Feed::kWhole});
    if (HasFatalFailure()) return;
  }
}

TEST(EncodeOptions, RelinkedThumbCodeMakesASmallDelta) {
  const NamedPair& pair = ThumbPairs().front();
  const Bytes new_image = pair.new_image();
  const Result<Patch> patch = Encode(pair.old_image(), new_image, {});
  ASSERT_TRUE(patch.ok()) << patch.error();
  EXPECT_EQ(patch.value().stats.payload, "delta");
  EXPECT_EQ(patch.value().stats.load_address, 0x08000000u);
  EXPECT_LT(patch.value().bytes.size(), new_image.size() / 8);
}

TEST(EncodeOptions, ProgressStaysInRangeAndNeverFalls) {
  const NamedPair& pair = ThumbPairs().front();
  EncodeOptions options;
  int last = 0;
  options.progress = [&](int per_mille) {
    EXPECT_GE(per_mille, last);
    EXPECT_LE(per_mille, 1000);
    last = per_mille;
  };
  EXPECT_TRUE(Encode(pair.old_image(), pair.new_image(), options).ok());
}

// Statistics are what the patch consists of.
TEST(EncodeOptions, StatisticsAddUp) {
  for (const NamedPair& pair : AllPairs()) {
    const Result<Patch> patch = Encode(pair.old_image(), pair.new_image(), {});
    ASSERT_TRUE(patch.ok()) << pair.name << ": " << patch.error();
    const EncodeStats& stats = patch.value().stats;
    EXPECT_EQ(stats.header_bytes + stats.link_bytes + stats.payload_bytes, patch.value().bytes.size());
    uint64_t bits = 0;
    for (const auto& [name, count] : stats.stream_bits) bits += count;
    if (stats.payload == "full-zstd" || stats.payload_bytes == 0) continue;
    EXPECT_NEAR(static_cast<double>(bits), static_cast<double>(8 * stats.payload_bytes),
                32 + 0.01 * static_cast<double>(bits))
        << pair.name;
  }
}

std::optional<Bytes> ReadFile(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return std::nullopt;
  return Bytes{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

// Real pairs, where a corpus is at hand: LIBDELTA_CORPUS names its folder, LIBDELTA_CORPUS_LIMIT the size
// of the largest image that is taken (default 48 KiB). Without a corpus there is nothing to report.
TEST(Corpus, PairsThatArePresentRoundTrip) {
  const char* folder = std::getenv("LIBDELTA_CORPUS");
  const char* limit_text = std::getenv("LIBDELTA_CORPUS_LIMIT");
  const fs::path corpus = folder ? fs::path(folder) : fs::path(LIBDELTA_SOURCE_DIR) / "../shared/corpus";
  const size_t limit = limit_text ? std::strtoull(limit_text, nullptr, 10) : 48 * 1024;
  int pairs = 0;
  for (const char* part : {"dev", "public"}) {
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(corpus / part, error)) {
      const std::optional<Bytes> old_image = ReadFile(entry.path() / "old.bin");
      const std::optional<Bytes> new_image = ReadFile(entry.path() / "new.bin");
      if (!old_image || !new_image || std::max(old_image->size(), new_image->size()) > limit) continue;
      SCOPED_TRACE(entry.path().filename().string());
      ExpectRoundTrip(*old_image, *new_image, OptionsFor({8192, 1024, 0}), {Feed::kRandom});
      if (HasFatalFailure()) return;
      ++pairs;
    }
  }
  RecordProperty("corpus_pairs", pairs);
}

}  // namespace
}  // namespace libdelta::testing
