// persistentalloc: memory for the heap's own records that is never given back, cut from 256 KiB
// pieces of system memory (the runtime's malloc.go).
#ifndef HEAPSIM_HEAP_PERSISTENT_ALLOC_H_
#define HEAPSIM_HEAP_PERSISTENT_ALLOC_H_

#include "heap/mem_stats.h"
#include "heap/seams.h"
#include "heap/units.h"

namespace heapsim::heap {

class PersistentAlloc {
 public:
  static constexpr Bytes kChunk{256 << 10};
  static constexpr Bytes kMaxBlock{64 << 10};  // larger requests go to the system

  // Null when the system has no memory. Pieces are charged to `other`, and what is cut from them
  // moves from there to `stat`. `align` is 0 (8 bytes) or a power of two up to the heap's page;
  // throws kPersistentAlloc otherwise.
  Address Allocate(Os* os, MemStats* stats, Bytes size, Bytes align, SysStat stat);

 private:
  Address base_;
  Bytes offset_;
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_PERSISTENT_ALLOC_H_
