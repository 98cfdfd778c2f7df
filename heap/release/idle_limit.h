// Free spans that nobody used for a while go back: the scavenger of Go up to 1.10 (sysmon in the
// runtime's proc.go, mheap.scavenge).
#ifndef HEAPSIM_HEAP_RELEASE_IDLE_LIMIT_H_
#define HEAPSIM_HEAP_RELEASE_IDLE_LIMIT_H_

#include "heap/release/release_rule.h"

namespace heapsim::heap {

class IdleLimit final : public ReleaseRule {
 public:
  explicit IdleLimit(int64_t limit_ns) : limit_ns_(limit_ns) {}
  void OnDeadline() override;

 private:
  // It looks when more than half the limit has gone since the last time.
  void Start() override { deadline_ = c_.clock->Now() + limit_ns_ / 2 + 1; }

  const int64_t limit_ns_;
  int32_t number_ = 0;
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_RELEASE_IDLE_LIMIT_H_
