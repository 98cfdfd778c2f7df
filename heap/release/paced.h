// Free pages go back slowly down to a goal: the background scavenger of Go 1.13 to 1.16.
//
// After each collection the goal is the bytes of spans in use at its end, scaled by how much larger
// the next collection's goal is, and a tenth more. When all is swept, the free pages with the
// highest addresses go back, one at a time, with pauses that keep the work at 1 % of one
// processor's time; what a page's work takes is told by the policy's cost table. Where the heap
// grows above the goal, as many free pages go back at once.
#ifndef HEAPSIM_HEAP_RELEASE_PACED_H_
#define HEAPSIM_HEAP_RELEASE_PACED_H_

#include <cstdint>

#include "heap/release/release_rule.h"

namespace heapsim::heap {

class Paced final : public ReleaseRule {
 public:
  struct Options {
    uint64_t retain_percent = 10;
    uint64_t background_percent = 1;
    // Of giving back: the call, and each OS page.
    uint64_t call_ns = 600, page_ns = 200;
  };
  explicit Paced(const Options& options) : o_(options) {}

  void AfterAllocate() override;
  void OnDeadline() override;
  void OnCycle(uint64_t last_inuse, uint64_t last_goal, uint64_t goal) override;
  void OnSwept() override;

 private:
  static constexpr uint64_t kNoGoal = ~uint64_t{0};

  const Options o_;
  uint64_t goal_ = kNoGoal;  // of retained bytes
  Address arena_end_;        // when it was last looked at
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_RELEASE_PACED_H_
