// Random calls: the machine and the naive one must agree on every page, area and counter.

#include <algorithm>
#include <cstdint>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "sim/machine/machine.h"
#include "sim/machine/naive_machine.h"

namespace heapsim::sim {
namespace {

using heap::Address;
using heap::Advice;
using heap::Bytes;

struct Case {
  std::string name;
  MachineOptions options;
  uint64_t window_pages;
  uint64_t window_end;  // kTop where calls without a place are made too
  uint64_t longest;     // pages of a range
  int steps;
  int compare_every;
  bool calm;  // most of the window stays mapped, so that long touches happen
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

// Keeps its own picture of residency from what it is told.
class Recorder : public ResidencyListener {
 public:
  Recorder(const Machine& machine, uint64_t begin, uint64_t pages)
      : machine_(machine), begin_(begin), resident_(pages), lazy_(pages) {}

  void OnResident(Address begin, Bytes length) override { Set(0, &resident_, true, begin, length); }
  void OnNonResident(Address begin, Bytes length) override {
    Set(1, &resident_, false, begin, length);
  }
  void OnLazilyFreed(Address begin, Bytes length) override { Set(2, &lazy_, true, begin, length); }
  void OnNotLazilyFreed(Address begin, Bytes length) override {
    Set(3, &lazy_, false, begin, length);
  }

  void StartCall() { last_kind_ = -1; }
  bool resident(uint64_t i) const { return resident_[i]; }
  bool lazy(uint64_t i) const { return lazy_[i]; }

 private:
  void Set(int kind, std::vector<bool>* bits, bool value, Address begin, Bytes length) {
    // Maximal: not the continuation of the run before.
    EXPECT_FALSE(kind == last_kind_ && begin.v == last_end_);
    last_kind_ = kind;
    last_end_ = begin.v + length.v;
    const uint64_t page_size = machine_.page_size().v;
    for (uint64_t at = begin.v; at < last_end_; at += page_size) {
      const uint64_t i = (at - begin_) / page_size;
      EXPECT_NE((*bits)[i], value) << "reported twice";
      (*bits)[i] = value;
      // The change is done when it is reported.
      if (kind < 2) {
        EXPECT_EQ(machine_.IsResident(Address(at)), value);
      } else {
        EXPECT_EQ(machine_.IsLazilyFreed(Address(at)), value);
      }
    }
  }

  const Machine& machine_;
  uint64_t begin_;
  std::vector<bool> resident_, lazy_;
  int last_kind_ = -1;
  uint64_t last_end_ = 0;
};

class ModelTest : public testing::TestWithParam<Case> {
 protected:
  void ExpectEqualStats(const MachineStats& got, const MachineStats& want) {
    EXPECT_EQ(got.page_faults, want.page_faults);
    EXPECT_EQ(got.huge_page_faults, want.huge_page_faults);
    EXPECT_EQ(got.mmap_calls, want.mmap_calls);
    EXPECT_EQ(got.munmap_calls, want.munmap_calls);
    EXPECT_EQ(got.mprotect_calls, want.mprotect_calls);
    EXPECT_EQ(got.madvise_calls, want.madvise_calls);
    EXPECT_EQ(got.failed_calls, want.failed_calls);
    EXPECT_EQ(got.released_bytes, want.released_bytes);
    EXPECT_EQ(got.reclaimed_bytes, want.reclaimed_bytes);
    EXPECT_EQ(got.revived_bytes, want.revived_bytes);
    EXPECT_EQ(got.refaulted_bytes, want.refaulted_bytes);
    EXPECT_EQ(got.oom_events, want.oom_events);
    EXPECT_EQ(got.cost_ns, want.cost_ns);
    EXPECT_EQ(got.peak_resident_bytes, want.peak_resident_bytes);
    EXPECT_EQ(got.peak_mapped_bytes, want.peak_mapped_bytes);
    EXPECT_EQ(got.peak_virtual_bytes, want.peak_virtual_bytes);
  }
};

TEST_P(ModelTest, Agrees) {
  const Case& c = GetParam();
  const uint64_t page_size = c.options.page_size.v;
  const uint64_t end = c.window_end & ~(page_size - 1);
  const uint64_t begin = end - c.window_pages * page_size;
  const bool at_top = c.window_end == VmaMap::kTop;
  Machine machine(c.options);
  NaiveMachine naive(c.options, begin, end);
  Recorder recorder(machine, begin, c.window_pages);
  machine.set_listener(&recorder);
  std::mt19937_64 random(1);
  const auto below = [&](uint64_t n) { return random() % n; };
  if (c.calm) {
    ASSERT_EQ(machine.Map(Address(begin), Bytes(end - begin)), Errno::kOk);
    ASSERT_EQ(naive.Map(begin, end - begin, Protection::kReadWrite), Errno::kOk);
  }

  for (int step = 0; step < c.steps && !HasFailure(); ++step) {
    SCOPED_TRACE(step);
    recorder.StartCall();
    // Mostly short ranges, and often ones that start or end on a huge page.
    uint64_t pages = 1 + below(below(4) == 0 ? c.longest : std::min<uint64_t>(c.longest, 40));
    uint64_t first = below(c.window_pages - pages + 1);
    if (below(4) == 0) {
      const uint64_t huge = c.options.huge_page_size.v / page_size;
      first -= std::min(first, (begin / page_size + first) % huge);
      if (below(2) == 0) pages = std::min(c.window_pages - first, (pages + huge - 1) / huge * huge);
    }
    const uint64_t at = begin + first * page_size;
    const uint64_t size = pages * page_size;
    const Protection protection = below(3) == 0 ? Protection::kNone : Protection::kReadWrite;
    uint64_t what = below(100);
    if (c.calm && what < 18 && below(8) != 0) {
      ASSERT_EQ(machine.Protect(Address(at), Bytes(size), Protection::kReadWrite),
                naive.Protect(at, size, Protection::kReadWrite));
      what = 99;
    }
    if (what < 6) {
      ASSERT_EQ(machine.Map(Address(at), Bytes(size), protection), naive.Map(at, size, protection));
    } else if (what < 9) {
      ASSERT_EQ(machine.Free(Address(at), Bytes(size)), naive.Free(at, size));
    } else if (what < 13) {
      // Only where the window has room, for the naive one knows nothing else.
      if (!at_top || machine.virtual_bytes().v + 2 * size > (end - begin) / 2 || pages > 40)
        continue;
      const bool hinted = below(2) == 0;
      const Machine::Mapped got = protection == Protection::kNone || hinted
                                      ? machine.Reserve(Address(hinted ? at : 0), Bytes(size))
                                      : machine.Alloc(Bytes(size));
      if (got.error == Errno::kOk && got.address.v < begin) {
        ASSERT_EQ(machine.Free(got.address, Bytes(size)), Errno::kOk);
        GTEST_SKIP() << "left the window at step " << step;
      }
      const Machine::Mapped want =
          naive.MapAnywhere(hinted ? at : 0, size, hinted ? Protection::kNone : protection);
      ASSERT_EQ(got.error, want.error);
      ASSERT_EQ(got.address.v, want.address.v);
    } else if (what < 18) {
      ASSERT_EQ(machine.Protect(Address(at), Bytes(size), protection),
                naive.Protect(at, size, protection));
    } else if (what < 45) {
      static constexpr Advice kAdvice[] = {Advice::kDontNeed, Advice::kDontNeed,
                                           Advice::kFree,     Advice::kFree,
                                           Advice::kHugePage, Advice::kNoHugePage};
      const Advice advice = kAdvice[below(6)];
      ASSERT_EQ(machine.Advise(Address(at), Bytes(size), advice), naive.Advise(at, size, advice));
    } else {
      const uint64_t from = at + below(page_size);
      const uint64_t length = 1 + below(at + size - from);
      if (naive.Writable(from / page_size * page_size, (from + length - 1) / page_size * page_size +
                                                           page_size -
                                                           from / page_size * page_size)) {
        ASSERT_EQ(machine.Touch(Address(from), Bytes(length)), naive.Touch(from, length));
      } else {
        const uint64_t hash = machine.StateHash();
        // Resident pages are looked at before areas, and only accessible ones are ready.
        EXPECT_THROW(machine.Touch(Address(from), Bytes(length)), SegmentationFault);
        EXPECT_EQ(machine.StateHash(), hash);
      }
    }
    ASSERT_EQ(machine.resident_bytes().v, naive.CountResident() * page_size);
    ASSERT_EQ(machine.lazily_freed_bytes().v, naive.CountLazy() * page_size);
    ASSERT_EQ(machine.vma_count(), naive.areas().size());
    ExpectEqualStats(machine.stats(), naive.stats());
    if (step % c.compare_every != 0) continue;

    ASSERT_EQ(machine.huge_bytes().v, naive.CountHuge() * page_size);
    ASSERT_EQ(machine.peak_vma_count(), naive.peak_vma_count());
    size_t area = 0;
    uint64_t all = 0, writable = 0;
    for (const auto& [start, vma] : machine.vmas().tree()) {
      const NaiveMachine::Area& want = naive.areas()[area++];
      ASSERT_EQ(start, want.begin);
      ASSERT_EQ(vma.end, want.end);
      ASSERT_TRUE(vma.flags == want.flags);
      ASSERT_EQ(vma.anon, want.anon);
      all += vma.end - start;
      if (vma.flags.protection == Protection::kReadWrite) writable += vma.end - start;
    }
    ASSERT_EQ(machine.virtual_bytes().v, all);
    ASSERT_EQ(machine.mapped_bytes().v, writable);
    for (uint64_t i = 0; i < c.window_pages; ++i) {
      const Address address(begin + i * page_size);
      const NaiveMachine::Page& page = naive.page(address.v);
      ASSERT_EQ(machine.IsResident(address), page.resident) << i;
      ASSERT_EQ(machine.IsLazilyFreed(address), page.lazy) << i;
      ASSERT_EQ(machine.IsHuge(address), page.huge) << i;
      ASSERT_EQ(recorder.resident(i), page.resident) << i;
      ASSERT_EQ(recorder.lazy(i), page.lazy) << i;
    }
    // Queries of a range of any alignment.
    const uint64_t from = at + below(page_size);
    const uint64_t length = below(at + size - from + 1);
    const uint64_t stop_at = from + length;
    uint64_t resident = 0, lazy = 0, ready = 0;
    uint64_t next_resident = stop_at, next_non_resident = stop_at;
    uint64_t next_ready = stop_at, next_not_ready = stop_at;
    for (uint64_t a = from; a < stop_at;) {
      const uint64_t stop = std::min(stop_at, (a / page_size + 1) * page_size);
      const NaiveMachine::Page& page = naive.page(a);
      const bool is_ready =
          page.resident && !page.lazy && naive.Writable(a / page_size * page_size, page_size);
      if (page.resident) resident += stop - a;
      if (page.lazy) lazy += stop - a;
      if (is_ready) ready += stop - a;
      uint64_t& residency = page.resident ? next_resident : next_non_resident;
      residency = std::min(residency, a);
      uint64_t& readiness = is_ready ? next_ready : next_not_ready;
      readiness = std::min(readiness, a);
      a = stop;
    }
    EXPECT_EQ(machine.ResidentBytes(Address(from), Bytes(length)).v, resident);
    EXPECT_EQ(machine.LazilyFreedBytes(Address(from), Bytes(length)).v, lazy);
    EXPECT_EQ(machine.ReadyBytes(Address(from), Bytes(length)).v, ready);
    EXPECT_EQ(machine.NextResident(Address(from), Bytes(length)).v, next_resident);
    EXPECT_EQ(machine.NextNonResident(Address(from), Bytes(length)).v, next_non_resident);
    EXPECT_EQ(machine.NextReady(Address(from), Bytes(length)).v, next_ready);
    EXPECT_EQ(machine.NextNotReady(Address(from), Bytes(length)).v, next_not_ready);
  }
  // The run was worth something.
  EXPECT_GT(machine.stats().refaulted_bytes, 0u);
  EXPECT_GT(machine.stats().revived_bytes, 0u);
  EXPECT_EQ(machine.stats().reclaimed_bytes > 0, c.options.memory_limit.v > 0);
  if (c.options.huge_pages != HugePages::kMadvise) {
    EXPECT_EQ(machine.stats().huge_page_faults > 0, c.options.huge_pages == HugePages::kAlways);
  }
}

std::vector<Case> Cases() {
  std::vector<Case> cases;
  for (uint64_t page_size : {4096, 16384, 65536}) {
    for (HugePages huge : {HugePages::kNever, HugePages::kMadvise, HugePages::kAlways}) {
      for (bool limited : {false, true}) {
        MachineOptions options;
        options.page_size = Bytes(page_size);
        options.huge_pages = huge;
        options.huge_page_size = Bytes(32 * page_size);
        if (limited) options.memory_limit = Bytes(300 * page_size + 5);
        if (limited) options.max_vmas = 40;
        static constexpr const char* kNames[] = {"Never", "Madvise", "Always"};
        const std::string name =
            std::to_string(page_size) + kNames[static_cast<int>(huge)] + (limited ? "Limited" : "");
        cases.push_back(
            {name, options, 1500, VmaMap::kTop, 400, page_size == 4096 ? 8000 : 4000, 4, false});
        // Across the border of two chunks.
        if (!limited) options.huge_page_size = Bytes(128 * page_size);
        const uint64_t border = uint64_t{1} << 46;
        cases.push_back({name + "Border", options, 1500, border + 700 * page_size, 400,
                         page_size == 4096 ? 6000 : 3000, 4, true});
      }
    }
  }
  // Whole chunks.
  for (HugePages huge : {HugePages::kNever, HugePages::kAlways}) {
    MachineOptions options;
    options.huge_pages = huge;
    const uint64_t chunk = uint64_t{1} << 18;
    cases.push_back({huge == HugePages::kNever ? "Chunks" : "ChunksHuge", options, 3 * chunk,
                     (uint64_t{1} << 46) + 2 * chunk * 4096, 5 * chunk / 2, 200, 20, true});
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(All, ModelTest, testing::ValuesIn(Cases()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace heapsim::sim
