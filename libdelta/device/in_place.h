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

// What a journal says about its update, as it is in flash.
struct JournalRecord {
  uint32_t payload_left;  // Of the patch, from the chunk on that holds the group's first byte.
  uint16_t skip;          // Data bytes in that chunk before the group; or kFinished, kAbandoned.
  PageProgress progress;
  uint8_t link[kLinkSize];  // Of that chunk.
  uint32_t check;
};
static_assert(sizeof(JournalRecord) == kJournalRecordSize, "no padding");
constexpr uint16_t kFinished = 0xffff;
constexpr uint16_t kAbandoned = 0xfffe;

// Where the bytes that are being decoded come from.
struct PatchSource {
  uint32_t payload_left;  // Payload bytes from the start of the chunk on.
  uint16_t chunk_size;
  uint16_t skipped;  // Data bytes at the start of the chunk that are not decoded.
  uint16_t carried;  // Bytes of the chunk before, in front of its data.
  uint8_t link[kLinkSize];
  uint8_t previous_link[kLinkSize];

  // Fills in payload_left, skip and link for byte `start` of what is decoded.
  void Locate(uint32_t start, JournalRecord *record) const;
};

#ifdef LIBDELTA_NO_IN_PLACE

// Stands in where the library is compiled without updates in place.
class InPlace {
 public:
  static constexpr bool active() { return false; }
  static constexpr bool resumes() { return false; }
  static constexpr uint32_t TakeSkip() { return 0; }
  static libdelta_status CheckJournal(const WireHeader &) { return LIBDELTA_OK; }
  static libdelta_status Begin(const WireHeader &, uint32_t) { return LIBDELTA_E_ARGUMENT; }
  static libdelta_status Finish() { return LIBDELTA_E_ARGUMENT; }
  static void Abandon() {}
};

#else

class InPlace {
 public:
  // Everything else is zero at first. `flash` must be usable; null: updates are not in place.
  void Start(const libdelta_flash *flash) { flash_ = flash; }
  bool active() const { return flash_ != nullptr; }

  // Whether the geometry is the one of an extension's value.
  bool MatchesGeometry(const uint8_t *value, uint32_t size) const;
  uint32_t SlotSize() const;

  // The image in the slot: its old bytes as they were when the group began, its new ones as far as they have
  // been written. Protected bytes read as erased. False: a flash operation failed.
  bool ReadOld(uint32_t offset, uint8_t *to, uint32_t size) const { return Read(offset, to, size, true); }
  bool ReadNew(uint32_t offset, uint8_t *to, uint32_t size) const { return Read(offset, to, size, false); }
  bool WriteNew(uint32_t offset, const uint8_t *from, uint32_t size) const;

  // Whether a patch may replace what the journal is about: OK or E_IN_PROGRESS.
  libdelta_status CheckJournal(const WireHeader &header);

  // Begins a journal with the header of a patch that passed all checks, of which `header` is the start.
  // NEED_INPUT or E_FLASH.
  libdelta_status Begin(const WireHeader &header, uint32_t header_length);

  // Undo copies that there is room for.
  uint32_t capacity() const { return capacity_; }

  // Looks for the newest journal and takes it up. False: there is none. Otherwise record() is its last word,
  // and ReadHeader() gives the patch's header, of header_length() bytes.
  bool Find();
  const JournalRecord &record() const { return record_; }
  uint32_t header_length() const { return header_length_; }
  bool ReadHeader(uint8_t *to) const { return ReadFlash(journal_, to, header_length_); }
  bool ReadScript(CodecScript *script) const;
  bool ReadParts(const StoredParts &parts) const;
  bool ReadModel(const StoredParts &parts, uint8_t *model) const;

  // Begins a group whose first byte is byte `start` of what the decoder sees. NEED_INPUT or an error.
  libdelta_status Checkpoint(uint32_t start, const GroupStart &group, const CodecScript &script,
                             const StoredParts &parts);

  // Makes a page of the slot ready to be written. NEED_INPUT or an error.
  libdelta_status OpenPage(uint32_t page, uint32_t old_length, uint32_t *start, uint32_t *end);

  // Whether something was written behind what counts.
  bool HasTrace() const { return has_trace_; }

  // The new image has been verified: OK or E_FLASH. Or it has turned out wrong, and there is no way on.
  libdelta_status Finish();
  libdelta_status CommitCounter() const;
  void Abandon() { End(kAbandoned); }
  PatchSource &source() { return source_; }

  // Goes on with the update that Find() has taken up.
  void Resume() { resumes_ = true; }
  bool resumes() const { return resumes_; }
  // Data bytes of the next chunk that are not decoded.
  uint32_t TakeSkip() {
    source_.skipped = skip_;
    skip_ = 0;
    return source_.skipped;
  }
  void SetSkip(uint16_t skip) { skip_ = skip; }

 private:
  struct Copy {
    uint16_t page;
    uint16_t place;  // Number of a spare page, or of a page of the slot behind both images.
  };
  // As it is in flash.
  struct CopyRecord {
    Copy copy;
    uint32_t check;
  };
  struct JournalStart {
    uint32_t magic;
    uint32_t sequence;
    uint32_t start_size;
    uint32_t tables_size;
    CodecScript script;
    uint32_t check;  // Of the header, what is above, and the parts.
  };
  static_assert(sizeof(JournalStart) == kJournalStartSize && sizeof(CopyRecord) == kCopyRecordSize,
                "no padding");
  static constexpr uint32_t kJournalMagic = 0x4a445746;
  static constexpr uint32_t kPiece = 64;
  static constexpr uint32_t kNoFrame = 0xffffffff;

  struct Page {
    uint32_t index;
    uint32_t start;
    uint32_t size;  // 0: outside the slot.
  };

  bool ReadFlash(uint32_t address, uint8_t *to, uint32_t size) const {
    return flash_->read(flash_->user, address, to, size) == 0;
  }
  bool Erase(uint32_t address) const { return flash_->erase(flash_->user, address) == 0; }
  bool Program(uint32_t address, const uint8_t *from, uint32_t size) const;
  bool CopyFlash(uint32_t from, uint32_t to, uint32_t size) const;
  bool IsBlank(uint32_t address, uint32_t size) const;
  uint32_t CheckFlash(uint32_t check, uint32_t address, uint32_t size) const;
  uint32_t Units(uint32_t size) const { return (size + flash_->write_unit - 1) & (0u - flash_->write_unit); }

  bool Read(uint32_t offset, uint8_t *to, uint32_t size, bool undo) const;
  Page PageAt(uint32_t offset) const;
  Page PageNumber(uint32_t index) const;
  bool IsProtected(uint32_t offset) const;
  const Copy *FindCopy(uint32_t page) const;
  uint32_t SpareAddress(uint32_t spare) const { return flash_->spare + spare * flash_->spare_page_size; }
  uint32_t PlaceAddress(uint32_t place) const {
    return uses_slot_ ? flash_->slot + PageNumber(place).start : SpareAddress(place);
  }
  void FindRoom(uint32_t longest);
  bool IsPlace(uint32_t page) const;
  bool HoldsCopy(uint32_t place) const;
  bool NextJournal(uint32_t *spare);
  bool NextPlace(uint32_t *place);

  // The journal's page: header, start, parts, frames.
  uint32_t StartAddress() const { return journal_ + Units(header_length_); }
  uint32_t PartsAddress() const { return StartAddress() + Units(sizeof(JournalStart)); }
  uint32_t FramesAddress(uint32_t start_size, uint32_t tables_size) const {
    return PartsAddress() + Units(start_size) + Units(tables_size);
  }
  uint32_t CheckStart(const JournalStart &start) const;
  bool ReadStart(JournalStart *start) const;
  bool WriteStart(const CodecScript &script, const StoredParts &parts);
  bool WriteJournal(const CodecScript &script, const StoredParts &parts);
  bool TakeUp(uint32_t spare);
  bool Move(const CodecScript &script, const StoredParts &parts);
  bool IsFull() const { return !uses_slot_ && copies_ == capacity_; }
  bool TakeBack();
  bool WriteGroup(const GroupStart &group, const CodecScript &script, const StoredParts &parts);
  bool End(uint16_t reason);
  void Retain(uint32_t retained);

  // A frame: a record, its mark, room for the undo copies of its group, a mark behind the last of them.
  uint32_t FrameSize() const {
    return Units(sizeof(JournalRecord)) + capacity_ * Units(sizeof(CopyRecord)) + 2u * flash_->write_unit;
  }
  uint32_t Frame(uint32_t index) const { return frames_ + index * FrameSize(); }
  uint32_t RecordMark(uint32_t frame) const { return Frame(frame) + Units(sizeof(JournalRecord)); }
  uint32_t CopiesMark(uint32_t frame) const { return Frame(frame + 1) - flash_->write_unit; }
  uint32_t CopyAddress(uint32_t frame, uint32_t i) const {
    return RecordMark(frame) + flash_->write_unit + i * Units(sizeof(CopyRecord));
  }
  bool HasFrames(uint32_t count) const { return Frame(count) <= journal_ + flash_->spare_page_size; }
  bool Mark(uint32_t address) const;
  bool IsMarked(uint32_t address) const { return !IsBlank(address, flash_->write_unit); }
  // The first frame's mark is the journal's seal.
  bool IsSealed() const { return IsMarked(RecordMark(0)); }
  uint32_t CheckRecord() const;
  uint32_t CheckCopy(const Copy &copy) const;
  bool WriteCopy(uint32_t i) const;
  bool WriteFrame();
  bool ReadFrame(uint32_t index);
  bool FindFrames();
  bool ReadCopy(uint32_t i);
  bool HasBadCopy() const;

  const libdelta_flash *flash_;
  uint32_t journal_;  // Address of its page.
  uint32_t sequence_;
  uint32_t newest_;  // Sequence of the newest journal, whether it counts or not.
  uint32_t header_length_;
  uint32_t frames_;  // Address of the first frame.
  uint32_t frame_;   // The one in use, or kNoFrame.
  uint32_t copies_;
  uint32_t capacity_;
  uint32_t place_;       // Page of the slot that holds the copy made last.
  uint32_t first_free_;  // First page of the slot behind both images.
  bool uses_slot_;       // Copies go to the slot's end.
  bool has_trace_;
  bool found_;     // The journal is that of an earlier power cycle; nothing may be written to it.
  uint8_t first_;  // Spare page to take first, or kMaxSparePages.
  PatchSource source_;
  uint16_t skip_;
  bool resumes_;
  JournalRecord record_;
  uint16_t wear_[kMaxSparePages];  // Erases of spare pages in this update, since the last reset.
  Copy copy_[kMaxCopies];
};

#endif

}  // namespace libdelta

#endif  // LIBDELTA_DEVICE_IN_PLACE_H_
