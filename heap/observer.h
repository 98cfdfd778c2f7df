// What the heap tells about itself while it works.
//
// One call for each line of a runtime log, at the moment the runtime would write it, so that a log
// can be checked line by line and a timeline drawn. An observer is also where the runtime would
// take the heap lock: what happened on another thread in between (a stack span taken, a scavenge)
// may be done from inside any *Begin call, and the heap's state is consistent there. Observers are
// called per span or rarer.
#ifndef HEAPSIM_HEAP_OBSERVER_H_
#define HEAPSIM_HEAP_OBSERVER_H_

#include <cstdint>

#include "heap/seams.h"
#include "heap/units.h"

namespace heapsim::heap {

// Two times the size class, plus 1 where the objects hold no pointers (noscan). Size class 0: a
// large object.
using SpanClass = uint8_t;

enum class SpanKind : uint8_t { kGc, kStack, kWorkBuffer };
enum class FreeCause : uint8_t { kTrim, kGrow, kSmall, kLarge, kStack, kWorkBuffer };
enum class SpanState : uint8_t { kDead, kInUse, kManual, kFree };
enum class SweepCause : uint8_t {
  kBackground,
  kDeduct,
  kReclaim,
  kStopTheWorld,
  kGc,
  kStart,
  kEager
};
enum class RefillPath : uint8_t { kNonempty, kNonemptySweep, kEmptySweep, kGrow };
enum class SpecialKind : uint8_t { kFinalizer = 1, kProfile = 2 };

struct SpanAllocated {
  SpanId span;
  Address base;
  Pages pages;
  Pages source_pages;  // length of the free span chosen, before trimming
  bool needzero;
  bool grew;
};

struct SpanFreeing {
  SpanId span;
  Address base;
  Pages pages;
  SpanState state;  // before
  bool account_inuse, account_idle;
  FreeCause cause;
  bool needzero;
};

struct SpanFreed {
  SpanId span;
  int64_t unused_since;
  Address merged_base;  // the free span after coalescing
  Pages merged_pages, merged_released;
  bool merged_needzero;
};

struct SweepInput {
  SpanId span;
  Address base;
  Pages pages;
  SpanClass span_class;
  uint32_t sweepgen;
  bool preserve;
  uint32_t slots, allocated, free_index;
};

struct SweepOutput {
  SpanId span;
  uint32_t freed_slots, allocated;
  bool freed_span;  // its pages went to the page heap
};

struct RefillResult {
  SpanId span;
  Address base;
  RefillPath path;
  uint32_t allocated, free_index;
  uint64_t heap_live;
};

class Observer {
 public:
  virtual ~Observer() = default;

  // Page heap.
  virtual void SpanAllocBegin(Pages, SpanKind, SpanClass, bool /*large*/) {}
  virtual void SpanAllocEnd(const SpanAllocated&) {}
  virtual void GrowBegin(Pages /*rounded*/, Bytes /*ask*/) {}
  virtual void GrowEnd(Address) {}
  virtual void SpanFreeBegin(const SpanFreeing&) {}
  virtual void SpanFreeEnd(const SpanFreed&) {}
  virtual void DescriptorTaken(SpanId, Address /*descriptor*/) {}
  virtual void SpanAbsorbed(SpanId, Address /*descriptor*/) {}
  virtual void TreapInserted(SpanId, Address /*base*/, Pages, uint32_t /*priority*/) {}
  virtual void ScavengeBegin(int32_t /*k*/, uint64_t /*now*/, uint64_t /*limit*/) {}
  virtual void ScavengeEnd(Bytes /*released*/) {}
  // A range of free pages is given back (before the advice) or taken back in use.
  virtual void RangeUnused(Address, Bytes) {}
  virtual void RangeUsed(Address, Bytes) {}

  // Object layer.
  //
  // Whether the calls about caches are wanted (Refill*, Deduct*, Uncached): under explicit reclaim
  // they come with nearly every allocation. Asked once, when the heap is made.
  virtual bool WantsCaches() const { return true; }
  virtual void RefillBegin(uint32_t /*p*/, SpanClass, SpanId /*old, kNoSpan: none*/) {}
  virtual void RefillEnd(const RefillResult&) {}
  virtual void DeductBegin(Bytes /*span*/, Pages /*caller*/, uint64_t /*heap_live*/,
                           uint64_t /*pages_swept*/) {}
  virtual void DeductEnd() {}
  virtual void ReclaimBegin(Pages) {}
  virtual void ReclaimEnd() {}
  virtual void SweepStepBegin(SweepCause) {}
  virtual void SweepStepEnd(int64_t /*pages; -1: nothing left*/) {}
  virtual void SweepBegin(const SweepInput&) {}
  virtual void SweepEnd(const SweepOutput&) {}
  virtual void FlushBegin(uint32_t /*p*/) {}
  virtual void FlushEnd(uint32_t /*p*/) {}
  virtual void Uncached(SpanClass, SpanId, Address, uint32_t /*free slots*/) {}
  virtual void SpecialTaken(Address, SpecialKind) {}
  virtual void EnsureSweptBegin(SpanId, Address) {}
  virtual void EnsureSweptEnd(SpanId, Address) {}

  // Collector.
  virtual void SweepStart(uint32_t /*sweepgen*/, uint64_t /*pages_in_use*/) {}
  virtual void SweepPaced() {}
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_OBSERVER_H_
