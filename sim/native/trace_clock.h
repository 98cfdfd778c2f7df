// The clock of the child: the trace's. Allocators that give memory back by age ask the time, and
// an hour of a program is replayed in seconds.
#ifndef HEAPSIM_SIM_NATIVE_TRACE_CLOCK_H_
#define HEAPSIM_SIM_NATIVE_TRACE_CLOCK_H_

#include <cstdint>

namespace heapsim::sim::native {

// What clock_gettime tells from now on, for every clock that runs with real time.
void SetTraceTime(uint64_t ns);

}  // namespace heapsim::sim::native

#endif  // HEAPSIM_SIM_NATIVE_TRACE_CLOCK_H_
