#include "heap/pages/huge_page_filler.h"

#include <algorithm>
#include <bit>

#include "absl/strings/str_cat.h"
#include "heap/fatal.h"

namespace heapsim::heap {

HugePageFiller::HugePageFiller(const ArenaLayout& layout, Clock* clock)
    : clock_(clock), huge_(((layout.end - layout.start).v >> kPageShift) / kHugePages + 2) {
  for (std::vector<uint32_t>& first : first_) first.resize(kIndices);
}

// Calls visit(page, pages) for each free range.
template <typename F>
void HugePageFiller::Walk(const Huge& h, F visit) {
  uint32_t run = 0;  // free pages right below word i
  for (uint32_t i = 0; i < h.taken.size(); ++i) {
    const uint64_t word = h.taken[i];
    for (uint32_t bit = 0; bit < 64;) {
      const uint64_t rest = word >> bit;
      if (rest == 0) {
        run += 64 - bit;
        break;
      }
      const uint32_t free = static_cast<uint32_t>(std::countr_zero(rest));
      run += free;
      bit += free;
      if (run != 0) visit(i * 64 + bit - run, run);
      run = 0;
      bit += static_cast<uint32_t>(std::countr_one(word >> bit));
    }
  }
  if (run != 0) visit(static_cast<uint32_t>(kHugePages) - run, run);
}

void HugePageFiller::ForEachFree(uint32_t huge,
                                 absl::FunctionRef<void(uint32_t, uint32_t)> visit) const {
  Walk(huge_[huge], visit);
}

uint32_t HugePageFiller::Longest(const Huge& h) {
  uint32_t longest = 0;
  Walk(h, [&](uint32_t, uint32_t n) { longest = std::max(longest, n); });
  return longest;
}

// By longest free range, then the number of allocations by powers of two (1, 2, 3 to 4, 5 to 8 ...
// 65 to 128, more), the most first.
uint32_t HugePageFiller::IndexOf(const Huge& h) {
  const uint32_t log = static_cast<uint32_t>(std::bit_width(static_cast<uint32_t>(h.allocs - 1)));
  return h.longest * kChunks + (kChunks - 1 - std::min(log, kChunks - 1));
}

HugePageFiller::List HugePageFiller::ListOf(const Huge& h) {
  if (h.released == 0) return kRegular;
  return h.used + h.released < kHugePages ? kPartial : kReleased;
}

// ---------------------------------------------------------------- taking and freeing

HugePageFiller::Place HugePageFiller::Find(uint32_t n) const {
  for (const List list : {kRegular, kDonated, kPartial, kReleased}) {
    uint32_t index = n * kChunks;
    const Bits& words = nonempty_[list];
    uint32_t w = index / 64;
    uint64_t bits = words[w] >> (index % 64) << (index % 64);
    while (bits == 0 && ++w < words.size()) bits = words[w];
    if (bits == 0) continue;
    index = w * 64 + static_cast<uint32_t>(std::countr_zero(bits));
    Place place;
    place.huge = first_[list][index] - 1;
    place.found = true;
    uint32_t best = kHugePages + 1, longest = 0, second = 0;
    Walk(huge_[place.huge], [&](uint32_t page, uint32_t free) {
      if (free > longest) {
        second = longest;
        longest = free;
      } else if (free > second) {
        second = free;
      }
      if (free < n || free >= best) return;
      best = free;
      place.page = page;
    });
    place.longest = best == longest ? std::max(longest - n, second) : longest;
    return place;
  }
  return {};
}

void HugePageFiller::Mark(Huge& h, uint32_t page, uint32_t n, bool taken) {
  for (uint32_t p = page; p < page + n;) {
    const uint32_t here = std::min(page + n - p, 64 - p % 64);
    const uint64_t mask = (here == 64 ? ~uint64_t{0} : (uint64_t{1} << here) - 1) << (p % 64);
    if ((h.taken[p / 64] & mask) != (taken ? 0 : mask)) {
      Throw(FatalCode::kSelfCheck, "filler: pages are taken twice, or freed twice");
    }
    h.taken[p / 64] ^= mask;
    p += here;
  }
  h.used = static_cast<uint16_t>(taken ? h.used + n : h.used - n);
  used_ += taken ? n : -uint64_t{n};
}

void HugePageFiller::Unlink(uint32_t huge) {
  Huge& h = huge_[huge];
  uint32_t& first = first_[h.list][h.index];
  if (h.prev == 0) {
    first = h.next;
    if (first == 0) nonempty_[h.list][h.index / 64] &= ~(uint64_t{1} << (h.index % 64));
  } else {
    huge_[h.prev - 1].next = h.next;
  }
  if (h.next != 0) huge_[h.next - 1].prev = h.prev;
  h.list = kNoList;
}

void HugePageFiller::Link(uint32_t huge, List list) {
  Huge& h = huge_[huge];
  h.list = list;
  // Donated ones have one allocation each, and so the index of one.
  h.index = static_cast<uint16_t>(IndexOf(h));
  uint32_t& first = first_[list][h.index];
  h.next = first;
  h.prev = 0;
  if (first != 0) huge_[first - 1].prev = huge + 1;
  first = huge + 1;
  nonempty_[list][h.index / 64] |= uint64_t{1} << (h.index % 64);
}

void HugePageFiller::Contribute(uint32_t huge, uint32_t n, bool donated) {
  Huge& h = huge_[huge];
  h = Huge{};
  h.allocs = 1;
  Mark(h, 0, n, true);
  h.longest = static_cast<uint16_t>(kHugePages - n);
  ++size_;
  Link(huge, donated ? kDonated : kRegular);
  ReportDemand();
}

void HugePageFiller::Take(const Place& place, uint32_t n, uint32_t released) {
  Unlink(place.huge);
  Huge& h = huge_[place.huge];
  Mark(h, place.page, n, true);
  ++h.allocs;
  h.longest = static_cast<uint16_t>(place.longest);
  h.released = static_cast<uint16_t>(h.released - released);
  released_ -= released;
  // Used in any way, a donated one is like the others: one that was touched is used up before the
  // next is.
  Link(place.huge, ListOf(h));
  ReportDemand();
}

bool HugePageFiller::Give(uint32_t huge, uint32_t page, uint32_t n) {
  Unlink(huge);
  Huge& h = huge_[huge];
  Mark(h, page, n, false);
  --h.allocs;
  if (h.used == 0) {
    --size_;
    released_ -= h.released;
    ReportDemand();
    return true;
  }
  h.longest = static_cast<uint16_t>(Longest(h));
  Link(huge, ListOf(h));
  ReportDemand();
  return false;
}

// ---------------------------------------------------------------- giving back

void HugePageFiller::NoteReleased(uint32_t huge, uint32_t n) {
  Unlink(huge);
  Huge& h = huge_[huge];
  h.released = static_cast<uint16_t>(h.released + n);
  released_ += n;
  Link(huge, ListOf(h));
}

uint64_t HugePageFiller::SparePeak(uint64_t desired, int64_t interval_ns) {
  if (interval_ns == 0) return desired;
  ReportDemand();
  // In whole seconds, as there (GetRecentPeak): of less than one nothing is spared.
  constexpr int64_t kSecond = 1'000'000'000;
  const uint64_t peak = demand_.Max(interval_ns / kSecond * kSecond);
  const uint64_t mapped = size_ * kHugePages - released_;
  if (peak == 0) return desired;
  return mapped > peak ? std::min(desired, mapped - peak) : 0;
}

std::vector<uint32_t> HugePageFiller::Candidates(Worth which) const {
  std::vector<uint32_t> candidates;
  const auto gather = [&](List list) {
    // The first eight indices are those of full ones.
    for (uint32_t w = 0; w < nonempty_[list].size(); ++w) {
      for (uint64_t bits = nonempty_[list][w]; bits != 0; bits &= bits - 1) {
        const uint32_t index = w * 64 + static_cast<uint32_t>(std::countr_zero(bits));
        if (index < kChunks) continue;
        for (uint32_t at = first_[list][index]; at != 0; at = huge_[at - 1].next) {
          candidates.push_back(at - 1);
        }
      }
    }
  };
  if (which == Worth::kPartiallyReleased) {
    gather(kPartial);
  } else {
    gather(kRegular);
    gather(kDonated);
  }
  std::sort(candidates.begin(), candidates.end(), [&](uint32_t a, uint32_t b) {
    return huge_[a].used != huge_[b].used ? huge_[a].used < huge_[b].used : a < b;
  });
  return candidates;
}

// ---------------------------------------------------------------- self-check

void HugePageFiller::SelfCheck(uint32_t huge) const {
  const Huge& h = huge_[huge];
  const auto fail = [&](const char* what) {
    Throw(FatalCode::kSelfCheck, absl::StrCat("filler: huge page ", huge, ": ", what));
  };
  uint32_t used = 0;
  for (const uint64_t w : h.taken) used += static_cast<uint32_t>(std::popcount(w));
  if (used != h.used || h.allocs == 0 || h.allocs > used) fail("miscounted");
  if (h.longest != Longest(h)) fail("its longest free range is another");
  if (h.used + h.released > kHugePages) fail("more pages released than are free");
  if (h.index != IndexOf(h)) fail("in the wrong list");
  if (h.list == kDonated ? h.allocs != 1 || h.released != 0 : h.list != ListOf(h)) {
    fail("in the lists of others");
  }
}

}  // namespace heapsim::heap
