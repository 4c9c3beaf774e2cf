#include "fwdelta/command_line.h"

#include <CLI/CLI.hpp>
#include <utility>

#include "fwdelta/text.h"

namespace fwdelta {

const Option& Option::Required() const {
  option_->required();
  return *this;
}

const Option& Option::OneOf(std::vector<std::string> values) const {
  option_->check(CLI::IsMember(std::move(values)));
  return *this;
}

const Option& Option::Within(int least, int most) const {
  option_->check(CLI::Range(least, most));
  return *this;
}

const Option& Option::Excludes(const std::string& name) const {
  option_->excludes(name);
  return *this;
}

const Option& Option::OneAtATime() const {
  option_->allow_extra_args(false);
  return *this;
}

const Option& Option::SeparatedBy(char separator) const {
  option_->delimiter(separator);
  return *this;
}

Command Command::AddCommand(const std::string& name, const std::string& description) const {
  return Command(app_->add_subcommand(name, description));
}

template <typename Value>
Option Command::AddOption(const std::string& name, const std::string& type, Value* value,
                          const std::string& description) const {
  return Option(app_->add_option(name, *value, description)->type_name(type));
}

template Option Command::AddOption(const std::string&, const std::string&, std::string*,
                                   const std::string&) const;
template Option Command::AddOption(const std::string&, const std::string&, std::optional<std::string>*,
                                   const std::string&) const;
template Option Command::AddOption(const std::string&, const std::string&, std::vector<std::string>*,
                                   const std::string&) const;
template Option Command::AddOption(const std::string&, const std::string&, int*, const std::string&) const;
template Option Command::AddOption(const std::string&, const std::string&, uint32_t*,
                                   const std::string&) const;
template Option Command::AddOption(const std::string&, const std::string&, uint64_t*,
                                   const std::string&) const;
template Option Command::AddOption(const std::string&, const std::string&, std::optional<uint64_t>*,
                                   const std::string&) const;
template Option Command::AddOption(const std::string&, const std::string&, double*, const std::string&) const;

Option Command::AddArgument(const std::string& name, std::string* value,
                            const std::string& description) const {
  return AddOption(name, "", value, description);
}

Option Command::AddFlag(const std::string& name, bool* value, const std::string& description) const {
  return Option(app_->add_flag(name, *value, description));
}

template <typename Value>
Option Command::AddSize(const std::string& name, Value* value, const std::string& description) const {
  const auto parse = [name, value](const std::string& text) {
    const std::optional<uint64_t> size = ParseSize(text);
    if (!size) throw CLI::ValidationError(name, "\"" + text + "\" is not a size (bytes, or 64K, 1M)");
    *value = *size;
  };
  return Option(app_->add_option_function<std::string>(name, parse, description)->type_name("SIZE"));
}

template Option Command::AddSize(const std::string&, uint64_t*, const std::string&) const;
template Option Command::AddSize(const std::string&, std::optional<uint64_t>*, const std::string&) const;

void Command::SetFooter(const std::string& text) const { app_->footer(text); }

void Command::SetAction(const std::function<void()>& action) const { app_->callback(action); }

}  // namespace fwdelta
