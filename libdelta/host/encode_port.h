// The encoding side of Codec<Port> (wire/codec.h): answers what the new image and the plan hold, and
// feeds the arithmetic encoder.
#ifndef LIBDELTA_HOST_ENCODE_PORT_H_
#define LIBDELTA_HOST_ENCODE_PORT_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "libdelta/host/bit_cost.h"
#include "libdelta/host/page_order.h"
#include "libdelta/host/plan.h"
#include "libdelta/host/range_encoder.h"
#include "libdelta/host/references.h"

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
        places(plan.places),
        group_blocks(plan.group_blocks),
        pages(plan.order ? plan.order->pages().size() : 0),
        snapshot_units(plan.snapshot_units),
        image_map(plan.image_map),
        ram_map(plan.ram_map) {
    // The codec tries the last one first.
    Template before{};
    for (auto t = plan.templates.rbegin(); t != plan.templates.rend(); ++t) {
      before = LikeBefore(*t, before);
      const auto* bytes = reinterpret_cast<const uint8_t*>(&before);
      template_bytes_.insert(template_bytes_.end(), bytes, bytes + sizeof(Template));
    }
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

  uint8_t TemplateByte(size_t i) const { return template_bytes_[i]; }
  // Entry of the image's map, or of the RAM's, which counts from its first entry.
  MapEntry Entry(uint32_t map, uint32_t i) const {
    if (map == 0) return plan_.image_map[i];
    const MapEntry& entry = plan_.ram_map[i];
    return {entry.old_position - ram_base, entry.new_position - ram_base, false};
  }

  // `segment` may be none, all ones: the empty one at the start.
  bool NextIsInOrder(uint32_t segment) const { return segment < in_order_.size() && in_order_[segment]; }

  // Bytes between the end of a segment, or `position` if that is later, and `gap_end`.
  uint64_t GapAfter(uint32_t segment, uint64_t position, uint64_t gap_end) const {
    uint64_t end = position;
    if (segment < plan_.image_map.size()) {
      end = std::max(end, plan_.image_map[segment].new_position + plan_.segment_lengths[segment]);
    }
    return gap_end - std::min(end, gap_end);
  }

  const Operation& NextOperation() {
    current_ = rest_.length != 0 ? rest_ : plan_.operations[next_operation_++];
    rest_.length = 0;
    return current_;
  }

  // Ends the operation, a copy, after `length` bytes. What follows becomes literal bytes.
  const Operation& Cut(uint64_t length) {
    if (length == 0) current_.kind = OperationKind::kLiteral;
    if (length != 0 && length < current_.length) {
      rest_ = {OperationKind::kLiteral, current_.position + length, current_.length - length, 0};
      current_.length = length;
    }
    return current_;
  }

  // In place: what begins a group, and the page to be produced next.
  uint32_t GroupHead() {
    const PageGroup& group = plan_.order->groups()[next_group_++];
    return (group.move ? 16u : 0u) | (group.count - 1);
  }
  uint32_t Retained() const { return plan_.order->groups()[next_group_ - 1].retained; }
  uint32_t NextPage() { return plan_.order->pages()[next_page_++]; }
  // Whether the page after that one is the one below it.
  bool Descends() const {
    const std::vector<uint32_t>& order = plan_.order->pages();
    return next_page_ < order.size() && order[next_page_] + 1 == order[next_page_ - 1];
  }

 private:
  // `t`, in which what does not matter is as in the template before, where it costs least.
  static Template LikeBefore(Template t, const Template& before) {
    for (uint32_t i = t.last_run + 1u; i < kMaxRuns; ++i) {
      t.run_shift[i] = before.run_shift[i];
      t.run_last[i] = before.run_last[i];
    }
    if (t.origin == 0) {
      t.bias = before.bias;
      t.origin_shift = before.origin_shift;
    }
    if (t.tied_bits == 0) std::copy_n(before.tied_shift, kWords, t.tied_shift);
    if (!IsPair(t)) t.reach = before.reach;
    return t;
  }

  const Plan& plan_;
  Bytes template_bytes_;
  std::vector<uint32_t> order_;  // Segments by new position.
  std::vector<bool> in_order_;
  size_t next_operation_ = 0;
  Operation current_{};  // The one asked for last,
  Operation rest_{};     // and what was cut off.
  size_t next_group_ = 0;
  size_t next_page_ = 0;

 public:
  const std::vector<Template>& templates;
  const uint32_t base;
  const uint32_t ram_base;
  const uint32_t ram_length;
  const uint32_t limit;
  const uint32_t places;
  const uint64_t group_blocks;
  const size_t pages;
  const uint32_t snapshot_units;
  const std::vector<MapEntry>& image_map;
  const std::vector<MapEntry>& ram_map;
};

class EncodePort {
 public:
  using Position = uint64_t;
  static constexpr bool kEncoding = true;
  static constexpr bool kHasTemplates = true;

  // `trace` may be null.
  EncodePort(ByteView old_image, ByteView new_image, const Plan& plan, Bytes* out, CostTrace* trace = nullptr)
      : old_(old_image),
        new_(new_image),
        plan_(plan),
        order_(plan.order.get()),
        encoder_(out),
        trace_(trace) {
    if (!in_place()) return;
    slot_.assign(old_.begin(), old_.end());
    old_ = slot_;
  }

  PlanReader& plan() { return plan_; }
  void Enter(Stream stream, uint64_t position = CostTrace::kNowhere) {
    stream_ = static_cast<size_t>(stream);
    if (trace_) trace_->costs.push_back({position, static_cast<uint32_t>(stream), 0});
  }

  int Bit(uint32_t p12, int bit) {
    const uint32_t cost = BitCost(bit ? p12 : 4096 - p12);
    cost_[stream_] += cost;
    if (trace_) trace_->costs.back().cost += cost;
    encoder_.Bit(p12, bit);
    return bit;
  }
  void Start() {}
  uint32_t Restart() {
    encoder_.EndGroup();
    return 0;
  }
  void Finish() { encoder_.EndGroup(); }

  bool in_place() const { return order_ != nullptr; }

  uint32_t copies() const { return order_->capacity(); }

  // The old image becomes what can be read when a group begins.
  static CodecScript script() { return {}; }
  void SetParts(const StoredParts& parts) { parts_ = parts; }
  void Checkpoint(uint32_t, const GroupStart& group) {
    const bool is_free = order_->uses_slot() || copies_.size() < order_->capacity();
    if (group.move && is_free) kept_.assign(parts_.start, parts_.start + parts_.size);
    for (size_t i = 0; i < copies_.size(); ++i) {
      if (!(group.retained >> i & 1)) Overwrite(copies_[i]);
    }
    copies_ = Retained(copies_, group.retained);
  }
  void LoadParts() { std::copy(kept_.begin(), kept_.end(), parts_.start); }
  libdelta_status OpenPage(uint32_t page, uint64_t, uint64_t* start, uint64_t* end) {
    if (order_->NeedsCopy(page)) copies_.push_back(page);
    *start = order_->table().start(page);
    *end = order_->table().end(page);
    return LIBDELTA_NEED_INPUT;
  }

  libdelta_status Read(bool is_new, uint64_t at, uint8_t* to, uint32_t size) {
    std::memcpy(to, (is_new ? new_ : old_).data() + at, size);
    return LIBDELTA_OK;
  }
  bool WriteNew(uint64_t at, const uint8_t* from, uint32_t size) {
    return std::memcmp(new_.data() + at, from, size) == 0;
  }
  uint8_t ActualByte(uint64_t at) const { return new_[at]; }
  bool Same(bool is_new, uint64_t from, uint64_t at, uint64_t size) const {
    return std::memcmp((is_new ? new_ : old_).data() + from, new_.data() + at, size) == 0;
  }

  const std::array<uint64_t, static_cast<size_t>(Stream::kCount)>& cost() const { return cost_; }

 private:
  void Overwrite(uint32_t page) {
    const uint64_t end = std::min<uint64_t>(order_->table().end(page), slot_.size());
    for (uint64_t i = order_->table().start(page); i < end; ++i) {
      slot_[i] = i < new_.size() ? new_[i] : order_->erase_value();
    }
  }

  ByteView old_;
  ByteView new_;
  PlanReader plan_;
  const PageOrder* order_;
  RangeEncoder encoder_;
  CostTrace* trace_;
  Bytes slot_;                    // In place: what the slot holds when the group begins.
  StoredParts parts_{};           // The start of the arena,
  Bytes kept_;                    // and what the journal has of it.
  std::vector<uint32_t> copies_;  // Pages that have been rewritten and can still be read as they were.
  size_t stream_ = 0;
  std::array<uint64_t, static_cast<size_t>(Stream::kCount)> cost_{};  // In 1 / kFineCostOne bits.
};

}  // namespace libdelta

#endif  // LIBDELTA_HOST_ENCODE_PORT_H_
