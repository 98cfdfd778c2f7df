#include "sim/replay/marks.h"

#include <algorithm>

namespace heapsim::sim {

namespace {

proto::Mark MarkOf(proto::MarkKind kind, uint64_t event, uint64_t time_ns, uint64_t duration_ns,
                   uint64_t value) {
  proto::Mark mark;
  mark.set_kind(kind);
  mark.set_event(event);
  mark.set_time_ns(time_ns);
  mark.set_duration_ns(duration_ns);
  mark.set_value(value);
  return mark;
}

// `second` is later, and becomes part of `first`.
void Join(proto::Mark* first, const proto::Mark& second) {
  const uint64_t end =
      std::max(first->time_ns() + first->duration_ns(), second.time_ns() + second.duration_ns());
  first->set_duration_ns(end - first->time_ns());
  first->set_value(first->value() + second.value());
}

}  // namespace

void Marks::Add(proto::MarkKind kind, uint64_t event, uint64_t time_ns, uint64_t duration_ns,
                uint64_t value) {
  Put(MarkOf(kind, event, time_ns, duration_ns, value), /*joins=*/false);
}

void Marks::AddPart(proto::MarkKind kind, uint64_t event, uint64_t time_ns, uint64_t duration_ns,
                    uint64_t value) {
  Put(MarkOf(kind, event, time_ns, duration_ns, value), /*joins=*/true);
}

void Marks::Put(const proto::Mark& mark, bool joins) {
  Kind& k = kinds_[static_cast<size_t>(mark.kind())];
  const auto fold = [&](const proto::Mark& second, proto::Mark* first) {
    if (joins) {
      Join(first, second);
    } else {
      ++k.dropped;
    }
  };
  if (k.seen % k.interval == 0 && k.kept.size() == limit_) {
    k.interval *= 2;
    size_t kept = 0;
    for (size_t i = 0; i < k.kept.size(); ++i) {
      if (i % 2 == 0) {
        k.kept[kept++] = k.kept[i];
      } else {
        fold(k.kept[i], &k.kept[kept - 1]);
      }
    }
    k.kept.resize(kept);
  }
  // With an odd limit the last one may still lack its other half.
  if (k.seen++ % k.interval != 0) return fold(mark, &k.kept.back());
  k.kept.push_back(mark);
}

void Marks::Finish(proto::Detail* detail) const {
  std::vector<proto::Mark> all;
  uint64_t dropped = 0;
  for (const Kind& k : kinds_) {
    dropped += k.dropped;
    all.insert(all.end(), k.kept.begin(), k.kept.end());
  }
  std::stable_sort(all.begin(), all.end(), [](const proto::Mark& a, const proto::Mark& b) {
    return a.time_ns() != b.time_ns() ? a.time_ns() < b.time_ns() : a.event() < b.event();
  });
  detail->set_dropped_marks(dropped);
  for (const proto::Mark& mark : all) *detail->add_marks() = mark;
}

}  // namespace heapsim::sim
