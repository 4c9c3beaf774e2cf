// What the tests of both boards need to check and to report.
#ifndef TESTS_QEMU_CHECKS_H_
#define TESTS_QEMU_CHECKS_H_

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <mutex>
#include <string>

#include "tests/qemu/board.h"

// Exit codes of fwdelta.
enum {
  kOk = 0,
  kMalformed = 4,
  kSignature = 5,
  kTarget = 6,
  kOldCounter = 7,
  kBase = 8,
  kGeometry = 11,
  kInProgress = 12
};

inline std::mutex mutex;
inline int passed = 0;
inline int failed = 0;

inline void Expect(bool is_right, const std::string& what) {
  const std::lock_guard<std::mutex> lock(mutex);
  ++(is_right ? passed : failed);
  if (!is_right) printf("FAILED: %s\n", what.c_str());
}

inline void ExpectCode(const Served& served, int code, const std::string& what) {
  Expect(served.code == code, what + ": exit code " + std::to_string(served.code) + " instead of " +
                                  std::to_string(code) + ": " + served.report);
}

inline Flash Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) Die("no file " + path);
  return Flash(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

inline void Put(const Flash& bytes, uint32_t address, Flash* flash) {
  std::copy(bytes.begin(), bytes.end(), flash->begin() + address);
}

inline void Section(const char* name) {
  printf("%s\n", name);
  fflush(stdout);
}

// Prints the numbers of checks and returns the exit code.
inline int Report() {
  printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}

#endif  // TESTS_QEMU_CHECKS_H_
