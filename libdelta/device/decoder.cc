// The decoding side of Codec<Port> (wire/codec.h): bits come from the arithmetic decoder, images from the
// caller's callbacks.
#include "libdelta/device/decoder.h"

#include "libdelta/device/in_place.h"
#include "libdelta/device/range_decoder.h"
#include "libdelta/wire/codec.h"

namespace libdelta {
namespace {

// What the codec asks an encoder for; a decoder has no answers, and nobody looks at them.
struct NoPlan {
  struct List {
    static constexpr uint32_t size() { return 0; }
  };
  struct Operation {
    OperationKind kind = OperationKind::kLiteral;
    uint32_t length = 0;
    uint32_t source = 0;
  };
  struct MapEntry {
    uint32_t old_position = 0;
    uint32_t new_position = 0;
    bool anchor = false;
  };
  static constexpr List templates{};
  static constexpr List image_map{};
  static constexpr List ram_map{};
  static constexpr uint32_t base = 0;
  static constexpr uint32_t ram_base = 0;
  static constexpr uint32_t ram_length = 0;
  static constexpr uint32_t limit = 0;
  static constexpr uint32_t places = 0;
  static constexpr uint32_t group_blocks = 0;
  static uint8_t TemplateByte(uint32_t) { return 0; }
  static MapEntry Entry(uint32_t, uint32_t) { return {}; }
  static bool NextIsInOrder(uint32_t) { return false; }
  static uint32_t GapAfter(uint32_t, libdelta_offset, libdelta_offset) { return 0; }
  static Operation NextOperation() { return {}; }
  static constexpr uint32_t pages = 0;
  static constexpr uint32_t snapshot_units = 0;
  static uint32_t GroupHead() { return 0; }
  static uint32_t Retained() { return 0; }
  static uint32_t NextPage() { return 0; }
  static bool Descends() { return false; }
};

// The last two bytes that the arithmetic decoder has taken are kept: a group may end before them.
constexpr uint32_t kKept = 2;

#ifndef LIBDELTA_NO_IN_PLACE
class DecodePort {
#else
class DecodePort : public ElsewherePort<libdelta_offset> {
#endif
 public:
  using Position = libdelta_offset;
  static constexpr bool kEncoding = false;
#ifdef LIBDELTA_NO_TEMPLATES
  static constexpr bool kHasTemplates = false;
#else
  static constexpr bool kHasTemplates = true;
#endif

  RangeDecoder coder;
  const libdelta_io *io;
#ifndef LIBDELTA_NO_IN_PLACE
  InPlace *update;
#endif
  uint32_t kept;  // Bytes taken that must stay at hand.

  static NoPlan plan() { return {}; }
  static void Enter(Stream, Position = 0) {}
  int Bit(uint32_t p12, int) { return coder.Bit(p12); }
  void Start() {
    coder.Start();
    kept = kKept;
  }
  // Returns where the next group begins.
  uint32_t Restart() {
    coder.Restart();
    return coder.next() - 4;
  }

#ifndef LIBDELTA_NO_IN_PLACE
  bool in_place() const { return update->active(); }
  uint32_t copies() const { return update->capacity(); }
  CodecScript &script() { return update->script(); }
  void SetParts(const StoredParts &parts) { update->SetParts(parts); }
  void Checkpoint(uint32_t start, const GroupStart &group) { update->Checkpoint(start, group); }
  void LoadParts() { update->LoadParts(); }
  libdelta_status OpenPage(uint32_t page, Position old_length, Position *start, Position *end) {
    return update->OpenPage(page, old_length, start, end);
  }
#endif

#ifdef LIBDELTA_NO_TWO_SLOT
  libdelta_status Read(bool is_new, Position at, uint8_t *to, uint32_t size) {
    if (update->Read(static_cast<uint32_t>(at), to, size, !is_new)) return LIBDELTA_OK;
    return is_new ? LIBDELTA_E_READ_NEW : LIBDELTA_E_READ_OLD;
  }
  bool WriteNew(Position at, const uint8_t *from, uint32_t size) {
    return update->WriteNew(static_cast<uint32_t>(at), from, size);
  }
#else
  libdelta_status Read(bool is_new, Position at, uint8_t *to, uint32_t size) {
    auto read = io->read_old;
    libdelta_status failure = LIBDELTA_E_READ_OLD;
    if (is_new) {
      read = io->read_new;
      failure = LIBDELTA_E_READ_NEW;
    }
    return read(io->user, at, to, size) == 0 ? LIBDELTA_OK : failure;
  }
  bool WriteNew(Position at, const uint8_t *from, uint32_t size) {
    return io->write_new(io->user, at, from, size) == 0;
  }
#endif
  static uint8_t ActualByte(Position) { return 0; }
  static bool Same(bool, Position, Position, Position) { return false; }
};

struct State {
  DecodePort port;
  Codec<DecodePort> codec;
};

static_assert(sizeof(State) <= sizeof(Decoder), "the decoder's storage is too small");

// More zeros than this beyond the end of the payload are not an encoder's trailing zeros.
constexpr uint32_t kMaxOverrun = 4;

static_assert(kStepInput + kKept <= kDecoderLookahead, "a step must fit in what may be left unread");

}  // namespace

libdelta_status DecoderInit(Decoder *decoder, const libdelta_io *io, InPlace *in_place, uint8_t *arena,
                            uint32_t arena_size, libdelta_offset old_length, libdelta_offset new_length) {
  State *state = reinterpret_cast<State *>(decoder->storage);
  memset(static_cast<void *>(state), 0, sizeof(*state));
  state->port.io = io;
#ifndef LIBDELTA_NO_IN_PLACE
  state->port.update = in_place;
#else
  (void)in_place;
#endif
  state->codec.Start(&state->port, arena, arena_size, old_length, new_length);
#ifndef LIBDELTA_NO_IN_PLACE
  if (in_place->resumes()) {
    // The group's first bytes count as taken: it begins by going back to them.
    state->port.kept = kKept;
    if (!state->codec.Resume(in_place->script(), in_place->record().progress)) return LIBDELTA_E_FLASH;
    in_place->LoadParts();
    return in_place->Status();
  }
#endif
  return LIBDELTA_NEED_INPUT;
}

libdelta_status DecoderRun(Decoder *decoder, const uint8_t *input, uint32_t size, bool last, uint32_t *used) {
  State *state = reinterpret_cast<State *>(decoder->storage);
  RangeDecoder &coder = state->port.coder;
  libdelta_status status = LIBDELTA_NEED_INPUT;
  coder.SetInput(input, size, state->port.kept);
  while (status == LIBDELTA_NEED_INPUT && (last || coder.next() + kStepInput <= size)) {
    status = state->codec.Step();
    if (coder.next() > size + kMaxOverrun) status = LIBDELTA_E_MALFORMED;
  }
  *used = coder.next();
  if (status == LIBDELTA_NEED_INPUT) *used -= state->port.kept;
  if (*used > size) *used = size;
  return status;
}

}  // namespace libdelta
