// fixalloc: a free list allocator for the heap's own records of one size (the runtime's
// mfixalloc.go).
//
// It hands out simulated addresses. Records count from 1 in the order in which they were first
// made; a record's index gives its address, so that the caller can keep the contents in an array.
#ifndef HEAPSIM_HEAP_FIXALLOC_H_
#define HEAPSIM_HEAP_FIXALLOC_H_

#include <cstdint>
#include <vector>

#include "heap/seams.h"
#include "heap/units.h"

namespace heapsim::heap {

inline constexpr Bytes kFixAllocChunk{16 << 10};

class FixAlloc {
 public:
  // `os` must outlive this. Throws kFixAllocSize where records have no size or are larger than a
  // chunk.
  FixAlloc(Bytes size, SysStat stat, Os* os);

  // The index of a free record: the one freed last, else the next of the current chunk, else the
  // first of a new chunk. `fresh` is set where the record was never handed out before. Throws
  // kCannotAllocateMetadata when the system has no memory.
  uint32_t Alloc(bool* fresh);
  void Free(uint32_t index);

  Address AddressOf(uint32_t index) const {
    const uint32_t i = index - 1;
    return chunks_[i / per_chunk_] + Bytes(uint64_t{i % per_chunk_} * size_.v);
  }
  uint32_t made() const { return made_; }
  Bytes inuse() const { return inuse_; }

 private:
  Bytes size_;
  SysStat stat_;
  Os* os_;
  uint32_t per_chunk_;
  std::vector<Address> chunks_;
  std::vector<uint32_t> free_;  // last in, first out
  uint32_t made_ = 0;
  Bytes inuse_;
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_FIXALLOC_H_
