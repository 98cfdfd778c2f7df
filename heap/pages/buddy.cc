#include "heap/pages/buddy.h"

#include <algorithm>
#include <bit>

#include "heap/fatal.h"

namespace heapsim::heap {
namespace {

// The order of the smallest block of at least `n` pages.
uint32_t OrderFor(uint64_t n) { return n <= 1 ? 0 : static_cast<uint32_t>(std::bit_width(n - 1)); }

}  // namespace

BuddyPages::BuddyPages(const PageContext& context) : RunPages(context) {
  const ArenaLayout& layout = context.arena->layout();
  for (uint32_t order = 0; order < kOrders; ++order) {
    free_.emplace_back((((layout.end - At(0)).v >> kPageShift) >> order) + 1);
  }
}

uint64_t BuddyPages::Choose(uint64_t n) {
  const uint32_t order = OrderFor(n);
  if (order >= kOrders) return kNoPage;
  const uint32_t large_enough = nonempty_ >> order << order;
  if (large_enough == 0) return kNoPage;
  chosen_ = static_cast<uint32_t>(std::countr_zero(large_enough));
  return free_[chosen_].First() << chosen_;
}

void BuddyPages::Taken(uint64_t first, uint64_t n) {
  RemoveBlock(first >> chosen_, chosen_);
  Add(first + n, (uint64_t{1} << chosen_) - n);
}

void BuddyPages::Add(uint64_t first, uint64_t n) {
  while (n > 0) {
    uint32_t order = static_cast<uint32_t>(std::bit_width(n)) - 1;
    if (first != 0) order = std::min(order, static_cast<uint32_t>(std::countr_zero(first)));
    order = std::min(order, kOrders - 1);
    AddBlock(first, order);
    first += uint64_t{1} << order;
    n -= uint64_t{1} << order;
  }
}

void BuddyPages::AddBlock(uint64_t first, uint32_t order) {
  uint64_t number = first >> order;
  for (; order + 1 < kOrders && free_[order].Contains(number ^ 1); ++order, number >>= 1) {
    RemoveBlock(number ^ 1, order);
  }
  free_[order].Add(number);
  nonempty_ |= 1u << order;
}

RunPages::Growth BuddyPages::GrowthFor(uint64_t n) const {
  const uint64_t size = uint64_t{1} << OrderFor(n);
  const uint64_t end = end_page();
  // The block that the arena ends in, where all of it up to the end is free; else the next one.
  uint64_t block = RoundDown(end, size);
  if (block != end) {
    const SpanId last = runs().Holding(end - 1);
    if (last == kNoSpan || FirstPage(last) > block) block += size;
  }
  return RunPages::GrowthFor(block + size - end);
}

Pages BuddyPages::LargestFree() const {
  return nonempty_ == 0 ? Pages(0) : Pages(uint64_t{1} << (std::bit_width(nonempty_) - 1));
}

void BuddyPages::SelfCheck() const {
  RunPages::SelfCheck();
  uint64_t pages = 0;
  for (uint32_t order = 0; order < kOrders; ++order) {
    const auto fail = [](const char* what) { Throw(FatalCode::kSelfCheck, what); };
    if (free_[order].empty() == ((nonempty_ >> order & 1) != 0)) fail("buddy: an order is missed");
    for (uint64_t number = free_[order].First(); number != PageSet::kNone;
         number = free_[order].AtOrAbove(number + 1)) {
      const uint64_t first = number << order, size = uint64_t{1} << order;
      const SpanId run = runs().Holding(first);
      if (run == kNoSpan || first + size > FirstPage(run) + PagesOf(run)) {
        fail("buddy: a block is not free");
      }
      if (free_[order].Contains(number ^ 1)) fail("buddy: not joined");
      pages += size;
    }
  }
  if (Pages(pages).bytes().v != context().stats->heap_idle) {
    Throw(FatalCode::kSelfCheck, "buddy: the blocks are not all that is free");
  }
}

}  // namespace heapsim::heap
