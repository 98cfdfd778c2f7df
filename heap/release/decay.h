// Unused pages go back by age along a smooth curve, as jemalloc's dirty pages do.
//
// Time is cut into 200 epochs of a decay time. Of the pages that became unused in an epoch, none
// need to be back when it ends and all of them a decay time later; in between the share that may
// stay is smootherstep, 6x^5 - 15x^4 + 10x^3 of what is left of the time. Whatever is unused beyond
// the sum of what may stay goes back. Pages used again meanwhile thus save older ones.
//
// What jemalloc does with a background thread; without its random shift of the epochs' ends.
#ifndef HEAPSIM_HEAP_RELEASE_DECAY_H_
#define HEAPSIM_HEAP_RELEASE_DECAY_H_

#include <array>
#include <cstdint>

#include "heap/release/release_rule.h"

namespace heapsim::heap {

class Decay final : public ReleaseRule {
 public:
  static constexpr uint32_t kEpochs = 200;

  explicit Decay(int64_t decay_ns) : epoch_ns_(decay_ns / kEpochs) {}
  void OnDeadline() override;

  // Smootherstep of step / kEpochs in units of 2^-24, rounded down.
  static constexpr uint64_t Share(uint64_t step) {
    constexpr uint64_t n = kEpochs;
    const uint64_t numerator = step * step * step * (6 * step * step + 10 * n * n - 15 * n * step);
    return (numerator << 24) / (n * n * n * n * n);
  }

 private:
  void Start() override { deadline_ = c_.clock->Now() + epoch_ns_; }
  // Unused pages that may stay.
  uint64_t Limit() const;

  const int64_t epoch_ns_;
  // Pages that became unused in each of the last epochs, the oldest first.
  std::array<uint64_t, kEpochs> backlog_ = {};
  uint64_t unused_ = 0;  // pages, when the current epoch began
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_RELEASE_DECAY_H_
