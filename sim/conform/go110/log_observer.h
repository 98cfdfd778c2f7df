// Checks every line that the heap's own doing determines, at the moment the heap does it.
#ifndef HEAPSIM_SIM_CONFORM_GO110_LOG_OBSERVER_H_
#define HEAPSIM_SIM_CONFORM_GO110_LOG_OBSERVER_H_

#include "heap/heap.h"
#include "heap/observer.h"
#include "heap/pages/go110.h"
#include "sim/conform/go110/log_inputs.h"
#include "sim/conform/go110/matcher.h"
#include "sim/conform/go110/surroundings.h"

namespace heapsim::sim::go110 {

class LogObserver final : public heap::Observer {
 public:
  // `marker` gets the marks of each sweep as it begins.
  LogObserver(Matcher* matcher, LogMarker* marker) : matcher_(*matcher), marker_(*marker) {}

  // The heap that is observed, and its pages. Before, it is still being made: it has no spans then.
  void SetHeap(const heap::Heap* heap, const heap::Go110Pages* pages) {
    heap_ = heap;
    pages_ = pages;
  }

  // How the treap looked to the last request for pages.
  const TreapSearch& last_search() const { return search_; }

  void SpanAllocBegin(heap::Pages pages, heap::SpanKind kind, heap::SpanClass c,
                      bool large) override;
  void SpanAllocEnd(const heap::SpanAllocated& r) override;
  void GrowBegin(heap::Pages rounded, heap::Bytes ask) override;
  void GrowEnd(heap::Address a) override;
  void SpanFreeBegin(const heap::SpanFreeing& s) override;
  void SpanFreeEnd(const heap::SpanFreed& s) override;
  void DescriptorTaken(heap::SpanId span, heap::Address descriptor) override;
  void SpanAbsorbed(heap::SpanId span, heap::Address descriptor) override;
  void TreapInserted(heap::SpanId span, heap::Address base, heap::Pages pages,
                     uint32_t priority) override;
  void ScavengeBegin(int32_t k, uint64_t now, uint64_t limit) override;
  void ScavengeEnd(heap::Bytes released) override;
  void RangeUnused(heap::Address a, heap::Bytes length) override;
  void RangeUsed(heap::Address a, heap::Bytes length) override;

  void RefillBegin(uint32_t p, heap::SpanClass c, heap::SpanId old) override;
  void RefillEnd(const heap::RefillResult& r) override;
  void DeductBegin(heap::Bytes span, heap::Pages caller, uint64_t heap_live,
                   uint64_t pages_swept) override;
  void DeductEnd() override;
  void ReclaimBegin(heap::Pages pages) override;
  void ReclaimEnd() override;
  void SweepStepBegin(heap::SweepCause cause) override;
  void SweepStepEnd(int64_t pages) override;
  void SweepBegin(const heap::SweepInput& s) override;
  void SweepEnd(const heap::SweepOutput& s) override;
  void FlushBegin(uint32_t p) override;
  void FlushEnd(uint32_t p) override;
  void Uncached(heap::SpanClass c, heap::SpanId span, heap::Address base,
                uint32_t free_slots) override;
  void SpecialTaken(heap::Address object, heap::SpecialKind kind) override;
  void EnsureSweptBegin(heap::SpanId span, heap::Address base) override;
  void EnsureSweptEnd(heap::SpanId span, heap::Address base) override;

 private:
  uint64_t Handle(heap::SpanId span) const { return heap_->DescriptorAddress(span).v; }
  void CloseEmpty(Kind kind);

  Matcher& matcher_;
  LogMarker& marker_;
  const heap::Heap* heap_ = nullptr;
  const heap::Go110Pages* pages_ = nullptr;
  TreapSearch search_;
  heap::FreeCause cause_ = heap::FreeCause::kTrim;  // of the free that is open
};

}  // namespace heapsim::sim::go110

#endif  // HEAPSIM_SIM_CONFORM_GO110_LOG_OBSERVER_H_
