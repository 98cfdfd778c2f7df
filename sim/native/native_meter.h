// What is measured over a run on a real allocator: the same numbers that a simulated run gives,
// from the readings that the child took.
#ifndef HEAPSIM_SIM_NATIVE_NATIVE_METER_H_
#define HEAPSIM_SIM_NATIVE_NATIVE_METER_H_

#include <cstdint>

#include "sim/replay/meter.h"
#include "sim/replay/replay.h"

namespace heapsim::sim {

class NativeMeter {
 public:
  explicit NativeMeter(uint32_t samples) : series_(samples) {}

  // A step has ended: so much was live and resident then. What no reading was taken at has the RSS
  // of the last reading.
  void Step(uint64_t event, uint64_t time, uint64_t live, uint64_t rss);
  // The series holds the last step.
  void SampleRegular() { series_.AddRegular(Now()); }
  void SampleKept() { series_.AddKept(Now()); }
  // Time passes, and nothing happens.
  void Settle(uint64_t ns) { now_ += ns; }

  uint64_t rss() const { return rss_; }

  void Fill(ReplayOutcome* outcome);

 private:
  Sample Now() const;
  void SumUp();

  Integrals integrals_;
  Series series_;
  uint64_t event_ = 0, now_ = 0, summed_at_ = 0;
  uint64_t live_ = 0, rss_ = 0;
  Sample peak_;
  uint64_t peak_live_ = 0, rss_at_peak_live_ = 0;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_NATIVE_NATIVE_METER_H_
