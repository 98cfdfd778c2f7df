// The arena: where growth takes its addresses from, and the two tables that are mapped as it is
// used (the runtime's mheap.sysAlloc, mapBits, mapSpans).
#ifndef HEAPSIM_HEAP_ARENA_H_
#define HEAPSIM_HEAP_ARENA_H_

#include "heap/mem_stats.h"
#include "heap/seams.h"
#include "heap/span.h"
#include "heap/units.h"

namespace heapsim::heap {

class Arena {
 public:
  Arena(const ArenaLayout& layout, Os* os, MemStats* stats);

  // The next `n` bytes (a multiple of the heap's page), mapped, with their metadata mapped too;
  // null when the arena has not that much left. Throws kCannotMap when the system refuses.
  Address SysAlloc(Bytes n);

  // Clears the heap bitmap of a range of the arena, as is done for every span taken for objects:
  // the bitmap's memory is written.
  void ClearBitmap(Address begin, Bytes length);

  // Notes that the page table's entries of a range are written.
  void TouchPageTable(Address begin, Pages length);

  const ArenaLayout& layout() const { return layout_; }
  Address start() const { return layout_.start; }
  Address used() const { return used_; }
  bool Contains(Address a) const { return a >= layout_.start && a < used_; }
  // Pages that have an entry in the page table.
  uint64_t table_pages() const { return spans_mapped_.v / 8; }

 private:
  void SetUsed(Address used);
  void Map(MapArea area, Address begin, Bytes length, SysStat stat);

  ArenaLayout layout_;
  Os* os_;
  MemStats* stats_;
  Address used_;
  Address alloc_;
  Bytes bitmap_mapped_;
  Bytes spans_mapped_;
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_ARENA_H_
