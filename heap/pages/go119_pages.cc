#include "heap/pages/go119_pages.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "heap/fatal.h"

namespace heapsim::heap {

using go119::kChunkBytes;

Go119Pages::Go119Pages(const PageContext& context)
    : RunPages(context, {.descriptors = false,
                         .fresh_released = true,
                         .huge_advice = false,  // it gives its own
                         .whole_os_pages = false}),
      space_(this),
      listener_(this),
      heap_(context.os, &space_, Bytes(2 << 20), &surroundings_, &listener_) {
  heap_.SetProcs(context.procs);
  heap_.SetMemoryLimit(uint64_t{INT64_MAX});
  heap_.SetGoals({go119::kNoGoal, go119::kNoGoal});
}

go119::AddressRange Go119Pages::Space::Reserve(Bytes ask) {
  const ArenaLayout& layout = pages_->context().arena->layout();
  const Address at = pages_->At(reserved_);
  const uint64_t left = RoundDown((layout.end - at).v, kChunkBytes.v);
  const uint64_t n = std::min(RoundUp(ask.v, go119::kArenaBytes.v), left);
  if (n < ask.v) return {};
  reserved_ += n >> kPageShift;
  return {at, at + Bytes(n)};
}

void Go119Pages::Space::Map(go119::AddressRange range) {
  // Ranges are mapped in the order of their addresses, so that the arena gives just these.
  if (pages_->context().arena->used() != range.base ||
      !pages_->GrowBy(range.size().v >> kPageShift)) {
    Throw(FatalCode::kCannotMap, "runtime: cannot map pages in arena address space");
  }
}

void Go119Pages::Listener::GivingBack(go119::PageBitmap::Piece piece) {
  pages_->NoteReleased(pages_->PageOf(piece.base), piece.npages);
  pages_->context().observer->RangeUnused(piece.base, Pages(piece.npages).bytes());
}

void Go119Pages::Listener::GrowBegin(int32_t, uint64_t npages, Bytes ask) {
  pages_->context().observer->GrowBegin(Pages(npages), ask);
}

void Go119Pages::Listener::GrowEnd(int32_t, Bytes grown, go119::AddressRange rest) {
  pages_->context().observer->GrowEnd(rest.base - grown);
}

uint64_t Go119Pages::Choose(uint64_t n) {
  const int32_t p =
      heap_.procs() == 0 ? go119::kNoProc : static_cast<int32_t>(proc % heap_.procs());
  go119::PageHeap::Allocation a = go119::PageHeap::NewAllocation(p, n, go119::Use::kHeap);
  heap_.Run(&a);
  if (a.base().is_null()) return kNoPage;
  needzero_ = a.needzero();
  return PageOf(a.base());
}

RunPages::Growth Go119Pages::GrowthFor(uint64_t n) const {
  return {.ask = 0, .less = RoundUp(n, go119::kChunkPages)};
}

void Go119Pages::Freed(uint64_t first, uint64_t n) { heap_.Free(At(first), n, go119::Use::kHeap); }

bool Go119Pages::NeedsZero(uint64_t, uint64_t, bool) { return needzero_; }

Bytes Go119Pages::Release(Bytes at_most) {
  go119::PageHeap::Scavenge s = go119::PageHeap::NewScavenge(go119::kForced, at_most.v);
  heap_.Run(&s);
  return Bytes(s.released());
}

Bytes Go119Pages::Scavenge(int32_t k, uint64_t now, uint64_t limit) {
  context().observer->ScavengeBegin(k, now, limit);
  Bytes released;
  if (limit == 0) {
    released = Release(Bytes(UINT64_MAX));
  } else {
    for (const Range& r : IdleFor(now, limit)) {
      released += Bytes(heap_.ScavengeRange(At(r.first), r.n));
    }
  }
  context().observer->ScavengeEnd(released);
  return released;
}

void Go119Pages::SelfCheck() const {
  RunPages::SelfCheck();
  heap_.SelfCheck();
  const auto same = [](uint64_t a, uint64_t b, const char* what) {
    if (a != b) Throw(FatalCode::kSelfCheck, absl::StrCat(what, ": ", a, " and ", b, " bytes"));
  };
  const MemStats& m = *context().stats;
  same(heap_.counters().heap_released, m.heap_released, "released pages of bitmap and runs");
  same(heap_.counters().heap_free, m.heap_idle - m.heap_released, "free pages of bitmap and runs");
}

}  // namespace heapsim::heap
