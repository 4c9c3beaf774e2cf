#include "tests/support/in_place.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "bench/support/thumb_images.h"
#include "libdelta/wire/format.h"
#include "tests/support/images.h"
#include "tests/support/random.h"

namespace libdelta::testing {
namespace {

void Append(std::vector<PageRun>* runs, uint32_t count, uint32_t size, double erase_ms) {
  if (count == 0) return;
  if (!runs->empty() && runs->back().size == size) {
    runs->back().count += count;
  } else {
    runs->push_back({count, size, erase_ms});
  }
}

Bytes Part(const Bytes& image, uint64_t from, uint64_t to) {
  to = std::min<uint64_t>(to, image.size());
  return Bytes(image.begin() + static_cast<ptrdiff_t>(std::min(from, to)),
               image.begin() + static_cast<ptrdiff_t>(to));
}

Bytes Join(Bytes first, const Bytes& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

}  // namespace

DeviceProfile CutDown(const DeviceProfile& board, uint64_t image_size, uint32_t free_pages) {
  DeviceProfile small = board;
  small.pages.clear();
  small.protected_ranges.clear();
  small.patch_storage.reset();
  const PageSpan slot = board.PagesOf(board.slot);
  bool has_protected = false;
  for (uint32_t i = slot.first; i < slot.end(); ++i) has_protected |= board.IsProtected(i);
  uint64_t size = 0;
  const auto add = [&](uint32_t i) {
    // Beyond the slot's end it goes on with its last pages.
    const uint32_t page = std::min(slot.first + i, slot.end() - 1);
    Append(&small.pages, 1, board.PageSize(page), board.PageEraseMs(page));
    const uint64_t start = size;
    size += board.PageSize(page);
    return start;
  };
  uint32_t pages = 0;
  while (size < image_size) add(pages++);
  for (uint32_t i = 0; i < free_pages; ++i) add(pages++);
  if (has_protected) {
    const uint64_t start = add(pages++);
    small.protected_ranges.push_back({start, size - start});
  }
  small.slot = {0, size};
  const uint32_t spare_page = board.LargestPage(board.spare);
  const uint32_t spares = std::min(board.PagesOf(board.spare).count, kMaxSparePages);
  Append(&small.pages, 1 + spares, spare_page, 1);
  small.spare = {size + spare_page, uint64_t{spares} * spare_page};
  if (const auto error = CheckProfile(small)) {
    std::fprintf(stderr, "test setup failed: %s\n", error->message.c_str());
    std::abort();
  }
  return small;
}

std::vector<InPlacePair> InPlacePairs(uint64_t size, uint64_t page) {
  const uint32_t length = static_cast<uint32_t>(size);
  const auto thumb = [length](uint32_t edited, uint32_t added) {
    return bench::MakeThumbImages(
        {.seed = 77, .size = length - length / 8, .edited_per_mille = edited, .added_per_mille = added});
  };
  const bench::ImagePair minor = thumb(20, 5);
  const bench::ImagePair major = thumb(150, 60);
  const Bytes noise = RandomBytes(size - size / 8, 5);
  const Bytes text = TextLike(size - size / 4 + 5, 6);
  Bytes one_byte = text;
  one_byte[one_byte.size() / 2] ^= 0x11;
  Bytes other_page = noise;
  const Bytes fresh = RandomBytes(page, 8);
  const uint64_t at = std::min<uint64_t>(noise.size() / page / 2 * page, noise.size() - page);
  std::copy(fresh.begin(), fresh.end(), other_page.begin() + static_cast<ptrdiff_t>(at));
  return {
      {"minor", minor.old_image, minor.new_image},
      {"major", major.old_image, major.new_image},
      {"moved", noise, WithBlocksShuffled(noise, page - page / 4, 3)},
      {"growing", Part(noise, 0, size / 2 + 9), Join(Part(noise, 0, size / 4), text)},
      {"shrinking", text, Join(Part(text, 5, size / 8), Part(text, size / 4, size / 2))},
      {"one-page", noise, other_page},
      {"one-byte", text, one_byte},
      {"odd-end", minor.old_image, Part(major.new_image, 0, major.new_image.size() / 2 / page * page + 7)},
      {"whole-pages", Part(noise, 0, size / 2 / page * page),
       Part(major.new_image, 0, size / 2 / page * page)},
      {"from-little", Part(noise, 100, 101), Part(text, 0, size / 2 + 1)},
      {"to-little", noise, Part(noise, size / 2 - 1, size / 2)},
      {"unrelated", Part(noise, 0, size / 2), Part(RandomBytes(size, 9), 0, size / 2 + page / 2)},
  };
}

InPlacePair FindInPlacePair(const std::string& name, uint64_t size, uint64_t page) {
  for (InPlacePair& pair : InPlacePairs(size, page)) {
    if (pair.name == name) return std::move(pair);
  }
  std::fprintf(stderr, "no pair %s\n", name.c_str());
  std::abort();
}

EncodeOptions InPlaceOptions(const DeviceProfile& profile) {
  EncodeOptions options;
  options.ram = profile.ram;
  options.threads = 1;
  options.in_place = LayoutOf(profile);
  return options;
}

// The callbacks of the library: those of `port`, and `patch`, as far as the device allows.
struct InPlaceDevice::Access {
  InPlaceDevice* device;
  const libdelta_flash* port;
  ByteView patch;

  static const Access& Of(void* user) { return *static_cast<Access*>(user); }
  static int Read(void* user, uint32_t address, uint8_t* buffer, uint32_t length) {
    const Access& access = Of(user);
    if (!access.device->Allow(FlashCall::kRead, address, nullptr, length)) return -1;
    return access.port->read(access.port->user, address, buffer, length);
  }
  static int Program(void* user, uint32_t address, const uint8_t* data, uint32_t length) {
    const Access& access = Of(user);
    if (!access.device->Allow(FlashCall::kProgram, address, data, length)) return -1;
    return access.port->program(access.port->user, address, data, length);
  }
  static int Erase(void* user, uint32_t address) {
    const Access& access = Of(user);
    if (!access.device->Allow(FlashCall::kErase, address, nullptr, 0)) return -1;
    return access.port->erase(access.port->user, address);
  }
  static int CommitCounter(void* user, uint32_t counter) {
    const Access& access = Of(user);
    if (!access.device->flash.powered()) return -1;
    if (!access.device->Allow(FlashCall::kCommitCounter, counter, nullptr, 0)) return -1;
    return access.port->commit_counter(access.port->user, counter);
  }
  static int ReadPatch(void* user, libdelta_offset offset, uint8_t* buffer, uint32_t length) {
    const auto& [device, port, patch] = Of(user);
    if (!device->flash.powered() ||
        !device->Allow(FlashCall::kReadPatch, static_cast<uint32_t>(offset), nullptr, length) ||
        offset > patch.size() || length > patch.size() - offset) {
      return -1;
    }
    std::memcpy(buffer, patch.data() + offset, length);
    device->fed_ = offset + length;
    return 0;
  }
};

InPlaceDevice::InPlaceDevice(const DeviceProfile& profile, ByteView old_image, const FlashOptions& options)
    : flash(profile, options) {
  flash.Load(0, RandomBytes(profile.FlashSize(), 99));
  flash.Load(profile.slot.start, old_image);
}

bool InPlaceDevice::Allow(FlashCall call, uint32_t address, const uint8_t* data, uint32_t length) {
  ++calls_;
  hangs_ |= calls_ - calls_at_boot_ > kMaxCalls;
  return !hangs_ && (!before_call || before_call(call, address, data, length));
}

PowerCycle InPlaceDevice::Run(ByteView patch, bool recover, bool offer) {
  const FlashPort port(flash.profile(), &flash, &counter);
  Access access{this, port.callbacks(), patch};
  libdelta_flash callbacks = *port.callbacks();
  callbacks.user = &access;
  callbacks.read = Access::Read;
  callbacks.program = Access::Program;
  callbacks.erase = Access::Erase;
  callbacks.commit_counter = Access::CommitCounter;

  std::vector<Signer> signers;
  for (const uint8_t seed : trusted) signers.emplace_back(seed);
  std::vector<libdelta_key> keys;
  for (const Signer& signer : signers) keys.push_back(signer.key());
  libdelta_sodium_state state{};
  libdelta_config config{};
  config.flash = &callbacks;
  config.io.user = &access;
  config.io.read_patch = Access::ReadPatch;
  config.crypto = libdelta_sodium_crypto(&state);
  config.policy.keys = keys.data();
  config.policy.key_count = static_cast<uint8_t>(keys.size());
  config.policy.threshold = threshold;
  config.policy.hardware = hardware.empty() ? nullptr : hardware.c_str();
  config.policy.min_counter = counter;

  calls_at_boot_ = calls_;
  fed_ = 0;
  const PatchSourceKind source = is_stored ? PatchSourceKind::kStored : PatchSourceKind::kStream;
  const auto on_push = [this](uint64_t patch_end) { fed_ = patch_end; };
  return RunBootloader(config, {patch, recover, offer, source, push_size, on_push}, &flash);
}

PowerCycle InPlaceDevice::Boot(ByteView patch, bool offer) { return Run(patch, true, offer); }
PowerCycle InPlaceDevice::Offer(ByteView patch) { return Run(patch, false, true); }

Bytes InPlaceDevice::Slot(uint64_t length) const {
  const ByteView slot = flash.contents({flash.profile().slot.start, length});
  return Bytes(slot.begin(), slot.end());
}

bool InPlaceDevice::Holds(ByteView image) const {
  const DeviceProfile& profile = flash.profile();
  const ByteView slot = flash.contents({profile.slot.start, image.size()});
  if (profile.protected_ranges.empty()) return std::equal(slot.begin(), slot.end(), image.begin());
  for (uint64_t i = 0; i < image.size(); ++i) {
    const bool is_protected =
        std::any_of(profile.protected_ranges.begin(), profile.protected_ranges.end(),
                    [&](const FlashRange& range) { return range.Contains(profile.slot.start + i); });
    if (!is_protected && slot[i] != image[i]) return false;
  }
  return true;
}

}  // namespace libdelta::testing
