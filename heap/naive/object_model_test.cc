// The object layer against its model: random operations, everything compared after each.

#include "heap/naive/object_model.h"

#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "heap/fakes.h"
#include "heap/fatal.h"
#include "heap/heap.h"
#include "heap/naive/heap_view.h"

namespace heapsim::heap::naive {
namespace {

struct Setting {
  const char* name;
  Reclaim reclaim;
  uint32_t procs;
  uint64_t seeds, operations;
  uint64_t cycle_every;  // operations, on average
  uint64_t most_live;    // objects, roughly
  uint64_t arena_bytes = uint64_t{1} << 30;
  bool tiny = true;
};

PageModel::Options ModelOptions(const ArenaLayout& layout, Fakes* fakes, Random* priorities) {
  PageModel::Options o;
  o.arena_pages = (layout.end - layout.start).v >> kPageShift;
  o.chunks = &fakes->os.chunks;
  o.priorities = priorities;
  o.clock = &fakes->clock;
  return o;
}

class World {
 public:
  World(const Setting& setting, uint64_t seed)
      : setting_(setting),
        layout_(SmallLayout(Bytes(setting.arena_bytes))),
        fakes_(layout_.start, seed, 15),
        priorities_(seed, 15),
        random_(seed * 7919),
        heap_(Options(), fakes_.seams()),
        model_(ModelOptions(layout_, &fakes_, &priorities_), setting.procs, setting.reclaim,
               setting.tiny) {
    fakes_.observer.lines.clear();
    fakes_.os.scatter = true;
  }

  void Step() {
    fakes_.clock.now += Up(100);
    const uint32_t what = Up(1000);
    if (what < 6) {
      const uint64_t now = static_cast<uint64_t>(fakes_.clock.now) - Up(200);
      const uint64_t limit = Up(4) == 0 ? 0 : Up(20000);
      ASSERT_EQ(heap_.Scavenge(1, now, limit).v, model_.Scavenge(1, now, limit));
    } else if (what < 30) {
      Manual();
    } else if (what < 60) {
      Special();
    } else if (what < 80) {
      Look();
    } else if (!explicit_reclaim() && what < 110) {
      const SweepCause cause = Up(2) == 0 ? SweepCause::kBackground : SweepCause::kGc;
      ASSERT_EQ(heap_.SweepStep(cause), model_.SweepStep(cause));
    } else if (Up(setting_.cycle_every) == 0) {
      Cycle();
    } else if (objects_.size() > setting_.most_live / 2 + Up(setting_.most_live) ||
               (!objects_.empty() && Up(100) < 40)) {
      Kill(Up(objects_.size()));
    } else {
      Allocate();
    }
  }

  void Compare() {
    ASSERT_EQ(std::exchange(fakes_.observer.lines, {}), model_.TakeLines());
    ASSERT_EQ(FreeSpans(heap_), model_.FreeSpans());
    CompareStats();
    for (uint32_t c = 2; c < 2 * heap_.classes().count(); ++c) {
      const SpanClass k = static_cast<SpanClass>(c);
      ASSERT_EQ(Members(heap_, kNonempty + c), model_.nonempty(k)) << c;
      // With explicit reclaim nobody looks for full spans, and they are in no list.
      if (!explicit_reclaim()) {
        ASSERT_EQ(Members(heap_, kEmpty + c), model_.empty(k)) << c;
      }
      for (uint32_t p = 0; p < setting_.procs; ++p) {
        ASSERT_EQ(heap_.Cached(p, k), model_.cached(p, k)) << c;
      }
    }
    for (uint32_t n = 0; n < kMaxHeapList; ++n) {
      ASSERT_EQ(Members(heap_, kBusyLists + n), model_.busy(n)) << n;
    }
    ASSERT_EQ(Members(heap_, kBusyLarge), model_.busy(kMaxHeapList));
    for (const auto& [first, id] : model_.runs()) {
      const Span& s = heap_.spans()[id];
      const ModelSpan& m = model_.span(id);
      ASSERT_EQ(heap_.spans().PageIndex(s.address()), first);
      ASSERT_EQ(s.npages, m.npages);
      ASSERT_EQ(s.state, m.state);
      const bool in_use = s.state == SpanState::kInUse;
      ASSERT_EQ(in_use ? heap_.Slots(s).needzero() : s.needzero, m.needzero);
      if (!in_use) continue;
      ASSERT_EQ(s.sweepgen, m.sweepgen);
      ASSERT_EQ(s.span_class, m.span_class);
    }
    ASSERT_NO_THROW(heap_.SelfCheck());
  }

  // Allocations that met the arena's end.
  uint64_t refused() const { return refused_; }

  // Every slot of every span in use.
  void CompareSlots() {
    for (const auto& [first, id] : model_.runs()) {
      if (model_.span(id).state != SpanState::kInUse) continue;
      uint64_t words[16];
      heap_.AllocatedSlots(id, words);
      std::set<uint64_t> taken;
      for (uint32_t i = 0; i < heap_.spans()[id].nelems; ++i) {
        if ((words[i / 64] >> (i % 64) & 1) != 0) taken.insert(i);
      }
      ASSERT_EQ(taken, model_.TakenSlots(id)) << "span " << id;
    }
  }

 private:
  struct Object {
    uint64_t offset, slot;
    BitIndex bit;
    bool tiny;
  };

  bool explicit_reclaim() const { return setting_.reclaim == Reclaim::kExplicit; }
  HeapOptions Options() const {
    HeapOptions o;
    o.layout = layout_;
    o.procs = setting_.procs;
    o.reclaim = setting_.reclaim;
    o.tiny = setting_.tiny;
    return o;
  }
  // A number below n.
  uint32_t Up(uint64_t n) { return static_cast<uint32_t>(random_.Next() % n); }

  void Allocate() {
    uint64_t size;
    const uint32_t kind = Up(100);
    if (kind < 25) {
      size = 1 + Up(24);
    } else if (kind < 70) {
      size = 1 + Up(600);
    } else if (kind < 90) {
      size = 1 + Up(9000);
    } else if (kind < 96) {
      size = 1 + Up(40000);
    } else {
      size = 32769 + Up(Up(8) == 0 ? 2000000 : 200000);
    }
    const uint32_t p = Up(setting_.procs);
    const bool noscan = Up(2) == 0, needzero = Up(2) == 0;
    const uint32_t size_class = Up(20) == 0 ? 1 + Up(66) : 0;  // what an alignment would ask for
    // The heap goes first: the model takes the addresses of descriptors from what it was given.
    Placement r;
    bool refused = false;
    try {
      r = size_class != 0 ? heap_.MallocClass(p, size_class, noscan, needzero)
                          : heap_.Malloc(p, size, noscan, needzero);
    } catch (const FatalError& e) {
      ASSERT_EQ(e.code(), FatalCode::kOutOfMemory) << e.what();
      refused = true;
    }
    ObjectModel::Placed m;
    try {
      m = size_class != 0 ? model_.MallocClass(p, size_class, noscan, needzero)
                          : model_.Malloc(p, size, noscan, needzero);
    } catch (const ObjectModel::OutOfMemory&) {
      // A driver may go on after this: the request is void, what it caused before stays.
      ASSERT_TRUE(refused);
      ++refused_;
      return;
    }
    ASSERT_FALSE(refused);
    ASSERT_EQ(r.address - layout_.start.v, m.offset);
    ASSERT_EQ(r.span_class, m.span_class);
    ASSERT_EQ(r.tiny, m.tiny);
    ASSERT_EQ(r.fresh_block, m.fresh_block);
    ASSERT_EQ(r.cleared, m.cleared);
    ASSERT_EQ(heap_.bits().OwnerOf(r.bit), model_.Lookup(m.offset));
    objects_.push_back({m.offset, m.slot, r.bit, m.tiny});
    ++members_[m.slot];
    fakes_.marker.live.insert(r.bit);
    model_.live.insert(m.slot);
  }

  void Kill(size_t at) {
    const Object o = objects_[at];
    if (explicit_reclaim() && o.tiny) {
      // The block that tiny objects are put in is never free.
      for (uint32_t p = 0; p < setting_.procs; ++p) {
        if (heap_.tiny_block(p).address == layout_.start.v + o.slot) return;
      }
    }
    objects_[at] = objects_.back();
    objects_.pop_back();
    if (--members_[o.slot] > 0) return;
    members_.erase(o.slot);
    fakes_.marker.live.erase(o.bit);
    model_.live.erase(o.slot);
    if (explicit_reclaim()) {
      heap_.FreeSlot(o.bit);
      model_.FreeSlot(o.slot);
    }
  }

  void Manual() {
    if (manual_.empty() || Up(2) == 0) {
      const uint64_t n = Up(4) == 0 ? 1 + Up(40) : 4;
      const SpanId id = heap_.AllocateManual(Pages(n), SpanKind::kStack);
      ASSERT_EQ(id, model_.AllocateManual(n, SpanKind::kStack));
      if (id != kNoSpan) manual_.push_back(id);
    } else {
      std::swap(manual_[Up(manual_.size())], manual_.back());
      heap_.FreeManual(manual_.back(), SpanKind::kStack);
      model_.FreeManual(manual_.back(), SpanKind::kStack);
      manual_.pop_back();
    }
  }

  // Explicit reclaim has no collector that would take records off.
  void Special() {
    if (explicit_reclaim() || objects_.empty()) return;
    const Object& o = objects_[Up(objects_.size())];
    const Address a = layout_.start + Bytes(o.offset);
    const uint32_t what = Up(5);
    if (what == 0) {
      ASSERT_EQ(heap_.RemoveFinalizer(a), model_.RemoveFinalizer(o.offset));
    } else if (what == 1 && profiled_.insert(o.slot).second) {
      // At most one for a block: a second is fatal.
      heap_.AddProfile(layout_.start + Bytes(o.slot));
      ASSERT_TRUE(model_.AddSpecial(o.slot, SpecialKind::kProfile));
    } else {
      ASSERT_EQ(heap_.AddFinalizer(a), model_.AddSpecial(o.offset, SpecialKind::kFinalizer));
    }
  }

  void Look() {
    const uint64_t used = (heap_.arena().used() - layout_.start).v;
    for (int i = 0; i < 20; ++i) {
      const uint64_t offset = Up(used + 100000);
      const Address a = layout_.start + Bytes(offset);
      const SpanId id = offset < used ? model_.Lookup(offset) : kNoSpan;
      ASSERT_EQ(heap_.LookupMaybe(a), id);
      ASSERT_EQ(heap_.InHeap(a), id != kNoSpan);
      ASSERT_EQ(heap_.InHeapOrStack(a), offset < used && model_.InHeapOrStack(offset));
      if (id == kNoSpan) continue;
      const ModelSpan& s = model_.span(id);
      const uint64_t first = s.first * kPageSize;
      const Heap::Found f = heap_.Lookup(0, a);
      ++lookups_;
      ASSERT_EQ(f.size.v, s.slot_bytes);
      ASSERT_EQ((f.base - layout_.start).v, first + (offset - first) / s.slot_bytes * s.slot_bytes);
    }
  }

  void Cycle() {
    if (explicit_reclaim()) {
      heap_.FlushAll();
      model_.FlushAll();
      return;
    }
    while (true) {
      const int64_t n = heap_.SweepStep(SweepCause::kStopTheWorld);
      ASSERT_EQ(n, model_.SweepStep(SweepCause::kStopTheWorld));
      if (n == -1) break;
    }
    heap_.NextMarkBitEpoch();
    heap_.FlushAll();
    model_.FlushAll();
    // What the marker found; a bit more or less makes no difference to what is tested.
    const uint64_t marked = objects_.size() * 700;
    heap_.SetMarked(marked, marked / 2);
    model_.SetMarked(marked, marked / 2);
    heap_.StartSweep();
    model_.StartSweep();
    const double ratio = Up(130) / 100.0 - 0.1;
    heap_.SetTriggerRatio(ratio);
    model_.SetTriggerRatio(ratio);
    // Profile records go with their objects; which ones did is the sweep's business, so that none
    // is added to an object of before.
    for (const Object& o : objects_) profiled_.insert(o.slot);
    if (Up(3) == 0) profiled_.clear();
    if (profiled_.empty()) {
      // Everything is swept: blocks with a record are those the model knows.
      while (heap_.SweepStep(SweepCause::kEager) != -1) model_.SweepStep(SweepCause::kEager);
      ASSERT_EQ(model_.SweepStep(SweepCause::kEager), -1);
      for (const auto& [first, id] : model_.runs()) {
        const ModelSpan& s = model_.span(id);
        if (s.state != SpanState::kInUse) continue;
        for (const auto& [offset, kind] : s.specials) {
          if (kind == 2) profiled_.insert(first * kPageSize + offset);
        }
      }
    }
  }

  void CompareStats() {
    const MemStats& h = heap_.stats();
    const ModelStats& pages = model_.page_stats();
    const ObjectModel::Stats& m = model_.stats();
    ASSERT_EQ(h.heap_sys, pages.heap_sys);
    ASSERT_EQ(h.heap_idle, pages.heap_idle);
    ASSERT_EQ(h.heap_inuse, pages.heap_inuse);
    ASSERT_EQ(h.heap_released, pages.heap_released);
    ASSERT_EQ(h.stacks_inuse, pages.stacks_inuse);
    ASSERT_EQ(heap_.pages_in_use(), pages.pages_in_use);
    ASSERT_EQ(heap_.ReadStats().heap_live, m.heap_live);
    ASSERT_EQ(h.heap_objects, m.heap_objects);
    ASSERT_EQ(h.largealloc, m.largealloc);
    ASSERT_EQ(h.nlargealloc, m.nlargealloc);
    ASSERT_EQ(heap_.sweep_pages_per_byte(), model_.sweep_ratio());
    ASSERT_EQ(heap_.pages_swept(), model_.pages_swept());
    if (m.gc_trigger != 0) {  // set by a cycle
      ASSERT_EQ(h.gc_trigger, m.gc_trigger);
      ASSERT_EQ(h.next_gc, m.next_gc);
    }
    for (const auto& [c, n] : m.nmalloc) ASSERT_EQ(h.nmalloc[c], n);

    const MemStats all = heap_.ReadStats();
    ASSERT_EQ(all.nlookup, lookups_);
    ASSERT_EQ(all.heap_scan, m.passed.heap_scan + m.local.heap_scan);
    ASSERT_EQ(all.tinyallocs, m.passed.tinyallocs + m.local.tinyallocs);
    ASSERT_EQ(all.nlargefree, m.passed.nlargefree + m.local.nlargefree);
    ASSERT_EQ(all.largefree, m.passed.largefree + m.local.largefree);
    std::map<uint32_t, uint64_t> small = m.passed.nsmallfree;
    for (const auto& [c, n] : m.local.nsmallfree) small[c] += n;
    for (const auto& [c, n] : small) ASSERT_EQ(all.nsmallfree[c], n);
    // With one P, also what was passed on and when.
    if (setting_.procs != 1) return;
    ASSERT_EQ(h.heap_scan, m.passed.heap_scan);
    ASSERT_EQ(h.tinyallocs, m.passed.tinyallocs);
    ASSERT_EQ(h.nlargefree, m.passed.nlargefree);
    ASSERT_EQ(h.largefree, m.passed.largefree);
    for (const auto& [c, n] : m.passed.nsmallfree) ASSERT_EQ(h.nsmallfree[c], n);
  }

  const Setting& setting_;
  ArenaLayout layout_;
  Fakes fakes_;
  SeededRandom priorities_, random_;
  Heap heap_;
  ObjectModel model_;
  std::vector<Object> objects_;
  std::map<uint64_t, uint64_t> members_;  // live objects of a slot
  std::set<uint64_t> profiled_;
  std::vector<SpanId> manual_;
  uint64_t lookups_ = 0, refused_ = 0;
};

class ObjectModelTest : public testing::TestWithParam<Setting> {};

TEST_P(ObjectModelTest, SameAsTheHeap) {
  const Setting& setting = GetParam();
  for (uint64_t seed = 1; seed <= setting.seeds; ++seed) {
    World world(setting, seed);
    for (uint64_t i = 0; i < setting.operations; ++i) {
      SCOPED_TRACE(absl::StrCat("seed ", seed, ", operation ", i));
      world.Step();
      if (!HasFatalFailure()) world.Compare();
      if (!HasFatalFailure() && i % 50 == 0) world.CompareSlots();
      if (HasFatalFailure()) return;
    }
    EXPECT_EQ(world.refused() > 0, setting.arena_bytes < (uint64_t{1} << 30));
  }
}

INSTANTIATE_TEST_SUITE_P(
    , ObjectModelTest,
    testing::Values(Setting{"GcOneProc", Reclaim::kGc, 1, 4, 6000, 200, 1500},
                    Setting{"GcSmallHeap", Reclaim::kGc, 1, 5, 3000, 30, 200},
                    Setting{"GcRareCycles", Reclaim::kGc, 1, 2, 6000, 1500, 3000},
                    Setting{"GcThreeProcs", Reclaim::kGc, 3, 3, 5000, 200, 1500},
                    Setting{"GcNoTiny", Reclaim::kGc, 1, 1, 4000, 200, 1500, 1 << 30, false},
                    Setting{"GcEndOfTheArena", Reclaim::kGc, 1, 3, 4000, 200, 3000, 10 << 20},
                    Setting{"ExplicitEndOfTheArena", Reclaim::kExplicit, 1, 3, 4000, 200, 3000,
                            (3 << 20) + 5 * 65536},
                    Setting{"ExplicitOneProc", Reclaim::kExplicit, 1, 4, 6000, 300, 1500},
                    Setting{"ExplicitSmallHeap", Reclaim::kExplicit, 2, 4, 4000, 40, 200}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace heapsim::heap::naive
