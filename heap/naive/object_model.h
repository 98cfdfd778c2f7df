// The object layer by ordered containers: size classes, tiny blocks, caches, central lists, large
// objects, sweeping and its pacing, special records; both kinds of reclaim.
#ifndef HEAPSIM_HEAP_NAIVE_OBJECT_MODEL_H_
#define HEAPSIM_HEAP_NAIVE_OBJECT_MODEL_H_

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "heap/heap.h"
#include "heap/naive/page_model.h"

namespace heapsim::heap::naive {

class ObjectModel final : public PageModel {
 public:
  ObjectModel(const PageModel::Options& pages, uint32_t procs, Reclaim reclaim, bool combine_tiny)
      : PageModel(pages),
        procs_(procs),
        explicit_(reclaim == Reclaim::kExplicit),
        combine_tiny_(combine_tiny),
        tiny_(procs) {}

  // The arena ended. The operation that met it is over; the model can be used on.
  struct OutOfMemory {};

  // Offsets are from the arena's start.
  struct Placed {
    uint64_t offset = 0;
    uint64_t slot = 0;  // offset of the slot that the object is in
    SpanClass span_class = 0;
    bool tiny = false, fresh_block = true, cleared = false;
  };
  Placed Malloc(uint32_t p, uint64_t size, bool noscan, bool needzero);
  Placed MallocClass(uint32_t p, uint32_t size_class, bool noscan, bool needzero);
  void FreeSlot(uint64_t slot);

  int64_t SweepStep(SweepCause cause);
  void FlushAll();
  void SetMarked(uint64_t bytes, uint64_t scan_work);
  void StartSweep();
  void SetTriggerRatio(double ratio);

  bool AddSpecial(uint64_t offset, SpecialKind kind);
  bool RemoveFinalizer(uint64_t offset);

  // The span in use that an address points into, before its limit.
  SpanId Lookup(uint64_t offset) const;
  bool InHeapOrStack(uint64_t offset) const;

  // Slots that live, as the marker will say (gc reclaim).
  std::set<uint64_t> live;

  // The runtime's counters. `local` holds what the caches have not passed on yet.
  struct Counters {
    uint64_t heap_scan = 0, tinyallocs = 0, nlargefree = 0, largefree = 0;
    std::map<uint32_t, uint64_t> nsmallfree;
  };
  struct Stats {
    uint64_t heap_live = 0, heap_objects = 0, largealloc = 0, nlargealloc = 0;
    uint64_t gc_trigger = 0, next_gc = 0, heap_marked = 0;
    std::map<SpanClass, uint64_t> nmalloc;
    Counters passed, local;
  };
  const Stats& stats() const { return m_; }
  double sweep_ratio() const { return ratio_; }
  uint64_t pages_swept() const { return pages_swept_; }

  const std::list<SpanId>& nonempty(SpanClass c) { return nonempty_[c]; }
  const std::list<SpanId>& empty(SpanClass c) { return empty_[c]; }
  // Large spans in use by pages; 128: those and longer ones.
  const std::list<SpanId>& busy(uint64_t n) { return busy_[n]; }
  SpanId cached(uint32_t p, SpanClass c) { return caches_[{p, c}].id; }
  // Slots of a span in use that are taken.
  std::set<uint64_t> TakenSlots(SpanId id) const;

 private:
  struct Cache {
    SpanId id = kNoSpan;
    bool needzero = false;
    // Explicit reclaim: free slots of the 64 that were looked at last, and the first not looked at.
    std::set<uint64_t> window;
    uint64_t next = 0;
  };
  struct Tiny {
    std::optional<uint64_t> block;
    uint64_t fill = 0;
  };

  Placed Small(uint32_t p, SpanClass c, bool needzero);
  std::optional<uint64_t> NextSlot(Cache& cache);
  void LoadWindow(Cache& cache);
  void Refill(uint32_t p, SpanClass c);
  std::pair<SpanId, RefillPath> TakeCentral(SpanClass c);
  SpanId TakeSpan(uint64_t npages, SpanClass c, bool large);
  void Drop(Cache& cache);
  void PutBack(Cache& cache);
  void FreeObjectSpan(SpanId id, FreeCause cause);
  void LeaveLists(SpanId id) override;

  void Deduct(uint64_t bytes, uint64_t pages);
  void ReclaimPages(uint64_t npages);
  uint64_t ReclaimList(std::list<SpanId>& list, uint64_t want);
  bool Sweep(SpanId id, bool preserve);
  void SweepSpecials(ModelSpan& s, std::set<uint64_t>* marked);
  void EnsureSwept(SpanId id);
  void PassOnScanAndTiny();

  uint32_t procs_;
  bool explicit_, combine_tiny_;
  std::map<std::pair<uint32_t, SpanClass>, Cache> caches_;
  std::vector<Tiny> tiny_;
  std::map<SpanClass, std::list<SpanId>> nonempty_, empty_;
  std::map<uint64_t, std::list<SpanId>> busy_;
  std::vector<SpanId> swept_, unswept_;
  bool sweep_done_ = false;
  uint64_t pages_swept_ = 0, basis_live_ = 0, basis_swept_ = 0;
  double ratio_ = 0;
  Stats m_;
};

}  // namespace heapsim::heap::naive

#endif  // HEAPSIM_HEAP_NAIVE_OBJECT_MODEL_H_
