#include "sim/native/native_meter.h"

namespace heapsim::sim {

void NativeMeter::Step(uint64_t event, uint64_t time, uint64_t live, uint64_t rss) {
  event_ = event;
  now_ = time;
  if (live == live_ && rss == rss_) return;
  SumUp();
  live_ = live;
  rss_ = rss;
  if (rss > peak_.rss) peak_ = Now();
  if (live > peak_live_) {
    peak_live_ = live;
    rss_at_peak_live_ = rss;
  }
}

void NativeMeter::SumUp() {
  integrals_.AddRss(rss_, now_ - summed_at_, live_ == 0);
  integrals_.AddLive(live_, now_ - summed_at_);
  summed_at_ = now_;
}

Sample NativeMeter::Now() const {
  Sample sample;
  sample.event = event_;
  sample.time_ns = now_;
  sample.live = live_;
  sample.rss = rss_;
  return sample;
}

void NativeMeter::Fill(ReplayOutcome* outcome) {
  SumUp();
  outcome->events = event_;
  outcome->peak_rss = peak_.rss;
  outcome->peak_rss_at_event = peak_.event;
  outcome->end_rss = rss_;
  outcome->mean_rss = integrals_.MeanRss(rss_);
  outcome->live_at_peak_rss = peak_.live;
  outcome->peak_live = peak_live_;
  outcome->rss_at_peak_live = rss_at_peak_live_;
  outcome->mean_rss_over_live = integrals_.RssOverLive();
  outcome->waste_byte_seconds = integrals_.WasteByteSeconds();
  if (peak_.rss != 0) series_.SetPeak(peak_);
  outcome->series = series_.Merge(Now());
}

}  // namespace heapsim::sim
