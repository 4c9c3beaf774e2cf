// fwdelta serve: gives a patch to a device that asks for it over a serial line. tools/bootloader/serial.h
// describes the protocol; all that has to be remembered is on the device.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "fwdelta/command.h"
#include "fwdelta/failure.h"
#include "fwdelta/files.h"
#include "fwdelta/progress.h"
#include "fwdelta/serial_port.h"
#include "fwdelta/text.h"

namespace fwdelta {
namespace {

constexpr std::string_view kEnquiry = "\x05";  // What do you want?
constexpr char kPart = '\x02';
constexpr uint16_t kAnotherPatch = 0xffff;  // In place of a length: ask for the first byte of that.
constexpr uint64_t kLongestPart = 0xfffe;
constexpr std::chrono::milliseconds kEnquiryInterval{1000};
constexpr std::chrono::milliseconds kBusyTime{5000};  // That long a device may be busy with what it got.

struct ServeOptions {
  std::string patch;
  std::string port;
  uint32_t baud = 115200;
  uint32_t timeout = 60;
  bool json = false;
};

struct Want {
  uint64_t offset = 0;
  uint64_t length = 0;
};

// The numbers behind `keyword` if the line is one of the protocol's, and there are `count` of them.
std::optional<Want> ParseLine(std::string_view line, std::string_view keyword, bool has_length) {
  if (!line.starts_with(keyword)) return std::nullopt;
  line.remove_prefix(keyword.size());
  const size_t space = line.find(' ');
  if ((space != std::string_view::npos) != has_length) return std::nullopt;
  const std::optional<uint64_t> offset = ParseNumber(line.substr(0, space));
  const std::optional<uint64_t> length = has_length ? ParseNumber(line.substr(space + 1)) : 0;
  if (!offset || !length) return std::nullopt;
  return Want{*offset, *length};
}

// CRC-32 as in Ethernet and zip.
uint32_t Crc32(std::string_view bytes) {
  uint32_t crc = 0xffffffff;
  for (const char byte : bytes) {
    crc ^= static_cast<uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc;
}

void AppendLittleEndian(uint64_t number, int size, std::string* bytes) {
  for (int i = 0; i < size; ++i) bytes->push_back(static_cast<char>(number >> 8 * i & 0xff));
}

std::string MakePart(uint64_t offset, uint64_t length, libdelta::ByteView bytes) {
  std::string part;
  AppendLittleEndian(offset, 4, &part);
  AppendLittleEndian(length, 2, &part);
  part.append(bytes.begin(), bytes.end());
  AppendLittleEndian(Crc32(part), 4, &part);
  return kPart + part;
}

ExitCode ExitCodeOf(uint64_t status) {
  switch (status) {
    case LIBDELTA_E_SIGNATURE:
      return ExitCode::kSignature;
    case LIBDELTA_E_HARDWARE:
    case LIBDELTA_E_COMPONENT:
      return ExitCode::kTarget;
    case LIBDELTA_E_COUNTER:
      return ExitCode::kCounter;
    case LIBDELTA_E_RAM:
      return ExitCode::kRam;
    case LIBDELTA_E_OLD_DIGEST:
      return ExitCode::kBase;
    case LIBDELTA_E_MALFORMED:
    case LIBDELTA_E_VERSION:
    case LIBDELTA_E_UNSUPPORTED:
    case LIBDELTA_E_CHUNK:
    case LIBDELTA_E_TRAILING:
    case LIBDELTA_E_TRUNCATED:
      return ExitCode::kMalformed;
    case LIBDELTA_E_GEOMETRY:
      return ExitCode::kGeometry;
    case LIBDELTA_E_IN_PROGRESS:
      return ExitCode::kInProgress;
    default:  // Flash and callbacks: the device's own trouble.
      return ExitCode::kIo;
  }
}

// One device, from the first question to the verdict.
class Server {
 public:
  Server(const ServeOptions& options, const InputFile& patch, bool is_whole_image)
      : options_(options),
        patch_(patch),
        is_whole_image_(is_whole_image),
        port_(options.port, options.baud),
        progress_("fwdelta: sending") {}

  // Returns when the device has the new image; throws a Failure otherwise.
  void Run();

  // The device had it already.
  bool was_done() const { return was_done_; }
  // Where the device wanted the patch from at first.
  uint64_t resumed_from() const { return first_offset_.value_or(0); }
  uint64_t sent() const { return sent_; }

 private:
  enum class Phase : uint8_t {
    kServing,
    // Bytes from the middle of this patch did not continue what the device had. If that was no more than the
    // beginning of another one, the device asks for the first byte now; if not, an update is open.
    kDoubtful,
    kReplacing,  // The device was told to forget that update.
  };

  void Answer(const Want& want);
  void Replace();
  bool IsOver(uint64_t status);
  [[noreturn]] void FailSilent();

  const ServeOptions& options_;
  const InputFile& patch_;
  const bool is_whole_image_;
  SerialPort port_;
  Progress progress_;
  std::optional<uint64_t> first_offset_;
  uint64_t sent_ = 0;
  Phase phase_ = Phase::kServing;
  bool was_done_ = false;
};

void Server::Answer(const Want& want) {
  if (!first_offset_) first_offset_ = want.offset;
  const libdelta::ByteView patch = patch_.bytes();
  const bool is_another = want.offset > patch.size() || (phase_ == Phase::kDoubtful && want.offset > 0);
  if (is_another) return Replace();
  if (phase_ == Phase::kDoubtful) {
    phase_ = Phase::kServing;
    first_offset_ = 0;
  }
  const uint64_t size = std::min({want.length, patch.size() - want.offset, kLongestPart});
  port_.Write(MakePart(want.offset, size, patch.subspan(want.offset, size)));
  sent_ += size;
  progress_.Show(want.offset + size, patch.size());
}

// The update that is open on the device is not of this patch.
void Server::Replace() {
  if (phase_ == Phase::kReplacing) return;  // An older question.
  progress_.Clear();
  if (!is_whole_image_) {
    Fail(
        ExitCode::kInProgress,
        "{}: not the update that the device has begun, or damaged: serve that one, or a whole image (fwdelta "
        "create --full --in-place), which replaces it",
        patch_.name());
  }
  phase_ = Phase::kReplacing;
  first_offset_ = 0;
  port_.Write(MakePart(0, kAnotherPatch, {}));
}

// Whether that was the last word.
bool Server::IsOver(uint64_t status) {
  progress_.Clear();
  was_done_ = status == LIBDELTA_E_ALREADY_DONE;
  if (status == LIBDELTA_OK || was_done_) return true;
  if (phase_ == Phase::kServing && resumed_from() > 0 && ExitCodeOf(status) != ExitCode::kIo) {
    phase_ = Phase::kDoubtful;
    return false;
  }
  // The device may know statuses that are newer than this program.
  const std::string text = status <= LIBDELTA_E_ALREADY_DONE
                               ? libdelta_status_text(static_cast<libdelta_status>(status))
                               : "unknown";
  Fail(ExitCodeOf(status), "{}: refused by the device: {} (status {})", patch_.name(), text, status);
}

void Server::FailSilent() {
  progress_.Clear();
  Fail(ExitCode::kIo,
       "{}: no question from the device for {}; is it connected, and does it have the bootloader?",
       port_.name(), Count(options_.timeout, "second"));
}

// The device asks by itself when its bootloader runs; an application is told to give way to it.
void Server::Run() {
  using Clock = std::chrono::steady_clock;
  const std::chrono::seconds patience(options_.timeout);
  port_.Write(kEnquiry);
  for (auto heard = Clock::now(); Clock::now() - heard < patience;) {
    const std::optional<std::string> line = port_.ReadLine(first_offset_ ? kBusyTime : kEnquiryInterval);
    if (!line) {
      port_.Write(kEnquiry);
    } else if (const std::optional<Want> want = ParseLine(*line, "fwd want ", true)) {
      heard = Clock::now();
      Answer(*want);
    } else if (const std::optional<Want> end = ParseLine(*line, "fwd end ", false)) {
      heard = Clock::now();
      // Without a question before it, it is about an update that somebody else served.
      if (first_offset_ && IsOver(end->offset)) return;
    }
  }
  FailSilent();
}

void RunServe(const ServeOptions& options) {
  if (options.port.empty()) Fail(ExitCode::kUsage, "--port is required (see fwdelta serve --help)");
  const bool is_stream = options.port == kStream;
  if (options.patch == kStream && is_stream) {
    Fail(ExitCode::kUsage, "only one of PATCH and --port can be \"-\"");
  }
  if (options.json && is_stream) {
    Fail(ExitCode::kUsage, "--json and \"--port -\" both want standard output");
  }
  const InputFile patch(options.patch);
  const PatchSummary summary = Summarize(patch.bytes(), patch.name());
  CheckLength(summary, patch.bytes().size(), patch.name());
  Server server(options, patch, !summary.is_delta());
  server.Run();
  if (options.json) {
    ReportJson({{"ok", true},
                {"patch", patch.name()},
                {"port", options.port},
                {"already_done", server.was_done()},
                {"resumed_from", server.resumed_from()},
                {"sent", server.sent()},
                {"new", {{"length", summary.new_length}, {"sha256", Hex(summary.new_digest)}}},
                {"counter", summary.counter}});
    return;
  }
  const std::string how = server.was_done() ? "was there already"
                          : server.resumed_from() == 0
                              ? fmt::format("{} sent", Count(server.sent(), "byte"))
                              : fmt::format("{} sent, resumed at byte {} of the patch",
                                            Count(server.sent(), "byte"), server.resumed_from());
  const std::string text = fmt::format("{}: the device has the new image, {}, SHA-256 {}; {}\n", patch.name(),
                                       Count(summary.new_length, "byte"), Hex(summary.new_digest), how);
  if (is_stream) {
    fmt::print(stderr, "{}", text);
  } else {
    Report(text);
  }
}

}  // namespace

void AddServe(const Command& program) {
  auto options = std::make_shared<ServeOptions>();
  const Command command =
      program.AddCommand("serve", "Send a patch to a device that asks for it over a serial line");
  command.AddArgument("PATCH", &options->patch, "The patch, \"-\" for standard input").Required();
  command.AddOption(
      "--port", "PORT", &options->port,
      "Where the device is: a serial port, tcp:HOST:PORT, or \"-\" for standard input and output");
  command.AddOption("--baud", "N", &options->baud, "Speed of a serial port (default 115200)");
  command
      .AddOption("--timeout", "SECONDS", &options->timeout,
                 "Give up after so many seconds of silence (default 60)")
      .Within(1, 86400);
  AddJsonOption(command, &options->json);
  command.SetFooter(
      "The device goes on where it was after a lost line or a power cut: serve the same patch again.\n"
      "Example:\n  fwdelta serve update.fwd --port /dev/ttyACM0\n"
      "  fwdelta serve update.fwd --port tcp:localhost:4444");
  command.SetAction([options] { RunServe(*options); });
}

}  // namespace fwdelta
