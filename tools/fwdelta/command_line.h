// Subcommands and their options. CLI11 reads them; only command_line.cc and main.cc include it, because it
// takes longer to compile than all else in a file.
#ifndef TOOLS_FWDELTA_COMMAND_LINE_H_
#define TOOLS_FWDELTA_COMMAND_LINE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace fwdelta {

// Narrows an option that has been added.
class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}

  const Option& Required() const;
  const Option& OneOf(std::vector<std::string> values) const;
  const Option& Within(int least, int most) const;
  const Option& Excludes(const std::string& name) const;
  // Of a list: one value each time that the option is given.
  const Option& OneAtATime() const;
  // Of a list: also several values in one, with this between them.
  const Option& SeparatedBy(char separator) const;

 private:
  CLI::Option* option_;
};

// What is parsed is stored to `value`, which must live as long as the command.
class Command {
 public:
  explicit Command(CLI::App* app) : app_(app) {}

  Command AddCommand(const std::string& name, const std::string& description) const;

  // `type` is what --help calls the value. Value is a std::string, a uint32_t, a uint64_t, an int, a double,
  // or a std::optional or a std::vector of strings, or an optional uint64_t (instantiated in
  // command_line.cc).
  template <typename Value>
  Option AddOption(const std::string& name, const std::string& type, Value* value,
                   const std::string& description) const;
  // Without a name on the command line.
  Option AddArgument(const std::string& name, std::string* value, const std::string& description) const;
  Option AddFlag(const std::string& name, bool* value, const std::string& description) const;
  // A size such as 64K: uint64_t or std::optional of it.
  template <typename Value>
  Option AddSize(const std::string& name, Value* value, const std::string& description) const;

  // Printed behind the options by --help.
  void SetFooter(const std::string& text) const;
  // What parsing the command line then does.
  void SetAction(const std::function<void()>& action) const;

 private:
  CLI::App* app_;
};

}  // namespace fwdelta

#endif  // TOOLS_FWDELTA_COMMAND_LINE_H_
