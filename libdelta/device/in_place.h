// Updates in place: the slot's pages, undo copies, and the journal from which an update goes on after a power
// cut (FORMAT.md 6).
//
// The slot is rewritten page by page. Before a page is erased, its old bytes are copied to a spare page, from
// where they are read until the group ends. A checkpoint in the journal begins each group. Wherever power
// fails, decoding starts there again and does the same again, because all that it reads is still there.
//
// What power fails at is torn: it may read well after one reset and badly after the next, and what reads
// blank may not be programmable. So what counts is marked by something written behind it, and the first thing
// that is written after a reset is a page that has just been erased: the journal goes on there.
#ifndef LIBDELTA_DEVICE_IN_PLACE_H_
#define LIBDELTA_DEVICE_IN_PLACE_H_

#include <stdint.h>

#include "libdelta/device.h"
#include "libdelta/wire/codec.h"
#include "libdelta/wire/format.h"
#include "libdelta/wire/header.h"

namespace libdelta {

// A chunk of the patch.
struct ChunkPlace {
  uint32_t payload_left;  // Payload bytes from its start on.
  uint8_t link[kLinkSize];
};

// What a journal says about its update, as it is in flash.
struct JournalRecord {
  ChunkPlace chunk;  // The one that holds the group's first byte.
  uint16_t skip;     // Data bytes in that chunk before the group; or kFinished, kAbandoned.
  PageProgress progress;
  uint32_t check;
};
static_assert(sizeof(JournalRecord) == kJournalRecordSize, "no padding");
constexpr uint16_t kFinished = 0xffff;
constexpr uint16_t kAbandoned = 0xfffe;

// Where the bytes that are being decoded come from.
struct PatchSource {
  uint32_t payload_left;  // From the start of their chunk on.
  uint16_t chunk_size;
  int16_t carried;  // Bytes of the chunk before in front of its data; negative: data bytes that are left out.
  uint8_t links[3][kLinkSize];  // Of the chunk before, of theirs, and of the next one.
};

#ifdef LIBDELTA_NO_TWO_SLOT
constexpr bool kHasTwoSlot = false;
#else
constexpr bool kHasTwoSlot = true;
#endif

#ifdef LIBDELTA_NO_FULL_IMAGE
constexpr bool kAcceptsWhole = false;
#else
constexpr bool kAcceptsWhole = true;
#endif

#ifdef LIBDELTA_NO_IN_PLACE

// Stands in where the library is compiled without updates in place.
class InPlace {
 public:
  static constexpr bool active() { return false; }
  static constexpr bool resumes() { return false; }
  static libdelta_status CheckJournal(const WireHeader &) { return LIBDELTA_OK; }
  static libdelta_status Begin(const WireHeader &, uint32_t) { return LIBDELTA_E_ARGUMENT; }
  static libdelta_status Finish() { return LIBDELTA_E_ARGUMENT; }
  static void Abandon() {}
};

#else

// A flash operation that fails is the last one: all others are left out, and the status says so.
class InPlace {
 public:
  // Everything else is zero at first. `flash` must be usable; null: updates are not in place.
  void Start(const libdelta_flash *flash);
  bool active() const { return !kHasTwoSlot || flash_ != nullptr; }

  // Whether the geometry is the one of an extension, which is given from its length on.
  bool MatchesGeometry(const uint8_t *extension) const;
  uint32_t slot_size() const { return slot_size_; }
  // Of the images, whose lengths fit in an offset.
  static libdelta_offset Longest(const WireHeader &header) {
    const libdelta_offset old_length = static_cast<libdelta_offset>(header.old_length());
    const libdelta_offset new_length = static_cast<libdelta_offset>(header.new_length());
    return old_length > new_length ? old_length : new_length;
  }

  // The image in the slot: with undo copies its old bytes as they were when the group began, without them its
  // new ones as far as they have been written. Protected bytes read as erased. False: a flash operation
  // failed.
  bool Read(uint32_t offset, uint8_t *to, uint32_t size, bool undo) const;
  bool WriteNew(uint32_t offset, const uint8_t *from, uint32_t size) {
    Program(flash_->slot + offset, from, size);
    return !failed();
  }

  // Whether a patch may replace what the journal is about: OK or E_IN_PROGRESS.
  libdelta_status CheckJournal(const WireHeader &header);

  // After CheckJournal(): begins a journal with the header of a patch that passed all checks, of which
  // `header` is the start. NEED_INPUT or E_FLASH.
  libdelta_status Begin(const WireHeader &header, uint32_t header_length);

  // Undo copies that there is room for.
  uint32_t capacity() const { return capacity_; }

  // Looks for the newest journal and takes it up. False: there is none. Otherwise record() is its last word,
  // script() what the prologue said, and ReadHeader() gives the patch's header, of header_length() bytes.
  bool Find();
  const JournalRecord &record() const { return record_; }
  uint32_t header_length() const { return start_.header_length; }
  bool ReadHeader(uint8_t *to) const { return ReadFlash(HeaderAddress(), to, start_.header_length); }

  // What the prologue says, which journals keep.
  CodecScript &script() { return start_.script; }
  // What else they keep. It is as large in each journal of an update: that follows from the script.
  void SetParts(const StoredParts &parts) { parts_ = parts; }
  void LoadParts();

  // Begins a group whose first byte is byte `start` of what the decoder sees.
  void Checkpoint(uint32_t start, const GroupStart &group);

  // E_FLASH if a flash operation has failed, or else NEED_INPUT.
  libdelta_status Status() const { return static_cast<libdelta_status>(status_); }

  // Makes a page of the slot ready to be written. NEED_INPUT or an error.
  libdelta_status OpenPage(uint32_t page, libdelta_offset old_length, libdelta_offset *start,
                           libdelta_offset *end);

  // Whether something was written behind what counts.
  bool HasTrace() const { return has_trace_; }

  // The new image has been verified: OK or E_FLASH. Or it has turned out wrong, and there is no way on.
  libdelta_status Finish();
  void Abandon() { End(kAbandoned); }
  PatchSource &source() { return source_; }

  // Goes on with the update that Find() has taken up.
  void Resume() { resumes_ = true; }
  bool resumes() const { return resumes_; }
  // Data bytes of the next chunk that are not decoded.
  uint32_t TakeSkip() {
    const uint32_t skip = skip_;
    skip_ = 0;
    return skip;
  }
  void SetSkip(uint16_t skip) { skip_ = skip; }

 private:
  // As they are in flash.
  struct Copy {
    uint16_t page;
    uint16_t place;  // The page that holds it.
  };
  struct CopyRecord {
    Copy copy;
    uint32_t check;
  };
  struct JournalStart {
    uint32_t frames;   // Where the first one begins.
    uint32_t longest;  // Of old and new image.
    uint16_t sequence;
    uint16_t header_length;
    CodecScript script;
  };
  static_assert(sizeof(JournalStart) == kJournalStartSize && sizeof(CopyRecord) == kCopyRecordSize,
                "no padding");
  static constexpr uint32_t kJournalMagic = 0x4a445746;
  static constexpr uint32_t kPiece = 64;
  static constexpr uint32_t kNowhere = 0xffffffff;

  // What is called once is always inlined: that is smaller, and a compiler cannot know it of members.
  bool ReadFlash(uint32_t address, void *to, uint32_t size) const;
  void Erase(uint32_t address);
  void Program(uint32_t address, const void *from, uint32_t size);
  void ProgramUnits(uint32_t address, const uint8_t *from, uint32_t size);
  uint32_t Pass(uint32_t check, uint32_t from, uint32_t size, uint32_t to);
  uint32_t CheckFlash(uint32_t check, uint32_t address, uint32_t size) {
    return Pass(check, address, size, kNowhere);
  }
  void CopyFlash(uint32_t from, uint32_t to, uint32_t size);
  bool IsBlank(uint32_t address, uint32_t size) const;
  uint32_t Units(uint32_t size) const { return (size + flash_->write_unit - 1) & (0u - flash_->write_unit); }
  void Fail() { status_ = LIBDELTA_E_FLASH; }
  bool failed() const { return status_ != LIBDELTA_NEED_INPUT; }

  // Spare pages are numbered behind those of the slot.
  uint32_t PageAddress(uint32_t index, uint32_t *size) const;
  uint32_t PageAddress(uint32_t index) const {
    uint32_t size;
    return PageAddress(index, &size);
  }
  uint32_t PageAt(uint32_t offset) const;
  uint32_t UsableSize(uint32_t index) const;
  bool IsProtected(uint32_t address) const;
  uint32_t FindCopy(uint16_t Copy::*number, uint32_t wanted) const;
  void FindRoom();
  bool IsPlace(uint32_t page, bool in_slot) const;
  uint32_t NextPage(bool in_slot);

  // The journal's page: start, header, parts, frames. The start is a multiple of all write units.
  uint32_t HeaderAddress() const { return journal_ + sizeof(JournalStart); }
  uint32_t PartsAddress() const { return HeaderAddress() + Units(start_.header_length); }
  void UsePage(uint32_t page);
  void CheckStart();
  bool TakeUp(uint32_t page);
  void BeginJournal();
  void WriteJournal();
  void CopyHeader();
  [[gnu::always_inline]] bool IsFull() const { return !uses_slot_ && copies_ == capacity_; }
  void TakeBack();
  [[gnu::always_inline]] inline bool NeedsJournal(const GroupStart &group);
  void End(uint16_t reason);
  [[gnu::always_inline]] inline void Retain(uint32_t retained);

  // A frame: a record, its mark, room for the undo copies of its group, a mark behind the last of them.
  uint32_t FirstFrame() const { return journal_ + start_.frames; }
  static uint32_t RecordMark(uint32_t frame) { return frame + sizeof(JournalRecord); }
  uint32_t CopyAddress(uint32_t i) const {
    return RecordMark(frame_) + flash_->write_unit + i * Units(sizeof(CopyRecord));
  }
  uint32_t CopiesMark() const { return CopyAddress(capacity_); }
  bool HasFrames(uint32_t frame, uint32_t count) const {
    return frame + count * frame_size_ <= journal_ + flash_->spare_page_size;
  }
  void Mark(uint32_t address);
  bool IsMarked(uint32_t address) const { return !IsBlank(address, flash_->write_unit); }
  uint32_t CheckPage(uint32_t check, uint32_t page, uint32_t place);
  uint32_t CheckRecord();
  uint32_t CheckCopy(const Copy &copy, uint32_t place);
  void WriteCopy(uint32_t i);
  void WriteFrame();
  bool ReadFrame(uint32_t frame);
  [[gnu::always_inline]] inline bool FindFrames();
  [[gnu::always_inline]] inline bool ReadCopy(uint32_t i);

  const libdelta_flash *flash_;
  uint8_t status_;  // NEED_INPUT, or E_FLASH if a flash operation has failed.
  bool uses_slot_;  // Copies go to the slot's end.
  bool has_trace_;
  bool found_;  // The journal is that of an earlier power cycle; nothing may be written to it.
  bool resumes_;
  uint8_t copies_;
  uint8_t capacity_;
  uint16_t skip_;
  uint16_t frame_size_;
  uint16_t slot_pages_;
  uint16_t first_free_;    // First page of the slot behind both images.
  uint16_t last_[2];       // The spare page and the page of the slot that was taken last.
  uint16_t journal_page_;  // 0 if there is none.
  uint32_t journal_;       // Its address.
  uint32_t frame_;         // Address of the one in use, 0 if there is none yet.
  uint32_t check_;         // Of all before the frames.
  uint32_t slot_size_;
  JournalStart start_;  // Its sequence is at least that of any journal there is.
  JournalRecord record_;
  StoredParts parts_;
  PatchSource source_;
  Copy copy_[kMaxCopies];
};

#endif

}  // namespace libdelta

#endif  // LIBDELTA_DEVICE_IN_PLACE_H_
