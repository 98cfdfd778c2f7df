// Sweeping: one span, one step, what an allocation owes, reclaim before growth; and the special
// records that a sweep looks at (the runtime's mgcsweep.go, parts of mheap.go).

#include <bit>

#include "heap/fatal.h"
#include "heap/heap.h"

namespace heapsim::heap {
namespace {

constexpr uint32_t kWordsPerSpan = 16;

}  // namespace

int64_t Heap::SweepStep(SweepCause cause) {
  if (sweep_done_) return -1;
  seams_.observer->SweepStepBegin(cause);
  const uint32_t sg = sweepgen();
  std::vector<SpanId>& unswept = UnsweptStack();
  int64_t result = -1;
  while (true) {
    if (unswept.empty()) {
      sweep_done_ = true;
      break;
    }
    const SpanId id = unswept.back();
    unswept.pop_back();
    Span& s = spans_[id];
    // The descriptor may have been freed, and even reused, since it was pushed.
    if (s.state != SpanState::kInUse) {
      if (s.sweepgen != sg) {
        Throw(FatalCode::kUnsweptNotInUse, "non in-use span in unswept list");
      }
      continue;
    }
    if (s.sweepgen != sg - 2) continue;
    s.sweepgen = sg - 1;
    const int64_t npages = s.npages;
    result = Sweep(id, false) ? npages : 0;
    break;
  }
  seams_.observer->SweepStepEnd(result);
  return result;
}

// Sweeps a span that the caller has taken (sweepgen - 1); true where its pages went back. preserve:
// it stays where it is, as a cache wants it.
bool Heap::Sweep(SpanId id, bool preserve) {
  Span& s = spans_[id];
  const uint32_t sg = sweepgen();
  if (s.state != SpanState::kInUse || s.sweepgen != sg - 1) {
    Throw(FatalCode::kBadSweepState, "MSpan_Sweep: bad span state");
  }
  seams_.observer->SweepBegin({id, s.address(), Pages(s.npages), s.span_class, sg, preserve,
                               s.nelems, s.alloc_count, s.free_index});
  pages_swept_ += s.npages;

  uint64_t marks[kWordsPerSpan], allocated[kWordsPerSpan];
  const uint32_t words = (s.nelems + 63u) / 64;
  AllocatedSlots(id, allocated);
  seams_.marker->Marks(id, uint64_t{s.bits} * 64, s.nelems, allocated, marks);
  if (s.specials != 0) SweepSpecials(s, marks);

  uint32_t live = 0;
  for (uint32_t i = 0; i < words; ++i) live += static_cast<uint32_t>(std::popcount(marks[i]));
  if (live > s.alloc_count) {
    Throw(FatalCode::kSweepCount, "sweep increased allocation count");
  }
  const bool free_large = s.large() && live == 0;
  if (free_large) s.needzero = true;
  const uint32_t freed = s.alloc_count - live;
  s.alloc_count = static_cast<uint16_t>(live);
  const bool was_full = FirstFreeSlot(s) == s.nelems;
  s.free_index = 0;
  // The mark bits become the allocation bits, and the next cycle gets fresh ones.
  for (uint32_t i = 0; i < words; ++i) bits_.bits(s.bits + i) = marks[i];
  gc_bits_.NewMarkBits(s.nelems);

  if (free_large || freed == 0) s.sweepgen = sg;
  bool freed_span = false;
  if (freed > 0 && !s.large()) {
    local_[p_].nsmallfree[s.size_class()] += freed;
    freed_span = SweepToCentral(id, preserve, was_full);
  } else if (free_large) {
    const uint64_t size = s.bytes().v;
    if (options_.efence) {
      // Not to the page heap, which would hand out memory that faults.
      s.limit = 0;  // no lookup finds it any more
      seams_.os->Fault(s.address(), s.bytes());
    } else {
      FreeObjectSpan(id, FreeCause::kLarge);
    }
    ++local_[p_].nlargefree;
    local_[p_].largefree += size;
    freed_span = true;
  }
  if (!freed_span) SweptStack().push_back(id);
  seams_.observer->SweepEnd({id, freed, live, freed_span});
  return freed_span;
}

// mcentral.freeSpan: slots of a small span became free.
bool Heap::SweepToCentral(SpanId id, bool preserve, bool was_full) {
  Span& s = spans_[id];
  const SpanClass c = s.span_class;
  if (s.incache) Throw(FatalCode::kSpanCached, "freeSpan given cached span");
  s.needzero = true;
  if (preserve) {
    if (s.list == kNoList) Throw(FatalCode::kSpanListRemove, "can't preserve unlinked span");
    s.sweepgen = sweepgen();
    return false;
  }
  const ListId nonempty = static_cast<ListId>(kNonempty + c);
  if (was_full) {
    spans_.Remove(static_cast<ListId>(kEmpty + c), id);
    spans_.Insert(nonempty, id);
  }
  s.sweepgen = sweepgen();
  if (s.alloc_count != 0) return false;
  spans_.Remove(nonempty, id);
  FreeObjectSpan(id, FreeCause::kSmall);
  return true;
}

// What an allocation of `span_bytes` owes: sweeping stays ahead of the line from the sweep's start
// to the next trigger.
void Heap::Deduct(Bytes span_bytes, Pages caller_pages) {
  seams_.observer->DeductBegin(span_bytes, caller_pages,
                               observes_caches_ ? HeapLive() : stats_.heap_live, pages_swept_);
  while (sweep_pages_per_byte_ != 0) {
    const uint64_t basis = pages_swept_basis_;
    const uint64_t live = stats_.heap_live - sweep_heap_live_basis_ + span_bytes.v;
    const int64_t target = static_cast<int64_t>(sweep_pages_per_byte_ * static_cast<double>(live)) -
                           static_cast<int64_t>(caller_pages.v);
    bool paced_anew = false;
    while (target > static_cast<int64_t>(pages_swept_ - basis)) {
      if (SweepStep(SweepCause::kDeduct) == -1) {
        sweep_pages_per_byte_ = 0;
        break;
      }
      if (pages_swept_basis_ != basis) {
        paced_anew = true;  // the debt is another now
        break;
      }
    }
    if (!paced_anew) break;
  }
  seams_.observer->DeductEnd();
}

// Sweeps until at least as many pages came back as will be taken, or nothing is left
// (mheap.reclaim).
void Heap::ReclaimPages(Pages npages) {
  seams_.observer->ReclaimBegin(npages);
  const auto reclaim = [&] {
    // Large spans of at least the size first: one may be enough.
    for (uint64_t n = npages.v; n < kMaxHeapList; ++n) {
      if (ReclaimList(static_cast<ListId>(kBusyLists + n), npages.v) != 0) return;
    }
    if (ReclaimList(kBusyLarge, npages.v) != 0) return;
    // Of shorter ones several are needed.
    uint64_t reclaimed = 0;
    for (uint64_t n = 0; n < npages.v && n < kMaxHeapList; ++n) {
      reclaimed += ReclaimList(static_cast<ListId>(kBusyLists + n), npages.v - reclaimed);
      if (reclaimed >= npages.v) return;
    }
    while (true) {
      const int64_t n = SweepStep(SweepCause::kReclaim);
      if (n == -1) return;
      reclaimed += static_cast<uint64_t>(n);
      if (reclaimed >= npages.v) return;
    }
  };
  reclaim();
  seams_.observer->ReclaimEnd();
}

uint64_t Heap::ReclaimList(ListId list, uint64_t npages) {
  const uint32_t sg = sweepgen();
  uint64_t reclaimed = 0;
  for (SpanId id = spans_.First(list); id != kNoSpan;) {
    Span& s = spans_[id];
    if (s.sweepgen == sg - 2) {
      s.sweepgen = sg - 1;
      // Swept spans stand at the end of the list.
      spans_.Remove(list, id);
      spans_.InsertBack(list, id);
      const uint64_t n = s.npages;
      if (Sweep(id, false)) reclaimed += n;
      if (reclaimed >= npages) return reclaimed;
      id = spans_.First(list);  // the list may be another now
      continue;
    }
    if (s.sweepgen != sg - 1) break;  // from here on all are swept
    id = s.next;
  }
  return reclaimed;
}

void Heap::EnsureSwept(SpanId id) {
  Span& s = spans_[id];
  // Also where the span is swept: something of another thread may come in here (a scavenge, in
  // one of the real logs).
  seams_.observer->EnsureSweptBegin(id, s.address());
  if (s.sweepgen == sweepgen() - 2) {
    s.sweepgen = sweepgen() - 1;
    Sweep(id, false);
  }
  seams_.observer->EnsureSweptEnd(id, s.address());
}

// Takes off the records of dead objects. An object with a finalizer lives on for a cycle: its
// finalizers are queued, its mark is set, and its profile record stays. A block of tiny objects can
// have several finalizers, which all go at once.
void Heap::SweepSpecials(Span& s, uint64_t* marks) {
  const uint64_t size = s.slot_bytes();
  uint32_t* link = &s.specials;
  while (*link != 0) {
    const uint64_t slot = specials_[*link].offset / size;
    if ((marks[slot / 64] >> (slot % 64) & 1) != 0) {
      link = &specials_[*link].next;
      continue;
    }
    const uint64_t end = (slot + 1) * size;
    bool has_finalizer = false;
    for (uint32_t x = *link; x != 0 && specials_[x].offset < end; x = specials_[x].next) {
      if (specials_[x].kind == SpecialKind::kFinalizer) {
        marks[slot / 64] |= uint64_t{1} << (slot % 64);
        has_finalizer = true;
        break;
      }
    }
    while (*link != 0 && specials_[*link].offset < end) {
      const uint32_t x = *link;
      if (specials_[x].kind == SpecialKind::kFinalizer || !has_finalizer) {
        *link = specials_[x].next;
        seams_.observer->SpecialTaken(s.address() + Bytes(specials_[x].offset), specials_[x].kind);
        specials_.Free(x);
      } else {
        link = &specials_[x].next;
      }
    }
  }
}

bool Heap::AddSpecial(Address a, SpecialKind kind) {
  const uint32_t record = specials_.TakeRecord(kind);
  const SpanId id = LookupMaybe(a);
  if (id == kNoSpan) {
    Throw(FatalCode::kSpecialOnInvalidPointer, "addspecial on invalid pointer");
  }
  EnsureSwept(id);
  return specials_.Add(id, (a - spans_[id].address()).v, kind, record);
}

void Heap::AddProfile(Address a) {
  if (!AddSpecial(a, SpecialKind::kProfile)) {
    Throw(FatalCode::kProfileExists, "setprofilebucket: profile already set");
  }
}

bool Heap::RemoveFinalizer(Address a) {
  const SpanId id = LookupMaybe(a);
  if (id == kNoSpan) {
    Throw(FatalCode::kSpecialOnInvalidPointer, "removespecial on invalid pointer");
  }
  EnsureSwept(id);
  return specials_.Remove(id, (a - spans_[id].address()).v, SpecialKind::kFinalizer);
}

}  // namespace heapsim::heap
