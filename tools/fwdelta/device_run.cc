#include "fwdelta/device_run.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>

#include "fwdelta/text.h"
#include "libdelta/adapters/zstd.h"
#include "libdelta/host/sha256.h"
#include "libdelta/wire/format.h"

namespace fwdelta {
namespace {

// Whether `length` bytes from `offset` lie within `size` bytes.
bool Contains(uint64_t size, uint64_t offset, uint32_t length) {
  return offset <= size && length <= size - offset;
}

int CopyFrom(libdelta::ByteView bytes, libdelta_offset offset, uint8_t* buffer, uint32_t length) {
  if (!Contains(bytes.size(), offset, length)) return -1;
  memcpy(buffer, bytes.data() + offset, length);
  return 0;
}

std::string Quoted(const std::string& id) { return id.empty() ? "none in particular" : "\"" + id + "\""; }

std::string KeyList(const std::vector<libdelta::Bytes>& ids) {
  std::string text;
  for (const libdelta::Bytes& id : ids) text += (text.empty() ? "" : ", ") + Hex(id);
  return text;
}

}  // namespace

DeviceRun::DeviceRun(const Policy& policy, const std::string& patch_name, const InputFile* old_image)
    : policy_(policy), patch_name_(patch_name), old_image_(old_image), progress_("fwdelta: applying") {
  config_.io = {this, old_image == nullptr ? nullptr : ReadOld, WriteNew, ReadNew, ReadPatch};
  config_.crypto = libdelta_host_crypto(&crypto_state_);
  config_.policy = policy.device_policy();
  config_.zstd = &libdelta_zstd_codec;
}

DeviceRun::~DeviceRun() { ReleaseOutput(); }

void DeviceRun::UseFlash(const libdelta_flash* flash, const std::string& name) {
  config_.flash = flash;
  flash_name_ = name;
}

// In place the library always looks at the old image. Without one that is where it stops: all that it says
// about the header has been said then, and what is left are the chunks.
void DeviceRun::Verify(libdelta::ByteView patch, bool old_checked) {
  KeepStored(patch);
  libdelta_status status = libdelta_verify_stored(Start(), patch.size());
  // The new image in place of the old one is fine for an update, but not what was asked.
  if (status == LIBDELTA_E_ALREADY_DONE) status = LIBDELTA_E_OLD_DIGEST;
  if (config_.flash != nullptr && !old_checked && status == LIBDELTA_E_OLD_DIGEST) {
    CheckChain(patch);
    status = LIBDELTA_OK;
  }
  Finish(status);
}

// Follows the hash chain (FORMAT.md 3).
void DeviceRun::CheckChain(libdelta::ByteView patch) {
  libdelta_header header;
  if (libdelta_parse_header(patch.data(), patch.size(), &header) != LIBDELTA_OK) {
    Explain(LIBDELTA_E_MALFORMED);
  }
  CheckLength(Summarize(patch, patch_name_), patch.size(), patch_name_);
  const uint8_t* link = header.first_link;
  for (size_t at = header.header_length; at < patch.size();) {
    const libdelta::ByteView chunk =
        patch.subspan(at, std::min<size_t>(header.chunk_size, patch.size() - at));
    if (memcmp(libdelta::Sha256(chunk).data(), link, libdelta::kLinkSize) != 0) Explain(LIBDELTA_E_CHUNK);
    link = chunk.data();
    at += chunk.size();
  }
}

// Decides as a bootloader does. A fresh updater offers the patch as a new one, and the library judges that.
libdelta_updater* DeviceRun::Recover(const IsBegun& is_begun) {
  libdelta_updater* const updater = Start();
  libdelta_recovery recovery = LIBDELTA_IDLE;
  libdelta_offset from = 0;
  const libdelta_status status = libdelta_recover(updater, &recovery, &from);
  if (status != LIBDELTA_NEED_INPUT || recovery != LIBDELTA_RESUME || !is_begun(start_)) return Start();
  feed_from_ = from;
  return updater;
}

bool DeviceRun::IsInProgress() {
  libdelta_recovery recovery = LIBDELTA_IDLE;
  libdelta_offset from = 0;
  return libdelta_recover(Start(), &recovery, &from) == LIBDELTA_NEED_INPUT && recovery == LIBDELTA_RESUME;
}

libdelta_status DeviceRun::UpdateStored(libdelta::ByteView patch, const IsBegun& is_begun) {
  KeepStored(patch);
  return libdelta_apply_stored(Recover(is_begun), patch.size());
}

libdelta_status DeviceRun::UpdateStream(int fd, const IsBegun& is_begun) {
  // The header tells which update this is; what is read with it is kept for the library.
  libdelta::Bytes begin(LIBDELTA_MAX_HEADER);
  size_t size = 0;
  while (size < begin.size()) {
    const size_t count = ReadSome(fd, patch_name_, begin.data() + size, begin.size() - size);
    if (count == 0) break;
    size += count;
  }
  begin.resize(size);
  KeepStart(begin);
  libdelta_updater* const updater = Recover(is_begun);
  const size_t skipped = static_cast<size_t>(std::min<uint64_t>(feed_from_, size));
  const libdelta_status status = libdelta_push(updater, begin.data() + skipped, size - skipped);
  if (status > LIBDELTA_NEED_INPUT) return status;
  return Push(fd, updater);
}

void DeviceRun::Conclude(libdelta_status status) {
  Finish(status == LIBDELTA_E_ALREADY_DONE ? LIBDELTA_OK : status);
}

void DeviceRun::ApplyStored(libdelta::ByteView patch, OutputFile* output) {
  KeepStored(patch);
  output_ = output;
  Finish(libdelta_apply_stored(Start(), patch.size()));
}

void DeviceRun::ApplyStream(int fd, OutputFile* output) {
  output_ = output;
  Finish(Push(fd, Start()));
}

void DeviceRun::KeepStored(libdelta::ByteView patch) {
  patch_ = patch;
  KeepStart(patch);
}

// Remembers `bytes`, which come next in the patch, as far as they can belong to its header.
void DeviceRun::KeepStart(libdelta::ByteView bytes) {
  const size_t missing = LIBDELTA_MAX_HEADER - start_.size();
  const libdelta::ByteView kept = bytes.first(std::min(missing, bytes.size()));
  start_.insert(start_.end(), kept.begin(), kept.end());
  patch_size_ += bytes.size();
}

libdelta_updater* DeviceRun::Start() {
  const size_t size = libdelta_ram_required(policy_.options().ram());
  ram_.resize((size + sizeof(uint64_t) - 1) / sizeof(uint64_t));
  libdelta_updater* updater = nullptr;
  const libdelta_status status = libdelta_init(ram_.data(), size, &config_, &updater);
  if (updater == nullptr) {
    Fail(ExitCode::kInternal, "cannot start the update: {}", libdelta_status_text(status));
  }
  return updater;
}

libdelta_status DeviceRun::Push(int fd, libdelta_updater* updater) {
  libdelta::Bytes buffer(65536);
  while (const size_t count = ReadSome(fd, patch_name_, buffer.data(), buffer.size())) {
    const size_t skipped =
        static_cast<size_t>(std::min<uint64_t>(count, feed_from_ - std::min(feed_from_, patch_size_)));
    KeepStart(libdelta::ByteView(buffer).first(count));
    const libdelta_status status = libdelta_push(updater, buffer.data() + skipped, count - skipped);
    if (status > LIBDELTA_NEED_INPUT) return status;
  }
  return libdelta_finish(updater);
}

int DeviceRun::ReadOld(void* user, libdelta_offset offset, uint8_t* buffer, uint32_t length) {
  return CopyFrom(static_cast<DeviceRun*>(user)->old_image_->bytes(), offset, buffer, length);
}

int DeviceRun::ReadPatch(void* user, libdelta_offset offset, uint8_t* buffer, uint32_t length) {
  return CopyFrom(static_cast<DeviceRun*>(user)->patch_, offset, buffer, length);
}

int DeviceRun::WriteNew(void* user, libdelta_offset offset, const uint8_t* data, uint32_t length) {
  DeviceRun* const run = static_cast<DeviceRun*>(user);
  if (!run->PrepareOutput()) return -1;
  if (!Contains(run->new_length_, offset, length)) {
    run->write_error_ = EFBIG;
    return -1;
  }
  memcpy(run->new_image_ + offset, data, length);
  run->progress_.Show(offset + length, run->new_length_);
  return 0;
}

int DeviceRun::ReadNew(void* user, libdelta_offset offset, uint8_t* buffer, uint32_t length) {
  const DeviceRun* const run = static_cast<DeviceRun*>(user);
  if (run->new_image_ == nullptr) return -1;
  return CopyFrom({run->new_image_, run->new_length_}, offset, buffer, length);
}

// At the first output byte the header has been accepted, so its length may be believed. The space is
// reserved first: a full disk must be an error here, not a fault while writing to the mapping.
bool DeviceRun::PrepareOutput() {
  if (new_image_ != nullptr) return true;
  libdelta_header header;
  if (output_ == nullptr || libdelta_parse_header(start_.data(), start_.size(), &header) != LIBDELTA_OK) {
    return false;
  }
  const int fd = output_->fd();
  write_error_ = posix_fallocate(fd, 0, static_cast<off_t>(header.new_length));
  if (write_error_ != 0) return false;
  void* const mapping = mmap(nullptr, header.new_length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapping == MAP_FAILED) {
    write_error_ = errno;
    return false;
  }
  new_image_ = static_cast<uint8_t*>(mapping);
  new_length_ = header.new_length;
  return true;
}

void DeviceRun::ReleaseOutput() {
  if (new_image_ != nullptr) munmap(new_image_, new_length_);
  new_image_ = nullptr;
}

void DeviceRun::Finish(libdelta_status status) {
  progress_.Clear();
  if (status != LIBDELTA_OK) Explain(status);
  ReleaseOutput();
  summary_ = Summarize(start_, patch_name_);
}

// Who reads this wants to know which file, which field, and what to do.
void DeviceRun::Explain(libdelta_status status) {
  if (status == LIBDELTA_E_VERSION) {
    Fail(ExitCode::kMalformed, "{}: {}", patch_name_, ExplainHeader(status, start_));
  }
  if (status == LIBDELTA_E_TRUNCATED) ExplainLength(true);
  if (status == LIBDELTA_E_TRAILING) ExplainLength(false);
  // These can be refused only after the header has been parsed, except for malformed ones.
  summary_ = Summarize(start_, patch_name_);
  const PolicyOptions& options = policy_.options();
  switch (status) {
    case LIBDELTA_E_SIGNATURE:
      ExplainSignatures();
    case LIBDELTA_E_HARDWARE:
      Fail(ExitCode::kTarget, "{}: made for hardware {}, this is \"{}\" (--hardware)", patch_name_,
           Quoted(summary_.hardware), *options.hardware);
    case LIBDELTA_E_COMPONENT:
      Fail(ExitCode::kTarget, "{}: made for component {}, this is \"{}\" (--component)", patch_name_,
           Quoted(summary_.component), *options.component);
    case LIBDELTA_E_COUNTER:
      Fail(ExitCode::kCounter, "{}: security counter {} is older than {} (--min-counter); get a newer patch",
           patch_name_, summary_.counter, options.min_counter);
    case LIBDELTA_E_RAM:
      Fail(ExitCode::kRam, "{}: needs {} of RAM, {} given (--ram); create it with a smaller --ram",
           patch_name_, FormatSize(summary_.ram), FormatSize(options.ram()));
    case LIBDELTA_E_OLD_DIGEST:
    case LIBDELTA_E_READ_OLD:  // The mapped file is too short.
      ExplainBase();
    case LIBDELTA_E_ARGUMENT:  // The rest of the configuration is always right.
      Fail(ExitCode::kUsage, "{}: a delta, which needs the old image: fwdelta apply OLD PATCH", patch_name_);
    case LIBDELTA_E_CHUNK:
      Fail(ExitCode::kMalformed,
           "{}: its content does not match its header: damaged or tampered with; fetch it again",
           patch_name_);
    case LIBDELTA_E_MALFORMED:
    case LIBDELTA_E_UNSUPPORTED:
      Fail(ExitCode::kMalformed, "{}: {}", patch_name_, libdelta_status_text(status));
    case LIBDELTA_E_WRITE_NEW:
      ExplainWrite();
    case LIBDELTA_E_GEOMETRY:
      ExplainGeometry();
    case LIBDELTA_E_IN_PROGRESS:
      Fail(ExitCode::kInProgress,
           "{}: another update is in progress; apply the patch of that one again, or a whole image (fwdelta "
           "create --full --in-place), which replaces it",
           flash_name_);
    default:
      Fail(ExitCode::kInternal, "{}: {}", patch_name_, libdelta_status_text(status));
  }
}

void DeviceRun::ExplainSignatures() {
  if (summary_.signatures.empty()) {
    Fail(ExitCode::kSignature, "{}: not signed (sign it with fwdelta sign)", patch_name_);
  }
  std::vector<libdelta::Bytes> trusted;
  for (const Policy::TrustedKey& key : policy_.keys()) trusted.push_back(key.id);
  std::vector<libdelta::Bytes> signers;
  for (const SignatureEntry& entry : summary_.signatures) signers.push_back(entry.key_id);
  Fail(ExitCode::kSignature, "{}: fewer than {} by trusted keys: signed by {}; trusted {} (--trust)",
       patch_name_, Count(policy_.threshold(), "valid signature"), KeyList(signers), KeyList(trusted));
}

void DeviceRun::ExplainGeometry() {
  if (config_.flash == nullptr) {
    Fail(ExitCode::kGeometry,
         "{}: made for updates in place: fwdelta apply --in-place FLASH PATCH --device DEVICE", patch_name_);
  }
  if (!summary_.in_place) {
    Fail(ExitCode::kGeometry, "{}: not made for updates in place; create it with --in-place --device DEVICE",
         patch_name_);
  }
  const libdelta_flash& flash = *config_.flash;
  InPlaceGeometry ours;
  for (uint32_t i = 0; i < flash.run_count; ++i)
    ours.pages.push_back({flash.runs[i].count, flash.runs[i].size});
  ours.write_unit = flash.write_unit;
  ours.spare_count = flash.spare_count;
  ours.spare_page_size = flash.spare_page_size;
  Fail(ExitCode::kGeometry, "{}: made for a {}; this is a {} (--device)", patch_name_,
       ToText(*summary_.in_place), ToText(ours));
}

void DeviceRun::ExplainBase() {
  if (old_image_ == nullptr) {
    Fail(ExitCode::kBase,
         "{}: the slot does not hold the base image of {}: {} long, SHA-256 {}; the file must be an image of "
         "the whole flash, from its first byte",
         flash_name_, patch_name_, Count(summary_.old_length, "byte"), DigestText(summary_.old_digest));
  }
  const libdelta::ByteView old_bytes = old_image_->bytes();
  if (old_bytes.size() < summary_.old_length) {
    Fail(ExitCode::kBase, "{}: not the base image of {}: {} long, the base has {}", old_image_->name(),
         patch_name_, Count(old_bytes.size(), "byte"), summary_.old_length);
  }
  const libdelta::Digest digest = libdelta::Sha256(old_bytes.first(summary_.old_length));
  const bool whole = old_bytes.size() == summary_.old_length;
  Fail(ExitCode::kBase, "{}: not the base image of {}: {}SHA-256 {}, the base has {}", old_image_->name(),
       patch_name_, whole ? "" : fmt::format("of its first {} bytes, ", summary_.old_length),
       DigestText(libdelta::ByteView(digest).first(libdelta::kOldDigestSize)),
       DigestText(summary_.old_digest));
}

void DeviceRun::ExplainLength(bool truncated) {
  libdelta_header header;
  const libdelta_status status = libdelta_parse_header(start_.data(), start_.size(), &header);
  if (status != LIBDELTA_OK) Fail(ExitCode::kMalformed, "{}: {}", patch_name_, ExplainHeader(status, start_));
  const uint64_t expected = header.header_length + header.payload_length;
  if (truncated) {
    Fail(ExitCode::kMalformed, "{}: truncated: {} of {}; fetch it again", patch_name_, patch_size_,
         Count(expected, "byte"));
  }
  Fail(ExitCode::kMalformed, "{}: bytes follow the end of the patch after {}; fetch it again", patch_name_,
       Count(expected, "byte"));
}

void DeviceRun::ExplainWrite() {
  Fail(ExitCode::kIo, "{}: cannot reserve {}: {}", output_->name(), Count(summary_.new_length, "byte"),
       strerror(write_error_));
}

}  // namespace fwdelta
