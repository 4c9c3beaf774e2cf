#include "fwdelta/simulation.h"

#include "fwdelta/device_run.h"
#include "fwdelta/failure.h"
#include "fwdelta/policy_options.h"
#include "libdelta/adapters/host_crypto.h"
#include "libdelta/sim/flash_device.h"
#include "libdelta/sim/flash_model.h"

namespace fwdelta {

libdelta::Bytes UpdateOnce(const libdelta::DeviceProfile& profile, const InputFile& old_image,
                           libdelta::ByteView patch, const std::string& patch_name) {
  PolicyOptions policy_options;
  policy_options.allow_unsigned = true;
  policy_options.default_ram = profile.ram;
  const Policy policy(policy_options);
  libdelta::FlashModel flash(profile);
  flash.Load(profile.slot.start, old_image.bytes());
  uint32_t counter = 0;
  const libdelta::FlashPort port(profile, &flash, &counter);
  DeviceRun run(policy, patch_name, &old_image);
  run.UseFlash(port.callbacks(), old_image.name());
  const libdelta_status status = run.UpdateStored(patch, [](libdelta::ByteView) { return false; });
  if (status == LIBDELTA_E_ALREADY_DONE) {
    Fail(ExitCode::kBase, "{}: holds the new image of {} already", old_image.name(), patch_name);
  }
  run.Conclude(status);
  const libdelta::ByteView image = flash.contents({profile.slot.start, run.summary().new_length});
  return {image.begin(), image.end()};
}

libdelta::CampaignResult Simulate(const libdelta::DeviceProfile& profile, libdelta::PatchSourceKind source,
                                  libdelta::ByteView old_image, libdelta::ByteView new_image,
                                  libdelta::ByteView patch, const std::string& patch_name,
                                  const libdelta::CampaignOptions& options) {
  libdelta_host_crypto_state crypto;
  libdelta::DeviceSetup setup;
  setup.crypto = libdelta_host_crypto(&crypto);
  setup.source = source;
  setup.push_size = 16;  // As little as a radio's packet has: what is sent again is counted in these.
  libdelta::CampaignResult result =
      libdelta::RunCampaign(profile, setup, old_image, new_image, patch, options);
  if (result.status != LIBDELTA_OK) {
    Fail(ExitCode::kInternal, "{}: {}", patch_name, libdelta_status_text(result.status));
  }
  return result;
}

}  // namespace fwdelta
