#include "sim/native/trace_clock.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace heapsim::sim::native {
namespace {

// Not 0, which may mean "no time"; libraries ask before main.
constexpr uint64_t kStartNs = 1'000'000'000'000;
uint64_t now_ns = kStartNs;

}  // namespace

void SetTraceTime(uint64_t ns) { now_ns = kStartNs + ns; }

}  // namespace heapsim::sim::native

// In place of the C library's, for all libraries of the process: the linker is told to export it.
extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  switch (clock) {
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_BOOTTIME:
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE: {
      constexpr uint64_t kSecond = 1'000'000'000;
      time->tv_sec = static_cast<time_t>(heapsim::sim::native::now_ns / kSecond);
      time->tv_nsec = static_cast<long>(heapsim::sim::native::now_ns % kSecond);
      return 0;
    }
    default:
      return static_cast<int>(syscall(SYS_clock_gettime, clock, time));
  }
}
