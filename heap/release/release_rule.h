// Who decides which free pages go back to the system, and when.
#ifndef HEAPSIM_HEAP_RELEASE_RELEASE_RULE_H_
#define HEAPSIM_HEAP_RELEASE_RELEASE_RULE_H_

#include <cstdint>

#include "heap/arena.h"
#include "heap/mem_stats.h"
#include "heap/pages/page_allocator.h"
#include "heap/seams.h"
#include "heap/units.h"

namespace heapsim::heap {

// What a rule looks at and acts on; all outlive it, or at least the heap.
struct ReleaseContext {
  PageAllocator* pages;
  const MemStats* stats;
  const Arena* arena;
  Clock* clock;
  Bytes os_page;
};

class ReleaseRule {
 public:
  static constexpr int64_t kNever = INT64_MAX;

  virtual ~ReleaseRule() = default;

  // By the heap, while it is made.
  void Attach(const ReleaseContext& context) {
    c_ = context;
    Start();
  }

  // --- By the heap, in the middle of its work: only pages may be given back ---

  // A span was taken; it is in use already.
  virtual void AfterAllocate() {}
  // A span's pages came back.
  virtual void AfterFree() {}

  // --- By the driver ---

  // When OnDeadline wants to be called, in the clock's time; changes only in the calls below.
  int64_t deadline() const { return deadline_; }
  // The clock shows the deadline.
  virtual void OnDeadline() {}
  // A collection is over, and the next one has its goal: bytes of spans in use and the goal before,
  // the goal now.
  virtual void OnCycle(uint64_t /*last_inuse*/, uint64_t /*last_goal*/, uint64_t /*goal*/) {}
  // All that the last collection left has been swept.
  virtual void OnSwept() {}
  // What the next collection's goal may be at most, with `heap_live` bytes alive.
  virtual uint64_t GoalLimit(uint64_t /*heap_live*/) const { return ~uint64_t{0}; }

 protected:
  // The context is there.
  virtual void Start() {}

  // Bytes of the heap that the system holds memory for, as far as the heap knows.
  uint64_t Retained() const { return c_.stats->heap_sys - c_.stats->heap_released; }

  ReleaseContext c_ = {};
  int64_t deadline_ = kNever;
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_RELEASE_RELEASE_RULE_H_
