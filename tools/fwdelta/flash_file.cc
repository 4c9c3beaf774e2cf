#include "fwdelta/flash_file.h"

#include <algorithm>

#include "fwdelta/failure.h"
#include "fwdelta/files.h"
#include "fwdelta/text.h"
#include "libdelta/device.h"
#include "libdelta/wire/format.h"

namespace fwdelta {

FlashFile::FlashFile(const std::string& path, const libdelta::DeviceProfile& profile)
    : path_(path), profile_(profile), model_(profile) {
  const InputFile file(path);
  const libdelta::ByteView bytes = file.bytes();
  const uint64_t size = profile.FlashSize();
  if (bytes.size() > size) {
    Fail(ExitCode::kUsage, "{}: {}, but the flash of {} has {}; give an image of the whole flash", path,
         Count(bytes.size(), "byte"), profile.name, size);
  }
  if (bytes.size() <= profile.slot.start) {
    Fail(
        ExitCode::kUsage,
        "{}: {}, but the slot of {} begins at offset {:#x}; give an image of the whole flash, from its first "
        "byte, not of the slot alone",
        path, Count(bytes.size(), "byte"), profile.name, profile.slot.start);
  }
  // Units that read as erased count as erased: nothing else is known of them.
  for (size_t at = 0; at < bytes.size(); at += profile.write_unit) {
    const libdelta::ByteView unit =
        bytes.subspan(at, std::min<size_t>(profile.write_unit, bytes.size() - at));
    const bool is_erased = std::all_of(unit.begin(), unit.end(),
                                       [&profile](uint8_t byte) { return byte == profile.erase_value; });
    if (!is_erased) model_.Load(at, unit);
  }
}

bool FlashFile::HasHeader(libdelta::ByteView patch_start) const {
  libdelta_header header;
  if (libdelta_parse_header(patch_start.data(), patch_start.size(), &header) != LIBDELTA_OK) return false;
  const libdelta::ByteView wanted = patch_start.first(header.header_length);
  const libdelta::PageSpan pages = profile_.PagesOf(profile_.spare);
  for (uint32_t page = pages.first; page < pages.end(); ++page) {
    const libdelta::ByteView content = model_.contents({profile_.PageStart(page), profile_.PageSize(page)});
    if (content.size() < libdelta::kJournalStartSize + wanted.size()) continue;
    if (std::equal(wanted.begin(), wanted.end(), content.begin() + libdelta::kJournalStartSize)) return true;
  }
  return false;
}

void FlashFile::Save() const {
  if (!is_changed()) return;
  OutputFile output(path_, {.force = true});
  output.Write(model_.contents());
  output.Commit();
}

}  // namespace fwdelta
