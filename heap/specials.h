// Special records: a finalizer or a heap profile sample attached to an object (the runtime's
// special, specialfinalizer, specialprofile).
#ifndef HEAPSIM_HEAP_SPECIALS_H_
#define HEAPSIM_HEAP_SPECIALS_H_

#include <cstdint>

#include "heap/fixalloc.h"
#include "heap/observer.h"
#include "heap/span.h"
#include "heap/virtual_array.h"

namespace heapsim::heap {

struct Special {
  uint32_t next;    // in the span's list, by (offset, kind); 0: last
  uint32_t record;  // in the fixalloc of its kind
  uint16_t offset;  // from the span's start, cut to 16 bits as in the runtime: only the first bytes
                    // of a large object can have records
  SpecialKind kind;
};

// The records of all spans. Which objects live is the sweep's business.
class Specials {
 public:
  Specials(Os* os, SpanTable* spans);

  // Takes the memory of a record. The runtime does so before it knows whether the record is wanted,
  // and that order decides which memory the next one gets.
  uint32_t TakeRecord(SpecialKind kind);
  // Links a record that was taken for the byte `offset` of the span; where one of that kind is
  // there, gives the record back and returns false.
  bool Add(SpanId span, uint64_t offset, SpecialKind kind, uint32_t record);
  // Removes it; false where there is none.
  bool Remove(SpanId span, uint64_t offset, SpecialKind kind);

  const Special& operator[](uint32_t i) const { return nodes_[i]; }
  Special& operator[](uint32_t i) { return nodes_[i]; }
  // Frees a record that was unlinked.
  void Free(uint32_t i);

 private:
  FixAlloc& Records(SpecialKind kind);

  SpanTable* spans_;
  FixAlloc finalizers_;
  FixAlloc profiles_;
  VirtualArray<Special> nodes_;
  uint32_t free_ = 0;  // list through `next`
  uint32_t made_ = 0;
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_SPECIALS_H_
