// The heap's counters, named as the runtime's.
#ifndef HEAPSIM_HEAP_MEM_STATS_H_
#define HEAPSIM_HEAP_MEM_STATS_H_

#include <array>
#include <cstdint>

#include "heap/seams.h"
#include "heap/size_classes.h"

namespace heapsim::heap {

struct MemStats {
  // Bytes. heap_sys = heap_idle + heap_inuse; heap_released is within heap_idle. Manual spans leave
  // heap_sys while they are allocated.
  uint64_t heap_sys = 0, heap_idle = 0, heap_inuse = 0, heap_released = 0;
  uint64_t stacks_inuse = 0, gc_sys = 0, other_sys = 0;
  uint64_t mspan_sys = 0, mcache_sys = 0, buckhash_sys = 0, stacks_sys = 0;
  uint64_t mspan_inuse = 0, mcache_inuse = 0;

  // Bytes taken by spans in caches, objects allocated since marking, or found live by it: what the
  // collector is paced by.
  uint64_t heap_live = 0;
  uint64_t heap_marked = 0;
  // Bytes that a collector would have to scan: requested sizes of objects with pointers (the
  // runtime leaves out what follows an object's last pointer, which nobody knows here).
  uint64_t heap_scan = 0;
  uint64_t gc_trigger = 0, next_gc = 0;

  uint64_t heap_objects = 0;  // raised by large allocations, lowered when a large span is freed;
                              // the small ones are in nmalloc
  uint64_t tinyallocs = 0;    // tiny objects that shared a block
  uint64_t nlookup = 0;

  uint64_t largealloc = 0, nlargealloc = 0;  // bytes and number of large objects ever allocated
  uint64_t largefree = 0, nlargefree = 0;
  std::array<uint64_t, kMaxSizeClasses> nsmallfree = {};   // slots freed, by size class
  std::array<uint64_t, 2 * kMaxSizeClasses> nmalloc = {};  // slots handed to caches, by span class

  uint64_t& sys(SysStat stat) {
    switch (stat) {
      case SysStat::kHeap:
        return heap_sys;
      case SysStat::kStacks:
        return stacks_sys;
      case SysStat::kMSpan:
        return mspan_sys;
      case SysStat::kMCache:
        return mcache_sys;
      case SysStat::kBuckHash:
        return buckhash_sys;
      case SysStat::kGc:
        return gc_sys;
      case SysStat::kOther:
        return other_sys;
    }
    return other_sys;
  }
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_MEM_STATS_H_
