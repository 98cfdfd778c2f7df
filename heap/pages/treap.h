// The treap of large free spans (the runtime's mgclarge.go): a binary tree by (pages, descriptor
// address), a heap by random priority.
//
// Its search is no true best fit: it goes left only if the left child itself is long enough, so a
// fitting span below a too short one is missed. Which span is found depends on the shape, hence on
// the priorities, and that is kept exactly.
#ifndef HEAPSIM_HEAP_PAGES_TREAP_H_
#define HEAPSIM_HEAP_PAGES_TREAP_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "heap/fixalloc.h"
#include "heap/observer.h"
#include "heap/seams.h"
#include "heap/span.h"
#include "heap/virtual_array.h"

namespace heapsim::heap {

class Treap {
 public:
  Treap(Os* os, Random* random, Observer* observer, SpanTable* spans);

  void Insert(SpanId span);
  // Takes out a span of at least `npages`; kNoSpan where the search finds none.
  SpanId Remove(Pages npages);
  // Takes out this span; throws kTreapRemove where it is not there.
  void RemoveSpan(SpanId span);

  // In pre-order: node, left, right; the root has depth 0.
  void Walk(absl::FunctionRef<void(uint32_t depth, SpanId span, uint32_t priority)> visit) const;

  // The nodes that a search for `npages` looks at, from the root to the one it takes (or the last,
  // where it finds none).
  void WalkSearch(Pages npages,
                  absl::FunctionRef<void(SpanId span, uint32_t priority)> visit) const;

  // Length of the longest span, 0 where there is none.
  Pages Largest() const;

  Bytes node_bytes() const { return nodes_alloc_.inuse(); }
  void SelfCheck() const;

 private:
  using NodeId = uint32_t;  // 0: none
  struct Node {
    NodeId left, right, parent;
    SpanId span;
    uint32_t npages;
    uint32_t priority;
  };

  // The node that a search takes, 0: none. Shows each node that it looks at.
  template <typename Visit>
  NodeId Search(Pages npages, Visit visit) const;
  // Which side of `n` a span of that length and descriptor belongs to: < 0 left, > 0 right, 0 the
  // node itself.
  int Side(const Node& n, uint32_t npages, SpanId span) const;
  void RotateLeft(NodeId n);
  void RotateRight(NodeId n);
  void ReplaceChild(NodeId parent, NodeId from, NodeId to);
  void RemoveNode(NodeId n);

  Random* random_;
  Observer* observer_;
  SpanTable* spans_;
  FixAlloc nodes_alloc_;
  VirtualArray<Node> nodes_;
  NodeId root_ = 0;
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_PAGES_TREAP_H_
