#include "tests/qemu/board.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>

namespace {

using Clock = std::chrono::steady_clock;

// A pair of connected sockets, closed in programs that are started.
void MakePair(int* ours, int* theirs) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) Die("socketpair");
  *ours = pair[0];
  *theirs = pair[1];
}

// Microseconds. Adapters and busy hosts pause as long in the midst of what they send.
constexpr useconds_t kPause = 40000;

void Inherit(int fd) { fcntl(fd, F_SETFD, 0); }

void Close(int* fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

void WriteAll(int fd, const std::string& bytes) {
  for (size_t done = 0; done < bytes.size();) {
    // The other side may have been killed.
    const ssize_t count = send(fd, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
    if (count > 0) {
      done += static_cast<size_t>(count);
    } else if (count < 0 && errno == ENOTSOCK) {
      const ssize_t written = write(fd, bytes.data() + done, bytes.size() - done);
      if (written <= 0) return;
      done += static_cast<size_t>(written);
    } else {
      return;
    }
  }
}

// What is there; empty at the end.
std::string ReadSome(int fd) {
  char buffer[4096];
  const ssize_t count = read(fd, buffer, sizeof(buffer));
  return count > 0 ? std::string(buffer, static_cast<size_t>(count)) : std::string();
}

bool IsReadable(int fd, int milliseconds) {
  pollfd wait{fd, POLLIN, 0};
  return poll(&wait, 1, milliseconds) > 0;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string Hex(uint32_t number) {
  char text[16];
  snprintf(text, sizeof(text), "%x", number);
  return text;
}

std::string MakeName(const std::string& folder) {
  static std::atomic<int> count = 0;
  return folder + "/board-" + std::to_string(++count);
}

}  // namespace

void Die(const std::string& message) {
  fprintf(stderr, "qemu test: %s\n", message.c_str());
  _exit(2);
}

void Process::Start(const std::vector<std::string>& command, const std::function<void()>& prepare) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  pid_ = fork();
  if (pid_ < 0) Die("fork");
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prepare();
    execvp(arguments[0], arguments.data());
    Die("cannot run " + command[0]);
  }
}

bool Process::HasEnded(int* code) {
  int status = 0;
  if (pid_ <= 0 || waitpid(pid_, &status, WNOHANG) != pid_) return false;
  pid_ = -1;
  *code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return true;
}

void Process::Kill() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

Board::Board(const Setup& setup, const Flash& flash, bool is_traced)
    : setup_(setup), is_traced_(is_traced), name_(MakeName(setup.folder)) {
  SwitchOn(flash);
}

Board::~Board() {
  SwitchOff();
  unlink((name_ + ".img").c_str());
  unlink((name_ + ".saved").c_str());
  unlink((name_ + ".report").c_str());
}

std::vector<std::string> Board::MachineCommand(const std::string& image) const {
  if (setup_.machine == Machine::kRiscv) {
    return {"qemu-system-riscv32",
            "-M",
            "virt",
            "-bios",
            "none",
            "-drive",
            "if=pflash,unit=0,format=raw,file=" + image};
  }
  // A reset by software would make QEMU load the image again, so it only stops there; see Restart().
  return {"qemu-system-arm",
          "-M",
          "microbit",
          "-action",
          "reboot=shutdown,shutdown=pause",
          "-device",
          "loader,file=" + image + ",addr=0,force-raw=on"};
}

void Board::SwitchOn(const Flash& flash) {
  const std::string image = name_ + ".img";
  std::ofstream(image, std::ios::binary)
      .write(reinterpret_cast<const char*>(flash.data()), static_cast<std::streamsize>(flash.size()));
  // A bank of the RISC-V machine. Nothing looks at what is behind the bytes given.
  if (setup_.machine == Machine::kRiscv && truncate(image.c_str(), 32 << 20) != 0) Die("truncate");
  int serial = -1;
  int monitor = -1;
  int debugger = -1;
  MakePair(&serial_, &serial);
  MakePair(&monitor_, &monitor);
  if (is_traced_) MakePair(&debugger_, &debugger);
  std::vector<std::string> command = MachineCommand(image);
  // Lines are sockets that it inherits.
  command.insert(command.end(),
                 {"-display", "none", "-nodefaults", "-chardev",
                  "socket,id=serial,fd=" + std::to_string(serial), "-serial", "chardev:serial", "-chardev",
                  "socket,id=monitor,fd=" + std::to_string(monitor), "-mon", "chardev=monitor,mode=control"});
  if (is_traced_) {
    command.insert(command.end(),
                   {"-S", "-chardev", "socket,id=gdb,fd=" + std::to_string(debugger), "-gdb", "chardev:gdb"});
  }
  qemu_.Start(command, [=, this] {
    Inherit(serial);
    Inherit(monitor);
    if (is_traced_) Inherit(debugger);
  });
  Close(&serial);
  Close(&monitor);
  Close(&debugger);
  Monitor("{\"execute\": \"qmp_capabilities\"}");
  if (!is_traced_) return;
  for (const uint32_t address : {setup_.operate, setup_.boot}) {
    if (Debug("Z0," + Hex(address) + ",2") != "OK") Die("no breakpoint");
  }
  SendPacket("c");
}

void Board::SwitchOff() {
  qemu_.Kill();
  Close(&serial_);
  Close(&monitor_);
  Close(&debugger_);
  monitor_input_.clear();
  debug_input_.clear();
}

// The application has restarted the device. A reset keeps the flash, and QEMU would not.
void Board::Restart() {
  usleep(50000);  // From the text to the reset.
  const Flash flash = CutPower();
  SwitchOff();
  output_.clear();
  SwitchOn(flash);
}

void Board::Send(const std::string& text) { WriteAll(serial_, text); }

bool Board::WaitUntil(const std::function<bool()>& is_so, int milliseconds) {
  const auto end = Clock::now() + std::chrono::milliseconds(milliseconds);
  while (!is_so()) {
    if (Clock::now() > end || is_stopped_) return false;
    Pump(20);
  }
  return true;
}

bool Board::WaitFor(const std::string& text, int milliseconds) {
  return WaitUntil([&] { return output_.find(text) != std::string::npos; }, milliseconds);
}

bool Board::WaitForQuestion(const std::string& text, int milliseconds) {
  return WaitUntil(
      [&] {
        const size_t at = output_.rfind(text);
        const size_t question = at == std::string::npos ? at : output_.find("fwd want ", at);
        return question != std::string::npos && output_.find('\n', question) != std::string::npos;
      },
      milliseconds);
}

void Board::KillAfter(int milliseconds) { kill_at_ = Clock::now() + std::chrono::milliseconds(milliseconds); }

void Board::Pump(int milliseconds) {
  if (kill_at_ && Clock::now() >= *kill_at_) {
    qemu_.Kill();
    is_stopped_ = true;
    return;
  }
  pollfd wait[3] = {{serial_, POLLIN, 0}, {debugger_, POLLIN, 0}, {peer_, POLLIN, 0}};
  if (poll(wait, 3, milliseconds) <= 0) return;
  if (wait[0].revents != 0) PumpSerial();
  if (wait[1].revents != 0) PumpDebugger();
  if (wait[2].revents != 0) PumpPeer();
}

void Board::PumpSerial() {
  const std::string text = ReadSome(serial_);
  if (text.empty()) Die("QEMU has ended: " + output_);
  output_ += text;
  if (peer_ >= 0) WriteAll(peer_, text);
  if (setup_.machine == Machine::kMicrobit && output_.ends_with("restarting\r\n")) Restart();
}

void Board::PumpPeer() {
  std::string passed;
  const std::string bytes = ReadSome(peer_);
  if (bytes.empty()) usleep(1000);  // It is about to end, or has not opened the terminal yet.
  for (const char byte : bytes) {
    if (noise_.pause_each != 0 && sent_ % noise_.pause_each == 0) {
      WriteAll(serial_, passed);
      passed.clear();
      usleep(kPause);
    }
    ++sent_;
    if (noise_.drop_each != 0 && sent_ % noise_.drop_each == 0) continue;
    const bool is_altered = noise_.alter_each != 0 && sent_ % noise_.alter_each == 0;
    passed.push_back(is_altered ? static_cast<char>(byte ^ 0x10) : byte);
  }
  WriteAll(serial_, passed);
}

Served Board::Serve(const std::string& patch, Line line, Noise noise, size_t sent_at_most) {
  Process host;
  const std::string report = name_ + ".report";
  const std::string file = setup_.folder + "/" + patch;
  int theirs = -1;
  int listener = -1;
  std::string port = "-";
  if (line == Line::kPipe) {
    MakePair(&peer_, &theirs);
  } else if (line == Line::kTcp) {
    sockaddr_in address{};
    socklen_t size = sizeof(address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      Die("no TCP port");
    }
    port = "tcp:127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  } else {
    peer_ = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (peer_ < 0 || grantpt(peer_) != 0 || unlockpt(peer_) != 0) Die("no pseudo-terminal");
    port = ptsname(peer_);
  }
  host.Start({setup_.fwdelta, "serve", file, "--port", port, "--timeout", "20"}, [&] {
    const int output = open(report.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (theirs >= 0) dup2(theirs, 0);
    dup2(theirs >= 0 ? theirs : output, 1);
    dup2(output, 2);
  });
  Close(&theirs);
  if (listener >= 0) {
    peer_ = IsReadable(listener, 10000) ? accept(listener, nullptr, nullptr) : -1;
    if (peer_ < 0) Die("fwdelta does not connect");
    Close(&listener);
  }
  noise_ = noise;
  sent_ = 0;
  Served served;
  const auto end = Clock::now() + std::chrono::seconds(120);
  while (!host.HasEnded(&served.code) && Clock::now() < end && sent_ < sent_at_most && !is_stopped_) Pump(5);
  Close(&peer_);
  host.Kill();
  served.report = ReadFile(report);
  return served;
}

Flash Board::CutPower() {
  if (setup_.machine == Machine::kRiscv) {
    qemu_.Kill();
    const std::string bytes = ReadFile(name_ + ".img");
    return {bytes.begin(), bytes.begin() + kRiscvFlashSize};
  }
  const std::string file = name_ + ".saved";
  Monitor("{\"execute\": \"stop\"}");
  Monitor("{\"execute\": \"memsave\", \"arguments\": {\"val\": 0, \"size\": " + std::to_string(kFlashSize) +
          ", \"filename\": \"" + file + "\"}}");
  const std::string bytes = ReadFile(file);
  if (bytes.size() != kFlashSize) Die("the flash was not saved");
  return {bytes.begin(), bytes.end()};
}

uint32_t Board::Peek(uint32_t address) {
  const std::string answer =
      Monitor("{\"execute\": \"human-monitor-command\", \"arguments\": {\"command-line\": \"xp /1wx 0x" +
              Hex(address) + "\"}}");
  const size_t at = answer.rfind(": 0x");
  if (at == std::string::npos) Die("the monitor does not answer: " + answer);
  return static_cast<uint32_t>(strtoul(answer.c_str() + at + 4, nullptr, 16));
}

// QMP: one JSON object a line. Events come in between.
std::string Board::Monitor(const std::string& command) {
  WriteAll(monitor_, command + "\n");
  for (;;) {
    const size_t end = monitor_input_.find('\n');
    if (end == std::string::npos) {
      if (!IsReadable(monitor_, 20000)) Die("the monitor is silent after " + command);
      const std::string bytes = ReadSome(monitor_);
      if (bytes.empty()) Die("QEMU has ended");
      monitor_input_ += bytes;
      continue;
    }
    std::string line = monitor_input_.substr(0, end);
    monitor_input_.erase(0, end + 1);
    if (line.starts_with("{\"return\"")) return line;
    if (line.starts_with("{\"error\"")) Die(command + ": " + line);
  }
}

void Board::SendPacket(const std::string& packet) {
  uint8_t sum = 0;
  for (const char byte : packet) sum = static_cast<uint8_t>(sum + static_cast<uint8_t>(byte));
  char end[4];
  snprintf(end, sizeof(end), "#%02x", sum);
  WriteAll(debugger_, "$" + packet + end);
}

std::string Board::ReceivePacket() {
  for (;;) {
    const size_t begin = debug_input_.find('$');
    const size_t end = begin == std::string::npos ? begin : debug_input_.find('#', begin);
    if (end != std::string::npos && end + 3 <= debug_input_.size()) {
      std::string packet = debug_input_.substr(begin + 1, end - begin - 1);
      debug_input_.erase(0, end + 3);
      return packet;
    }
    if (!IsReadable(debugger_, 20000)) Die("the debugger is silent");
    const std::string bytes = ReadSome(debugger_);
    if (bytes.empty()) Die("QEMU has ended");
    debug_input_ += bytes;
  }
}

std::string Board::Debug(const std::string& packet) {
  SendPacket(packet);
  return ReceivePacket();
}

// r0 .. r15.
std::array<uint32_t, 16> Board::Registers() {
  const std::string hex = Debug("g");
  std::array<uint32_t, 16> registers{};
  if (hex.size() < 8 * registers.size()) Die("the debugger has no registers");
  for (size_t i = 0; i < registers.size(); ++i) {
    registers[i] = ntohl(static_cast<uint32_t>(strtoul(hex.substr(8 * i, 8).c_str(), nullptr, 16)));
  }
  return registers;
}

void Board::PumpDebugger() {
  debug_input_ += ReadSome(debugger_);
  // What is left are acknowledgements.
  while (debug_input_.find('$') != std::string::npos) {
    if (ReceivePacket().starts_with('T')) OnBreakpoint();
  }
}

void Board::OnBreakpoint() {
  const std::array<uint32_t, 16> registers = Registers();
  const uint32_t pc = registers[15];
  if (pc == setup_.boot) {
    stack_used_ = std::max(stack_used_, DeepestStack());
  } else if (pc == setup_.operate) {
    if (operations_.size() == stop_at_) {
      is_stopped_ = true;
      return;
    }
    // operate(where, value, config): erase is 2.
    const bool is_erase = registers[2] == 2;
    const uint32_t value = registers[1];
    operations_.push_back({is_erase, is_erase ? value : registers[0], is_erase ? 0 : value});
  } else {
    return;  // The machine has been reset and stays where it is.
  }
  // Going on, QEMU would stop at the same place again; a single step passes it.
  Debug("s");
  SendPacket("c");
}

// RAM is 0 when QEMU starts.
uint32_t Board::DeepestStack() {
  for (uint32_t at = setup_.stack_bottom; at < setup_.stack_top; at += 256) {
    const uint32_t size = std::min<uint32_t>(256, setup_.stack_top - at);
    const std::string bytes = Debug("m" + Hex(at) + "," + Hex(size));
    const size_t digit = bytes.find_first_not_of('0');
    if (digit != std::string::npos) return setup_.stack_top - at - static_cast<uint32_t>(digit / 2);
  }
  return 0;
}
