#include "libdelta/host/parallel.h"

#include <atomic>
#include <thread>
#include <vector>

namespace libdelta {

void ForEachParallel(size_t count, unsigned threads, const std::function<void(size_t)>& job) {
  std::atomic<size_t> next{0};
  const auto work = [&] {
    for (size_t i = next++; i < count; i = next++) job(i);
  };
  std::vector<std::thread> workers;
  for (unsigned t = 1; t < threads && t < count; ++t) workers.emplace_back(work);
  work();
  for (std::thread& worker : workers) worker.join();
}

}  // namespace libdelta
