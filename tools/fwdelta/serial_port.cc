#include "fwdelta/serial_port.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "fwdelta/failure.h"

namespace fwdelta {
namespace {

constexpr std::string_view kTcp = "tcp:";
constexpr size_t kLongestLine = 256;

struct Speed {
  uint32_t baud;
  speed_t code;
};
constexpr Speed kSpeeds[] = {{9600, B9600},     {19200, B19200},   {38400, B38400},
                             {57600, B57600},   {115200, B115200}, {230400, B230400},
                             {460800, B460800}, {921600, B921600}, {1000000, B1000000}};

speed_t SpeedOf(uint32_t baud) {
  for (const Speed& speed : kSpeeds) {
    if (speed.baud == baud) return speed.code;
  }
  std::string known;
  for (const Speed& speed : kSpeeds) known += fmt::format("{}{}", known.empty() ? "" : ", ", speed.baud);
  Fail(ExitCode::kUsage, "--baud {}: must be one of {}", baud, known);
}

}  // namespace

SerialPort::SerialPort(const std::string& name, uint32_t baud) : name_(name) {
  if (name == kStream) {
    name_ = "standard input";
    input_ = STDIN_FILENO;
    output_ = STDOUT_FILENO;
  } else if (name.starts_with(kTcp)) {
    const size_t colon = name.rfind(':');
    if (colon <= kTcp.size() || colon + 1 == name.size()) {
      Fail(ExitCode::kUsage, "--port {}: must be like tcp:localhost:4444", name);
    }
    std::string host = name.substr(kTcp.size(), colon - kTcp.size());
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);  // IPv6.
    Connect(host, name.substr(colon + 1));
  } else {
    OpenTerminal(name, baud);
  }
}

SerialPort::~SerialPort() {
  if (settings_) tcsetattr(input_, TCSANOW, &*settings_);
}

void SerialPort::Connect(const std::string& host, const std::string& service) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int result = getaddrinfo(host.c_str(), service.c_str(), &hints, &list);
  if (result != 0) Fail(ExitCode::kIo, "{}: {}", name_, gai_strerror(result));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(list, freeaddrinfo);
  int error = 0;
  for (const addrinfo* address = list; address != nullptr; address = address->ai_next) {
    Descriptor descriptor(
        socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC, address->ai_protocol));
    if (descriptor.get() >= 0 && connect(descriptor.get(), address->ai_addr, address->ai_addrlen) == 0) {
      const int on = 1;
      setsockopt(descriptor.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      input_ = output_ = descriptor.get();
      descriptor_.emplace(std::move(descriptor));
      return;
    }
    error = errno;
  }
  Fail(ExitCode::kIo, "{}: cannot connect: {}", name_, strerror(error));
}

void SerialPort::OpenTerminal(const std::string& path, uint32_t baud) {
  const speed_t speed = SpeedOf(baud);
  // Not blocking: without a carrier some ports would wait for one.
  Descriptor descriptor(open(path.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
  const int fd = descriptor.get();
  if (fd < 0) Fail(ExitCode::kIo, "{}: cannot open: {}", path, strerror(errno));
  termios settings{};
  if (tcgetattr(fd, &settings) != 0) {
    Fail(ExitCode::kUsage, "--port {}: not a serial port; there are also tcp:HOST:PORT and \"-\"", path);
  }
  settings_ = settings;
  cfmakeraw(&settings);
  settings.c_cflag |= CLOCAL | CREAD;
  settings.c_cflag &= ~static_cast<tcflag_t>(CRTSCTS | CSTOPB);
  cfsetispeed(&settings, speed);
  cfsetospeed(&settings, speed);
  if (tcsetattr(fd, TCSANOW, &settings) != 0) {
    Fail(ExitCode::kIo, "{}: cannot set it to {} baud: {}", path, baud, strerror(errno));
  }
  input_ = output_ = fd;
  descriptor_.emplace(std::move(descriptor));
}

void SerialPort::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(output_, bytes.data(), bytes.size());
    if (count > 0) {
      bytes.remove_prefix(static_cast<size_t>(count));
    } else if (count < 0 && errno == EAGAIN) {
      pollfd wait{output_, POLLOUT, 0};
      poll(&wait, 1, -1);
    } else if (count < 0 && errno != EINTR) {
      Fail(ExitCode::kIo, "{}: cannot write: {}", name_, strerror(errno));
    }
  }
}

std::optional<std::string> SerialPort::ReadLine(std::chrono::milliseconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const size_t size =
        std::min(received_.find('\n'), received_.size() >= kLongestLine ? kLongestLine : std::string::npos);
    if (size != std::string::npos) {
      std::string line = received_.substr(0, size);
      received_.erase(0, size + (received_[size] == '\n' ? 1 : 0));
      if (line.ends_with('\r')) line.pop_back();
      return line;
    }
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    pollfd wait{input_, POLLIN, 0};
    if (poll(&wait, 1, static_cast<int>(std::max<int64_t>(left.count(), 0))) <= 0) {
      if (left.count() <= 0) return std::nullopt;
      continue;
    }
    char buffer[kLongestLine];
    const ssize_t count = read(input_, buffer, sizeof(buffer));
    if (count > 0) {
      received_.append(buffer, static_cast<size_t>(count));
    } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
      Fail(ExitCode::kIo,
           "{}: the line to the device was closed; serve again when it is there, and it goes on where it was",
           name_);
    }
  }
}

}  // namespace fwdelta
