// Synthetic traces by seed, as large as one likes: sizes log-normal with a tail, lifetimes
// log-uniform in allocations, a chosen number of live objects.
#ifndef HEAPSIM_TESTS_BENCH_SYNTHETIC_TRACE_H_
#define HEAPSIM_TESTS_BENCH_SYNTHETIC_TRACE_H_

#include <cstdint>
#include <vector>

#include "traces/event_block.h"

namespace heapsim::bench {

struct SyntheticOptions {
  uint64_t seed = 1;
  uint64_t events = 50'000'000;
  uint32_t live_objects = 10'000;  // reached by allocations only, then held
  double median_bytes = 48;
  double sigma = 1.1;
  uint32_t max_bytes = 1 << 20;
};

// The events as blocks of plain mallocs and frees. Ids follow the rule of the trace format.
std::vector<traces::EventBlock> MakeSyntheticTrace(const SyntheticOptions& options);

}  // namespace heapsim::bench

#endif  // HEAPSIM_TESTS_BENCH_SYNTHETIC_TRACE_H_
