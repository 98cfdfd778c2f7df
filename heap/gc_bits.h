// Where the runtime keeps allocation and mark bits: 64 KiB arenas of system memory that live for
// one cycle (gcBitsArenas in the runtime).
//
// The bits themselves are in the bit space; here is what their memory costs.
#ifndef HEAPSIM_HEAP_GC_BITS_H_
#define HEAPSIM_HEAP_GC_BITS_H_

#include <cstdint>
#include <vector>

#include "heap/mem_stats.h"
#include "heap/seams.h"
#include "heap/units.h"

namespace heapsim::heap {

class GcBitsArenas {
 public:
  static constexpr Bytes kArena{64 << 10};
  static constexpr Bytes kHeader{16};

  GcBitsArenas(Os* os, MemStats* stats) : os_(os), stats_(stats) {}

  // Room for one bit a slot, in 8-byte steps, from the arena in use. Throws where the system has no
  // memory or a span would need a whole arena.
  Address NewMarkBits(uint32_t slots);

  // A new cycle: what the sweep before last left is free, bits taken from now on belong to the
  // next.
  void NextEpoch();

  size_t arenas() const { return free_.size() + next_.size() + current_.size() + previous_.size(); }

 private:
  void NewArena();

  Os* os_;
  MemStats* stats_;
  std::vector<Address> free_;  // the back is the list's head
  std::vector<Address> next_, current_, previous_;
  Bytes used_;  // of the arena at the back of next_
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_GC_BITS_H_
