#include "heap/pages/smoothstep_decay.h"

#include <algorithm>

namespace heapsim::heap {
namespace {

constexpr uint32_t kBits = 24;

std::array<uint64_t, SmoothstepDecay::kSteps> Curve() {
  constexpr unsigned __int128 n = SmoothstepDecay::kSteps;
  std::array<uint64_t, SmoothstepDecay::kSteps> shares;
  for (uint32_t age = 0; age < SmoothstepDecay::kSteps; ++age) {
    const unsigned __int128 i = n - age;  // steps left
    // (6 x^5 - 15 x^4 + 10 x^3) 2^24 for x = i / n, in integers.
    const unsigned __int128 y = i * i * i * (6 * i * i + 10 * n * n - 15 * i * n);
    shares[age] = static_cast<uint64_t>((y << kBits) / (n * n * n * n * n));
  }
  return shares;
}

}  // namespace

uint64_t SmoothstepDecay::Share(uint32_t age) {
  static const std::array<uint64_t, kSteps> shares = Curve();
  return shares[age];
}

SmoothstepDecay::SmoothstepDecay(int64_t decay_ns, int64_t now)
    : decay_ns_(decay_ns), step_(std::max<int64_t>(1, decay_ns / kSteps)), step_began_(now) {}

uint64_t SmoothstepDecay::Advance(int64_t now, uint64_t unused) {
  constexpr uint64_t kAll = ~uint64_t{0};
  if (decay_ns_ < 0) return kAll;
  if (decay_ns_ == 0) return 0;
  const int64_t steps = (now - step_began_) / step_;
  if (steps <= 0) return kAll;
  step_began_ += steps * step_;
  // What became unused since the last step came at the end of the time that has passed.
  if (steps >= static_cast<int64_t>(kSteps)) {
    came_.fill(0);
  } else {
    std::move_backward(came_.begin(), came_.end() - steps, came_.end());
    std::fill_n(came_.begin(), steps, 0);
  }
  came_[0] = unused > kept_ ? unused - kept_ : 0;
  uint64_t sum = 0;
  for (uint32_t age = 0; age < kSteps; ++age) sum += came_[age] * Share(age);
  const uint64_t limit = sum >> kBits;
  // As jemalloc: only what goes beyond what there was before the purge, or might have been, will
  // count as new.
  kept_ = std::max(limit, unused);
  return limit;
}

}  // namespace heapsim::heap
