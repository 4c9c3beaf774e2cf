#include "libdelta/sim/flash_device.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

namespace libdelta {
namespace {

// Runs of equal pages in the slot.
std::vector<SlotPages> SlotRuns(const DeviceProfile& profile) {
  std::vector<SlotPages> runs;
  const PageSpan span = profile.PagesOf(profile.slot);
  for (uint32_t page = span.first; page < span.end(); ++page) {
    const uint32_t size = profile.PageSize(page);
    if (runs.empty() || runs.back().size != size) runs.push_back({0, size});
    ++runs.back().count;
  }
  return runs;
}

// Protected ranges inside the slot, as offsets in it.
std::vector<SlotRange> SlotProtection(const DeviceProfile& profile) {
  std::vector<SlotRange> ranges;
  for (const FlashRange& range : profile.protected_ranges) {
    if (!range.Overlaps(profile.slot)) continue;
    const uint64_t start = std::max(range.start, profile.slot.start);
    const uint64_t end = std::min(range.end(), profile.slot.end());
    ranges.push_back({start - profile.slot.start, end - start});
  }
  return ranges;
}

void Feed(libdelta_updater* updater, const Bootloader& bootloader, PowerCycle* cycle) {
  const ByteView patch = bootloader.patch;
  if (bootloader.source == PatchSourceKind::kStored) {
    cycle->status = libdelta_apply_stored(updater, static_cast<libdelta_offset>(patch.size()));
    return;
  }
  uint64_t at = std::min<uint64_t>(cycle->feed_from, patch.size());
  while (cycle->status == LIBDELTA_NEED_INPUT && at < patch.size()) {
    const size_t size = static_cast<size_t>(std::min<uint64_t>(bootloader.push_size, patch.size() - at));
    if (bootloader.on_push) bootloader.on_push(at + size);
    cycle->status = libdelta_push(updater, patch.data() + at, size);
    at += size;
    cycle->fed += size;
  }
  if (cycle->status == LIBDELTA_NEED_INPUT) cycle->status = libdelta_finish(updater);
}

}  // namespace

InPlaceLayout LayoutOf(const DeviceProfile& profile) {
  InPlaceLayout layout;
  layout.pages = SlotRuns(profile);
  layout.write_unit = profile.write_unit;
  layout.erase_value = profile.erase_value;
  layout.spare_count = profile.PagesOf(profile.spare).count;
  layout.spare_page_size = profile.LargestPage(profile.spare);
  layout.protected_ranges = SlotProtection(profile);
  return layout;
}

PowerCycle RunBootloader(const libdelta_config& config, const Bootloader& bootloader, FlashModel* flash) {
  // Exactly as much as is needed, for sanitizers to guard. operator new[] aligns it.
  const size_t size = libdelta_ram_required(flash->profile().ram);
  const std::unique_ptr<uint8_t[]> ram(new uint8_t[size]);
  std::memset(ram.get(), 0xa5, size);
  PowerCycle cycle;
  libdelta_updater* updater = nullptr;
  cycle.status = libdelta_init(ram.get(), size, &config, &updater);
  bool offer = bootloader.offer;
  if (cycle.status == LIBDELTA_NEED_INPUT && bootloader.recover) {
    libdelta_offset feed_from = 0;
    cycle.status = libdelta_recover(updater, &cycle.recovery, &feed_from);
    cycle.feed_from = feed_from;
    const bool is_idle = cycle.recovery == LIBDELTA_IDLE || cycle.recovery == LIBDELTA_FINISHED;
    offer = offer && is_idle && cycle.status == LIBDELTA_OK;
    // An updater that has recovered with nothing in progress is spent.
    if (offer) cycle.status = libdelta_init(ram.get(), size, &config, &updater);
  }
  const bool is_wanted = offer || cycle.recovery == LIBDELTA_RESUME;
  if (cycle.status == LIBDELTA_NEED_INPUT && !bootloader.patch.empty() && is_wanted) {
    Feed(updater, bootloader, &cycle);
  }
  cycle.power_lost = !flash->powered();
  flash->Reboot();
  return cycle;
}

FlashPort::FlashPort(const DeviceProfile& profile, FlashModel* flash, uint32_t* counter)
    : flash_(flash), counter_(counter) {
  for (const SlotPages& run : SlotRuns(profile)) runs_.push_back({run.count, run.size});
  for (const SlotRange& range : SlotProtection(profile)) {
    protected_.push_back({static_cast<uint32_t>(range.start), static_cast<uint32_t>(range.length)});
  }
  callbacks_.user = this;
  callbacks_.read = Read;
  callbacks_.program = Program;
  callbacks_.erase = Erase;
  callbacks_.commit_counter = CommitCounter;
  callbacks_.runs = runs_.data();
  callbacks_.run_count = static_cast<uint8_t>(runs_.size());
  callbacks_.spare_count = static_cast<uint8_t>(profile.PagesOf(profile.spare).count);
  callbacks_.write_unit = static_cast<uint8_t>(profile.write_unit);
  callbacks_.erase_value = profile.erase_value;
  callbacks_.slot = static_cast<uint32_t>(profile.slot.start);
  callbacks_.spare = static_cast<uint32_t>(profile.spare.start);
  callbacks_.spare_page_size = profile.LargestPage(profile.spare);
  callbacks_.protected_ranges = protected_.data();
  callbacks_.protected_count = static_cast<uint8_t>(protected_.size());
}

void FlashPort::Watch(FlashOperation what, uint64_t offset, ByteView data) const {
  if (watch_ != nullptr && *watch_ && flash_->powered()) (*watch_)({what, offset, data, patch_end_});
}

int FlashPort::Read(void* user, uint32_t address, uint8_t* buffer, uint32_t length) {
  return static_cast<FlashPort*>(user)->flash_->Read(address, buffer, length) ? 0 : -1;
}

int FlashPort::Program(void* user, uint32_t address, const uint8_t* data, uint32_t length) {
  const FlashPort* const port = static_cast<FlashPort*>(user);
  port->Watch(FlashOperation::kProgram, address, {data, length});
  return port->flash_->Program(address, data, length) ? 0 : -1;
}

int FlashPort::Erase(void* user, uint32_t address) {
  const FlashPort* const port = static_cast<FlashPort*>(user);
  port->Watch(FlashOperation::kErase, address, {});
  return port->flash_->Erase(address) ? 0 : -1;
}

int FlashPort::CommitCounter(void* user, uint32_t counter) {
  const FlashPort* const port = static_cast<FlashPort*>(user);
  if (!port->flash_->powered()) return -1;
  *port->counter_ = std::max(*port->counter_, counter);
  return 0;
}

FlashDevice::FlashDevice(const DeviceProfile&, const DeviceSetup& setup, FlashModel flash)
    : setup_(setup), flash_(std::move(flash)) {}

int FlashDevice::ReadPatch(void* user, libdelta_offset offset, uint8_t* buffer, uint32_t length) {
  const PatchAccess& access = *static_cast<PatchAccess*>(user);
  if (!access.flash->powered() || offset > access.patch.size() || length > access.patch.size() - offset)
    return -1;
  std::memcpy(buffer, access.patch.data() + offset, length);
  return 0;
}

PowerCycle FlashDevice::Boot(ByteView patch, bool offer) {
  FlashPort port(flash_.profile(), &flash_, &counter_);
  port.set_watch(&watch_);
  PatchAccess access{&flash_, patch};

  libdelta_config config{};
  config.flash = port.callbacks();
  config.io.user = &access;
  config.io.read_patch = ReadPatch;
  config.crypto = setup_.crypto;
  config.policy.keys = setup_.keys.data();
  config.policy.key_count = static_cast<uint8_t>(setup_.keys.size());
  config.policy.threshold = setup_.threshold;
  config.policy.hardware = setup_.hardware.empty() ? nullptr : setup_.hardware.c_str();
  config.policy.component = setup_.component.empty() ? nullptr : setup_.component.c_str();
  config.policy.min_counter = counter_;

  const auto on_push = [&port](uint64_t patch_end) { port.set_patch_end(patch_end); };
  return RunBootloader(config, {patch, true, offer, setup_.source, setup_.push_size, on_push}, &flash_);
}

}  // namespace libdelta
