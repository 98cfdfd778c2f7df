// The largest and smallest values of a number in the last while, epoch by epoch (TCMalloc's
// TimeSeriesTracker and MinMaxTracker).
//
// Time is cut into epochs of fixed length, counted from time 0; what was reported in the last
// `kEpochs` of them is remembered. As there, time goes on with a report and not with a question,
// and an epoch in which nothing was reported says nothing, though the number had a value then.
#ifndef HEAPSIM_HEAP_PAGES_RECENT_EXTREMES_H_
#define HEAPSIM_HEAP_PAGES_RECENT_EXTREMES_H_

#include <algorithm>
#include <array>
#include <cstdint>

namespace heapsim::heap {

template <uint32_t kEpochs>
class RecentExtremes {
 public:
  static constexpr uint64_t kNothing = ~uint64_t{0};

  explicit RecentExtremes(int64_t window_ns) : epoch_ns_(window_ns / kEpochs), end_(epoch_ns_) {}

  void Report(int64_t now, uint64_t value) {
    if (now >= end_) Advance(now);
    Epoch& e = epochs_[at_];
    e.max = std::max(e.max, value);
    e.min = std::min(e.min, value);
  }

  // Over the last ns before the last report, in whole epochs, rounded up; 0 where there was no
  // report.
  uint64_t Max(int64_t ns) const {
    uint64_t max = 0;
    Look(ns, [&](const Epoch& e) { max = std::max(max, e.max); });
    return max;
  }
  // kNothing where there was no report.
  uint64_t Min(int64_t ns) const {
    uint64_t min = kNothing;
    Look(ns, [&](const Epoch& e) { min = std::min(min, e.min); });
    return min;
  }

 private:
  struct Epoch {
    uint64_t max = 0, min = kNothing;
  };

  void Advance(int64_t now) {
    const int64_t steps = (now - end_) / epoch_ns_ + 1;
    end_ += steps * epoch_ns_;
    for (int64_t left = std::min<int64_t>(steps, kEpochs); left > 0; --left) {
      at_ = at_ + 1 == kEpochs ? 0 : at_ + 1;
      epochs_[at_] = Epoch{};
    }
  }

  template <typename F>
  void Look(int64_t ns, F visit) const {
    const int64_t n = std::min<int64_t>((ns + epoch_ns_ - 1) / epoch_ns_, kEpochs);
    uint32_t i = at_;
    for (int64_t left = n; left > 0; --left) {
      visit(epochs_[i]);
      i = i == 0 ? kEpochs - 1 : i - 1;
    }
  }

  int64_t epoch_ns_;
  int64_t end_;  // of the epoch at hand
  uint32_t at_ = 0;
  std::array<Epoch, kEpochs> epochs_ = {};
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_PAGES_RECENT_EXTREMES_H_
