#include "heap/pages/treap.h"

#include <utility>
#include <vector>

#include "heap/fatal.h"

namespace heapsim::heap {
namespace {

constexpr Bytes kNodeSize{48};  // sizeof(treapNode) on amd64
constexpr size_t kMaxNodes =
    1u << 25;  // spans of 128 pages and more in 512 GiB: under 2^19; others may have larger arenas

}  // namespace

Treap::Treap(Os* os, Random* random, Observer* observer, SpanTable* spans)
    : random_(random),
      observer_(observer),
      spans_(spans),
      nodes_alloc_(kNodeSize, SysStat::kOther, os),
      nodes_(kMaxNodes) {}

int Treap::Side(const Node& n, uint32_t npages, SpanId span) const {
  if (n.npages != npages) return n.npages < npages ? 1 : -1;
  const Address a = spans_->DescriptorAddress(n.span), b = spans_->DescriptorAddress(span);
  if (a == b) return 0;
  return a < b ? 1 : -1;
}

void Treap::Insert(SpanId span) {
  const uint32_t npages = (*spans_)[span].npages;
  NodeId parent = 0;
  int side = 0;
  for (NodeId n = root_; n != 0;) {
    parent = n;
    side = Side(nodes_[n], npages, span);
    if (side == 0) Throw(FatalCode::kTreapInsert, "inserting span already in treap");
    n = side > 0 ? nodes_[n].right : nodes_[n].left;
  }
  bool fresh;
  const NodeId id = nodes_alloc_.Alloc(&fresh);
  nodes_[id] = Node{0, 0, parent, span, npages, random_->Next()};
  observer_->TreapInserted(span, (*spans_)[span].address(), Pages(npages), nodes_[id].priority);
  if (parent == 0) {
    root_ = id;
  } else if (side > 0) {
    nodes_[parent].right = id;
  } else {
    nodes_[parent].left = id;
  }
  while (nodes_[id].parent != 0 && nodes_[nodes_[id].parent].priority > nodes_[id].priority) {
    const NodeId p = nodes_[id].parent;
    if (nodes_[p].left == id) {
      RotateRight(p);
    } else {
      RotateLeft(p);
    }
  }
}

template <typename Visit>
Treap::NodeId Treap::Search(Pages npages, Visit visit) const {
  for (NodeId n = root_; n != 0;) {
    const Node& node = nodes_[n];
    visit(node);
    if (node.npages < npages.v) {
      n = node.right;
    } else if (node.left != 0 && nodes_[node.left].npages >= npages.v) {
      n = node.left;
    } else {
      return n;
    }
  }
  return 0;
}

SpanId Treap::Remove(Pages npages) {
  const NodeId n = Search(npages, [](const Node&) {});
  if (n == 0) return kNoSpan;
  const SpanId span = nodes_[n].span;
  RemoveNode(n);
  return span;
}

void Treap::WalkSearch(Pages npages,
                       absl::FunctionRef<void(SpanId span, uint32_t priority)> visit) const {
  Search(npages, [&](const Node& node) { visit(node.span, node.priority); });
}

void Treap::RemoveSpan(SpanId span) {
  const uint32_t npages = (*spans_)[span].npages;
  NodeId n = root_;
  while (n != 0 && nodes_[n].span != span) {
    n = Side(nodes_[n], npages, span) > 0 ? nodes_[n].right : nodes_[n].left;
  }
  if (n == 0) Throw(FatalCode::kTreapRemove, "span is not in the treap");
  RemoveNode(n);
}

void Treap::RemoveNode(NodeId n) {
  if ((*spans_)[nodes_[n].span].npages != nodes_[n].npages) {
    Throw(FatalCode::kTreapRemove, "span and treap node npages do not match");
  }
  // Sinks to a leaf, the child of smaller priority rising in its place.
  while (nodes_[n].left != 0 || nodes_[n].right != 0) {
    const NodeId left = nodes_[n].left, right = nodes_[n].right;
    if (right == 0 || (left != 0 && nodes_[left].priority < nodes_[right].priority)) {
      RotateRight(n);
    } else {
      RotateLeft(n);
    }
  }
  ReplaceChild(nodes_[n].parent, n, 0);
  nodes_alloc_.Free(n);
}

void Treap::ReplaceChild(NodeId parent, NodeId from, NodeId to) {
  if (parent == 0) {
    root_ = to;
  } else if (nodes_[parent].left == from) {
    nodes_[parent].left = to;
  } else {
    nodes_[parent].right = to;
  }
}

void Treap::RotateLeft(NodeId x) {
  const NodeId y = nodes_[x].right;
  const NodeId middle = nodes_[y].left;
  ReplaceChild(nodes_[x].parent, x, y);
  nodes_[y].parent = nodes_[x].parent;
  nodes_[y].left = x;
  nodes_[x].parent = y;
  nodes_[x].right = middle;
  if (middle != 0) nodes_[middle].parent = x;
}

void Treap::RotateRight(NodeId x) {
  const NodeId y = nodes_[x].left;
  const NodeId middle = nodes_[y].right;
  ReplaceChild(nodes_[x].parent, x, y);
  nodes_[y].parent = nodes_[x].parent;
  nodes_[y].right = x;
  nodes_[x].parent = y;
  nodes_[x].left = middle;
  if (middle != 0) nodes_[middle].parent = x;
}

void Treap::Walk(
    absl::FunctionRef<void(uint32_t depth, SpanId span, uint32_t priority)> visit) const {
  std::vector<std::pair<NodeId, uint32_t>> stack;
  if (root_ != 0) stack.emplace_back(root_, 0);
  while (!stack.empty()) {
    const auto [n, depth] = stack.back();
    stack.pop_back();
    const Node& node = nodes_[n];
    if (node.right != 0) stack.emplace_back(node.right, depth + 1);
    if (node.left != 0) stack.emplace_back(node.left, depth + 1);
    visit(depth, node.span, node.priority);
  }
}

Pages Treap::Largest() const {
  NodeId n = root_;
  while (n != 0 && nodes_[n].right != 0) n = nodes_[n].right;
  return Pages(n == 0 ? 0 : nodes_[n].npages);
}

void Treap::SelfCheck() const {
  // In-order traversal with an explicit stack: strictly rising keys, no child of smaller priority
  // than its parent, links both ways.
  std::vector<NodeId> stack;
  NodeId n = root_, last = 0;
  uint64_t count = 0;
  if (root_ != 0 && nodes_[root_].parent != 0)
    Throw(FatalCode::kSelfCheck, "treap: root has a parent");
  while (n != 0 || !stack.empty()) {
    while (n != 0) {
      for (const NodeId child : {nodes_[n].left, nodes_[n].right}) {
        if (child == 0) continue;
        if (nodes_[child].parent != n) Throw(FatalCode::kSelfCheck, "treap: broken parent link");
        if (nodes_[child].priority < nodes_[n].priority) {
          Throw(FatalCode::kSelfCheck, "treap: a child has a smaller priority than its parent");
        }
      }
      stack.push_back(n);
      n = nodes_[n].left;
    }
    n = stack.back();
    stack.pop_back();
    const Span& s = (*spans_)[nodes_[n].span];
    if (s.npages != nodes_[n].npages || s.state != SpanState::kFree || s.npages < kMaxHeapList) {
      Throw(FatalCode::kSelfCheck,
            "treap: a node's span is not free, too short or of another length");
    }
    if (last != 0 && Side(nodes_[last], nodes_[n].npages, nodes_[n].span) <= 0) {
      Throw(FatalCode::kSelfCheck, "treap: keys out of order");
    }
    last = n;
    ++count;
    n = nodes_[n].right;
  }
  if (count * kNodeSize.v != nodes_alloc_.inuse().v) {
    Throw(FatalCode::kSelfCheck, "treap: nodes in use that are not in the tree");
  }
}

}  // namespace heapsim::heap
