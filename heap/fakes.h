// Stand-ins for the heap's seams, for tests: an operating system that hands out simulated memory
// and fails on demand, a clock that is set by hand, a seeded random source, a marker that asks a
// set of live objects, an observer that writes everything down.
#ifndef HEAPSIM_HEAP_FAKES_H_
#define HEAPSIM_HEAP_FAKES_H_

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "heap/heap.h"
#include "heap/observer.h"
#include "heap/seams.h"
#include "heap/span.h"
#include "heap/units.h"

namespace heapsim::heap {

// Memory is only numbers. Every call but PhysicalPageSize and Touch is written to `calls`, in
// hexadecimal, as the test reads it: "map arena 8000 2000 heap".
class FakeOs final : public Os {
 public:
  // Set to make the calls of a kind fail from now on.
  bool refuse_reserve = false;
  bool refuse_map = false;
  bool refuse_alloc = false;
  bool refuse_persistent = false;
  bool refuse_advice = false;
  Bytes physical_page{4096};
  // Chunks for records come at falling addresses every other time, so that the order of addresses
  // is not the order of making.
  bool scatter = false;

  std::vector<std::string> calls;
  // Ranges the heap wrote to itself; only kept where `keep_touches`.
  bool keep_touches = false;
  std::vector<std::pair<uint64_t, uint64_t>> touches;
  // What Persistent gave for records of each size, in order.
  std::vector<std::pair<uint64_t, Address>> chunks;

  Bytes PhysicalPageSize() const override { return physical_page; }
  Address Reserve(Address hint, Bytes length) override {
    Note("reserve", hint, length, "");
    if (refuse_reserve) return Address();
    return hint.is_null() ? Take(length) : hint;
  }
  bool Map(MapArea area, Address begin, Bytes length, SysStat stat) override {
    static constexpr const char* kAreas[] = {"map arena", "map spans", "map bitmap"};
    Note(kAreas[static_cast<int>(area)], begin, length, Name(stat));
    return !refuse_map;
  }
  Address Alloc(Bytes length, SysStat stat) override {
    const Address a = refuse_alloc ? Address() : Take(length);
    Note("alloc", a, length, Name(stat));
    return a;
  }
  void Free(Address begin, Bytes length, SysStat stat) override {
    Note("free", begin, length, Name(stat));
  }
  bool Advise(Address begin, Bytes length, Advice advice) override {
    static constexpr const char* kAdvice[] = {"dontneed", "free", "huge", "nohuge"};
    Note("advise", begin, length, kAdvice[static_cast<int>(advice)]);
    return !refuse_advice;
  }
  void Fault(Address begin, Bytes length) override { Note("fault", begin, length, ""); }
  Address Persistent(Bytes size, Bytes align, SysStat stat, Bytes element_size) override {
    Address a;
    if (!refuse_persistent) {
      a = scatter && chunks.size() % 2 == 1 ? below_ = below_ - Bytes(RoundUp(size.v, align.v))
                                            : Take(Bytes(RoundUp(size.v, align.v)));
      chunks.emplace_back(element_size.v, a);
    }
    Note("persistent", a, size, Name(stat));
    return a;
  }
  void Touch(Address begin, Bytes length) override {
    if (keep_touches) touches.emplace_back(begin.v, length.v);
  }

  // The calls since the last time, joined by "; ".
  std::string TakeCalls() {
    std::string joined;
    for (const std::string& c : calls) absl::StrAppend(&joined, joined.empty() ? "" : "; ", c);
    calls.clear();
    return joined;
  }

 private:
  static const char* Name(SysStat stat) {
    static constexpr const char* kStats[] = {" heap",     " stacks", " mspan", " mcache",
                                             " buckhash", " gc",     " other"};
    return kStats[static_cast<int>(stat)];
  }
  void Note(absl::string_view what, Address a, Bytes n, absl::string_view rest) {
    calls.push_back(absl::StrCat(what, " ", absl::Hex(a.v), " ", absl::Hex(n.v),
                                 rest.empty() || rest[0] == ' ' ? "" : " ", rest));
  }
  Address Take(Bytes n) {
    const Address a = next_;
    next_ = next_ + n;
    return a;
  }

  Address next_{0x7f0000000000};
  Address below_{0x7e0000000000};
};

// The time is what the test says. It must not be 0, which the heap takes for "not set".
class ManualClock final : public Clock {
 public:
  int64_t now = 1;
  int64_t Now() override { return now; }
};

// splitmix64, cut to the bits of `mask`: a narrow mask makes treap priorities collide.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed, uint32_t mask = ~uint32_t{0}) : state_(seed), mask_(mask) {}
  uint32_t Next() override {
    state_ += 0x9e3779b97f4a7c15;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return static_cast<uint32_t>((z ^ (z >> 31)) >> 32) & mask_;
  }

 private:
  uint64_t state_;
  uint32_t mask_;
};

// An object lives while its slot's bit is in the set.
class LiveSetMarker final : public Marker {
 public:
  std::set<uint64_t> live;

  void Marks(SpanId, uint64_t bits, uint32_t slots, const uint64_t*, uint64_t* marks) override {
    for (uint32_t i = 0; i < (slots + 63) / 64; ++i) marks[i] = 0;
    for (auto it = live.lower_bound(bits); it != live.end() && *it < bits + slots; ++it) {
      marks[(*it - bits) / 64] |= uint64_t{1} << ((*it - bits) % 64);
    }
  }
};

// Writes a line for each call, with the letters that logs of the real runtime use and offsets from
// the arena's start in hexadecimal.
class RecordingObserver : public Observer {
 public:
  explicit RecordingObserver(Address arena_start) : start_(arena_start) {}

  std::vector<std::string> lines;

  void SpanAllocBegin(Pages n, SpanKind kind, SpanClass c, bool large) override {
    Line("A{ ", n.v, " ", Number(kind), " ", uint32_t{c}, " ", Flag(large));
  }
  void SpanAllocEnd(const SpanAllocated& a) override {
    Line("A} ", a.span, " ", Offset(a.base), " ", a.pages.v, " ", a.source_pages.v, " ",
         Flag(a.needzero), " ", Flag(a.grew));
  }
  void GrowBegin(Pages n, Bytes ask) override { Line("G{ ", n.v, " ", ask.v); }
  void GrowEnd(Address a) override { Line("G} ", Offset(a)); }
  void SpanFreeBegin(const SpanFreeing& f) override {
    Line("F{ ", f.span, " ", Offset(f.base), " ", f.pages.v, " ", Number(f.state), " ",
         Flag(f.account_inuse), " ", Flag(f.account_idle), " ", Number(f.cause), " ",
         Flag(f.needzero));
  }
  void SpanFreeEnd(const SpanFreed& f) override {
    Line("F} ", f.span, " ", f.unused_since, " ", Offset(f.merged_base), " ", f.merged_pages.v, " ",
         f.merged_released.v, " ", Flag(f.merged_needzero));
  }
  void DescriptorTaken(SpanId id, Address a) override { Line("n ", id, " ", absl::Hex(a.v)); }
  void SpanAbsorbed(SpanId id, Address a) override { Line("x ", id, " ", absl::Hex(a.v)); }
  void TreapInserted(SpanId id, Address base, Pages n, uint32_t priority) override {
    Line("t ", id, " ", Offset(base), " ", n.v, " ", priority);
  }
  void ScavengeBegin(int32_t k, uint64_t now, uint64_t limit) override {
    Line("S{ ", k, " ", now, " ", limit);
  }
  void ScavengeEnd(Bytes n) override { Line("S} ", n.v); }
  void RangeUnused(Address a, Bytes n) override { Line("U ", Offset(a), " ", n.v); }
  void RangeUsed(Address a, Bytes n) override { Line("u ", Offset(a), " ", n.v); }

  void RefillBegin(uint32_t p, SpanClass c, SpanId old) override {
    Line("R{ ", p, " ", uint32_t{c}, " ", old);
  }
  void RefillEnd(const RefillResult& r) override {
    Line("R} ", r.span, " ", Offset(r.base), " ", Number(r.path), " ", r.allocated, " ",
         r.free_index, " ", r.heap_live);
  }
  void DeductBegin(Bytes n, Pages caller, uint64_t live, uint64_t swept) override {
    Line("D{ ", n.v, " ", caller.v, " ", live, " ", swept);
  }
  void DeductEnd() override { Line("D}"); }
  void ReclaimBegin(Pages n) override { Line("H{ ", n.v); }
  void ReclaimEnd() override { Line("H}"); }
  void SweepStepBegin(SweepCause cause) override { Line("W{ ", Number(cause)); }
  void SweepStepEnd(int64_t n) override { Line("W} ", n); }
  void SweepBegin(const SweepInput& s) override {
    Line("Z{ ", s.span, " ", Offset(s.base), " ", s.pages.v, " ", uint32_t{s.span_class}, " ",
         s.sweepgen, " ", Flag(s.preserve), " ", s.slots, " ", s.allocated, " ", s.free_index);
  }
  void SweepEnd(const SweepOutput& s) override {
    Line("Z} ", s.span, " ", s.freed_slots, " ", s.allocated, " ", Flag(s.freed_span));
  }
  void FlushBegin(uint32_t p) override { Line("Y{ ", p); }
  void FlushEnd(uint32_t p) override { Line("Y} ", p); }
  void Uncached(SpanClass c, SpanId id, Address a, uint32_t free) override {
    Line("X ", uint32_t{c}, " ", id, " ", Offset(a), " ", free);
  }
  void SpecialTaken(Address a, SpecialKind kind) override {
    Line("P! ", Offset(a), " ", Number(kind));
  }
  void EnsureSweptBegin(SpanId id, Address a) override { Line("Q{ ", id, " ", Offset(a)); }
  void EnsureSweptEnd(SpanId id, Address a) override { Line("Q} ", id, " ", Offset(a)); }
  void SweepStart(uint32_t sweepgen, uint64_t pages) override { Line("gW ", sweepgen, " ", pages); }
  void SweepPaced() override { Line("gR"); }

 private:
  template <typename... Parts>
  void Line(const Parts&... parts) {
    lines.push_back(absl::StrCat(parts...));
  }
  template <typename E>
  static int Number(E e) {
    return static_cast<int>(e);
  }
  static int Flag(bool b) { return b ? 1 : 0; }
  absl::Hex Offset(Address a) const { return absl::Hex(a.v - start_.v); }

  Address start_;
};

// Fakes for every seam, wired together.
struct Fakes {
  explicit Fakes(Address arena_start, uint64_t seed = 1, uint32_t priority_mask = ~uint32_t{0})
      : random(seed, priority_mask), observer(arena_start) {}

  HeapSeams seams() { return {&os, &clock, &random, &marker, &observer}; }

  FakeOs os;
  ManualClock clock;
  SeededRandom random;
  LiveSetMarker marker;
  RecordingObserver observer;
};

// A layout as Go's with an arena of `bytes`, so that a test reaches its end.
inline ArenaLayout SmallLayout(Bytes bytes) {
  ArenaLayout layout = ArenaLayout::Go110();
  layout.end = layout.start + bytes;
  return layout;
}

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_FAKES_H_
