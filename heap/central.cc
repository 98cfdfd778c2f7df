// Where a cache gets its spans from: the central list of the class, or new pages (the runtime's
// mcache.refill, mcentral, mheap.alloc). Under explicit reclaim see explicit.cc.

#include <bit>
#include <string>

#include "absl/strings/str_cat.h"
#include "heap/fatal.h"
#include "heap/heap.h"

namespace heapsim::heap {

Placement Heap::SmallSlow(uint32_t p, SpanClass c, bool needzero) {
  p_ = p;
  if (options_.front_end != nullptr) return TakeFromFront(p, c, needzero);
  CacheSlot& k = cache(p, c);
  if (options_.reclaim == Reclaim::kExplicit) return Place(k, NextSlotExplicit(p, c), c, needzero);
  Refill(p, c);
  gc_check_ = true;
  const BitIndex bit = TakeSlot(k);
  if (bit == 0) Throw(FatalCode::kFreeIndex, "freeIndex is not valid");
  return Place(k, bit, c, needzero);
}

// A free slot beyond those loaded, 0 where there is none (nextFreeIndex in the runtime).
BitIndex Heap::NextWord(CacheSlot& k) {
  if (options_.reclaim == Reclaim::kExplicit) return 0;  // left to NextSlotExplicit
  const uint32_t start = k.FreeIndex();
  if (start > k.nelems) Throw(FatalCode::kFreeIndex, "s.freeindex > s.nelems");
  for (uint32_t word = k.word() + 1; word * 64 < k.nelems; ++word) {
    LoadWord(k, word);
    if (k.free != 0) {
      const BitIndex bit = k.word_bit + static_cast<uint64_t>(std::countr_zero(k.free));
      k.free &= k.free - 1;
      return bit;
    }
  }
  k.handed = static_cast<uint16_t>(k.Handed());
  k.loaded = 0;
  k.start = k.nelems;
  return 0;
}

void Heap::LoadWord(CacheSlot& k, uint32_t word) {
  const Span& s = spans_[k.span];
  k.handed = static_cast<uint16_t>(k.Handed());
  k.word_bit = k.bit + uint64_t{word} * 64;
  k.start = static_cast<uint16_t>(word * 64);
  k.loaded = k.free = ~bits_.bits(s.bits + word) & SlotMask(k.nelems, word);
}

void Heap::WriteBack(CacheSlot& k) {
  Span& s = spans_[k.span];
  s.free_index = static_cast<uint16_t>(k.FreeIndex());
  s.alloc_count = static_cast<uint16_t>(s.alloc_count + k.Handed());
  s.incache = false;
}

void Heap::Refill(uint32_t p, SpanClass c) {
  CacheSlot& k = cache(p, c);
  seams_.observer->RefillBegin(p, c, k.span);
  if (k.span != kNoSpan) {
    WriteBack(k);
    const Span& old = spans_[k.span];
    if (old.alloc_count != old.nelems) {
      Throw(FatalCode::kRefillNotFull, "refill of span with free space remaining");
    }
    k = CacheSlot{};
  }
  const SizeClass& size_class = (*options_.classes)[c >> 1];
  const Bytes span_bytes = Pages(size_class.pages).bytes();
  Deduct(span_bytes, Pages(0));
  RefillPath path;
  const SpanId id = TakeCentral(c, &path);
  Span& s = spans_[id];
  if (s.alloc_count >= s.nelems || s.free_index == s.nelems) {
    Throw(FatalCode::kNoFreeSlot, "span has no free objects");
  }
  stats_.nmalloc[c] += s.nelems - s.alloc_count;
  stats_.heap_live += span_bytes.v - uint64_t{s.alloc_count} * s.elemsize;
  s.incache = true;
  k.span = id;
  k.base = s.base;
  k.bit = uint64_t{s.bits} * 64;
  k.resident = s.resident ? ~uint64_t{0} : 0;
  k.nelems = s.nelems;
  k.elemsize = s.elemsize;
  k.needzero = s.needzero;
  LoadWord(k, s.free_index / 64u);
  k.start = s.free_index;
  // Those below the free index were handed out before, found dead or not.
  const uint64_t ahead = ~uint64_t{0} << (s.free_index % 64);
  k.loaded = k.free &= ahead;
  seams_.observer->RefillEnd(
      {id, s.address(), path, s.alloc_count, s.free_index, stats_.heap_live});
}

// mcentral.cacheSpan: a span with free slots, swept.
SpanId Heap::TakeCentral(SpanClass c, RefillPath* path) {
  const uint32_t sg = sweepgen();
  const ListId nonempty = static_cast<ListId>(kNonempty + c);
  const ListId empty = static_cast<ListId>(kEmpty + c);
  for (SpanId id = spans_.First(nonempty); id != kNoSpan; id = spans_[id].next) {
    Span& s = spans_[id];
    if (s.sweepgen == sg - 1) continue;  // somebody sweeps it
    spans_.Remove(nonempty, id);
    spans_.InsertBack(empty, id);
    *path = RefillPath::kNonempty;
    if (s.sweepgen == sg - 2) {
      s.sweepgen = sg - 1;
      Sweep(id, true);
      *path = RefillPath::kNonemptySweep;
    }
    return id;
  }
  // Full spans of the old generation come first; one of them may have free slots once it is swept.
  for (SpanId id = spans_.First(empty); id != kNoSpan;) {
    Span& s = spans_[id];
    if (s.sweepgen == sg - 1) {
      id = s.next;
      continue;
    }
    if (s.sweepgen != sg - 2) break;
    s.sweepgen = sg - 1;
    spans_.Remove(empty, id);
    spans_.InsertBack(empty, id);
    Sweep(id, true);
    const uint32_t slot = FirstFreeSlot(s);
    if (slot != s.nelems) {
      s.free_index = static_cast<uint16_t>(slot);
      *path = RefillPath::kEmptySweep;
      return id;
    }
    s.free_index = s.nelems;
    id = spans_.First(empty);
  }
  *path = RefillPath::kGrow;
  return GrowCentral(c);
}

SpanId Heap::GrowCentral(SpanClass c) {
  const SizeClass& k = (*options_.classes)[c >> 1];
  const SpanId id = AllocateGcSpan(Pages(k.pages), c, false, true);
  Span& s = spans_[id];
  s.limit = s.base + uint64_t{k.size} * k.slots;
  InitSlots(id);
  if (options_.reclaim == Reclaim::kGc) spans_.InsertBack(static_cast<ListId>(kEmpty + c), id);
  return id;
}

// mheap.alloc: pages for objects, after sweeping at least as many.
SpanId Heap::AllocateGcSpan(Pages npages, SpanClass c, bool large, bool needzero) {
  if (!sweep_done_) ReclaimPages(npages);
  TransferLocal(p_);
  const SpanId id = TakePages(npages, c, large);
  if (options_.reclaim == Reclaim::kGc) SweptStack().push_back(id);
  Span& s = spans_[id];
  if (needzero && s.needzero) seams_.os->Touch(s.address(), s.bytes());
  s.needzero = false;
  return id;
}

SpanId Heap::TakePages(Pages npages, SpanClass c, bool large) {
  seams_.observer->SpanAllocBegin(npages, SpanKind::kGc, c, large);
  pages_->proc = p_;
  const PageRun run = pages_->Allocate(npages);
  if (run.span == kNoSpan) {
    Throw(FatalCode::kOutOfMemory,
          run.refused.v == 0
              ? std::string("out of memory")
              : absl::StrCat("runtime: out of memory: cannot allocate ", run.refused.v,
                             "-byte block (", stats_.heap_sys, " in use)"));
  }
  Span& s = spans_[run.span];
  stats_.heap_inuse += npages.bytes().v;
  s.sweepgen = sweepgen();
  s.state = SpanState::kInUse;
  s.alloc_count = 0;
  s.resident = false;
  s.span_class = c;
  s.elemsize = large ? 0 : (*options_.classes)[c >> 1].size;
  pages_->pages_in_use += npages.v;
  if (large) {
    ++stats_.heap_objects;
    stats_.largealloc += npages.bytes().v;
    ++stats_.nlargealloc;
    stats_.heap_live += npages.bytes().v;
    // Swept spans stand at the end of the lists.
    spans_.InsertBack(
        npages.v < kMaxHeapList ? static_cast<ListId>(kBusyLists + npages.v) : kBusyLarge,
        run.span);
  }
  seams_.observer->SpanAllocEnd({run.span, s.address(), npages, run.source, s.needzero, run.grew});
  if (options_.release != nullptr) options_.release->AfterAllocate();
  return run.span;
}

// Slots, their bits, and the part of the heap bitmap that says where pointers are
// (heapBits.initSpan in the runtime).
void Heap::InitSlots(SpanId id) {
  Span& s = spans_[id];
  s.free_index = 0;
  s.nelems = s.large() ? 1 : static_cast<uint16_t>((*options_.classes)[s.size_class()].slots);
  const uint32_t words = (s.nelems + 63u) / 64;
  s.bits = bits_.Allocate(words, id);
  s.free_words = static_cast<uint16_t>((uint32_t{1} << words) - 1);
  if (options_.reclaim == Reclaim::kExplicit) {
    bits_.bits(s.bits + words - 1) = ~SlotMask(s.nelems, words - 1);
  }
  if (KeepsSlotStates(s)) {
    bits_.word(s.bits).state = {s.free_words | (s.noscan() ? SlotState::kNoScan : 0)};
  }
  gc_bits_.NewMarkBits(s.nelems);
  gc_bits_.NewMarkBits(s.nelems);
  arena_.ClearBitmap(s.address(), s.bytes());
}

// mheap.freeSpan: the span holds nothing any more.
void Heap::FreeObjectSpan(SpanId id, FreeCause cause) {
  TransferLocal(p_);
  Span& s = spans_[id];
  if (KeepsSlotStates(s)) {  // the page level looks at the record
    const SlotState state = Slots(s);
    s.alloc_count = static_cast<uint16_t>(state.taken());
    s.needzero = state.needzero();
  }
  bits_.Free(s.bits, (s.nelems + 63u) / 64);
  if (cause == FreeCause::kLarge) --stats_.heap_objects;
  pages_->Free(id, true, cause);
  if (options_.release != nullptr) options_.release->AfterFree();
}

uint32_t Heap::FirstFreeSlot(const Span& s) const {
  for (uint32_t i = s.free_index; i < s.nelems; i = (i + 64) & ~63u) {
    const uint64_t free = ~bits_.bits(s.bits + i / 64) >> (i % 64);
    if (free != 0) {
      const uint32_t slot = i + static_cast<uint32_t>(std::countr_zero(free));
      return slot < s.nelems ? slot : s.nelems;
    }
  }
  return s.nelems;
}

void Heap::FlushAll() {
  TransferLocalStats();
  if (options_.front_end != nullptr) options_.front_end->Flush();
  for (uint32_t p = 0; p < options_.procs; ++p) {
    seams_.observer->FlushBegin(p);
    for (uint32_t c = 0; c < span_classes_; ++c) {
      CacheSlot& k = cache(p, static_cast<SpanClass>(c));
      if (k.span == kNoSpan) continue;
      if (options_.reclaim == Reclaim::kGc) {
        Uncache(k);
      } else {
        DropCached(k);
      }
      k = CacheSlot{};
    }
    tiny_[p] = TinyBlock{};
    seams_.observer->FlushEnd(p);
  }
}

void Heap::Uncache(CacheSlot& k) {
  WriteBack(k);
  Span& s = spans_[k.span];
  const SpanClass c = s.span_class;
  if (s.alloc_count == 0) {
    Throw(FatalCode::kUncacheEmpty, "uncaching span but s.allocCount == 0");
  }
  const uint32_t free = s.nelems - s.alloc_count;
  if (free > 0) {
    spans_.Remove(static_cast<ListId>(kEmpty + c), k.span);
    spans_.Insert(static_cast<ListId>(kNonempty + c), k.span);
    // The refill counted all slots as allocated.
    stats_.nmalloc[c] -= free;
    stats_.heap_live -= uint64_t{free} * s.elemsize;
  }
  seams_.observer->Uncached(c, k.span, s.address(), free);
}

}  // namespace heapsim::heap
