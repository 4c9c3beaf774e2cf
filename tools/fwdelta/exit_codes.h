// What `fwdelta` returns to the shell: the one table, printed by `fwdelta --help`. Codes are never reused.
#ifndef TOOLS_FWDELTA_EXIT_CODES_H_
#define TOOLS_FWDELTA_EXIT_CODES_H_

namespace fwdelta {

enum class ExitCode {
  kOk = 0,
  kUsage = 2,
  kIo = 3,
  kMalformed = 4,
  kSignature = 5,
  kTarget = 6,
  kCounter = 7,
  kBase = 8,
  kRam = 9,
  kInternal = 10,
  kGeometry = 11,
  kInProgress = 12,
  kUnsafe = 13,
};

struct ExitCodeEntry {
  ExitCode code;
  const char* name;  // For --json.
  const char* meaning;
};

inline constexpr ExitCodeEntry kExitCodes[] = {
    {ExitCode::kOk, "ok", "done"},
    {ExitCode::kUsage, "usage", "wrong command line or key file"},
    {ExitCode::kIo, "io", "a file or device cannot be read or written, or a file exists already"},
    {ExitCode::kMalformed, "malformed",
     "not a patch or not a file of the kind needed, damaged, truncated, or of an unknown version"},
    {ExitCode::kSignature, "signature", "too few valid signatures by trusted keys"},
    {ExitCode::kTarget, "target", "made for other hardware or another component"},
    {ExitCode::kCounter, "counter", "security counter older than --min-counter"},
    {ExitCode::kBase, "base", "the old image is not the one the patch was made from"},
    {ExitCode::kRam, "ram", "needs more RAM than --ram"},
    {ExitCode::kInternal, "internal", "a defect of fwdelta, or out of memory"},
    {ExitCode::kGeometry, "geometry",
     "made for another flash, or not for the way of updating that was asked for"},
    {ExitCode::kInProgress, "in-progress", "another update in place has begun"},
    {ExitCode::kUnsafe, "unsafe", "simulate: an update did not survive a power cut"},
};

}  // namespace fwdelta

#endif  // TOOLS_FWDELTA_EXIT_CODES_H_
