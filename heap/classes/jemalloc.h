// jemalloc's size classes, by its spacing rule.
#ifndef HEAPSIM_HEAP_CLASSES_JEMALLOC_H_
#define HEAPSIM_HEAP_CLASSES_JEMALLOC_H_

#include "heap/size_classes.h"

namespace heapsim::heap {

// 8 bytes, multiples of the quantum (16) up to 64, then 4 classes for each doubling. Small are
// those below 4 pages; a span (slab) has the fewest pages that leave no rest. Larger sizes are
// rounded up along the same spacing, and have pages of their own.
//
// This is jemalloc built with pages of 8 KiB, the heap's. Without its padding of large objects
// (cache-oblivious placement).
const SizeClasses& JemallocClasses();

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_CLASSES_JEMALLOC_H_
