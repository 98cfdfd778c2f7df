// Two clocks at once: machines are noisy, and the processor's time says how much of a wall time was
// somebody else's.
#ifndef HEAPSIM_TESTS_BENCH_CLOCKS_H_
#define HEAPSIM_TESTS_BENCH_CLOCKS_H_

#include <ctime>

namespace heapsim::bench {

// Seconds.
struct Times {
  double wall = 0;
  double cpu = 0;  // of the whole process, all threads

  static Times Now() { return {Read(CLOCK_MONOTONIC), Read(CLOCK_PROCESS_CPUTIME_ID)}; }
  Times operator-(const Times& o) const { return {wall - o.wall, cpu - o.cpu}; }
  Times& operator+=(const Times& o) {
    wall += o.wall;
    cpu += o.cpu;
    return *this;
  }

 private:
  static double Read(clockid_t clock) {
    timespec t;
    clock_gettime(clock, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
  }
};

}  // namespace heapsim::bench

#endif  // HEAPSIM_TESTS_BENCH_CLOCKS_H_
