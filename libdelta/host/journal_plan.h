// What the journal of an update in place has room for, and when a new one begins (FORMAT.md 6).
#ifndef LIBDELTA_HOST_JOURNAL_PLAN_H_
#define LIBDELTA_HOST_JOURNAL_PLAN_H_

#include <cstdint>

#include "libdelta/host.h"
#include "libdelta/host/page_order.h"

namespace libdelta {

class JournalPlan {
 public:
  // `header_size`: of the signed header. `parts_size`: what does not change of the arena. `capacity`: undo
  // copies that there is room for.
  JournalPlan(const InPlaceLayout& layout, uint32_t header_size, uint32_t parts_size, uint32_t capacity);

  // Bytes that a spare page must have at least for these parts.
  uint32_t least_page() const { return least_page_; }
  bool Fits() const { return least_page_ <= layout_.spare_page_size; }

  // Bytes that more parts may take if there are that many groups.
  uint32_t RoomForParts(uint32_t groups) const;

  // What can be kept of the model, for KeptModelSize(); of its slots at most `most` units.
  uint32_t SnapshotUnits(const PageOrder& order, uint32_t most) const;

  // Decides which groups keep the model: early ones, for what is learnt from them, and so that all spare
  // pages wear alike. False: the groups' records do not fit beside such parts.
  bool Schedule(uint32_t snapshot_units, PageOrder* order) const;

 private:
  uint32_t Frames(uint32_t snapshot_units) const;
  // Bytes that are free if a few journals are to hold the records of that many groups.
  uint32_t BesideFrames(uint32_t groups) const;
  // Bytes that journals may take where one would do.
  uint64_t Budget(const PageOrder& order) const;

  const InPlaceLayout& layout_;
  uint32_t parts_;
  uint32_t parts_share_;  // Bytes that parts may take however many journals that makes.
  uint32_t fixed_;        // Bytes before the frames, without the snapshot.
  uint32_t frame_;
  uint32_t least_page_;
};

}  // namespace libdelta

#endif  // LIBDELTA_HOST_JOURNAL_PLAN_H_
