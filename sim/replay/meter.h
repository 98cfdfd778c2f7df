// What is measured over a run: peaks, means, and the series of samples.
#ifndef HEAPSIM_SIM_REPLAY_METER_H_
#define HEAPSIM_SIM_REPLAY_METER_H_

#include <cstdint>
#include <vector>

#include "sim/replay/ledger.h"

namespace heapsim::sim {

struct Sample {
  uint64_t event = 0;  // events done
  uint64_t time_ns = 0;
  uint64_t live = 0;
  uint64_t rss = 0;
  Parts parts;
};

// Integrals over simulated time. A value holds from its step to the next one. Integers throughout;
// division comes last.
class Integrals {
 public:
  using Wide = unsigned __int128;

  // `rss` held for `ns` nanoseconds, in which nothing was live where `idle`.
  void AddRss(uint64_t rss, uint64_t ns, bool idle) {
    rss_ += Wide{rss} * ns;
    ns_ += ns;
    if (idle) idle_rss_ += Wide{rss} * ns;
  }
  void AddLive(uint64_t live, uint64_t ns) { live_ += Wide{live} * ns; }
  // The same for a stretch that was added up elsewhere.
  void AddLiveNs(Wide live_ns) { live_ += live_ns; }

  uint64_t ns() const { return ns_; }
  // Mean of rss; `otherwise` where no time passed.
  double MeanRss(uint64_t otherwise) const {
    return ns_ == 0 ? static_cast<double>(otherwise)
                    : static_cast<double>(rss_) / static_cast<double>(ns_);
  }
  // Over the time in which something was live: integral of rss / integral of live. 0 where nothing
  // ever was.
  double RssOverLive() const {
    return live_ == 0 ? 0 : static_cast<double>(rss_ - idle_rss_) / static_cast<double>(live_);
  }
  // Integral of rss - live, in byte-seconds.
  double WasteByteSeconds() const {
    return (static_cast<double>(rss_) - static_cast<double>(live_)) / 1e9;
  }
  Wide rss() const { return rss_; }
  Wide live() const { return live_; }

 private:
  Wide rss_ = 0, live_ = 0, idle_rss_ = 0;
  uint64_t ns_ = 0;
};

// Regular samples at a fixed distance in events; when they are too many, every second one is
// dropped and the distance doubles. Others are kept always.
class Series {
 public:
  explicit Series(uint32_t limit) : limit_(limit) {}

  // So many events will come, said before the first. Samples that would be dropped again are not
  // taken then; those that stay are the same. For the sake of a run that ends early, for want of
  // memory say, they begin at half the distance that they would come to, and at kCoarsest at most.
  void Expect(uint64_t events) {
    while (limit_ != 0 && interval_ < kCoarsest && events / interval_ / 2 > limit_) interval_ *= 2;
    next_ = interval_;
  }

  // The event after which the next regular sample is due; never where none are wanted.
  uint64_t next() const { return limit_ == 0 ? ~uint64_t{0} : next_; }
  void AddRegular(const Sample& s);
  void AddKept(const Sample& s) { kept_.push_back({s, order_++}); }
  void SetPeak(const Sample& s) { peak_ = s, has_peak_ = true; }

  // All samples in order of events, without repeats of the regular ones by the peak or the last.
  std::vector<Sample> Merge(const Sample& last) const;

 private:
  static constexpr uint64_t kCoarsest = 256;
  struct Entry {
    Sample sample;
    uint64_t order;  // among samples of the same event
  };
  uint32_t limit_;
  uint64_t interval_ = 1;
  uint64_t next_ = 1;
  uint64_t order_ = 1;
  std::vector<Sample> regular_;
  std::vector<Entry> kept_;
  Sample peak_;
  bool has_peak_ = false;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_REPLAY_METER_H_
