// What a subtree of the radix tree says about its pages: how many are free at its start, the
// longest free run, how many are free at its end. An entry is 8 bytes, packed as the runtime packs
// it.
#ifndef HEAPSIM_HEAP_PAGES_GO119_SUMMARY_H_
#define HEAPSIM_HEAP_PAGES_GO119_SUMMARY_H_

#include <algorithm>
#include <cstdint>

#include "heap/pages/go119/layout.h"

namespace heapsim::heap::go119 {

// All bits zero: nothing is free.
class Summary {
 public:
  Summary() = default;
  constexpr Summary(uint32_t start, uint32_t max, uint32_t end)
      : packed_(max == kAll
                    ? kAllFree
                    : start | uint64_t{max} << kMaxPagesLog | uint64_t{end} << 2 * kMaxPagesLog) {}
  // `pages` of one entry, all free.
  static constexpr Summary Free(uint32_t pages) { return Summary(pages, pages, pages); }

  bool empty() const { return packed_ == 0; }
  uint32_t start() const { return Part(0); }
  uint32_t max() const { return Part(kMaxPagesLog); }
  uint32_t end() const { return Part(2 * kMaxPagesLog); }
  uint64_t packed() const { return packed_; }
  bool operator==(const Summary&) const = default;

  // Of 2^kLevelBits entries side by side, each over 2^log pages; not of level 0, whose entries
  // alone may have more free pages than fit in a part.
  static Summary Merge(const Summary* entries, uint32_t log);

 private:
  static constexpr uint32_t kAll = 1 << kMaxPagesLog;  // does not fit in a part
  static constexpr uint64_t kAllFree = uint64_t{1} << 63;
  uint32_t Part(uint32_t shift) const {
    if (packed_ == kAllFree) return kAll;
    return Bits(shift);
  }
  uint32_t Bits(uint32_t shift) const {
    return static_cast<uint32_t>(packed_ >> shift & (kAll - 1));
  }

  uint64_t packed_;
};

inline Summary Summary::Merge(const Summary* entries, uint32_t log) {
  const uint32_t pages = 1u << log;
  uint32_t start = 0, max = 0, run = 0;
  bool open = true;  // everything so far is free
  for (uint32_t i = 0; i < 1u << kLevelBits; ++i) {
    const Summary s = entries[i];
    if (s.empty()) {
      if (open) start = run;
      open = false;
      run = 0;
      continue;
    }
    const uint32_t s_start = s.Bits(0);
    if (s_start == pages) {
      run += pages;
    } else {
      if (open) start = run + s_start;
      open = false;
      max = std::max(max, std::max(run + s_start, s.Bits(kMaxPagesLog)));
      run = s.Bits(2 * kMaxPagesLog);
    }
    max = std::max(max, run);
  }
  if (open) start = run;
  return Summary(start, max, run);
}

}  // namespace heapsim::heap::go119

#endif  // HEAPSIM_HEAP_PAGES_GO119_SUMMARY_H_
