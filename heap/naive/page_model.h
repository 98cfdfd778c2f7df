// The page heap by ordered containers: what Go110Pages must do, one rule after the other.
#ifndef HEAPSIM_HEAP_NAIVE_PAGE_MODEL_H_
#define HEAPSIM_HEAP_NAIVE_PAGE_MODEL_H_

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "heap/observer.h"
#include "heap/seams.h"
#include "heap/units.h"

namespace heapsim::heap::naive {

// A span descriptor. Pages count from the arena's start.
struct ModelSpan {
  uint64_t first = 0, npages = 0;
  uint64_t released = 0;  // pages given back
  int64_t since = 0;
  bool needzero = false;
  SpanState state = SpanState::kDead;
  uint32_t sweepgen = 0;  // the only field that survives reuse

  // Of spans that hold objects.
  SpanClass span_class = 0;
  uint64_t slots = 0, slot_bytes = 0;
  uint64_t limit = 0;        // bytes of the span that objects can be in
  uint64_t count = 0;        // slots taken, as far as is known
  uint64_t free_index = 0;   // slots below it are taken (gc reclaim)
  std::set<uint64_t> taken;  // gc: found alive by the last sweep; explicit: taken now
  bool cached = false;
  std::vector<std::pair<uint64_t, int>> specials;  // (offset, kind), sorted
};

struct ModelStats {
  uint64_t heap_sys = 0, heap_idle = 0, heap_inuse = 0, heap_released = 0;
  uint64_t stacks_inuse = 0, work_buffers = 0, pages_in_use = 0;
};

class PageModel {
 public:
  struct Options {
    uint64_t arena_pages = 0;
    uint64_t physical_page = 4096;
    uint64_t chunk = 1 << 20;
    // Where chunks of descriptors are, in the order of making: (record size, address); others are
    // skipped.
    const std::vector<std::pair<uint64_t, Address>>* chunks = nullptr;
    Random* priorities = nullptr;
    Clock* clock = nullptr;
  };
  explicit PageModel(const Options& options) : options_(options), lists_(128) {}

  // A manual span, kNoSpan where there is no memory.
  SpanId AllocateManual(uint64_t npages, SpanKind kind);
  void FreeManual(SpanId id, SpanKind kind);
  uint64_t Scavenge(int32_t k, uint64_t now, uint64_t limit);

  // What an observer of the heap would have noted since this was called last.
  std::vector<std::string> TakeLines() { return std::exchange(lines_, {}); }
  // Free spans as the scavenger walks them, a text each with all that is known about it.
  std::vector<std::string> FreeSpans() const;
  const std::map<uint64_t, SpanId>& runs() const { return runs_; }
  const ModelSpan& span(SpanId id) const { return spans_.at(id); }
  const ModelStats& page_stats() const { return stats_; }

 protected:
  struct Run {
    SpanId id;
    uint64_t source;
    bool grew;
  };
  // Pages for a span; the state and what they count as are the caller's.
  std::optional<Run> Allocate(uint64_t npages);
  void Free(SpanId id, bool account_inuse, bool account_idle, int64_t since, FreeCause cause);

  template <typename... Parts>
  void Line(const Parts&... parts) {
    lines_.push_back(absl::StrCat(parts...));
  }
  static int Flag(bool b) { return b ? 1 : 0; }
  absl::Hex Offset(uint64_t page) const { return absl::Hex(page * kPageSize); }

  std::map<SpanId, ModelSpan> spans_;  // every descriptor ever made
  std::map<uint64_t, SpanId> runs_;    // what tiles the arena, by first page
  ModelStats stats_;
  uint32_t sweepgen_ = 0;
  // Called where a span that is being freed must leave its list.
  virtual void LeaveLists(SpanId) {}

 public:
  virtual ~PageModel() = default;

 private:
  struct Node {
    SpanId id;
    std::pair<uint64_t, uint64_t> key;  // pages, address of the descriptor
    uint32_t priority;
    std::unique_ptr<Node> left, right;
  };
  using Tree = std::unique_ptr<Node>;

  uint64_t DescriptorAddress(SpanId id) const;
  SpanId NewDescriptor(uint64_t first, uint64_t npages);
  void Absorb(SpanId into, SpanId neighbour);
  void File(SpanId id);
  void Unfile(SpanId id);
  bool Grow(uint64_t npages);
  uint64_t ScavengeSpan(SpanId id, uint64_t now, uint64_t limit);

  static SpanId Search(const Tree& t, uint64_t npages);
  static Tree Insert(Tree t, Tree node);
  static std::pair<Tree, Tree> Split(Tree t, const std::pair<uint64_t, uint64_t>& key);
  static Tree Remove(Tree t, const std::pair<uint64_t, uint64_t>& key);
  static Tree Merge(Tree left, Tree right);
  template <typename F>
  static void PreOrder(const Tree& t, uint32_t depth, const F& visit);

  Options options_;
  std::vector<SpanId> unused_;  // descriptors, the back is taken next
  std::vector<std::list<SpanId>> lists_;
  Tree treap_;
  uint64_t grown_ = 0;  // pages taken from the arena
  std::vector<std::string> lines_;
};

}  // namespace heapsim::heap::naive

#endif  // HEAPSIM_HEAP_NAIVE_PAGE_MODEL_H_
