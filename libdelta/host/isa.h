// The template sets that libdelta knows by name, and the choice of those that fit an image.
#ifndef LIBDELTA_HOST_ISA_H_
#define LIBDELTA_HOST_ISA_H_

#include <string>
#include <vector>

#include "libdelta/host.h"
#include "libdelta/wire/reference.h"

namespace libdelta {

// References of one instruction set. Calls are common and their targets recur, which makes them a fingerprint
// of the instruction set; the others are worth a template only where an image shows it. A set without calls
// is used if it is asked for by name.
struct TemplateSet {
  std::string name;
  std::vector<Template> calls;
  std::vector<Template> others;
};

const std::vector<TemplateSet>& TemplateSets();

// What takes the place of a set's name, see EncodeOptions::isa.
constexpr const char* kNoIsa = "none";
constexpr const char* kDiscoverIsa = "discover";

// The set of that name, or null.
const TemplateSet* FindSet(const std::string& name);

// A pointer of 4 bytes.
Template PointerTemplate(bool big_endian);

// References in data, of any instruction set: distances and pointers of 4 bytes. Any word could be one.
std::vector<Template> DataTemplates();

// The set whose calls stand out in `image`, or null.
const TemplateSet* DetectSet(ByteView image);

}  // namespace libdelta

#endif  // LIBDELTA_HOST_ISA_H_
