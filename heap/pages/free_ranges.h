// A set of ranges of numbers (pages, huge pages) that joins what touches, and finds the best fit.
#ifndef HEAPSIM_HEAP_PAGES_FREE_RANGES_H_
#define HEAPSIM_HEAP_PAGES_FREE_RANGES_H_

#include <cstdint>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"

namespace heapsim::heap {

class FreeRanges {
 public:
  static constexpr uint64_t kNone = ~uint64_t{0};

  // Must not overlap what is there.
  void Add(uint64_t first, uint64_t n) {
    total_ += n;
    auto above = ranges_.lower_bound(first);
    if (above != ranges_.end() && above->first == first + n) {
      n += above->second;
      by_length_.erase({above->second, above->first});
      above = ranges_.erase(above);
    }
    if (above != ranges_.begin()) {
      const auto below = std::prev(above);
      if (below->first + below->second == first) {
        by_length_.erase({below->second, below->first});
        below->second += n;
        by_length_.insert({below->second, below->first});
        return;
      }
    }
    ranges_.emplace(first, n);
    by_length_.insert({n, first});
  }

  // Must lie in one range.
  void Remove(uint64_t first, uint64_t n) {
    const auto it = std::prev(ranges_.upper_bound(first));
    const uint64_t begin = it->first, end = begin + it->second;
    by_length_.erase({it->second, begin});
    ranges_.erase(it);
    total_ -= n;
    const auto put = [&](uint64_t a, uint64_t b) {
      if (a == b) return;
      ranges_.emplace(a, b - a);
      by_length_.insert({b - a, a});
    };
    put(begin, first);
    put(first + n, end);
  }

  // The first number of the shortest range of at least `n`, the lowest among equals.
  uint64_t BestFit(uint64_t n) const {
    const auto it = by_length_.lower_bound({n, 0});
    return it == by_length_.end() ? kNone : it->second;
  }
  // How many there are from `first` on; 0: it is not in the set.
  uint64_t LengthFrom(uint64_t first) const {
    auto it = ranges_.upper_bound(first);
    if (it == ranges_.begin()) return 0;
    --it;
    const uint64_t end = it->first + it->second;
    return first < end ? end - first : 0;
  }
  bool Covers(uint64_t first, uint64_t n) const { return LengthFrom(first) >= n; }
  uint64_t Longest() const { return by_length_.empty() ? 0 : by_length_.rbegin()->first; }
  uint64_t total() const { return total_; }
  const absl::btree_map<uint64_t, uint64_t>& ranges() const { return ranges_; }  // first -> length

 private:
  absl::btree_map<uint64_t, uint64_t> ranges_;
  absl::btree_set<std::pair<uint64_t, uint64_t>> by_length_;  // length, first
  uint64_t total_ = 0;
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_PAGES_FREE_RANGES_H_
