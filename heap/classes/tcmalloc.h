// gperftools' size classes, by the rule that its allocator runs when it starts.
#ifndef HEAPSIM_HEAP_CLASSES_TCMALLOC_H_
#define HEAPSIM_HEAP_CLASSES_TCMALLOC_H_

#include <cstdint>

#include "heap/size_classes.h"

namespace heapsim::heap {

// Slots that are moved between a cache and the spans at once: 64 KiB of them, at least 2, at most
// `limit`.
uint32_t TcmallocBatch(uint32_t slot_bytes, uint32_t limit);
inline constexpr uint32_t kTcmallocBatchLimit = 32;  // as gperftools is built

// Sizes step by 8, then 16 bytes, from 128 bytes on by an eighth of the power of two below. A span
// has the fewest pages that lose at most an eighth at their end and hold a quarter of a batch. A
// class that gets no more slots out of its pages than the next one is of no use and left out. The
// largest is 256 KiB.
const SizeClasses& TcmallocClasses();

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_CLASSES_TCMALLOC_H_
