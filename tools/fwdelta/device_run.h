// Runs the device library on files, the way a device runs it on flash, and explains its verdict.
#ifndef TOOLS_FWDELTA_DEVICE_RUN_H_
#define TOOLS_FWDELTA_DEVICE_RUN_H_

#include <functional>
#include <string>
#include <vector>

#include "fwdelta/failure.h"
#include "fwdelta/files.h"
#include "fwdelta/patch_summary.h"
#include "fwdelta/policy_options.h"
#include "fwdelta/progress.h"
#include "libdelta/adapters/host_crypto.h"
#include "libdelta/device.h"

namespace fwdelta {

// One verification or one application of one patch. Every function throws a Failure when the library
// refuses the patch.
class DeviceRun {
 public:
  // `old_image` may be null: then verify() does not check it, and only whole images can be applied.
  // All arguments must outlive the object.
  DeviceRun(const Policy& policy, const std::string& patch_name, const InputFile* old_image);
  DeviceRun(const DeviceRun&) = delete;
  DeviceRun& operator=(const DeviceRun&) = delete;
  ~DeviceRun();

  // From now on in place: `flash` is written to. `name` is what messages call it. Both must outlive the
  // object.
  void UseFlash(const libdelta_flash* flash, const std::string& name);

  // Everything but the decoding. In place, `old_checked` tells whether the flash holds an old image that the
  // patch must have been made from.
  void Verify(libdelta::ByteView patch, bool old_checked = true);

  // Writes the new image to `output`, which is not committed.
  void ApplyStored(libdelta::ByteView patch, OutputFile* output);

  // The same with the patch from a pipe, in pieces as they arrive.
  void ApplyStream(int fd, OutputFile* output);

  // Updates the flash in place the way a bootloader does: goes on with an update in progress if
  // `is_begun` says that it is the one of the patch that begins with these bytes; otherwise offers the patch.
  // Unlike the others returns what the library says, because the flash has to be kept first.
  using IsBegun = std::function<bool(libdelta::ByteView header)>;
  libdelta_status UpdateStored(libdelta::ByteView patch, const IsBegun& is_begun);
  libdelta_status UpdateStream(int fd, const IsBegun& is_begun);
  // Whether the flash holds an update that can go on.
  bool IsInProgress();
  // Where that went on; 0: at the start.
  uint64_t feed_from() const { return feed_from_; }
  // Takes note of what the library said; throws unless it was OK or E_ALREADY_DONE.
  void Conclude(libdelta_status status);

  // The header of the patch that has been accepted.
  const PatchSummary& summary() const { return summary_; }

 private:
  static int ReadOld(void* user, libdelta_offset offset, uint8_t* buffer, uint32_t length);
  static int WriteNew(void* user, libdelta_offset offset, const uint8_t* data, uint32_t length);
  static int ReadNew(void* user, libdelta_offset offset, uint8_t* buffer, uint32_t length);
  static int ReadPatch(void* user, libdelta_offset offset, uint8_t* buffer, uint32_t length);

  void KeepStored(libdelta::ByteView patch);
  void KeepStart(libdelta::ByteView bytes);
  libdelta_updater* Start();
  libdelta_status Push(int fd, libdelta_updater* updater);
  bool PrepareOutput();
  void ReleaseOutput();
  libdelta_updater* Recover(const IsBegun& is_begun);
  void CheckChain(libdelta::ByteView patch);
  void Finish(libdelta_status status);
  [[noreturn]] void Explain(libdelta_status status);
  [[noreturn]] void ExplainSignatures();
  [[noreturn]] void ExplainBase();
  [[noreturn]] void ExplainGeometry();
  [[noreturn]] void ExplainLength(bool truncated);
  [[noreturn]] void ExplainWrite();

  const Policy& policy_;
  const std::string& patch_name_;
  const InputFile* old_image_;
  libdelta_host_crypto_state crypto_state_;
  libdelta_config config_ = {};
  std::vector<uint64_t> ram_;  // 64-bit units for the alignment.
  libdelta::Bytes start_;      // The patch's first bytes, header included, for messages and summary_.
  libdelta::ByteView patch_;   // Stored patch.
  uint64_t patch_size_ = 0;    // Bytes of the patch seen so far.
  std::string flash_name_;     // In place only.
  uint64_t feed_from_ = 0;
  OutputFile* output_ = nullptr;
  uint8_t* new_image_ = nullptr;  // Mapping of the output file, from the first written byte on.
  uint64_t new_length_ = 0;
  int write_error_ = 0;  // errno of the output file.
  PatchSummary summary_;
  Progress progress_;
};

}  // namespace fwdelta

#endif  // TOOLS_FWDELTA_DEVICE_RUN_H_
