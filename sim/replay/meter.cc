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
  struct Placed {
    const Sample* sample;
    uint64_t order;
  };
  std::vector<Placed> all;
  all.reserve(regular_.size() + kept_.size() + 2);
  for (const Sample& s : regular_) all.push_back({&s, 0});
  for (const Entry& e : kept_) all.push_back({&e.sample, e.order});
  const auto has = [&](const Sample& s) {
    return std::any_of(all.begin(), all.end(), [&](const Placed& e) {
      return e.sample->event == s.event && e.sample->rss == s.rss && e.sample->time_ns == s.time_ns;
    });
  };
  if (has_peak_ && !has(peak_)) all.push_back({&peak_, 0});
  if (!has(last)) all.push_back({&last, ~uint64_t{0}});
  std::stable_sort(all.begin(), all.end(), [](const Placed& a, const Placed& b) {
    if (a.sample->event != b.sample->event) return a.sample->event < b.sample->event;
    if (a.sample->time_ns != b.sample->time_ns) return a.sample->time_ns < b.sample->time_ns;
    return a.order < b.order;
  });
  std::vector<Sample> out;
  out.reserve(all.size());
  for (const Placed& e : all) out.push_back(*e.sample);
  return out;
}

}  // namespace heapsim::sim
