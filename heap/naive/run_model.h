// A page allocator of free runs, obviously right: a list of runs in order of address, a flag a
// page.
//
// The rule of choice is given; everything else is written out one step after the other, with no
// index but the list.
#ifndef HEAPSIM_HEAP_NAIVE_RUN_MODEL_H_
#define HEAPSIM_HEAP_NAIVE_RUN_MODEL_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace heapsim::heap::naive {

class RunModel {
 public:
  struct Run {
    uint64_t first, pages;
    bool needzero;
    int64_t since;
    uint64_t end() const { return first + pages; }
  };
  using Choose = std::function<std::optional<uint64_t>(const RunModel&, uint64_t n)>;
  // Pages to ask for, and the least that would do.
  using Grow = std::function<std::pair<uint64_t, uint64_t>(const RunModel&, uint64_t n)>;

  struct Options {
    Choose choose;
    Grow grow;
    uint64_t arena_pages;
    uint64_t os_pages = 1;  // heap pages in a page of the system
    bool fresh_released = false;
    bool whole_os_pages = true;
  };
  explicit RunModel(Options options) : options_(std::move(options)) {}

  struct Placed {
    uint64_t first, source;
    bool needzero, grew;
  };
  std::optional<Placed> Allocate(uint64_t n, int64_t now) {
    Placed placed{};
    std::optional<uint64_t> first = options_.choose(*this, n);
    if (!first) {
      const auto [ask, less] = options_.grow(*this, n);
      const uint64_t room = options_.arena_pages - released_.size();
      const uint64_t got = ask <= room ? ask : less <= room ? less : 0;
      if (got == 0) return std::nullopt;
      const uint64_t at = released_.size();
      released_.resize(at + got, options_.fresh_released);
      Add({at, got, false, now});
      placed.grew = true;
      first = options_.choose(*this, n);
      if (!first) return std::nullopt;
    }
    for (size_t i = 0; i < runs_.size(); ++i) {
      const Run run = runs_[i];
      if (*first < run.first || *first >= run.end()) continue;
      placed.first = *first;
      placed.source = run.pages;
      placed.needzero = run.needzero;
      runs_.erase(runs_.begin() + static_cast<std::ptrdiff_t>(i));
      if (*first + n < run.end()) {
        runs_.insert(runs_.begin() + static_cast<std::ptrdiff_t>(i),
                     {*first + n, run.end() - *first - n, run.needzero, run.since});
      }
      if (*first > run.first) {
        runs_.insert(runs_.begin() + static_cast<std::ptrdiff_t>(i),
                     {run.first, *first - run.first, run.needzero, run.since});
      }
      // A page of the system that is taken in part is not released any more, as a whole.
      uint64_t begin = *first, end = *first + n;
      if (options_.whole_os_pages) {
        bool any = false;
        while (begin > run.first && begin % options_.os_pages != 0) --begin;
        while (end < run.end() && end % options_.os_pages != 0) ++end;
        for (uint64_t p = begin; p < end; ++p) any |= released_[p];
        if (!any) begin = end;
      }
      for (uint64_t p = begin; p < end; ++p) released_[p] = false;
      return placed;
    }
    return std::nullopt;
  }

  void Free(uint64_t first, uint64_t n, bool needzero, int64_t now) {
    Add({first, n, needzero, now});
  }

  uint64_t Scavenge(uint64_t now, uint64_t limit) {
    uint64_t fresh = 0;
    for (const Run& run : runs_) {
      if (now - static_cast<uint64_t>(run.since) <= limit) continue;
      for (uint64_t p = run.first; p < run.end(); ++p) fresh += ReleasePage(run, p);
    }
    return fresh;
  }

  // From the top, as many pages as are wanted.
  uint64_t Release(uint64_t want) {
    uint64_t fresh = 0;
    for (size_t i = runs_.size(); i-- > 0;) {
      for (uint64_t p = runs_[i].end(); p-- > runs_[i].first;) {
        // Only at the start of a page of the system can one stop.
        if (fresh >= want && (p + 1) % options_.os_pages == 0) return fresh;
        fresh += ReleasePage(runs_[i], p);
      }
    }
    return fresh;
  }

  const std::vector<Run>& runs() const { return runs_; }
  const std::vector<bool>& released() const { return released_; }
  bool IsFree(uint64_t page) const {
    return std::any_of(runs_.begin(), runs_.end(),
                       [&](const Run& r) { return r.first <= page && page < r.end(); });
  }
  uint64_t pages() const { return released_.size(); }

  // "first+pages(-released)" of each free run.
  std::string Free() const {
    std::string text;
    for (const Run& r : runs_) {
      uint64_t released = 0;
      for (uint64_t p = r.first; p < r.end(); ++p) released += released_[p];
      absl::StrAppend(&text, r.first, "+", r.pages, "-", released, " ");
    }
    return text;
  }

 private:
  void Add(Run run) {
    const auto place =
        std::find_if(runs_.begin(), runs_.end(), [&](const Run& r) { return r.first > run.first; });
    runs_.insert(place, run);
    for (size_t i = 0; i + 1 < runs_.size();) {
      Run &a = runs_[i], &b = runs_[i + 1];
      if (a.end() != b.first) {
        ++i;
        continue;
      }
      a.pages += b.pages;
      a.needzero = a.needzero || b.needzero;
      a.since = run.since;
      runs_.erase(runs_.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    }
  }

  // The page, where all of its page of the system is in the run.
  uint64_t ReleasePage(const Run& run, uint64_t p) {
    uint64_t begin = p, end = p + 1;
    while (begin % options_.os_pages != 0) --begin;
    while (end % options_.os_pages != 0) ++end;
    if (begin < run.first || end > run.end() || released_[p]) return 0;
    released_[p] = true;
    return 1;
  }

  Options options_;
  std::vector<Run> runs_;
  std::vector<bool> released_;  // by page, also of pages in use: false there
};

}  // namespace heapsim::heap::naive

#endif  // HEAPSIM_HEAP_NAIVE_RUN_MODEL_H_
