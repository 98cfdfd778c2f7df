// One number for the whole state of a run, so that two runs can be told apart at a glance.
#ifndef HEAPSIM_SIM_REPLAY_STATE_HASH_H_
#define HEAPSIM_SIM_REPLAY_STATE_HASH_H_

#include <xxhash.h>

#include <cstdint>
#include <initializer_list>
#include <vector>

#include "heap/heap.h"
#include "sim/replay/dead_bits.h"

namespace heapsim::sim {

// XXH3 over a sequence of 64-bit values. What goes in must be the same on every machine: simulated
// addresses, counts, times.
class StateHash {
 public:
  void Add(uint64_t v) {
    buffer_.push_back(v);
    if (buffer_.size() == kBuffer) Flush();
  }
  void Add(std::initializer_list<uint64_t> values) {
    for (const uint64_t v : values) Add(v);
  }
  // Every span in address order with its slots, the free runs in the order in which they would be
  // looked at, and the counters.
  void AddHeap(const heap::Heap& heap, const DeadBits& dead);
  uint64_t Finish();

 private:
  static constexpr size_t kBuffer = 512;
  void Flush();

  std::vector<uint64_t> buffer_;
  uint64_t hash_ = 0;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_REPLAY_STATE_HASH_H_
