#include "heap/pages/huge_page_filler.h"

#include <algorithm>
#include <bit>

#include "absl/strings/str_cat.h"
#include "heap/fatal.h"

namespace heapsim::heap {

HugePageFiller::HugePageFiller(const ArenaLayout& layout)
    : huge_(((layout.end - layout.start).v >> kPageShift) / kHugePages + 2) {
  for (std::vector<uint32_t>& first : first_) first.resize(kIndices);
}

void HugePageFiller::ForEachFree(uint32_t huge,
                                 absl::FunctionRef<void(uint32_t, uint32_t)> visit) const {
  const Huge& h = huge_[huge];
  uint32_t run = 0;  // free pages right below word i
  for (uint32_t i = 0; i < h.taken.size(); ++i) {
    for (uint32_t bit = 0; bit < 64;) {
      const uint64_t rest = h.taken[i] >> bit;
      if (rest == 0) {
        run += 64 - bit;
        break;
      }
      const uint32_t free = static_cast<uint32_t>(std::countr_zero(rest));
      run += free;
      bit += free;
      if (run != 0) visit(i * 64 + bit - run, run);
      run = 0;
      bit += static_cast<uint32_t>(std::countr_one(h.taken[i] >> bit));
    }
  }
  if (run != 0) visit(kHugePages - run, run);
}

uint32_t HugePageFiller::Longest(const Huge& h) const {
  uint32_t longest = 0;
  ForEachFree(static_cast<uint32_t>(&h - huge_.data()),
              [&](uint32_t, uint32_t n) { longest = std::max(longest, n); });
  return longest;
}

// By longest free range, then the number of allocations by powers of two, the most first.
uint32_t HugePageFiller::IndexOf(const Huge& h) {
  const uint32_t log = static_cast<uint32_t>(std::bit_width(uint32_t{h.allocs})) - 1;
  return h.longest * kChunks + (log >= kChunks ? 0 : kChunks - 1 - log);
}

HugePageFiller::Place HugePageFiller::Find(uint32_t n) const {
  for (const List list : {kRegular, kDonated, kReleased}) {
    uint32_t index = n * kChunks;
    const auto& words = nonempty_[list];
    uint32_t w = index / 64;
    uint64_t bits = words[w] >> (index % 64) << (index % 64);
    while (bits == 0 && ++w < words.size()) bits = words[w];
    if (bits == 0) continue;
    index = w * 64 + static_cast<uint32_t>(std::countr_zero(bits));
    Place place;
    place.huge = first_[list][index] - 1;
    place.found = true;
    uint32_t best = kHugePages + 1;
    ForEachFree(place.huge, [&](uint32_t page, uint32_t free) {
      if (free < n || free >= best) return;
      best = free;
      place.page = page;
    });
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
}

void HugePageFiller::Unfile(uint32_t huge) {
  Huge& h = huge_[huge];
  if (h.list == kNoList) return;
  uint32_t& first = first_[h.list][h.index];
  if (h.prev == 0) {
    first = h.next;
    if (first == 0) nonempty_[h.list][h.index / 64] &= ~(uint64_t{1} << (h.index % 64));
  } else {
    huge_[h.prev - 1].next = h.next;
  }
  if (h.next != 0) huge_[h.next - 1].prev = h.prev;
  candidates_.erase({h.used, huge});
  h.list = kNoList;
}

void HugePageFiller::File(uint32_t huge) {
  Huge& h = huge_[huge];
  h.longest = static_cast<uint16_t>(Longest(h));
  h.list = h.donated ? kDonated : h.released != 0 ? kReleased : kRegular;
  h.index = static_cast<uint16_t>(h.donated ? h.longest * kChunks : IndexOf(h));
  uint32_t& first = first_[h.list][h.index];
  h.next = first;
  h.prev = 0;
  if (first != 0) huge_[first - 1].prev = huge + 1;
  first = huge + 1;
  nonempty_[h.list][h.index / 64] |= uint64_t{1} << (h.index % 64);
  if (!h.donated && h.used + h.released < kHugePages) candidates_.insert({h.used, huge});
}

void HugePageFiller::Contribute(uint32_t huge, uint32_t n, bool donated) {
  Huge& h = huge_[huge];
  h = Huge{};
  h.donated = donated;
  h.allocs = 1;
  Mark(h, 0, n, true);
  File(huge);
}

void HugePageFiller::Take(uint32_t huge, uint32_t page, uint32_t n, uint32_t released) {
  Unfile(huge);
  Huge& h = huge_[huge];
  Mark(h, page, n, true);
  ++h.allocs;
  h.released = static_cast<uint16_t>(h.released - released);
  h.donated = false;
  File(huge);
}

bool HugePageFiller::Give(uint32_t huge, uint32_t page, uint32_t n) {
  Unfile(huge);
  Huge& h = huge_[huge];
  Mark(h, page, n, false);
  --h.allocs;
  if (h.used == 0) return true;
  File(huge);
  return false;
}

void HugePageFiller::NoteReleased(uint32_t huge, uint32_t n) {
  Unfile(huge);
  huge_[huge].released = static_cast<uint16_t>(huge_[huge].released + n);
  File(huge);
}

bool HugePageFiller::NextCandidate(const Candidate* after, Candidate* next) const {
  const auto it = after == nullptr ? candidates_.begin() : candidates_.upper_bound(*after);
  if (it == candidates_.end()) return false;
  *next = *it;
  return true;
}

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
  if (h.list != kDonated && h.index != IndexOf(h)) fail("in the wrong list");
  const bool candidate = !h.donated && h.used + h.released < kHugePages;
  if (candidates_.contains({h.used, huge}) != candidate) fail("would not be broken in its turn");
}

}  // namespace heapsim::heap
