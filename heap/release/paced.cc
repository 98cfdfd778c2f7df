#include "heap/release/paced.h"

#include <algorithm>

namespace heapsim::heap {

void Paced::OnCycle(uint64_t last_inuse, uint64_t last_goal, uint64_t goal) {
  goal_ = kNoGoal;
  if (last_goal == 0 || goal == ~uint64_t{0})
    return;  // nothing is known yet, or nothing is to come
  const double ratio = static_cast<double>(goal) / static_cast<double>(last_goal);
  uint64_t retain = static_cast<uint64_t>(static_cast<double>(last_inuse) * ratio);
  retain += retain * o_.retain_percent / 100;
  goal_ = RoundUp(retain, c_.os_page.v);
}

void Paced::OnSwept() {
  if (deadline_ == kNever && Retained() > goal_) deadline_ = c_.clock->Now() + 1;
}

void Paced::OnDeadline() {
  deadline_ = kNever;
  if (Retained() <= goal_) return;
  const uint64_t released = c_.pages->Release(Bytes(std::max(kPageSize, c_.os_page.v))).v;
  if (released == 0) return;
  const uint64_t work = o_.call_ns + released / c_.os_page.v * o_.page_ns;
  const uint64_t pause = std::max<uint64_t>(work * 100 / o_.background_percent, 1);
  deadline_ = c_.clock->Now() + static_cast<int64_t>(pause);
}

void Paced::AfterAllocate() {
  const Address end = c_.arena->used();
  const Bytes grown = end - arena_end_;
  const bool first = arena_end_.is_null();
  arena_end_ = end;
  if (first || grown.v == 0) return;
  const uint64_t retained = Retained();
  if (retained > goal_) c_.pages->Release(Bytes(std::min(grown.v, retained - goal_)));
}

}  // namespace heapsim::heap
