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

bool IsLater(uint32_t sequence, uint32_t other) { return static_cast<int16_t>(sequence - other) > 0; }

}  // namespace

// --- Flash ---------------------------------------------------------------------------------------------

bool InPlace::ReadFlash(uint32_t address, void *to, uint32_t size) const {
  return size == 0 || flash_->read(flash_->user, address, static_cast<uint8_t *>(to), size) == 0;
}

void InPlace::Erase(uint32_t address) {
  if (!failed() && flash_->erase(flash_->user, address) != 0) Fail();
}

void InPlace::ProgramUnits(uint32_t address, const uint8_t *from, uint32_t size) {
  if (!failed() && flash_->program(flash_->user, address, from, size) != 0) Fail();
}

// Pads the last write unit.
void InPlace::Program(uint32_t address, const void *from, uint32_t size) {
  const uint8_t *bytes = static_cast<const uint8_t *>(from);
  const uint32_t rest = size & (flash_->write_unit - 1u);
  size -= rest;
  if (size != 0) ProgramUnits(address, bytes, size);
  if (rest == 0) return;
  address += size;
  bytes += size;
  uint8_t unit[kMaxWriteUnit];
  memset(unit, flash_->erase_value, sizeof(unit));
  memcpy(unit, bytes, rest);
  ProgramUnits(address, unit, flash_->write_unit);
}

// Returns the check of what is read, and copies it to where `to` is somewhere. What cannot be read gives a
// wrong check.
uint32_t InPlace::Pass(uint32_t check, uint32_t from, uint32_t size, uint32_t to) {
  uint8_t piece[kPiece];
  for (uint32_t done = 0; done < size; done += kPiece) {
    const uint32_t length = Least(kPiece, size - done);
    if (!ReadFlash(from + done, piece, length)) ++check;
    if (to != kNowhere) Program(to + done, piece, length);
    check = Check(check, piece, length);
  }
  return check;
}

// Copies and compares.
void InPlace::CopyFlash(uint32_t from, uint32_t to, uint32_t size) {
  if (Pass(0, from, size, to) != CheckFlash(0, to, size)) Fail();
}

bool InPlace::IsBlank(uint32_t address, uint32_t size) const {
  uint8_t byte;
  for (; size != 0; --size, ++address) {
    if (!ReadFlash(address, &byte, 1) || byte != flash_->erase_value) return false;
  }
  return true;
}

// --- The slot ------------------------------------------------------------------------------------------

void InPlace::Start(const libdelta_flash *flash) {
  flash_ = flash;
  status_ = LIBDELTA_NEED_INPUT;
  const libdelta_page_run *run = flash->runs;
  for (uint32_t left = flash->run_count; left != 0; --left, ++run) {
    slot_pages_ = static_cast<uint16_t>(slot_pages_ + run->count);
    slot_size_ += run->count * run->size;
  }
}

bool InPlace::MatchesGeometry(const uint8_t *extension) const {
  uint32_t left = 2u * flash_->run_count;
  const uint32_t first = extension[2];
  if (LoadU16(extension) != kGeometrySize + left * 2 || 1u << (first >> kSpareBits) != flash_->write_unit ||
      first % kMaxSparePages + 1 != flash_->spare_count) {
    return false;
  }
  // Then only words: a spare page's size, and the runs.
  const uint32_t *word = reinterpret_cast<const uint32_t *>(flash_->runs);
  uint32_t expected = flash_->spare_page_size;
  uint32_t shift = kPageUnitBits;
  for (const uint8_t *at = extension + 3; uint32_t{LoadU16(at)} << shift == expected; at += 2) {
    if (left-- == 0) return true;
    expected = *word++;
    shift ^= kPageUnitBits;
  }
  return false;
}

uint32_t InPlace::PageAddress(uint32_t index, uint32_t *size) const {
  uint32_t start = flash_->slot;
  const libdelta_page_run *run = flash_->runs;
  for (uint32_t left = flash_->run_count; left != 0; --left, ++run) {
    *size = run->size;
    if (index < run->count) return start + index * run->size;
    index -= run->count;
    start += run->count * run->size;
  }
  *size = flash_->spare_page_size;
  return flash_->spare + index * flash_->spare_page_size;
}

// Number of the slot's page that the offset is in, or of the last one. There is no division on small cores.
uint32_t InPlace::PageAt(uint32_t offset) const {
  uint32_t index = 0;
  for (uint32_t step = 0x8000; step != 0; step >>= 1) {
    if (index + step < slot_pages_ && PageAddress(index + step) - flash_->slot <= offset) index += step;
  }
  return index;
}

// Size of a page that an update may touch; 0: it is none, or not of the slot.
uint32_t InPlace::UsableSize(uint32_t index) const {
  uint32_t size;
  const uint32_t address = PageAddress(index, &size);
  return index < slot_pages_ && !IsProtected(address) ? size : 0;
}

bool InPlace::IsProtected(uint32_t address) const {
  const uint32_t offset = address - flash_->slot;
  const libdelta_range *range = flash_->protected_ranges;
  for (uint32_t left = flash_->protected_count; left != 0; --left, ++range) {
    if (offset - range->start < range->length) return true;
  }
  return false;
}

// Which copy has that number; copies_ if there is none.
uint32_t InPlace::FindCopy(uint16_t Copy::*number, uint32_t wanted) const {
  uint32_t i = 0;
  while (i < copies_ && copy_[i].*number != wanted) ++i;
  return i;
}

// `undo`: what is in undo copies is read from there.
bool InPlace::Read(uint32_t offset, uint8_t *to, uint32_t size, bool undo) const {
  while (size != 0) {
    const uint32_t index = PageAt(offset);
    uint32_t page_size;
    uint32_t address = PageAddress(index, &page_size);
    const uint32_t within = flash_->slot + offset - address;
    if (within >= page_size) return false;
    const uint32_t length = Least(size, page_size - within);
    if (IsProtected(address)) {
      memset(to, flash_->erase_value, length);
    } else {
      const uint32_t copy = undo ? FindCopy(&Copy::page, index) : copies_;
      if (copy != copies_) address = PageAddress(copy_[copy].place);
      if (!ReadFlash(address + within, to, length)) return false;
    }
    offset += length;
    to += length;
    size -= length;
  }
  return true;
}

// Undo copies go to the pages of the slot behind both images if these are at least as many as the spare
// pages: then spare pages only hold journals.
void InPlace::FindRoom() {
  uint32_t page = PageAt(start_.longest - 1) + 1;
  uint32_t free = 0;
  first_free_ = static_cast<uint16_t>(page);
  for (; page < slot_pages_; ++page) free += IsPlace(page, true);
  uses_slot_ = free >= flash_->spare_count;
  if (!uses_slot_) free = flash_->spare_count - 1u;
  capacity_ = static_cast<uint8_t>(Least(free, CopyCapacity(flash_->spare_page_size)));
  frame_size_ = static_cast<uint16_t>(CopiesMark() + flash_->write_unit - frame_);
}

// Whether it is a spare page, or one of the slot that can hold a copy of any other one.
bool InPlace::IsPlace(uint32_t page, bool in_slot) const {
  if (!in_slot) return page - slot_pages_ < flash_->spare_count;
  return page >= first_free_ && UsableSize(page) == flash_->spare_page_size;
}

// Takes the next page in turn that holds nothing: a spare page, or one of the slot where copies go there.
uint32_t InPlace::NextPage(bool in_slot) {
  uint32_t page = last_[in_slot];
  for (uint32_t left = kMaxSlotPages + kMaxSparePages; left != 0; --left) {
    if (++page >= slot_pages_ + flash_->spare_count) page = first_free_;
    if (page == journal_page_ || !IsPlace(page, in_slot) || FindCopy(&Copy::place, page) != copies_) {
      continue;
    }
    last_[in_slot] = static_cast<uint16_t>(page);
    return page;
  }
  Fail();
  return page;
}

libdelta_status InPlace::OpenPage(uint32_t index, libdelta_offset old_length, libdelta_offset *start,
                                  libdelta_offset *end) {
  const uint32_t size = UsableSize(index);
  if (size == 0) return LIBDELTA_E_MALFORMED;
  const uint32_t address = PageAddress(index);
  *start = address - flash_->slot;
  *end = *start + size;
  if (*start < old_length && FindCopy(&Copy::page, index) == copies_) {
    if (copies_ == capacity_) return LIBDELTA_E_MALFORMED;
    const uint32_t place = NextPage(uses_slot_);
    const uint32_t to = PageAddress(place);
    Erase(to);
    CopyFlash(address, to, size);
    copy_[copies_] = {static_cast<uint16_t>(index), static_cast<uint16_t>(place)};
    WriteCopy(copies_++);
    if (IsFull()) Mark(CopiesMark());
  }
  Erase(address);
  return Status();
}

// --- Records -------------------------------------------------------------------------------------------

void InPlace::Mark(uint32_t address) {
  const uint8_t mark = static_cast<uint8_t>(~flash_->erase_value);
  Program(address, &mark, sizeof(mark));
}

// Of what a page of the slot has, or its copy.
uint32_t InPlace::CheckPage(uint32_t check, uint32_t page, uint32_t place) {
  return CheckFlash(check, PageAddress(place), UsableSize(page));
}

// Of a copy's record, and of what is in the place.
uint32_t InPlace::CheckCopy(const Copy &copy, uint32_t place) {
  return CheckPage(Check(record_.check, &copy, sizeof(copy)), copy.page, place);
}

void InPlace::WriteCopy(uint32_t i) {
  const Copy &copy = copy_[i];
  const CopyRecord record = {copy, CheckCopy(copy, copy.place)};
  Program(CopyAddress(i), &record, sizeof(record));
}

// Takes up undo copy `i` of the frame. The last of a full frame may be in the way of a new journal: it only
// counts if its page has been touched.
bool InPlace::ReadCopy(uint32_t i) {
  CopyRecord record;
  if (!ReadFlash(CopyAddress(i), &record, sizeof(record))) return false;
  copy_[i] = record.copy;
  const Copy &copy = copy_[i];
  if (UsableSize(copy.page) == 0 || !IsPlace(copy.place, uses_slot_) ||
      record.check != CheckCopy(copy, copy.place)) {
    return false;
  }
  return uses_slot_ || i + 1 != capacity_ || IsMarked(CopiesMark()) ||
         record.check != CheckCopy(copy, copy.page);
}

// Where all places were taken in the frame before, the record also vouches for the page that was copied last:
// that is the one that may be taken back.
uint32_t InPlace::CheckRecord() {
  const uint32_t check = Check(check_, &record_, offsetof(JournalRecord, check));
  if (uses_slot_ || frame_ == FirstFrame()) return check;
  CopyRecord last;
  const uint32_t address = CopyAddress(capacity_ - 1u) - frame_size_;
  // What is blank has two numbers that are equal.
  if (!ReadFlash(address, &last, sizeof(last)) || last.copy.page == last.copy.place) return check;
  return CheckPage(check, last.copy.page, last.copy.page);
}

// A frame without its mark does not count.
void InPlace::WriteFrame() {
  record_.check = CheckRecord();
  for (uint32_t i = 0; i < copies_; ++i) WriteCopy(i);
  Program(frame_, &record_, sizeof(record_));
  Mark(RecordMark(frame_));
}

// A record of another copy, one that cannot be used, is a trace of what came later.
bool InPlace::ReadFrame(uint32_t frame) {
  frame_ = frame;
  copies_ = 0;
  if (!ReadFlash(frame, &record_, sizeof(record_)) || record_.check != CheckRecord()) return false;
  while (copies_ < capacity_ && ReadCopy(copies_)) ++copies_;
  has_trace_ = copies_ != capacity_ && !IsBlank(CopyAddress(copies_), sizeof(CopyRecord));
  return true;
}

// Takes up the frame that counts. That is the last one, unless it was torn. If its mark cannot be told, that
// is to say if it was torn itself, the frame before counts as long as nothing has been done on the word of
// the last: a copy that is gone says that something has.
bool InPlace::FindFrames() {
  uint32_t last = FirstFrame();
  uint32_t before = last;
  for (uint32_t frame = last + frame_size_; HasFrames(frame, 1); frame += frame_size_) {
    if (IsBlank(frame, frame_size_)) continue;
    last = frame;
    before = frame - frame_size_;
  }
  if (!ReadFrame(before) || has_trace_ || IsMarked(RecordMark(last))) {
    if (ReadFrame(last)) return true;
    if (!ReadFrame(before)) return false;
  }
  has_trace_ = before != last;
  return true;
}

// --- The journal ---------------------------------------------------------------------------------------

void InPlace::UsePage(uint32_t page) {
  journal_page_ = static_cast<uint16_t>(page);
  journal_ = PageAddress(page);
}

// Of all before the frames. Records go on from there, so that they prove it.
void InPlace::CheckStart() { check_ = CheckFlash(kJournalMagic, journal_, start_.frames); }

// Takes up the journal in a spare page, if there is one.
bool InPlace::TakeUp(uint32_t page) {
  UsePage(page);
  if (!ReadFlash(journal_, &start_, sizeof(start_)) || start_.header_length > kMaxHeader ||
      start_.frames > flash_->spare_page_size) {
    return false;
  }
  FindRoom();
  CheckStart();
  return HasFrames(FirstFrame(), 1) && FindFrames();
}

// The newest sealed journal counts, and one that is not if there is no other: an older journal is erased only
// when a newer one has been sealed. The first frame's mark is the seal. After a reset the page of the oldest
// journal is taken first: it is the last that what counts could turn out to depend on.
bool InPlace::Find() {
  constexpr uint32_t kSealed = 1u << 14;  // Outweighs the sequence.
  uint32_t found = 0;
  uint32_t first = 0;
  uint32_t best = 0;
  uint32_t oldest = 0;
  uint32_t newest = 0;
  for (uint32_t spare = 0; spare < flash_->spare_count; ++spare) {
    if (!TakeUp(slot_pages_ + spare)) continue;
    const uint32_t sequence = start_.sequence;
    const uint32_t rank = sequence + (IsMarked(RecordMark(FirstFrame())) ? kSealed : 0);
    if (found == 0 || IsLater(sequence, newest)) newest = sequence;
    if (found == 0 || IsLater(oldest, sequence)) {
      oldest = sequence;
      first = journal_page_;
    }
    if (found == 0 || IsLater(rank, best)) {
      best = rank;
      found = journal_page_;
    }
  }
  if (found != 0) {
    last_[false] = static_cast<uint16_t>(first - 1);
    found_ = TakeUp(found);
  } else {
    journal_page_ = 0;
    copies_ = 0;
  }
  start_.sequence = static_cast<uint16_t>(newest);
  return found_;
}

void InPlace::LoadParts() {
  if (!ReadFlash(PartsAddress(), parts_.start, parts_.size)) Fail();
}

void InPlace::BeginJournal() {
  UsePage(NextPage(false));
  ++start_.sequence;
  Erase(journal_);
}

// Completes a journal whose header is there. With its first frame it counts.
void InPlace::WriteJournal() {
  const uint32_t parts = PartsAddress();
  frame_ = parts + Units(parts_.size);
  start_.frames = frame_ - journal_;
  found_ = false;
  if (!HasFrames(frame_, 1 + kJournalReserve)) {
    Fail();
    return;
  }
  Program(parts, parts_.start, parts_.size);
  Program(journal_, &start_, sizeof(start_));
  CheckStart();
  WriteFrame();
}

// Begins a journal with the header of the one before.
void InPlace::CopyHeader() {
  const uint32_t header = HeaderAddress();
  BeginJournal();
  CopyFlash(header, HeaderAddress(), start_.header_length);
}

// Puts the page that was copied last back, if nothing else gives a free spare page.
void InPlace::TakeBack() {
  if (!IsFull()) return;
  const Copy copy = copy_[--copies_];
  const uint32_t address = PageAddress(copy.page);
  Erase(address);
  CopyFlash(PageAddress(copy.place), address, UsableSize(copy.page));
}

libdelta_status InPlace::CheckJournal(const WireHeader &header) {
  const bool is_open = Find() && record_.skip != kFinished;
  return is_open && (!kAcceptsWhole || header.old_length() != 0) ? LIBDELTA_E_IN_PROGRESS : LIBDELTA_OK;
}

libdelta_status InPlace::Begin(const WireHeader &header, uint32_t header_length) {
  // An update that is open can go on until the new journal counts.
  if (kAcceptsWhole && found_) TakeBack();
  BeginJournal();
  start_.longest = static_cast<uint32_t>(Longest(header));
  start_.header_length = static_cast<uint16_t>(header_length);
  FindRoom();
  frame_ = 0;
  copies_ = 0;
  found_ = false;
  Program(HeaderAddress(), &header, header_length);
  return Status();
}

// Forgets the copies that are not needed any more.
void InPlace::Retain(uint32_t retained) {
  uint8_t left = 0;
  for (uint32_t i = 0; i < copies_; ++i) {
    if ((retained >> i & 1) != 0) copy_[left++] = copy_[i];
  }
  copies_ = left;
}

// Writes a group's record, unless a new journal is to begin with it: then there is only its header. What the
// group before needs stays until the new group's record is there.
bool InPlace::NeedsJournal(const GroupStart &group) {
  const bool moves_at_once = group.move && !IsFull();
  if (moves_at_once) CopyHeader();
  Retain(group.retained);
  if (moves_at_once) return true;
  frame_ += frame_size_;
  WriteFrame();
  if (!group.move && HasFrames(frame_, 1 + kJournalReserve)) return false;
  LoadParts();
  CopyHeader();
  return true;
}

// After a reset the group that counts is repeated in a new journal.
void InPlace::Checkpoint(uint32_t start, const GroupStart &group) {
  if (found_) {
    TakeBack();
    CopyHeader();
  } else {
    record_.chunk.payload_left = source_.payload_left;
    const uint8_t *link = source_.links[1];
    uint32_t skip = start - static_cast<uint32_t>(source_.carried);
    if (static_cast<int32_t>(skip) < 0) {  // The chunk before.
      record_.chunk.payload_left += source_.chunk_size;
      link = source_.links[0];
      skip += source_.chunk_size - kLinkSize;
    }
    memcpy(record_.chunk.link, link, kLinkSize);
    record_.skip = static_cast<uint16_t>(skip);
    record_.progress = group.progress;
    if (frame_ != 0 && !NeedsJournal(group)) return;
  }
  WriteJournal();
}

// Writes a last record. In a journal of its own, without parts, after a reset.
void InPlace::End(uint16_t reason) {
  if (frame_ == 0) return;  // No page has changed, and there is no journal.
  copies_ = 0;
  record_.skip = reason;
  if (found_) {
    CopyHeader();
    return WriteJournal();
  }
  frame_ += frame_size_;
  WriteFrame();
}

libdelta_status InPlace::Finish() {
  Little<uint32_t> counter;
  if (flash_->commit_counter != nullptr &&
      (!ReadFlash(HeaderAddress() + offsetof(FixedHeader, counter), &counter, sizeof(counter)) ||
       flash_->commit_counter(flash_->user, counter) != 0)) {
    Fail();
  }
  End(kFinished);
  return failed() ? LIBDELTA_E_FLASH : LIBDELTA_OK;
}

}  // namespace libdelta

#endif
