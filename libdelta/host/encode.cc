// Encode(): chooses between a delta and a whole image, and packs the result.
#include <zstd.h>

#include <algorithm>
#include <bit>
#include <span>
#include <thread>

#include "libdelta/host.h"
#include "libdelta/host/bit_cost.h"
#include "libdelta/host/container.h"
#include "libdelta/host/isa.h"
#include "libdelta/host/journal_plan.h"
#include "libdelta/host/page_order.h"
#include "libdelta/host/payload.h"

namespace libdelta {
namespace {

// A delta smaller than this share of the new image is not compared with a whole image.
constexpr uint64_t kDeltaSurelyPays = 4;

constexpr const char* kStreamNames[] = {"prologue", "map",        "operations", "literals",
                                        "clean",    "references", "hits",       "misses"};
static_assert(std::size(kStreamNames) == static_cast<size_t>(Stream::kCount));

struct Candidate {
  uint8_t codec = kCodecDelta;
  const char* name = "delta";
  uint32_t arena = 0;
  Payload payload;
};

// What headers can say. The patch is made for it, not for what is above.
uint64_t DeclaredRam(const EncodeOptions& options) { return options.ram / kRamUnit * kRamUnit; }

uint32_t ChunkSize(const EncodeOptions& options) {
  if (options.chunk != 0) return options.chunk;
  return static_cast<uint32_t>(std::clamp<uint64_t>(options.ram / 8, kMinChunk, kMaxChunk)) & ~7u;
}

std::optional<Error> CheckPages(const InPlaceLayout& layout) {
  if (layout.pages.empty() || layout.pages.size() > kMaxPageRuns)
    return Error{"slot: needs 1 .. 8 runs of pages"};
  uint64_t pages = 0;
  for (const SlotPages& run : layout.pages) {
    pages += run.count;
    if (run.count == 0 || run.size == 0 || run.size % kBlock != 0) {
      return Error{"slot: pages must be multiples of 64 bytes, not " + std::to_string(run.size)};
    }
    if (run.size > layout.spare_page_size) {
      return Error{"spare pages of " + std::to_string(layout.spare_page_size) +
                   " bytes cannot hold a page of the slot with " + std::to_string(run.size)};
    }
  }
  if (layout.spare_page_size % kBlock != 0 || layout.spare_page_size > kMaxSparePageSize) {
    return Error{"spare pages: must be a multiple of 64 bytes, at most " + std::to_string(kMaxSparePageSize) +
                 ", not " + std::to_string(layout.spare_page_size)};
  }
  if (pages > kMaxSlotPages)
    return Error{"slot: at most " + std::to_string(kMaxSlotPages) + " pages, not " + std::to_string(pages)};
  if (layout.spare_count < kMinSparePages || layout.spare_count > kMaxSparePages) {
    return Error{"spare pages: must be 2 .. 16, not " + std::to_string(layout.spare_count)};
  }
  if (!std::has_single_bit(layout.write_unit) || layout.write_unit > kMaxWriteUnit) {
    return Error{"write unit: must be 1, 2, 4, 8, 16 or 32 bytes, not " + std::to_string(layout.write_unit)};
  }
  return std::nullopt;
}

// What `image` has in a protected range of the slot.
template <typename Byte>
std::span<Byte> PartIn(const SlotRange& range, std::span<Byte> image) {
  const uint64_t start = std::min<uint64_t>(range.start, image.size());
  return image.subspan(start, std::min<uint64_t>(range.length, image.size() - start));
}

std::optional<Error> CheckLayout(const InPlaceLayout& layout, ByteView old_image, ByteView new_image) {
  if (auto error = CheckPages(layout)) return error;
  if (new_image.empty()) return Error{"the new image is empty: nothing would be left to boot"};
  const uint64_t slot = PageTable(layout.pages).slot_size();
  if (std::max(old_image.size(), new_image.size()) > slot) {
    return Error{"an image of " + std::to_string(std::max(old_image.size(), new_image.size())) +
                 " bytes does not fit in the slot of " + std::to_string(slot)};
  }
  for (const SlotRange& range : layout.protected_ranges) {
    const ByteView part = PartIn(range, new_image);
    const auto content =
        std::find_if(part.begin(), part.end(), [&](uint8_t byte) { return byte != layout.erase_value; });
    if (content == part.end()) continue;
    return Error{"the new image has content at offset " +
                 std::to_string(range.start + static_cast<uint64_t>(content - part.begin())) +
                 ", in a protected range: fill bytes " + std::to_string(range.start) + " .. " +
                 std::to_string(range.start + range.length - 1) + " with the erase value"};
  }
  return std::nullopt;
}

// The image as every device sees it, whatever it keeps in its protected ranges.
Bytes MaskProtected(ByteView image, const InPlaceLayout& layout) {
  Bytes masked(image.begin(), image.end());
  for (const SlotRange& range : layout.protected_ranges) {
    const std::span<uint8_t> part = PartIn(range, std::span(masked));
    std::fill(part.begin(), part.end(), layout.erase_value);
  }
  return masked;
}

std::optional<Error> Check(const EncodeOptions& options, ByteView old_image, ByteView new_image) {
  if (options.ram < kMinRam || options.ram > kMaxRam) {
    return Error{"ram must be 2048 .. 1048576 bytes, not " + std::to_string(options.ram)};
  }
  if (options.effort < kLeastEffort || options.effort > kMostEffort) {
    return Error{"effort must be 1 .. 9, not " + std::to_string(options.effort)};
  }
  const uint32_t chunk = ChunkSize(options);
  if (chunk < kMinChunk || chunk > kMaxChunk) {
    return Error{"chunk must be 256 .. 4096 bytes, not " + std::to_string(chunk)};
  }
  if (RamForArena(kMinArena, chunk, options.in_place.has_value()) > DeclaredRam(options)) {
    return Error{"chunk " + std::to_string(chunk) + " leaves too little of ram " +
                 std::to_string(options.ram)};
  }
  if (options.group % kBlock != 0) {
    return Error{"group must be a multiple of 64 bytes, not " + std::to_string(options.group)};
  }
  if (options.isa && *options.isa != kNoIsa && *options.isa != kDiscoverIsa && !FindSet(*options.isa)) {
    return Error{"no instruction set is called \"" + *options.isa + "\""};
  }
  if (options.in_place) return CheckLayout(*options.in_place, old_image, new_image);
  if (std::max(old_image.size(), new_image.size()) > kMaxLength) {
    return Error{"an image of 1 TiB or more; images must be shorter"};
  }
  return std::nullopt;
}

// A zstd frame that an applier with `arena` bytes can decode; empty if there is none.
Bytes CompressZstd(ByteView image, uint64_t arena) {
  int window_log = 27;
  while (window_log >= 10 && ZstdArena(uint64_t{1} << window_log, image.size()) > arena) --window_log;
  if (window_log < 10) return {};
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 19);
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
  Bytes out(ZSTD_compressBound(image.size()));
  const size_t size = ZSTD_compress2(context, out.data(), out.size(), image.data(), image.size());
  ZSTD_freeCCtx(context);
  if (ZSTD_isError(size)) return {};
  out.resize(size);
  return out;
}

Candidate FullImage(ByteView new_image, const PayloadOptions& options) {
  Candidate full;
  full.name = "full";
  full.arena = options.arena;
  full.payload = EncodePayload({}, new_image, options);
  if (options.in_place) return full;
  Bytes frame = CompressZstd(new_image, options.arena);
  if (!frame.empty() && frame.size() < full.payload.data.size()) {
    full.codec = kCodecZstd;
    full.name = "full-zstd";
    full.payload = Payload{};
    full.payload.data = std::move(frame);
  }
  return full;
}

Error NoRoom(const EncodeOptions& options, const PayloadOptions& payload_options) {
  if (!options.in_place) return Error{"internal: the arena is too small for the codec"};
  const InPlaceLayout& layout = *options.in_place;
  const JournalPlan least(layout, payload_options.header_size, 0, CopyCapacity(layout.spare_page_size));
  return Error{"the journal of an update in place needs at least " + std::to_string(least.least_page()) +
               " bytes, a spare page has " + std::to_string(layout.spare_page_size) +
               ": use larger spare pages, shorter ids or more RAM"};
}

EncodeStats Statistics(const Candidate& chosen, ByteView patch, const EncodeOptions& options) {
  EncodeStats stats;
  const Plan& plan = chosen.payload.plan;
  if (chosen.codec == kCodecDelta) {
    for (size_t i = 0; i < std::size(kStreamNames); ++i) {
      stats.stream_bits.emplace_back(kStreamNames[i],
                                     (chosen.payload.cost[i] + kFineCostOne / 2) / kFineCostOne);
    }
    uint64_t copied = 0;
    for (const uint64_t length : plan.segment_lengths) copied += length;
    stats.counts = {{"segments", plan.image_map.size()},
                    {"segment_bytes", copied},
                    {"operations", plan.operations.size()},
                    {"ram_breakpoints", plan.ram_map.size()},
                    {"templates", plan.templates.size()}};
    stats.load_address = plan.base_known ? plan.base : 0;
  }
  stats.payload = chosen.name;
  stats.payload_bytes = chosen.payload.data.size();
  stats.link_bytes = DataSizeToPayloadSize(stats.payload_bytes, ChunkSize(options)) - stats.payload_bytes;
  stats.header_bytes = patch.size() - stats.payload_bytes - stats.link_bytes;
  stats.ram = DeclaredRam(options);
  return stats;
}

}  // namespace

std::vector<std::string> InstructionSets() {
  std::vector<std::string> names = {kNoIsa, kDiscoverIsa};
  for (const TemplateSet& set : TemplateSets()) names.push_back(set.name);
  return names;
}

// Starting threads takes longer than what there is to do for small images.
unsigned Threads(const EncodeOptions& options, ByteView new_image) {
  constexpr size_t kWorthThreads = 32768;
  if (new_image.size() < kWorthThreads) return 1;
  return options.threads != 0 ? options.threads : std::max(1u, std::thread::hardware_concurrency());
}

Result<Patch> Encode(ByteView old_image, ByteView new_image, const EncodeOptions& options) {
  if (const auto error = Check(options, old_image, new_image)) return *error;
  PayloadOptions payload_options;
  HeaderFields fields;
  fields.hardware = options.hardware;
  fields.component = options.component;
  fields.counter = options.counter;
  fields.chunk_size = ChunkSize(options);
  fields.ram = DeclaredRam(options);
  Bytes masked;
  if (options.in_place) {
    fields.extensions.push_back(GeometryExtension(*options.in_place));
    payload_options.in_place = &*options.in_place;
    payload_options.header_size = SignedSize(fields);
    masked = MaskProtected(old_image, *options.in_place);
    old_image = masked;
  }
  payload_options.arena =
      static_cast<uint32_t>(fields.ram - RamForArena(0, ChunkSize(options), options.in_place.has_value()));
  payload_options.load_address = options.load_address;
  payload_options.isa = options.isa;
  payload_options.effort = options.effort;
  payload_options.templates = options.templates;
  payload_options.group_blocks = options.group / kBlock;
  payload_options.threads = Threads(options, new_image);
  payload_options.progress = options.progress;

  Candidate chosen;
  if (options.kind == PayloadKind::kFullOnly) old_image = {};
  if (old_image.empty()) {
    chosen.name = "full";
    if (!new_image.empty()) chosen = FullImage(new_image, payload_options);
  } else if (!new_image.empty()) {
    chosen.payload = EncodePayload(old_image, new_image, payload_options);
    const bool may_be_whole = options.kind != PayloadKind::kDeltaOnly;
    if (may_be_whole && chosen.payload.data.size() > new_image.size() / kDeltaSurelyPays) {
      payload_options.useless_size = chosen.payload.data.size();
      Candidate full = FullImage(new_image, payload_options);
      if (full.payload.data.size() < chosen.payload.data.size()) {
        chosen = std::move(full);
        old_image = {};
      }
    }
  }
  if (chosen.payload.data.empty() && !new_image.empty()) return NoRoom(options, payload_options);
  if (options.trace) {
    *options.trace = {};
    if (chosen.codec == kCodecDelta && !new_image.empty()) {
      *options.trace = TracePayload(old_image, new_image, chosen.payload.plan, payload_options.arena);
    }
  }
  fields.codec = chosen.codec;
  fields.old_image = old_image;
  fields.new_image = new_image;
  Result<Bytes> bytes = Pack(chosen.payload.data, fields);
  if (!bytes.ok()) return Error{bytes.error()};
  Patch patch;
  patch.stats = Statistics(chosen, bytes.value(), options);
  patch.bytes = std::move(bytes.value());
  return patch;
}

}  // namespace libdelta
