#include "sim/replay/meter.h"

#include <algorithm>

namespace heapsim::sim {

void Series::AddRegular(const Sample& s) {
  if (regular_.size() == limit_) {
    size_t kept = 0;
    interval_ *= 2;
    for (const Sample& r : regular_) {
      if (r.event % interval_ == 0) regular_[kept++] = r;
    }
    regular_.resize(kept);
  }
  // The sample that made it too many is dropped itself where it does not fit the new distance.
  if (s.event % interval_ == 0) regular_.push_back(s);
  next_ = s.event / interval_ * interval_ + interval_;
}

std::vector<Sample> Series::Merge(const Sample& last) const {
  // Before a release, after it: the order in which they were taken. A regular sample of the same
  // event comes first and says the same as "before".
  std::vector<Entry> all;
  for (const Sample& s : regular_) all.push_back({s, 0});
  all.insert(all.end(), kept_.begin(), kept_.end());
  const auto has = [&](uint64_t event, uint64_t rss, uint64_t time) {
    return std::any_of(all.begin(), all.end(), [&](const Entry& e) {
      return e.sample.event == event && e.sample.rss == rss && e.sample.time_ns == time;
    });
  };
  if (has_peak_ && !has(peak_.event, peak_.rss, peak_.time_ns)) all.push_back({peak_, 0});
  if (!has(last.event, last.rss, last.time_ns)) all.push_back({last, ~uint64_t{0}});
  std::stable_sort(all.begin(), all.end(), [](const Entry& a, const Entry& b) {
    if (a.sample.event != b.sample.event) return a.sample.event < b.sample.event;
    if (a.sample.time_ns != b.sample.time_ns) return a.sample.time_ns < b.sample.time_ns;
    return a.order < b.order;
  });
  std::vector<Sample> out;
  out.reserve(all.size());
  for (const Entry& e : all) out.push_back(e.sample);
  return out;
}

}  // namespace heapsim::sim
