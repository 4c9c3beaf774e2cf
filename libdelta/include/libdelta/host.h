// libdelta host library: create and sign patches (C++20, no exceptions across this API).
//
// Encode() compares two images and returns an unsigned patch; SignatureMessage() is what a key
// signs; AddSignature() puts a signature in. Keys never enter the encoder, so they can stay offline.
// The same inputs and options give the same bytes on every platform and for any thread count.
#ifndef LIBDELTA_HOST_H_
#define LIBDELTA_HOST_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace libdelta {

using Bytes = std::vector<uint8_t>;
using ByteView = std::span<const uint8_t>;

// Why a host call failed: what is wrong and what to do, in one line, without a trailing period.
struct Error {
  std::string message;
};

// A value or an Error. Callers must check ok() before value().
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(std::move(error)) {}  // NOLINT(google-explicit-constructor)
  bool ok() const { return std::holds_alternative<T>(state_); }
  T& value() { return std::get<T>(state_); }
  const T& value() const { return std::get<T>(state_); }
  const std::string& error() const { return std::get<Error>(state_).message; }

 private:
  std::variant<T, Error> state_;
};

// Kind of payload to produce. kAuto takes a whole image where that is smaller than a delta.
enum class PayloadKind { kAuto, kFullOnly, kDeltaOnly };

// Consecutive pages of the same size, in bytes: multiples of 64.
struct SlotPages {
  uint32_t count = 0;
  uint32_t size = 0;
};
struct SlotRange {
  uint64_t start = 0;  // Offset in the slot.
  uint64_t length = 0;
};

// The flash of a device that updates itself in place.
struct InPlaceLayout {
  std::vector<SlotPages> pages;  // Of the slot, from its start; at most 8 runs.
  uint32_t write_unit = 4;       // Bytes: 1, 2, 4, 8, 16 or 32.
  uint8_t erase_value = 0xff;
  uint32_t spare_count = 2;  // Spare pages: 2 .. 16.
  uint32_t spare_page_size = 4096;
  std::vector<SlotRange> protected_ranges;  // Whole pages that no update touches.
};

// Where the bits of a payload went, decision by decision. Costs are in 1/65536 of a bit.
struct CostTrace {
  static constexpr uint64_t kNowhere = UINT64_MAX;
  // Decisions of one kind for one place.
  struct Cost {
    uint64_t
        position;  // The byte of the new image that they are for; an operation's first. kNowhere: the tables.
    uint32_t stream;  // Index in EncodeStats::stream_bits.
    uint64_t cost;
  };
  enum class Origin { kLiteral, kOldCopy, kNewCopy };
  // What a piece of the new image is made of. Copies can have differences.
  struct Piece {
    uint64_t position;
    uint64_t length;
    Origin origin;
    uint64_t source;  // Where in the old or new image the copy begins; 0 for literals.
  };
  std::vector<Cost> costs;  // In the order of coding.
  // By position, without overlaps; in place, pages that stay as they are may be in none.
  std::vector<Piece> pieces;
};

constexpr int kLeastEffort = 1;
constexpr int kDefaultEffort = 5;
constexpr int kMostEffort = 9;

struct EncodeOptions {
  std::string hardware;   // Id of the board, at most 32 bytes; empty: any.
  std::string component;  // Id of the image on that board, at most 32 bytes; empty: any.
  uint32_t counter = 0;   // Security counter: devices refuse smaller ones than they have seen.
  // RAM the applier may use in all, bytes; 2048 .. 1048576. Rounded down to a multiple of 32.
  uint64_t ram = 65536;
  uint32_t chunk = 0;  // Chunk size, bytes, 256 .. 4096; 0: ram / 8 within that range.
  PayloadKind kind = PayloadKind::kAuto;
  // Updates in place; `old_image` and `new_image` start where the slot does. Unset: the new image goes
  // elsewhere.
  std::optional<InPlaceLayout> in_place;
  // Output bytes per independently decodable group, a multiple of 64; 0: one group.
  uint64_t group = 0;
  // How long to search for a small patch, kLeastEffort .. kMostEffort; the same effort gives the same patch.
  int effort = kDefaultEffort;
  unsigned threads = 0;                  // 0: as many as the machine has. Never changes the result.
  std::optional<uint64_t> load_address;  // Of the first image byte; unset: found automatically.
  // Instruction set, one of InstructionSets(); "none": no references but those in data; "discover": those
  // that show by how they change. Unset: the set whose templates save most, and what can be discovered beside
  // it.
  std::optional<std::string> isa;
  // Whether the patch may have templates and address maps: false for devices whose library was compiled
  // without (LIBDELTA_NO_TEMPLATES).
  bool templates = true;
  // Filled if set; empty for payloads that the libdelta codec has not made. Not owned.
  CostTrace* trace = nullptr;
  // Called with 0 .. 1000 per mille from the calling thread; may be empty.
  std::function<void(int)> progress;
};

// Where the patch's bits went (whole bits, rounded) and what the encoder found.
struct EncodeStats {
  std::vector<std::pair<std::string, uint64_t>> stream_bits;  // In a fixed order, by stream name.
  std::vector<std::pair<std::string, uint64_t>> counts;       // Segments, references, hits, misses ...
  uint64_t header_bytes = 0;                                  // Unsigned header.
  uint64_t link_bytes = 0;                                    // Hash chain.
  uint64_t payload_bytes = 0;                                 // Without links.
  uint64_t ram = 0;                                           // What the header declares.
  uint64_t load_address = 0;  // Used for absolute pointers; 0 when there are none.
  std::string payload;        // "delta", "full" or "full-zstd".
};

struct Patch {
  Bytes bytes;
  EncodeStats stats;
};

// Creates an unsigned patch that turns `old_image` into `new_image`. Errors: options out of range.
Result<Patch> Encode(ByteView old_image, ByteView new_image, const EncodeOptions& options);

// The instruction sets that EncodeOptions::isa may name.
std::vector<std::string> InstructionSets();

// The message a key signs for `patch`: a domain string and the digest of the signed header bytes.
Result<Bytes> SignatureMessage(ByteView patch);

// Returns `patch` with one more signature. `algorithm` is a libdelta_algorithm; `public_key` as in
// libdelta_key. The signature must be valid over SignatureMessage(patch): the caller checks that.
// Errors: malformed patch, a signature by the same key already there, no room for another.
Result<Bytes> AddSignature(ByteView patch, int algorithm, ByteView public_key, ByteView signature);

// Key id: first 8 bytes of SHA-256(algorithm byte || public key).
Bytes KeyId(int algorithm, ByteView public_key);

}  // namespace libdelta

#endif  // LIBDELTA_HOST_H_
