#include "heap/naive/page_model.h"

#include <algorithm>
#include <utility>

namespace heapsim::heap::naive {
namespace {

constexpr uint64_t kDescriptorsPerChunk = 107;  // 152 of 16384 bytes
constexpr uint64_t kDescriptorBytes = 152;

}  // namespace

// ---------------------------------------------------------------- descriptors

uint64_t PageModel::DescriptorAddress(SpanId id) const {
  uint64_t chunk = (id - 1) / kDescriptorsPerChunk;
  for (const auto& [size, address] : *options_.chunks) {
    if (size != kDescriptorBytes) continue;
    if (chunk == 0) return address.v + (id - 1) % kDescriptorsPerChunk * kDescriptorBytes;
    --chunk;
  }
  return 0;
}

SpanId PageModel::NewDescriptor(uint64_t first, uint64_t npages) {
  SpanId id;
  if (unused_.empty()) {
    id = static_cast<SpanId>(spans_.size() + 1);
  } else {
    id = unused_.back();
    unused_.pop_back();
  }
  ModelSpan fresh;
  fresh.sweepgen = spans_[id].sweepgen;
  fresh.first = first;
  fresh.npages = npages;
  spans_[id] = fresh;
  Line("n ", id, " ", absl::Hex(DescriptorAddress(id)));
  return id;
}

// ---------------------------------------------------------------- the treap

SpanId PageModel::Search(const Tree& t, uint64_t npages) {
  if (t == nullptr) return kNoSpan;
  if (t->key.first < npages) return Search(t->right, npages);
  if (t->left != nullptr && t->left->key.first >= npages) return Search(t->left, npages);
  return t->id;
}

// Nodes with keys below and above.
std::pair<PageModel::Tree, PageModel::Tree> PageModel::Split(
    Tree t, const std::pair<uint64_t, uint64_t>& key) {
  if (t == nullptr) return {};
  if (t->key < key) {
    auto [below, above] = Split(std::move(t->right), key);
    t->right = std::move(below);
    return {std::move(t), std::move(above)};
  }
  auto [below, above] = Split(std::move(t->left), key);
  t->left = std::move(above);
  return {std::move(below), std::move(t)};
}

// The node rises while its parent's priority is strictly greater.
PageModel::Tree PageModel::Insert(Tree t, Tree node) {
  if (t == nullptr) return node;
  if (t->priority > node->priority) {
    auto [below, above] = Split(std::move(t), node->key);
    node->left = std::move(below);
    node->right = std::move(above);
    return node;
  }
  Tree& side = t->key < node->key ? t->right : t->left;
  side = Insert(std::move(side), std::move(node));
  return t;
}

// The left one comes up only where its priority is strictly smaller.
PageModel::Tree PageModel::Merge(Tree left, Tree right) {
  if (left == nullptr) return right;
  if (right == nullptr) return left;
  if (left->priority < right->priority) {
    left->right = Merge(std::move(left->right), std::move(right));
    return left;
  }
  right->left = Merge(std::move(left), std::move(right->left));
  return right;
}

PageModel::Tree PageModel::Remove(Tree t, const std::pair<uint64_t, uint64_t>& key) {
  if (t->key == key) return Merge(std::move(t->left), std::move(t->right));
  Tree& side = t->key < key ? t->right : t->left;
  side = Remove(std::move(side), key);
  return t;
}

template <typename F>
void PageModel::PreOrder(const Tree& t, uint32_t depth, const F& visit) {
  if (t == nullptr) return;
  visit(*t, depth);
  PreOrder(t->left, depth + 1, visit);
  PreOrder(t->right, depth + 1, visit);
}

// ---------------------------------------------------------------- free spans

void PageModel::File(SpanId id) {
  const ModelSpan& s = spans_[id];
  if (s.npages < lists_.size()) {
    lists_[s.npages].push_front(id);
    return;
  }
  auto node = std::make_unique<Node>();
  node->id = id;
  node->key = {s.npages, DescriptorAddress(id)};
  node->priority = options_.priorities->Next();
  Line("t ", id, " ", Offset(s.first), " ", s.npages, " ", node->priority);
  treap_ = Insert(std::move(treap_), std::move(node));
}

void PageModel::Unfile(SpanId id) {
  const ModelSpan& s = spans_[id];
  if (s.npages < lists_.size()) {
    lists_[s.npages].remove(id);
  } else {
    treap_ = Remove(std::move(treap_), {s.npages, DescriptorAddress(id)});
  }
}

std::vector<std::string> PageModel::FreeSpans() const {
  std::vector<std::string> texts;
  const auto add = [&](SpanId id, absl::string_view where) {
    const ModelSpan& s = spans_.at(id);
    texts.push_back(absl::StrCat(where, " ", id, " ", s.first, " ", s.npages, " ", s.released, " ",
                                 s.since, " ", Flag(s.needzero)));
  };
  for (const auto& list : lists_) {
    for (const SpanId id : list) add(id, "list");
  }
  PreOrder(treap_, 0, [&](const Node& n, uint32_t depth) {
    add(n.id, absl::StrCat("treap ", depth, " ", n.priority));
  });
  return texts;
}

// ---------------------------------------------------------------- taking and giving back

std::optional<PageModel::Run> PageModel::Allocate(uint64_t npages) {
  Run run{kNoSpan, 0, false};
  for (uint64_t n = npages; n < lists_.size() && run.id == kNoSpan; ++n) {
    if (!lists_[n].empty()) run.id = lists_[n].front();
  }
  if (run.id == kNoSpan) run.id = Search(treap_, npages);
  if (run.id == kNoSpan) {
    if (!Grow(npages)) return std::nullopt;
    run.grew = true;
    run.id = Search(treap_, npages);
    if (run.id == kNoSpan) return std::nullopt;
  }
  Unfile(run.id);
  ModelSpan& s = spans_[run.id];
  run.source = s.npages;
  if (s.released > 0) {
    Line("u ", Offset(s.first), " ", s.npages * kPageSize);
    stats_.heap_released -= s.released * kPageSize;
    s.released = 0;
  }
  s.state = SpanState::kManual;
  if (s.npages > npages) {
    const SpanId rest = NewDescriptor(s.first + npages, s.npages - npages);
    runs_[s.first + npages] = rest;
    s.npages = npages;
    spans_[rest].needzero = s.needzero;
    spans_[rest].state = SpanState::kManual;
    Free(rest, false, false, s.since, FreeCause::kTrim);
  }
  s.since = 0;
  stats_.heap_idle -= npages * kPageSize;
  return run;
}

bool PageModel::Grow(uint64_t npages) {
  const uint64_t rounded = (npages + 7) / 8 * 8;
  uint64_t ask = std::max(rounded, options_.chunk / kPageSize);
  Line("G{ ", rounded, " ", ask * kPageSize);
  if (grown_ + ask > options_.arena_pages) ask = rounded;
  if (grown_ + ask > options_.arena_pages) return false;
  const uint64_t first = grown_;
  grown_ += ask;
  stats_.heap_sys += ask * kPageSize;
  const SpanId id = NewDescriptor(first, ask);
  runs_[first] = id;
  spans_[id].state = SpanState::kInUse;
  spans_[id].sweepgen = sweepgen_;
  stats_.pages_in_use += ask;
  Free(id, false, true, 0, FreeCause::kGrow);
  Line("G} ", Offset(first));
  return true;
}

// `into` takes over a free neighbour's pages; it keeps its own descriptor and time.
void PageModel::Absorb(SpanId into, SpanId neighbour) {
  ModelSpan &s = spans_[into], &n = spans_[neighbour];
  Unfile(neighbour);
  runs_.erase(s.first);
  runs_.erase(n.first);
  s.first = std::min(s.first, n.first);
  s.npages += n.npages;
  s.released += n.released;
  s.needzero = s.needzero || n.needzero;
  runs_[s.first] = into;
  n.state = SpanState::kDead;
  unused_.push_back(neighbour);
  Line("x ", neighbour, " ", absl::Hex(DescriptorAddress(neighbour)));
}

void PageModel::Free(SpanId id, bool account_inuse, bool account_idle, int64_t since,
                     FreeCause cause) {
  ModelSpan& s = spans_[id];
  Line("F{ ", id, " ", Offset(s.first), " ", s.npages, " ", static_cast<int>(s.state), " ",
       Flag(account_inuse), " ", Flag(account_idle), " ", static_cast<int>(cause), " ",
       Flag(s.needzero));
  if (s.state == SpanState::kInUse) stats_.pages_in_use -= s.npages;
  if (account_inuse) stats_.heap_inuse -= s.npages * kPageSize;
  if (account_idle) stats_.heap_idle += s.npages * kPageSize;
  LeaveLists(id);
  s.state = SpanState::kFree;
  s.since = since != 0 ? since : options_.clock->Now();
  s.released = 0;
  auto here = runs_.find(s.first);
  if (here != runs_.begin() && spans_[std::prev(here)->second].state == SpanState::kFree) {
    Absorb(id, std::prev(here)->second);
  }
  here = runs_.find(s.first);
  if (std::next(here) != runs_.end() && spans_[std::next(here)->second].state == SpanState::kFree) {
    Absorb(id, std::next(here)->second);
  }
  File(id);
  Line("F} ", id, " ", s.since, " ", Offset(s.first), " ", s.npages, " ", s.released, " ",
       Flag(s.needzero));
}

SpanId PageModel::AllocateManual(uint64_t npages, SpanKind kind) {
  Line("A{ ", npages, " ", static_cast<int>(kind), " 0 0");
  const auto run = Allocate(npages);
  if (!run) return kNoSpan;
  ModelSpan& s = spans_[run->id];
  (kind == SpanKind::kStack ? stats_.stacks_inuse : stats_.work_buffers) += npages * kPageSize;
  stats_.heap_sys -= npages * kPageSize;
  Line("A} ", run->id, " ", Offset(s.first), " ", npages, " ", run->source, " ", Flag(s.needzero),
       " ", Flag(run->grew));
  return run->id;
}

void PageModel::FreeManual(SpanId id, SpanKind kind) {
  ModelSpan& s = spans_[id];
  s.needzero = true;
  (kind == SpanKind::kStack ? stats_.stacks_inuse : stats_.work_buffers) -= s.npages * kPageSize;
  stats_.heap_sys += s.npages * kPageSize;
  Free(id, false, true, 0, kind == SpanKind::kStack ? FreeCause::kStack : FreeCause::kWorkBuffer);
}

// ---------------------------------------------------------------- the scavenger

uint64_t PageModel::Scavenge(int32_t k, uint64_t now, uint64_t limit) {
  Line("S{ ", k, " ", now, " ", limit);
  uint64_t released = 0;
  for (const auto& list : lists_) {
    for (const SpanId id : list) released += ScavengeSpan(id, now, limit);
  }
  PreOrder(treap_, 0, [&](const Node& n, uint32_t) { released += ScavengeSpan(n.id, now, limit); });
  Line("S} ", released);
  return released;
}

uint64_t PageModel::ScavengeSpan(SpanId id, uint64_t now, uint64_t limit) {
  ModelSpan& s = spans_[id];
  const uint64_t idle = now - static_cast<uint64_t>(s.since);  // wraps where `now` is older
  if (idle <= limit || s.released == s.npages) return 0;
  // Whole pages of the system, where they are larger than the heap's.
  uint64_t first = s.first, end = s.first + s.npages;
  const uint64_t unit = std::max<uint64_t>(options_.physical_page / kPageSize, 1);
  while (first % unit != 0) ++first;
  while (end % unit != 0) --end;
  if (end <= first) return 0;
  const uint64_t newly = (end - first - s.released) * kPageSize;
  if (unit > 1 && newly == 0) return 0;
  stats_.heap_released += newly;
  s.released = end - first;
  Line("U ", Offset(first), " ", (end - first) * kPageSize);
  return newly;
}

}  // namespace heapsim::heap::naive
