// The libdelta codec: one description of the payload, walked by the encoder and by the decoder.
//
// A payload is a prologue (reference templates, address maps) and the new image in order. The image is a
// sequence of *segments*, long copies from the old image whose positions the prologue's map has given away,
// and of *gaps* between them, filled by operations: literal bytes, short copies from the old image, copies
// from the new image written so far. Every copy from the old image is a prediction: references in it are
// relocated through the maps, and what the model codes is only whether, and where, the prediction fails.
//
// Codec<Port> is written once. A Port either decodes, and Bit() returns what the arithmetic decoder found, or
// encodes, and Bit() returns what it was given. Every value is therefore passed in ("actual", meaningless
// when decoding) and taken back out. Encoder and decoder cannot disagree about a context, because there is
// only one place that computes it.
//
// Step() does a bounded amount of work and consumes at most kStepInput payload bytes, so that a
// decoder can stop between any two steps and wait for input.
#ifndef LIBDELTA_WIRE_CODEC_H_
#define LIBDELTA_WIRE_CODEC_H_

#include <stdint.h>
#include <string.h>

#include "libdelta/wire/address_map.h"
#include "libdelta/wire/model.h"
#include "libdelta/wire/reference.h"

namespace libdelta {

constexpr uint32_t kBlock = 64;     // Bytes under one "as predicted" flag.
constexpr uint32_t kPage = 4096;    // Likewise, one level up.
constexpr uint32_t kMinPage = 256;  // Shorter stretches get no page flag.
constexpr uint32_t kMaxUnit = 4;    // Widest reference.
constexpr uint32_t kHistory = 1;    // Old bytes kept before the block.
constexpr uint32_t kRecentShifts = 3;
constexpr uint32_t kStepInput = 44;      // Payload bytes that a step takes at most.
constexpr uint32_t kMaxEntries = 65535;  // In either address map.

// What bits are spent on, for statistics.
enum class Stream : uint8_t {
  kPrologue,
  kMap,
  kOperations,
  kLiterals,
  kClean,
  kHits,
  kReferenceMisses,
  kByteMisses,
  kCount
};

enum class CodecResult : uint8_t { kStep, kDone, kMalformed, kReadOld, kReadNew, kWriteNew };

enum class OperationKind : uint8_t { kLiteral, kOld, kNew };

template <class Port>
class Codec {
 public:
  using Position = typename Port::Position;

  void Start(Port* port, uint8_t* arena, uint32_t arena_size, Position old_length, Position new_length) {
    memset(static_cast<void*>(this), 0, sizeof(*this));
    port_ = port;
    arena_ = arena;
    arena_left_ = arena_size;
    old_length_ = old_length;
    new_length_ = new_length;
    group_end_ = static_cast<Position>(~Position{0});
    state_ = State::kPrologue;
  }

  CodecResult Step() {
    if (position_ == group_end_ && state_ != State::kDone && position_ != new_length_) BeginGroup();
    switch (state_) {
      case State::kPrologue:
        CodePrologue();
        break;
      case State::kTemplate:
        CodeTemplate();
        break;
      case State::kMaps:
        CodeMapEntry();
        break;
      case State::kSegment:
        BeginSegment();
        break;
      case State::kGap:
        CodeOperation();
        break;
      case State::kLiteral:
        CodeLiteral();
        break;
      case State::kNewCopy:
        CopyNew();
        break;
      case State::kPage:
        BeginPage();
        break;
      case State::kBlock:
        BeginBlock();
        break;
      case State::kCleanBlock:
        EmitCleanBlock();
        break;
      case State::kUnit:
        CodeUnit();
        break;
      case State::kMiss:
        CodeMiss();
        break;
      case State::kDone:
        break;
    }
    if (result_ == CodecResult::kStep && state_ == State::kDone) {
      Flush();
      if (result_ == CodecResult::kStep) result_ = CodecResult::kDone;
    }
    return result_;
  }

  Position position() const { return position_; }

 private:
  enum class State : uint8_t {
    kPrologue,
    kTemplate,
    kMaps,
    kSegment,
    kGap,
    kLiteral,
    kNewCopy,
    kPage,
    kBlock,
    kCleanBlock,
    kUnit,
    kMiss,
    kDone
  };

  // Salts of the kinds of mixed symbols.
  enum Salt : uint32_t { kLiteralSalt = 0, kHitSalt = 16, kMissSalt = 32 };

  // Selectors of number contexts and single decisions.
  enum Context : uint32_t {
    kMapOld = 1,
    kMapShift,
    kMapSign,
    kIsAnchor,
    kNextInOrder,
    kGapLength,
    kIsLiteral,
    kLiteralToEnd,
    kLiteralLength,
    kIsNew,
    kIsRecent,
    kWhichRecent,
    kOldShift,
    kOldSign,
    kOldLength,
    kNewDistance,
    kNewLength,
    kSameDistance,
    kPageClean,
    kPageSame,
    kBlockClean
  };

  void Fail(CodecResult result) { result_ = result; }

  // --- Numbers -------------------------------------------------------------------------------------

  Position Direct(uint32_t bits, uint64_t actual) {
    Position value = 0;
    for (uint32_t i = bits; i-- > 0;) {
      value = static_cast<Position>(value << 1 |
                                    static_cast<Position>(port_->Direct(static_cast<int>(actual >> i & 1))));
    }
    return value;
  }

  static uint32_t Magnitude(uint64_t actual) {
    uint32_t k = 0;
    while (k < kWideNumber && (actual + 1) >> (k + 1) != 0) ++k;
    return k;
  }

  // The bits below the leading one of value + 1; a wide number follows whole.
  Position NumberTail(uint32_t magnitude, uint64_t actual) {
    if (magnitude == kWideNumber) {
      // 64 bits; what narrow positions cannot hold must be zero.
      if (sizeof(Position) < 8 && Direct(32, 0) != 0) Fail(CodecResult::kMalformed);
      return Direct(8 * sizeof(Position), actual);
    }
    return Direct(magnitude, actual + 1) + (Position{1} << magnitude) - 1;
  }

  Position PlainNumber(uint64_t actual) {
    return NumberTail(static_cast<uint32_t>(Direct(5, Magnitude(actual))), actual);
  }

  Position Number(uint32_t context, uint64_t actual) {
    const uint32_t wanted = Port::kEncoding ? Magnitude(actual) : 0;
    uint32_t node = 1;
    for (int i = 4; i >= 0; --i) {
      node =
          node << 1 | static_cast<uint32_t>(Decide(context << 8 | node, static_cast<int>(wanted >> i & 1)));
    }
    return NumberTail(node & 31, actual);
  }

  int Decide(uint32_t context, int actual) { return model_.CodeSimple(*port_, context, actual); }

  // A difference as sign and magnitude, modulo the width of a position.
  Position Difference(uint32_t context, uint32_t sign_context, Position actual) {
    const int negative = Decide(sign_context << 8, (actual >> (8 * sizeof(Position) - 1)) != 0);
    const Position magnitude = Number(context, negative ? static_cast<Position>(0 - actual) : actual);
    return negative ? static_cast<Position>(0 - magnitude) : magnitude;
  }

  // --- Prologue -------------------------------------------------------------------------------------

  uint8_t* Take(uint32_t size) {
    size = (size + 3) & ~3u;
    if (size > arena_left_) {
      Fail(CodecResult::kMalformed);
      return nullptr;
    }
    uint8_t* taken = arena_;
    arena_ += size;
    arena_left_ -= size;
    return taken;
  }

  void CodePrologue() {
    port_->Enter(Stream::kPrologue);
    template_count_ = static_cast<uint8_t>(Direct(4, port_->plan().templates.size()));
    const Position image_entries = PlainNumber(port_->plan().image_map.size());
    const Position ram_entries = template_count_ ? PlainNumber(port_->plan().ram_map.size()) : 0;
    if (template_count_) base_ = static_cast<uint32_t>(Direct(32, port_->plan().base));
    if (ram_entries) ram_end_ = static_cast<uint32_t>(Direct(32, port_->plan().ram_end));
    const uint8_t limit = static_cast<uint8_t>(Direct(4, port_->plan().limit));
    group_size_ = PlainNumber(port_->plan().group_blocks) * kBlock;
    const Position longest = old_length_ > new_length_ ? old_length_ : new_length_;
    uint8_t width = 1;
    while (width < sizeof(Position) && longest >> (8 * width - 1) != 0) ++width;
    if (longest >> (8 * width - 1) != 0)
      return Fail(CodecResult::kMalformed);  // Too large for narrow positions.
    if (image_entries > kMaxEntries || ram_entries > kMaxEntries) return Fail(CodecResult::kMalformed);
    templates_ = reinterpret_cast<Template*>(Take(template_count_ * static_cast<uint32_t>(sizeof(Template))));
    uint8_t* image_table = Take(static_cast<uint32_t>(image_entries) * 2 * width);
    uint8_t* ram_table = Take(static_cast<uint32_t>(ram_entries) * 8);
    int32_t* weights =
        reinterpret_cast<int32_t*>(Take(static_cast<uint32_t>(sizeof(int32_t)) * kInputs * kWeightSets));
    if (result_ != CodecResult::kStep) return;
    const uint32_t slots = (arena_left_ / sizeof(Slot)) & ~15u;
    if (slots < Model::kMinSlots) return Fail(CodecResult::kMalformed);
    image_map_.Attach(image_table, width, true);
    ram_map_.Attach(ram_table, 4, false);
    entries_left_ = static_cast<uint16_t>(image_entries);
    ram_entries_left_ = static_cast<uint16_t>(ram_entries);
    model_.Attach(weights, reinterpret_cast<Slot*>(arena_), slots, limit);
    model_.Reset();
    templates_left_ = template_count_;
    state_ = State::kTemplate;
  }

  void CodeTemplate() {
    if (templates_left_ == 0) {
      state_ = State::kMaps;
      return;
    }
    const uint32_t index = static_cast<uint32_t>(template_count_ - templates_left_--);
    const Template& from = port_->plan().TemplateAt(index);
    Template& t = templates_[index];
    t.width = static_cast<uint8_t>(Direct(2, from.width - 1u) + 1);
    t.align_log2 = static_cast<uint8_t>(Direct(2, from.align_log2));
    t.flags = static_cast<uint8_t>(Direct(5, from.flags));
    t.scale = static_cast<uint8_t>(Direct(3, from.scale));
    t.bias = (t.flags & kRelative) ? static_cast<uint32_t>(Direct(4, from.bias)) : 0;
    t.runs = static_cast<uint8_t>(Direct(3, from.runs - 1u) + 1);
    uint32_t field = 0;
    uint32_t bits = 0;
    for (uint32_t i = 0; i < t.runs; ++i) {
      t.run_shift[i] = static_cast<uint8_t>(Direct(5, from.run_shift[i]));
      t.run_length[i] = static_cast<uint8_t>(Direct(5, from.run_length[i] - 1u) + 1);
      const uint32_t ones = LowMask(t.run_length[i]);
      if (t.run_shift[i] + t.run_length[i] > 8u * t.width || (field & ones << t.run_shift[i])) {
        return Fail(CodecResult::kMalformed);
      }
      field |= ones << t.run_shift[i];
      bits += t.run_length[i];
    }
    t.bits = static_cast<uint8_t>(bits);
    if ((t.flags & kInvertBelow) && bits < 3) return Fail(CodecResult::kMalformed);
    // Bits outside the field either must match or may be anything.
    const bool exact = Direct(1, (from.mask | field) == LowMask(8 * t.width)) != 0;
    t.mask = LowMask(8 * t.width) & ~field;
    if (!exact) t.mask &= static_cast<uint32_t>(Direct(8 * t.width, from.mask));
    t.match = 0;
    for (uint32_t i = 0; i < 8u * t.width; ++i) {
      if (t.mask >> i & 1) t.match |= static_cast<uint32_t>(Direct(1, from.match >> i & 1)) << i;
    }
  }

  void CodeMapEntry() {
    port_->Enter(Stream::kMap);
    if (entries_left_) {
      --entries_left_;
      const auto from = port_->plan().ImageEntry(image_map_.count());
      CodeEntry(static_cast<Position>(from.old_position), static_cast<Position>(from.new_position));
      last_anchor_ = static_cast<uint8_t>(Decide(kIsAnchor << 8 | last_anchor_, from.anchor));
      const Position new_position = last_old_ + last_shift_;
      if (last_old_ > old_length_ || new_position > new_length_) return Fail(CodecResult::kMalformed);
      image_map_.Append(last_old_, new_position, last_anchor_ != 0);
    } else if (ram_entries_left_) {
      --ram_entries_left_;
      if (ram_map_.count() == 0) last_old_ = last_shift_ = 0;
      const auto from = port_->plan().RamEntry(ram_map_.count());
      CodeEntry(static_cast<Position>(from.old_position), static_cast<Position>(from.new_position));
      ram_map_.Append(static_cast<uint32_t>(last_old_), static_cast<uint32_t>(last_old_ + last_shift_),
                      false);
    } else {
      segment_ = kNoSegment;
      group_end_ = group_size_ ? group_size_ : static_cast<Position>(~Position{0});
      state_ = State::kSegment;
    }
  }

  // Moves last_old_ and last_shift_ to an entry of either map.
  void CodeEntry(Position old_position, Position new_position) {
    last_old_ += Number(kMapOld, old_position - last_old_);
    last_shift_ += Difference(kMapShift, kMapSign, new_position - old_position - last_shift_);
  }

  // Each group starts from the same model, so that a decoder can begin at any group.
  void BeginGroup() {
    port_->BeginGroup();
    model_.Reset();
    group_end_ =
        group_size_ < new_length_ - position_ ? position_ + group_size_ : static_cast<Position>(~Position{0});
  }

  // --- Segments and operations ----------------------------------------------------------------------

  // The first segment at or after entry `i`: entries that are anchors only serve references.
  uint32_t SkipAnchors(uint32_t i) const {
    while (i < image_map_.count() && image_map_.flag_at(i)) ++i;
    return i;
  }

  // The segment that comes after `segment_` in the new image; count() when it is the last. Segments are
  // stored in the order of the old image and mostly follow each other in the new one as well.
  uint32_t Successor() {
    const uint32_t count = image_map_.count();
    if (segment_ != kNoSegment && Decide(kNextInOrder << 8, port_->plan().NextIsInOrder(segment_))) {
      const uint32_t next = SkipAnchors(segment_ + 1);
      if (next == count || image_map_.new_at(next) <= segment_start_) Fail(CodecResult::kMalformed);
      return next;
    }
    uint32_t best = count;
    for (uint32_t i = SkipAnchors(0); i < count; i = SkipAnchors(i + 1)) {
      const Position at = image_map_.new_at(i);
      if ((segment_ == kNoSegment || at > segment_start_) && (best == count || at < image_map_.new_at(best)))
        best = i;
    }
    return best;
  }

  // A segment and the gap that follows it; before the first segment there is only a gap.
  void BeginSegment() {
    port_->Enter(Stream::kMap);
    if (position_ == new_length_) {
      state_ = State::kDone;
      return;
    }
    const uint32_t next = Successor();
    if (result_ != CodecResult::kStep) return;
    const bool last = next == image_map_.count();
    gap_end_ = last ? new_length_ : image_map_.new_at(next);
    Position shift = 0;
    Position copy_end = position_;
    if (segment_ != kNoSegment) {
      const Position room = gap_end_ - position_;
      const Position gap = Number(kGapLength, port_->plan().GapAfter(segment_, gap_end_));
      if (gap > room) return Fail(CodecResult::kMalformed);
      copy_end = gap_end_ - gap;
      shift = image_map_.old_at(segment_) - image_map_.new_at(segment_);
      Remember(shift);
    }
    const Position from = position_ + shift;
    if (!last) {
      recent_shifts_[2] = recent_shifts_[1];
      recent_shifts_[1] = image_map_.old_at(next) - image_map_.new_at(next);
      segment_start_ = image_map_.new_at(next);
    }
    segment_ = next;
    previous_kind_ = kGapStart;
    in_gap_ = 0;
    BeginCopy(from, copy_end - position_);
  }

  void Remember(Position shift) {
    uint32_t i = 0;
    while (i < kRecentShifts - 1 && recent_shifts_[i] != shift) ++i;
    for (; i > 0; --i) recent_shifts_[i] = recent_shifts_[i - 1];
    recent_shifts_[0] = shift;
  }

  void CodeOperation() {
    if (position_ == gap_end_) {
      state_ = State::kSegment;
      return;
    }
    port_->Enter(Stream::kOperations);
    const auto from = port_->plan().NextOperation();
    const uint32_t before = previous_kind_;
    const Position room = gap_end_ - position_;
    if (Decide(kIsLiteral << 8 | before, from.kind == OperationKind::kLiteral)) {
      previous_kind_ = static_cast<uint8_t>(OperationKind::kLiteral);
      state_ = State::kLiteral;
      if (Decide(kLiteralToEnd << 8 | before, from.length == room)) {
        SetEnd(room);
      } else {
        SetEnd(Number(kLiteralLength, from.length - 1) + 1);
      }
    } else if (Decide(kIsNew << 8 | before, from.kind == OperationKind::kNew)) {
      previous_kind_ = static_cast<uint8_t>(OperationKind::kNew);
      state_ = State::kNewCopy;
      if (!Decide(kSameDistance << 8, from.source == distance_)) {
        distance_ = Number(kNewDistance, from.source - 1) + 1;
      }
      if (distance_ > position_ || distance_ == 0) return Fail(CodecResult::kMalformed);
      SetEnd(Number(kNewLength, from.length - 1) + 1);
    } else {
      in_gap_ = 1;
      const Position shift = CodeShift(static_cast<Position>(from.source - position_));
      previous_kind_ = static_cast<uint8_t>(OperationKind::kOld);
      const Position length = Number(kOldLength, from.length - 1) + 1;
      SetEnd(length);
      if (result_ == CodecResult::kStep) BeginCopy(position_ + shift, length);
    }
  }

  void SetEnd(Position length) {
    if (length > gap_end_ - position_ || length == 0) return Fail(CodecResult::kMalformed);
    operation_end_ = position_ + length;
  }

  Position CodeShift(Position actual) {
    uint32_t which = 0;
    while (which < kRecentShifts && recent_shifts_[which] != actual) ++which;
    Position shift;
    if (Decide(kIsRecent << 8 | previous_kind_, which < kRecentShifts)) {
      uint32_t i = 0;
      while (i < kRecentShifts - 1 && Decide(kWhichRecent << 8 | i, which > i)) ++i;
      shift = recent_shifts_[i];
    } else {
      shift = recent_shifts_[0] + Difference(kOldShift, kOldSign, actual - recent_shifts_[0]);
    }
    Remember(shift);
    return shift;
  }

  // --- Literals and copies from the new image -------------------------------------------------------

  void CodeLiteral() {
    port_->Enter(Stream::kLiterals);
    const uint32_t align = static_cast<uint32_t>(position_) & 3;
    const uint32_t c = recent_bytes_;
    contexts_[0] = (c & 0xff) << 1 | (align & 1);
    contexts_[1] = 0x10000 | align;
    contexts_[2] = (c & 0xffff) << 1 | (align & 1);
    contexts_[3] = c & 0xffff;
    contexts_[4] = c & 0xffffff;
    contexts_[5] = (c >> 8 & 0xff) << 2 | align;
    contexts_[6] = (c >> 8 & 0xffff) << 2 | align;
    EmitByte(CodeByte(kLiteralSalt, align));
    if (position_ == operation_end_) state_ = State::kGap;
  }

  // Makes hashes of the contexts set; `salt` keeps the kinds of symbols apart.
  void HashContexts(uint32_t salt) {
    for (uint32_t i = 0; i < kInputs; ++i) contexts_[i] = HashMix(contexts_[i] + (salt + i) * 0x3c6ef372u);
  }

  uint8_t CodeByte(uint32_t salt, uint32_t set) {
    HashContexts(salt);
    return static_cast<uint8_t>(model_.CodeByte(*port_, contexts_, set, port_->ActualByte(position_)));
  }

  void CopyNew() {
    Position length = operation_end_ - position_;
    const Position room = kBlock - out_count_;
    if (length > room) length = room;
    if (length > distance_) length = distance_;
    if (length > group_end_ - position_) length = group_end_ - position_;
    const Position from = position_ - distance_;
    const Position written = position_ - out_count_;
    if (from < written) {
      if (length > written - from) length = written - from;
      if (!port_->ReadNew(from, out_ + out_count_, static_cast<uint32_t>(length)))
        return Fail(CodecResult::kReadNew);
    } else {
      memmove(out_ + out_count_, out_ + (from - written), static_cast<size_t>(length));
    }
    Emitted(static_cast<uint32_t>(length));
    if (position_ == operation_end_) state_ = State::kGap;
  }

  // --- Copies from the old image --------------------------------------------------------------------

  void BeginCopy(Position from, Position length) {
    if (from > old_length_ || length > old_length_ - from) return Fail(CodecResult::kMalformed);
    old_position_ = from;
    operation_end_ = position_ + length;
    state_ = State::kPage;
  }

  // Where a reference must end: it neither leaves the copy nor crosses into another group.
  Position UnitLimit() const { return operation_end_ < group_end_ ? operation_end_ : group_end_; }

  void BeginPage() {
    if (position_ == operation_end_) {
      state_ = State::kGap;
      return;
    }
    port_->Enter(Stream::kClean);
    page_end_ = (position_ & ~static_cast<Position>(kPage - 1)) + kPage;
    if (page_end_ > UnitLimit() || page_end_ == 0) page_end_ = UnitLimit();
    page_clean_ = page_same_ = 0;
    if (page_end_ - position_ >= kMinPage) {
      const bool clean = Port::kEncoding && RangeClean(page_end_);
      page_clean_ = static_cast<uint8_t>(Decide(kPageClean << 8 | (clean_pages_ & 3), clean));
      clean_pages_ = static_cast<uint8_t>(clean_pages_ << 1 | page_clean_);
      if (page_clean_) {
        const bool same = Port::kEncoding && RangeSame(page_end_);
        page_same_ = static_cast<uint8_t>(Decide(kPageSame << 8 | same_page_, same));
        same_page_ = page_same_;
      }
    }
    state_ = State::kBlock;
  }

  void BeginBlock() {
    if (position_ >= page_end_) {
      state_ = State::kPage;
      return;
    }
    block_end_ = (position_ & ~static_cast<Position>(kBlock - 1)) + kBlock;
    if (block_end_ > page_end_ || block_end_ == 0) block_end_ = page_end_;
    if (!LoadWindow(old_position_)) return;
    state_ = State::kCleanBlock;
    if (page_clean_) return;
    port_->Enter(Stream::kClean);
    const uint32_t small = block_end_ - position_ < kBlock / 2;
    const bool clean = Port::kEncoding && WindowClean();
    if (!Decide(kBlockClean << 8 | in_gap_ << 4 | small << 3 | (clean_blocks_ & 7), clean))
      state_ = State::kUnit;
    clean_blocks_ = static_cast<uint8_t>(clean_blocks_ << 1 | (state_ == State::kCleanBlock));
  }

  // Reads the old bytes of a block, those a reference at its end may need, and a few before it.
  bool LoadWindow(Position from) {
    const Position left = UnitLimit() - position_;
    const uint32_t size = left < kBlock + kMaxUnit ? static_cast<uint32_t>(left) : kBlock + kMaxUnit;
    const uint32_t before = from < kHistory ? static_cast<uint32_t>(from) : kHistory;
    memset(window_, 0, sizeof(window_));  // What is not read must not depend on what was there before.
    cursor_ = kHistory;
    if (port_->ReadOld(from - before, window_ + kHistory - before, size + before)) return true;
    Fail(CodecResult::kReadOld);
    return false;
  }

  void EmitCleanBlock() {
    Position count = block_end_ - position_;
    if (page_same_) {
      Emit(window_ + cursor_, static_cast<uint32_t>(count));
      old_position_ += count;
    } else {
      while (position_ < block_end_) {
        PredictUnit();
        EmitUnit();
      }
    }
    state_ = State::kBlock;
  }

  // Finds the unit at the cursor: a reference, relocated, or a byte.
  void PredictUnit() {
    const uint8_t* bytes = window_ + cursor_;
    const Position room = UnitLimit() - position_;
    const uint32_t old_address = base_ + static_cast<uint32_t>(old_position_);
    unit_width_ = 1;
    unit_kind_ = 0;
    unit_[0] = bytes[0];
    for (uint32_t i = 0; i < template_count_; ++i) {
      const Template& t = templates_[i];
      if ((old_address & ((1u << t.align_log2) - 1)) || t.width > room) continue;
      const bool big = (t.flags & kBigEndian) != 0;
      const uint32_t word = LoadWord(bytes, t.width, big);
      if ((word & t.mask) != t.match) continue;
      uint32_t target = Target(t, Gather(t, word), old_address);
      if (!Relocate(&target)) continue;
      uint32_t field;
      const bool fits = FieldFor(t, target, base_ + static_cast<uint32_t>(position_), &field);
      StoreWord(unit_, t.width, big, fits ? Scatter(t, word, field) : word);
      unit_width_ = t.width;
      unit_kind_ = static_cast<uint8_t>(i + 1);
      return;
    }
  }

  // Replaces an old address by the new one. False: the address is in neither map.
  bool Relocate(uint32_t* address) const {
    const uint32_t offset = *address - base_;
    if (offset < old_length_) {
      *address = base_ + static_cast<uint32_t>(image_map_.Map(offset));
      return true;
    }
    if (ram_map_.count() == 0 || *address < ram_map_.old_at(0) || *address >= ram_end_) return false;
    *address = ram_map_.Map(*address);
    return true;
  }

  void EmitUnit() {
    Emit(unit_, unit_width_);
    Advance(unit_width_);
  }

  void Advance(uint32_t count) {
    cursor_ = static_cast<uint8_t>(cursor_ + count);
    old_position_ += count;
  }

  void CodeUnit() {
    if (position_ >= block_end_) {
      state_ = State::kBlock;
      return;
    }
    port_->Enter(Stream::kHits);
    PredictUnit();
    const uint32_t kind = unit_kind_;
    const uint32_t align = static_cast<uint32_t>(position_) & 3;
    const uint32_t old_before = window_[cursor_ - 1];
    const uint32_t old_pair = PairByte();
    const uint32_t at = kind << 2 | align;
    contexts_[0] = kind << 8 | misses_;
    contexts_[1] = at << 8 | unit_[0];
    contexts_[2] = at << 16 | old_pair << 8 | unit_[0];
    contexts_[3] = kind << 16 | old_before << 8 | (recent_bytes_ & 0xff);
    contexts_[4] = at << 4 | (misses_ & 15);
    contexts_[5] = (kind << 1 | (misses_ & 1)) << 16 | static_cast<uint32_t>(unit_[0]) << 8 | last_delta_;
    contexts_[6] = kind << 16 | static_cast<uint32_t>(window_[cursor_ + 1]) << 8 | unit_[0];
    HashContexts(kHitSalt);
    const bool hit = Port::kEncoding && UnitHits();
    const int coded = model_.CodeFlag(*port_, contexts_, 4 + (kind ? 1 : align & 1), hit);
    misses_ = static_cast<uint8_t>(misses_ << 1 | !coded);
    if (coded) {
      EmitUnit();
    } else {
      miss_index_ = 0;
      state_ = State::kMiss;
    }
  }

  // The other byte of the aligned pair of old bytes that the cursor is in.
  uint32_t PairByte() const {
    return window_[(static_cast<uint32_t>(old_position_) & 1) ? cursor_ - 1 : cursor_ + 1];
  }

  void CodeMiss() {
    const uint32_t align = static_cast<uint32_t>(position_) & 3;
    port_->Enter(unit_kind_ ? Stream::kReferenceMisses : Stream::kByteMisses);
    const uint32_t expected = unit_[miss_index_];
    const uint32_t c = recent_bytes_;
    const uint32_t kind = unit_kind_ ? 1 + miss_index_ : 0;
    const uint32_t before = window_[cursor_ - 1];
    contexts_[0] = (c & 0xff) << 1 | (align & 1);
    contexts_[1] = 0x20000 | expected << 8 | (c & 0xff);
    contexts_[2] = 0x1000000 | (kind << 2 | align) << 8 | expected;
    contexts_[3] = c & 0xffff;
    contexts_[4] = 0x1000000 | kind << 16 | static_cast<uint32_t>(last_delta_) << 8 | expected;
    contexts_[5] = 0x1000000 | before << 16 | (c & 0xff) << 8 | expected;
    contexts_[6] = 0x1000000 | (align & 1) << 16 | PairByte() << 8 | expected;
    const uint8_t byte = CodeByte(kLiteralSalt, 8 + (unit_kind_ ? 2 : align & 1));
    last_delta_ = static_cast<uint8_t>(byte - expected);
    EmitByte(byte);
    Advance(1);
    if (++miss_index_ == unit_width_) state_ = State::kUnit;
  }

  // --- Output ---------------------------------------------------------------------------------------

  void EmitByte(uint8_t byte) { Emit(&byte, 1); }

  void Emit(const uint8_t* bytes, uint32_t count) {
    while (count) {
      uint32_t piece = kBlock - out_count_;
      if (piece > count) piece = count;
      memcpy(out_ + out_count_, bytes, piece);
      Emitted(piece);
      bytes += piece;
      count -= piece;
    }
  }

  // `count` bytes have been put behind the pending ones.
  void Emitted(uint32_t count) {
    for (uint32_t i = count < 4 ? 0 : count - 4; i < count; ++i) {
      recent_bytes_ = recent_bytes_ << 8 | out_[out_count_ + i];
    }
    position_ += count;
    out_count_ = static_cast<uint8_t>(out_count_ + count);
    if (out_count_ == kBlock) Flush();
  }

  void Flush() {
    if (out_count_ && !port_->WriteNew(position_ - out_count_, out_, out_count_))
      Fail(CodecResult::kWriteNew);
    out_count_ = 0;
  }

  // --- What the encoder must know before it codes a flag --------------------------------------------

  bool UnitHits() const {
    for (uint32_t i = 0; i < unit_width_; ++i) {
      if (port_->ActualByte(position_ + i) != unit_[i]) return false;
    }
    return true;
  }

  // Whether the rest of the window's block is as predicted. Leaves the state as it was.
  bool WindowClean() {
    Codec saved = *this;
    bool clean = true;
    while (clean && position_ < block_end_) {
      PredictUnit();
      clean = UnitHits();
      position_ += unit_width_;
      Advance(unit_width_);
    }
    *this = saved;
    return clean;
  }

  bool RangeClean(Position end) {
    Codec saved = *this;
    bool clean = true;
    while (clean && position_ < end) {
      block_end_ = (position_ & ~static_cast<Position>(kBlock - 1)) + kBlock;
      if (block_end_ > end) block_end_ = end;
      if (!LoadWindow(old_position_)) break;
      while (clean && position_ < block_end_) {
        PredictUnit();
        clean = UnitHits();
        position_ += unit_width_;
        Advance(unit_width_);
      }
    }
    *this = saved;
    return clean;
  }

  bool RangeSame(Position end) const { return port_->SameAsOld(old_position_, position_, end - position_); }

  static constexpr uint32_t kWideNumber = 31;
  static constexpr uint32_t kNoSegment = 0xffffffffu;
  static constexpr uint8_t kGapStart = 3;  // Where the kind of the previous operation is asked for.

  // Small members first: on small cores they are cheapest to reach there.
  State state_;
  CodecResult result_;
  uint8_t template_count_;
  uint8_t templates_left_;
  uint8_t previous_kind_;  // Of the operation before, or kGapStart.
  uint8_t last_anchor_;    // Whether the last map entry was one.
  uint8_t in_gap_;         // The copy in progress is an operation, not a segment.
  uint8_t page_clean_;
  uint8_t page_same_;
  uint8_t same_page_;    // What the last clean page was.
  uint8_t clean_pages_;  // Last flags, newest lowest; the following likewise.
  uint8_t clean_blocks_;
  uint8_t misses_;
  uint8_t last_delta_;  // Of the last byte that was not as expected.
  uint8_t miss_index_;
  uint8_t cursor_;     // In `window_`.
  uint8_t out_count_;  // Bytes in `out_`.
  uint8_t unit_width_;
  uint8_t unit_kind_;  // Template number + 1, or 0 for a byte.
  uint8_t unit_[kMaxUnit];

  Port* port_;
  Position position_;      // In the new image; the bytes in `out_` included.
  Position old_position_;  // Of the cursor.
  Position gap_end_;
  Position operation_end_;  // Of the copy or run of literals in progress.
  Position page_end_;
  Position block_end_;
  Position group_end_;
  uint32_t recent_bytes_;  // Last four, newest lowest.
  uint32_t base_;
  Template* templates_;
  Position distance_;  // Of the last copy from the new image.
  Position recent_shifts_[kRecentShifts];
  uint32_t segment_;
  Position segment_start_;
  Position old_length_;
  Position new_length_;
  Position group_size_;
  uint32_t ram_end_;
  Position last_old_;
  Position last_shift_;
  uint16_t entries_left_;
  uint16_t ram_entries_left_;
  uint8_t* arena_;
  uint32_t arena_left_;
  AddressMap<Position> image_map_;
  AddressMap<uint32_t> ram_map_;
  Model model_;

  uint32_t contexts_[kInputs];
  uint8_t window_[kHistory + kBlock + kMaxUnit];
  uint8_t out_[kBlock];
};

}  // namespace libdelta

#endif  // LIBDELTA_WIRE_CODEC_H_
