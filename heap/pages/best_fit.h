// True best fit: the shortest free run that is long enough, the lowest address among equals.
//
// What Go 1.10's treap was meant to be and is not (go.dev/issue/31616): its search misses runs. All
// else is as in Go 1.10.
#ifndef HEAPSIM_HEAP_PAGES_BEST_FIT_H_
#define HEAPSIM_HEAP_PAGES_BEST_FIT_H_

#include <cstdint>
#include <utility>

#include "absl/container/btree_set.h"
#include "heap/pages/run_pages.h"

namespace heapsim::heap {

class BestFitPages final : public RunPages {
 public:
  explicit BestFitPages(const PageContext& context) : RunPages(context) {}

 private:
  uint64_t Choose(uint64_t n) override;
  void RunCame(uint64_t first, uint64_t n) override;
  void RunGone(uint64_t first, uint64_t n) override;

  absl::btree_set<std::pair<uint32_t, uint32_t>> by_length_;  // pages, first page
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_PAGES_BEST_FIT_H_
