// The encoding side of Codec<Port> (wire/codec.h): answers what the new image and the plan hold, and
// feeds the arithmetic encoder.
#ifndef LIBDELTA_HOST_ENCODE_PORT_H_
#define LIBDELTA_HOST_ENCODE_PORT_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "libdelta/host/bit_cost.h"
#include "libdelta/host/plan.h"
#include "libdelta/host/range_encoder.h"

namespace libdelta {

// A plan as the codec walks it: indexed from what the codec knows at each point.
class PlanReader {
 public:
  explicit PlanReader(const Plan& plan)
      : plan_(plan),
        templates(plan.templates),
        base(plan.base),
        ram_base(plan.ram_map.empty() ? 0 : static_cast<uint32_t>(plan.ram_map[0].old_position)),
        ram_length(plan.ram_map.empty() ? 0 : plan.ram_end - ram_base),
        limit(plan.limit),
        group_blocks(plan.group_blocks),
        image_map(plan.image_map),
        ram_map(plan.ram_map) {
    for (uint32_t i = 0; i < plan.image_map.size(); ++i) {
      if (!plan.image_map[i].anchor) order_.push_back(i);
    }
    std::sort(order_.begin(), order_.end(), [&](uint32_t a, uint32_t b) {
      return plan.image_map[a].new_position < plan.image_map[b].new_position;
    });
    // In order: the next segment by new position is also the next one in the table.
    in_order_.resize(plan.image_map.size(), false);
    for (size_t i = 0; i + 1 < order_.size(); ++i) {
      uint32_t next = order_[i] + 1;
      while (next < plan.image_map.size() && plan.image_map[next].anchor) ++next;
      in_order_[order_[i]] = next == order_[i + 1];
    }
  }

  const Template& TemplateAt(uint32_t i) const { return plan_.templates[i]; }
  // Entry of the image's map, or of the RAM's, which counts from its first entry.
  MapEntry Entry(uint32_t map, uint32_t i) const {
    if (map == 0) return plan_.image_map[i];
    const MapEntry& entry = plan_.ram_map[i];
    return {entry.old_position - ram_base, entry.new_position - ram_base, false};
  }

  // `segment` may be none, all ones: the empty one at the start.
  bool NextIsInOrder(uint32_t segment) const { return segment < in_order_.size() && in_order_[segment]; }

  uint64_t GapAfter(uint32_t segment, uint64_t gap_end) const {
    if (segment >= plan_.image_map.size()) return gap_end;
    return gap_end - plan_.image_map[segment].new_position - plan_.segment_lengths[segment];
  }

  const Operation& NextOperation() { return plan_.operations[next_operation_++]; }

 private:
  const Plan& plan_;
  std::vector<uint32_t> order_;  // Segments by new position.
  std::vector<bool> in_order_;
  size_t next_operation_ = 0;

 public:
  const std::vector<Template>& templates;
  const uint32_t base;
  const uint32_t ram_base;
  const uint32_t ram_length;
  const uint32_t limit;
  const uint64_t group_blocks;
  const std::vector<MapEntry>& image_map;
  const std::vector<MapEntry>& ram_map;
};

class EncodePort {
 public:
  using Position = uint64_t;
  static constexpr bool kEncoding = true;

  EncodePort(ByteView old_image, ByteView new_image, const Plan& plan, Bytes* out)
      : old_(old_image), new_(new_image), plan_(plan), encoder_(out) {}

  PlanReader& plan() { return plan_; }
  void Enter(Stream stream) { stream_ = static_cast<size_t>(stream); }

  int Bit(uint32_t p12, int bit) {
    cost_[stream_] += BitCost(bit ? p12 : 4096 - p12);
    encoder_.Bit(p12, bit);
    return bit;
  }
  void Start() {}
  void BeginGroup() { encoder_.EndGroup(); }
  void Finish() { encoder_.EndGroup(); }

  bool ReadOld(uint64_t at, uint8_t* to, uint32_t size) {
    std::memcpy(to, old_.data() + at, size);
    return true;
  }
  bool ReadNew(uint64_t at, uint8_t* to, uint32_t size) {
    std::memcpy(to, new_.data() + at, size);
    return true;
  }
  bool WriteNew(uint64_t at, const uint8_t* from, uint32_t size) {
    return std::memcmp(new_.data() + at, from, size) == 0;
  }
  uint8_t ActualByte(uint64_t at) const { return new_[at]; }
  bool SameAsOld(uint64_t old_at, uint64_t new_at, uint64_t size) const {
    return std::memcmp(old_.data() + old_at, new_.data() + new_at, size) == 0;
  }

  const std::array<uint64_t, static_cast<size_t>(Stream::kCount)>& cost() const { return cost_; }

 private:
  ByteView old_;
  ByteView new_;
  PlanReader plan_;
  RangeEncoder encoder_;
  size_t stream_ = 0;
  std::array<uint64_t, static_cast<size_t>(Stream::kCount)> cost_{};  // In 1 / kBitCostOne bits.
};

}  // namespace libdelta

#endif  // LIBDELTA_HOST_ENCODE_PORT_H_
