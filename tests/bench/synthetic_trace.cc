#include "tests/bench/synthetic_trace.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "traces/id_allocator.h"

namespace heapsim::bench {
namespace {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  double Unit() { return static_cast<double>((Next() >> 11) + 1) * 0x1p-53; }  // (0, 1]

 private:
  uint64_t state_;
};

// The largest lifetime M for which log-uniform lifetimes in [1, M] have the given mean.
double LongestLifetime(double mean) {
  double m = mean * 2;
  for (int i = 0; i < 60; ++i) m = mean * std::log(m) + 1;
  return m;
}

// Appends events to blocks.
class Blocks {
 public:
  void Alloc(uint32_t id, uint32_t size) {
    Event(false);
    blocks_.back().alloc_object.push_back(id);
    blocks_.back().alloc_size.push_back(size);
  }
  void Free(uint32_t id) {
    Event(true);
    blocks_.back().free_object.push_back(id);
  }
  uint64_t events() const { return events_; }
  std::vector<traces::EventBlock> Take() { return std::move(blocks_); }

 private:
  void Event(bool is_free) {
    if (blocks_.empty() || blocks_.back().count == traces::kMaxBlockEvents) {
      blocks_.emplace_back();
      blocks_.back().first_event = events_ + 1;
    }
    traces::EventBlock& b = blocks_.back();
    if (b.count % 64 == 0) b.is_free.push_back(0);
    if (is_free) b.is_free.back() |= uint64_t{1} << (b.count % 64);
    ++b.count;
    ++events_;
  }
  std::vector<traces::EventBlock> blocks_;
  uint64_t events_ = 0;
};

}  // namespace

std::vector<traces::EventBlock> MakeSyntheticTrace(const SyntheticOptions& o) {
  Random random(o.seed);
  Blocks blocks;
  traces::IdAllocator ids;
  const double log_longest = std::log(LongestLifetime(o.live_objects));

  // Who dies after which allocation: a list a moment, through `next_dying`, by id.
  const uint64_t allocations = o.events;
  std::vector<uint32_t> dies_after(allocations + 1, traces::kNoObject);
  std::vector<uint32_t> next_dying;

  const auto size = [&] {
    const double normal =
        std::sqrt(-2 * std::log(random.Unit())) * std::cos(2 * std::numbers::pi * random.Unit());
    const double bytes = o.median_bytes * std::exp(o.sigma * normal);
    return static_cast<uint32_t>(std::clamp(bytes, 1.0, static_cast<double>(o.max_bytes)));
  };
  uint64_t now = 0;  // allocations since the steady state began
  const auto allocate = [&](double lifetime) {
    const uint32_t id = ids.Allocate();
    if (id >= next_dying.size()) next_dying.resize(id + 1);
    blocks.Alloc(id, size());
    const double death = static_cast<double>(now) + lifetime;
    if (death > static_cast<double>(allocations)) return;
    const uint64_t at = static_cast<uint64_t>(death);
    next_dying[id] = dies_after[at];
    dies_after[at] = id;
  };

  // The first objects have what is left of a lifetime at a random moment of a long run: a lifetime
  // drawn by its length, cut at a uniform place.
  for (uint32_t i = 0; i < o.live_objects && blocks.events() < o.events; ++i) {
    const double length = 1 + random.Unit() * (std::exp(log_longest) - 1);
    allocate(1 + random.Unit() * (length - 1));
  }
  while (blocks.events() < o.events) {
    ++now;
    allocate(std::exp(random.Unit() * log_longest));
    for (uint32_t id = dies_after[now]; id != traces::kNoObject && blocks.events() < o.events;) {
      const uint32_t next = next_dying[id];
      blocks.Free(id);
      ids.Free(id);
      id = next;
    }
  }
  return blocks.Take();
}

}  // namespace heapsim::bench
