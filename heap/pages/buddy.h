// A binary buddy system (Knowlton 1965; Linux's page allocator): blocks of a power of two of pages,
// at multiples of their size, that split in halves and join with their other half only.
//
// A request takes the lowest of the smallest blocks that are large enough. The tail that it does
// not need goes back page-exactly, as smaller blocks (as Linux's alloc_pages_exact does), so that
// there is no slack; the price that stays is where blocks may stand and with whom they join. Growth
// brings whole blocks: to the next multiple of the size asked for. All else is as in Go 1.10.
#ifndef HEAPSIM_HEAP_PAGES_BUDDY_H_
#define HEAPSIM_HEAP_PAGES_BUDDY_H_

#include <cstdint>
#include <vector>

#include "heap/pages/page_set.h"
#include "heap/pages/run_pages.h"

namespace heapsim::heap {

class BuddyPages final : public RunPages {
 public:
  explicit BuddyPages(const PageContext& context);

  // Of the longest block that is free.
  Pages LargestFree() const override;
  void SelfCheck() const override;

 private:
  static constexpr uint32_t kOrders = 28;  // more than the arena has pages

  uint64_t Choose(uint64_t n) override;
  Growth GrowthFor(uint64_t n) const override;
  void Taken(uint64_t first, uint64_t n) override;
  void Freed(uint64_t first, uint64_t n) override { Add(first, n); }
  void Grown(uint64_t first, uint64_t n) override { Add(first, n); }

  // Frees the blocks that [first, first + n) consists of.
  void Add(uint64_t first, uint64_t n);
  void AddBlock(uint64_t first, uint32_t order);
  void RemoveBlock(uint64_t number, uint32_t order) {
    free_[order].Remove(number);
    if (free_[order].empty()) nonempty_ &= ~(1u << order);
  }

  std::vector<PageSet> free_;  // by order; blocks of an order are numbered from the arena's start
  uint32_t nonempty_ = 0;      // bit k: order k has a free block
  uint32_t chosen_ = 0;        // order of the block chosen last
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_PAGES_BUDDY_H_
