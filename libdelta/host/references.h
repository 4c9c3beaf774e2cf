// References as the encoder finds them in whole images.
#ifndef LIBDELTA_HOST_REFERENCES_H_
#define LIBDELTA_HOST_REFERENCES_H_

#include <cstdint>
#include <vector>

#include "libdelta/host.h"
#include "libdelta/wire/reference.h"

namespace libdelta {

// Whether the address takes two words.
inline bool IsPair(const Template& t) { return t.mask[1] != 0; }

// Whether hardly anything but its target tells a reference from other words.
bool IsLoose(const Template& t);

// Whether it is one of fewer than 4 bytes. In most images nearly any bytes look like some of them, so nothing
// is matched by these.
inline bool IsShortPointer(const Template& t) { return IsLoose(t) && Width(t) < 4; }

// Whether copies from the output can change the reference, to keep its target: one that counts from address 0
// is the same wherever it stands.
inline bool IsKept(const Template& t) { return t.origin != 0 && KeepsTarget(t); }

// Bits of a field, in one of the words of its reference.
struct Run {
  uint8_t shift;
  uint8_t length;
  uint8_t word = 0;  // 1: the other one of a pair.
};

// Sets where the field is: `runs`, most significant first, each `unused` bits further up than it says.
void SetRuns(const std::vector<Run>& runs, uint32_t unused, Template* t);

// The words of a reference.
struct Words {
  uint32_t at[kWords];
};

// Sets the other word of the pair at `position`. False: it is not there.
bool FindOther(const Template& t, ByteView image, uint64_t position, Words* words);

// Sets `words` to those at `position`. False: no reference like this can be there. Its alignment is not
// looked at.
inline bool FindReference(const Template& t, ByteView image, uint64_t position, Words* words) {
  if (position > image.size() || Width(t) > image.size() - position) return false;
  *words = {{LoadWord(image.data() + position, Width(t), t.order), 0}};
  if ((words->at[0] & t.mask[0]) != t.match[0]) return false;
  return !IsPair(t) || FindOther(t, image, position, words);
}

// The word that is predicted, with `field` in it as far as it holds it.
uint32_t WithField(const Template& t, Words words, uint32_t field);

}  // namespace libdelta

#endif  // LIBDELTA_HOST_REFERENCES_H_
