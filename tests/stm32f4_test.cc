// The STM32F4 port against a model of the flash controller, made from RM0090, that refuses what the
// controller refuses and complains about what it leaves undefined. Nothing here ran on a chip.
#include "libdelta/ports/stm32f4.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "libdelta/adapters/sodium.h"
#include "libdelta/device.h"
#include "libdelta/host.h"
#include "tests/support/images.h"
#include "tests/support/patches.h"
#include "tests/support/stm32f4_model.h"

namespace libdelta::testing {
namespace {

constexpr uint32_t kFlash = 0x08000000;
constexpr uint32_t kFlashSize = 1 << 20;
constexpr uint32_t kAcr = 0x40023c00;
constexpr uint32_t kKeyr = 0x40023c04;
constexpr uint32_t kSr = 0x40023c0c;
constexpr uint32_t kCr = 0x40023c10;
constexpr uint32_t kSectorSize[] = {0x4000,  0x4000,  0x4000,  0x4000,  0x10000, 0x20000,
                                    0x20000, 0x20000, 0x20000, 0x20000, 0x20000, 0x20000};
constexpr uint32_t kProgram = 1;
constexpr uint32_t kSectorErase = 2;
constexpr uint32_t kStart = 1 << 16;
constexpr uint32_t kBusy = 1 << 16;
constexpr uint32_t kLock = 1u << 31;
constexpr uint32_t kWriteProtection = 1 << 4;
constexpr uint32_t kAlignment = 1 << 5;
constexpr uint32_t kParallelism = 1 << 6;
constexpr uint32_t kSequence = 1 << 7;

class Model {
 public:
  std::vector<uint8_t> flash = std::vector<uint8_t>(kFlashSize, 0xff);
  uint32_t protected_sectors = 0;  // One bit for each.
  uint32_t acr = 0x700;            // As startup code sets it: caches and prefetch on.
  int erases = 0;
  std::vector<std::string> complaints;

  uint32_t Load(uint32_t address) {
    if (address == kAcr) return acr;
    if (address == kCr) return cr_;
    if (address != kSr) return Complain("load from another register"), 0;
    if (polls_left_ != 0 && --polls_left_ == 0) sr_ &= ~kBusy;
    return sr_;
  }

  void Store(uint32_t address, uint32_t value) {
    if (address - kFlash < kFlashSize) return Program(address - kFlash, value);
    if (address == kAcr) return StoreAcr(value);
    if (address == kSr) {
      sr_ &= ~(value & 0xf3);
    } else if (address == kKeyr) {
      StoreKey(value);
    } else if (address == kCr) {
      StoreCr(value);
    } else {
      Complain("store to another register");
    }
  }

  const void* Flash(uint32_t address) {
    if ((sr_ & kBusy) != 0) Complain("read while busy: the CPU would stand still");
    if (is_stale_) Complain("read what the caches have of an erased sector");
    return flash.data() + (address - kFlash);
  }

  bool is_locked() const { return (cr_ & kLock) != 0; }
  uint32_t status() const { return sr_; }

 private:
  void Complain(const std::string& what) { complaints.push_back(what); }

  void StoreKey(uint32_t key) {
    // A wrong key locks the controller until the next reset.
    if (!is_locked()) return Complain("key while unlocked");
    if (key != (keys_ == 0 ? 0x45670123 : 0xcdef89ab)) {
      keys_ = -1;
      return Complain("wrong key");
    }
    if (keys_ < 0) return;
    if (++keys_ == 2) {
      cr_ &= ~kLock;
      keys_ = 0;
    }
  }

  void StoreCr(uint32_t value) {
    if ((sr_ & kBusy) != 0) return Complain("CR while busy");
    if (is_locked()) return Complain("CR while locked");
    const bool starts = (value & kStart) != 0;
    if (starts && (value & ~kStart) != cr_) Complain("start together with what is to be started");
    cr_ = value & ~kStart;
    if (starts) Erase();
  }

  void Erase() {
    if ((cr_ & (kSectorErase | kProgram)) != kSectorErase) {
      sr_ |= kSequence;
      return;
    }
    const uint32_t sector = cr_ >> 3 & 15;
    if (sector >= std::size(kSectorSize)) return Complain("no such sector");
    if ((protected_sectors >> sector & 1) != 0) {
      sr_ |= kWriteProtection;
      return;
    }
    uint32_t begin = 0;
    for (uint32_t i = 0; i < sector; ++i) begin += kSectorSize[i];
    std::fill_n(flash.begin() + begin, kSectorSize[sector], uint8_t{0xff});
    ++erases;
    is_stale_ = (acr & 0x600) != 0;
    Begin();
  }

  void Program(uint32_t offset, uint32_t value) {
    if ((sr_ & kBusy) != 0) return Complain("program while busy");
    if (is_locked() || (cr_ & kProgram) == 0) {
      sr_ |= kSequence;
      return;
    }
    if ((cr_ >> 8 & 3) != 2) {
      sr_ |= kParallelism;
      return;
    }
    if (offset % 4 != 0) {
      sr_ |= kAlignment;
      return;
    }
    uint8_t bytes[4];
    std::memcpy(bytes, &value, 4);
    for (uint32_t i = 0; i < 4; ++i) {
      if (flash[offset + i] != 0xff) Complain("program what is not erased");
      flash[offset + i] &= bytes[i];
    }
    Begin();
  }

  void StoreAcr(uint32_t value) {
    if ((value & 0x1800) != 0 && (acr & 0x600) != 0) Complain("cache reset while it is on");
    if ((value & 0x1800) == 0x1800) is_stale_ = false;
    acr = value;
  }

  void Begin() {
    sr_ |= kBusy;
    polls_left_ = 3;
  }

  uint32_t cr_ = kLock;
  uint32_t sr_ = 0;
  int keys_ = 0;
  int polls_left_ = 0;
  bool is_stale_ = false;
};

Model* model = nullptr;

class Stm32f4 : public ::testing::Test {
 protected:
  Stm32f4() { model = &model_; }
  ~Stm32f4() override { model = nullptr; }

  void ExpectNoComplaints() const {
    EXPECT_TRUE(model_.complaints.empty()) << model_.complaints.front();
    EXPECT_TRUE(model_.is_locked());
  }
  void Unlock() {
    model_.Store(kKeyr, 0x45670123);
    model_.Store(kKeyr, 0xcdef89ab);
  }

  Model model_;
  libdelta_stm32f4_area area_ = {kFlash + 0x8000, kFlash + kFlashSize};
};

// --- The model refuses wrong sequences -----------------------------------------------------------------

TEST_F(Stm32f4, ModelRefusesWhileLocked) {
  model_.Store(kCr, kSectorErase);
  EXPECT_EQ(model_.complaints.back(), "CR while locked");
  model_.Store(kFlash + 0x8000, 1);
  EXPECT_EQ(model_.status(), kSequence);
  EXPECT_EQ(model_.flash[0x8000], 0xff);
}

TEST_F(Stm32f4, ModelStaysLockedAfterAWrongKey) {
  model_.Store(kKeyr, 0x45670123);
  model_.Store(kKeyr, 0x45670123);
  Unlock();
  EXPECT_TRUE(model_.is_locked());
}

TEST_F(Stm32f4, ModelRefusesToProgramWithoutPgOrParallelism) {
  Unlock();
  model_.Store(kFlash, 0);
  EXPECT_EQ(model_.status(), kSequence);
  model_.Store(kCr, kProgram);
  model_.Store(kFlash, 0);
  EXPECT_EQ(model_.status(), kSequence | kParallelism);
  EXPECT_EQ(model_.flash[0], 0xff);
}

TEST_F(Stm32f4, ModelRefusesWhileBusyAndWithoutErase) {
  Unlock();
  model_.Store(kCr, 2 << 8 | kProgram);
  model_.Store(kFlash, 0);
  model_.Store(kFlash + 4, 0);
  EXPECT_EQ(model_.complaints.back(), "program while busy");
  model_.Store(kCr, 0);
  EXPECT_EQ(model_.complaints.back(), "CR while busy");
  while ((model_.Load(kSr) & kBusy) != 0) {
  }
  model_.Store(kFlash, 0);
  EXPECT_EQ(model_.complaints.back(), "program what is not erased");
}

TEST_F(Stm32f4, ModelSeesStaleCaches) {
  Unlock();
  model_.Store(kCr, kSectorErase | 2 << 3);
  model_.Store(kCr, kSectorErase | 2 << 3 | kStart);
  while ((model_.Load(kSr) & kBusy) != 0) {
  }
  model_.Flash(kFlash);
  EXPECT_EQ(model_.complaints.size(), 1u);
  model_.Store(kAcr, 0x1f00);
  EXPECT_EQ(model_.complaints.back(), "cache reset while it is on");
}

// --- The port ------------------------------------------------------------------------------------------

TEST_F(Stm32f4, ErasesEverySectorAndNoOther) {
  uint32_t begin = 0;
  for (const uint32_t size : kSectorSize) {
    std::fill(model_.flash.begin(), model_.flash.end(), uint8_t{0});
    const bool is_writable = begin >= 0x8000;
    EXPECT_EQ(libdelta_stm32f4_erase(&area_, kFlash + begin), is_writable ? 0 : -1);
    for (uint32_t at = 0; at < kFlashSize; at += 0x1000) {
      const bool is_erased = is_writable && at >= begin && at < begin + size;
      ASSERT_EQ(model_.flash[at], is_erased ? 0xff : 0) << at;
    }
    begin += size;
  }
  EXPECT_EQ(begin, kFlashSize);
  EXPECT_EQ(model_.erases, 10);
  EXPECT_EQ(model_.acr, 0x700u);
  ExpectNoComplaints();
}

TEST_F(Stm32f4, RefusesWhatIsNoSectorOrNotInTheArea) {
  for (const uint32_t address :
       {kFlash + 0x9000, kFlash + 0x14000, kFlash + 0x30000, kFlash, kFlash + kFlashSize, kFlash - 0x4000}) {
    EXPECT_EQ(libdelta_stm32f4_erase(&area_, address), -1) << address;
  }
  area_.end = kFlash + 0x50000;  // In the midst of a sector.
  EXPECT_EQ(libdelta_stm32f4_erase(&area_, kFlash + 0x40000), -1);
  const uint8_t data[8] = {};
  EXPECT_EQ(libdelta_stm32f4_program(&area_, kFlash + 0x8002, data, 4), -1);
  EXPECT_EQ(libdelta_stm32f4_program(&area_, kFlash + 0x8000, data, 6), -1);
  EXPECT_EQ(libdelta_stm32f4_program(&area_, kFlash + 0x7ffc, data, 8), -1);
  EXPECT_EQ(libdelta_stm32f4_program(&area_, kFlash + 0x4fffc, data, 8), -1);
  EXPECT_EQ(model_.flash, std::vector<uint8_t>(kFlashSize, 0xff));
  ExpectNoComplaints();
}

TEST_F(Stm32f4, ProgramsAndReads) {
  Bytes data = RandomBytes(260, 1);
  EXPECT_EQ(libdelta_stm32f4_program(&area_, kFlash + 0x8004, data.data() + 3, 256), 0);
  Bytes read(264);
  EXPECT_EQ(libdelta_stm32f4_read(nullptr, kFlash + 0x8000, read.data(), 264), 0);
  EXPECT_TRUE(std::equal(data.begin() + 3, data.begin() + 259, read.begin() + 4));
  EXPECT_EQ(read[3], 0xff);
  EXPECT_EQ(read[260], 0xff);
  ExpectNoComplaints();
}

TEST_F(Stm32f4, ReportsErrorsAndForgetsThem) {
  model_.protected_sectors = 1 << 2;
  EXPECT_EQ(libdelta_stm32f4_erase(&area_, kFlash + 0x8000), -1);
  EXPECT_EQ(model_.status(), 0u);
  EXPECT_EQ(libdelta_stm32f4_erase(&area_, kFlash + 0xc000), 0);
  // Left by somebody else.
  Unlock();
  model_.Store(kFlash, 0);
  EXPECT_EQ(model_.status(), kSequence);
  const uint8_t word[4] = {1, 2, 3, 4};
  EXPECT_EQ(libdelta_stm32f4_program(&area_, kFlash + 0xc000, word, 4), 0);
  ExpectNoComplaints();
}

// All of an update in place, over sectors of all sizes.
TEST_F(Stm32f4, UpdatesInPlaceOverUnevenSectors) {
  Bytes old_image = RandomBytes(250000, 5);
  Bytes new_image = old_image;
  new_image.insert(new_image.begin() + 100, 900, 7);
  EncodeOptions options;
  options.ram = 8192;
  options.in_place.emplace();
  options.in_place->pages = {{2, 0x4000}, {1, 0x10000}, {5, 0x20000}};
  options.in_place->spare_page_size = 0x20000;
  Result<Patch> patch = Encode(old_image, new_image, options);
  ASSERT_TRUE(patch.ok()) << patch.error();
  const Signer signer(1);
  const Bytes signed_patch = signer.Sign(patch.value().bytes);
  std::copy(old_image.begin(), old_image.end(), model_.flash.begin() + 0x8000);
  std::fill_n(model_.flash.begin() + 0xc0000, 0x40000, uint8_t{0x5a});

  const libdelta_page_run runs[] = {{2, 0x4000}, {1, 0x10000}, {5, 0x20000}};
  libdelta_flash flash = {};
  flash.user = &area_;
  flash.read = libdelta_stm32f4_read;
  flash.program = libdelta_stm32f4_program;
  flash.erase = libdelta_stm32f4_erase;
  flash.runs = runs;
  flash.run_count = 3;
  flash.slot = kFlash + 0x8000;
  flash.spare = kFlash + 0xc0000;
  flash.spare_count = 2;
  flash.spare_page_size = 0x20000;
  flash.write_unit = LIBDELTA_STM32F4_UNIT;
  flash.erase_value = 0xff;
  const libdelta_key key = signer.key();
  libdelta_sodium_state hash;
  libdelta_config config = {};
  config.crypto = libdelta_sodium_crypto(&hash);
  config.policy.keys = &key;
  config.policy.key_count = 1;
  config.policy.threshold = 1;
  config.flash = &flash;
  std::vector<uint64_t> ram(libdelta_ram_required(8192) / 8 + 1);
  libdelta_updater* updater = nullptr;
  ASSERT_EQ(libdelta_init(ram.data(), ram.size() * 8, &config, &updater), LIBDELTA_NEED_INPUT);
  EXPECT_EQ(libdelta_push(updater, signed_patch.data(), signed_patch.size()), LIBDELTA_OK);
  EXPECT_TRUE(std::equal(new_image.begin(), new_image.end(), model_.flash.begin() + 0x8000));
  EXPECT_GE(model_.erases, 10);
  ExpectNoComplaints();
}

}  // namespace
}  // namespace libdelta::testing

extern "C" uint32_t stm32f4_model_load(uint32_t address) { return libdelta::testing::model->Load(address); }
extern "C" void stm32f4_model_store(uint32_t address, uint32_t value) {
  libdelta::testing::model->Store(address, value);
}
extern "C" const void* stm32f4_model_flash(uint32_t address) {
  return libdelta::testing::model->Flash(address);
}
