// Updates QEMU's RISC-V machine "virt", whose flash is a file, and kills the process at many points;
// tests/qemu_test.sh compiles what is needed and runs this.
//
//   riscv FWDELTA FOLDER KILLS
//
// FOLDER has the images and patches. Prints "N passed, M failed".

#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "tests/qemu/board.h"
#include "tests/qemu/checks.h"

namespace {

// As in tools/bootloader/riscv/layout.h, less the address of the flash.
constexpr uint32_t kBlock = 0x40000;
constexpr uint32_t kSlot = 0x40000;
constexpr uint32_t kSettings = 0x200000;
constexpr uint32_t kCounter = 0x300000;

class Test {
 public:
  Test(const Setup& setup, uint32_t kills) : setup_(setup), kills_(kills) {
    for (int version = 1; version <= 3; ++version) {
      applications_[version] = Read(setup.folder + "/application-" + std::to_string(version) + ".bin");
    }
    factory_.assign(kRiscvFlashSize, 0xff);
    Put(Read(setup.folder + "/bootloader.bin"), 0, &factory_);
    Put(applications_[1], kSlot, &factory_);
    const std::string settings = "kitchen";
    Put(Flash(settings.begin(), settings.end()), kSettings, &factory_);
    for (uint32_t at = kSettings + 512; at < kSettings + kBlock; ++at) {
      factory_[at] = static_cast<uint8_t>(at * 7);
    }
  }

  void Run() {
    TestUpdate();
    TestKills();
  }

 private:
  // What is in the flash boots as the version, and nothing else has changed.
  void ExpectVersion(const Flash& flash, int version, const std::string& what) {
    const Flash& image = applications_[version];
    Expect(std::equal(image.begin(), image.end(), flash.begin() + kSlot), what + ": slot");
    Expect(std::equal(flash.begin(), flash.begin() + kSlot, factory_.begin()), what + ": bootloader");
    Expect(std::equal(flash.begin() + kSettings, flash.begin() + kSettings + kBlock,
                      factory_.begin() + kSettings),
           what + ": settings block");
    Board board(setup_, flash);
    const std::string number = std::to_string(version);
    Expect(board.WaitFor("name kitchen\r\nsensor node, version " + number + "\r\n", 60000),
           what + ": version " + number + " does not boot");
  }

  void TestUpdate() {
    Section("RISC-V: application, update 1 -> 2 while it runs, a refusal, 2 -> 3");
    Flash flash = factory_;
    {
      Board board(setup_, flash);
      Expect(board.WaitFor("sensor node, version 1\r\n", 60000), "version 1 boots");
      board.Send("status\n");
      Expect(board.WaitFor("version 1, up ", 60000), "a command is answered");
      const auto begin = std::chrono::steady_clock::now();
      ExpectCode(board.Serve("1-2.fwd"), kOk, "1 -> 2");
      update_time_ = static_cast<uint32_t>(
          std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin)
              .count());
      flash = board.CutPower();
    }
    ExpectVersion(flash, 2, "1 -> 2");
    Expect(flash[kCounter] == 2 || flash[kCounter + kBlock] == 2, "1 -> 2: counter");
    {
      Board board(setup_, flash);
      ExpectCode(board.Serve("foreign.fwd"), kSignature, "a foreign key");
      ExpectCode(board.Serve("2-3.fwd"), kOk, "2 -> 3");
      flash = board.CutPower();
    }
    ExpectVersion(flash, 3, "2 -> 3");
  }

  // The process is killed after each of `lives`, in milliseconds; then the update is left to end.
  void TestKilled(const std::vector<uint32_t>& lives) {
    std::string what = "killed after";
    Flash flash = factory_;
    for (const uint32_t life : lives) {
      what += " " + std::to_string(life) + " ms";
      Board board(setup_, flash);
      board.KillAfter(static_cast<int>(life));
      board.Serve("1-2.fwd");
      const std::lock_guard<std::mutex> lock(mutex);
      killed_ += board.is_stopped();
      flash = board.CutPower();
    }
    Board board(setup_, flash);
    Served served = board.Serve("1-2.fwd");
    const std::string& said = board.output();
    served.report +=
        "; the device said last: " + said.substr(said.size() - std::min<size_t>(said.size(), 300));
    ExpectCode(served, kOk, what);
    {
      const std::lock_guard<std::mutex> lock(mutex);
      resumed_ += board.output().find("fwd want 0 ") != 0;
    }
    ExpectVersion(board.CutPower(), 2, what);
  }

  // One kill in each of half of the updates, at times all over it; many in the other half.
  void TestKills() {
    Section("RISC-V: killed while it updates");
    std::vector<std::vector<uint32_t>> plans;
    const uint32_t singles = kills_ / 2;
    for (uint32_t i = 0; i < singles; ++i) plans.push_back({update_time_ * (2 * i + 1) / (2 * singles)});
    for (uint32_t left = kills_ - singles; left > 0;) {
      const uint32_t count = left < 4 ? left : 4;
      std::vector<uint32_t> lives;
      for (uint32_t i = 0; i < count; ++i) lives.push_back(update_time_ * (3 + (i + left) % 5) / 16);
      plans.push_back(lives);
      left -= count;
    }
    std::atomic<size_t> next = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) {
      threads.emplace_back([&] {
        for (size_t at = next++; at < plans.size(); at = next++) TestKilled(plans[at]);
      });
    }
    for (std::thread& thread : threads) thread.join();
    printf("  %d of %u kills came before the end; %d of %zu updates then went on half-way\n", killed_, kills_,
           resumed_, plans.size());
    Expect(2 * killed_ >= static_cast<int>(kills_), "half of the kills come in time");
    Expect(resumed_ > 0, "some updates went on");
  }

  const Setup& setup_;
  const uint32_t kills_;
  uint32_t update_time_ = 0;  // Milliseconds.
  int killed_ = 0;
  int resumed_ = 0;
  Flash factory_;
  std::map<int, Flash> applications_;
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) Die("wrong arguments; run tests/qemu_test.sh");
  setvbuf(stdout, nullptr, _IOLBF, 0);
  Setup setup;
  setup.machine = Machine::kRiscv;
  setup.fwdelta = arguments[1];
  setup.folder = arguments[2];
  Test test(setup, static_cast<uint32_t>(strtoul(arguments[3], nullptr, 0)));
  test.Run();
  return Report();
}
