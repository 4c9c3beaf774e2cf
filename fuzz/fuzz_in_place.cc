// Updates in place under everything at once: hostile patches, power cuts, failing callbacks and corrupt
// journals.
//
// Input: options (1 byte), number of steps (1), push size (1), steps (4 bytes each), patch.
//   options & 1:  the rest of the input changes a good patch, 3 bytes each: offset (2, little-endian), xor;
//                 otherwise it is the patch.
//   options & 2:  repair the patch: set the base's digest and recompute the hash chain, so that hostile
//                 bytes get past the checks that only a key holder could pass, to the codec.
//   options & 4:  the patch is stored, not streamed.
//   (options >> 3) % 3: how torn units read.
//   Step: what (1), arguments (3): power cut, failing call, corrupt spare page, another patch, a reset.
// Needs a library that accepts unsigned patches (LIBDELTA_ALLOW_UNSIGNED); others refuse everything.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "libdelta/device.h"
#include "libdelta/host.h"
#include "libdelta/host/sha256.h"
#include "tests/support/images.h"
#include "tests/support/in_place.h"
#include "tests/support/patches.h"

namespace {

using libdelta::Bytes;
using libdelta::ByteView;
using libdelta::PowerCycle;
using libdelta::testing::FlashCall;
using libdelta::testing::InPlaceDevice;

void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

constexpr uint32_t kPage = 2048;

// A board with three pages in the slot and two spare pages, and patches for it.
struct Board {
  Board() {
    libdelta::DeviceProfile board = libdelta::FindProfile("efr32mg").value();
    board.ram = 4096;
    board.spare.length = 2 * kPage;
    board.protected_ranges.clear();
    board.write_unit = 8;
    profile = libdelta::testing::CutDown(board, 3 * kPage, 0);
    old_image = libdelta::testing::TextLike(3 * kPage - 100, 1);
    new_image = libdelta::testing::WithBlocksShuffled(old_image, 1500, 2);
    whole_image = libdelta::testing::TextLike(2 * kPage + 5, 3);
    patch = Create(old_image, new_image);
    other = Create(old_image, libdelta::testing::WithEdits(old_image, 400, 4));
    whole = Create({}, whole_image);
  }
  Bytes Create(ByteView from, ByteView to) const {
    const libdelta::Result<libdelta::Patch> made = libdelta::Encode(
        from, to.first(std::min<size_t>(to.size(), 3 * kPage)), libdelta::testing::InPlaceOptions(profile));
    if (!made.ok()) std::fprintf(stderr, "%s\n", made.error().c_str());
    Require(made.ok(), "setup");
    return made.value().bytes;
  }

  libdelta::DeviceProfile profile;
  Bytes old_image;
  Bytes new_image;
  Bytes whole_image;
  Bytes patch;
  Bytes other;
  Bytes whole;
};

const Board& TheBoard() {
  static const Board board;
  return board;
}

Bytes MakePatch(uint8_t options, ByteView rest) {
  Bytes patch(rest.begin(), rest.end());
  if ((options & 1) != 0) {
    patch = TheBoard().patch;
    for (size_t i = 0; i + 3 <= rest.size(); i += 3) {
      patch[static_cast<size_t>(rest[i] | rest[i + 1] << 8) % patch.size()] ^= rest[i + 2];
    }
  }
  if ((options & 2) != 0) libdelta::testing::RepairDigests(TheBoard().old_image, &patch);
  return patch;
}

class Run {
 public:
  Run(uint8_t options, uint8_t push_size, Bytes patch)
      : device_(TheBoard().profile, TheBoard().old_image,
                {1, static_cast<libdelta::TornRead>((options >> 3) % 3), {}}),
        patch_(std::move(patch)) {
    device_.threshold = 0;
    device_.is_stored = (options & 4) != 0;
    device_.push_size = push_size * 8u + 1;
  }

  void Step(const uint8_t* step) {
    const uint32_t number = static_cast<uint32_t>(step[1] | step[2] << 8);
    switch (step[0] % 8) {
      case 0:
      case 1: {  // A power cut, near or far.
        const uint32_t reach = step[0] % 8 == 0 ? number % 64 : number % 4096;
        device_.flash.SetCut(device_.flash.operations() + reach, libdelta::kCutKinds[step[3] % 5]);
        Check(device_.Boot(patch_), patch_);
        break;
      }
      case 2:
      case 3: {  // A call that fails; all that follow as well.
        const bool for_good = step[0] % 8 == 3;
        uint32_t left = number;
        const int only = step[3] % 8;
        device_.before_call = [&left, for_good, only](FlashCall call, uint32_t, const uint8_t*, uint32_t) {
          if (only < 5 && static_cast<int>(call) != only) return true;
          if (left != 0) {
            --left;
            return true;
          }
          if (!for_good) left = ~uint32_t{0};
          return false;
        };
        Check(device_.Boot(patch_), patch_);
        device_.before_call = nullptr;
        break;
      }
      case 4: {  // Other bytes in a spare page.
        const libdelta::FlashRange& spare = TheBoard().profile.spare;
        const uint64_t at = spare.start + number % spare.length;
        device_.flash.Load(at, Bytes{static_cast<uint8_t>(device_.flash.contents()[at] ^ step[3])});
        is_corrupt_ = true;
        break;
      }
      case 5:  // Another patch, where the update's own is wanted, or before it.
        Check(device_.Boot(TheBoard().other), TheBoard().other);
        break;
      case 6: {
        if (number % 4 != 0) {
          device_.flash.SetCut(device_.flash.operations() + number, libdelta::kCutKinds[step[3] % 5]);
        }
        const Bytes& offered = step[3] % 2 != 0 ? TheBoard().whole : TheBoard().other;
        Check(device_.Offer(offered), offered);
        break;
      }
      default:
        Check(device_.Boot(step[3] % 2 != 0 ? ByteView(patch_) : ByteView(), step[3] % 4 < 2), patch_);
        break;
    }
    device_.flash.ClearCut();
  }

  // A whole image always gets there.
  void Finish() {
    Check(device_.Boot(patch_), patch_);
    const Board& board = TheBoard();
    device_.counter = 0;  // A patch may have raised it.
    const PowerCycle cycle = device_.Offer(board.whole);
    Check(cycle, board.whole);
    Require(cycle.status == LIBDELTA_OK, libdelta_status_text(cycle.status));
    Require(device_.Holds(board.whole_image), "the rescue left another image");
    Require(device_.Boot({}, false).recovery == LIBDELTA_FINISHED, "the rescue was not finished");
  }

 private:
  void Check(const PowerCycle& cycle, ByteView patch) const {
    Require(!device_.hangs(), "the library hangs");
    for (const std::string& violation : device_.flash.violations()) {
      // A corrupt journal may hide that units were programmed.
      if (is_corrupt_ && violation.find("needs an erase") != std::string::npos) continue;
      Require(false, violation.c_str());
    }
    if (cycle.status != LIBDELTA_OK && cycle.status != LIBDELTA_E_ALREADY_DONE) return;
    if (cycle.recovery != LIBDELTA_RESUME && cycle.status == LIBDELTA_OK && cycle.fed == 0 &&
        !device_.is_stored)
      return;  // Nothing was fed.
    libdelta_header header;
    if (libdelta_parse_header(patch.data(), patch.size(), &header) != LIBDELTA_OK) return;
    if (device_.is_stored && cycle.status == LIBDELTA_OK && cycle.recovery != LIBDELTA_RESUME &&
        device_.fed() != patch.size()) {
      return;
    }
    // The new image is there. What was resumed may be another update than that of `patch`, unless its bytes
    // were taken: then it was verified against this patch's hash chain.
    const libdelta::Digest digest = libdelta::Sha256(device_.Slot(header.new_length));
    const bool is_this = std::equal(digest.begin(), digest.end(), header.new_digest);
    Require(is_this || device_.Holds(TheBoard().new_image) || device_.Holds(TheBoard().whole_image),
            "a wrong image was accepted");
  }

  InPlaceDevice device_;
  Bytes patch_;
  bool is_corrupt_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  const uint8_t options = data[0];
  const size_t steps = std::min<size_t>(data[1] % 16, (size - 3) / 4);
  const ByteView rest(data + 3 + 4 * steps, data + size);
  Run run(options, data[2], MakePatch(options, rest));
  for (size_t i = 0; i < steps; ++i) run.Step(data + 3 + 4 * i);
  run.Finish();
  return 0;
}
