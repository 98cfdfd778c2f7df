// The checkpoints of a log: all counters, and from time to time all bitmaps.
#ifndef HEAPSIM_SIM_CONFORM_GO119_CHECKPOINT_H_
#define HEAPSIM_SIM_CONFORM_GO119_CHECKPOINT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "heap/pages/go119/page_heap.h"
#include "heap/units.h"
#include "sim/conform/go119/expected.h"

namespace heapsim::sim::go119 {

// The checkpoint that the heap's state would make. determined: also what is read without a lock.
Expected CheckpointOf(const heap::go119::PageHeap& heap, bool determined, uint64_t operations);

// A dump: its lines in order, but for the bitmaps, whose text would be long.
struct DumpLine {
  Expected line;       // of kDumpChunks: all but the bitmaps
  uint64_t chunk = 0;  // kDumpChunks: whose bitmaps follow
};
std::vector<DumpLine> DumpOf(const heap::go119::PageHeap& heap, bool caches);

// 512 bits as one hexadecimal number, "*" where all are ones.
std::string BitmapText(const heap::go119::PageBits& bits);

}  // namespace heapsim::sim::go119

#endif  // HEAPSIM_SIM_CONFORM_GO119_CHECKPOINT_H_
