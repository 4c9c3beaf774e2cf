#include "bench/report/strategies.h"

namespace bench {
namespace {

constexpr double kKiB = 1024;
constexpr double kMiB = 1024 * 1024;

Strategy Peer(const std::string& id, const std::string& title, Family family) {
  Strategy strategy;
  strategy.id = id;
  strategy.title = title;
  strategy.family = family;
  return strategy;
}

Strategy PeerInRam(const std::string& id, const std::string& title, Family family, double fixed,
                   double of_old, double of_new, const std::string& basis) {
  Strategy strategy = Peer(id, title, family);
  strategy.ram_fixed = fixed;
  strategy.ram_old = of_old;
  strategy.ram_new = of_new;
  strategy.ram_basis = basis;
  return strategy;
}

Strategy Ours(const std::string& id, const std::string& title, uint64_t ram) {
  Strategy strategy = Peer(id, title, Family::kOurs);
  strategy.patch_ram = ram;
  return strategy;
}

std::vector<Strategy> MakeStrategies() {
  return {
      PeerInRam("full", "full image", Family::kFull, 0, 0, 0, "written to flash as it comes"),
      PeerInRam("xz", "xz -9e, no base", Family::kCompressed, 65 * kMiB, 0, 0, "xz(1): memory of -9"),
      PeerInRam("zstd:19", "zstd -19, no base", Family::kCompressed, 0, 0, 1,
                "the window, which is the image if that is below 8 MiB"),
      PeerInRam("bsdiff:debian", "bsdiff", Family::kPeer, 0, 1, 1, "bspatch(1): both images"),
      Peer("xdelta3:9-lzma", "xdelta3 -9 -S lzma", Family::kPeer),
      PeerInRam("zstd:patch-from-22", "zstd -22 --patch-from", Family::kPeer, 0, 1, 1,
                "old image and window, at least"),
      Peer("rdiff", "rdiff -b 64", Family::kPeer),
      PeerInRam("brotli:D-q11", "brotli -q 11 -D", Family::kPeer, 16 * kMiB, 1, 0,
                "old image and window of -w 24"),
      PeerInRam("hdiffz:m1-SD-lzma2", "HDiffPatch, lzma2", Family::kPeer, 4.25 * kMiB, 0, 0,
                "step of 256 KiB and dictionary of 4 MiB"),
      Peer("zucchini:gen-xz", "Zucchini, lzma", Family::kPeer),
      Peer("zucchini:gen-brotli", "Zucchini, brotli", Family::kPeer),
      Peer("detools:seq-lzma", "detools, lzma", Family::kPeer),
      Peer("detools:seq-lzma-arm-cortex-m4", "detools, Cortex-M4, lzma", Family::kPeer),
      PeerInRam("hdiffi:m1-tuz32k", "HPatchLite, 32K", Family::kSmallPeer, 32 * kKiB + 76 + 256, 0, 0,
                "measured state, dictionary of tinyuz, cache of 256 bytes"),
      PeerInRam("hdiffi:m1-tuz4k", "HPatchLite, 4K", Family::kSmallPeer, 4 * kKiB + 76 + 256, 0, 0,
                "measured state, dictionary of tinyuz, cache of 256 bytes"),
      PeerInRam("detools:seq-heatshrink", "detools, heatshrink", Family::kSmallPeer, 640, 0, 0,
                "measured state and buffers"),
      PeerInRam("detools:seq-crle", "detools, CRLE", Family::kSmallPeer, 128, 0, 0,
                "measured state and buffers"),
      Peer("hdiffi-inplace:x4k-tuz4k", "HPatchLite in place, 4K", Family::kInPlacePeer),
      Peer("detools-inplace:tight-heatshrink", "detools in place, heatshrink", Family::kInPlacePeer),
      Ours("libdelta:8k", "libdelta, two slots, 8K", 8 << 10),
      Ours("libdelta:64k", "libdelta, two slots, 64K", 64 << 10),
      Peer("libdelta:in-place", "libdelta in place", Family::kOursInPlace),
  };
}

}  // namespace

std::string NameOf(Family family) {
  switch (family) {
    case Family::kFull:
      return "full";
    case Family::kCompressed:
      return "compressed";
    case Family::kPeer:
      return "peer";
    case Family::kSmallPeer:
      return "small-peer";
    case Family::kInPlacePeer:
      return "in-place-peer";
    case Family::kOurs:
      return "ours";
    case Family::kOursInPlace:
      return "ours-in-place";
  }
  return "";
}

std::optional<uint64_t> Strategy::Ram(uint64_t old_size, uint64_t new_size) const {
  if (ram_fixed < 0) return std::nullopt;
  return static_cast<uint64_t>(ram_fixed + ram_old * static_cast<double>(old_size) +
                               ram_new * static_cast<double>(new_size));
}

const std::vector<Strategy>& Strategies() {
  static const std::vector<Strategy> strategies = MakeStrategies();
  return strategies;
}

}  // namespace bench
