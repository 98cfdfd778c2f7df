#include "heap/release/decay.h"

#include <algorithm>

namespace heapsim::heap {

uint64_t Decay::Limit() const {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < kEpochs; ++i) sum += backlog_[i] * Share(i + 1);
  return sum >> 24;
}

void Decay::OnDeadline() {
  uint64_t unused = c_.pages->FreeUnreleased().v >> kPageShift;
  std::copy(backlog_.begin() + 1, backlog_.end(), backlog_.begin());
  backlog_.back() = unused > unused_ ? unused - unused_ : 0;
  const uint64_t limit = Limit();
  if (unused > limit) {
    c_.pages->Release(Pages(unused - limit).bytes());
    unused = c_.pages->FreeUnreleased().v >> kPageShift;
  }
  unused_ = unused;
  deadline_ += epoch_ns_;
}

}  // namespace heapsim::heap
