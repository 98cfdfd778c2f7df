#include "heap/release/idle_limit.h"

namespace heapsim::heap {

void IdleLimit::OnDeadline() {
  const int64_t now = c_.clock->Now();
  c_.pages->Scavenge(number_++, static_cast<uint64_t>(now), static_cast<uint64_t>(limit_ns_));
  deadline_ = now + limit_ns_ / 2 + 1;
}

}  // namespace heapsim::heap
