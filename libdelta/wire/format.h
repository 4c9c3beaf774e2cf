// Constants of the patch format: the one place that fixes them. FORMAT.md is the specification.
#ifndef LIBDELTA_WIRE_FORMAT_H_
#define LIBDELTA_WIRE_FORMAT_H_

#include <stdint.h>

namespace libdelta {

constexpr uint8_t kMagic[3] = {'F', 'W', 'D'};
constexpr uint8_t kFormatVersion = 1;
constexpr uint8_t kVersionMark = 0xf0;  // In the byte with the version, so that no text looks like a patch.

constexpr uint8_t kCodecDelta = 0;
constexpr uint8_t kCodecZstd = 1;

constexpr uint32_t kMaxHeader = 1024;
constexpr uint32_t kMaxId = 32;
constexpr uint32_t kMaxExtensionType = 65535;
constexpr uint32_t kExtensionHeaderSize = 4;  // Type and length.
constexpr uint32_t kInPlaceExtension = 1;     // The flash geometry that an update in place was planned for.
constexpr uint32_t kMaxSignatures = 8;
constexpr uint32_t kDigestSize = 32;
constexpr uint32_t kLinkSize = 16;
constexpr uint32_t kOldDigestSize = kLinkSize;  // As with links, the start of SHA-256.
constexpr uint32_t kKeyIdSize = 8;
constexpr uint32_t kSignatureSize = 64;
constexpr uint32_t kSignatureEntrySize = kKeyIdSize + kSignatureSize;

constexpr uint32_t kMinChunk = 256;
constexpr uint32_t kMaxChunk = 4096;
constexpr uint32_t kMinRam = 2048;
constexpr uint32_t kMaxRam = 1u << 20;
constexpr uint32_t kRamUnit = 32;                         // What headers count RAM in.
constexpr uint64_t kMaxLength = (uint64_t{1} << 40) - 1;  // Of images and payloads.
// Fixed part of every RAM dial; the applier's state struct must fit in it on 32-bit targets.
constexpr uint32_t kFixedRam = 512;
// Likewise for updates in place, with the journal's.
constexpr uint32_t kInPlaceFixedRam = 736;
// Unread payload bytes that an applier may have to carry from one chunk to the next.
constexpr uint32_t kCarrySize = 56;

// Before the digest of the signed header in the message that keys sign.
constexpr char kSignatureDomain[] = "libdelta patch header v1";
constexpr uint32_t kSignatureDomainSize = sizeof(kSignatureDomain) - 1;

// --- In place (FORMAT.md 6) ---

constexpr uint32_t kMinSparePages = 2;
constexpr uint32_t kMaxSparePages = 16;
constexpr uint32_t kMaxWriteUnit = 32;
constexpr uint32_t kMaxPageRuns = 8;
constexpr uint32_t kMaxSlotPages = 65519;  // With the spare pages, numbers of two bytes.

// The extension's value: a byte for the number of spare pages, less one, in the low kSpareBits bits and the
// write unit's logarithm above them; the size of a spare page; then the slot's runs of pages: count, size.
// Numbers have two bytes; sizes count units of 1 << kPageUnitBits bytes.
constexpr uint32_t kSpareBits = 4;
constexpr uint32_t kGeometrySize = 3;
constexpr uint32_t kGeometryRunSize = 4;
constexpr uint32_t kPageUnitBits = 6;
constexpr uint32_t kMaxSparePageSize = 0xffffu << kPageUnitBits;

// The journal.
constexpr uint32_t kJournalStartSize = 32;
constexpr uint32_t kJournalRecordSize = 32;
constexpr uint32_t kCopyRecordSize = 8;
constexpr uint32_t kMaxCopies = 15;  // Old pages kept at a time.
// Fewer where journals are small.
constexpr uint32_t CopyCapacity(uint32_t spare_page_size) {
  return spare_page_size < 512 ? 1 : spare_page_size / 256 < kMaxCopies ? spare_page_size / 256 : kMaxCopies;
}
constexpr uint32_t kJournalReserve = 1;     // Frames that groups leave free, for the last record.
constexpr uint32_t kPlannedSignatures = 2;  // What a planner leaves room for.

}  // namespace libdelta

#endif  // LIBDELTA_WIRE_FORMAT_H_
