// Synthetic traces by seed, as large as one likes: sizes log-normal with a tail, lifetimes
// log-uniform in allocations, a chosen number of live objects.
#ifndef HEAPSIM_TESTS_BENCH_SYNTHETIC_TRACE_H_
#define HEAPSIM_TESTS_BENCH_SYNTHETIC_TRACE_H_

#include <cstdint>
#include <vector>

#include "traces/event_block.h"
#include "traces/id_allocator.h"

namespace heapsim::bench {

struct SyntheticOptions {
  uint64_t seed = 1;
  uint64_t events = 50'000'000;
  uint32_t live_objects = 10'000;  // reached by allocations only, then held
  double median_bytes = 48;
  double sigma = 1.1;
  uint32_t max_bytes = 1 << 20;
};

// Makes the events block by block; memory is 4 bytes a moment in which an object may still die and
// 4 bytes an id, however long the trace. Events are plain mallocs and frees; ids follow the rule of
// the trace format. Options alone decide about every event.
class SyntheticTrace {
 public:
  explicit SyntheticTrace(const SyntheticOptions& options);

  // Overwrites `*block` with the next events; false, with an empty block, after the last.
  bool Next(traces::EventBlock* block);
  uint32_t object_ids() const { return ids_.ids(); }

 private:
  uint64_t Random();
  double Unit();  // (0, 1]
  uint32_t Size();
  void Allocate(double lifetime, traces::EventBlock* block);
  void Free(uint32_t id, traces::EventBlock* block);

  const SyntheticOptions options_;
  uint64_t random_;
  double log_longest_;
  traces::IdAllocator ids_;
  uint64_t events_ = 0;
  uint64_t now_ = 0;         // allocations since the steady state began
  uint32_t warming_up_ = 0;  // objects still to come before it
  // Who dies after which allocation: a ring of moments, each a list through `next_dying_`, by id.
  uint64_t allocations_;
  uint64_t ring_mask_;
  std::vector<uint32_t> dies_after_;
  std::vector<uint32_t> next_dying_;
  uint32_t dying_;  // the rest of the list of `now_`
};

// All of it, in memory.
std::vector<traces::EventBlock> MakeSyntheticTrace(const SyntheticOptions& options);

}  // namespace heapsim::bench

#endif  // HEAPSIM_TESTS_BENCH_SYNTHETIC_TRACE_H_
