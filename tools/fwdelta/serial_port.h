// A line to a device: a serial port, a TCP connection, or standard input and output.
#ifndef TOOLS_FWDELTA_SERIAL_PORT_H_
#define TOOLS_FWDELTA_SERIAL_PORT_H_

#include <termios.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "fwdelta/files.h"

namespace fwdelta {

class SerialPort {
 public:
  // `name`: "tcp:HOST:PORT", "-", or the path of a serial port, which is set to `baud` without handshake.
  // Throws a Failure (kUsage, kIo).
  SerialPort(const std::string& name, uint32_t baud);
  SerialPort(const SerialPort&) = delete;
  SerialPort& operator=(const SerialPort&) = delete;
  // A serial port gets the settings back that it had.
  ~SerialPort();

  // How messages call it.
  const std::string& name() const { return name_; }

  void Write(std::string_view bytes);

  // The next line, without its end, if it comes in time. Throws a Failure (kIo) when the other side has
  // closed the line. Lines that are too long to be ours come in pieces.
  std::optional<std::string> ReadLine(std::chrono::milliseconds patience);

 private:
  void Connect(const std::string& host, const std::string& service);
  void OpenTerminal(const std::string& path, uint32_t baud);

  std::string name_;
  int input_ = -1;
  int output_ = -1;
  std::optional<Descriptor> descriptor_;  // Unless it is standard input and output.
  std::optional<termios> settings_;       // What a serial port was set to before.
  std::string received_;                  // And not returned yet.
};

}  // namespace fwdelta

#endif  // TOOLS_FWDELTA_SERIAL_PORT_H_
