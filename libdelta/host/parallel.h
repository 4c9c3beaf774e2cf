// Independent pieces of work on several threads.
#ifndef LIBDELTA_HOST_PARALLEL_H_
#define LIBDELTA_HOST_PARALLEL_H_

#include <cstddef>
#include <functional>

namespace libdelta {

// Runs job(0) .. job(count - 1) on up to `threads` threads, that of the caller included.
void ForEachParallel(size_t count, unsigned threads, const std::function<void(size_t)>& job);

}  // namespace libdelta

#endif  // LIBDELTA_HOST_PARALLEL_H_
