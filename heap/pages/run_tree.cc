#include "heap/pages/run_tree.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "heap/fatal.h"

namespace heapsim::heap {

RunTree::Places RunTree::Begins(uint64_t pages) {
  std::array<uint64_t, kTop + 1> places;
  for (uint64_t& n : places) {
    n = RoundUp(pages, kWidth);
    pages = n / kWidth;
  }
  places[kTop] = 1;
  if (places[kTop - 1] > kWidth) {
    Throw(FatalCode::kBadPages, "the arena is too large for a tree of free runs");
  }
  // The upper levels, which are always used, stand side by side.
  Places begin = {};
  uint64_t at = 0;
  for (int level = kTop; level >= 0; --level) {
    begin[level] = at;
    at += places[level];
  }
  begin[kTop + 1] = at;
  return begin;
}

RunTree::RunTree(const ArenaLayout& layout)
    : RunTree(((layout.end - layout.start).v >> kPageShift) + 1,
              Begins(((layout.end - layout.start).v >> kPageShift) + 1)) {}

RunTree::RunTree(uint64_t pages, const Places& begin)
    : begin_(begin),
      longest_(begin[kTop + 1]),
      run_(pages),
      first_(pages + 2),  // no more runs than pages
      starts_(pages),
      loose_(pages) {}

uint32_t RunTree::LongestOf(int level, uint64_t block) const {
  const uint32_t* const places = &longest_[begin_[level] + block * kWidth];
  uint32_t longest = 0;
  for (uint64_t i = 0; i < kWidth; ++i) longest = std::max(longest, places[i]);
  return longest;
}

void RunTree::Set(uint64_t first, uint32_t pages) {
  uint64_t i = first;
  uint32_t was = std::exchange(longest_[begin_[0] + i], pages);
  for (int level = 1; level <= kTop && pages != was; ++level) {
    i /= kWidth;
    uint32_t& above = longest_[begin_[level] + i];
    if (pages < above) {
      if (was < above) return;  // what is longest there is another run
      pages = LongestOf(level - 1, i);
    }
    was = std::exchange(above, pages);
  }
}

void RunTree::Insert(SpanId run, uint64_t first, uint64_t pages, bool loose) {
  first_[run] = static_cast<uint32_t>(first);
  run_[first] = run;
  starts_.Add(first);
  if (loose) loose_.Add(first);
  Set(first, static_cast<uint32_t>(pages));
}

void RunTree::Erase(SpanId run) {
  const uint64_t first = first_[run];
  if (run_[first] != run || !starts_.Contains(first)) {
    Throw(FatalCode::kSelfCheck, "a free run is not in the tree");
  }
  starts_.Remove(first);
  loose_.Remove(first);
  Set(first, 0);
}

void RunTree::Change(SpanId run, uint64_t first, uint64_t pages) {
  const uint64_t was = first_[run];
  if (run_[was] != run || !starts_.Contains(was)) {
    Throw(FatalCode::kSelfCheck, "a free run is not in the tree");
  }
  if (first != was) {
    const bool loose = loose_.Contains(was);
    Erase(run);
    Insert(run, first, pages, loose);
    return;
  }
  Set(first, static_cast<uint32_t>(pages));
}

void RunTree::SetLoose(SpanId run, bool loose) {
  if (loose) {
    loose_.Add(first_[run]);
  } else {
    loose_.Remove(first_[run]);
  }
}

uint64_t RunTree::InBlock(int level, uint64_t i, uint64_t pages) const {
  const uint64_t end = i / kWidth * kWidth + kWidth;
  while (i < end && longest_[begin_[level] + i] < pages) ++i;
  return i;
}

SpanId RunTree::FirstFit(uint64_t from, uint64_t pages) const {
  if (Longest() < pages || from >= PlacesOf(0)) return kNoSpan;
  // Up, as long as the rest of a block has none; then down to the first one.
  int level = from == 0 ? kTop : 0;
  uint64_t i = from;
  while (level < kTop) {
    const uint64_t end = i / kWidth * kWidth + kWidth;
    i = InBlock(level, i, pages);
    if (i != end) break;
    i /= kWidth;
    ++level;
    if (i >= PlacesOf(level)) return kNoSpan;
  }
  while (level-- > 0) i = InBlock(level, i * kWidth, pages);
  return run_[i];
}

SpanId RunTree::Holding(uint64_t page) const {
  const uint64_t first = starts_.AtOrBelow(page);
  if (first == PageSet::kNone || page >= first + longest_[begin_[0] + first]) return kNoSpan;
  return run_[first];
}

SpanId RunTree::HighestLoose() const {
  const uint64_t first = loose_.Last();
  return first == PageSet::kNone ? kNoSpan : run_[first];
}

void RunTree::SelfCheck() const {
  const auto fail = [](uint64_t first, absl::string_view what) {
    Throw(FatalCode::kSelfCheck, absl::StrCat("tree of free runs, page ", first, ": ", what));
  };
  uint64_t end = 0;  // of the run before
  Walk([&](SpanId run, uint64_t first, uint64_t pages) {
    if (pages == 0) fail(first, "a run without pages begins there");
    if (first < end) fail(first, "it is in the run before too");
    if (first_[run] != first) fail(first, "the run that begins there is another");
    end = first + pages;
    uint64_t i = first;
    for (int level = 1; level <= kTop; ++level) {
      i /= kWidth;
      if (longest_[begin_[level] + i] != LongestOf(level - 1, i)) {
        fail(first, absl::StrCat("the longest run of level ", level, " is another"));
      }
    }
  });
  for (uint64_t first = loose_.First(); first != PageSet::kNone;
       first = loose_.AtOrAbove(first + 1)) {
    if (!starts_.Contains(first)) fail(first, "no run begins there that could be given back");
  }
}

}  // namespace heapsim::heap
