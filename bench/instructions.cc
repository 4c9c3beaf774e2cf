// How many instructions the device library takes: bench/instructions/firmware.c applies patches in QEMU and
// counts them. bench/instructions.sh compiles that and runs this.
//
//   bench_instructions --folder DIR --gcc VERSION [--short] [--out CSV | --check CSV]
//
// DIR has cortex-m0plus.elf, cortex-m4.elf and cortex-m4-O2.elf. Prints the bars of unchanged and changed
// regions. --short, for the tests: all of the first kind of rows, and of the boards one.
// --check fails if a row differs from that of the CSV by more than kTolerance.
//
// Images are generated (bench/support/thumb_images.h), patches unsigned and made for 8K, code compiled with
// -Os. Rows of two slots: `unchanged` is an image against itself; `moved` has few new functions, and what was
// there refers to places that moved; `changed` has a byte of its own in every 64 of what was there; `new` has
// nothing that was there before. Rows of boards: an update
// in place from one release to the next, a point release of 128 KiB, or half the slot if that is less, on
// that profile's pages.
//
// Columns:
//   what          the row
//   core          what the library was compiled for
//   image         bytes of the new image
//   instructions  of the library, without hashing, with the copying of flash that is RAM here
//   per_byte      of the new image
//   hashing       instructions of SHA-256 (BearSSL, -Os)
//   per_hashed    per byte that is hashed: images, patch and header
//   cpu_ms        for `instructions`, with kCyclesPerInstruction at the profile's clock
//   hash_ms       for `hashing`, likewise
//   flash_ms      what the flash takes by itself, by the profile
//   share         cpu_ms of all three, in percent
//   gcc           version of the compiler
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bench/instructions/job.h"
#include "bench/support/program.h"
#include "bench/support/thumb_images.h"
#include "libdelta/adapters/sodium.h"
#include "libdelta/host.h"
#include "libdelta/sim/campaign.h"
#include "libdelta/sim/device_profile.h"
#include "libdelta/sim/flash_device.h"

namespace bench {
namespace {

constexpr uint32_t kKiB = 1024;
constexpr uint64_t kRam = 8192;
// Instructions per byte.
constexpr double kUnchangedBar = 8;
constexpr double kChangedBar = 1500;
constexpr double kTolerance = 0.05;
// Loads and branches take more than one, and so does code in flash that waits. An estimate: Cortex-M are
// between 1.2 and 1.8.
constexpr double kCyclesPerInstruction = 1.5;

struct Counts {
  uint64_t instructions = 0;
  uint64_t hashing = 0;
  uint64_t hashed = 0;  // Bytes.
};

struct Row {
  std::string what;
  std::string core;
  uint64_t image = 0;
  Counts counts;
  double flash_ms = -1;  // Negative: two slots.
  double cpu_mhz = 0;

  double per_byte() const { return static_cast<double>(counts.instructions) / static_cast<double>(image); }
  double Milliseconds(uint64_t instructions) const {
    return static_cast<double>(instructions) * kCyclesPerInstruction / (cpu_mhz * 1000);
  }
  double share() const {
    const double cpu = Milliseconds(counts.instructions);
    return 100 * cpu / (cpu + Milliseconds(counts.hashing) + flash_ms);
  }
};

void Append(const libdelta::Bytes& bytes, uint32_t* offset, uint32_t* length, libdelta::Bytes* blob) {
  blob->resize((blob->size() + 7) / 8 * 8);
  *offset = static_cast<uint32_t>(blob->size());
  *length = static_cast<uint32_t>(bytes.size());
  blob->insert(blob->end(), bytes.begin(), bytes.end());
}

// Runs the job and reads what the firmware printed.
Counts Run(const std::string& folder, const std::string& core, job task, const ImagePair& images,
           const libdelta::Bytes& patch) {
  libdelta::Bytes blob(sizeof(task));
  Append(images.old_image, &task.old_offset, &task.old_length, &blob);
  Append(images.new_image, &task.new_offset, &task.new_length, &blob);
  Append(patch, &task.patch_offset, &task.patch_length, &blob);
  if (blob.size() > FLASH_ADDRESS - JOB_ADDRESS) Die("the job is too large");
  std::memcpy(blob.data(), &task, sizeof(task));
  const std::string file = folder + "/job";
  WriteText(file, std::string(blob.begin(), blob.end()));
  const std::string command = fmt::format(
      "qemu-system-arm -M mps2-an386 -icount shift=0,sleep=off -display none -nodefaults -nic user "
      "-semihosting-config enable=on,target=native -kernel {}/{}.elf "
      "-device loader,file={},addr=0x{:x},force-raw=on 2>&1 </dev/null",
      folder, core, file, static_cast<uint32_t>(JOB_ADDRESS));
  FILE* pipe = popen(command.c_str(), "r");
  char line[256] = "";
  const bool has_line = pipe != nullptr && fgets(line, sizeof(line), pipe) != nullptr;
  if (pipe == nullptr || pclose(pipe) != 0 || !has_line) Die("QEMU failed: " + std::string(line));
  unsigned status = 1;
  unsigned is_right = 0;
  unsigned ticks = 0;
  unsigned hash_ticks = 0;
  unsigned hashed = 0;
  if (sscanf(line, "%u %u %u %u %u", &status, &is_right, &ticks, &hash_ticks, &hashed) != 5 || status != 0 ||
      is_right != 1) {
    Die("the firmware failed: " + std::string(line));
  }
  constexpr uint64_t kInstructionsPerTick = 40;
  return {ticks * kInstructionsPerTick, hash_ticks * kInstructionsPerTick, hashed};
}

libdelta::Bytes CreatePatch(const ImagePair& images, const libdelta::EncodeOptions& options) {
  libdelta::Result<libdelta::Patch> patch = libdelta::Encode(images.old_image, images.new_image, options);
  if (!patch.ok()) Die(patch.error());
  return patch.value().bytes;
}

// One byte in each block of the codec is another one.
ImagePair Edited(const libdelta::Bytes& image) {
  constexpr size_t kBlock = 64;
  ImagePair pair{image, image};
  const libdelta::Bytes noise = MakeNoise(1, static_cast<uint32_t>(2 * image.size() / kBlock));
  for (size_t block = 0; block < image.size() / kBlock; ++block) {
    uint8_t& byte = pair.new_image[block * kBlock + noise[2 * block] % kBlock];
    byte = static_cast<uint8_t>(byte + 1 + noise[2 * block + 1] % 255);
  }
  return pair;
}

Row MeasureTwoSlots(const std::string& folder, const std::string& what, const std::string& core,
                    const ImagePair& images) {
  libdelta::EncodeOptions options;
  options.ram = kRam;
  Row row;
  row.what = what;
  row.core = core;
  row.image = images.new_image.size();
  row.counts = Run(folder, core, job{}, images, CreatePatch(images, options));
  return row;
}

// What is in the profile, less the address of the flash.
job JobOf(const libdelta::DeviceProfile& profile) {
  const libdelta::InPlaceLayout layout = libdelta::LayoutOf(profile);
  job task{};
  if (layout.pages.size() > std::size(task.runs) ||
      layout.protected_ranges.size() > std::size(task.protected_ranges) ||
      profile.FlashSize() > JOB_FLASH_SIZE) {
    Die(profile.name + ": too large for the firmware");
  }
  task.run_count = static_cast<uint32_t>(layout.pages.size());
  for (size_t i = 0; i < layout.pages.size(); ++i)
    task.runs[i] = {layout.pages[i].count, layout.pages[i].size};
  task.spare_count = layout.spare_count;
  task.spare_page_size = layout.spare_page_size;
  task.write_unit = layout.write_unit;
  task.erase_value = layout.erase_value;
  task.slot = static_cast<uint32_t>(profile.slot.start);
  task.spare = static_cast<uint32_t>(profile.spare.start);
  task.protected_count = static_cast<uint32_t>(layout.protected_ranges.size());
  for (size_t i = 0; i < layout.protected_ranges.size(); ++i) {
    task.protected_ranges[i] = {static_cast<uint32_t>(layout.protected_ranges[i].start),
                                static_cast<uint32_t>(layout.protected_ranges[i].length)};
  }
  return task;
}

Row MeasureBoard(const std::string& folder, const libdelta::DeviceProfile& profile) {
  const uint64_t size = std::min<uint64_t>(128 * kKiB, profile.slot.length / 2);
  const ImagePair images = MakeThumbImages({1, static_cast<uint32_t>(size), 20, 0, 5, 1});
  libdelta::EncodeOptions options;
  options.ram = kRam;
  options.in_place = libdelta::LayoutOf(profile);
  const libdelta::Bytes patch = CreatePatch(images, options);

  libdelta_sodium_state state;
  libdelta::DeviceSetup setup;
  setup.crypto = libdelta_sodium_crypto(&state);
  libdelta::DeviceProfile with_ram = profile;
  with_ram.ram = kRam;
  libdelta::CampaignOptions campaign;
  campaign.mode = libdelta::CutMode::kNone;
  const libdelta::CampaignResult result =
      libdelta::RunCampaign(with_ram, setup, images.old_image, images.new_image, patch, campaign);
  if (result.status != LIBDELTA_OK) Die(profile.name + ": " + libdelta_status_text(result.status));

  Row row;
  row.what = profile.name;
  // Cores without the larger instruction set. That of the ESP32-C3 has yet another.
  const bool is_small = profile.name == "nrf51822" || profile.name == "rp2040";
  row.core = is_small ? "cortex-m0plus" : "cortex-m4";
  row.image = images.new_image.size();
  row.counts = Run(folder, row.core, JobOf(profile), images, patch);
  row.flash_ms = result.flash_ms;
  row.cpu_mhz = profile.cpu_mhz;
  return row;
}

std::vector<Row> MeasureAll(const std::string& folder, bool is_short) {
  const ImagePair same = MakeThumbImages({1, 256 * kKiB, 0, 0, 0, 0});
  const ImagePair other = MakeThumbImages({2, 32 * kKiB, 0, 0, 0, 0});
  const ImagePair one = MakeThumbImages({1, 32 * kKiB, 0, 0, 0, 0});
  std::vector<Row> rows;
  for (const char* core : {"cortex-m0plus", "cortex-m4", "cortex-m4-O2"}) {
    rows.push_back(MeasureTwoSlots(folder, "unchanged", core, {same.old_image, same.old_image}));
    rows.push_back(MeasureTwoSlots(folder, "moved", core, MakeThumbImages({1, 128 * kKiB, 0, 0, 1, 1})));
    rows.push_back(MeasureTwoSlots(folder, "changed", core, Edited(one.old_image)));
    rows.push_back(MeasureTwoSlots(folder, "new", core, {one.old_image, other.old_image}));
  }
  for (const std::string& name : libdelta::ProfileNames()) {
    if (is_short && name != "nrf52840") continue;
    rows.push_back(MeasureBoard(folder, libdelta::FindProfile(name).value()));
  }
  return rows;
}

std::string FormatRows(const std::vector<Row>& rows, const std::string& gcc) {
  std::string text =
      "what,core,image,instructions,per_byte,hashing,per_hashed,cpu_ms,hash_ms,flash_ms,share,gcc\n";
  for (const Row& row : rows) {
    text += fmt::format("{},{},{},{},{:.2f},{},{:.1f},", row.what, row.core, row.image,
                        row.counts.instructions, row.per_byte(), row.counts.hashing,
                        static_cast<double>(row.counts.hashing) / static_cast<double>(row.counts.hashed));
    if (row.flash_ms >= 0) {
      text += fmt::format("{:.0f},{:.0f},{:.0f},{:.1f}", row.Milliseconds(row.counts.instructions),
                          row.Milliseconds(row.counts.hashing), row.flash_ms, row.share());
    } else {
      text += ",,,";
    }
    text += fmt::format(",{}\n", gcc);
  }
  return text;
}

void PrintSummary(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    if (row.flash_ms >= 0) {
      fmt::print("{:<10} {:<13} {:>7.2f} instructions/byte, {:>4.1f} % of an update's time\n", row.what,
                 row.core, row.per_byte(), row.share());
      continue;
    }
    const std::map<std::string, double> bars = {{"unchanged", kUnchangedBar}, {"changed", kChangedBar}};
    const auto bar = bars.find(row.what);
    std::string verdict;
    if (bar != bars.end()) {
      verdict = fmt::format(" (bar {} {})", bar->second, row.per_byte() <= bar->second ? "met" : "MISSED");
    }
    fmt::print("{:<10} {:<13} {:>7.2f} instructions/byte{}\n", row.what, row.core, row.per_byte(), verdict);
  }
}

// Whether each row is about that of the committed file.
bool IsAsCommitted(const std::vector<Row>& rows, const std::string& path) {
  std::map<std::string, double> committed;
  for (const std::string& line : Split(ReadText(path), '\n')) {
    const std::vector<std::string> fields = Split(line, ',');
    if (fields.size() > 3) committed[fields[0] + "," + fields[1]] = std::atof(fields[3].c_str());
  }
  bool is_same = true;
  for (const Row& row : rows) {
    const double was = committed[row.what + "," + row.core];
    const double is = static_cast<double>(row.counts.instructions);
    if (std::fabs(is - was) <= kTolerance * was) continue;
    fmt::print("{} on {}: {} instructions, committed {}\n", row.what, row.core, is, was);
    is_same = false;
  }
  if (!is_same) fmt::print("if that is meant, run 'sh bench/instructions.sh' and commit {}\n", path);
  return is_same;
}

int Main(int argc, char** argv) {
  const Options options = ParseOptions(argc, argv, {"short"}, {"folder", "gcc", "out", "check"});
  const std::vector<Row> rows = MeasureAll(Get(options, "folder", "."), options.contains("short"));
  PrintSummary(rows);
  if (options.contains("out")) WriteText(options.at("out"), FormatRows(rows, Get(options, "gcc", "")));
  return !options.contains("check") || IsAsCommitted(rows, options.at("check")) ? 0 : 1;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::Main(argc, argv); }
