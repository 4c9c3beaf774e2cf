#include "fwdelta/policy_options.h"

#include <algorithm>
#include <utility>

#include "fwdelta/failure.h"
#include "fwdelta/key_files.h"
#include "fwdelta/text.h"
#include "libdelta/wire/format.h"

namespace fwdelta {

namespace {

template <typename Value>
CLI::Option* AddSize(CLI::App* command, const std::string& name, Value* value,
                     const std::string& description) {
  auto parse = [name, value](const std::string& text) {
    const std::optional<uint64_t> size = ParseSize(text);
    if (!size)
      throw CLI::ValidationError(name, fmt::format("\"{}\" is not a size (bytes, or 64K, 1M)", text));
    *value = *size;
  };
  return command->add_option_function<std::string>(name, parse, description)->type_name("SIZE");
}

}  // namespace

CLI::Option* AddSizeOption(CLI::App* command, const std::string& name, uint64_t* value,
                           const std::string& description) {
  return AddSize(command, name, value, description);
}

CLI::Option* AddSizeOption(CLI::App* command, const std::string& name, std::optional<uint64_t>* value,
                           const std::string& description) {
  return AddSize(command, name, value, description);
}

void AddPolicyOptions(CLI::App* command, PolicyOptions* options) {
  command
      ->add_option("--trust", options->trust,
                   "Trusted public keys (.pub or PEM). Takes all names up to the next option, so put the "
                   "other files before it")
      ->type_name("PUB");
  command
      ->add_option("--threshold", options->threshold,
                   "Valid signatures by distinct trusted keys needed; required with several --trust")
      ->type_name("K");
  command->add_option("--hardware", options->hardware, "Refuse patches for other hardware")->type_name("ID");
  command->add_option("--component", options->component, "Refuse patches for another component")
      ->type_name("ID");
  command->add_option("--min-counter", options->min_counter, "Refuse patches with a smaller security counter")
      ->type_name("N");
  AddSizeOption(command, "--ram", &options->wanted_ram,
                "Refuse patches that need more RAM (default: what the patch needs)");
}

void CheckRam(uint64_t ram) {
  if (ram >= libdelta::kMinRam && ram <= libdelta::kMaxRam) return;
  Fail(ExitCode::kUsage, "--ram {}: must be 2K .. 1M", FormatSize(ram));
}

Policy::Policy(const PolicyOptions& options) : options_(options) {
  if (!options_.trust.empty() && options_.allow_unsigned) {
    Fail(ExitCode::kUsage, "--trust and --allow-unsigned exclude each other");
  }
  CheckRam(options_.ram());
  LoadKeys();
  ChooseThreshold();
}

void Policy::LoadKeys() {
  constexpr size_t kMostKeys = 255;
  for (const std::string& path : options_.trust) {
    libdelta::PublicKey key = ReadPublicKey(path);
    libdelta::Bytes id = KeyIdOf(key);
    const bool known =
        std::any_of(keys_.begin(), keys_.end(), [&](const TrustedKey& k) { return k.id == id; });
    if (!known) keys_.push_back({path, std::move(id), std::move(key)});
  }
  if (keys_.size() > kMostKeys) Fail(ExitCode::kUsage, "--trust: at most {} keys", kMostKeys);
  for (const TrustedKey& trusted : keys_) {
    device_keys_.push_back({trusted.key.algorithm, trusted.key.bytes.data()});
  }
}

void Policy::ChooseThreshold() {
  const std::optional<uint64_t>& wanted = options_.threshold;
  if (options_.allow_unsigned) {
    if (wanted) Fail(ExitCode::kUsage, "--threshold and --allow-unsigned exclude each other");
    return;
  }
  if (options_.trust.size() > 1 && !wanted) {
    Fail(ExitCode::kUsage, "several --trust keys need --threshold: how many of the {} must have signed",
         keys_.size());
  }
  const uint64_t threshold = wanted.value_or(1);
  if (threshold == 0) Fail(ExitCode::kUsage, "--threshold 0: at least one signature is needed");
  if (threshold > keys_.size()) {
    Fail(ExitCode::kUsage, "--threshold {}: only {} given by --trust", threshold,
         Count(keys_.size(), "distinct key"));
  }
  threshold_ = static_cast<uint8_t>(threshold);
}

libdelta_policy Policy::device_policy() const {
  libdelta_policy policy = {};
  policy.keys = device_keys_.data();
  policy.key_count = static_cast<uint8_t>(device_keys_.size());
  policy.threshold = threshold_;
  policy.hardware = options_.hardware ? options_.hardware->c_str() : nullptr;
  policy.component = options_.component ? options_.component->c_str() : nullptr;
  policy.min_counter = options_.min_counter;
  return policy;
}

}  // namespace fwdelta
