#include "fwdelta/policy_options.h"

#include <algorithm>
#include <utility>

#include "fwdelta/failure.h"
#include "fwdelta/key_files.h"
#include "fwdelta/text.h"
#include "libdelta/wire/format.h"

namespace fwdelta {

void AddPolicyOptions(const Command& command, PolicyOptions* options) {
  command.AddOption("--trust", "PUB", &options->trust,
                    "Trusted public keys (.pub or PEM). Takes all names up to the next option, so put the "
                    "other files before it");
  command.AddOption("--threshold", "K", &options->threshold,
                    "Valid signatures by distinct trusted keys needed; required with several --trust");
  command.AddOption("--hardware", "ID", &options->hardware, "Refuse patches for other hardware");
  command.AddOption("--component", "ID", &options->component, "Refuse patches for another component");
  command.AddOption("--min-counter", "N", &options->min_counter,
                    "Refuse patches with a smaller security counter");
  command.AddSize("--ram", &options->wanted_ram,
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
