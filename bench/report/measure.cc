#include "bench/report/measure.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <mutex>
#include <sstream>
#include <utility>

#include "bench/support/apply.h"
#include "libdelta/adapters/sodium.h"
#include "libdelta/sim/campaign.h"

namespace bench {
namespace {

constexpr uint64_t kCurveRams[] = {2 << 10,  4 << 10,   8 << 10,   16 << 10,  32 << 10,
                                   64 << 10, 128 << 10, 256 << 10, 512 << 10, 1024 << 10};

libdelta::Patch Create(const Pair& pair, const ImagePair& images, const libdelta::EncodeOptions& options) {
  libdelta::Result<libdelta::Patch> patch = libdelta::Encode(images.old_image, images.new_image, options);
  if (!patch.ok()) Die(fmt::format("{}: {}", pair.id, patch.error()));
  return std::move(patch.value());
}

uint64_t TwoSlotSize(const Pair& pair, const ImagePair& images, uint64_t ram) {
  libdelta::EncodeOptions options;
  options.ram = ram;
  options.threads = 1;
  const libdelta::Bytes patch = Create(pair, images, options).bytes;
  const std::string wrong = CheckPatch(images.old_image, images.new_image, patch);
  if (!wrong.empty()) Die(fmt::format("{}: {}", pair.id, wrong));
  return patch.size() + kSignatureEntry;
}

// Its size, and what it does to the flash.
std::pair<uint64_t, libdelta::FlashWork> InPlace(const Pair& pair, const ImagePair& images,
                                                 const Board& board) {
  libdelta::EncodeOptions options;
  options.ram = board.profile.ram;
  options.threads = 1;
  options.in_place = libdelta::LayoutOf(board.profile);
  const libdelta::Bytes patch = Create(pair, images, options).bytes;
  libdelta_sodium_state state;
  libdelta::DeviceSetup setup;
  setup.crypto = libdelta_sodium_crypto(&state);
  libdelta::CampaignOptions campaign;
  campaign.mode = libdelta::CutMode::kNone;
  const libdelta::CampaignResult result =
      libdelta::RunCampaign(board.profile, setup, images.old_image, images.new_image, patch, campaign);
  if (result.status != LIBDELTA_OK) Die(fmt::format("{}: {}", pair.id, libdelta_status_text(result.status)));
  if (!result.failures.empty()) Die(fmt::format("{}: {}", pair.id, result.failures.front()));
  return {patch.size() + kSignatureEntry, libdelta::InPlaceWork(board.profile, board.spread, result)};
}

struct PeerOutput {
  State state = State::kMissing;
  uint64_t bytes = 0;
  std::string version;
};

// By peer. The columns are those of bench/peers.sh.
std::map<std::string, PeerOutput> ReadPeers(const std::filesystem::path& file) {
  std::map<std::string, PeerOutput> outputs;
  std::istringstream lines(ReadText(file));
  for (std::string line; std::getline(lines, line);) {
    const std::vector<std::string> fields = Split(line, '\t');
    if (fields.size() != 5) Die(fmt::format("{}: not from bench/peers.sh: {}", file.string(), line));
    PeerOutput& output = outputs[fields[0]];
    if (fields[2] == "measured") {
      output = {State::kMeasured, ParseNumber(fields[3]), fields[4]};
    } else {
      output.state = fields[2] == "failed" ? State::kFailed : State::kMissing;
    }
  }
  return outputs;
}

Size PeerSize(const Strategy& strategy, const std::map<std::string, PeerOutput>& outputs, const Pair& pair) {
  Size size;
  const auto output = outputs.find(strategy.id);
  if (output != outputs.end()) {
    size.state = output->second.state;
    size.bytes = output->second.bytes;
    size.version = output->second.version;
  }
  const auto before = pair.peers.find(strategy.id);
  if (size.state == State::kMissing && before != pair.peers.end()) {
    size.state = State::kTable;
    size.bytes = before->second;
  }
  return size;
}

PairResult MeasurePair(const Pair& pair, const std::filesystem::path& peers, const Board& board) {
  const ImagePair images = Load(pair);
  PairResult result;
  result.pair = pair;
  result.old_size = images.old_image.size();
  result.new_size = images.new_image.size();
  for (const uint64_t size : {result.old_size, result.new_size}) {
    const std::optional<libdelta::Error> error = libdelta::CheckImageSize(board.profile, pair.id, size);
    if (error) Die(error->message);
  }
  libdelta::Result<libdelta::FlashWork> whole =
      libdelta::WholeSlotWork(board.profile, board.spread, result.new_size);
  if (!whole.ok()) Die(whole.error());
  result.whole_slot = whole.value();
  const auto [in_place_bytes, in_place_work] = InPlace(pair, images, board);
  result.in_place = in_place_work;
  std::map<uint64_t, uint64_t> ours;
  for (const uint64_t ram : kCurveRams) {
    ours[ram] = TwoSlotSize(pair, images, ram);
    result.ram_curve.push_back({ram, ours[ram]});
  }

  const std::map<std::string, PeerOutput> outputs = ReadPeers(peers / (pair.id + ".tsv"));
  for (const Strategy& strategy : Strategies()) {
    Size size;
    switch (strategy.family) {
      case Family::kFull:
        size.state = State::kMeasured, size.bytes = result.new_size;
        break;
      case Family::kOurs:
        size.state = State::kMeasured, size.bytes = ours.at(strategy.patch_ram);
        break;
      case Family::kOursInPlace:
        size.state = State::kMeasured, size.bytes = in_place_bytes;
        break;
      default:
        size = PeerSize(strategy, outputs, pair);
    }
    size.strategy = &strategy;
    size.ram = strategy.Ram(result.old_size, result.new_size);
    if (strategy.family == Family::kOurs) size.ram = strategy.patch_ram;
    if (strategy.family == Family::kOursInPlace) size.ram = board.profile.ram;
    result.sizes.push_back(size);
  }
  return result;
}

}  // namespace

std::string NameOf(State state) {
  switch (state) {
    case State::kMeasured:
      return "measured";
    case State::kTable:
      return "table";
    case State::kMissing:
      return "missing";
    case State::kFailed:
      return "failed";
  }
  return "";
}

const libdelta::FlashWork* FlashOf(const PairResult& pair, const Strategy& strategy) {
  if (strategy.family == Family::kInPlacePeer) return nullptr;
  return strategy.family == Family::kOursInPlace ? &pair.in_place : &pair.whole_slot;
}

std::vector<PairResult> MeasurePairs(const std::vector<Pair>& pairs, const std::filesystem::path& peers,
                                     const Board& board, unsigned threads) {
  std::vector<PairResult> results(pairs.size());
  std::mutex print_mutex;
  size_t done = 0;
  ForEach(pairs.size(), threads, [&](size_t i) {
    results[i] = MeasurePair(pairs[i], peers, board);
    const std::lock_guard lock(print_mutex);
    fmt::print(stderr, "  {:>3} of {}  {}\n", ++done, pairs.size(), pairs[i].id);
  });
  return results;
}

}  // namespace bench
