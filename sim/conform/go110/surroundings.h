// The heap around an address, as text for whoever looks into a mismatch.
#ifndef HEAPSIM_SIM_CONFORM_GO110_SURROUNDINGS_H_
#define HEAPSIM_SIM_CONFORM_GO110_SURROUNDINGS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "heap/heap.h"
#include "heap/pages/go110.h"
#include "heap/units.h"

namespace heapsim::sim::go110 {

// The treap's nodes that a request for pages looks at if no list has a span for it. Recorded as the
// request begins, since it changes the treap.
class TreapSearch {
 public:
  void Record(const heap::Heap& heap, const heap::Go110Pages& pages, heap::Pages request);

  struct Node {
    uint64_t base;
    uint64_t npages;
    uint64_t descriptor;
    uint32_t priority;
  };
  heap::Pages request() const { return request_; }
  const std::vector<Node>& path() const { return path_; }

 private:
  heap::Pages request_;
  std::vector<Node> path_;
};

// Lines of text: the spans around `about`, and the path of the last search. Offsets count from the
// arena's start. The heap may be in the middle of an operation.
std::string Surroundings(const heap::Heap& heap, const TreapSearch& search, heap::Address about);

}  // namespace heapsim::sim::go110

#endif  // HEAPSIM_SIM_CONFORM_GO110_SURROUNDINGS_H_
