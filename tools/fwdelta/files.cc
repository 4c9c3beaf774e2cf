#include "fwdelta/files.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "fwdelta/failure.h"

namespace fwdelta {
namespace {

constexpr size_t kCopySize = 65536;

// Temporary files that exist now. Static storage with atomic flags, because a signal handler may look
// at any moment; names are random, so that removing a stale one hits nobody else's file.
struct TemporarySlot {
  std::atomic<bool> used;
  char path[PATH_MAX];
};
TemporarySlot temporary_slots[4];

int TakeSlot(const std::string& path) {
  for (int i = 0; i < static_cast<int>(std::size(temporary_slots)); ++i) {
    TemporarySlot& slot = temporary_slots[i];
    if (slot.used || path.size() >= sizeof(slot.path)) continue;
    memcpy(slot.path, path.c_str(), path.size() + 1);
    slot.used = true;
    return i;
  }
  return -1;
}

extern "C" void RemoveTemporaries(int signal_number) {
  for (const TemporarySlot& slot : temporary_slots) {
    if (slot.used) unlink(slot.path);
  }
  // The handler was installed with SA_RESETHAND: the caller must see which signal ended us.
  raise(signal_number);
}

[[noreturn]] void FailIo(const std::string& name, std::string_view action, int error) {
  Fail(ExitCode::kIo, "{}: cannot {}: {}", name, action, strerror(error));
}

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// After a rename, makes the new name survive a power cut. Not every file system can: no error then.
void SyncDirectory(const std::string& path) {
  const int fd = open(DirectoryOf(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  fsync(fd);
  close(fd);
}

// rename() that fails with EEXIST instead of replacing a file.
int RenameNew(const char* from, const char* to) {
#ifdef RENAME_NOREPLACE
  if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return -1;  // Those two: this file system cannot.
#endif
  if (link(from, to) != 0) return -1;
  return unlink(from);
}

void WriteAll(int fd, const std::string& name, const uint8_t* data, size_t size) {
  while (size != 0) {
    const ssize_t written = write(fd, data, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) FailIo(name, "write", errno);
    data += written;
    size -= static_cast<size_t>(written);
  }
}

}  // namespace

std::string InputName(const std::string& path) { return path == kStream ? "standard input" : path; }

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

Descriptor OpenInput(const std::string& path) {
  const int fd = path == kStream ? dup(STDIN_FILENO) : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) FailIo(InputName(path), "open", errno);
  Descriptor descriptor(fd);
  struct stat status;
  if (fstat(fd, &status) != 0) FailIo(InputName(path), "open", errno);
  if (S_ISDIR(status.st_mode)) FailIo(InputName(path), "read", EISDIR);
  return descriptor;
}

bool IsPipe(int fd) { return lseek(fd, 0, SEEK_CUR) < 0; }

bool IsFile(const std::string& path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

size_t ReadSome(int fd, const std::string& name, uint8_t* buffer, size_t size) {
  for (;;) {
    const ssize_t count = read(fd, buffer, size);
    if (count >= 0) return static_cast<size_t>(count);
    if (errno != EINTR) FailIo(name, "read", errno);
  }
}

InputFile::InputFile(const std::string& path) : name_(InputName(path)) {
  const Descriptor descriptor = OpenInput(path);
  struct stat status;
  if (fstat(descriptor.get(), &status) != 0) FailIo(name_, "read", errno);
  // Files in /proc and the like say 0 and have content, so an empty file is read as well. So is standard
  // input, which may be a file opened at another position than its start.
  if (path != kStream && S_ISREG(status.st_mode) && status.st_size > 0) {
    Map(descriptor.get(), static_cast<size_t>(status.st_size));
  } else {
    ReadAll(descriptor.get());
  }
}

InputFile::~InputFile() {
  if (mapping_ != nullptr) munmap(mapping_, view_.size());
}

void InputFile::Map(int fd, size_t size) {
  void* const mapping = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (mapping == MAP_FAILED) FailIo(name_, "read", errno);
  mapping_ = mapping;
  view_ = {static_cast<const uint8_t*>(mapping), size};
}

void InputFile::ReadAll(int fd) {
  size_t size = 0;
  for (size_t count = kCopySize; count != 0; size += count) {
    buffer_.resize(size + kCopySize);
    count = ReadSome(fd, name_, buffer_.data() + size, kCopySize);
  }
  buffer_.resize(size);
  view_ = buffer_;
}

OutputFile::OutputFile(const std::string& path, const Options& options)
    : path_(path), name_(path == kStream ? "standard output" : path), options_(options) {
  struct stat status;
  if (path_ == kStream) {
    stream_ = true;
  } else if (stat(path_.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) FailIo(name_, "write", EISDIR);
    // Pipes and character devices lose nothing when they are written to.
    const bool keeps_content = S_ISREG(status.st_mode) || S_ISBLK(status.st_mode);
    if (keeps_content && !options_.force) {
      Fail(ExitCode::kIo, "{}: exists already ({})", name_, options_.remedy);
    }
    stream_ = !S_ISREG(status.st_mode);
  }
  const char* const scratch = getenv("TMPDIR");
  OpenTemporary(!stream_ ? DirectoryOf(path_) : scratch != nullptr && *scratch != '\0' ? scratch : "/tmp");
  if (stream_) DropName();
}

OutputFile::~OutputFile() {
  DropName();
  if (fd_ >= 0) close(fd_);
}

void OutputFile::OpenTemporary(const std::string& directory) {
  for (;;) {
    uint8_t random[8];
    randombytes_buf(random, sizeof(random));
    char digits[2 * sizeof(random) + 1];
    sodium_bin2hex(digits, sizeof(digits), random, sizeof(random));
    temporary_ = fmt::format("{}/.fwdelta-{}.tmp", directory, digits);
    slot_ = TakeSlot(temporary_);
    if (slot_ < 0) FailIo(name_, "create", ENAMETOOLONG);
    // A stream's copy is never given a name, so nobody else needs to read it.
    const mode_t mode = stream_ ? 0600 : options_.mode;
    fd_ = open(temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd_ >= 0) return;
    const int error = errno;
    temporary_slots[slot_].used = false;
    temporary_.clear();
    if (error != EEXIST) FailIo(name_, fmt::format("create a file in {}", directory), error);
  }
}

void OutputFile::DropName() {
  if (temporary_.empty()) return;
  unlink(temporary_.c_str());
  temporary_slots[slot_].used = false;
  temporary_.clear();
}

void OutputFile::Write(libdelta::ByteView bytes) { WriteAll(fd_, name_, bytes.data(), bytes.size()); }

void OutputFile::Commit() {
  if (stream_) {
    CopyToTarget();
  } else {
    RenameToTarget();
  }
}

void OutputFile::CopyToTarget() {
  const int fd = path_ == kStream ? dup(STDOUT_FILENO) : open(path_.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) FailIo(name_, "open", errno);
  const Descriptor target(fd);
  if (lseek(fd_, 0, SEEK_SET) < 0) FailIo(name_, "read back", errno);
  libdelta::Bytes buffer(kCopySize);
  while (const size_t count = ReadSome(fd_, name_, buffer.data(), buffer.size())) {
    WriteAll(target.get(), name_, buffer.data(), count);
  }
}

void OutputFile::RenameToTarget() {
  if (fsync(fd_) != 0) FailIo(name_, "write", errno);
  const char* const from = temporary_.c_str();
  const int result = options_.force ? rename(from, path_.c_str()) : RenameNew(from, path_.c_str());
  if (result != 0 && errno == EEXIST) {
    Fail(ExitCode::kIo, "{}: exists already ({})", name_, options_.remedy);
  }
  if (result != 0) FailIo(name_, "create", errno);
  temporary_slots[slot_].used = false;
  temporary_.clear();
  SyncDirectory(path_);
}

void InstallSignalHandlers() {
  struct sigaction action = {};
  action.sa_handler = RemoveTemporaries;
  action.sa_flags = SA_RESETHAND;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction present;
    // A program started under nohup or in the background must keep ignoring what its parent ignores.
    if (sigaction(number, nullptr, &present) == 0 && present.sa_handler == SIG_IGN) continue;
    sigaction(number, &action, nullptr);
  }
  signal(SIGPIPE, SIG_IGN);
}

}  // namespace fwdelta
