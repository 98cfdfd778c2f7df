#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "heap/fakes.h"
#include "heap/heap.h"

namespace heapsim::heap {
namespace {

class SweepTest : public testing::Test {
 protected:
  SweepTest() : layout_(SmallLayout(Bytes(64 << 20))), fakes_(layout_.start) {
    HeapOptions options;
    options.layout = layout_;
    heap_ = std::make_unique<Heap>(options, fakes_.seams());
    Sweep();
  }
  Placement Dead(uint64_t size, bool noscan = true) {
    return heap_->Malloc(0, size, noscan, false);
  }
  Placement Live(uint64_t size) {
    const Placement p = Dead(size);
    fakes_.marker.live.insert(p.bit);
    return p;
  }
  uint64_t Step() { return static_cast<uint64_t>(heap_->SweepStep(SweepCause::kBackground)); }
  void Sweep() {
    while (heap_->SweepStep(SweepCause::kBackground) != -1) {
    }
  }
  // Marking is done; nothing is swept yet.
  void StartCycle() {
    Sweep();
    heap_->FlushAll();
    heap_->StartSweep();
    fakes_.observer.lines.clear();
  }
  // The noted lines that begin with one of the letters.
  std::vector<std::string> Lines(absl::string_view first_letters) {
    std::vector<std::string> found;
    for (const std::string& line : fakes_.observer.lines) {
      if (absl::StrContains(first_letters, line.substr(0, 1))) found.push_back(line);
    }
    fakes_.observer.lines.clear();
    return found;
  }
  SpanId SpanOf(const Placement& p) const { return heap_->SpanOf(Address(p.address)); }
  using Strings = std::vector<std::string>;

  ArenaLayout layout_;
  Fakes fakes_;
  std::unique_ptr<Heap> heap_;
};

TEST_F(SweepTest, NewestSpanFirst) {
  const SpanId a = SpanOf(Live(40000)), b = SpanOf(Live(40000)), c = SpanOf(Live(40000));
  StartCycle();
  EXPECT_EQ(Step(), 0u);
  Sweep();
  EXPECT_EQ(
      Lines("Z"),
      (Strings{absl::StrCat("Z{ ", c, " 14000 5 1 2 0 1 1 1"), absl::StrCat("Z} ", c, " 0 1 0"),
               absl::StrCat("Z{ ", b, " a000 5 1 2 0 1 1 1"), absl::StrCat("Z} ", b, " 0 1 0"),
               absl::StrCat("Z{ ", a, " 0 5 1 2 0 1 1 1"), absl::StrCat("Z} ", a, " 0 1 0")}));
  EXPECT_TRUE(heap_->sweep_done());
  EXPECT_EQ(heap_->pages_swept(), 15u);
}

TEST_F(SweepTest, DeadPagesComeBackAtOnce) {
  Dead(40000);
  Live(40000);
  StartCycle();
  EXPECT_EQ(Step(), 0u);
  EXPECT_EQ(Step(), 5u);
  EXPECT_EQ(heap_->stats().heap_inuse, 40960u);
  EXPECT_EQ(static_cast<int64_t>(Step()), -1);
  EXPECT_EQ(static_cast<int64_t>(Step()), -1);
  heap_->SelfCheck();
}

// What was swept on another way is still on the stack and skipped, also where its descriptor was
// given away meanwhile.
TEST_F(SweepTest, StaleEntriesAreSkipped) {
  Live(40000);
  Dead(40000);
  StartCycle();
  Dead(40000);  // reclaims the dead one first
  EXPECT_EQ(Lines("Z").size(), 4u);
  heap_->AllocateManual(Pages(1), SpanKind::kStack);
  heap_->SelfCheck();
  EXPECT_EQ(static_cast<int64_t>(Step()), -1);
  EXPECT_EQ(Lines("Z").size(), 0u);
}

TEST_F(SweepTest, FullSpansMoveToTheFrontOfTheCentralList) {
  const SpanClass c = static_cast<SpanClass>(heap_->classes().ClassOf(1024) << 1 | 1);
  std::vector<Placement> all;
  for (int i = 0; i < 24; ++i) all.push_back(Live(1024));
  fakes_.marker.live.erase(all[0].bit);  // one of the first span
  fakes_.marker.live.erase(all[9].bit);  // two of the second
  fakes_.marker.live.erase(all[10].bit);
  StartCycle();
  Sweep();
  EXPECT_EQ(heap_->spans().First(static_cast<ListId>(kNonempty + c)), SpanOf(all[0]));
  EXPECT_EQ(heap_->spans()[SpanOf(all[0])].next, SpanOf(all[8]));
  EXPECT_EQ(heap_->spans().First(static_cast<ListId>(kEmpty + c)), SpanOf(all[16]));
  EXPECT_EQ(heap_->spans()[SpanOf(all[8])].alloc_count, 6u);
  EXPECT_TRUE(heap_->spans()[SpanOf(all[8])].needzero);
  EXPECT_FALSE(heap_->spans()[SpanOf(all[16])].needzero);
  // Slots are handed out in rising order.
  EXPECT_EQ(Live(1024).address, all[0].address);
  EXPECT_EQ(Live(1024).address, all[9].address);
  EXPECT_EQ(Live(1024).address, all[10].address);
  heap_->SelfCheck();
}

TEST_F(SweepTest, AnEmptySmallSpanGoesToThePageHeap) {
  const Placement p = Dead(1024);
  StartCycle();
  EXPECT_EQ(Step(), 1u);
  EXPECT_EQ(heap_->stats().heap_inuse, 0u);
  EXPECT_EQ(heap_->spans()[SpanOf(p)].state, SpanState::kFree);
  EXPECT_TRUE(heap_->spans()[SpanOf(p)].needzero);
}

// Lists of large spans from the wanted length upwards, the first that gives anything is enough;
// then shorter ones, summed up; then single steps.
TEST_F(SweepTest, ReclaimOrder) {
  const Placement p200 = Dead(200 * kPageSize), p7 = Dead(7 * kPageSize), p6 = Live(6 * kPageSize),
                  p5 = Dead(5 * kPageSize);
  const auto swept = [&] {
    std::vector<SpanId> ids;
    for (const std::string& line : Lines("Z")) {
      if (line[1] == '{') ids.push_back(static_cast<SpanId>(std::stoi(line.substr(3))));
    }
    return ids;
  };
  const SpanId s200 = SpanOf(p200), s7 = SpanOf(p7), s6 = SpanOf(p6), s5 = SpanOf(p5);
  StartCycle();
  Live(6 * kPageSize);
  EXPECT_EQ(swept(), (std::vector<SpanId>{s6, s7}));
  Live(8 * kPageSize);
  EXPECT_EQ(swept(), (std::vector<SpanId>{s200}));
  Live(9 * kPageSize);
  EXPECT_EQ(swept(), (std::vector<SpanId>{s5}));
  EXPECT_TRUE(heap_->sweep_done());  // the five pages were not enough
  heap_->SelfCheck();
}

// --- Special records

TEST_F(SweepTest, AFinalizerKeepsItsObjectForACycle) {
  const Placement p = Dead(100);
  EXPECT_TRUE(heap_->AddFinalizer(Address(p.address)));
  EXPECT_FALSE(heap_->AddFinalizer(Address(p.address)));
  StartCycle();
  EXPECT_EQ(Step(), 0u);
  EXPECT_EQ(Lines("P"), Strings{"P! 0 1"});
  uint64_t words[16];
  heap_->AllocatedSlots(SpanOf(p), words);
  EXPECT_EQ(words[0], 1u);
  StartCycle();
  EXPECT_EQ(Step(), 1u);  // no record any more
  EXPECT_EQ(Lines("P"), Strings{});
}

TEST_F(SweepTest, AProfileRecordStaysWithAFinalizedObject) {
  const Placement p = Dead(100);
  heap_->AddProfile(Address(p.address));
  heap_->AddFinalizer(Address(p.address));
  StartCycle();
  Step();
  EXPECT_EQ(Lines("P"), Strings{"P! 0 1"});
  StartCycle();
  Step();
  EXPECT_EQ(Lines("P"), Strings{"P! 0 2"});
}

TEST_F(SweepTest, LiveObjectsKeepTheirRecords) {
  const Placement p = Live(100);
  heap_->AddFinalizer(Address(p.address));
  StartCycle();
  Sweep();
  EXPECT_EQ(Lines("P"), Strings{});
  EXPECT_TRUE(heap_->RemoveFinalizer(Address(p.address)));
  EXPECT_FALSE(heap_->RemoveFinalizer(Address(p.address)));
}

// The finalizers of one tiny block go together, by address; other objects of the span have theirs
// taken in the same walk.
TEST_F(SweepTest, FinalizersOfATinyBlock) {
  const Placement a = Dead(4), b = Dead(4), c = Dead(16);
  EXPECT_EQ(b.bit, a.bit);
  heap_->AddFinalizer(Address(c.address));
  heap_->AddFinalizer(Address(b.address));
  heap_->AddFinalizer(Address(a.address));
  heap_->AddProfile(Address(a.address));
  StartCycle();
  EXPECT_EQ(Step(), 0u);
  EXPECT_EQ(Lines("P"), (Strings{"P! 0 1", "P! 4 1", "P! 10 1"}));
  StartCycle();
  EXPECT_EQ(Step(), 1u);
  EXPECT_EQ(Lines("P"), Strings{"P! 0 2"});
}

TEST_F(SweepTest, ASpanIsSweptBeforeARecordIsAdded) {
  const Placement p = Live(100);
  Dead(100);
  StartCycle();
  heap_->AddFinalizer(Address(p.address));
  EXPECT_EQ(Lines("QZ"), (Strings{"Q{ 1 0", "Z{ 1 0 1 17 2 0 73 2 2", "Z} 1 1 1 0", "Q} 1 0"}));
  heap_->AddProfile(Address(p.address));
  EXPECT_EQ(Lines("QZ"), (Strings{"Q{ 1 0", "Q} 1 0"}));
  EXPECT_EQ(static_cast<int64_t>(Step()), -1);
}

}  // namespace
}  // namespace heapsim::heap
