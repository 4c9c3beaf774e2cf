// The libdelta codec: one description of the payload, walked by the encoder and by the decoder.
//
// A payload is a prologue (reference templates, address maps) and the new image in order. The image is a
// sequence of *segments*, long copies from the old image whose positions the prologue's map has given away,
// and of *gaps* between them, filled by operations: literal bytes, short copies from the old image, copies
// from the new image written so far. Every copy from the old image is a prediction: references in it are
// relocated through the maps, and what the model codes is only whether, and where, the prediction fails.
// In a copy from the new image, what may differ is references: the model codes which keep their targets.
//
// Codec<Port> is written once. A Port either decodes, and Bit() returns what the arithmetic decoder found, or
// encodes, and Bit() returns what it was given. Every value is therefore passed in ("actual", meaningless
// when decoding) and taken back out. Encoder and decoder cannot disagree about a context, because there is
// only one place that computes it.
//
// Step() does a bounded amount of work and consumes at most kStepInput payload bytes, so that a decoder can
// stop between any two steps and wait for input.
#ifndef LIBDELTA_WIRE_CODEC_H_
#define LIBDELTA_WIRE_CODEC_H_

#include <stdint.h>
#include <string.h>

#include "libdelta/device.h"
#include "libdelta/wire/address_map.h"
#include "libdelta/wire/model.h"
#include "libdelta/wire/reference.h"

namespace libdelta {

constexpr uint32_t kBlock = 64;     // Bytes under one "as predicted" flag; output is written in these.
constexpr uint32_t kPage = 4096;    // Likewise, one level up.
constexpr uint32_t kMinPage = 256;  // Shorter stretches get no page flag.
constexpr uint32_t kMaxUnit = 4;    // Widest reference.
constexpr uint32_t kWindowBefore = kMaxReach;  // Bytes around a block that may matter.
constexpr uint32_t kWindowBehind = kMaxReach + kMaxUnit;
constexpr uint32_t kRecentShifts = 3;
constexpr uint32_t kStepInput = 54;      // Payload bytes that a step takes at most.
constexpr uint32_t kMaxEntries = 65535;  // In either address map.
constexpr uint32_t kMinUnits = 4;        // The smallest table of slots that the model works with.

// What bits are spent on, for statistics. Ports are told whenever it changes, and for which byte of the new
// image it is, if for any.
enum class Stream : uint8_t {
  kPrologue,
  kMap,
  kOperations,
  kLiterals,
  kClean,
  kReferences,
  kHits,
  kMisses,
  kCount
};

enum class OperationKind : uint8_t { kLiteral, kOld, kNew };

// Where an update in place is, between two groups.
struct PageProgress {
  uint16_t page;  // Produced last.
  uint16_t step;  // From there to the next one: 1 or, modulo 2^16, -1.
  uint16_t left;  // Pages still to be produced.
};

// What begins a group.
struct GroupStart {
  PageProgress progress;
  uint16_t retained;  // One bit for each undo copy, the first one lowest: whether it is still needed.
  uint8_t pages;      // Still to be produced in the group.
  bool move;          // A new journal begins. It keeps the model as it is if a spare page is free.
};

// What the prologue fixes.
struct CodecScript {
  uint8_t template_count;
  uint8_t model;  // The final rate of slots in the low four bits, then the masks of places.
  uint16_t image_entries;
  uint16_t ram_entries;
  uint16_t snapshot_units;  // In place: what is kept of the model, for KeptModelSize().
  uint32_t base;
  uint32_t ram_base;
  uint32_t ram_length;
};

// The start of the arena: what does not change after the prologue, and what is kept of the model.
struct StoredParts {
  uint8_t* start;
  uint32_t size;
};

// What a port says of updates in place where the new image goes elsewhere.
template <class Position>
struct ElsewherePort {
  static constexpr bool in_place() { return false; }
  static uint32_t copies() { return 0; }
  static CodecScript script() { return {}; }
  static void SetParts(const StoredParts&) {}
  static void Checkpoint(uint32_t, const GroupStart&) {}
  static void LoadParts() {}
  static libdelta_status OpenPage(uint32_t, Position, Position*, Position*) { return LIBDELTA_E_ARGUMENT; }
};

template <class Port>
class Codec {
 public:
  using Position = typename Port::Position;

  // The codec must have been zero-initialised.
  void Start(Port* port, uint8_t* arena, uint32_t arena_size, Position old_length, Position new_length) {
    model_.Start(port);
    arena_ = arena;
    arena_size_ = arena_size;
    areas_[0].length = old_length;
    new_length_ = new_length;
    result_ = LIBDELTA_NEED_INPUT;
  }

  // After Start(), instead of the first step: goes on at a group of an update in place. The caller then fills
  // the stored parts. False: they do not fit in the arena.
  bool Resume(const CodecScript& script, const PageProgress& progress) {
    group_.progress = progress;
    Layout(script);
    for (Area& area : areas_) area.map.Fill();
    BeginImage();
    return result_ == LIBDELTA_NEED_INPUT;
  }

  // NEED_INPUT: there is more to do. OK: the new image is complete. After anything else there is no next
  // step.
  [[gnu::noinline]] libdelta_status Step() {
    if (phase_ > kTables) {
      CodeImage();
    } else if (phase_ == kPrologue) {
      CodePrologue();
    } else {
      CodeTables();
    }
    return static_cast<libdelta_status>(result_);
  }

  Position position() const { return position_; }

 private:
  // What is in progress. From kNew on it is what the image is made of.
  enum Phase : uint8_t { kPrologue, kTables, kNew, kSegment, kOld, kLiteral };

  // Contexts of single decisions, each followed by room for what else selects it; a phase takes eight.
  enum Context : uint32_t {
    kIsLiteral = 0,
    kIsNew = 8,
    kToEnd = 16,
    kIsShift = 24,
    kNextInOrder = 48,
    kSameDistance = 49,
    kIsAnchor = 50,
    kMapSign = 52,
    kShiftSign = 53,
    kIsWide = 54,
    kPageClean = 56,
    kPageSame = 64,
    kBlockClean = 72,
    kSameByte = 80,  // Where no phase has blocks.
    kNumbers = 160
  };

  // Contexts of numbers; lengths have one for each phase, of which the first two have none.
  enum NumberContext : uint32_t { kMapOld, kMapShift, kGapLength, kOldShift, kNewDistance, kLength };

  // Bytes around those that a block is copied from: contexts look at them, and they may be the other word of
  // a reference at its edge.
  static constexpr uint32_t kBefore = Port::kHasTemplates ? kWindowBefore : 1;
  static constexpr uint32_t kBehind = Port::kHasTemplates ? kWindowBehind : 1;

  using Map = typename AddressMapType<Position, Port::kHasTemplates>::Type;

  // What references point to: a part of the address space and where its pieces are in the new one.
  struct Area {
    uint32_t base;
    Position length;
    Map map;
  };
  static constexpr uint32_t kAreas = 2;

  // What the coding of flags depends on: the last ones, newest lowest; and the last byte's difference from
  // what was expected, if it was not as expected.
  struct FlagHistory {
    uint8_t hits;
    uint8_t clean_pages;
    uint8_t same_pages;
    uint8_t clean_blocks;
    uint8_t delta;
  };
  // What the coding of copies depends on.
  struct CopyHistory {
    Position new_shift;  // Of the last one from the new image.
    Position shifts[kRecentShifts];
  };

  void Fail(libdelta_status status) { result_ = static_cast<uint8_t>(status); }

  Port& port() const { return model_.port(); }

  // --- Numbers -------------------------------------------------------------------------------------

  Position Direct(uint32_t bits, uint64_t actual) {
    Position value = 0;
    while (bits-- > 0) {
      int bit = 0;
      if constexpr (Port::kEncoding) bit = static_cast<int>(actual >> bits & 1);
      value = static_cast<Position>(value << 1 | static_cast<Position>(port().Bit(2048, bit)));
    }
    return value;
  }

  static uint32_t Magnitude(uint64_t actual) {
    uint32_t k = 0;
    while (k < 63 && (actual + 1) >> (k + 1) != 0) ++k;
    return k;
  }

  // The magnitude of value + 1, then the bits below its leading one, of which the lowest two show how things
  // are aligned. Magnitudes from 32 on are wide: a position of 32 bits cannot hold such a value + 1.
  Position Number(uint32_t context, uint64_t actual) {
    context = kNumbers + (context << (kMagnitudeBits + 1));
    uint32_t node = 2u | static_cast<uint32_t>(
                             Decide(kIsWide, Port::kEncoding && (Magnitude(actual) >> kMagnitudeBits) != 0));
    if (sizeof(Position) < 8 && node != 2) Fail(LIBDELTA_E_MALFORMED);
    for (uint32_t b = kMagnitudeBits; b-- > 0;) {
      int bit = 0;
      if constexpr (Port::kEncoding) bit = static_cast<int>(Magnitude(actual) >> b & 1);
      node = node << 1 | static_cast<uint32_t>(Decide(context + node, bit));
    }
    Position value = 1;
    for (uint32_t b = node - (2u << kMagnitudeBits); b-- > 0;) {
      int bit = 0;
      if constexpr (Port::kEncoding) bit = static_cast<int>((actual + 1) >> b & 1);
      const uint32_t low = 2 * b + (static_cast<uint32_t>(value) & ~b & 1);
      bit = b < kLowBits ? Decide(low - context, bit) : port().Bit(2048, bit);
      value = value << 1 | static_cast<Position>(bit);
    }
    return value - 1;
  }

  [[gnu::noinline]] int Decide(uint32_t context, int actual) { return model_.CodeSimple(context, actual); }

  // A difference as sign and magnitude, modulo the width of a position.
  Position Difference(uint32_t context, uint32_t sign_context, Position actual) {
    const int negative = Decide(sign_context, (actual >> (8 * sizeof(Position) - 1)) != 0);
    const Position magnitude = Number(context, negative ? static_cast<Position>(0 - actual) : actual);
    return negative ? static_cast<Position>(0 - magnitude) : magnitude;
  }

  // Fields of the prologue, which are only there if they are not 0.
  enum ScriptField : uint32_t {
    kImageEntries,
    kRamEntries,
    kBase,
    kRamBase,
    kRamLength,
    kGroupBlocks,
    kScriptFields
  };

  // --- Prologue -------------------------------------------------------------------------------------

  void CodePrologue() {
    port().Start();
    port().Enter(Stream::kPrologue);
    const auto& plan = port().plan();
    const uint32_t counts =
        static_cast<uint32_t>(Direct(12, plan.templates.size() << 8 | plan.places << 4 | plan.limit));
    auto&& script = port().script();
    script.template_count = static_cast<uint8_t>(counts >> 8);
    script.model = static_cast<uint8_t>(counts);
    const uint64_t actual[kScriptFields] = {plan.image_map.size(), plan.ram_map.size(), plan.base,
                                            plan.ram_base,         plan.ram_length,     plan.group_blocks};
    Position fields[kScriptFields];
    for (uint32_t i = 0; i < kScriptFields; ++i) {
      fields[i] = Direct(1, actual[i] != 0) ? Direct(i <= kRamEntries ? 16 : 32, actual[i]) : 0;
    }
    script.image_entries = static_cast<uint16_t>(fields[kImageEntries]);
    script.ram_entries = static_cast<uint16_t>(fields[kRamEntries]);
    if (Port::kHasTemplates) {
      script.base = static_cast<uint32_t>(fields[kBase]);
      script.ram_base = static_cast<uint32_t>(fields[kRamBase]);
      script.ram_length = static_cast<uint32_t>(fields[kRamLength]);
    }
    group_size_ = fields[kGroupBlocks] * kBlock;
    script.snapshot_units = 0;
    if (group_size_ == 0) --group_size_;  // One group, that never ends.
    if (port().in_place()) {
      group_.progress = {0xffff, 1, static_cast<uint16_t>(Direct(16, plan.pages))};
      script.snapshot_units = static_cast<uint16_t>(Direct(16, plan.snapshot_units));
    } else {
      piece_end_ = group_size_;
    }
    if (!Port::kHasTemplates && (script.template_count | script.image_entries | script.ram_entries) != 0) {
      return Fail(LIBDELTA_E_UNSUPPORTED);
    }
    Layout(script);
  }

  // Divides the arena. It holds the maps, the templates, the weights and the slots.
  void Layout(const CodecScript& script) {
    // A position in the image's map has room for either length and a bit.
    uint32_t width = 1;
    for (Position rest = (areas_[0].length | new_length_) >> 7; rest != 0; rest >>= 8) ++width;
    uint32_t image_size = 0;
    uint32_t maps = 0;
    uint32_t weights = 0;
    if constexpr (Port::kHasTemplates) {
      template_count_ = script.template_count;
      areas_[0].base = script.base;
      areas_[1].base = script.ram_base;
      areas_[1].length = script.ram_length;
      image_size = TableSize(script.image_entries, width);
      maps = image_size + script.ram_entries * 8u;
      weights = maps + script.template_count * static_cast<uint32_t>(sizeof(Template));
    }
    const uint32_t taken = weights + kModelSize;
    const uint32_t units = taken > arena_size_ ? 0 : (arena_size_ - taken) / kSlotUnitSize;
    if (units < kMinUnits || script.snapshot_units > units || width > sizeof(Position)) {
      return Fail(LIBDELTA_E_MALFORMED);
    }
    areas_[0].map.Attach(arena_, script.image_entries, width, true);
    areas_[1].map.Attach(arena_ + image_size, script.ram_entries, 4, false);
    model_.Attach(reinterpret_cast<Weight*>(arena_ + weights), units, script.model);
    port().SetParts({arena_, weights + KeptModelSize(script.snapshot_units)});
    arena_ += maps;
    model_.Reset();
    phase_ = kTables;
  }

  // Templates and maps, one after the other.
  void CodeTables() {
    if constexpr (Port::kHasTemplates) {
      if (arena_ + templates_size_ != model_.start()) return CodeTemplateByte();
      if (area_ != kAreas) return CodeMapEntry();
    }
    BeginImage();
  }

  void BeginImage() {
    segment_ = kNoSegment;
    phase_ = kSegment;
  }

  Template* templates() const { return reinterpret_cast<Template*>(arena_); }

  // A byte of a template: that of the template before, or another.
  void CodeTemplateByte() {
    const uint32_t i = template_byte_;
    uint8_t* byte = arena_ + templates_size_;
    *byte = templates_size_ < sizeof(Template) ? 0 : *(byte - sizeof(Template));
    const uint8_t actual = port().plan().TemplateByte(templates_size_++);
    if (!Decide(kSameByte + i / 4, actual == *byte)) {
      *byte = static_cast<uint8_t>(Direct(BitsOfByte(i), actual));
    }
    if (++template_byte_ == sizeof(Template)) template_byte_ = 0;
  }

  // Entries are not checked: whoever takes one for a place in an image has to do that anyway.
  void CodeMapEntry() {
    port().Enter(Stream::kMap);
    AddressMap<Position>& map = areas_[area_].map;
    if (map.full()) {
      last_old_ = last_shift_ = 0;
      ++area_;
      return;
    }
    const auto from = port().plan().Entry(area_, map.count());
    last_old_ += Number(kMapOld, static_cast<Position>(from.old_position - last_old_));
    const Position shift = static_cast<Position>(from.new_position - from.old_position);
    last_shift_ += Difference(kMapShift, kMapSign, shift - last_shift_);
    last_anchor_ = static_cast<uint8_t>(Decide(kIsAnchor + last_anchor_, from.anchor));
    map.Append(last_old_, last_old_ + last_shift_, last_anchor_);
  }

  // --- Segments and operations ----------------------------------------------------------------------

  void CodeImage() {
    if (IsComplete()) {
      Fail(LIBDELTA_OK);
      if (position_ & (kBlock - 1)) Flush();
      return;
    }
    if (position_ == piece_end_) {
      BeginPiece();
    } else if (position_ == operation_end_) {
      if (position_ == gap_end_) {
        BeginSegment();
      } else {
        CodeOperation();
      }
    } else if (phase_ == kLiteral) {
      CodeByte(kLiteralContexts, kLiteralKind);
    } else if (phase_ == kNew && IsNear()) {
      EmitByte(out_[static_cast<uint32_t>(position_ + shift_) & (kBlock - 1)]);
    } else if (position_ >= block_end_) {
      BeginBlock();
    } else {
      CodeUnit();
    }
  }

  bool IsComplete() const {
    if (!port().in_place()) return position_ == new_length_;
    return group_.progress.left == 0 && position_ == piece_end_;
  }

  // A piece of the image is complete, a group or in place a page, and it is not the last.
  void BeginPiece() {
    if (port().in_place()) {
      if (position_ & (kBlock - 1)) Flush();
      return BeginPage();
    }
    // Each group starts from the same model, so that a decoder can begin at any group.
    port().Restart();
    model_.Reset();
    piece_end_ += group_size_;
  }

  // In place, a device can begin at any group. It starts with what was kept of the model when a group last
  // said that it should be, and knows nothing else of what came before.
  void BeginGroup() {
    const uint32_t start = port().Restart();
    const uint32_t head = static_cast<uint32_t>(Direct(5, port().plan().GroupHead()));
    group_.pages = static_cast<uint8_t>((head & 15) + 1);
    group_.move = (head & 16) != 0;
    group_.retained = static_cast<uint16_t>(Direct(port().copies(), port().plan().Retained()));
    // If one of these fails, OpenPage() says so.
    port().Checkpoint(start, group_);
    model_.Reset();
    port().LoadParts();
    flags_ = {};
    copies_ = {};
  }

  void BeginPage() {
    if (group_.pages == 0) BeginGroup();
    --group_.pages;
    PageProgress& at = group_.progress;
    --at.left;
    port().Enter(Stream::kMap);
    at.page = static_cast<uint16_t>(at.page + at.step);
    const uint32_t page = port().plan().NextPage();
    if (!Direct(1, page == at.page)) {
      at.page = static_cast<uint16_t>(Direct(16, page));
      at.step = static_cast<uint16_t>(1 - 2 * Direct(1, port().plan().Descends()));
    }
    Fail(port().OpenPage(at.page, areas_[0].length, &position_, &piece_end_));
    if (result_ != LIBDELTA_NEED_INPUT) return;
    if (piece_end_ > new_length_) piece_end_ = new_length_;
    if (position_ >= piece_end_) return Fail(LIBDELTA_E_MALFORMED);
    gap_end_ = operation_end_ = position_;
    memset(out_, 0, sizeof(out_));
    FindSegment();
  }

  // The segment that the position is in or behind.
  void FindSegment() {
    const Map& map = areas_[0].map;
    segment_ = kNoSegment;
    next_shift_ = 0;
    Position nearest = 0;
    for (uint32_t i = 0; i < map.count(); ++i) {
      const Position at = map.new_at(i);
      if (map.flag_at(i) || at > position_ || at < nearest) continue;
      nearest = at;
      segment_ = i;
      next_shift_ = map.old_at(i) - at;
    }
  }

  // A segment and where the gap behind it ends. Segments are stored in the order of the old image and mostly
  // follow each other in the new one as well. An empty one, at the start of both images, precedes the first.
  void BeginSegment() {
    port().Enter(Stream::kMap, position_);
    const uint32_t before = segment_;
    const bool in_order = Decide(kNextInOrder, port().plan().NextIsInOrder(before)) != 0;
    shift_ = next_shift_;
    gap_end_ = port().in_place() ? piece_end_ : new_length_;
    const Map& map = areas_[0].map;
    segment_ = map.count();
    const Position least = position_ + (before != kNoSegment);
    for (uint32_t i = in_order ? before + 1 : 0; i < map.count(); ++i) {
      const Position at = map.new_at(i);
      // Anchors only serve references.
      if (map.flag_at(i) || at >= gap_end_ || at < least) continue;
      segment_ = i;
      gap_end_ = at;
      next_shift_ = map.old_at(i) - at;
      if (in_order) break;
    }
    copies_.shifts[2] = copies_.shifts[copies_.shifts[0] == shift_];
    copies_.shifts[1] = next_shift_;
    copies_.shifts[0] = shift_;
    phase_ = kSegment;
    SetLength(gap_end_ - position_ - Number(kGapLength, port().plan().GapAfter(before, position_, gap_end_)));
  }

  void CodeOperation() {
    port().Enter(Stream::kOperations, position_);
    auto from = port().plan().NextOperation();
    if constexpr (Port::kEncoding) {
      if (from.kind == OperationKind::kNew) from = port().plan().Cut(LengthOfCopy(from.source, from.length));
    }
    const uint32_t before = phase_;
    const Position room = gap_end_ - position_;
    if (Decide(kIsLiteral + before, from.kind == OperationKind::kLiteral)) {
      phase_ = kLiteral;
    } else if (Decide(kIsNew + before, from.kind == OperationKind::kNew)) {
      phase_ = kNew;
      if (!Decide(kSameDistance, ~copies_.new_shift == from.source - 1))
        copies_.new_shift = ~Number(kNewDistance, from.source - 1);
      shift_ = copies_.new_shift;
      if (~shift_ >= position_) return Fail(LIBDELTA_E_MALFORMED);
    } else {
      CodeShift(static_cast<Position>(from.source - position_));
      phase_ = kOld;
    }
    Position length = room;
    if (phase_ != kLiteral || !Decide(kToEnd + before, from.length == room)) {
      length = Number(kLength + phase_, from.length - 1) + 1;
    }
    SetLength(length);
  }

  void SetLength(Position length) {
    const Position from = position_ + shift_;
    if (length > gap_end_ - position_ ||
        (InCopy() && length != 0 && (from > areas_[0].length || length > areas_[0].length - from))) {
      return Fail(LIBDELTA_E_MALFORMED);
    }
    operation_end_ = position_ + length;
    page_end_ = block_end_ = position_;
  }

  // A copy from the old image is in progress.
  bool InCopy() const { return phase_ == kSegment || phase_ == kOld; }

  // Whether `out_` still has what a copy from the new image takes.
  bool IsNear() const { return shift_ >= 0 - Position{kBlock}; }

  void CodeShift(Position actual) {
    uint32_t i = 0;
    while (i < kRecentShifts && !Decide(kIsShift + 8 * i + phase_, copies_.shifts[i] == actual)) ++i;
    if (i < kRecentShifts) {
      shift_ = copies_.shifts[i];
    } else {
      shift_ = copies_.shifts[0] + Difference(kOldShift, kShiftSign, actual - copies_.shifts[0]);
      --i;
    }
    for (; i > 0; --i) copies_.shifts[i] = copies_.shifts[i - 1];
    copies_.shifts[0] = shift_;
  }

  // --- Contexts of mixed symbols --------------------------------------------------------------------

  // What a context may depend on, and the sets of these that are the contexts of each kind of symbol.
  enum Feature : uint32_t {
    kNothing,
    kLast,
    kSecond,
    kThird,     // The last bytes of the new image.
    kExpected,  // The predicted byte.
    kOldBefore,
    kOldAfter,  // Its neighbours in the old image.
    kKind,      // Template, and what kind of copy it is in.
    kLastDelta,
    kHits,
    kPlace,
    kAlign,
    kSecondTop,  // The upper five bits of that byte: much of an opcode.
    kFeatures
  };

  // Numbers of up to four features, four bits each.
  static constexpr uint16_t Set(uint32_t a, uint32_t b = kNothing, uint32_t c = kNothing,
                                uint32_t d = kNothing) {
    return static_cast<uint16_t>(a | b << 4 | c << 8 | d << 12);
  }

  static constexpr uint16_t kLiteralContexts[kInputs] = {
      Set(kLast, kPlace),   Set(kPlace),          Set(kSecondTop, kPlace), Set(kLast, kPlace),
      Set(kSecond, kThird), Set(kSecond, kPlace), Set(kLast, kSecond)};
  static constexpr uint16_t kHitContexts[kInputs] = {
      Set(kKind),      Set(kExpected, kKind, kAlign), Set(kAlign), Set(kLast, kOldBefore), Set(kKind, kHits),
      Set(kLastDelta), Set(kKind, kOldAfter)};
  static constexpr uint16_t kMissContexts[kInputs] = {
      Set(kLast, kPlace),       Set(kExpected),         Set(kPlace),
      Set(kOldAfter, kPlace),   Set(kExpected, kPlace), Set(kLast, kExpected, kOldBefore),
      Set(kExpected, kOldAfter)};

  // Sets of weights by the kind of symbol; the first three have one for each place.
  enum Kind : uint32_t { kLiteralKind = 0, kByteKind = 4, kMissKind = 8, kReferenceKind = 12 };

  // Hashes the contexts and returns the place in an instruction. Where a hash starts keeps its set of
  // features apart from others.
  uint32_t HashContexts(const uint16_t* sets, Input* contexts) const {
    const uint8_t* old = window_ + kBefore + cursor_;
    uint8_t features[kFeatures];
    Position at = position_;
#pragma GCC unroll 1
    for (uint32_t i = kLast; i <= kThird; ++i) features[i] = out_[--at & (kBlock - 1)];
    features[kExpected] = unit_[0];
    features[kOldBefore] = old[-1];
    features[kOldAfter] = old[1];
    features[kKind] = static_cast<uint8_t>(UnitKind() | phase_ << 4);
    features[kLastDelta] = flags_.delta;
    features[kHits] = flags_.hits;
    const uint32_t place = static_cast<uint32_t>(position_) & model_.places() & 3;
    features[kPlace] = static_cast<uint8_t>(place);
    features[kAlign] = static_cast<uint8_t>(position_ & model_.places() >> 2);
    features[kSecondTop] = features[kSecond] >> 3;
    for (uint32_t i = 0; i < kInputs; ++i) {
      uint32_t hash = static_cast<uint32_t>(sets[i]) << 8;
      for (uint32_t set = sets[i]; set != 0; set >>= 4) hash = (hash + features[set & 15]) * 0x9e3779b1u;
      contexts[i].context = hash ^ hash >> 15;
    }
    return place;
  }

  uint8_t CodeByte(const uint16_t* sets, uint32_t kind) {
    port().Enter(phase_ == kLiteral ? Stream::kLiterals : Stream::kMisses, position_);
    Input contexts[kInputs];
    kind += HashContexts(sets, contexts);
    const uint8_t byte = static_cast<uint8_t>(model_.CodeByte(contexts, kind, port().ActualByte(position_)));
    EmitByte(byte);
    return byte;
  }

  // --- Copies ---------------------------------------------------------------------------------------

  // What is left before the operation or the piece ends.
  Position Room() const {
    const Position operation = operation_end_ - position_;
    const Position piece = piece_end_ - position_;
    return operation < piece ? operation : piece;
  }

  // Likewise, and before the next multiple of `size`.
  [[gnu::noinline]] uint32_t Piece(uint32_t size) const {
    const uint32_t piece = size - (static_cast<uint32_t>(position_) & (size - 1));
    const Position room = Room();
    return room < piece ? static_cast<uint32_t>(room) : piece;
  }

  // Where the byte at the position goes.
  uint8_t* Out() { return out_ + (static_cast<uint32_t>(position_) & (kBlock - 1)); }

  void BeginBlock() {
    port().Enter(Stream::kClean, position_);
    if (position_ >= page_end_) {
      const uint32_t size = Piece(kPage);
      page_end_ = position_ + size;
      page_clean_ = page_same_ = 0;
      if (size >= kMinPage)
        page_clean_ = CodeClean(kPageClean, &flags_.clean_pages, Port::kEncoding && RangeClean());
      if (page_clean_) page_same_ = CodeClean(kPageSame, &flags_.same_pages, Port::kEncoding && RangeSame());
    }
    const uint32_t size = Piece(kBlock);
    block_end_ = position_ + size;
    if (page_same_) {
      Read(position_ + shift_, Out(), size);
      return Emitted(size);
    }
    LoadWindow();
    if (!page_clean_) {
      if (phase_ == kNew) return;
      const uint32_t context = kBlockClean + phase_ * 16u + (size < kBlock / 2) * 8u;
      if (!CodeClean(context, &flags_.clean_blocks, Port::kEncoding && WindowClean())) return;
    }
    while (position_ < block_end_) {
      PredictUnit();
      EmitUnit();
    }
  }

  // A flag that depends on the last three of its kind.
  [[gnu::noinline]] uint8_t CodeClean(uint32_t context, uint8_t* history, bool actual) {
    const uint8_t clean = static_cast<uint8_t>(Decide(context + (*history & 7u), actual));
    *history = static_cast<uint8_t>(*history << 1 | clean);
    return clean;
  }

  // Reads the bytes that a block is copied from, those a reference at its end may need, and the one before
  // it. There are zeros where the image has none.
  void LoadWindow() {
    const Position from = position_ + shift_;
    const uint32_t before = from < kBefore ? static_cast<uint32_t>(from) : kBefore;
    // Of the new image, what has been written.
    const Position left = (phase_ == kNew ? position_ & (0 - Position{kBlock}) : areas_[0].length) - from;
    const uint32_t size = left < kBlock + kBehind ? static_cast<uint32_t>(left) : kBlock + kBehind;
    memset(window_, 0, sizeof(window_));
    cursor_ = 0;
    Read(from - before, window_ + kBefore - before, size + before);
  }

  void Read(Position from, uint8_t* to, uint32_t size) {
    const libdelta_status status = port().Read(phase_ == kNew, from, to, size);
    if (status != LIBDELTA_OK) Fail(status);
  }

  // What is expected at the cursor: template number + 1, or 0 for a byte.
  uint32_t UnitKind() const { return Port::kHasTemplates ? unit_kind_ : 0u; }
  uint32_t UnitWidth() const { return Port::kHasTemplates ? unit_width_ : 1u; }

  // The first unit at the cursor: a reference that changes, or a byte.
  void PredictUnit() {
    unit_kind_ = static_cast<uint8_t>(template_count_ + 1);
    PredictNextUnit();
  }

  // The one to expect there if `unit_kind_` is wrong. A byte comes last.
  void PredictNextUnit() {
    if constexpr (Port::kHasTemplates) {
      while (--unit_kind_ != 0) {
        if (PredictReference(templates()[unit_kind_ - 1])) return;
      }
    }
    unit_kind_ = 0;
    unit_width_ = 1;
    unit_[0] = window_[kBefore + cursor_];
  }

  // Relocates the word at the cursor. False: it is no reference of this kind, or one that does not change.
  [[gnu::noinline]] uint32_t PredictReference(const Template& t) {
    const uint32_t new_address = areas_[0].base + static_cast<uint32_t>(position_);
    const uint32_t old_address = new_address + static_cast<uint32_t>(shift_);
    if ((old_address & t.align_mask) || t.last_byte >= Room()) return 0;
    const uint8_t* old = window_ + kBefore + cursor_;
    uint32_t words[kWords];
    for (uint32_t w = 0; w < kWords; ++w, old += Reach(t)) {
      words[w] = LoadWord(old, t.order);
      if ((words[w] & t.mask[w]) != t.match[w]) return 0;
    }
    if (!AreTied(t, words)) return 0;
    const uint32_t old_word = words[0];
    uint32_t target = Target(t, Exchange(t, words, 0), old_address, kOldSide);
    if (phase_ == kNew ? !KeepsTarget(t) : !Move(&target)) return 0;
    uint32_t field;
    if (!FieldFor(t, target, new_address, &field)) return 0;
    Exchange(t, words, field);
    StoreWord(unit_, t.order, words[0]);
    unit_width_ = static_cast<uint8_t>(Width(t));
    return words[0] ^ old_word;
  }

  // From an address of the old image to that in the new one. False: it is in neither area.
  bool Move(uint32_t* address) const {
    for (const Area& area : areas_) {
      const uint32_t offset = *address - area.base;
      if (offset >= area.length) continue;
      *address = area.base + static_cast<uint32_t>(area.map.Map(offset));
      return true;
    }
    return false;
  }

  void EmitUnit() {
    for (uint32_t i = 0; i < UnitWidth(); ++i) EmitByte(unit_[i]);
    cursor_ = static_cast<uint8_t>(cursor_ + UnitWidth());
  }

  // Tries one unit after the other. A byte that is not as expected either is coded.
  void CodeUnit() {
    PredictUnit();
    // No other phase with units is below kNew: only bytes of copies from the new image are not asked about.
    while (phase_ + UnitKind() != kNew) {
      port().Enter(UnitKind() ? Stream::kReferences : Stream::kHits, position_);
      Input contexts[kInputs];
      uint32_t kind = kByteKind + HashContexts(kHitContexts, contexts);
      uint32_t added = flags_.hits & 3;
      if (UnitKind()) {
        kind = kReferenceKind;
        added += 4;
      }
      const int hit = model_.CodeFlag(contexts, kind, added, Port::kEncoding && UnitHits());
      flags_.hits = static_cast<uint8_t>(flags_.hits << 1 | hit);
      if (hit) break;
      if (UnitKind() == 0) {
        flags_.delta = static_cast<uint8_t>(CodeByte(kMissContexts, kMissKind) - unit_[0]);
        ++cursor_;
        return;
      }
      PredictNextUnit();
    }
    EmitUnit();
  }

  // --- Output ---------------------------------------------------------------------------------------

  void EmitByte(uint8_t byte) {
    *Out() = byte;
    Emitted(1);
  }

  // `count` bytes have been put where Out() is; they do not go beyond the end of the buffer.
  void Emitted(uint32_t count) {
    position_ += count;
    if ((position_ & (kBlock - 1)) == 0) Flush();
  }

  // Writes what the last block has, unless it could not be read. Needs position() > 0.
  [[gnu::noinline]] void Flush() {
    if (result_ > LIBDELTA_NEED_INPUT) return;
    const Position start = (position_ - 1) & ~static_cast<Position>(kBlock - 1);
    if (!port().WriteNew(start, out_, static_cast<uint32_t>(position_ - start))) Fail(LIBDELTA_E_WRITE_NEW);
  }

  // --- What the encoder must know before it codes a flag --------------------------------------------

  bool UnitHits() const {
    for (uint32_t i = 0; i < UnitWidth(); ++i) {
      if (port().ActualByte(position_ + i) != unit_[i]) return false;
    }
    return true;
  }

  // Walks to the end of the block while it is as predicted: by the first unit of each place, or by any.
  bool WalkBlock(bool by_any) {
    while (position_ < block_end_) {
      PredictUnit();
      while (!UnitHits()) {
        if (!by_any || UnitKind() == 0) return false;
        PredictNextUnit();
      }
      position_ += UnitWidth();
      cursor_ = static_cast<uint8_t>(cursor_ + UnitWidth());
    }
    return true;
  }

  // Whether the rest of the window's block is as predicted, or that of the page. They leave no traces.
  bool WindowClean() {
    const Codec saved = *this;
    const bool clean = WalkBlock(false);
    *this = saved;
    return clean;
  }

  bool RangeClean() {
    const Codec saved = *this;
    bool clean = true;
    while (clean && position_ < page_end_) {
      block_end_ = position_ + Piece(kBlock);
      LoadWindow();
      clean = WalkBlock(false);
    }
    *this = saved;
    return clean;
  }

  bool RangeSame() const {
    return port().Same(phase_ == kNew, position_ + shift_, position_, page_end_ - position_);
  }

  // How far a copy from the new image comes out right, with its references or without.
  Position LengthOfCopy(Position distance, Position length) {
    // What is malformed is refused where it is coded.
    if (distance - 1 >= position_ || length > gap_end_ - position_) return length;
    const Codec saved = *this;
    phase_ = kNew;
    shift_ = 0 - distance;
    SetLength(length);
    while (position_ < operation_end_ && WalkCopyPiece()) {
    }
    const Position end = position_;
    *this = saved;
    return end - position_;
  }

  // False: not all of a block, or of what is in its group.
  bool WalkCopyPiece() {
    if (position_ == piece_end_) piece_end_ += group_size_;
    block_end_ = position_ + Piece(kBlock);
    if (IsNear()) {
      while (position_ < block_end_ &&
             port().ActualByte(position_ + shift_) == port().ActualByte(position_)) {
        ++position_;
      }
      return position_ == block_end_;
    }
    LoadWindow();
    return WalkBlock(true);
  }

  static constexpr uint32_t kMagnitudeBits = 5;
  static constexpr uint32_t kLowBits = 2;  // Of a number, that have contexts.
  static constexpr uint32_t kNoSegment = 0xffffffffu;

  // What is used most comes first, and bytes before words: small cores reach it there with short
  // instructions.
  Model<Port> model_;
  uint8_t result_;  // A libdelta_status.
  uint8_t phase_;
  uint8_t template_count_;
  uint8_t unit_width_;
  uint8_t unit_kind_;  // Template number + 1, or 0 for a byte.
  uint8_t cursor_;     // Of the next old byte in `window_`, less kBefore.
  FlagHistory flags_;
  uint8_t unit_[kMaxUnit];
  uint8_t page_clean_;
  uint8_t page_same_;
  uint8_t last_anchor_;    // Whether the last map entry was one.
  uint8_t template_byte_;  // Of the next one, in its template.
  uint8_t area_;           // Whose map is being coded.

  Position position_;       // In the new image; the bytes in `out_` included.
  Position shift_;          // From there to the old byte.
  Position operation_end_;  // Of the segment or operation in progress.
  Position gap_end_;        // Where the next segment begins.
  Position block_end_;
  Position piece_end_;  // Of the group; in place, of the page.
  uint8_t* arena_;      // All of it; once it is divided, its templates.
  Position new_length_;
  CopyHistory copies_;
  Position next_shift_;      // Of the segment behind the gap.
  uint32_t segment_;         // That segment.
  uint32_t templates_size_;  // Bytes of templates coded so far.
  Position group_size_;
  Position last_old_;
  Position last_shift_;
  uint32_t arena_size_;
  Position page_end_;
  Area areas_[kAreas];  // The image and the RAM.
  GroupStart group_;    // Of the one in progress, in place.

  // The last bytes of the new image, each at its position modulo kBlock. Aligned: they are copied whole.
  alignas(4) uint8_t out_[kBlock];
  uint8_t window_[kBefore + kBlock + kBehind];  // What the block is copied from.
};

}  // namespace libdelta

#endif  // LIBDELTA_WIRE_CODEC_H_
