#include "fwdelta/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

namespace fwdelta {

Progress::Progress(std::string activity)
    : activity_(std::move(activity)), visible_(isatty(STDERR_FILENO) == 1) {}

void Progress::Clear() {
  if (percent_ >= 0) fmt::print(stderr, "\r{:{}}\r", "", activity_.size() + 6);
  percent_ = -1;
}

void Progress::Show(uint64_t done, uint64_t total) {
  if (!visible_ || total == 0) return;
  const int percent = static_cast<int>(100.0 * static_cast<double>(done) / static_cast<double>(total));
  if (percent == percent_) return;
  percent_ = percent;
  fmt::print(stderr, "\r{} {:3}%", activity_, percent);
}

}  // namespace fwdelta
