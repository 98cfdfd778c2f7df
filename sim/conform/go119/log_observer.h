// Turns what the allocator does into the lines that the log should show, and answers what the log
// knows better.
#ifndef HEAPSIM_SIM_CONFORM_GO119_LOG_OBSERVER_H_
#define HEAPSIM_SIM_CONFORM_GO119_LOG_OBSERVER_H_

#include "heap/pages/go119/page_heap.h"
#include "sim/conform/go119/lines.h"
#include "sim/conform/line_cursor.h"

namespace heapsim::sim::go119 {

class LogObserver final : public heap::go119::PageObserver, public heap::go119::Surroundings {
 public:
  explicit LogObserver(LineCursor* cursor) : cursor_(cursor) {}
  void SetHeap(const heap::go119::PageHeap* heap) { heap_ = heap; }

  // A step begins, whose lines go to `lines`; the cursor is at the first of them.
  void BeginStep(Lines* lines) { lines_ = lines; }
  // From now on there may be more than one processor: what is read without a lock is not
  // determined.
  void SetParallel() { parallel_ = true; }
  bool parallel() const { return parallel_; }

  // PageObserver
  void Refilled(int32_t proc, const heap::go119::PageBitmap::Refilled& refilled) override;
  void Searched(int32_t proc, uint64_t npages, const heap::go119::PageBitmap::Run& run) override;
  void GrowBegin(int32_t proc, uint64_t npages, heap::Bytes ask) override;
  void HeapMapped(int32_t proc, heap::go119::AddressRange range) override;
  void TableMapped(int32_t proc, heap::go119::Table table, uint64_t offset,
                   heap::Bytes length) override;
  void RangeAdded(int32_t proc, heap::go119::AddressRange range) override;
  void GrowEnd(int32_t proc, heap::Bytes grown, heap::go119::AddressRange rest) override;
  void AssistDecided(int32_t proc, uint64_t bytes, Reading now, heap::Bytes grown) override;
  void ScavengeBegin(heap::go119::Worker worker, uint64_t want) override;
  void ScavengeLooked(heap::go119::Worker worker,
                      const heap::go119::ScavengeIndex::Found& found) override;
  void StepEmpty(heap::go119::Worker worker, uint64_t chunk, uint64_t want) override;
  void StepBegin(heap::go119::Worker worker, uint64_t chunk, uint64_t want) override;
  void StepEnd(heap::go119::Worker worker, heap::go119::PageBitmap::Piece piece) override;
  void ScavengeEnd(heap::go119::Worker worker, uint64_t released) override;

  // Surroundings
  Reading Read(int32_t proc, Reading own) override;
  bool LimiterOn(int32_t proc) override;
  bool LimiterStops(heap::go119::Worker worker) override;

 private:
  heap::Address search() const { return heap_->bits().search(); }
  bool CursorAt(Kind kind, heap::go119::Worker owner) const;
  Expected Step(Form form, heap::go119::Worker worker, uint64_t chunk, uint64_t want) const;

  LineCursor* cursor_;
  const heap::go119::PageHeap* heap_ = nullptr;
  Lines* lines_ = nullptr;
  bool parallel_ = false;
};

// How the log writes it.
absl::string_view HowText(heap::go119::How how);

}  // namespace heapsim::sim::go119

#endif  // HEAPSIM_SIM_CONFORM_GO119_LOG_OBSERVER_H_
