// The updater through its public interface: what it accepts, what it refuses and with which status,
// and that nothing is written from bytes that have not been authenticated.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "libdelta/device.h"
#include "libdelta/host.h"
#include "libdelta/host/container.h"
#include "libdelta/wire/format.h"
#include "tests/support/device.h"
#include "tests/support/patches.h"

namespace libdelta::testing {
namespace {

bool IsPrefixOf(const Bytes& prefix, const Bytes& whole) {
  return prefix.size() <= whole.size() && std::equal(prefix.begin(), prefix.end(), whole.begin());
}

// Bytes of output after each number of pushed bytes, in an update that succeeds.
std::vector<size_t> OutputAfter(const PatchCase& test) {
  Device device(test.old_image);
  std::vector<size_t> output = {0};
  device.after_push = [&](size_t) { output.push_back(device.new_image().size()); };
  EXPECT_EQ(device.Apply(test.patch, Feed::kBytes), LIBDELTA_OK);
  return output;
}

// Offset in the patch of the chunk that holds the byte at `position`; 0 for a byte of the header.
size_t ChunkStart(ByteView patch, size_t position) {
  size_t start = HeaderOf(patch).header_length;
  if (position < start) return 0;
  for (size_t length : ChunkLengths(patch)) {
    if (position < start + length) return start;
    start += length;
  }
  return start;
}

// A patch that is refused before its payload matters; codec 0, with a base.
struct Refusable {
  Bytes old_image = RandomBytes(1000, 21);
  Bytes new_image = RandomBytes(1100, 22);
  HeaderFields fields;

  Refusable() {
    fields.hardware = "board-7";
    fields.component = "app";
    fields.counter = 5;
    fields.old_image = old_image;
    fields.new_image = new_image;
  }
  Bytes Signed() const { return Signer(2).Sign(Signer(1).Sign(Pack(new_image, fields).value())); }
};

void ExpectRefused(Device* device, ByteView patch, libdelta_status expected) {
  for (Feed feed : kAllFeeds) {
    EXPECT_EQ(device->Apply(patch, feed), expected) << FeedName(feed);
    EXPECT_TRUE(device->new_image().empty()) << FeedName(feed);
  }
}

TEST(Updater, AppliesEveryPatchFedInAnyWay) {
  int applied = 0;
  for (const PatchCase& test : PatchCases()) {
    for (Feed feed : kAllFeeds) {
      for (uint64_t seed = 1; seed <= 5; ++seed) {
        Device device(test.old_image);
        device.seed = seed;
        ASSERT_EQ(device.Apply(test.patch, feed), LIBDELTA_OK) << test.name << " " << FeedName(feed);
        ASSERT_EQ(device.new_image(), test.new_image) << test.name << " " << FeedName(feed);
        ++applied;
      }
    }
  }
  EXPECT_EQ(applied, static_cast<int>(PatchCases().size()) * 4 * 5);
  EXPECT_GE(PatchCases().size(), 5u);
  EXPECT_GE(ChunkLengths(ManyChunks().patch).size(), 8u);
}

TEST(Updater, StreamsOutputBeforeTheWholePatchIsThere) {
  const std::vector<size_t> output = OutputAfter(ManyChunks());
  EXPECT_GT(output[output.size() * 3 / 4], 0u);
}

TEST(Updater, RefusesEveryTruncation) {
  int refused = 0;
  for (const PatchCase& test : PatchCases()) {
    const std::vector<size_t> output = OutputAfter(test);
    for (size_t length = 0; length < test.patch.size(); ++length) {
      const ByteView truncated = ByteView(test.patch).first(length);
      for (Feed feed : {Feed::kWhole, Feed::kStored}) {
        Device device(test.old_image);
        ASSERT_EQ(device.Apply(truncated, feed), LIBDELTA_E_TRUNCATED) << test.name << " " << length;
        ASSERT_TRUE(IsPrefixOf(device.new_image(), test.new_image));
        ASSERT_LE(device.new_image().size(), feed == Feed::kStored ? 0 : output[length]);
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 2 * 4000);
}

// The policy asks for exactly the two signatures that are there, so that nothing in the signature block
// is redundant either.
TEST(Updater, RefusesEveryCorruptByteBeforeWritingAnythingThatDependsOnIt) {
  std::map<libdelta_status, int> refused;
  for (const PatchCase& test : PatchCases()) {
    const std::vector<size_t> output = OutputAfter(test);
    const libdelta_header header = HeaderOf(test.patch);
    Bytes patch = test.patch;
    for (size_t i = 0; i < patch.size(); ++i) {
      for (const int flip : {0x01, 0x80, 0xff}) {
        // The payload is all alike; the header is not.
        if (i >= header.header_length && flip != 0x80) continue;
        patch[i] = static_cast<uint8_t>(patch[i] ^ flip);
        for (Feed feed : {Feed::kWhole, Feed::kStored}) {
          Device device(test.old_image);
          device.ram_size = libdelta_ram_required(header.ram);
          const libdelta_status status = device.Apply(patch, feed);
          if (i < 4) {
            ASSERT_EQ(status, LIBDELTA_E_VERSION) << i;
          } else if ((i == 4 || i == 5) && status == LIBDELTA_E_TRUNCATED) {
            ASSERT_LT(patch.size(), size_t{patch[4]} + 256 * patch[5] + 1) << "a signed part beyond the end";
          } else if (i == header.signed_length) {
            // The count is not signed: with one more, the payload seems to start later.
            ASSERT_TRUE(status == LIBDELTA_E_SIGNATURE || status == LIBDELTA_E_MALFORMED ||
                        status == LIBDELTA_E_CHUNK || status == LIBDELTA_E_TRUNCATED)
                << status;
          } else if (i < header.header_length) {
            ASSERT_TRUE(status == LIBDELTA_E_SIGNATURE || status == LIBDELTA_E_MALFORMED)
                << i << " " << status;
          } else {
            ASSERT_EQ(status, LIBDELTA_E_CHUNK) << i;
          }
          ASSERT_TRUE(IsPrefixOf(device.new_image(), test.new_image));
          ASSERT_LE(device.new_image().size(), feed == Feed::kStored ? 0 : output[ChunkStart(test.patch, i)])
              << test.name << " " << i;
          ++refused[status];
        }
        patch[i] = test.patch[i];
      }
    }
  }
  EXPECT_EQ(refused[LIBDELTA_E_VERSION], static_cast<int>(PatchCases().size()) * 4 * 3 * 2);
  EXPECT_GT(refused[LIBDELTA_E_SIGNATURE], 1000);
  EXPECT_GT(refused[LIBDELTA_E_MALFORMED], 50);
  EXPECT_GT(refused[LIBDELTA_E_CHUNK], 5000);
}

TEST(Updater, RefusesTrailingBytes) {
  for (const PatchCase& test : PatchCases()) {
    Bytes patch = test.patch;
    patch.push_back(0);
    for (Feed feed : kAllFeeds) {
      Device device(test.old_image);
      EXPECT_EQ(device.Apply(patch, feed), LIBDELTA_E_TRAILING) << test.name << " " << FeedName(feed);
      if (feed == Feed::kStored) {
        EXPECT_TRUE(device.new_image().empty());
      }
    }
  }
}

TEST(Updater, NeedsValidSignaturesByEnoughDistinctTrustedKeys) {
  const Signer first(1), second(2), third(3), stranger(9);
  const Bytes patch = ManyChunks().patch;  // By the first and the second.

  Device device;
  device.keys = {third.key(), second.key(), first.key()};
  EXPECT_EQ(device.Apply(patch, Feed::kWhole), LIBDELTA_OK) << "2 of 3, in any order";
  device.threshold = 3;
  ExpectRefused(&device, patch, LIBDELTA_E_SIGNATURE);
  device.threshold = 1;
  device.keys = {stranger.key()};
  ExpectRefused(&device, patch, LIBDELTA_E_SIGNATURE);
  device.threshold = 2;
  device.keys = {first.key(), stranger.key()};
  ExpectRefused(&device, patch, LIBDELTA_E_SIGNATURE);
}

TEST(Updater, CountsAKeyOnceHoweverOftenItIsTrusted) {
  const Signer first(1);
  Signer copy(1);  // Equal bytes elsewhere.
  Device device;
  device.keys = {first.key(), copy.key(), first.key()};
  ExpectRefused(&device, ManyChunks().patch, LIBDELTA_E_SIGNATURE);
  device.threshold = 1;
  EXPECT_EQ(device.Apply(ManyChunks().patch, Feed::kWhole), LIBDELTA_OK);
}

TEST(Updater, RefusesARepeatedSignatureEntry) {
  const libdelta_header header = HeaderOf(ManyChunks().patch);
  Bytes patch = ManyChunks().patch;
  const auto entries = patch.begin() + header.signed_length + 1;
  const Bytes first_entry(entries, entries + kSignatureEntrySize);
  std::copy(first_entry.begin(), first_entry.end(), entries + kSignatureEntrySize);
  Device device;
  device.ram_size = libdelta_ram_required(header.ram);
  ExpectRefused(&device, patch, LIBDELTA_E_MALFORMED);
}

TEST(Updater, RefusesAValidSignatureUnderAnotherKeysId) {
  const libdelta_header header = HeaderOf(ManyChunks().patch);
  Bytes patch = ManyChunks().patch;
  // Both entries carry the first signature; only the second's key id is kept.
  const auto entries = patch.begin() + header.signed_length + 1;
  std::copy_n(Bytes(entries + kKeyIdSize, entries + kSignatureEntrySize).begin(), kSignatureSize,
              entries + kSignatureEntrySize + kKeyIdSize);
  Device device;
  ExpectRefused(&device, patch, LIBDELTA_E_SIGNATURE);
}

TEST(Updater, RefusesSignaturesOfAnotherPatch) {
  Refusable one;
  Refusable other;
  other.fields.counter = 6;
  Bytes patch = one.Signed();
  const Bytes donor = other.Signed();
  const libdelta_header header = HeaderOf(patch);
  ASSERT_EQ(HeaderOf(donor).signed_length, header.signed_length);
  std::copy(donor.begin() + header.signed_length, donor.begin() + header.header_length,
            patch.begin() + header.signed_length);
  Device device(one.old_image);
  ExpectRefused(&device, patch, LIBDELTA_E_SIGNATURE);
}

TEST(Updater, ChecksSignaturesBeforeAnythingTheHeaderSays) {
  Refusable test;
  test.fields.codec = 7;
  test.fields.counter = 0;
  test.fields.ram = kMaxRam;
  test.fields.extensions = {{3, {}}};
  Device device(RandomBytes(10, 1));
  device.hardware = "another";
  device.ram_size = libdelta_ram_required(kMinRam);
  ExpectRefused(&device, Pack(test.new_image, test.fields).value(), LIBDELTA_E_SIGNATURE);
  ExpectRefused(&device, test.Signed(), LIBDELTA_E_UNSUPPORTED);
}

TEST(Updater, ChecksInTheDocumentedOrder) {
  Refusable test;
  test.fields.ram = 8192;
  const Bytes patch = test.Signed();
  Device device(RandomBytes(1000, 99));
  device.hardware = "board-8";
  device.component = "radio";
  device.min_counter = 6;
  device.ram_size = libdelta_ram_required(8191);
  ExpectRefused(&device, patch, LIBDELTA_E_HARDWARE);
  device.hardware = "board-7";
  ExpectRefused(&device, patch, LIBDELTA_E_COMPONENT);
  device.component = "app";
  ExpectRefused(&device, patch, LIBDELTA_E_COUNTER);
  device.min_counter = 5;
  ExpectRefused(&device, patch, LIBDELTA_E_RAM);
  device.ram_size = libdelta_ram_required(8192);
  ExpectRefused(&device, patch, LIBDELTA_E_OLD_DIGEST);
}

TEST(Updater, ComparesIdsWhole) {
  const Bytes patch = ManyChunks().patch;  // board-7, app
  int refused = 0;
  for (const char* hardware : {"", "board-", "board-77", "Board-7", "board-8", "oard-7"}) {
    Device device;
    device.hardware = hardware;
    ExpectRefused(&device, patch, LIBDELTA_E_HARDWARE);
    device.hardware.reset();
    EXPECT_EQ(device.Apply(patch, Feed::kWhole), LIBDELTA_OK) << "null is not checked";
    ++refused;
  }
  for (const char* component : {"", "ap", "appp", "bpp"}) {
    Device device;
    device.component = component;
    ExpectRefused(&device, patch, LIBDELTA_E_COMPONENT);
    device.component.reset();
    EXPECT_EQ(device.Apply(patch, Feed::kWhole), LIBDELTA_OK);
    ++refused;
  }
  EXPECT_EQ(refused, 10);
}

TEST(Updater, ComparesCountersOf32Bits) {
  const uint32_t counters[] = {0, 1, 0x7fffffff, 0x80000000, 0x80000001, 0xffffffff};
  int refused = 0;
  for (uint32_t counter : counters) {
    Refusable test;
    test.fields.counter = counter;
    const Bytes patch = test.Signed();
    for (uint32_t minimum : counters) {
      Device device;  // No base: a patch that passes the counter fails there.
      device.old_image = RandomBytes(1000, 1);
      device.min_counter = minimum;
      const bool is_old = counter < minimum;
      ASSERT_EQ(device.Apply(patch, Feed::kWhole), is_old ? LIBDELTA_E_COUNTER : LIBDELTA_E_OLD_DIGEST);
      refused += is_old ? 1 : 0;
    }
  }
  EXPECT_EQ(refused, 15);
}

TEST(Updater, RefusesAnotherBase) {
  Refusable test;
  const Bytes patch = test.Signed();
  for (size_t i = 0; i < test.old_image.size(); i += 111) {
    Device device(test.old_image);
    device.old_image[i] ^= 1;
    ExpectRefused(&device, patch, LIBDELTA_E_OLD_DIGEST);
  }
  Device device(test.old_image);
  device.has_read_old = false;
  ExpectRefused(&device, patch, LIBDELTA_E_ARGUMENT);
}

TEST(Updater, NeedsTheDeclaredRamAndNoMore) {
  for (const PatchCase& test : PatchCases()) {
    const size_t needed = libdelta_ram_required(HeaderOf(test.patch).ram);
    Device device(test.old_image);
    device.ram_size = needed;
    EXPECT_EQ(device.Apply(test.patch, Feed::kWhole), LIBDELTA_OK);
    device.ram_size = needed - 1;
    // Below the minimum, libdelta_init() refuses already.
    ExpectRefused(&device, test.patch, LIBDELTA_E_RAM);
    device.ram_size = needed + 1000;
    EXPECT_EQ(device.Apply(test.patch, Feed::kWhole), LIBDELTA_OK);
  }
}

TEST(Updater, IgnoresEvenExtensionsAndRefusesOddOnes) {
  int refused = 0;
  for (uint64_t type : {1u, 2u, 3u, 31u, 32u, 33u, 65534u, 65535u}) {
    const Bytes image = RandomBytes(500, 1);
    HeaderFields fields = ZstdFields(image, 256);
    fields.hardware = "board-7";
    fields.component = "app";
    fields.counter = 5;
    fields.extensions = {{type, RandomBytes(11, 2)}};
    const Bytes patch = Signer(2).Sign(Signer(1).Sign(ZstdPatch(fields)));
    Device device;
    if (type == kInPlaceExtension) {
      ExpectRefused(&device, patch, LIBDELTA_E_GEOMETRY);
    } else if (type % 2 == 0) {
      EXPECT_EQ(device.Apply(patch, Feed::kWhole), LIBDELTA_OK) << type;
      EXPECT_EQ(device.new_image(), image);
    } else {
      ExpectRefused(&device, patch, LIBDELTA_E_UNSUPPORTED);
      ++refused;
    }
  }
  EXPECT_EQ(refused, 4);
}

TEST(Updater, RefusesACodecItDoesNotHave) {
  Device device;
  device.has_zstd = false;
  ExpectRefused(&device, ManyChunks().patch, LIBDELTA_E_UNSUPPORTED);
}

TEST(Updater, RefusesSwappedRepeatedAndForeignChunks) {
  const PatchCase& test = ManyChunks();
  const libdelta_header header = HeaderOf(test.patch);
  const std::vector<size_t> output = OutputAfter(test);
  const size_t chunk = header.chunk_size;
  const size_t count = ChunkLengths(test.patch).size() - 1;  // Whole ones.
  const Bytes foreign_image = RandomBytes(test.new_image.size(), 55);
  const Bytes foreign = ZstdPatch(ZstdFields(foreign_image, 256));
  const size_t foreign_start = HeaderOf(foreign).header_length;
  int refused = 0;
  const auto expect_refused = [&](const Bytes& patch, size_t first_wrong) {
    for (Feed feed : kAllFeeds) {
      Device device;
      ASSERT_EQ(device.Apply(patch, feed), LIBDELTA_E_CHUNK);
      ASSERT_TRUE(IsPrefixOf(device.new_image(), test.new_image));
      ASSERT_LE(device.new_image().size(),
                feed == Feed::kStored ? 0 : output[header.header_length + first_wrong * chunk]);
      ++refused;
    }
  };
  for (size_t i = 0; i < count; ++i) {
    const auto at = [&](Bytes& patch, size_t index) {
      return patch.begin() + static_cast<ptrdiff_t>(header.header_length + index * chunk);
    };
    Bytes patch = test.patch;
    std::copy_n(foreign.begin() + static_cast<ptrdiff_t>(foreign_start + i * chunk), chunk, at(patch, i));
    expect_refused(patch, i);
    if (i == 0) continue;
    patch = test.patch;
    std::swap_ranges(at(patch, i - 1), at(patch, i), at(patch, i));
    expect_refused(patch, i - 1);
    patch = test.patch;
    std::copy_n(at(patch, i - 1), chunk, at(patch, i));
    expect_refused(patch, i);
  }
  EXPECT_EQ(refused, static_cast<int>(4 * (3 * count - 2)));
  EXPECT_GE(count, 8u);
}

TEST(Updater, ReportsEveryFailingCallback) {
  std::map<Call, int> failures;
  for (const PatchCase& test : PatchCases()) {
    for (Feed feed : {Feed::kWhole, Feed::kRandom, Feed::kStored}) {
      Device clean(test.old_image);
      ASSERT_EQ(clean.Apply(test.patch, feed), LIBDELTA_OK);
      const std::vector<Call> calls = clean.calls();
      for (size_t i = 0; i < calls.size(); ++i) {
        Device device(test.old_image);
        device.failing_call = i;
        ASSERT_EQ(device.Apply(test.patch, feed), StatusOfFailure(calls[i]))
            << test.name << " " << FeedName(feed) << " call " << i;
        ASSERT_TRUE(IsPrefixOf(device.new_image(), test.new_image));
        ++failures[calls[i]];
      }
    }
  }
  for (Call call : {Call::kWriteNew, Call::kReadNew, Call::kReadPatch, Call::kHashInit, Call::kHashUpdate,
                    Call::kHashFinal, Call::kVerify}) {
    EXPECT_GT(failures[call], 10) << static_cast<int>(call);
  }
}

TEST(Updater, ReportsAFailingReadOfTheBase) {
  Refusable test;
  for (size_t i = 0; i < 2; ++i) {
    Device device(test.old_image);
    size_t reads = 0;
    device.before_call = [&](Call call) {
      if (call == Call::kReadOld && reads++ == i) device.failing_call = device.calls().size() - 1;
    };
    for (Feed feed : kAllFeeds) {
      reads = 0;
      device.failing_call.reset();
      EXPECT_EQ(device.Apply(test.Signed(), feed), LIBDELTA_E_READ_OLD);
    }
  }
}

TEST(Updater, NoticesABaseThatChangesAfterItsDigestWasChecked) {
  int refused = 0;
  for (const PatchCase& test : PatchCases()) {
    if (test.old_image.empty() || test.new_image.empty()) continue;
    for (Feed feed : kAllFeeds) {
      Device device(test.old_image);
      bool changed = false;
      device.before_call = [&](Call call) {
        if (call != Call::kWriteNew || changed) return;
        for (uint8_t& byte : device.old_image) byte = static_cast<uint8_t>(byte ^ 0x55);
        changed = true;
      };
      const libdelta_status status = device.Apply(test.patch, feed);
      EXPECT_TRUE(status == LIBDELTA_E_NEW_DIGEST || status == LIBDELTA_E_MALFORMED) << status;
      EXPECT_TRUE(changed);
      ++refused;
    }
  }
  EXPECT_GE(refused, 4);
}

TEST(Updater, RefusesAWrongResult) {
  const PatchCase& test = ManyChunks();
  for (Feed feed : kAllFeeds) {
    Device device;
    // The flash loses a bit between writing and reading back.
    bool corrupted = false;
    device.before_call = [&](Call call) {
      if (call != Call::kReadNew || corrupted) return;
      const_cast<Bytes&>(device.new_image())[700] ^= 0x10;
      corrupted = true;
    };
    EXPECT_EQ(device.Apply(test.patch, feed), LIBDELTA_E_NEW_DIGEST);
    EXPECT_TRUE(corrupted);
  }
}

// Changes one byte of the stored patch after the first pass has verified it.
TEST(Updater, NoticesAStoredPatchThatChangesBetweenThePasses) {
  const PatchCase& test = ManyChunks();
  const libdelta_header header = HeaderOf(test.patch);
  const std::vector<size_t> output = OutputAfter(test);
  Device clean;
  ASSERT_EQ(clean.Apply(test.patch, Feed::kStored), LIBDELTA_OK);
  const auto reads = std::count(clean.calls().begin(), clean.calls().end(), Call::kReadPatch);
  const auto chunks = static_cast<ptrdiff_t>(ChunkLengths(test.patch).size());
  ASSERT_EQ(reads, 3 + 2 * chunks) << "header in three steps, payload twice";

  int refused = 0;
  for (size_t i = 0; i < test.patch.size(); ++i) {
    Device device;
    ptrdiff_t reads_left = 3 + chunks;
    device.before_call = [&](Call call) {
      if (call == Call::kReadPatch && reads_left-- == 0) device.stored_patch[i] ^= 1;
    };
    const libdelta_status status = device.Apply(test.patch, Feed::kStored);
    if (i < header.header_length) {
      ASSERT_EQ(status, LIBDELTA_OK) << "the header is not read again";
    } else {
      ASSERT_EQ(status, LIBDELTA_E_CHUNK);
      ASSERT_LE(device.new_image().size(), output[ChunkStart(test.patch, i)]);
      ++refused;
    }
  }
  EXPECT_EQ(refused, static_cast<int>(header.payload_length));
}

// libdelta_verify_stored() on a fresh updater.
libdelta_status VerifyStored(Device* device, ByteView patch) {
  std::vector<uint64_t> ram(libdelta_ram_required(HeaderOf(ManyChunks().patch).ram) / 8 + 1);
  libdelta_updater* updater = nullptr;
  EXPECT_EQ(libdelta_init(ram.data(), ram.size() * 8, &device->Config(), &updater), LIBDELTA_NEED_INPUT);
  device->stored_patch.assign(patch.begin(), patch.end());
  const libdelta_status status = libdelta_verify_stored(updater, static_cast<libdelta_offset>(patch.size()));
  EXPECT_EQ(libdelta_finish(updater), status);
  EXPECT_NE(libdelta_apply_stored(updater, static_cast<libdelta_offset>(patch.size())), LIBDELTA_OK)
      << "spent";
  EXPECT_TRUE(device->new_image().empty()) << "verifying writes nothing";
  return status;
}

TEST(VerifyStored, AcceptsWhatIsAuthenticAndNothingElse) {
  const PatchCase& test = ManyChunks();
  Device device;
  EXPECT_EQ(VerifyStored(&device, test.patch), LIBDELTA_OK);
  int refused = 0;
  for (size_t i = 0; i < test.patch.size(); i += 7) {
    Bytes patch = test.patch;
    patch[i] ^= 1;
    ASSERT_GE(VerifyStored(&device, patch), LIBDELTA_E_ARGUMENT);
    ASSERT_EQ(VerifyStored(&device, ByteView(test.patch).first(i)), LIBDELTA_E_TRUNCATED);
    ++refused;
  }
  EXPECT_GT(refused, 300);
  Bytes longer = test.patch;
  longer.push_back(0);
  EXPECT_EQ(VerifyStored(&device, longer), LIBDELTA_E_TRAILING);
  device.threshold = 1;
  const Signer stranger(9);
  device.keys = {stranger.key()};
  EXPECT_EQ(VerifyStored(&device, test.patch), LIBDELTA_E_SIGNATURE);
}

TEST(VerifyStored, NeedsNoBaseButChecksOneThatIsThere) {
  Refusable test;
  const Bytes patch = test.Signed();
  Device device;
  device.has_read_old = false;
  EXPECT_EQ(VerifyStored(&device, patch), LIBDELTA_OK);
  device.has_read_old = true;
  device.old_image = test.old_image;
  EXPECT_EQ(VerifyStored(&device, patch), LIBDELTA_OK);
  device.old_image[5] ^= 1;
  EXPECT_EQ(VerifyStored(&device, patch), LIBDELTA_E_OLD_DIGEST);
}

TEST(Updater, NeedsABaseEvenForAnEmptyImage) {
  Refusable test;
  test.new_image.clear();
  test.fields.new_image = test.new_image;
  Device device(test.old_image);
  for (Feed feed : kAllFeeds) EXPECT_EQ(device.Apply(test.Signed(), feed), LIBDELTA_OK);
  device.has_read_old = false;
  ExpectRefused(&device, test.Signed(), LIBDELTA_E_ARGUMENT);
}

// Payloads that are signed and intact, but not what the codec's section of FORMAT.md allows.
TEST(Updater, RefusesPayloadsThatDoNotMatchTheImage) {
  const Bytes image = RandomBytes(1500, 31);
  const Bytes frame = ZstdFrame(image);
  const auto sign = [&](const Bytes& payload, const Bytes& new_image) {
    HeaderFields fields = ZstdFields(new_image, 256);
    fields.hardware = "board-7";
    fields.component = "app";
    fields.counter = 5;
    return Signer(2).Sign(Signer(1).Sign(Pack(payload, fields).value()));
  };
  const auto with = [](Bytes bytes, const Bytes& more) {
    bytes.insert(bytes.end(), more.begin(), more.end());
    return bytes;
  };
  const Bytes longer = with(image, {1});
  const Bytes shorter(image.begin(), image.end() - 1);
  const Bytes skippable = {0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 2};
  const struct {
    const char* name;
    Bytes patch;
    libdelta_status status;
  } cases[] = {
      {"control", sign(frame, image), LIBDELTA_OK},
      {"output too short", sign(frame, longer), LIBDELTA_E_MALFORMED},
      {"output too long", sign(frame, shorter), LIBDELTA_E_MALFORMED},
      {"bytes after the frame", sign(with(frame, {0}), image), LIBDELTA_E_MALFORMED},
      {"chunks after the frame", sign(with(frame, RandomBytes(600, 1)), image), LIBDELTA_E_MALFORMED},
      {"second frame", sign(with(frame, ZstdFrame({})), image), LIBDELTA_E_MALFORMED},
      {"skippable frame first", sign(with(skippable, frame), image), LIBDELTA_E_MALFORMED},
      {"frame cut off", sign(Bytes(frame.begin(), frame.end() - 1), image), LIBDELTA_E_MALFORMED},
      {"not a frame", sign(RandomBytes(1000, 8), image), LIBDELTA_E_MALFORMED},
      {"another image", sign(ZstdFrame(RandomBytes(1500, 32)), image), LIBDELTA_E_NEW_DIGEST},
  };
  for (const auto& test : cases) {
    for (Feed feed : kAllFeeds) {
      Device device;
      EXPECT_EQ(device.Apply(test.patch, feed), test.status) << test.name << " " << FeedName(feed);
      EXPECT_LE(device.new_image().size(), longer.size());
    }
  }
}

TEST(Updater, RefusesADeclaredImageThatIsNotEmpty) {
  HeaderFields fields;
  fields.hardware = "board-7";
  fields.component = "app";
  fields.counter = 5;
  Bytes patch = Pack(Bytes{}, fields).value();
  // Spoil the digest of the empty image before it is signed.
  patch[static_cast<size_t>(HeaderOf(patch).new_digest - patch.data())] ^= 1;
  Device device;
  ExpectRefused(&device, Signer(2).Sign(Signer(1).Sign(patch)), LIBDELTA_E_NEW_DIGEST);
}

// zstd decoders need an arena; what is too small for them is refused before the first byte is written.
TEST(Updater, RefusesAnArenaTooSmallForTheCodec) {
  const Bytes image = RandomBytes(1500, 31);
  for (uint64_t arena : {0u, 255u, 256u, 271u, 272u, 50000u}) {
    HeaderFields fields = ZstdFields(image, 4096);
    fields.hardware = "board-7";
    fields.component = "app";
    fields.counter = 5;
    fields.ram = RamForArena(arena, 4096) / kRamUnit * kRamUnit;
    fields.chunk_size = static_cast<uint32_t>(fields.ram - RamForArena(arena, 0));
    Device device;
    ExpectRefused(&device, Signer(2).Sign(Signer(1).Sign(ZstdPatch(fields))),
                  arena < 256 ? LIBDELTA_E_MALFORMED : LIBDELTA_E_RAM);
  }
}

TEST(Updater, AcceptsEmptyPiecesAtAnyTime) {
  const PatchCase& test = ManyChunks();
  Device device;
  std::vector<uint64_t> ram(libdelta_ram_required(HeaderOf(test.patch).ram) / 8 + 1);
  libdelta_updater* updater = nullptr;
  ASSERT_EQ(libdelta_init(ram.data(), ram.size() * 8, &device.Config(), &updater), LIBDELTA_NEED_INPUT);
  for (uint8_t byte : test.patch) {
    ASSERT_EQ(libdelta_push(updater, nullptr, 0), LIBDELTA_NEED_INPUT);
    ASSERT_LE(libdelta_push(updater, &byte, 1), LIBDELTA_NEED_INPUT);
  }
  EXPECT_EQ(libdelta_push(updater, nullptr, 0), LIBDELTA_OK);
  EXPECT_EQ(libdelta_finish(updater), LIBDELTA_OK);
  EXPECT_EQ(libdelta_push(updater, test.patch.data(), 1), LIBDELTA_E_TRAILING);
  EXPECT_EQ(libdelta_finish(updater), LIBDELTA_E_TRAILING) << "sticky";
}

TEST(Updater, RefusesWrongArguments) {
  alignas(8) static uint8_t ram[8192];
  libdelta_updater* updater = nullptr;
  Device device;
  const libdelta_config good = device.Config();
  const auto init = [&](const libdelta_config& config) {
    updater = nullptr;
    return libdelta_init(ram, sizeof(ram), &config, &updater);
  };
  ASSERT_EQ(init(good), LIBDELTA_NEED_INPUT);
  EXPECT_EQ(libdelta_init(nullptr, sizeof(ram), &good, &updater), LIBDELTA_E_ARGUMENT);
  EXPECT_EQ(libdelta_init(ram, sizeof(ram), nullptr, &updater), LIBDELTA_E_ARGUMENT);
  EXPECT_EQ(libdelta_init(ram, sizeof(ram), &good, nullptr), LIBDELTA_E_ARGUMENT);
  for (size_t shift = 1; shift < 8; ++shift) {
    EXPECT_EQ(libdelta_init(ram + shift, sizeof(ram) - 8, &good, &updater), LIBDELTA_E_ARGUMENT);
  }
  const size_t minimum = libdelta_ram_required(LIBDELTA_MIN_RAM);
  EXPECT_EQ(libdelta_init(ram, minimum, &good, &updater), LIBDELTA_NEED_INPUT);
  EXPECT_EQ(libdelta_init(ram, minimum - 1, &good, &updater), LIBDELTA_E_RAM);
  EXPECT_EQ(updater, nullptr);
  EXPECT_EQ(libdelta_init(ram, 0, &good, &updater), LIBDELTA_E_RAM);

  void (*const spoilers[])(libdelta_config*) = {
      [](libdelta_config* c) { c->io.write_new = nullptr; },
      [](libdelta_config* c) { c->io.read_new = nullptr; },
      [](libdelta_config* c) { c->crypto.sha256_init = nullptr; },
      [](libdelta_config* c) { c->crypto.sha256_update = nullptr; },
      [](libdelta_config* c) { c->crypto.sha256_final = nullptr; },
      [](libdelta_config* c) { c->crypto.verify = nullptr; },
      [](libdelta_config* c) { c->policy.keys = nullptr; },
      [](libdelta_config* c) { c->policy.threshold = 3; },
      [](libdelta_config* c) { c->policy.key_count = 1; },
  };
  for (size_t i = 0; i < std::size(spoilers); ++i) {
    libdelta_config config = good;
    spoilers[i](&config);
    EXPECT_EQ(init(config), LIBDELTA_E_ARGUMENT) << i;
    EXPECT_EQ(updater, nullptr);
  }
  Device bad_keys;
  for (const libdelta_algorithm algorithm : {libdelta_algorithm{}, static_cast<libdelta_algorithm>(3)}) {
    bad_keys.keys[1].algorithm = algorithm;
    EXPECT_EQ(init(bad_keys.Config()), LIBDELTA_E_ARGUMENT);
  }
  bad_keys.keys[1] = {LIBDELTA_ED25519, nullptr};
  EXPECT_EQ(init(bad_keys.Config()), LIBDELTA_E_ARGUMENT);

  EXPECT_EQ(libdelta_push(nullptr, ram, 1), LIBDELTA_E_ARGUMENT);
  EXPECT_EQ(libdelta_finish(nullptr), LIBDELTA_E_ARGUMENT);
  EXPECT_EQ(libdelta_apply_stored(nullptr, 1), LIBDELTA_E_ARGUMENT);
  ASSERT_EQ(init(good), LIBDELTA_NEED_INPUT);
  EXPECT_EQ(libdelta_push(updater, nullptr, 1), LIBDELTA_E_ARGUMENT);
  EXPECT_EQ(libdelta_push(updater, nullptr, 0), LIBDELTA_E_ARGUMENT) << "sticky";

  // A stored patch needs an updater that has seen nothing, and a way to read it.
  ASSERT_EQ(init(good), LIBDELTA_NEED_INPUT);
  EXPECT_EQ(libdelta_push(updater, ManyChunks().patch.data(), 1), LIBDELTA_NEED_INPUT);
  EXPECT_EQ(libdelta_apply_stored(updater, 1000), LIBDELTA_E_ARGUMENT);
  libdelta_config config = good;
  config.io.read_patch = nullptr;
  ASSERT_EQ(init(config), LIBDELTA_NEED_INPUT);
  EXPECT_EQ(libdelta_apply_stored(updater, 1000), LIBDELTA_E_ARGUMENT);
}

TEST(Updater, AcceptsUnsignedPatchesOnlyWhenCompiledTo) {
  const Bytes image = RandomBytes(500, 1);
  const Bytes patch = ZstdPatch(ZstdFields(image, 256));
  Device device;
  device.hardware.reset();
  device.component.reset();
  device.min_counter = 0;
  ExpectRefused(&device, patch, LIBDELTA_E_SIGNATURE);
  device.threshold = 0;
  device.keys.clear();
#ifdef LIBDELTA_ALLOW_UNSIGNED
  EXPECT_EQ(device.Apply(patch, Feed::kWhole), LIBDELTA_OK);
  EXPECT_EQ(device.new_image(), image);
#else
  ExpectRefused(&device, patch, LIBDELTA_E_ARGUMENT);
#endif
}

TEST(RamRequired, IsNeverLessThanDeclaredAndNeverWraps) {
  const size_t extra = libdelta_ram_required(4096) - 4096;
  EXPECT_LE(extra, 1024u);
  EXPECT_EQ(libdelta_ram_required(1 << 20), (size_t{1} << 20) + extra);
  EXPECT_EQ(libdelta_ram_required(~uint64_t{0}), SIZE_MAX);
  EXPECT_EQ(libdelta_ram_required(~uint64_t{0} - extra), SIZE_MAX);
}

TEST(StatusText, IsOneDistinctLineForEachStatus) {
  std::map<std::string, int> texts;
  for (int status = 0; status < 64; ++status) {
    const char* text = libdelta_status_text(static_cast<libdelta_status>(status));
    ASSERT_NE(text, nullptr);
    EXPECT_EQ(std::string(text).find('\n'), std::string::npos);
    ++texts[text];
  }
  EXPECT_EQ(texts.size(), 2u + 23u + 1u);
  EXPECT_EQ(texts["unknown status"], 64 - 25);
}

}  // namespace
}  // namespace libdelta::testing
