#include "sim/replay/marks.h"

#include <algorithm>

namespace heapsim::sim {

void Marks::Add(proto::MarkKind kind, uint64_t event, uint64_t time_ns, uint64_t duration_ns,
                uint64_t value) {
  Kind& k = kinds_[static_cast<size_t>(kind)];
  if (k.seen++ % k.interval != 0) return;
  if (k.kept.size() == limit_) {
    k.interval *= 2;
    size_t kept = 0;
    for (size_t i = 0; i < k.kept.size(); i += 2) k.kept[kept++] = k.kept[i];
    k.kept.resize(kept);
    if ((k.seen - 1) % k.interval != 0) return;
  }
  proto::Mark mark;
  mark.set_kind(kind);
  mark.set_event(event);
  mark.set_time_ns(time_ns);
  mark.set_duration_ns(duration_ns);
  mark.set_value(value);
  k.kept.push_back(mark);
}

void Marks::Finish(proto::Detail* detail) const {
  std::vector<proto::Mark> all;
  uint64_t seen = 0;
  for (const Kind& k : kinds_) {
    seen += k.seen;
    all.insert(all.end(), k.kept.begin(), k.kept.end());
  }
  std::stable_sort(all.begin(), all.end(), [](const proto::Mark& a, const proto::Mark& b) {
    return a.time_ns() != b.time_ns() ? a.time_ns() < b.time_ns() : a.event() < b.event();
  });
  detail->set_dropped_marks(seen - all.size());
  for (const proto::Mark& mark : all) *detail->add_marks() = mark;
}

}  // namespace heapsim::sim
