#include "heap/pages/go110.h"

#include <algorithm>
#include <bit>

#include "absl/strings/str_cat.h"
#include "heap/fatal.h"
#include "heap/linux_mem.h"

namespace heapsim::heap {
namespace {

constexpr uint64_t kGrowthPages = (64 << 10) / kPageSize;  // growth is a multiple of 64 KiB

bool IsLarge(uint64_t npages) { return npages >= kMaxHeapList; }

ListId FreeList(uint64_t npages) { return static_cast<ListId>(kFreeLists + npages); }

}  // namespace

Go110Pages::Go110Pages(const PageContext& context)
    : c_(context),
      spans_(*context.spans),
      treap_(context.os, context.random, context.observer, context.spans),
      released_(context.arena->layout()) {}

PageRun Go110Pages::Allocate(Pages npages) {
  PageRun run;
  // The first list from that length upwards that has a span.
  SpanId id = kNoSpan;
  for (uint64_t n = npages.v; n < kMaxHeapList;) {
    const uint64_t bits = listed_[n / 64] >> (n % 64);
    if (bits == 0) {
      n = RoundUp(n + 1, 64);
      continue;
    }
    n += std::countr_zero(bits);
    if (!spans_.IsEmpty(FreeList(n))) {
      id = spans_.First(FreeList(n));
      spans_.Remove(FreeList(n), id);
      break;
    }
    listed_[n / 64] &= ~(uint64_t{1} << (n % 64));
    ++n;
  }
  if (id == kNoSpan) id = treap_.Remove(npages);
  if (id == kNoSpan) {
    if (!Grow(npages, &run.refused)) return run;
    run.grew = true;
    id = treap_.Remove(npages);
    if (id == kNoSpan) {
      // What was gained by the smaller ask can be too short for the treap; the runtime does not
      // look at the lists again.
      run.refused = Bytes(0);
      return run;
    }
  }

  Span& s = spans_[id];
  if (s.state != SpanState::kFree) {
    Throw(FatalCode::kNotFree, "MHeap_AllocLocked - MSpan not free");
  }
  if (s.npages < npages.v) Throw(FatalCode::kBadPages, "MHeap_AllocLocked - bad npages");
  run.span = id;
  run.source = Pages(s.npages);
  if (s.npreleased > 0) {
    c_.observer->RangeUsed(s.address(), s.bytes());
    SysUsed(c_.os, s.address(), s.bytes());
    c_.stats->heap_released -= Pages(s.npreleased).bytes().v;
    released_.Clear(spans_.PageIndex(s.address()), s.npages);
    s.npreleased = 0;
  }

  if (s.npages > npages.v) {
    // The rest goes back, with the age of the whole. Both are manual meanwhile, so that they do not
    // coalesce.
    const SpanId rest = spans_.New(s.address() + npages.bytes(), Pages(s.npages) - npages);
    Span& t = spans_[rest];
    s.npages = static_cast<uint32_t>(npages.v);
    const uint64_t p = spans_.PageIndex(t.address());
    if (p > 0) spans_.SetPage(p - 1, id);
    spans_.SetPage(p, rest);
    spans_.SetPage(p + t.npages - 1, rest);
    t.needzero = s.needzero;
    s.state = SpanState::kManual;
    t.state = SpanState::kManual;
    FreeSpan(rest, false, false, s.unusedsince, FreeCause::kTrim);
    s.state = SpanState::kFree;
  }
  s.unusedsince = 0;

  const uint64_t p = spans_.PageIndex(s.address());
  for (uint64_t n = 0; n < npages.v; ++n) spans_.SetPage(p + n, id);
  c_.stats->heap_idle -= npages.bytes().v;
  if (s.list != kNoList) Throw(FatalCode::kStillInList, "still in list");
  return run;
}

bool Go110Pages::Grow(Pages npages, Bytes* asked) {
  const Pages rounded(RoundUp(npages.v, kGrowthPages));
  Bytes ask = rounded.bytes();
  if (ask < c_.chunk) ask = c_.chunk;
  c_.observer->GrowBegin(rounded, ask);
  Address v = c_.arena->SysAlloc(ask);
  if (v.is_null() && ask > rounded.bytes()) {
    ask = rounded.bytes();
    v = c_.arena->SysAlloc(ask);
  }
  *asked = ask;
  if (v.is_null()) return false;

  // A span that seems in use is made and freed, so that it coalesces as any other.
  const SpanId id = spans_.New(v, Pages(ask.v >> kPageShift));
  Span& s = spans_[id];
  const uint64_t p = spans_.PageIndex(v);
  for (uint64_t i = p; i < p + s.npages; ++i) spans_.SetPage(i, id);
  c_.arena->TouchPageTable(v, Pages(s.npages));
  s.sweepgen = sweepgen;
  s.state = SpanState::kInUse;
  pages_in_use += s.npages;
  FreeSpan(id, false, true, 0, FreeCause::kGrow);
  c_.observer->GrowEnd(v);
  return true;
}

void Go110Pages::Free(SpanId span, bool account_inuse, FreeCause cause) {
  FreeSpan(span, account_inuse, true, 0, cause);
}

void Go110Pages::FreeSpan(SpanId id, bool account_inuse, bool account_idle, int64_t unusedsince,
                          FreeCause cause) {
  Span& s = spans_[id];
  c_.observer->SpanFreeBegin(
      {id, s.address(), Pages(s.npages), s.state, account_inuse, account_idle, cause, s.needzero});
  switch (s.state) {
    case SpanState::kManual:
      if (s.alloc_count != 0) {
        Throw(FatalCode::kInvalidStackFree, "MHeap_FreeSpanLocked - invalid stack free");
      }
      break;
    case SpanState::kInUse:
      if (s.alloc_count != 0 || s.sweepgen != sweepgen) {
        Throw(FatalCode::kInvalidFree,
              absl::StrCat("MHeap_FreeSpanLocked - invalid free: span at 0x", absl::Hex(s.base),
                           " allocCount ", s.alloc_count, " sweepgen ", s.sweepgen, "/", sweepgen));
      }
      pages_in_use -= s.npages;
      break;
    default:
      Throw(FatalCode::kInvalidSpanState, "MHeap_FreeSpanLocked - invalid span state");
  }
  if (account_inuse) c_.stats->heap_inuse -= s.bytes().v;
  if (account_idle) c_.stats->heap_idle += s.bytes().v;
  s.state = SpanState::kFree;
  if (s.list != kNoList) {
    spans_.Remove(IsLarge(s.npages) ? kBusyLarge : static_cast<ListId>(kBusyLists + s.npages), id);
  }
  s.unusedsince = unusedsince != 0 ? unusedsince : c_.clock->Now();
  s.npreleased = 0;

  // The lower neighbour first; the descriptor and the time stamp of the span being freed stay.
  uint64_t p = spans_.PageIndex(s.address());
  if (p > 0) {
    const SpanId before = spans_.AtPage(p - 1);
    if (before != kNoSpan && spans_[before].state == SpanState::kFree) {
      const Span& b = spans_[before];
      s.base = b.base;
      s.npages += b.npages;
      s.npreleased = b.npreleased;
      s.needzero |= b.needzero;
      p -= b.npages;
      spans_.SetPage(p, id);
      Unfile(before);
      spans_.Delete(before);
      c_.observer->SpanAbsorbed(before, spans_.DescriptorAddress(before));
    }
  }
  if (p + s.npages < c_.arena->table_pages()) {
    const SpanId after = spans_.AtPage(p + s.npages);
    if (after != kNoSpan && spans_[after].state == SpanState::kFree) {
      const Span& a = spans_[after];
      s.npages += a.npages;
      s.npreleased += a.npreleased;
      s.needzero |= a.needzero;
      spans_.SetPage(p + s.npages - 1, id);
      Unfile(after);
      spans_.Delete(after);
      c_.observer->SpanAbsorbed(after, spans_.DescriptorAddress(after));
    }
  }

  if (IsLarge(s.npages)) {
    treap_.Insert(id);
  } else {
    spans_.Insert(FreeList(s.npages), id);
    listed_[s.npages / 64] |= uint64_t{1} << (s.npages % 64);
  }
  release_end_ = std::max(release_end_, p + s.npages);
  c_.observer->SpanFreeEnd(
      {id, s.unusedsince, s.address(), Pages(s.npages), Pages(s.npreleased), s.needzero});
}

void Go110Pages::Unfile(SpanId id) {
  const uint32_t npages = spans_[id].npages;
  if (IsLarge(npages)) {
    treap_.RemoveSpan(id);
  } else {
    spans_.Remove(FreeList(npages), id);
  }
}

Bytes Go110Pages::Scavenge(int32_t k, uint64_t now, uint64_t limit) {
  c_.observer->ScavengeBegin(k, now, limit);
  Bytes released;
  for (uint64_t n = 0; n < kMaxHeapList; ++n) {
    for (SpanId id = spans_.First(FreeList(n)); id != kNoSpan; id = spans_[id].next) {
      released += ScavengeSpan(id, now, limit);
    }
  }
  treap_.Walk([&](uint32_t, SpanId id, uint32_t) { released += ScavengeSpan(id, now, limit); });
  c_.observer->ScavengeEnd(released);
  return released;
}

Bytes Go110Pages::ScavengeSpan(SpanId id, uint64_t now, uint64_t limit) {
  Span& s = spans_[id];
  // Without sign, as in the runtime: a span freed after `now` was read counts as unused for ages.
  if (now - static_cast<uint64_t>(s.unusedsince) <= limit || s.npreleased == s.npages) {
    return Bytes();
  }
  uint64_t begin = s.base, end = s.end();
  const uint64_t phys = c_.os->PhysicalPageSize().v;
  if (phys > kPageSize) {
    // Only whole OS pages can be given back.
    begin = RoundUp(begin, phys);
    end = RoundDown(end, phys);
    if (end <= begin) return Bytes();
  }
  const uint64_t length = end - begin;
  const uint64_t released = length - Pages(s.npreleased).bytes().v;
  if (phys > kPageSize && released == 0) return Bytes();
  c_.stats->heap_released += released;
  s.npreleased = static_cast<uint32_t>(length >> kPageShift);
  released_.Set(spans_.PageIndex(Address(begin)), s.npreleased);
  c_.observer->RangeUnused(Address(begin), Bytes(length));
  SysUnused(c_.os, Address(begin), Bytes(length));
  return Bytes(released);
}

Bytes Go110Pages::Release(Bytes at_most) {
  const uint64_t unit = std::max<uint64_t>(1, c_.os->PhysicalPageSize().v >> kPageShift);
  uint64_t released = 0;
  while (release_end_ > 0 && released < at_most.v) {
    // Always an end of a span, whose last page names it.
    const SpanId id = spans_.AtPage(release_end_ - 1);
    Span& s = spans_[id];
    const uint64_t first = spans_.PageIndex(s.address());
    ReleasedPages::Piece piece;
    if (s.state == SpanState::kFree && s.npreleased < s.npages) {
      const uint64_t want = (at_most.v - released - 1) / kPageSize + 1;
      piece = released_.Highest(first, first + s.npages, want, unit);
    }
    if (piece.empty()) {
      release_end_ = first;
      continue;
    }
    const Pages length(piece.end - piece.begin);
    const Address begin = s.address() + Pages(piece.begin - first).bytes();
    released_.Set(piece.begin, length.v);
    s.npreleased += static_cast<uint32_t>(piece.fresh);
    c_.stats->heap_released += Pages(piece.fresh).bytes().v;
    released += Pages(piece.fresh).bytes().v;
    // So that who asks for the span of what is given back need not walk to the span's start.
    spans_.SetPage(piece.begin, id);
    c_.observer->RangeUnused(begin, length.bytes());
    SysUnused(c_.os, begin, length.bytes());
  }
  return Bytes(released);
}

void Go110Pages::ForEachFree(absl::FunctionRef<void(const FreeRun&)> visit) const {
  for (uint64_t n = 0; n < kMaxHeapList; ++n) {
    for (SpanId id = spans_.First(FreeList(n)); id != kNoSpan; id = spans_[id].next) {
      const Span& s = spans_[id];
      visit({s.address(), Pages(s.npages), Pages(s.npreleased)});
    }
  }
  treap_.Walk([&](uint32_t, SpanId id, uint32_t) {
    const Span& s = spans_[id];
    visit({s.address(), Pages(s.npages), Pages(s.npreleased)});
  });
}

Pages Go110Pages::LargestFree() const {
  const Pages large = treap_.Largest();
  if (large.v != 0) return large;
  for (uint64_t n = kMaxHeapList - 1; n > 0; --n) {
    if (!spans_.IsEmpty(FreeList(n))) return Pages(n);
  }
  return Pages(0);
}

void Go110Pages::SelfCheck() const {
  treap_.SelfCheck();
  uint64_t idle = 0, released = 0;
  const uint64_t os_pages = std::max<uint64_t>(1, c_.os->PhysicalPageSize().v >> kPageShift);
  const auto check = [&](SpanId id) {
    const Span& s = spans_[id];
    const uint64_t p = spans_.PageIndex(s.address());
    const auto fail = [&](const char* what) {
      Throw(FatalCode::kSelfCheck,
            absl::StrCat("free span of ", s.npages, " pages at 0x", absl::Hex(s.base), ": ", what));
    };
    if (s.state != SpanState::kFree) fail("state is not free");
    if (spans_.AtPage(p) != id || spans_.AtPage(p + s.npages - 1) != id) {
      fail("the page table names another span at its ends");
    }
    if (p > 0) {
      const SpanId b = spans_.AtPage(p - 1);
      if (b != kNoSpan && spans_[b].state == SpanState::kFree && spans_[b].end() == s.base) {
        fail("the lower neighbour is free too");
      }
    }
    if (s.npreleased > s.npages) fail("more pages released than it has");
    if (s.npreleased != released_.Count(p, s.npages)) {
      fail("the pages marked as released are not as many as it says");
    }
    if (p + s.npages > release_end_ && !released_.Highest(p, p + s.npages, 1, os_pages).empty()) {
      fail("a release would not look at it");
    }
    idle += s.bytes().v;
    released += Pages(s.npreleased).bytes().v;
  };
  for (uint64_t n = 0; n < kMaxHeapList; ++n) {
    for (SpanId id = spans_.First(FreeList(n)); id != kNoSpan; id = spans_[id].next) {
      if (spans_[id].npages != n)
        Throw(FatalCode::kSelfCheck, "a span in the list of another length");
      if ((listed_[n / 64] >> (n % 64) & 1) == 0) {
        Throw(FatalCode::kSelfCheck, "a list with spans that the search would skip");
      }
      check(id);
    }
  }
  treap_.Walk([&](uint32_t, SpanId id, uint32_t) { check(id); });
  if (idle != c_.stats->heap_idle) {
    Throw(FatalCode::kSelfCheck,
          absl::StrCat("free spans have ", idle, " bytes, heap_idle is ", c_.stats->heap_idle));
  }
  if (released != c_.stats->heap_released) {
    Throw(FatalCode::kSelfCheck,
          absl::StrCat("free spans have ", released, " released bytes, heap_released is ",
                       c_.stats->heap_released));
  }
}

}  // namespace heapsim::heap
