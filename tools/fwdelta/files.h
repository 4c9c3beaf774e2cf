// Files in and out. Input is mapped or buffered; output appears whole or not at all.
#ifndef TOOLS_FWDELTA_FILES_H_
#define TOOLS_FWDELTA_FILES_H_

#include <sys/types.h>

#include <string>
#include <string_view>

#include "libdelta/host.h"

namespace fwdelta {

// Standard input or output, where a file name is expected.
inline constexpr std::string_view kStream = "-";

// How messages call a file: its path, or "standard input" for "-".
std::string InputName(const std::string& path);

// An open descriptor, closed when the object dies.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor();
  int get() const { return fd_; }

 private:
  int fd_;
};

// Opens `path` for reading, "-" being standard input. Throws a Failure (kIo), also for directories.
Descriptor OpenInput(const std::string& path);

// True when the bytes of `fd` can only be read once and in order: pipes, terminals, sockets.
bool IsPipe(int fd);

// Whether there is a regular file of that name.
bool IsFile(const std::string& path);

// Reads what is there, at most `size` bytes; 0 at the end. Throws a Failure (kIo) that names `name`.
size_t ReadSome(int fd, const std::string& name, uint8_t* buffer, size_t size);

// The whole content of a file or stream, in memory for as long as the object lives.
class InputFile {
 public:
  explicit InputFile(const std::string& path);
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile();

  const std::string& name() const { return name_; }
  libdelta::ByteView bytes() const { return view_; }

 private:
  void ReadAll(int fd);
  void Map(int fd, size_t size);

  std::string name_;
  libdelta::Bytes buffer_;   // Content of a stream.
  void* mapping_ = nullptr;  // Content of a file.
  libdelta::ByteView view_;
};

// A file that gets its name only when it is complete: a temporary file in the same directory, flushed to disk
// and renamed by Commit(). Anything else, also SIGINT, SIGTERM and SIGHUP, leaves no trace. "-", pipes and
// devices receive their bytes at Commit() from an unnamed temporary file.
class OutputFile {
 public:
  struct Options {
    bool force = false;                                 // Replace an existing file.
    mode_t mode = 0666;                                 // Before the umask.
    std::string_view remedy = "--force overwrites it";  // When the file exists and may not be replaced.
  };

  // Throws a Failure (kIo) when the file exists already or cannot be created.
  OutputFile(const std::string& path, const Options& options);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();

  // Open for reading and writing; the file's content so far.
  int fd() const { return fd_; }
  const std::string& name() const { return name_; }
  bool is_stream() const { return stream_; }

  void Write(libdelta::ByteView bytes);
  void Commit();

 private:
  void OpenTemporary(const std::string& directory);
  void DropName();
  void CopyToTarget();
  void RenameToTarget();

  std::string path_;
  std::string name_;
  Options options_;
  bool stream_ = false;    // The target gets a copy rather than a rename.
  std::string temporary_;  // Empty when the temporary file has no name.
  int slot_ = -1;          // Of the list that the signal handler removes.
  int fd_ = -1;
};

// Removes unfinished output files when a signal ends the program, and turns a closed pipe into an
// error of the write. To be called once, before any OutputFile.
void InstallSignalHandlers();

}  // namespace fwdelta

#endif  // TOOLS_FWDELTA_FILES_H_
