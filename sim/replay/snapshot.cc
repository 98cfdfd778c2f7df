#include "sim/replay/snapshot.h"

#include <algorithm>
#include <array>
#include <bit>
#include <vector>

#include "absl/strings/str_cat.h"
#include "heap/fatal.h"
#include "sim/replay/heap_map.h"
#include "sim/replay/parts_message.h"
#include "sim/replay/site_pins.h"
#include "sim/replay/size_bracket.h"

namespace heapsim::sim {
namespace {

using heap::Address;
using heap::BitIndex;
using heap::Bytes;
using heap::Span;
using heap::SpanId;
using heap::SpanState;

// The live objects of each slot, as lists, for one stretch of the address space after the other:
// lists for all of a large heap would take as much memory as the replay does. Each stretch costs a
// walk over all objects; a heap has at most some 16 of them.
class ObjectsBySlot {
 public:
  ObjectsBySlot(const HeapView& view, uint32_t listed_words)
      : view_(view),
        heap_(*view.heap),
        window_(std::max(listed_words, heap_.bits().size() / 16)),
        place_(heap_.bits().size()) {}

  // To be called before the span in use at `a` is looked at; addresses rise.
  void Reach(Address a) {
    if (a < end_) return;
    std::fill(place_.begin(), place_.end(), 0);
    uint32_t words = 0;
    for (end_ = a; end_ < heap_.arena().used() && words < window_;) {
      const Span& s = heap_.spans()[heap_.SpanContaining(end_)];
      if (s.state == SpanState::kInUse) {
        for (uint32_t i = 0; i < (s.nelems + 63u) / 64; ++i) place_[s.bits + i] = ++words;
      }
      end_ = Address(s.end());
    }
    first_.assign(size_t{words} * 64, 0);
    objects_.clear();
    for (uint64_t id = 0; id < view_.object_ids; ++id) {
      const ObjectEntry e = (*view_.objects)[static_cast<uint32_t>(id)];
      if (!e.live() || place_[e.bit() / 64] == 0) continue;
      uint32_t& first = FirstOf(e.bit());
      objects_.push_back({static_cast<uint32_t>(id), first});
      first = static_cast<uint32_t>(objects_.size());
    }
  }

  // Calls visit(object id, entry) for each object in a slot of a span that was reached.
  template <typename Visit>
  void ForEach(BitIndex bit, const Visit& visit) {
    for (uint32_t next = FirstOf(bit); next != 0; next = objects_[next - 1].next) {
      const uint32_t id = objects_[next - 1].id;
      visit(id, (*view_.objects)[id]);
    }
  }

 private:
  struct Object {
    uint32_t id, next;  // next: in its slot, an index + 1; 0: none
  };

  uint32_t& FirstOf(BitIndex bit) { return first_[(size_t{place_[bit / 64]} - 1) * 64 + bit % 64]; }

  const HeapView& view_;
  const heap::Heap& heap_;
  const uint32_t window_;        // words a stretch, about
  Address end_;                  // of the stretch
  std::vector<uint32_t> place_;  // by word of slots: which it is of the stretch, from 1; 0: none
  std::vector<uint32_t> first_;  // by slot: index + 1 of its last object; 0: none
  std::vector<Object> objects_;
};

// A class's row, and what its sums need besides.
struct ClassRow {
  std::array<uint64_t, 11> tenths = {};
  uint64_t spans = 0, span_bytes = 0, cached = 0;
  uint64_t live_slots = 0, dead_slots = 0, free_slots = 0, objects = 0, requested = 0;
  uint64_t live = 0, internal = 0, dead = 0, slack = 0;  // resident
  // Resident bytes of spans with and without a live slot; the number of the latter.
  uint64_t held = 0, empty = 0, empty_spans = 0;
};

class Looker {
 public:
  Looker(const HeapView& view, const SnapshotLimits& limits)
      : view_(view),
        limits_(limits),
        heap_(*view.heap),
        objects_(view, limits.listed_words),
        map_(heap_.arena().start(), heap_.arena().used(), limits.map_cells),
        rows_(2 * size_t{heap_.classes().count()}),
        any_lazy_(view.machine->lazily_freed_bytes().v != 0) {}

  proto::HeapSnapshot Look();

 private:
  uint64_t ResidentBytes(uint64_t begin, uint64_t end) const;
  void LookAtSpan(SpanId id, const Span& s);
  void AddObjects(SpanId id, const Span& s, BitIndex bit, uint64_t begin, bool whole, ClassRow* row,
                  uint64_t* live);
  void FillClasses(proto::HeapSnapshot* to) const;
  void FillFreeRuns(proto::HeapSnapshot* to) const;
  void Check(const Parts& parts) const;

  const HeapView& view_;
  const SnapshotLimits& limits_;
  const heap::Heap& heap_;
  ObjectsBySlot objects_;
  MapBuilder map_;
  SitePins pins_;
  std::vector<ClassRow> rows_;  // by span class
  bool any_lazy_;
};

uint64_t Looker::ResidentBytes(uint64_t begin, uint64_t end) const {
  const Bytes length(end - begin);
  const uint64_t resident = view_.machine->ResidentBytes(Address(begin), length).v;
  return any_lazy_ ? resident - view_.machine->LazilyFreedBytes(Address(begin), length).v
                   : resident;
}

// The live objects of a slot. Under touch model `whole` their bytes are resident; so are all where
// the span is.
void Looker::AddObjects(SpanId id, const Span& s, BitIndex bit, uint64_t begin, bool whole,
                        ClassRow* row, uint64_t* live) {
  const bool certain = whole || (!s.large() && !view_.ledger->keeps_requests());
  objects_.ForEach(bit, [&](uint32_t object, ObjectEntry e) {
    SitePins::Object o;
    uint64_t from = begin;
    o.requested = e.size();
    if (s.large()) {
      o.requested = view_.ledger->large(id).size;
      from += view_.ledger->large(id).offset;
    }
    // Members of a tiny block lie on one page, wherever in it.
    o.resident = certain ? o.requested : ResidentBytes(from, from + o.requested);
    o.site = view_.sites == nullptr ? SizeBracket(o.requested) : view_.sites[object];
    pins_.AddObject(o);
    ++row->objects;
    row->requested += o.requested;
    *live += o.resident;
  });
}

void Looker::LookAtSpan(SpanId id, const Span& s) {
  ClassRow& row = rows_[s.span_class];
  const uint64_t resident = ResidentBytes(s.base, s.end());
  const bool whole = resident == s.bytes().v;
  const uint64_t slot_bytes = s.slot_bytes();
  const BitIndex first_bit = uint64_t{s.bits} * 64;
  uint64_t allocated[16];
  heap_.AllocatedSlots(id, allocated);
  uint64_t live_slots = 0, in_slots = 0;
  for (uint64_t slot = 0; slot < s.nelems; ++slot) {
    if ((allocated[slot / 64] >> (slot % 64) & 1) == 0) {
      ++row.free_slots;
      continue;
    }
    const uint64_t begin = s.base + slot * slot_bytes;
    const uint64_t bytes = whole ? slot_bytes : ResidentBytes(begin, begin + slot_bytes);
    in_slots += bytes;
    if (view_.dead->IsDead(first_bit + slot)) {
      ++row.dead_slots;
      row.dead += bytes;
      continue;
    }
    ++live_slots;
    map_.AddLive(begin, begin + slot_bytes);
    const uint64_t objects_before = row.objects;
    uint64_t live = 0;
    pins_.BeginSlot(bytes);
    AddObjects(id, s, first_bit + slot, begin, whole, &row, &live);
    // Explicit reclaim: a cache's current tiny block lives on without members.
    if (row.objects == objects_before) pins_.DropSlot();
    row.live += live;
    row.internal += bytes - live;
  }
  pins_.EndSpan(resident);
  row.slack += resident - in_slots;
  ++row.spans;
  row.span_bytes += s.bytes().v;
  row.cached += heap_.Slots(s).incache() ? 1 : 0;
  row.live_slots += live_slots;
  const uint64_t slots = std::max<uint64_t>(s.nelems, 1);
  ++row.tenths[(live_slots * 10 + slots - 1) / slots];
  (live_slots == 0 ? row.empty : row.held) += resident;
  row.empty_spans += live_slots == 0 ? 1 : 0;
}

void Looker::FillClasses(proto::HeapSnapshot* to) const {
  uint64_t empty = 0, saves = 0;
  for (size_t i = 0; i < rows_.size(); ++i) {
    // With pointers, then without.
    const ClassRow& row = rows_[i];
    if (row.spans == 0) continue;
    const uint32_t size_class = static_cast<uint32_t>(i / 2);
    const heap::SizeClass& of = heap_.classes()[size_class];
    uint64_t needed = row.spans - row.empty_spans;
    uint64_t beyond = 0;  // resident bytes of spans in use beyond those needed
    if (size_class != 0) {
      needed = (row.live_slots + of.slots - 1) / of.slots;
      const uint64_t needed_bytes = needed * heap::Pages(of.pages).bytes().v;
      beyond = row.held > needed_bytes ? row.held - needed_bytes : 0;
    }
    proto::SizeClassUse* use = to->add_size_classes();
    use->set_size_class(size_class);
    use->set_noscan(i % 2 != 0);
    use->set_slot_bytes(of.size);
    use->set_spans(row.spans);
    use->set_span_bytes(row.span_bytes);
    use->set_live_slots(row.live_slots);
    use->set_dead_slots(row.dead_slots);
    use->set_free_slots(row.free_slots);
    use->set_live_objects(row.objects);
    use->set_requested_bytes(row.requested);
    use->set_live_resident_bytes(row.live);
    use->set_internal_bytes(row.internal);
    use->set_dead_bytes(row.dead);
    use->set_span_slack_bytes(row.slack);
    for (const uint64_t n : row.tenths) use->add_spans_by_tenths(n);
    use->set_cached_spans(row.cached);
    use->set_compactable_spans(row.spans - needed);
    use->set_compaction_saves_bytes(row.empty + beyond);
    empty += row.empty;
    saves += row.empty + beyond;
  }
  const bool gc = heap_.options().reclaim == heap::Reclaim::kGc;
  to->set_release_after_gc_bytes(to->release_now_bytes() + (gc ? empty : 0));
  to->set_compaction_saves_bytes(saves - (gc ? empty : 0));
}

void Looker::FillFreeRuns(proto::HeapSnapshot* to) const {
  struct Run {
    uint64_t address, bytes, resident;
  };
  std::vector<Run> runs;
  std::array<Run, 64> by_length = {};  // address: their number
  uint64_t releasable = 0;
  const uint64_t page = view_.machine->page_size().v;
  heap_.pages().ForEachFree([&](const heap::FreeRun& run) {
    const uint64_t begin = run.base.v, end = begin + run.pages.bytes().v;
    const Run r{begin, end - begin, ResidentBytes(begin, end)};
    Run& length = by_length[static_cast<size_t>(std::bit_width(r.bytes)) - 1];
    ++length.address;
    length.bytes += r.bytes;
    length.resident += r.resident;
    // Only whole machine pages can be given back.
    const uint64_t first = heap::RoundUp(begin, page), last = heap::RoundDown(end, page);
    if (first < last) releasable += ResidentBytes(first, last);
    runs.push_back(r);
  });
  for (size_t i = 0; i < by_length.size(); ++i) {
    if (by_length[i].address == 0) continue;
    proto::FreeRunLengths* length = to->add_free_runs();
    length->set_min_bytes(uint64_t{1} << i);
    length->set_runs(by_length[i].address);
    length->set_bytes(by_length[i].bytes);
    length->set_resident_bytes(by_length[i].resident);
  }
  const size_t longest = std::min<size_t>(runs.size(), limits_.longest_runs);
  std::partial_sort(runs.begin(), runs.begin() + static_cast<ptrdiff_t>(longest), runs.end(),
                    [](const Run& a, const Run& b) {
                      return a.bytes != b.bytes ? a.bytes > b.bytes : a.address < b.address;
                    });
  for (size_t i = 0; i < longest; ++i) {
    proto::FreeRun* run = to->add_longest_free_runs();
    run->set_address(runs[i].address);
    run->set_bytes(runs[i].bytes);
    run->set_resident_bytes(runs[i].resident);
  }
  to->set_release_now_bytes(releasable);
}

// What was counted slot by slot is what was kept along the way.
void Looker::Check(const Parts& parts) const {
  Parts sum;
  for (const ClassRow& row : rows_) {
    sum.live_resident += row.live;
    sum.internal += row.internal;
    sum.dead += row.dead;
    sum.span_slack += row.slack;
  }
  if (sum.live_resident == parts.live_resident && sum.internal == parts.internal &&
      sum.dead == parts.dead && sum.span_slack == parts.span_slack) {
    return;
  }
  heap::Throw(heap::FatalCode::kSelfCheck,
              absl::StrCat("snapshot: the size classes sum to ", sum.live_resident, " live, ",
                           sum.internal, " internal, ", sum.dead, " dead, ", sum.span_slack,
                           " slack; the parts of RSS are ", parts.live_resident, ", ",
                           parts.internal, ", ", parts.dead, ", ", parts.span_slack));
}

proto::HeapSnapshot Looker::Look() {
  const uint64_t end = heap_.arena().used().v;
  for (uint64_t a = heap_.arena().start().v; a < end;) {
    const SpanId id = heap_.SpanContaining(Address(a));
    const Span& s = heap_.spans()[id];
    proto::MapState state = proto::MAP_STATE_FREE;
    if (s.state == SpanState::kManual) state = proto::MAP_STATE_MANUAL;
    if (s.state == SpanState::kInUse) {
      state = s.large() ? proto::MAP_STATE_LARGE : proto::MAP_STATE_SMALL;
      objects_.Reach(s.address());
      LookAtSpan(id, s);
    }
    map_.Add(s.base, s.end(), state, s.size_class());
    a = s.end();
  }
  const Parts parts = view_.ledger->Now();
  Check(parts);
  proto::HeapSnapshot to;
  to.set_live_bytes(view_.ledger->live);
  to.set_rss_bytes(view_.machine->resident_bytes().v);
  *to.mutable_parts() = ToProto(parts);
  to.set_os_page_bytes(view_.machine->page_size().v);
  to.set_heap_page_bytes(heap::kPageSize);
  map_.Finish(*view_.machine, to.mutable_map());
  FillFreeRuns(&to);
  FillClasses(&to);
  pins_.Finish(limits_.sites, &to);
  return to;
}

}  // namespace

proto::HeapSnapshot LookAtHeap(const HeapView& view, const SnapshotLimits& limits) {
  return Looker(view, limits).Look();
}

}  // namespace heapsim::sim
