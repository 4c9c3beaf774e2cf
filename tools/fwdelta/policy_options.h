// The options by which `verify` and `apply` say what to accept, as a device would.
#ifndef TOOLS_FWDELTA_POLICY_OPTIONS_H_
#define TOOLS_FWDELTA_POLICY_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fwdelta/command_line.h"
#include "libdelta/adapters/keys.h"
#include "libdelta/device.h"

namespace fwdelta {

struct PolicyOptions {
  std::vector<std::string> trust;  // Public key files.
  std::optional<uint64_t> threshold;
  bool allow_unsigned = false;
  std::optional<std::string> hardware;
  std::optional<std::string> component;
  uint32_t min_counter = 0;
  std::optional<uint64_t> wanted_ram;
  uint64_t default_ram = uint64_t{1} << 20;  // Every patch fits in that.

  uint64_t ram() const { return wanted_ram.value_or(default_ram); }
};

void AddPolicyOptions(const Command& command, PolicyOptions* options);

// Throws a Failure (kUsage) when no patch can have this RAM dial.
void CheckRam(uint64_t ram);

// The trusted keys, loaded, and the rest in the device library's form.
class Policy {
 public:
  struct TrustedKey {
    std::string path;
    libdelta::Bytes id;
    libdelta::PublicKey key;
  };

  // Throws a Failure: contradictory options, bad key files. `options` must outlive the object.
  explicit Policy(const PolicyOptions& options);

  const PolicyOptions& options() const { return options_; }
  const std::vector<TrustedKey>& keys() const { return keys_; }
  uint8_t threshold() const { return threshold_; }

  // Points into this object.
  libdelta_policy device_policy() const;

 private:
  void LoadKeys();
  void ChooseThreshold();

  const PolicyOptions& options_;
  std::vector<TrustedKey> keys_;  // Without repetitions.
  std::vector<libdelta_key> device_keys_;
  uint8_t threshold_ = 0;
};

}  // namespace fwdelta

#endif  // TOOLS_FWDELTA_POLICY_OPTIONS_H_
