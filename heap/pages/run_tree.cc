#include "heap/pages/run_tree.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "heap/fatal.h"

namespace heapsim::heap {
namespace {

// Priorities need to look random, and to be the same on every machine: a finaliser of splitmix64
// over the number of the insertion.
uint32_t Mix(uint64_t z) {
  z *= 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  return static_cast<uint32_t>((z ^ (z >> 27)) >> 32);
}

}  // namespace

// No span's node is all zero and stands for a child that is not there. False: nothing changed that
// its parent would see.
bool RunTree::Update(SpanId n) {
  Node& node = nodes_[n];
  const Node &left = nodes_[node.left], &right = nodes_[node.right];
  const uint32_t longest = std::max(node.pages, std::max(left.longest, right.longest));
  const bool any_loose = node.loose | left.any_loose | right.any_loose;
  const bool changed = longest != node.longest || any_loose != node.any_loose;
  node.longest = longest;
  node.any_loose = any_loose;
  return changed;
}

void RunTree::Insert(SpanId run, uint64_t first, uint64_t pages, bool loose) {
  Node& n = nodes_[run];
  n = {};
  n.first = static_cast<uint32_t>(first);
  n.pages = static_cast<uint32_t>(pages);
  n.loose = loose;
  n.priority = Mix(++inserted_);
  Update(run);
  root_ = Insert(root_, run);
}

SpanId RunTree::Insert(SpanId at, SpanId run) {
  if (at == kNoSpan) return run;
  if (nodes_[run].priority > nodes_[at].priority) {
    Split(at, nodes_[run].first, &nodes_[run].left, &nodes_[run].right);
    Update(run);
    return run;
  }
  SpanId& side = nodes_[run].first < nodes_[at].first ? nodes_[at].left : nodes_[at].right;
  side = Insert(side, run);
  Update(at);
  return at;
}

void RunTree::Split(SpanId n, uint32_t first, SpanId* below, SpanId* above) {
  if (n == kNoSpan) {
    *below = *above = kNoSpan;
    return;
  }
  if (nodes_[n].first < first) {
    *below = n;
    Split(nodes_[n].right, first, &nodes_[n].right, above);
  } else {
    *above = n;
    Split(nodes_[n].left, first, below, &nodes_[n].left);
  }
  Update(n);
}

SpanId RunTree::Merge(SpanId below, SpanId above) {
  if (below == kNoSpan) return above;
  if (above == kNoSpan) return below;
  if (nodes_[below].priority > nodes_[above].priority) {
    nodes_[below].right = Merge(nodes_[below].right, above);
    Update(below);
    return below;
  }
  nodes_[above].left = Merge(below, nodes_[above].left);
  Update(above);
  return above;
}

void RunTree::Erase(SpanId run) { root_ = Erase(root_, run); }

SpanId RunTree::Erase(SpanId at, SpanId run) {
  if (at == kNoSpan) Throw(FatalCode::kSelfCheck, "a free run is not in the tree");
  if (at == run) return Merge(nodes_[run].left, nodes_[run].right);
  SpanId& side = nodes_[run].first < nodes_[at].first ? nodes_[at].left : nodes_[at].right;
  side = Erase(side, run);
  Update(at);
  return at;
}

void RunTree::Change(SpanId run, uint64_t first, uint64_t pages) {
  nodes_[run].first = static_cast<uint32_t>(first);
  nodes_[run].pages = static_cast<uint32_t>(pages);
  Refresh(root_, run);
}

void RunTree::SetLoose(SpanId run, bool loose) {
  if (nodes_[run].loose == loose) return;
  nodes_[run].loose = loose;
  Refresh(root_, run);
}

bool RunTree::Refresh(SpanId at, SpanId run) {
  if (at == kNoSpan) Throw(FatalCode::kSelfCheck, "a free run is not in the tree");
  if (at != run &&
      !Refresh(nodes_[run].first < nodes_[at].first ? nodes_[at].left : nodes_[at].right, run)) {
    return false;
  }
  return Update(at);
}

SpanId RunTree::FirstFit(SpanId n, uint64_t from, uint64_t pages) const {
  while (n != kNoSpan && nodes_[n].longest >= pages) {
    const Node& node = nodes_[n];
    if (node.first < from) {
      n = node.right;
      continue;
    }
    // Below it only the way along `from` can fail, so that this is one way down and part of
    // another.
    const SpanId below = FirstFit(node.left, from, pages);
    if (below != kNoSpan) return below;
    if (node.pages >= pages) return n;
    n = node.right;
  }
  return kNoSpan;
}

SpanId RunTree::Holding(uint64_t page) const {
  SpanId best = kNoSpan;
  for (SpanId n = root_; n != kNoSpan;) {
    if (nodes_[n].first > page) {
      n = nodes_[n].left;
    } else {
      best = n;
      n = nodes_[n].right;
    }
  }
  if (best == kNoSpan || page >= uint64_t{nodes_[best].first} + nodes_[best].pages) return kNoSpan;
  return best;
}

SpanId RunTree::HighestLoose() const {
  SpanId n = root_;
  while (n != kNoSpan && nodes_[n].any_loose) {
    const Node& node = nodes_[n];
    if (node.right != kNoSpan && nodes_[node.right].any_loose) {
      n = node.right;
    } else if (node.loose) {
      return n;
    } else {
      n = node.left;
    }
  }
  return kNoSpan;
}

void RunTree::SelfCheck() const {
  uint64_t end = 0;  // of the run before
  Walk([&](SpanId n, uint64_t first, uint64_t pages) {
    const Node& node = nodes_[n];
    const auto fail = [&](const char* what) {
      Throw(FatalCode::kSelfCheck,
            absl::StrCat("tree of free runs, ", pages, " pages at page ", first, ": ", what));
    };
    if (first < end) fail("out of order");
    end = first + pages;
    uint32_t longest = node.pages;
    bool loose = node.loose;
    for (const SpanId child : {node.left, node.right}) {
      if (child == kNoSpan) continue;
      longest = std::max(longest, nodes_[child].longest);
      loose |= nodes_[child].any_loose;
      if (nodes_[child].priority > node.priority) fail("above one of higher priority");
    }
    if (longest != node.longest) fail("the longest run below it is another");
    if (loose != node.any_loose) fail("what can be given back below it is not as it says");
  });
}

}  // namespace heapsim::heap
