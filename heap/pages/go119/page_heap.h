// Go 1.19's page level above the bits (the runtime's mheap.go): page caches of the Ps, growth, the
// order of things in an allocation, who scavenges how much, and the counters.
//
// Operations that the runtime interrupts (an allocation waits for the heap lock, another P is
// served; the background scavenger is preempted) are objects that advance a step at a time. Between
// two steps anything else may be done. Run() is for those who have nothing to do in between.
#ifndef HEAPSIM_HEAP_PAGES_GO119_PAGE_HEAP_H_
#define HEAPSIM_HEAP_PAGES_GO119_PAGE_HEAP_H_

#include <array>
#include <cstdint>
#include <vector>

#include "heap/pages/go119/address_space.h"
#include "heap/pages/go119/page_bitmap.h"
#include "heap/pages/go119/page_cache.h"
#include "heap/pages/go119/scavenge_pacing.h"
#include "heap/seams.h"
#include "heap/units.h"
#include "heap/virtual_array.h"

namespace heapsim::heap::go119 {

// What pages are taken for: spans of the collected heap, stacks, work buffers of the collector,
// bits of generated types.
enum class Use : uint8_t { kHeap, kStack, kWorkBuffer, kPtrBits };
inline constexpr int kUses = 4;

inline constexpr int32_t kNoProc = -1;  // a thread without a P

// Who works: a P, or one of those below.
using Worker = int32_t;
inline constexpr Worker kBackground = -2, kForced = -3;

// Bytes.
struct PageCounters {
  uint64_t heap_free = 0;      // free and not scavenged, also in caches
  uint64_t heap_released = 0;  // scavenged, also in caches
  uint64_t mapped_ready = 0;   // all that the runtime has of the system and may touch
  uint64_t committed = 0, released = 0;
  std::array<uint64_t, kUses> in_use = {};
  uint64_t pages_in_use = 0;  // pages of Use::kHeap

  uint64_t heap_in_use() const { return in_use[0]; }
  uint64_t retained() const { return heap_in_use() + heap_free; }
};

// What comes from outside in the middle of an operation.
class Surroundings {
 public:
  virtual ~Surroundings() = default;
  struct Reading {
    uint64_t mapped, retained;
  };
  // An allocation reads counters without a lock; on a real machine others may be changing them.
  virtual Reading Read(int32_t /*proc*/, Reading own) { return own; }
  // Whether the collector's CPU limiter is on: the memory limit then does not count for an
  // allocation, and ends a scavenge. The second only between the steps of one.
  virtual bool LimiterOn(int32_t /*proc*/) { return false; }
  virtual bool LimiterStops(Worker) { return false; }
};

// One call for each thing done, as the runtime's log has it.
class PageObserver {
 public:
  virtual ~PageObserver() = default;
  virtual void Refilled(int32_t /*proc*/, const PageBitmap::Refilled&) {}
  virtual void Searched(int32_t /*proc*/, uint64_t /*npages*/, const PageBitmap::Run&) {}
  virtual void GrowBegin(int32_t /*proc*/, uint64_t /*npages*/, Bytes /*ask*/) {}
  virtual void HeapMapped(int32_t /*proc*/, AddressRange) {}
  virtual void TableMapped(int32_t /*proc*/, Table, uint64_t /*offset*/, Bytes) {}
  virtual void RangeAdded(int32_t /*proc*/, AddressRange) {}
  virtual void GrowEnd(int32_t /*proc*/, Bytes /*grown*/, AddressRange /*rest*/) {}
  // An allocation should scavenge that much; called where that is not 0, or the heap grew.
  virtual void AssistDecided(int32_t /*proc*/, uint64_t /*bytes*/, Surroundings::Reading,
                             Bytes /*grown*/) {}
  virtual void ScavengeBegin(Worker, uint64_t /*want*/) {}
  virtual void ScavengeLooked(Worker, const ScavengeIndex::Found&) {}
  // A step in a chunk: nothing there, or pages taken, to be given back and freed later.
  virtual void StepEmpty(Worker, uint64_t /*chunk*/, uint64_t /*want*/) {}
  virtual void StepBegin(Worker, uint64_t /*chunk*/, uint64_t /*want*/) {}
  virtual void StepEnd(Worker, PageBitmap::Piece) {}
  virtual void ScavengeEnd(Worker, uint64_t /*released*/) {}
  // Pages are given back, whoever asked for it; before the system is told.
  virtual void GivingBack(PageBitmap::Piece) {}
};

class PageHeap {
 public:
  // All must outlive it. huge_page: 0 or 2 MiB.
  PageHeap(Os* os, AddressSpace* space, Bytes huge_page, Surroundings* surroundings,
           PageObserver* observer);

  // --- Operations in steps ---

  class Scavenge {
   public:
    Scavenge() = default;
    Scavenge(Worker worker, uint64_t want) : worker_(worker), want_(want) {}
    Worker worker() const { return worker_; }
    uint64_t want() const { return want_; }
    uint64_t released() const { return released_; }
    bool done() const { return at_ == kDone; }
    // Pages are taken and not yet back: nothing else of this worker's P can come in between.
    bool in_step() const { return at_ == kAdvise || at_ == kFinish; }

   private:
    friend class PageHeap;
    enum At : uint8_t { kBegin, kLook, kStep, kAdvise, kFinish, kBetween, kDone };
    At at_ = kDone;
    Worker worker_ = kForced;
    uint64_t want_ = 0, released_ = 0;
    uint64_t chunk_ = 0;
    PageBitmap::Piece piece_;
  };
  static Scavenge NewScavenge(Worker worker, uint64_t want);

  class Allocation {
   public:
    Allocation() = default;
    bool done() const { return at_ == kDone; }
    // Results, once done.
    Address base() const { return base_; }  // null: there is no memory
    uint64_t npages() const { return npages_; }
    Use use() const { return use_; }
    uint32_t scavenged() const { return scavenged_; }
    bool needzero() const { return needzero_; }
    bool from_cache() const { return from_cache_; }
    // Where not from the cache: how it was found, and the search address afterwards.
    How how() const { return how_; }
    Address search() const { return search_; }
    bool grew() const { return grown_.v != 0; }

   private:
    friend class PageHeap;
    enum At : uint8_t { kCache, kTakeCached, kSearch, kDecide, kAssist, kCommit, kDone };
    At at_ = kDone;
    int32_t proc_ = kNoProc;
    uint64_t npages_ = 0;
    Use use_ = Use::kHeap;
    Address base_;
    uint32_t scavenged_ = 0;
    bool needzero_ = false;
    bool from_cache_ = false;
    How how_ = How::kFail;
    Address search_;
    Bytes grown_;
    Scavenge assist_;
  };
  // `proc` < the number of Ps, or kNoProc.
  static Allocation NewAllocation(int32_t proc, uint64_t npages, Use use);

  // Does at most one thing that is observed under one hold of the heap lock.
  void Step(Allocation* a);
  void Step(Scavenge* s);
  template <typename Operation>
  void Run(Operation* o) {
    while (!o->done()) Step(o);
  }

  // --- Operations of one step ---

  void Free(Address base, uint64_t npages, Use use);
  void SetProcs(uint32_t procs);
  uint32_t procs() const { return static_cast<uint32_t>(caches_.size()); }
  // A P is removed; its pages come back.
  PageCache FlushCache(uint32_t proc);
  // Gives back what is free and not in a cache of a range, which must be whole OS pages; the bytes.
  // No part of the runtime: for a release rule that has its own idea of which pages go.
  uint64_t ScavengeRange(Address base, uint64_t npages);
  void SetMemoryLimit(uint64_t bytes) { memory_limit_ = bytes; }
  // Other memory of the runtime.
  void AddMapped(uint64_t bytes) { counters_.mapped_ready += bytes; }
  void SubtractMapped(uint64_t bytes) { counters_.mapped_ready -= bytes; }
  // Mark termination.
  void NoteHeapInUse() { last_heap_in_use_ = counters_.heap_in_use(); }
  uint64_t last_heap_in_use() const { return last_heap_in_use_; }
  void SetGoals(const ScavengeGoals& goals) { goals_ = goals; }
  // Computes the scavenger's goals from the heap's, with what else was read at that moment.
  void Pace(uint64_t heap_goal, uint64_t last_heap_goal, uint64_t memory_limit,
            uint64_t last_in_use, Surroundings::Reading now);

  // --- State ---

  const PageCounters& counters() const { return counters_; }
  const ScavengeGoals& goals() const { return goals_; }
  const PageBitmap& bits() const { return bits_; }
  const PageCache& cache(uint32_t proc) const { return caches_[proc]; }
  uint64_t memory_limit() const { return memory_limit_; }

  // Throws kSelfCheck where bits, caches and counters disagree; for when no operation is open.
  void SelfCheck() const;

 private:
  bool Grow(int32_t proc, uint64_t npages, Bytes* grown);
  void AddRange(int32_t proc, AddressRange range);
  uint64_t BytesToScavenge(const Allocation& a);
  void Commit(Allocation* a);
  bool NeedsZero(Address base, uint64_t npages);
  void GiveBack(PageBitmap::Piece piece);

  Os* os_;
  AddressSpace* space_;
  bool huge_pages_;
  Surroundings* surroundings_;
  PageObserver* observer_;
  PageBitmap bits_;
  std::vector<PageCache> caches_;
  AddressRange rest_;  // reserved, not yet the allocator's
  PageCounters counters_;
  ScavengeGoals goals_;
  uint64_t memory_limit_ = 0;
  uint64_t last_heap_in_use_ = 0;
  VirtualArray<uint32_t> zeroed_;  // by arena: bytes from its start that were ever handed out
};

}  // namespace heapsim::heap::go119

#endif  // HEAPSIM_HEAP_PAGES_GO119_PAGE_HEAP_H_
