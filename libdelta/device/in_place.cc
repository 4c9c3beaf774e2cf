#include "libdelta/device/in_place.h"

#include <string.h>

#include "libdelta/wire/cursor.h"
#include "libdelta/wire/header.h"

#ifndef LIBDELTA_NO_IN_PLACE

namespace libdelta {
namespace {

// CRC-32 (reflected 0xedb88320) without the final inversion.
uint32_t Check(uint32_t check, const void *data, uint32_t size) {
  const uint8_t *bytes = static_cast<const uint8_t *>(data);
  while (size-- != 0) {
    check ^= *bytes++;
    for (uint32_t i = 8; i != 0; --i) check = (check >> 1) ^ (0xedb88320u & (0u - (check & 1)));
  }
  return check;
}

uint32_t Least(uint32_t a, uint32_t b) { return a < b ? a : b; }

bool IsLater(uint32_t sequence, uint32_t other) { return static_cast<int32_t>(sequence - other) > 0; }

uint64_t Longest(const WireHeader &header) {
  const uint64_t old_length = header.old_length;
  const uint64_t new_length = header.new_length;
  return old_length > new_length ? old_length : new_length;
}

}  // namespace

// --- Flash ---------------------------------------------------------------------------------------------

// Pads the last write unit.
bool InPlace::Program(uint32_t address, const uint8_t *from, uint32_t size) const {
  const uint32_t whole = size & (0u - flash_->write_unit);
  if (whole != 0 && flash_->program(flash_->user, address, from, whole) != 0) return false;
  if (whole == size) return true;
  uint8_t unit[kMaxWriteUnit];
  memset(unit, flash_->erase_value, sizeof(unit));
  memcpy(unit, from + whole, size - whole);
  return flash_->program(flash_->user, address + whole, unit, flash_->write_unit) == 0;
}

// Copies and compares.
bool InPlace::CopyFlash(uint32_t from, uint32_t to, uint32_t size) const {
  uint8_t piece[kPiece];
  const uint32_t check = CheckFlash(0, from, size);
  for (uint32_t done = 0; done < size; done += kPiece) {
    const uint32_t length = Least(kPiece, size - done);
    if (!ReadFlash(from + done, piece, length) || !Program(to + done, piece, length)) return false;
  }
  return CheckFlash(0, to, size) == check;
}

bool InPlace::IsBlank(uint32_t address, uint32_t size) const {
  uint8_t byte;
  for (; size != 0; --size, ++address) {
    if (!ReadFlash(address, &byte, 1) || byte != flash_->erase_value) return false;
  }
  return true;
}

// What cannot be read gives a wrong check.
uint32_t InPlace::CheckFlash(uint32_t check, uint32_t address, uint32_t size) const {
  uint8_t piece[kPiece];
  for (uint32_t done = 0; done < size; done += kPiece) {
    const uint32_t length = Least(kPiece, size - done);
    if (!ReadFlash(address + done, piece, length)) ++check;
    check = Check(check, piece, length);
  }
  return check;
}

// --- The slot ------------------------------------------------------------------------------------------

bool InPlace::MatchesGeometry(const uint8_t *value, uint32_t size) const {
  if (size != kGeometrySize + flash_->run_count * kGeometryRunSize || value[0] != flash_->write_unit ||
      value[1] != flash_->spare_count || LoadU32(value + 2) != flash_->spare_page_size) {
    return false;
  }
  const libdelta_page_run *run = flash_->runs;
  for (value += kGeometrySize; run != flash_->runs + flash_->run_count; ++run, value += kGeometryRunSize) {
    if (LoadU32(value) != run->count || LoadU32(value + 4) != run->size) return false;
  }
  return true;
}

uint32_t InPlace::SlotSize() const { return PageNumber(0xffffffff).start; }

InPlace::Page InPlace::PageAt(uint32_t offset) const {
  Page page = {0, 0, 0};
  const libdelta_page_run *run = flash_->runs;
  for (uint32_t left = flash_->run_count; left != 0; --left, ++run) {
    const uint32_t length = run->count * run->size;
    if (offset - page.start < length) {
      const uint32_t before = (offset - page.start) / run->size;
      return {page.index + before, page.start + before * run->size, run->size};
    }
    page.index += run->count;
    page.start += length;
  }
  return page;
}

InPlace::Page InPlace::PageNumber(uint32_t index) const {
  uint32_t start = 0;
  const libdelta_page_run *run = flash_->runs;
  for (uint32_t left = flash_->run_count; left != 0; --left, ++run) {
    if (index < run->count) return PageAt(start + index * run->size);
    index -= run->count;
    start += run->count * run->size;
  }
  return {index, start, 0};
}

bool InPlace::IsProtected(uint32_t offset) const {
  const libdelta_range *range = flash_->protected_ranges;
  for (uint32_t left = flash_->protected_count; left != 0; --left, ++range) {
    if (offset - range->start < range->length) return true;
  }
  return false;
}

const InPlace::Copy *InPlace::FindCopy(uint32_t page) const {
  for (const Copy *copy = copy_; copy != copy_ + copies_; ++copy) {
    if (copy->page == page) return copy;
  }
  return nullptr;
}

// `undo`: what is in undo copies is read from there.
bool InPlace::Read(uint32_t offset, uint8_t *to, uint32_t size, bool undo) const {
  while (size != 0) {
    const Page page = PageAt(offset);
    if (page.size == 0) return false;
    const uint32_t length = Least(size, page.start + page.size - offset);
    uint32_t address = flash_->slot + offset;
    const Copy *copy = undo ? FindCopy(page.index) : nullptr;
    if (copy != nullptr) address = PlaceAddress(copy->place) + offset - page.start;
    if (IsProtected(page.start)) {
      memset(to, flash_->erase_value, length);
    } else if (!ReadFlash(address, to, length)) {
      return false;
    }
    offset += length;
    to += length;
    size -= length;
  }
  return true;
}

bool InPlace::WriteNew(uint32_t offset, const uint8_t *from, uint32_t size) const {
  return Program(flash_->slot + offset, from, size);
}

// Undo copies go to the pages of the slot behind both images if these are at least as many as the spare
// pages: then spare pages only hold journals.
void InPlace::FindRoom(uint32_t longest) {
  first_free_ = PageAt(longest - 1).index + 1;
  uint32_t free = 0;
  for (uint32_t page = first_free_; PageNumber(page).size != 0; ++page) free += IsPlace(page);
  uses_slot_ = free >= flash_->spare_count;
  capacity_ = Least(uses_slot_ ? free : flash_->spare_count - 1u, CopyCapacity(flash_->spare_page_size));
}

// Whether a page of the slot can hold any other one.
bool InPlace::IsPlace(uint32_t page) const {
  const Page place = PageNumber(page);
  return page >= first_free_ && place.size == flash_->spare_page_size && !IsProtected(place.start);
}

bool InPlace::HoldsCopy(uint32_t place) const {
  for (uint32_t i = 0; i < copies_; ++i) {
    if (copy_[i].place == place) return true;
  }
  return false;
}

// Takes the spare page that holds nothing and was erased least in this update; of equal ones, another one
// first in each update. After a reset that of the oldest journal comes first: it is the last that what counts
// could turn out to depend on.
bool InPlace::NextJournal(uint32_t *spare) {
  uint32_t least = 0xffffffff;
  for (uint32_t i = 0; i < flash_->spare_count; ++i) {
    const uint32_t page = (sequence_ + i) % flash_->spare_count;
    const uint32_t wear = page == first_ ? 0 : wear_[page] + 1u;
    if (SpareAddress(page) == journal_ || (!uses_slot_ && HoldsCopy(page)) || wear >= least) continue;
    least = wear;
    *spare = page;
  }
  first_ = kMaxSparePages;
  if (least == 0xffffffff) return false;
  ++wear_[*spare];
  return true;
}

bool InPlace::NextPlace(uint32_t *place) {
  if (copies_ == capacity_) return false;
  if (!uses_slot_) return NextJournal(place);
  while (true) {
    if (PageNumber(++place_).size == 0) place_ = first_free_;
    *place = place_;
    if (IsPlace(place_) && !HoldsCopy(place_)) return true;
  }
}

libdelta_status InPlace::OpenPage(uint32_t index, uint32_t old_length, uint32_t *start, uint32_t *end) {
  const Page page = PageNumber(index);
  if (page.size == 0 || IsProtected(page.start)) return LIBDELTA_E_MALFORMED;
  *start = page.start;
  *end = page.start + page.size;
  const uint32_t address = flash_->slot + page.start;
  if (page.start < old_length && FindCopy(index) == nullptr) {
    uint32_t place;
    if (!NextPlace(&place)) return LIBDELTA_E_MALFORMED;
    const uint32_t to = PlaceAddress(place);
    if (!Erase(to) || !CopyFlash(address, to, page.size)) return LIBDELTA_E_FLASH;
    copy_[copies_] = {static_cast<uint16_t>(index), static_cast<uint16_t>(place)};
    if (!WriteCopy(copies_++) || (IsFull() && !Mark(CopiesMark(frame_)))) return LIBDELTA_E_FLASH;
  }
  return Erase(address) ? LIBDELTA_NEED_INPUT : LIBDELTA_E_FLASH;
}

// --- Records -------------------------------------------------------------------------------------------

bool InPlace::Mark(uint32_t address) const {
  uint8_t mark[kMaxWriteUnit];
  memset(mark, static_cast<uint8_t>(~flash_->erase_value), sizeof(mark));
  return Program(address, mark, flash_->write_unit);
}

// Of the copy's record and of what it is a copy of.
uint32_t InPlace::CheckCopy(const Copy &copy) const {
  const uint32_t check = Check(record_.check, &copy, sizeof(copy));
  return CheckFlash(check, PlaceAddress(copy.place), PageNumber(copy.page).size);
}

bool InPlace::WriteCopy(uint32_t i) const {
  const CopyRecord record = {copy_[i], CheckCopy(copy_[i])};
  return Program(CopyAddress(frame_, i), reinterpret_cast<const uint8_t *>(&record), sizeof(record));
}

// Takes up undo copy `i` of the frame. The last of a full frame may be in the way of a new journal: it only
// counts if its page has been touched.
bool InPlace::ReadCopy(uint32_t i) {
  CopyRecord record;
  if (!ReadFlash(CopyAddress(frame_, i), reinterpret_cast<uint8_t *>(&record), sizeof(record))) return false;
  const Copy copy = record.copy;
  const Page page = PageNumber(copy.page);
  if (page.size == 0 || IsProtected(page.start) ||
      !(uses_slot_ ? IsPlace(copy.place) : copy.place < flash_->spare_count) ||
      record.check != CheckCopy(copy)) {
    return false;
  }
  copy_[i] = copy;
  return uses_slot_ || i + 1 != capacity_ || IsMarked(CopiesMark(frame_)) ||
         CheckFlash(0, flash_->slot + page.start, page.size) !=
             CheckFlash(0, PlaceAddress(copy.place), page.size);
}

// Whether there is a record of another copy, one that cannot be used.
bool InPlace::HasBadCopy() const {
  return copies_ != capacity_ && !IsBlank(CopyAddress(frame_, copies_), sizeof(CopyRecord));
}

// Where all places were taken in the frame before, the record also vouches for the page that was copied last:
// that is the one that may be taken back.
uint32_t InPlace::CheckRecord() const {
  const uint32_t check = Check(sequence_, &record_, sizeof(record_) - sizeof(record_.check));
  if (uses_slot_ || frame_ == 0) return check;
  CopyRecord last;
  const uint32_t address = CopyAddress(frame_ - 1, capacity_ - 1);
  if (IsBlank(address, sizeof(last)) ||
      !ReadFlash(address, reinterpret_cast<uint8_t *>(&last), sizeof(last))) {
    return check;
  }
  const Page page = PageNumber(last.copy.page);
  return CheckFlash(check, flash_->slot + page.start, page.size);
}

// A frame without its mark does not count.
bool InPlace::WriteFrame() {
  record_.check = CheckRecord();
  for (uint32_t i = 0; i < copies_; ++i) {
    if (!WriteCopy(i)) return false;
  }
  return Program(Frame(frame_), reinterpret_cast<const uint8_t *>(&record_), sizeof(record_)) &&
         Mark(RecordMark(frame_));
}

bool InPlace::ReadFrame(uint32_t index) {
  frame_ = index;
  copies_ = 0;
  if (!ReadFlash(Frame(index), reinterpret_cast<uint8_t *>(&record_), sizeof(record_)) ||
      record_.check != CheckRecord()) {
    return false;
  }
  while (copies_ < capacity_ && ReadCopy(copies_)) ++copies_;
  return true;
}

// Takes up the frame that counts. That is the last one, unless it was torn. If its mark cannot be told, that
// is to say if it was torn itself, the frame before counts as long as nothing has been done on the word of
// the last: a copy that is gone says that something has.
bool InPlace::FindFrames() {
  uint32_t last = 0;
  for (uint32_t i = 1; HasFrames(i + 1); ++i) {
    if (!IsBlank(Frame(i), FrameSize())) last = i;
  }
  has_trace_ = true;
  if (last != 0 && ReadFrame(last - 1) && !IsMarked(RecordMark(last)) && !HasBadCopy()) return true;
  if (!ReadFrame(last)) return last != 0 && ReadFrame(last - 1);
  has_trace_ = HasBadCopy();
  return true;
}

// --- The journal ---------------------------------------------------------------------------------------

uint32_t InPlace::CheckStart(const JournalStart &start) const {
  uint32_t check = CheckFlash(0xffffffff, journal_, header_length_);
  check = Check(check, &start, sizeof(start) - sizeof(start.check));
  return CheckFlash(check, PartsAddress(), Units(start.start_size) + start.tables_size);
}

bool InPlace::ReadStart(JournalStart *start) const {
  return ReadFlash(StartAddress(), reinterpret_cast<uint8_t *>(start), sizeof(*start));
}

// Takes up the journal in a spare page, if there is one.
bool InPlace::TakeUp(uint32_t spare) {
  journal_ = SpareAddress(spare);
  uint8_t signatures;
  WireHeader header;
  if (!ReadFlash(journal_, reinterpret_cast<uint8_t *>(&header), sizeof(header)) ||
      header.signed_length >= Least(kMaxHeader, flash_->spare_page_size) ||
      !ReadFlash(journal_ + header.signed_length, &signatures, 1)) {
    return false;
  }
  header_length_ = header.signed_length + 1u + signatures * kSignatureEntrySize;
  JournalStart start;
  const uint32_t room = flash_->spare_page_size;
  const uint64_t longest = Longest(header);
  if (longest == 0 || longest > SlotSize()) return false;
  FindRoom(static_cast<uint32_t>(longest));
  if (header_length_ > kMaxHeader || PartsAddress() > journal_ + room || !ReadStart(&start) ||
      start.magic != kJournalMagic) {
    return false;
  }
  if (start.start_size > room || start.tables_size > room) return false;
  frames_ = FramesAddress(start.start_size, start.tables_size);
  if (!HasFrames(1) || start.check != CheckStart(start)) return false;
  sequence_ = start.sequence;
  return FindFrames();
}

// The newest sealed journal counts, and one that is not if there is no other: an older journal is erased only
// when a newer one has been sealed.
bool InPlace::Find() {
  uint32_t found = kMaxSparePages;
  uint32_t sequence = 0;
  uint32_t oldest = 0;
  bool sealed = false;
  first_ = kMaxSparePages;
  newest_ = 0;
  for (uint32_t spare = 0; spare < flash_->spare_count; ++spare) {
    if (!TakeUp(spare)) continue;
    if (first_ == kMaxSparePages || IsLater(oldest, sequence_)) {
      oldest = sequence_;
      first_ = static_cast<uint8_t>(spare);
    }
    if (found == kMaxSparePages || IsLater(sequence_, newest_)) newest_ = sequence_;
    const bool is_sealed = IsSealed();
    const bool is_better = is_sealed == sealed ? IsLater(sequence_, sequence) : is_sealed;
    if (found != kMaxSparePages && !is_better) continue;
    found = spare;
    sequence = sequence_;
    sealed = is_sealed;
  }
  found_ = found != kMaxSparePages && TakeUp(found);
  return found_;
}

bool InPlace::ReadScript(CodecScript *script) const {
  JournalStart start;
  if (!ReadStart(&start)) return false;
  *script = start.script;
  return true;
}

// `parts` are as large as those that were stored: they follow from the script.
bool InPlace::ReadParts(const StoredParts &parts) const {
  return ReadFlash(PartsAddress(), parts.start, parts.start_size) &&
         (parts.tables_size == 0 ||
          ReadFlash(PartsAddress() + Units(parts.start_size), parts.tables, parts.tables_size));
}

// The model is the last part of what starts with the templates.
bool InPlace::ReadModel(const StoredParts &parts, uint8_t *model) const {
  const uint32_t before = static_cast<uint32_t>(model - parts.start);
  const uint32_t size = parts.start_size - before;
  return size == 0 || ReadFlash(PartsAddress() + before, model, size);
}

// Completes a journal whose header is there.
bool InPlace::WriteStart(const CodecScript &script, const StoredParts &parts) {
  frames_ = FramesAddress(parts.start_size, parts.tables_size);
  frame_ = 0;
  if (!HasFrames(1 + kJournalReserve)) return false;
  if (!Program(PartsAddress(), parts.start, parts.start_size) ||
      !Program(PartsAddress() + Units(parts.start_size), parts.tables, parts.tables_size)) {
    return false;
  }
  JournalStart start = {kJournalMagic, sequence_, parts.start_size, parts.tables_size, script, 0};
  start.check = CheckStart(start);
  return Program(StartAddress(), reinterpret_cast<const uint8_t *>(&start), sizeof(start));
}

// Completes the journal with its first frame: from now on it counts.
bool InPlace::WriteJournal(const CodecScript &script, const StoredParts &parts) {
  found_ = false;
  return WriteStart(script, parts) && WriteFrame();
}

// Goes on in another spare page.
bool InPlace::Move(const CodecScript &script, const StoredParts &parts) {
  uint32_t spare;
  if (!NextJournal(&spare)) return false;
  const uint32_t to = SpareAddress(spare);
  if (!Erase(to) || !CopyFlash(journal_, to, header_length_)) return false;
  journal_ = to;
  sequence_ = ++newest_;
  return WriteJournal(script, parts);
}

// Puts the page that was copied last back, if nothing else gives a free spare page.
bool InPlace::TakeBack() {
  if (!IsFull()) return true;
  const Copy &last = copy_[--copies_];
  const Page page = PageNumber(last.page);
  const uint32_t address = flash_->slot + page.start;
  return Erase(address) && CopyFlash(PlaceAddress(last.place), address, page.size);
}

libdelta_status InPlace::CheckJournal(const WireHeader &header) {
  const bool is_open = Find() && record_.skip != kFinished;
  return is_open && header.old_length != 0 ? LIBDELTA_E_IN_PROGRESS : LIBDELTA_OK;
}

libdelta_status InPlace::Begin(const WireHeader &header, uint32_t header_length) {
  uint32_t spare;
  if (Find()) {
    if (record_.skip >= kAbandoned) copies_ = 0;
    // An update that is open can go on until the new journal counts.
    if (!TakeBack()) return LIBDELTA_E_FLASH;
  } else {
    journal_ = ~flash_->spare;  // No spare page's.
    sequence_ = 0;
    copies_ = 0;
  }
  if (!NextJournal(&spare)) return LIBDELTA_E_FLASH;
  copies_ = 0;
  FindRoom(static_cast<uint32_t>(Longest(header)));
  journal_ = SpareAddress(spare);
  header_length_ = header_length;
  sequence_ = ++newest_;
  frame_ = kNoFrame;
  found_ = false;
  const bool good =
      Erase(journal_) && Program(journal_, reinterpret_cast<const uint8_t *>(&header), header_length);
  return good ? LIBDELTA_NEED_INPUT : LIBDELTA_E_FLASH;
}

// Forgets the copies that are not needed any more.
void InPlace::Retain(uint32_t retained) {
  uint32_t left = 0;
  for (uint32_t i = 0; i < copies_; ++i) {
    if (retained >> i & 1) copy_[left++] = copy_[i];
  }
  copies_ = left;
}

// What the group before needs stays until the new group's record is there.
bool InPlace::WriteGroup(const GroupStart &group, const CodecScript &script, const StoredParts &parts) {
  const bool moves_at_once = group.move && !IsFull();
  Retain(group.retained);
  if (moves_at_once) return Move(script, parts);
  ++frame_;
  if (!WriteFrame()) return false;
  if (!group.move && HasFrames(frame_ + 1 + kJournalReserve)) return true;
  return ReadParts(parts) && Move(script, parts);
}

// After a reset the group that counts is repeated in a new journal.
libdelta_status InPlace::Checkpoint(uint32_t start, const GroupStart &group, const CodecScript &script,
                                    const StoredParts &parts) {
  bool good;
  if (found_) {
    good = TakeBack() && Move(script, parts);
  } else {
    source_.Locate(start, &record_);
    record_.progress = group.progress;
    good = frame_ == kNoFrame ? WriteJournal(script, parts) : WriteGroup(group, script, parts);
  }
  return good ? LIBDELTA_NEED_INPUT : LIBDELTA_E_FLASH;
}

// Writes a last record. In a journal of its own, without parts, after a reset.
bool InPlace::End(uint16_t reason) {
  if (frame_ == kNoFrame) return true;  // No page has changed, and there is no journal.
  copies_ = 0;
  record_.skip = reason;
  if (found_) return Move({}, {});
  ++frame_;
  return WriteFrame();
}

libdelta_status InPlace::CommitCounter() const {
  FixedHeader header;
  if (!ReadFlash(journal_, reinterpret_cast<uint8_t *>(&header), sizeof(header))) return LIBDELTA_E_FLASH;
  const bool good =
      flash_->commit_counter == nullptr || flash_->commit_counter(flash_->user, header.counter) == 0;
  return good ? LIBDELTA_OK : LIBDELTA_E_FLASH;
}

libdelta_status InPlace::Finish() {
  const libdelta_status status = CommitCounter();
  if (status != LIBDELTA_OK) return status;
  return End(kFinished) ? LIBDELTA_OK : LIBDELTA_E_FLASH;
}

void PatchSource::Locate(uint32_t start, JournalRecord *record) const {
  const bool is_here = start >= carried;
  record->payload_left = is_here ? payload_left : payload_left + chunk_size;
  record->skip =
      static_cast<uint16_t>(is_here ? skipped + start - carried : chunk_size - kLinkSize + start - carried);
  memcpy(record->link, is_here ? link : previous_link, kLinkSize);
}

}  // namespace libdelta

#endif
