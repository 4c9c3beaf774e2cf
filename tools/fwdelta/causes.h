// Why the bytes of a patch are there, and what would save them: a guess for each decision of the coder.
#ifndef TOOLS_FWDELTA_CAUSES_H_
#define TOOLS_FWDELTA_CAUSES_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "libdelta/host.h"

namespace fwdelta {

enum class Cause {
  kNewContent,   // Code and data that the old image does not have.
  kChurn,        // Small changes inside of copies.
  kMoved,        // Addresses that changed because something before them grew or shrank.
  kReordered,    // Parts that are in another order.
  kMovedData,    // Pointers that changed otherwise than predicted.
  kBuildStamps,  // Dates, times and ids of the build.
  kOpaque,       // Compressed or encrypted data.
  kSearch,       // Saying what is unchanged, and how to find references.
  kCount
};

struct CauseText {
  const char* id;  // For JSON.
  const char* name;
  const char* remedy;  // Empty: there is none.
};
const CauseText& TextOf(Cause cause);

struct CauseCosts {
  std::array<uint64_t, static_cast<size_t>(Cause::kCount)> cost{};  // In the units of CostTrace.
  std::vector<std::string> stamps;  // Of kBuildStamps: what was found, at most a few.
};

// Each cost of the trace is counted once. `stream_names` are those of EncodeStats::stream_bits.
CauseCosts FindCauses(libdelta::ByteView old_image, libdelta::ByteView new_image,
                      const libdelta::CostTrace& trace, const std::vector<std::string>& stream_names);

}  // namespace fwdelta

#endif  // TOOLS_FWDELTA_CAUSES_H_
