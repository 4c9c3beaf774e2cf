// For functions that are called from several places: one copy of them where size counts (-Os); where speed
// does, as the compiler likes.
#ifndef LIBDELTA_WIRE_SHARED_H_
#define LIBDELTA_WIRE_SHARED_H_

#ifdef __OPTIMIZE_SIZE__
#define LIBDELTA_SHARED [[gnu::noinline]]
#else
#define LIBDELTA_SHARED
#endif

#endif  // LIBDELTA_WIRE_SHARED_H_
