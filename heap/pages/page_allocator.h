// The page level: who finds pages for spans, and takes them back. Go 1.10's lists and treap are one
// answer (go110.h), others stand beside it, a file pair each; spans, sweep stacks and statistics
// live above.
#ifndef HEAPSIM_HEAP_PAGES_PAGE_ALLOCATOR_H_
#define HEAPSIM_HEAP_PAGES_PAGE_ALLOCATOR_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "heap/arena.h"
#include "heap/mem_stats.h"
#include "heap/observer.h"
#include "heap/seams.h"
#include "heap/span.h"
#include "heap/units.h"

namespace heapsim::heap {

// Settings of single page allocators.
struct PagesOptions {
  // Extents: how long unused pages stay as they are, and then lazily freed; 0: not at all, -1: for
  // ever.
  int64_t dirty_decay_ns = 10'000'000'000;
  int64_t muzzy_decay_ns = 0;
  // Temeraire: how far back a peak of demand counts when huge pages might be broken; 0: it does
  // not.
  int64_t skip_subrelease_ns = 60'000'000'000;
};

// What a page allocator works with; all outlive it.
struct PageContext {
  Os* os;
  Clock* clock;
  Random* random;
  Observer* observer;
  SpanTable* spans;
  Arena* arena;
  MemStats* stats;
  Bytes chunk{1 << 20};  // the least that growth asks for
  uint32_t procs = 1;
  PagesOptions options;
};

// Pages as they were found.
struct PageRun {
  SpanId span = kNoSpan;  // kNoSpan: there is no memory. Else a descriptor with base, npages and
                          // needzero set, in no list, its pages' table entries set
  Pages source;           // length of the free run that was chosen, before trimming
  bool grew = false;
  Bytes refused;  // where there is no memory: what growth asked for last, 0 where it got that
};

// A free run as seen by a walk.
struct FreeRun {
  Address base;
  Pages pages;
  Pages released;  // of them, given back to the system
};

class PageAllocator {
 public:
  virtual ~PageAllocator() = default;

  // Takes `npages` > 0 pages. heap_idle is lowered here; what the pages count as is the caller's
  // business.
  virtual PageRun Allocate(Pages npages) = 0;

  // Takes back a span that is in use or manual (Span::state), holds nothing and is in no list but
  // perhaps a busy one. The descriptor is the allocator's from then on. Raises heap_idle, and
  // lowers heap_inuse where `account_inuse`.
  virtual void Free(SpanId span, bool account_inuse, FreeCause cause) = 0;

  // Gives free runs that have been unused for longer than `limit` at `now` back to the system, both
  // in nanoseconds and compared without sign; returns the bytes newly released. k: a running number
  // for observers, -1 when forced.
  //
  // With limit 0 and now ~0 (freeOSMemory) all free pages go back, but for parts of OS pages, and
  // for what the modelled system cannot give back either: under go119 what is in a P's page cache,
  // at most 64 pages each (Go 1.19's scavengeAll looks at the bitmap, where these count as taken;
  // they come back when the P goes), under Temeraire free pages of a huge page of a region that is
  // in use in part (HugeRegion gives back whole ones only).
  virtual Bytes Scavenge(int32_t k, uint64_t now, uint64_t limit) = 0;

  // Gives free pages that were not given back yet back to the system, the highest addresses first,
  // in whole OS pages, until nothing is left or at least `at_most` bytes are (the last piece may
  // lie over it: an OS page, or what the modelled system gives back as one); returns the bytes
  // newly released. What a release rule that paces itself calls.
  virtual Bytes Release(Bytes at_most) = 0;

  // The same on behalf of a limit on memory: where the modelled system holds something back in
  // Release, it does not here.
  virtual Bytes ReleaseForLimit(Bytes at_most) { return Release(at_most); }

  // Bytes of free pages that were not given back. Cheap.
  virtual Bytes FreeUnreleased() const = 0;

  // All free runs in a fixed order.
  virtual void ForEachFree(absl::FunctionRef<void(const FreeRun&)> visit) const = 0;

  // Length of the longest free run. Cheap: it is asked at every new peak of memory.
  virtual Pages LargestFree() const = 0;

  // Throws kSelfCheck, with what was found, where the allocator's structures disagree with each
  // other or with the page table.
  virtual void SelfCheck() const = 0;

  // Pages of spans in use (objects only): the base of sweep pacing.
  uint64_t pages_in_use = 0;
  // Generation that fresh and freed spans must have; kept by the heap.
  uint32_t sweepgen = 0;
  // The P on whose behalf pages are taken; kept by the heap.
  uint32_t proc = 0;
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_PAGES_PAGE_ALLOCATOR_H_
