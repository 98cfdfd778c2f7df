#include "heap/pages/go119/summary_tree.h"

#include <algorithm>

#include "heap/fatal.h"

namespace heapsim::heap::go119 {

SummaryTree::SummaryTree()
    : levels_{VirtualArray<Summary>(LevelEntries(0)), VirtualArray<Summary>(LevelEntries(1)),
              VirtualArray<Summary>(LevelEntries(2)), VirtualArray<Summary>(LevelEntries(3)),
              VirtualArray<Summary>(LevelEntries(4))} {}

void SummaryTree::Update(uint64_t first, uint64_t last) {
  for (int level = kLevels - 2; level >= 0; --level) {
    first >>= kLevelBits;
    last >>= kLevelBits;
    bool changed = false;
    for (uint64_t i = first; i <= last; ++i) {
      const Summary s =
          Summary::Merge(&levels_[level + 1][i << kLevelBits], LevelPagesLog(level + 1));
      if (s == levels_[level][i]) continue;
      levels_[level][i] = s;
      changed = true;
    }
    if (!changed) return;
  }
  end_ = std::max(end_, last + 1);
}

uint32_t SummaryTree::Longest() const {
  uint32_t longest = 0;
  uint32_t run = 0;  // across entries of level 0
  for (uint64_t i = 0; i < end_; ++i) {
    const Summary s = levels_[0][i];
    longest = std::max({longest, s.max(), run + s.start()});
    run = s.start() == 1u << kMaxPagesLog ? run + s.start() : s.end();
  }
  return longest;
}

SummaryTree::Found SummaryTree::Find(uint64_t npages, Address search) const {
  Found found;
  found.window_last = kNowhere;
  uint64_t i = 0;  // the entry that led here, then the first of the entries below it
  for (int level = 0; level < kLevels; ++level) {
    i <<= BlockBits(level);
    const uint64_t block = uint64_t{1} << BlockBits(level);
    const uint64_t entry_pages = uint64_t{1} << LevelPagesLog(level);
    const Summary* entries = &levels_[level][i];
    uint64_t j = 0;
    const uint64_t at = LevelIndex(level, search);
    if ((at & ~(block - 1)) == i) j = at & (block - 1);
    // Entries of level 0 beyond end_ are empty, as if they were not there.
    const uint64_t end = level == 0 ? end_ : block;
    uint64_t base = 0, run = 0;  // free pages right below entry j, and where they start
    bool descend = false;
    for (; j < end; ++j) {
      const Summary s = entries[j];
      if (s.empty()) {
        run = 0;
        continue;
      }
      const Address entry = LevelAddress(level, i + j);
      Narrow(&found, entry, entry + Bytes((entry_pages << kPageShift) - 1));
      const uint64_t start = s.start();
      if (run + start >= npages) {
        if (run == 0) base = j * entry_pages;
        run += start;
        break;
      }
      if (s.max() >= npages) {
        i += j;
        descend = true;
        break;
      }
      if (run == 0 || start < entry_pages) {
        run = s.end();
        base = (j + 1) * entry_pages - run;
      } else {
        run += entry_pages;
      }
    }
    if (descend) continue;
    if (run >= npages) {
      found.what = Found::kRun;
      found.run = LevelAddress(level, i) + Pages(base).bytes();
      return found;
    }
    if (level == 0) return found;
    Throw(FatalCode::kSelfCheck, "bad summary data");
  }
  found.what = Found::kChunk;
  found.chunk = i;
  return found;
}

}  // namespace heapsim::heap::go119
