// How a command ends early: it throws a Failure, which main() turns into a message and an exit code.
#ifndef TOOLS_FWDELTA_FAILURE_H_
#define TOOLS_FWDELTA_FAILURE_H_

#include <fmt/format.h>

#include <string>
#include <utility>

#include "fwdelta/exit_codes.h"
#include "fwdelta/json.h"

namespace fwdelta {

// `message` is one line that names the file, the field and the remedy.
struct Failure {
  ExitCode code;
  std::string message;
  Json report = Json::object();  // Printed with it by --json.
};

template <typename... Args>
[[noreturn]] void Fail(ExitCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Failure{code, fmt::format(format, std::forward<Args>(args)...)};
}

}  // namespace fwdelta

#endif  // TOOLS_FWDELTA_FAILURE_H_
