#include "libdelta/host/matches.h"

#include <algorithm>

#include "libdelta/host/parallel.h"
#include "libdelta/wire/codec.h"

namespace libdelta {

Matches::Matches(const MatchSources& sources, size_t begin, size_t end, int tries)
    : sources_(sources),
      image_(sources.new_image),
      alike_(sources.kept != nullptr ? ByteView(sources.kept->absolute()) : image_),
      begin_(begin),
      end_(end),
      tries_(tries),
      previous_(end - begin, -1) {
  constexpr uint32_t kHashBits = 18;
  std::vector<int32_t> last(size_t{1} << kHashBits, -1);
  for (size_t i = begin; i + kMinNewMatch <= end; ++i) {
    const uint32_t word = LoadWord(alike_.data() + i, kLittleEndian);
    int32_t& here = last[word * 0x9e3779b1u >> (32 - kHashBits)];
    previous_[i - begin] = here;
    here = static_cast<int32_t>(i - begin);
  }
}

void Matches::Prepare(unsigned threads) {
  const size_t size = end_ - begin_;
  old_.assign(size, {0, kUnknown});
  new_.assign(size, kUnknown);
  parts_.resize((size + kPart - 1) / kPart);
  ForEachParallel(parts_.size(), threads, [&](size_t part) { PreparePart(part); });
}

// A parse mostly stays in a long match once it is settled there, and looks for nothing else in one from the
// output.
void Matches::PreparePart(size_t part) {
  const size_t start = begin_ + part * kPart;
  const size_t stop = std::min(start + kPart, end_);
  size_t settled = stop;  // From there on, in the last long match in the old image,
  size_t old_end = 0;     // and its end.
  size_t new_end = 0;     // Of the last long one in the output.
  for (size_t i = start; i < stop; ++i) {
    const bool inside = IsInLongOld(i, old_end);
    if (!inside && sources_.old_index != nullptr) {
      old_[i - begin_] = sources_.old_index->Longest(Query(i));
      if (old_[i - begin_].length > kLongEnough) {
        settled = i + kSettled;
        old_end = i + NearestOld(old_[i - begin_], i, i).length;
      }
    }
    if ((inside && i >= settled) || IsInLongNew(i, new_end)) continue;
    std::vector<NewMatch>& found = parts_[part];
    new_[i - begin_] = static_cast<uint32_t>(found.size());
    SearchNew(i, [&](size_t distance, size_t length) {
      found.push_back({static_cast<uint32_t>(distance), static_cast<uint32_t>(length)});
      if (length > kMaxSearch) new_end = i + length;
    });
    found.push_back({0, 0});
  }
}

size_t Matches::ReferenceAt(size_t i, size_t at) const {
  if (sources_.kept == nullptr || at >= image_.size()) return at;
  size_t start = at;
  while (sources_.kept->kind(start) == ReferenceScan::kInside) {
    if (start == i) return at;
    --start;
  }
  return start;
}

bool Matches::KeepsReference(size_t from, size_t i, size_t limit, size_t* length) const {
  if (sources_.kept == nullptr || i - from <= kBlock) return false;
  const ReferenceScan& kept = *sources_.kept;
  const size_t start = ReferenceAt(i, i + *length);
  const size_t source = start - (i - from);
  const uint8_t kind = kept.kind(start);
  if (kind == ReferenceScan::kNone || kind == ReferenceScan::kInside || kind != kept.kind(source))
    return false;
  size_t end = start + 1;
  while (end < image_.size() && kept.kind(end) == ReferenceScan::kInside) ++end;
  if (end - i > limit || !std::equal(alike_.begin() + start, alike_.begin() + end, alike_.begin() + source)) {
    return false;
  }
  *length = end - i;
  return true;
}

ByteView Matches::Query(size_t i) const {
  const ByteView rest = sources_.normalised_new.subspan(i);
  return rest.first(std::min(rest.size(), kMaxSearch));
}

Match Matches::FindOld(size_t i, uint64_t near) const {
  const size_t at = i - begin_;
  const bool known = at < old_.size() && old_[at].length != kUnknown;
  return NearestOld(known ? old_[at] : sources_.old_index->Longest(Query(i)), i, near);
}

Match Matches::NearestOld(const IndexMatch& match, size_t i, uint64_t near) const {
  if (match.length == 0) return {};
  Match nearest{sources_.old_index->Nearest(match, Query(i), near), match.length};
  if (match.length <= kLongEnough) return nearest;
  const ByteView from = sources_.normalised_old.subspan(nearest.position);
  const ByteView to = sources_.normalised_new.subspan(i);
  const size_t most = std::min(from.size(), to.size());
  while (nearest.length < most && from[nearest.length] == to[nearest.length]) ++nearest.length;
  return nearest;
}

}  // namespace libdelta
