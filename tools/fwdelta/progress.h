// A percentage on standard error while long work goes on, if a person is watching.
#ifndef TOOLS_FWDELTA_PROGRESS_H_
#define TOOLS_FWDELTA_PROGRESS_H_

#include <cstdint>
#include <string>

namespace fwdelta {

// Shows nothing unless standard error is a terminal.
class Progress {
 public:
  explicit Progress(std::string activity);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { Clear(); }

  void Show(uint64_t done, uint64_t total);

  // Erases the line, so that messages that follow start on a clean one.
  void Clear();

 private:
  std::string activity_;
  bool visible_;
  int percent_ = -1;  // What the terminal shows now.
};

}  // namespace fwdelta

#endif  // TOOLS_FWDELTA_PROGRESS_H_
