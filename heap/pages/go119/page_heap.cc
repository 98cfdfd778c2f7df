#include "heap/pages/go119/page_heap.h"

#include <algorithm>
#include <bit>

#include "absl/strings/str_cat.h"
#include "heap/fatal.h"
#include "heap/linux_mem.h"

namespace heapsim::heap::go119 {
namespace {

constexpr uint32_t kArenaShift = 26;
static_assert(kArenaBytes.v == uint64_t{1} << kArenaShift);

}  // namespace

PageHeap::PageHeap(Os* os, AddressSpace* space, Bytes huge_page, Surroundings* surroundings,
                   PageObserver* observer)
    : os_(os),
      space_(space),
      huge_pages_(huge_page.v != 0),
      surroundings_(surroundings),
      observer_(observer),
      bits_(os, huge_page),
      zeroed_(kIndexOffset >> kArenaShift) {}

// ---------------------------------------------------------------- allocation

PageHeap::Allocation PageHeap::NewAllocation(int32_t proc, uint64_t npages, Use use) {
  Allocation a;
  a.at_ = Allocation::kCache;
  a.proc_ = proc;
  a.npages_ = npages;
  a.use_ = use;
  return a;
}

void PageHeap::Step(Allocation* a) {
  switch (a->at_) {
    case Allocation::kCache: {
      // Only requests that leave something in the cache for others are served from it.
      if (a->proc_ == kNoProc || a->npages_ >= kCachePages / 4) {
        a->at_ = Allocation::kSearch;
        return;
      }
      a->at_ = Allocation::kTakeCached;
      PageCache& cache = caches_[static_cast<uint32_t>(a->proc_)];
      if (cache.empty()) {
        const PageBitmap::Refilled refilled = bits_.TakeBlock();
        cache = refilled.cache;
        observer_->Refilled(a->proc_, refilled);
      }
      return;
    }
    case Allocation::kTakeCached: {
      const PageCache::Taken taken =
          caches_[static_cast<uint32_t>(a->proc_)].Take(static_cast<uint32_t>(a->npages_));
      a->base_ = taken.base;
      a->scavenged_ = taken.scavenged;
      a->from_cache_ = !taken.base.is_null();
      a->at_ = a->from_cache_ ? Allocation::kDecide : Allocation::kSearch;
      return;
    }
    case Allocation::kSearch: {
      PageBitmap::Run run = bits_.Take(a->npages_);
      observer_->Searched(a->proc_, a->npages_, run);
      if (run.base.is_null()) {
        if (!Grow(a->proc_, a->npages_, &a->grown_)) {
          a->at_ = Allocation::kDone;
          return;
        }
        run = bits_.Take(a->npages_);
        observer_->Searched(a->proc_, a->npages_, run);
        if (run.base.is_null()) {
          Throw(FatalCode::kSelfCheck, "grew heap, but no adequate free space found");
        }
      }
      a->base_ = run.base;
      a->scavenged_ = run.scavenged;
      a->how_ = run.how;
      a->search_ = bits_.search();
      a->at_ = Allocation::kDecide;
      return;
    }
    case Allocation::kDecide: {
      const uint64_t bytes = BytesToScavenge(*a);
      a->at_ = Allocation::kCommit;
      if (bytes > 0 && a->proc_ != kNoProc) {
        a->assist_ = NewScavenge(a->proc_, bytes);
        a->at_ = Allocation::kAssist;
      }
      return;
    }
    case Allocation::kAssist:
      if (!a->assist_.done()) Step(&a->assist_);
      if (a->assist_.done()) a->at_ = Allocation::kCommit;
      return;
    case Allocation::kCommit:
      Commit(a);
      a->at_ = Allocation::kDone;
      return;
    case Allocation::kDone:
      return;
  }
}

// Before the span is accounted: its pages still count as free, its scavenged ones not as mapped.
uint64_t PageHeap::BytesToScavenge(const Allocation& a) {
  const bool limiting = surroundings_->LimiterOn(a.proc_);
  const Surroundings::Reading now =
      surroundings_->Read(a.proc_, {counters_.mapped_ready, counters_.retained()});
  uint64_t bytes = 0;
  if (!limiting) {
    const uint64_t will_be = Pages(a.scavenged_).bytes().v + now.mapped;
    if (will_be > memory_limit_) bytes = will_be - memory_limit_;
  }
  if (goals_.gc_percent != kNoGoal && a.grown_.v > 0) {
    const uint64_t will_be = now.retained + a.grown_.v;
    if (will_be > goals_.gc_percent) {
      bytes = std::max(bytes, std::min(a.grown_.v, will_be - goals_.gc_percent));
    }
  }
  if (bytes > 0 || a.grown_.v > 0) observer_->AssistDecided(a.proc_, bytes, now, a.grown_);
  return bytes;
}

void PageHeap::Commit(Allocation* a) {
  const uint64_t bytes = Pages(a->npages_).bytes().v;
  const uint64_t scavenged = Pages(a->scavenged_).bytes().v;
  if (scavenged != 0) {
    if (huge_pages_) SysUsed(os_, a->base_, Bytes(bytes));
    counters_.mapped_ready += scavenged;
    counters_.heap_released -= scavenged;
    counters_.released -= scavenged;
    counters_.committed += scavenged;
  }
  counters_.heap_free -= bytes - scavenged;
  counters_.in_use[static_cast<int>(a->use_)] += bytes;
  if (a->use_ == Use::kHeap) counters_.pages_in_use += a->npages_;
  a->needzero_ = NeedsZero(a->base_, a->npages_);
}

bool PageHeap::NeedsZero(Address base, uint64_t npages) {
  bool needs = false;
  for (Address end = base + Pages(npages).bytes(); base < end;) {
    const uint64_t arena = base.v >> kArenaShift;
    const uint64_t first = base.v % kArenaBytes.v;
    const uint64_t last = std::min(kArenaBytes.v, end.v - (arena << kArenaShift));
    uint32_t& zeroed = zeroed_[arena];
    needs |= first < zeroed;
    zeroed = std::max(zeroed, static_cast<uint32_t>(last));
    base = Address((arena << kArenaShift) + last);
  }
  return needs;
}

// ---------------------------------------------------------------- growth

void PageHeap::AddRange(int32_t proc, AddressRange range) {
  space_->Map(range);
  counters_.heap_released += range.size().v;
  counters_.released += range.size().v;
  observer_->HeapMapped(proc, range);
  bits_.Grow(range, [&](Table table, uint64_t offset, Bytes length) {
    counters_.mapped_ready += length.v;
    observer_->TableMapped(proc, table, offset, length);
  });
  observer_->RangeAdded(proc, range);
}

bool PageHeap::Grow(int32_t proc, uint64_t npages, Bytes* grown) {
  const Bytes ask = Pages(RoundUp(npages, kChunkPages)).bytes();
  observer_->GrowBegin(proc, npages, ask);
  if (rest_.size() < ask) {
    // The whole ask is reserved, although the rest would serve as its beginning.
    const AddressRange fresh = space_->Reserve(ask);
    if (fresh.empty()) return false;
    bits_.AddReserved(fresh);
    if (fresh.base == rest_.limit) {
      rest_.limit = fresh.limit;
    } else {
      if (!rest_.empty()) {
        *grown += rest_.size();
        AddRange(proc, rest_);
      }
      rest_ = fresh;
    }
  }
  const AddressRange used = {rest_.base, rest_.base + ask};
  rest_.base = used.limit;
  *grown += ask;
  AddRange(proc, used);
  observer_->GrowEnd(proc, *grown, rest_);
  return true;
}

// ---------------------------------------------------------------- scavenging

PageHeap::Scavenge PageHeap::NewScavenge(Worker worker, uint64_t want) {
  Scavenge s(worker, want);
  s.at_ = Scavenge::kBegin;
  return s;
}

void PageHeap::Step(Scavenge* s) {
  switch (s->at_) {
    case Scavenge::kBegin:
      observer_->ScavengeBegin(s->worker_, s->want_);
      s->at_ = Scavenge::kLook;
      return;
    case Scavenge::kLook: {
      if (s->released_ < s->want_) {
        const ScavengeIndex::Found found = bits_.NextToScavenge();
        observer_->ScavengeLooked(s->worker_, found);
        s->chunk_ = found.chunk;
        if (found.found) {
          s->at_ = Scavenge::kStep;
          return;
        }
        s->want_ = 0;  // nothing is left: the next step ends it
        return;
      }
      observer_->ScavengeEnd(s->worker_, s->released_);
      s->at_ = Scavenge::kDone;
      return;
    }
    case Scavenge::kStep: {
      const uint64_t want = s->want_ - s->released_;
      s->piece_ = bits_.TakeToScavenge(s->chunk_, want);
      if (s->piece_.npages == 0) {
        observer_->StepEmpty(s->worker_, s->chunk_, want);
        s->at_ = Scavenge::kBetween;
      } else {
        observer_->StepBegin(s->worker_, s->chunk_, want);
        s->at_ = Scavenge::kAdvise;
      }
      return;
    }
    case Scavenge::kAdvise:
      GiveBack(s->piece_);
      s->at_ = Scavenge::kFinish;
      return;
    case Scavenge::kFinish:
      bits_.Scavenged(s->piece_);
      s->released_ += Pages(s->piece_.npages).bytes().v;
      observer_->StepEnd(s->worker_, s->piece_);
      s->at_ = Scavenge::kBetween;
      return;
    case Scavenge::kBetween:
      if (surroundings_->LimiterStops(s->worker_)) s->want_ = 0;
      s->at_ = Scavenge::kLook;
      return;
    case Scavenge::kDone:
      return;
  }
}

void PageHeap::GiveBack(PageBitmap::Piece piece) {
  const Bytes bytes = Pages(piece.npages).bytes();
  observer_->GivingBack(piece);
  if (huge_pages_) {
    SysUnused(os_, piece.base, bytes);
  } else {
    os_->Advise(piece.base, bytes, Advice::kDontNeed);
  }
  counters_.mapped_ready -= bytes.v;
  counters_.heap_released += bytes.v;
  counters_.heap_free -= bytes.v;
  counters_.committed -= bytes.v;
  counters_.released += bytes.v;
}

uint64_t PageHeap::ScavengeRange(Address base, uint64_t npages) {
  uint64_t released = 0;
  for (const Address end = base + Pages(npages).bytes(); base < end;) {
    const PageBitmap::Piece piece = bits_.TakeLowest(base, end);
    if (piece.npages == 0) break;
    GiveBack(piece);
    bits_.Scavenged(piece);
    released += Pages(piece.npages).bytes().v;
    base = piece.base + Pages(piece.npages).bytes();
  }
  return released;
}

void PageHeap::Pace(uint64_t heap_goal, uint64_t last_heap_goal, uint64_t memory_limit,
                    uint64_t last_in_use, Surroundings::Reading now) {
  goals_ = PaceScavenger(heap_goal, last_heap_goal, memory_limit, last_in_use, now.mapped,
                         now.retained, os_->PhysicalPageSize());
}

// ---------------------------------------------------------------- the rest

void PageHeap::Free(Address base, uint64_t npages, Use use) {
  const uint64_t bytes = Pages(npages).bytes().v;
  counters_.heap_free += bytes;
  counters_.in_use[static_cast<int>(use)] -= bytes;
  if (use == Use::kHeap) counters_.pages_in_use -= npages;
  bits_.Free(base, npages);
}

void PageHeap::SetProcs(uint32_t procs) { caches_.resize(procs); }

PageCache PageHeap::FlushCache(uint32_t proc) {
  const PageCache had = caches_[proc];
  bits_.Flush(&caches_[proc]);
  return had;
}

void PageHeap::SelfCheck() const {
  bits_.SelfCheck();
  uint64_t free = 0, scavenged = 0, bytes = 0;
  for (const AddressRange& r : bits_.ranges().ranges()) {
    bytes += r.size().v;
    for (uint64_t c = ChunkIndex(r.base), n = r.size().v / kChunkBytes.v; n > 0; --n, ++c) {
      free += kChunkPages - bits_.chunk(c).taken.Count();
      scavenged += bits_.chunk(c).scavenged.Count();
    }
  }
  for (const PageCache& cache : caches_) {
    if ((cache.scavenged & ~cache.free) != 0) {
      Throw(FatalCode::kSelfCheck, "a page cache has scavenged pages that it does not own");
    }
    if (!cache.empty() && !bits_.AllTaken(cache.base, kCachePages)) {
      // The block's other pages may be freed by their owners.
      for (uint32_t i = 0; i < kCachePages; ++i) {
        if ((cache.free >> i & 1) != 0 && !bits_.AllTaken(cache.base + Pages(i).bytes(), 1)) {
          Throw(FatalCode::kSelfCheck, "a page of a cache is free in the bitmap");
        }
      }
    }
    free += static_cast<uint64_t>(std::popcount(cache.free));
    scavenged += static_cast<uint64_t>(std::popcount(cache.scavenged));
  }
  const auto same = [](uint64_t a, uint64_t b, const char* what) {
    if (a != b) Throw(FatalCode::kSelfCheck, absl::StrCat(what, ": ", a, " and ", b, " bytes"));
  };
  same(Pages(scavenged).bytes().v, counters_.heap_released, "scavenged pages and heap_released");
  same(Pages(free - scavenged).bytes().v, counters_.heap_free, "free pages and heap_free");
  uint64_t all = counters_.heap_free + counters_.heap_released;
  for (const uint64_t n : counters_.in_use) all += n;
  same(bytes, all, "the heap's ranges and what is in them");
}

}  // namespace heapsim::heap::go119
