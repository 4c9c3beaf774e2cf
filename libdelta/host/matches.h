// What each place of the new image is like: in the old image, and in the new one before it.
#ifndef LIBDELTA_HOST_MATCHES_H_
#define LIBDELTA_HOST_MATCHES_H_

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "libdelta/host.h"
#include "libdelta/host/analysis.h"
#include "libdelta/host/matcher.h"

namespace libdelta {

constexpr size_t kMinNewMatch = 4;  // Of a copy from the output.
constexpr size_t kMaxSearch = 256;  // Matches in the old image are searched up to here. Longer ones are long.
constexpr size_t kSettled = 24;     // From here on in one, nothing is looked for in the output either.

// Whether to look for nothing else at `i`, in a long match (kLongEnough, kMaxSearch) that ends at `end`: in
// the old image; in the output.
constexpr bool IsInLongOld(size_t i, size_t end) { return i + kLongEnough / 2 < end; }
constexpr bool IsInLongNew(size_t i, size_t end) { return i + kMaxSearch / 2 < end; }

// Where matches are looked for; it must outlive them.
struct MatchSources {
  ByteView new_image;
  ByteView normalised_old;  // Without references.
  ByteView normalised_new;
  const OldIndex* old_index;            // Of normalised_old; null: the old image is empty.
  const ReferenceScan* kept = nullptr;  // The references of the new image that copies in it keep, if any.
};

// Of one window of the new image. Asking takes no longer where they were prepared.
class Matches {
 public:
  // Of [begin, end). In the output the last `tries` places with the same four bytes are looked at.
  Matches(const MatchSources& sources, size_t begin, size_t end, int tries);

  size_t begin() const { return begin_; }
  size_t end() const { return end_; }

  // Searches ahead for what most parses will ask for.
  void Prepare(unsigned threads);

  // A long match in the old image, as OldIndex::Nearest() has it. Beyond kMaxSearch it goes on as far as that
  // one does; up to kLongEnough its length is that of the longest.
  Match FindOld(size_t i, uint64_t near) const;

  // Calls visit(distance, length) for ever longer matches in the output before `i`.
  template <class Visit>
  void ForEachNew(size_t i, Visit visit) const {
    const size_t at = i - begin_;
    if (at >= new_.size() || new_[at] == kUnknown) return SearchNew(i, visit);
    const std::vector<NewMatch>& found = parts_[at / kPart];
    for (size_t k = new_[at]; found[k].length != 0; ++k) visit(found[k].distance, found[k].length);
  }

  // How far a copy from `from` is the same as the image from `i` on; at most `limit`.
  size_t Length(size_t from, size_t i, size_t limit) const {
    limit = std::min(end_ - i, limit);
    size_t length = 0;
    while (length < limit) {
      if (image_[from + length] == image_[i + length]) {
        ++length;
      } else if (!KeepsReference(from, i, limit, &length)) {
        break;
      }
    }
    return length;
  }

  // Whether such a copy, of at most Length() bytes, can end after `length`, and not inside a reference that
  // only as a whole is the same.
  bool CanEnd(size_t from, size_t i, size_t length) const {
    const size_t start = ReferenceAt(i, i + length);
    return std::equal(image_.begin() + start, image_.begin() + i + length,
                      image_.begin() + start - (i - from));
  }

 private:
  static constexpr uint32_t kUnknown = std::numeric_limits<uint32_t>::max();
  static constexpr size_t kPart = 16384;  // Places that a thread prepares at once.
  static constexpr size_t kMaxNewMatch = 1u << 16;

  struct NewMatch {
    uint32_t distance;
    uint32_t length;  // 0: there are no more.
  };

  template <class Visit>
  void SearchNew(size_t i, Visit visit) const {
    const size_t most = std::min(end_ - i, kMaxNewMatch);
    size_t longest = kMinNewMatch - 1;
    int tries = tries_;
    for (int32_t at = previous_[i - begin_]; at >= 0 && longest < most && tries-- > 0;
         at = previous_[static_cast<size_t>(at)]) {
      const size_t from = begin_ + static_cast<size_t>(at);
      if (image_[from + longest] != image_[i + longest] && alike_[from + longest] != alike_[i + longest])
        continue;
      const size_t length = Length(from, i, most);
      if (length <= longest) continue;
      longest = length;
      visit(i - from, length);
    }
  }

  // Where the reference begins that goes on at `at`, if that is not before `i`; otherwise `at`.
  size_t ReferenceAt(size_t i, size_t at) const;
  // Whether the byte after `length` is in a reference that the copy keeps; then goes behind it.
  bool KeepsReference(size_t from, size_t i, size_t limit, size_t* length) const;
  ByteView Query(size_t i) const;
  Match NearestOld(const IndexMatch& match, size_t i, uint64_t near) const;
  void PreparePart(size_t part);

  MatchSources sources_;
  ByteView image_;
  ByteView alike_;  // Likewise, with what is the same of references that copies keep.
  size_t begin_;
  size_t end_;
  int tries_;
  std::vector<int32_t> previous_;  // The place before that begins alike, after `begin_`, or -1.
  // What was prepared: of the old image; in a part's list, where those from the output begin.
  std::vector<IndexMatch> old_;
  std::vector<uint32_t> new_;
  std::vector<std::vector<NewMatch>> parts_;
};

}  // namespace libdelta

#endif  // LIBDELTA_HOST_MATCHES_H_
