// What the encoder decided: everything the codec needs to know beside the two images.
#ifndef LIBDELTA_HOST_PLAN_H_
#define LIBDELTA_HOST_PLAN_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "libdelta/wire/codec.h"
#include "libdelta/wire/reference.h"

namespace libdelta {

// Everything from `old_position` up to the next entry's moves to `new_position`. An anchor is no segment: it
// says where something went that is not copied from there.
struct MapEntry {
  uint64_t old_position;
  uint64_t new_position;
  bool anchor = false;
};

// A piece of the new image. `source`: old position (kOld), distance back (kNew), unused (kLiteral).
struct Operation {
  OperationKind kind;
  uint64_t position;
  uint64_t length;
  uint64_t source;
};

class PageOrder;

struct Plan {
  std::vector<Template> templates;
  uint32_t base = 0;                       // Address of the first byte of either image;
  bool base_known = false;                 // if not, it is only right about alignment.
  uint32_t ram_end = 0;                    // First address that `ram_map` does not cover.
  uint32_t limit = 12;                     // Confidence at which slots stop to slow down.
  uint32_t places = 0;                     // Masks of what contexts see of a position: two bits for kPlace,
                                           // then two for kAlign (wire/codec.h).
  uint64_t group_blocks = 0;               // Blocks per independent group; 0: one group.
  std::vector<MapEntry> image_map;         // Segments and anchors, by old position.
  std::vector<MapEntry> ram_map;           // By old address.
  std::vector<uint64_t> segment_lengths;   // Of the entries of `image_map`; 0 for anchors.
  std::vector<Operation> operations;       // In the gaps between segments, in the order of coding.
  std::shared_ptr<const PageOrder> order;  // Of an update in place.
  uint32_t snapshot_units = 0;             // In place: kept of the model, in units of kSlotUnit slots.
};

}  // namespace libdelta

#endif  // LIBDELTA_HOST_PLAN_H_
