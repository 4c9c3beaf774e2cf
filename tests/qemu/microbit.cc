// Updates a BBC micro:bit in QEMU and cuts its power; tests/qemu_test.sh compiles what is needed and runs
// this.
//
//   microbit FWDELTA FOLDER OPERATE BOOT STACK_BOTTOM STACK_TOP CUTS
//
// FOLDER has the images and patches; the four addresses are those of struct Setup. Power is cut at CUTS
// places. Prints "N passed, M failed".

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/qemu/board.h"
#include "tests/qemu/checks.h"

namespace {

// As in tools/bootloader/microbit/layout.h.
constexpr uint32_t kSlot = 0x6000;
constexpr uint32_t kSettings = 0x3e800;
constexpr uint32_t kCounter = 0x3f800;
constexpr uint32_t kEnd = 0x40000;

bool IsEqual(const Flash& left, const Flash& right, uint32_t begin, uint32_t end) {
  return std::equal(left.begin() + begin, left.begin() + end, right.begin() + begin);
}

uint32_t Word(const Flash& flash, uint32_t address) {
  uint32_t word = 0;
  for (uint32_t i = 4; i > 0; --i) word = word << 8 | flash[address + i - 1];
  return word;
}

// The greatest good record of tools/bootloader/counter.c.
uint32_t CounterIn(const Flash& flash) {
  uint32_t counter = 0;
  for (uint32_t page = kCounter; page < kEnd; page += kPageSize) {
    const uint32_t number = Word(flash, page);
    if (Word(flash, page + 4) == ~number) counter = std::max(counter, number);
  }
  return counter;
}

// Whether the device asked for anything but the first byte after its last verdict.
bool HasOpenUpdate(const std::string& output) {
  static const std::string question = "fwd want ";
  const size_t end = output.rfind("fwd end ");
  const size_t at = end == std::string::npos ? end : output.find(question, end);
  return at != std::string::npos && output.compare(at + question.size(), 2, "0 ") != 0;
}

// What power cuts leave of the operation in which they happen.
enum class Tear : uint8_t { kBefore, kFirstHalf, kAllButOne, kRandom, kCount };
constexpr const char* kTearNames[] = {"before", "first half", "all but one", "random bits"};

// Bits that differ every time, but the same in every run of the test.
uint32_t NextRandom(uint32_t* state) {
  *state ^= *state << 13;
  *state ^= *state >> 17;
  *state ^= *state << 5;
  return *state;
}

uint32_t TornBits(Tear tear, uint32_t* random) {
  switch (tear) {
    case Tear::kFirstHalf:
      return 0xffff;
    case Tear::kAllButOne:
      return ~(1u << NextRandom(random) % 32);
    case Tear::kRandom:
      return NextRandom(random);
    default:
      return 0;
  }
}

void Apply(const Operation& operation, Flash* flash) {
  if (operation.is_erase) {
    std::fill_n(flash->begin() + operation.address, kPageSize, uint8_t{0xff});
  } else {
    for (uint32_t i = 0; i < 4; ++i) {
      (*flash)[operation.address + i] &= static_cast<uint8_t>(operation.word >> 8 * i);
    }
  }
}

// Of an erase, words or bits of the page have become 1; of a program, bits of the word 0.
void ApplyTorn(const Operation& operation, Tear tear, uint32_t* random, Flash* flash) {
  if (!operation.is_erase) {
    const uint32_t changed = TornBits(tear, random);
    return Apply({false, operation.address, operation.word | ~changed}, flash);
  }
  for (uint32_t at = 0; at < kPageSize; at += 4) {
    const bool is_last = at + 4 == kPageSize;
    uint32_t changed = tear == Tear::kBefore ? 0 : 0xffffffff;
    if (tear == Tear::kFirstHalf && at >= kPageSize / 2) changed = 0;
    if (tear == Tear::kRandom || (tear == Tear::kAllButOne && is_last)) changed = TornBits(tear, random);
    for (uint32_t i = 0; i < 4; ++i) {
      (*flash)[operation.address + at + i] |= static_cast<uint8_t>(changed >> 8 * i);
    }
  }
}

class Test {
 public:
  Test(const Setup& setup, size_t cuts) : setup_(setup), cuts_(cuts) {
    for (int version = 1; version <= 3; ++version) {
      applications_[version] = Read(setup.folder + "/application-" + std::to_string(version) + ".bin");
    }
    factory_.assign(kFlashSize, 0xff);
    Put(Read(setup.folder + "/bootloader.bin"), 0, &factory_);
    Put(applications_[1], kSlot, &factory_);
    const std::string settings = "kitchen";
    Put(Flash(settings.begin(), settings.end()), kSettings, &factory_);
    for (uint32_t at = kSettings + 512; at < kSettings + kPageSize; ++at) {
      factory_[at] = static_cast<uint8_t>(at * 7);
    }
  }

  void Run() {
    TestApplication();
    TestUpdate();
    TestSecondUpdate();
    TestLines();
    TestRefusals();
    TestTampered();
    TestPowerCuts();
    TestNestedCuts();
    TestRescue();
  }

 private:
  // The board boots the version and nothing but slot, spare pages and counter has changed.
  void ExpectVersion(Board* board, int version, uint32_t counter, const std::string& what) {
    const std::string number = std::to_string(version);
    Expect(board->WaitFor("name kitchen\r\nsensor node, version " + number + "\r\n"),
           what + ": version " + number + " does not boot: " + board->output());
    const Flash flash = board->CutPower();
    ExpectFlash(flash, version, counter, what);
  }

  void ExpectFlash(const Flash& flash, int version, uint32_t counter, const std::string& what) {
    const Flash& image = applications_[version];
    Expect(std::equal(image.begin(), image.end(), flash.begin() + kSlot), what + ": slot");
    Expect(IsEqual(flash, factory_, kSettings, kSettings + kPageSize), what + ": settings page");
    Expect(IsEqual(flash, factory_, 0, kSlot), what + ": bootloader");
    Expect(CounterIn(flash) == counter, what + ": counter " + std::to_string(CounterIn(flash)));
  }

  void TestApplication() {
    Section("application boots, and its interrupts reach it");
    Board board(setup_, factory_);
    Expect(board.WaitFor("sensor node, version 1\r\n"), "version 1 boots");
    board.Send("status\n");  // Comes by an interrupt of the UART.
    Expect(board.WaitFor("version 1, up "), "a command is answered");
    // Turned on and off by an interrupt of the timer.
    std::set<uint32_t> levels;
    for (int i = 0; i < 1000 && levels.size() < 2; ++i) {
      levels.insert(board.Peek(0x50000504) >> 13 & 1);
      usleep(5000);
    }
    Expect(levels.size() == 2, "the LED blinks");
  }

  // Traced: the operations are what power cuts are made from.
  void TestUpdate() {
    Section("update 1 -> 2");
    Board board(setup_, factory_, true);
    ExpectCode(board.Serve("1-2.fwd"), kOk, "1 -> 2");
    Expect(board.WaitFor("version 2"), "1 -> 2 boots");
    operations_ = board.operations();
    updated_ = board.CutPower();
    ExpectFlash(updated_, 2, 2, "1 -> 2");
    Flash replayed = factory_;
    for (const Operation& operation : operations_) Apply(operation, &replayed);
    Expect(replayed == updated_, "the operations seen are all there were");
    printf("  %zu operations; the bootloader used %u of %u bytes of stack\n", operations_.size(),
           board.stack_used(), setup_.stack_top - setup_.stack_bottom);
    Expect(board.stack_used() > 0 && board.stack_used() + 256 <= setup_.stack_top - setup_.stack_bottom,
           "256 bytes of stack are left");
  }

  void TestSecondUpdate() {
    Section("a second update, and what the device has already");
    {
      Board board(setup_, updated_);
      ExpectCode(board.Serve("2-3.fwd"), kOk, "2 -> 3");
      ExpectVersion(&board, 3, 3, "2 -> 3");
    }
    Board board(setup_, updated_);
    const Served served = board.Serve("1-2.fwd");
    ExpectCode(served, kOk, "1 -> 2 again");
    Expect(served.report.find("already") != std::string::npos, "1 -> 2 again: " + served.report);
    ExpectVersion(&board, 2, 2, "1 -> 2 again");
  }

  void TestLines() {
    Section("the application gives way; other ports; noise; a lost line");
    {
      Board board(setup_, factory_);
      Expect(board.WaitFor("version 1"), "version 1 boots");
      ExpectCode(board.Serve("1-2.fwd"), kOk, "while the application runs");
      ExpectVersion(&board, 2, 2, "while the application runs");
    }
    for (const Line line : {Line::kTcp, Line::kTerminal}) {
      Board board(setup_, factory_);
      ExpectCode(board.Serve("1-2.fwd", line), kOk, line == Line::kTcp ? "TCP" : "terminal");
      ExpectVersion(&board, 2, 2, "other ports");
    }
    for (const Noise& noise : {Noise{701, 0}, Noise{0, 601}, Noise{1009, 809}, Noise{401, 0, 20}}) {
      Board board(setup_, factory_);
      ExpectCode(board.Serve("1-2.fwd", Line::kPipe, noise), kOk, "noise");
      ExpectVersion(&board, 2, 2, "noise");
    }
    for (const size_t sent : {1, 100, 900, 1500}) {
      Board board(setup_, factory_);
      board.Serve("1-2.fwd", Line::kPipe, {}, sent);
      ExpectCode(board.Serve("1-2.fwd"), kOk, "after the line was lost");
      ExpectVersion(&board, 2, 2, "after the line was lost");
    }
  }

  // Nothing is erased or programmed but spare pages, and version 1 still boots.
  void TestRefusals() {
    Section("refused patches");
    const std::pair<const char*, int> refused[] = {
        {"tampered-header.fwd", kSignature}, {"tampered-signature.fwd", kSignature},
        {"tampered-start.fwd", kMalformed},  {"foreign-key.fwd", kSignature},
        {"foreign-hardware.fwd", kTarget},   {"2-3.fwd", kBase},
        {"other-geometry.fwd", kGeometry},   {"two-slot.fwd", kGeometry},
    };
    for (const auto& [patch, code] : refused) {
      Board board(setup_, factory_);
      ExpectCode(board.Serve(patch), code, patch);
      ExpectVersion(&board, 1, 0, patch);
    }
    Board board(setup_, updated_);
    ExpectCode(board.Serve("downgrade.fwd"), kOldCounter, "downgrade.fwd");
    ExpectVersion(&board, 2, 2, "downgrade.fwd");
  }

  // Each byte of the patch counts: refused before the first page is erased, or found while the update is
  // under way; then the right patch goes on.
  void TestTampered() {
    Section("tampered patches");
    const Flash patch = Read(setup_.folder + "/1-2.fwd");
    for (size_t at = 20; at < patch.size(); at += patch.size() / 8) {
      const std::string what = "byte " + std::to_string(at) + " changed";
      const std::string name = "tampered-" + std::to_string(at) + ".fwd";
      Flash tampered = patch;
      tampered[at] ^= 0x20;
      std::ofstream(setup_.folder + "/" + name, std::ios::binary)
          .write(reinterpret_cast<const char*>(tampered.data()),
                 static_cast<std::streamsize>(tampered.size()));
      Board board(setup_, factory_);
      const Served served = board.Serve(name);
      Expect(served.code != kOk, what + ": " + served.report);
      // What the device asks for next is the truth about the flash: the first byte, or that of an open
      // update. It may still have the beginning of the other patch; then it waits for more before it says so.
      Expect(board.WaitForQuestion("fwd end ", 10000), what + ": no verdict, or nothing after it");
      const bool is_open = HasOpenUpdate(board.output());
      const bool boots = !is_open && board.WaitFor("version 1", 10000);
      Expect(boots || is_open, what + ": neither old nor in progress");
      if (is_open) ExpectCode(board.Serve("1-2.fwd"), kOk, what + ", then the right one");
      ExpectVersion(&board, is_open ? 2 : 1, is_open ? 2 : 0, what);
    }
  }

  // What is in the flash if power fails in the operation with this number.
  Flash FlashAt(const Flash& start, const std::vector<Operation>& operations, size_t number, Tear tear,
                uint32_t seed) {
    Flash flash = start;
    for (size_t i = 0; i < number; ++i) Apply(operations[i], &flash);
    uint32_t random = seed * 2654435761u + 1;
    if (number < operations.size()) ApplyTorn(operations[number], tear, &random, &flash);
    return flash;
  }

  // Boots what a power cut has left, and ends the update. Returns what the bootloader wanted at first.
  std::string Recover(const Flash& flash, const std::string& what) {
    Board board(setup_, flash);
    ExpectCode(board.Serve("1-2.fwd"), kOk, what);
    ExpectVersion(&board, 2, 2, what);
    const size_t begin = board.output().find("fwd want ");
    const size_t end = board.output().find(' ', begin + 9);
    if (begin == std::string::npos || end == std::string::npos) return "-";
    return board.output().substr(begin + 9, end - begin - 9);
  }

  // Numbers of operations: all erases, as many as there is room for, and programs evenly between them.
  std::vector<size_t> ChooseCuts(size_t count) const {
    std::vector<size_t> erases;
    for (size_t i = 0; i < operations_.size(); ++i) {
      if (operations_[i].is_erase) erases.push_back(i);
    }
    std::set<size_t> chosen = {0, operations_.size() - 1};
    for (size_t i = 0; i < count / 2; ++i) chosen.insert(erases[i * erases.size() / (count / 2)]);
    for (size_t i = 0; chosen.size() < count; ++i) {
      chosen.insert((i * 2 + 1) * operations_.size() / (2 * count) % operations_.size());
    }
    return {chosen.begin(), chosen.end()};
  }

  void TestPowerCuts() {
    Section("power cuts");
    // The machine itself is stopped there: the replayed image is what it has.
    for (const size_t part : {7, 3}) {
      const size_t number = operations_.size() / part;
      Board board(setup_, factory_, true);
      board.StopAt(number);
      board.Serve("1-2.fwd");
      Expect(board.is_stopped(), "the machine stops before an operation");
      Expect(board.CutPower() == FlashAt(factory_, operations_, number, Tear::kBefore, 0),
             "the flash of a stopped machine is the replayed one");
    }
    const std::vector<size_t> numbers = ChooseCuts(cuts_);
    std::atomic<size_t> next = 0;
    std::map<std::string, int> kinds;
    int resumed = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) {
      threads.emplace_back([&] {
        for (size_t at = next++; at < numbers.size(); at = next++) {
          const size_t number = numbers[at];
          const Tear tear = static_cast<Tear>(at % static_cast<size_t>(Tear::kCount));
          const std::string kind = std::string(operations_[number].is_erase ? "erase" : "program") + ", " +
                                   kTearNames[static_cast<size_t>(tear)];
          const std::string wanted =
              Recover(FlashAt(factory_, operations_, number, tear, static_cast<uint32_t>(number)),
                      "cut in operation " + std::to_string(number) + " (" + kind + ")");
          const std::lock_guard<std::mutex> lock(mutex);
          ++kinds[kind];
          resumed += wanted != "0";
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const auto& [kind, count] : kinds) printf("  %-22s %3d\n", kind.c_str(), count);
    printf("  %zu cuts, of which %d in an update that went on\n", numbers.size(), resumed);
    Expect(resumed > 0, "some updates went on");
  }

  // Power fails again while the device recovers.
  void TestNestedCuts() {
    Section("power cuts while recovering from one");
    int count = 0;
    for (const size_t part : {2, 5}) {
      const size_t number = operations_.size() / part;
      const Flash cut = FlashAt(factory_, operations_, number, Tear::kRandom, 1);
      std::vector<Operation> recovery;
      {
        Board board(setup_, cut, true);
        ExpectCode(board.Serve("1-2.fwd"), kOk, "traced recovery");
        recovery = board.operations();
      }
      for (const size_t second :
           {size_t{0}, size_t{1}, size_t{40}, recovery.size() / 3, recovery.size() - 2}) {
        const Tear tear = second % 2 == 0 ? Tear::kRandom : Tear::kFirstHalf;
        Recover(FlashAt(cut, recovery, second, tear, static_cast<uint32_t>(second) + 7),
                "cut in operation " + std::to_string(number) + ", then in " + std::to_string(second));
        ++count;
      }
    }
    printf("  %d second cuts\n", count);
  }

  void TestRescue() {
    Section("an update that is given up");
    const Flash cut = FlashAt(factory_, operations_, operations_.size() / 2, Tear::kBefore, 0);
    {
      Board board(setup_, cut);
      ExpectCode(board.Serve("2-3.fwd"), kInProgress, "another patch");
      ExpectCode(board.Serve("1-2.fwd"), kOk, "the right one after it");
      ExpectVersion(&board, 2, 2, "the right one after another");
    }
    {
      Board board(setup_, cut);
      ExpectCode(board.Serve("rescue.fwd"), kOk, "a whole image");
      ExpectVersion(&board, 3, 3, "a whole image");
    }
    // Cut in the rescue as well.
    std::vector<Operation> operations;
    {
      Board board(setup_, cut, true);
      ExpectCode(board.Serve("rescue.fwd"), kOk, "a traced whole image");
      operations = board.operations();
    }
    for (const size_t number : {size_t{1}, operations.size() / 4, operations.size() - 20}) {
      Board board(setup_, FlashAt(cut, operations, number, Tear::kRandom, 3));
      ExpectCode(board.Serve("rescue.fwd"), kOk, "a whole image after a cut in it");
      ExpectVersion(&board, 3, 3, "a whole image after a cut in it");
    }
  }

  const Setup& setup_;
  const size_t cuts_;
  Flash factory_;
  Flash updated_;
  std::map<int, Flash> applications_;
  std::vector<Operation> operations_;  // Of the update from version 1 to 2.
};

uint32_t Number(const char* text) { return static_cast<uint32_t>(strtoul(text, nullptr, 0)); }

}  // namespace

int main(int count, char** arguments) {
  if (count != 8) Die("wrong arguments; run tests/qemu_test.sh");
  setvbuf(stdout, nullptr, _IOLBF, 0);
  Setup setup;
  setup.fwdelta = arguments[1];
  setup.folder = arguments[2];
  setup.operate = Number(arguments[3]);
  setup.boot = Number(arguments[4]);
  setup.stack_bottom = Number(arguments[5]);
  setup.stack_top = Number(arguments[6]);
  Test test(setup, Number(arguments[7]));
  test.Run();
  return Report();
}
