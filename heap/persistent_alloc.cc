#include "heap/persistent_alloc.h"

#include "heap/fatal.h"

namespace heapsim::heap {

Address PersistentAlloc::Allocate(Os* os, MemStats* stats, Bytes size, Bytes align, SysStat stat) {
  if (size.v == 0) Throw(FatalCode::kPersistentAlloc, "persistentalloc: size == 0");
  if (align.v == 0) align = Bytes(8);
  if ((align.v & (align.v - 1)) != 0) {
    Throw(FatalCode::kPersistentAlloc, "persistentalloc: align is not a power of 2");
  }
  if (align.v > kPageSize) {
    Throw(FatalCode::kPersistentAlloc, "persistentalloc: align is too large");
  }
  if (size >= kMaxBlock) {
    const Address p = os->Alloc(size, stat);
    if (!p.is_null()) stats->sys(stat) += size.v;
    return p;
  }
  offset_ = Bytes(RoundUp(offset_.v, align.v));
  if (base_.is_null() || offset_ + size > kChunk) {
    base_ = os->Alloc(kChunk, SysStat::kOther);
    if (base_.is_null()) return base_;
    stats->other_sys += kChunk.v;
    offset_ = Bytes(0);
  }
  const Address p = base_ + offset_;
  offset_ += size;
  stats->sys(stat) += size.v;
  stats->other_sys -= size.v;
  return p;
}

}  // namespace heapsim::heap
