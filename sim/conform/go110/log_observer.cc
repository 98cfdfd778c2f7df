#include "sim/conform/go110/log_observer.h"

#include <optional>

#include "absl/strings/string_view.h"
#include "sim/conform/go110/names.h"

namespace heapsim::sim::go110 {

// ---------------------------------------------------------------- page heap

void LogObserver::SpanAllocBegin(heap::Pages pages, heap::SpanKind kind, heap::SpanClass c,
                                 bool large) {
  Comparison line = matcher_.Open(Kind::kSpanAlloc);
  line.Dec("npages", pages.v);
  line.Word("kind", Name(kind));
  line.Dec("spanclass", c);
  line.Bit("large", large);
  line.Done();
  search_.Record(*heap_, *pages_, pages);
}

void LogObserver::SpanAllocEnd(const heap::SpanAllocated& r) {
  std::optional<Comparison> line = matcher_.Close(Kind::kSpanAlloc);
  line->Offset("offset", r.base);
  line->Dec("src_npages", r.source_pages.v);
  line->Bit("needzero", r.needzero);
  line->Bit("grew", r.grew);
  line->Hex("handle", Handle(r.span));
  line->Done();
}

void LogObserver::GrowBegin(heap::Pages rounded, heap::Bytes ask) {
  Comparison line = matcher_.Open(Kind::kGrow);
  line.Dec("npages_rounded", rounded.v);
  line.Dec("ask_bytes", ask.v);
  line.Done();
}

void LogObserver::GrowEnd(heap::Address a) {
  std::optional<Comparison> line = matcher_.Close(Kind::kGrow);
  line->Offset("offset", a);
  line->Done();
}

void LogObserver::SpanFreeBegin(const heap::SpanFreeing& s) {
  Comparison line = matcher_.Open(Kind::kSpanFree);
  line.Offset("offset", s.base);
  line.Dec("npages", s.pages.v);
  line.Word("state", Name(s.state));
  line.Bit("acctinuse", s.account_inuse);
  line.Bit("acctidle", s.account_idle);
  line.Word("cause", Name(s.cause));
  line.Bit("needzero", s.needzero);
  line.Hex("handle", Handle(s.span));
  line.Done();
  cause_ = s.cause;
}

void LogObserver::SpanFreeEnd(const heap::SpanFreed& s) {
  std::optional<Comparison> line = matcher_.Close(Kind::kSpanFree);
  // Only the rest of a trimmed span inherits its time; the others got it from this very field.
  if (cause_ == heap::FreeCause::kTrim || !line->readable()) {
    line->Dec("unusedsince", static_cast<uint64_t>(s.unused_since));
  } else {
    line->fields().Dec();
  }
  line->Offset("merged_offset", s.merged_base);
  line->Dec("merged_npages", s.merged_pages.v);
  line->Dec("merged_npreleased", s.merged_released.v);
  line->Bit("merged_needzero", s.merged_needzero);
  line->Done();
}

void LogObserver::DescriptorTaken(heap::SpanId, heap::Address descriptor) {
  Comparison line = matcher_.Expect(Kind::kDescriptor);
  line.Hex("handle", descriptor.v);
  line.Done();
}

void LogObserver::SpanAbsorbed(heap::SpanId, heap::Address descriptor) {
  Comparison line = matcher_.Expect(Kind::kAbsorbed);
  line.Hex("handle", descriptor.v);
  line.Done();
}

void LogObserver::TreapInserted(heap::SpanId span, heap::Address base, heap::Pages pages,
                                uint32_t priority) {
  Comparison line = matcher_.Expect(Kind::kTreap);
  line.Offset("offset", base);
  line.Dec("npages", pages.v);
  line.Dec("priority", priority);
  line.Hex("handle", Handle(span));
  line.Done();
}

void LogObserver::ScavengeBegin(int32_t k, uint64_t now, uint64_t limit) {
  Comparison line = matcher_.Open(Kind::kScavenge);
  line.Signed("k", k);
  line.DecOrMax("now", now);
  line.Dec("limit", limit);
  line.Done();
}

void LogObserver::ScavengeEnd(heap::Bytes released) {
  std::optional<Comparison> line = matcher_.Close(Kind::kScavenge);
  line->Dec("released_bytes", released.v);
  line->Done();
}

void LogObserver::RangeUnused(heap::Address a, heap::Bytes length) {
  Comparison line = matcher_.Expect(Kind::kUnused);
  line.Offset("offset", a);
  line.Hex("len", length.v);
  line.Done();
}

void LogObserver::RangeUsed(heap::Address a, heap::Bytes length) {
  Comparison line = matcher_.Expect(Kind::kUsed);
  line.Offset("offset", a);
  line.Hex("len", length.v);
  line.Done();
}

// ---------------------------------------------------------------- objects

void LogObserver::RefillBegin(uint32_t, heap::SpanClass c, heap::SpanId old) {
  Comparison line = matcher_.Open(Kind::kRefill);
  line.Dec("spanclass", c);
  std::optional<heap::Address> base;
  if (old != heap::kNoSpan) base = heap_->spans()[old].address();
  line.Offset("old_offset", base);
  line.Done();
}

void LogObserver::RefillEnd(const heap::RefillResult& r) {
  std::optional<Comparison> line = matcher_.Close(Kind::kRefill);
  line->Offset("new_offset", r.base);
  line->Word("path", Name(r.path));
  line->Dec("allocated", r.allocated);
  line->Dec("freeindex", r.free_index);
  line->Dec("heap_live", r.heap_live);
  line->Done();
}

void LogObserver::DeductBegin(heap::Bytes span, heap::Pages caller, uint64_t heap_live,
                              uint64_t pages_swept) {
  if (!matcher_.IsWritten(Kind::kDeduct)) return;
  Comparison line = matcher_.Open(Kind::kDeduct);
  line.Dec("span_bytes", span.v);
  line.Dec("caller_pages", caller.v);
  line.Dec("heap_live", heap_live);
  line.Dec("pages_swept", pages_swept);
  line.Done();
}

void LogObserver::CloseEmpty(Kind kind) {
  std::optional<Comparison> line = matcher_.Close(kind);
  if (line.has_value()) line->Done();
}

void LogObserver::DeductEnd() { CloseEmpty(Kind::kDeduct); }

void LogObserver::ReclaimBegin(heap::Pages pages) {
  Comparison line = matcher_.Open(Kind::kReclaim);
  line.Dec("npages", pages.v);
  line.Done();
}

void LogObserver::ReclaimEnd() { CloseEmpty(Kind::kReclaim); }

void LogObserver::SweepStepBegin(heap::SweepCause cause) {
  Comparison line = matcher_.Open(Kind::kSweepStep);
  line.Word("cause", Name(cause));
  line.Done();
}

void LogObserver::SweepStepEnd(int64_t pages) {
  std::optional<Comparison> line = matcher_.Close(Kind::kSweepStep);
  line->Signed("npages", pages);
  line->Done();
}

void LogObserver::SweepBegin(const heap::SweepInput& s) {
  Comparison line = matcher_.Open(Kind::kSweep);
  line.Offset("offset", s.base);
  line.Dec("npages", s.pages.v);
  line.Dec("spanclass", s.span_class);
  line.Dec("sweepgen", s.sweepgen);
  line.Bit("preserve", s.preserve);
  line.Dec("nelems", s.slots);
  line.Dec("allocated", s.allocated);
  line.Dec("freeindex", s.free_index);
  if (line.readable()) marker_.Set(line.fields().Word(), s.slots, line.fields().line());
  line.Done();
}

void LogObserver::SweepEnd(const heap::SweepOutput& s) {
  std::optional<Comparison> line = matcher_.Close(Kind::kSweep);
  line->Dec("nfreed", s.freed_slots);
  line->Dec("nalloc", s.allocated);
  line->Bit("freed", s.freed_span);
  line->Done();
}

void LogObserver::FlushBegin(uint32_t) { matcher_.Open(Kind::kFlush).Done(); }

void LogObserver::FlushEnd(uint32_t) { CloseEmpty(Kind::kFlush); }

void LogObserver::Uncached(heap::SpanClass c, heap::SpanId, heap::Address base,
                           uint32_t free_slots) {
  Comparison line = matcher_.Expect(Kind::kUncached);
  line.Dec("spanclass", c);
  line.Offset("offset", base);
  line.Dec("nfree", free_slots);
  line.Done();
}

void LogObserver::SpecialTaken(heap::Address object, heap::SpecialKind kind) {
  Comparison line = matcher_.Expect(Kind::kSpecialTaken);
  line.Offset("offset", object);
  line.Dec("kind", static_cast<uint64_t>(kind));
  line.Done();
}

void LogObserver::EnsureSweptBegin(heap::SpanId, heap::Address base) {
  if (!matcher_.IsWritten(Kind::kEnsureSwept)) return;
  Comparison line = matcher_.Open(Kind::kEnsureSwept);
  line.Offset("span", base);
  line.Done();
}

void LogObserver::EnsureSweptEnd(heap::SpanId, heap::Address) { CloseEmpty(Kind::kEnsureSwept); }

}  // namespace heapsim::sim::go110
