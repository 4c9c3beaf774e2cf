#include "fwdelta/cost_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "fwdelta/device_options.h"
#include "fwdelta/failure.h"
#include "fwdelta/files.h"
#include "fwdelta/simulation.h"
#include "fwdelta/text.h"
#include "libdelta/cost/plan_file.h"

namespace fwdelta {
namespace {

constexpr std::string_view kAll = "all";

libdelta::CostProfile FindProfile(const libdelta::Catalog& catalog, const std::string& id) {
  libdelta::Result<libdelta::CostProfile> profile = catalog.FindProfile(id);
  if (!profile.ok()) Fail(ExitCode::kUsage, "--profile {}: {}", id, profile.error());
  return std::move(profile.value());
}

// Of the catalog, in its order for "all", else in the order in which they were asked for.
std::vector<libdelta::CostProfile> ChooseProfiles(const libdelta::Catalog& catalog,
                                                  const std::vector<std::string>& ids) {
  std::vector<libdelta::CostProfile> chosen;
  const auto add = [&chosen](const libdelta::CostProfile& profile) {
    const bool is_there = std::any_of(chosen.begin(), chosen.end(), [&](const libdelta::CostProfile& other) {
      return other.id == profile.id;
    });
    if (!is_there) chosen.push_back(profile);
  };
  for (const std::string& id : ids) {
    if (id != kAll) {
      add(FindProfile(catalog, id));
      continue;
    }
    for (const libdelta::CostProfile& profile : catalog.profiles) add(profile);
  }
  if (!ids.empty()) return chosen;
  for (const libdelta::CostProfile& profile : catalog.profiles) {
    if (profile.headline) add(profile);
  }
  return chosen;
}

libdelta::OwnPlan LoadPlan(const ProfileOptions& options) {
  const InputFile file(options.plan_file);
  const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  libdelta::Result<libdelta::OwnPlan> plan = libdelta::ParsePlanFile(text, file.name(), options.plan_id);
  if (!plan.ok()) Fail(ExitCode::kUsage, "{}", plan.error());
  return std::move(plan.value());
}

libdelta::Link FindLink(const libdelta::Catalog& catalog, const std::string& id) {
  if (const libdelta::Link* link = catalog.FindLink(id)) return *link;
  std::string names;
  for (const libdelta::Link& link : catalog.links) names += " " + link.id;
  Fail(ExitCode::kUsage, "--link {}: no such link; there are{}", id, names);
}

// The user's plan on --link, on the links of the profiles, or on the one that its label describes.
std::vector<PricedLink> WithOwnPlan(const libdelta::Catalog& catalog, const ProfileOptions& options) {
  const libdelta::OwnPlan own = LoadPlan(options);
  std::vector<libdelta::Link> links;
  const auto add = [&links](const libdelta::Link& link) {
    const bool is_there = std::any_of(links.begin(), links.end(),
                                      [&](const libdelta::Link& other) { return other.id == link.id; });
    if (!is_there) links.push_back(link);
  };
  if (!options.link.empty()) add(FindLink(catalog, options.link));
  if (!options.profiles.empty()) {
    for (const libdelta::CostProfile& profile : ChooseProfiles(catalog, options.profiles)) {
      add(*catalog.FindLink(profile.link));
    }
  }
  if (links.empty() && own.link) add(*own.link);
  if (links.empty()) {
    Fail(ExitCode::kUsage, "--plan {}: on which link? Add --link lte, or --profile", options.plan_file);
  }
  std::vector<PricedLink> priced;
  for (const libdelta::Link& link : links) {
    const std::string id = own.plan.id + "+" + link.id;
    priced.push_back({{id, own.plan.name + " on " + link.name, own.plan.id, link.id, false}, own.plan, link});
  }
  return priced;
}

}  // namespace

libdelta::Catalog LoadCatalog() {
  libdelta::Result<libdelta::Catalog> catalog = libdelta::BuiltInCatalog();
  if (!catalog.ok()) Fail(ExitCode::kInternal, "{}", catalog.error());
  return std::move(catalog.value());
}

libdelta::Battery FindBattery(const libdelta::Catalog& catalog, const std::string& id) {
  if (const libdelta::Battery* battery = catalog.FindBattery(id)) return *battery;
  std::string names;
  for (const libdelta::Battery& battery : catalog.batteries) names += " " + battery.id;
  Fail(ExitCode::kUsage, "--battery {}: no such battery; there are{}", id, names);
}

UpdateSize LoadUpdate(const std::string& update, std::optional<uint64_t> full) {
  UpdateSize size;
  size.full_bytes = full;
  if (update != kStream && !IsFile(update)) {
    if (const std::optional<uint64_t> bytes = ParseSize(update)) {
      size.bytes = *bytes;
      return size;
    }
  }
  const InputFile file(update);
  size.summary = Summarize(file.bytes(), file.name());
  CheckLength(*size.summary, file.bytes().size(), file.name());
  size.name = file.name();
  size.bytes = file.bytes().size();
  size.chunk_bytes = size.summary->chunk_size;
  size.patch.assign(file.bytes().begin(), file.bytes().end());
  if (!size.full_bytes) size.full_bytes = size.summary->new_length;
  return size;
}

void AddProfileOptions(const Command& command, ProfileOptions* options) {
  command
      .AddOption("--profile", "ID", &options->profiles,
                 "Plan and link: ids such as P13, \"all\", or PLAN+LINK (default: a dozen of them)")
      .SeparatedBy(',');
  command.AddOption(
      "--plan", "FILE", &options->plan_file,
      "Your own price plan in place of the profiles': JSON, or a broadband label's CSV or JSON");
  command.AddOption("--plan-id", "ID", &options->plan_id, "Which of the broadband labels in that file");
  command.AddOption("--link", "ID", &options->link, "The link that --plan is for");
}

std::vector<PricedLink> LoadProfiles(const libdelta::Catalog& catalog, const ProfileOptions& options) {
  if (!options.plan_file.empty()) return WithOwnPlan(catalog, options);
  if (!options.link.empty()) Fail(ExitCode::kUsage, "--link goes with --plan");
  if (!options.plan_id.empty()) Fail(ExitCode::kUsage, "--plan-id goes with --plan");
  std::vector<PricedLink> priced;
  for (const libdelta::CostProfile& profile : ChooseProfiles(catalog, options.profiles)) {
    priced.push_back({profile, *catalog.FindPlan(profile.plan), *catalog.FindLink(profile.link)});
  }
  return priced;
}

void AddFlashOptions(const Command& command, FlashOptions* options) {
  AddDeviceOption(command, &options->device);
  command.AddOption(
      "--old", "FILE", &options->old_image,
      "The image that an update in place is for: what it does to the flash of --device is simulated");
}

UpdateFlash EstimateFlash(const libdelta::Catalog& catalog, const FlashOptions& options,
                          const UpdateSize& size) {
  UpdateFlash flash;
  if (options.device.empty()) {
    if (!options.old_image.empty()) Fail(ExitCode::kUsage, "--old goes with --device");
    return flash;
  }
  libdelta::DeviceProfile device = LoadDevice(options.device);
  const libdelta::FlashSpread* known_spread = catalog.FindFlashSpread(device.name);
  const libdelta::FlashSpread spread = known_spread != nullptr ? *known_spread : libdelta::FlashSpread{};
  flash.device = device.name;
  if (!size.full_bytes) {
    flash.note = "not known without the size of the image: add --full";
    return flash;
  }
  libdelta::Result<libdelta::FlashWork> whole = libdelta::WholeSlotWork(device, spread, *size.full_bytes);
  if (!whole.ok()) Fail(ExitCode::kUsage, "{}", whole.error());
  flash.full = whole.value();
  if (!size.summary || !size.summary->in_place) {
    if (!options.old_image.empty()) Fail(ExitCode::kUsage, "--old: this is no update in place");
    flash.update = flash.full;
    flash.note =
        fmt::format("{}, a second slot: update and full image erase and program the same pages", device.name);
    return flash;
  }
  if (options.old_image.empty()) {
    flash.note = "of an update in place depends on the old image: add --old";
    return flash;
  }
  const InputFile old_image(options.old_image);
  CheckImageFits(device, old_image.name(), old_image.bytes().size());
  device.ram = std::max(device.ram, size.summary->ram);
  const libdelta::Bytes new_image = UpdateOnce(device, old_image, size.patch, size.name);
  libdelta::CampaignOptions campaign;
  campaign.mode = libdelta::CutMode::kNone;
  flash.update = libdelta::InPlaceWork(device, spread,
                                       Simulate(device, libdelta::PatchSourceKind::kStream, old_image.bytes(),
                                                new_image, size.patch, size.name, campaign));
  flash.note = fmt::format("{}, in place, simulated; the full image goes to a second slot", device.name);
  return flash;
}

}  // namespace fwdelta
