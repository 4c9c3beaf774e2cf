// A board in QEMU, with `fwdelta serve` at its serial port, and power that can be cut; the BBC micro:bit also
// with a debugger that sees every flash operation.
//
// What QEMU 7.2 has of the nRF51's flash (its nrf51_nvm device): words are programmed only while CONFIG says
// so and only turn bits to 0; a page is erased only while CONFIG says so, whole and at once; READY is
// always 1. All of it is memory of the QEMU process. So power is cut like this: the machine is stopped, its
// flash is saved through the monitor, and another process begins with what was saved. To stop it in the midst
// of an operation is not possible: there the saved image is changed to what a torn operation would have left
// (microbit.cc).
//
// The RISC-V machine's CFI flash is a file (pflash_cfi01, which writes to it at once), and power is cut by
// killing the process: between two programs or erases, or in the midst of an erase, which writes 256 KiB.
// QEMU does not check that what is programmed was erased. It keeps code that it has translated though the
// flash below was reprogrammed: what has been updated is booted in another process.
#ifndef TESTS_QEMU_BOARD_H_
#define TESTS_QEMU_BOARD_H_

#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

enum class Machine : uint8_t { kMicrobit, kRiscv };

using Flash = std::vector<uint8_t>;
inline constexpr size_t kFlashSize = 262144;
inline constexpr uint32_t kPageSize = 1024;
inline constexpr size_t kRiscvFlashSize = 0x380000;  // As far as it is used.

// Ends the program with a message: the test itself does not work.
[[noreturn]] void Die(const std::string& message);

// A program that was started, killed when the object dies.
class Process {
 public:
  Process() = default;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() { Kill(); }

  // `prepare` runs in the new process before the program.
  void Start(const std::vector<std::string>& command, const std::function<void()>& prepare);
  bool is_running() const { return pid_ > 0; }
  // True when it has ended; then its exit code, -1 after a signal.
  bool HasEnded(int* code);
  void Kill();

 private:
  pid_t pid_ = -1;
};

// Programs and addresses that the tests need.
struct Setup {
  Machine machine = Machine::kMicrobit;
  std::string fwdelta;
  std::string folder;         // With images and patches; temporary files go there as well.
  uint32_t operate = 0;       // Of libdelta/ports/nrf51.c.
  uint32_t boot = 0;          // startup_boot() of the bootloader.
  uint32_t stack_bottom = 0;  // Of the bootloader,
  uint32_t stack_top = 0;     // growing down.
};

// One change of the flash.
struct Operation {
  bool is_erase = false;
  uint32_t address = 0;
  uint32_t word = 0;  // Programmed.
};

enum class Line : uint8_t { kPipe, kTcp, kTerminal };

struct Noise {
  uint32_t drop_each = 0;   // Bytes to the device: one of so many is lost,
  uint32_t alter_each = 0;  // or altered. 0: none.
  uint32_t pause_each = 0;  // After so many of them the line is silent for a while. 0: never.
};

struct Served {
  int code = -1;       // Exit code of fwdelta serve; -1: it did not end in time.
  std::string report;  // What it printed.
};

class Board {
 public:
  // Switches the power on. `is_traced`: with the debugger.
  Board(const Setup& setup, const Flash& flash, bool is_traced = false);
  Board(const Board&) = delete;
  Board& operator=(const Board&) = delete;
  ~Board();

  // Until the device has said `text` since the power was switched on; false if it does not.
  bool WaitFor(const std::string& text, int milliseconds = 20000);
  // The same, and then until the bootloader has asked for something.
  bool WaitForQuestion(const std::string& text, int milliseconds);
  void Send(const std::string& text);
  const std::string& output() const { return output_; }

  // Runs `fwdelta serve PATCH` to its end, or until `sent_at_most` bytes went to the device.
  Served Serve(const std::string& patch, Line line = Line::kPipe, Noise noise = {},
               size_t sent_at_most = SIZE_MAX);

  // Stops the machine and saves its flash; the RISC-V machine is gone then.
  Flash CutPower();
  // A word of memory or of a peripheral; the machine goes on.
  uint32_t Peek(uint32_t address);

  // With the debugger: every operation since the power was switched on, and the most stack that the
  // bootloader had used when it started the application; 0 if it has not.
  const std::vector<Operation>& operations() const { return operations_; }
  uint32_t stack_used() const { return stack_used_; }
  // The machine stops before the operation with this number.
  void StopAt(size_t operation) { stop_at_ = operation; }
  bool is_stopped() const { return is_stopped_; }
  // The process is killed so many milliseconds from now, and the machine counts as stopped.
  void KillAfter(int milliseconds);

 private:
  void SwitchOn(const Flash& flash);
  std::vector<std::string> MachineCommand(const std::string& image) const;
  void SwitchOff();
  // Looks after all lines for so long, or until something has come.
  void Pump(int milliseconds);
  bool WaitUntil(const std::function<bool()>& is_so, int milliseconds);
  void PumpSerial();
  void PumpPeer();
  void PumpDebugger();
  void OnBreakpoint();
  void Restart();
  std::string Monitor(const std::string& command);
  std::string Debug(const std::string& packet);
  void SendPacket(const std::string& packet);
  std::string ReceivePacket();
  std::array<uint32_t, 16> Registers();
  uint32_t DeepestStack();

  const Setup& setup_;
  const bool is_traced_;
  const std::string name_;  // Of temporary files.
  Process qemu_;
  int serial_ = -1;
  int monitor_ = -1;
  int debugger_ = -1;
  int peer_ = -1;
  std::string output_;
  std::string monitor_input_;
  std::string debug_input_;
  std::vector<Operation> operations_;
  uint32_t stack_used_ = 0;
  size_t stop_at_ = SIZE_MAX;
  bool is_stopped_ = false;
  std::optional<std::chrono::steady_clock::time_point> kill_at_;
  Noise noise_;
  size_t sent_ = 0;  // To the device by the peer.
};

#endif  // TESTS_QEMU_BOARD_H_
