// The libdelta codec's payload: plan and code.
#ifndef LIBDELTA_HOST_PAYLOAD_H_
#define LIBDELTA_HOST_PAYLOAD_H_

#include <array>
#include <functional>
#include <optional>
#include <string>

#include "libdelta/host.h"
#include "libdelta/host/plan.h"

namespace libdelta {

// Below this there is no room for a model.
constexpr uint32_t kMinArena = 1024;

struct PayloadOptions {
  uint32_t arena = 0;  // Bytes the applier has beyond its fixed part and chunk buffer.
  uint64_t group_blocks = 0;
  const InPlaceLayout* in_place = nullptr;  // Not owned. Images fit in the slot.
  uint32_t header_size = 0;                 // In place: of the signed header.
  std::optional<uint64_t> load_address;
  std::optional<std::string> isa;  // As in EncodeOptions.
  bool templates = true;           // Likewise.
  int effort = kDefaultEffort;
  unsigned threads = 1;
  size_t useless_size = SIZE_MAX;     // Payloads of this size or more will not be used.
  std::function<void(int)> progress;  // As in EncodeOptions.
};

struct Payload {
  Bytes data;
  Plan plan;
  std::array<uint64_t, static_cast<size_t>(Stream::kCount)> cost{};  // In 1 / kFineCostOne bits.
};

// Codes `new_image` as changes to `old_image`, or whole if that is empty. `data` is empty only if the arena
// cannot hold even an empty plan.
Payload EncodePayload(ByteView old_image, ByteView new_image, const PayloadOptions& options);

// Codes the plan of such a payload once more, for what each decision costs.
CostTrace TracePayload(ByteView old_image, ByteView new_image, const Plan& plan, uint32_t arena);

}  // namespace libdelta

#endif  // LIBDELTA_HOST_PAYLOAD_H_
