#include "heap/pages/go110.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "heap/fakes.h"
#include "heap/fatal.h"
#include "heap/heap.h"

namespace heapsim::heap {
namespace {

constexpr uint64_t kMiB = 1 << 20;

// Drives the page heap with manual spans, which are the nearest to plain pages.
class Go110PagesTest : public testing::Test {
 protected:
  Go110PagesTest() : layout_(SmallLayout(Bytes(64 * kMiB))), fakes_(layout_.start) { Make(); }
  void Make() {
    HeapOptions options;
    options.layout = layout_;
    heap_ = std::make_unique<Heap>(options, fakes_.seams());
    fakes_.os.calls.clear();
  }
  SpanId Take(uint64_t pages) { return heap_->AllocateManual(Pages(pages), SpanKind::kStack); }
  void Give(SpanId id) {
    heap_->FreeManual(id, SpanKind::kStack);
    heap_->SelfCheck();
  }
  uint64_t PageOf(SpanId id) const {
    return heap_->spans().PageIndex(heap_->spans()[id].address());
  }
  std::string Descriptor(SpanId id) const {
    return absl::StrCat(absl::Hex(heap_->DescriptorAddress(id).v));
  }
  // Free runs in the order of the scavenger's walk: "first page+pages(-released)".
  std::string Free() const {
    std::vector<std::string> runs;
    heap_->pages().ForEachFree([&](const FreeRun& r) {
      runs.push_back(absl::StrCat((r.base - layout_.start).v >> kPageShift, "+", r.pages.v));
      if (r.released.v != 0) absl::StrAppend(&runs.back(), "-", r.released.v);
    });
    return absl::StrJoin(runs, " ");
  }

  ArenaLayout layout_;
  Fakes fakes_;
  std::unique_ptr<Heap> heap_;
};

TEST_F(Go110PagesTest, GrowsByAMebibyteOrMore) {
  const SpanId a = Take(1);
  EXPECT_EQ(PageOf(a), 0u);
  EXPECT_EQ(Free(), "1+127");
  Take(128);
  EXPECT_EQ(Free(), "129+127");  // what grows joins what was free before it
  Take(129);                     // a multiple of 64 KiB: 136 pages
  EXPECT_EQ(heap_->arena().used(), layout_.start + Pages(128 + 128 + 136).bytes());
  EXPECT_EQ(Free(), "258+134");
}

TEST_F(Go110PagesTest, NewestOfAListFirst) {
  SpanId s[7];
  for (SpanId& id : s) id = Take(2);
  Give(s[1]);
  Give(s[5]);
  Give(s[3]);
  EXPECT_EQ(Free(), "6+2 10+2 2+2 14+114");
  EXPECT_EQ(PageOf(Take(1)), 6u);
  EXPECT_EQ(Free(), "7+1 10+2 2+2 14+114");
  EXPECT_EQ(PageOf(Take(2)), 10u);
}

TEST_F(Go110PagesTest, Coalescing) {
  SpanId s[5];
  for (SpanId& id : s) id = Take(4);
  Give(s[0]);
  Give(s[2]);
  fakes_.clock.now = 50;
  fakes_.observer.lines.clear();
  Give(s[1]);
  EXPECT_EQ(Free(), "0+12 20+108");
  EXPECT_EQ(fakes_.observer.lines,
            (std::vector<std::string>{"F{ 2 8000 4 2 0 1 4 1", "x 1 " + Descriptor(1),
                                      "x 3 " + Descriptor(3), "F} 2 50 0 12 0 1"}));
  // Descriptors come back last in, first out.
  fakes_.observer.lines.clear();
  Take(2);
  EXPECT_EQ(fakes_.observer.lines[1], "n 3 " + Descriptor(3));
}

// The rest of a trimmed span keeps the age of the whole and its needzero.
TEST_F(Go110PagesTest, Trimming) {
  const SpanId a = Take(10);
  Take(118);
  fakes_.clock.now = 77;
  Give(a);
  fakes_.clock.now = 99;
  fakes_.observer.lines.clear();
  const SpanId b = Take(4);
  EXPECT_EQ(b, a);
  EXPECT_EQ(fakes_.observer.lines,
            (std::vector<std::string>{"A{ 4 1 0 0", "n 3 " + Descriptor(3), "F{ 3 8000 6 2 0 0 0 1",
                                      "F} 3 77 8000 6 0 1", "A} 1 0 4 10 1 0"}));
  EXPECT_EQ(heap_->spans()[3].unusedsince, 77);
}

TEST_F(Go110PagesTest, ScavengeByAge) {
  SpanId s[7];
  for (SpanId& id : s) id = Take(2);
  for (int i : {1, 3, 5}) {
    fakes_.clock.now = 100 * i;
    Give(s[i]);
  }
  fakes_.os.TakeCalls();
  // Unused for 1200, 1000 and 800 at 1300; the tail's age is from the start.
  EXPECT_EQ(heap_->Scavenge(0, 1300, 1000), Pages(2 + 114).bytes());
  EXPECT_EQ(Free(), "10+2 6+2 2+2-2 14+114-114");
  EXPECT_EQ(heap_->stats().heap_released, Pages(116).bytes().v);
  EXPECT_EQ(fakes_.os.TakeCalls(),
            "advise c420000000 200000 nohuge; advise c420004000 4000 dontneed; "
            "advise c420000000 200000 nohuge; advise c42001c000 e4000 dontneed");
  EXPECT_EQ(heap_->Scavenge(1, 1300, 1000), Bytes(0));  // all released already
  EXPECT_EQ(fakes_.os.TakeCalls(), "");
  // `now` was read before the span was freed: the difference wraps, and it counts as unused for
  // ages.
  EXPECT_EQ(heap_->Scavenge(2, 499, 1000), Pages(2).bytes());
  EXPECT_EQ(Free(), "10+2-2 6+2 2+2-2 14+114-114");
}

// A partly released span is given back whole; only the difference counts.
TEST_F(Go110PagesTest, PartlyReleased) {
  SpanId s[4];
  for (SpanId& id : s) id = Take(4);
  Take(112);
  Give(s[1]);
  heap_->Scavenge(-1, ~uint64_t{0}, 0);
  Give(s[2]);
  EXPECT_EQ(Free(), "4+8-4");
  fakes_.os.TakeCalls();
  EXPECT_EQ(heap_->Scavenge(-1, ~uint64_t{0}, 0), Pages(4).bytes());
  EXPECT_EQ(fakes_.os.TakeCalls(),
            "advise c420000000 200000 nohuge; advise c420008000 10000 dontneed");
  // Taking a piece takes all of it back in use.
  fakes_.observer.lines.clear();
  Take(2);
  EXPECT_EQ(fakes_.observer.lines[1], "u 8000 65536");
  EXPECT_EQ(Free(), "6+6");
  EXPECT_EQ(heap_->stats().heap_released, 0u);
}

TEST_F(Go110PagesTest, LargeSystemPagesRoundInwards) {
  fakes_.os.physical_page = Bytes(64 << 10);
  SpanId s[6];
  s[0] = Take(1);
  s[1] = Take(6);  // less than a system page
  s[2] = Take(1);
  s[3] = Take(20);  // from page 8: whole system pages 8..23
  s[4] = Take(3);
  s[5] = Take(97);
  Give(s[1]);
  Give(s[3]);
  fakes_.os.TakeCalls();
  EXPECT_EQ(heap_->Scavenge(-1, ~uint64_t{0}, 0), Pages(16).bytes());
  EXPECT_EQ(Free(), "1+6 8+20-16");
  EXPECT_EQ(fakes_.os.TakeCalls(),
            "advise c420000000 200000 nohuge; advise c420010000 20000 dontneed");
  EXPECT_EQ(heap_->Scavenge(-1, ~uint64_t{0}, 0), Bytes(0));  // nothing new, no advice
  EXPECT_EQ(fakes_.os.TakeCalls(), "");
}

TEST_F(Go110PagesTest, ReleaseGoesDownwards) {
  SpanId s[4];
  for (SpanId& id : s) id = Take(10);
  Give(s[0]);
  Give(s[2]);
  fakes_.os.TakeCalls();
  EXPECT_EQ(Free(), "20+10 0+10 40+88");
  EXPECT_EQ(heap_->pages().FreeUnreleased(), Pages(108).bytes());
  // As much as is asked for, rounded up to whole pages, from the top.
  EXPECT_EQ(heap_->Release(Bytes(50 * kPageSize + 1)), Pages(51).bytes());
  EXPECT_EQ(fakes_.os.TakeCalls(),
            "advise c420000000 200000 nohuge; advise c42009a000 66000 dontneed");
  EXPECT_EQ(Free(), "20+10 0+10 40+88-51");
  heap_->SelfCheck();
  EXPECT_EQ(heap_->Release(Pages(40).bytes()), Pages(40).bytes());
  EXPECT_EQ(Free(), "20+10-3 0+10 40+88-88");
  EXPECT_EQ(heap_->pages().FreeUnreleased(), Pages(17).bytes());
  heap_->SelfCheck();
  // What is freed meanwhile is above: it goes first.
  Give(s[3]);
  EXPECT_EQ(Free(), "0+10 20+108-91");
  fakes_.os.TakeCalls();
  EXPECT_EQ(heap_->Release(Pages(11).bytes()), Pages(11).bytes());
  EXPECT_EQ(fakes_.os.TakeCalls(),
            "advise c420000000 200000 nohuge; advise c42003c000 14000 dontneed; "
            "advise c420000000 200000 nohuge; advise c420034000 2000 dontneed");
  EXPECT_EQ(heap_->Release(Bytes(~uint64_t{0})), Pages(16).bytes());
  EXPECT_EQ(heap_->Release(Bytes(~uint64_t{0})), Bytes(0));
  EXPECT_EQ(heap_->Scavenge(-1, ~uint64_t{0}, 0), Bytes(0));
  heap_->SelfCheck();
  // A released span that is taken in part is in use again as a whole.
  Take(100);
  EXPECT_EQ(heap_->Release(Bytes(~uint64_t{0})), Pages(8).bytes());
  heap_->SelfCheck();
}

TEST_F(Go110PagesTest, ReleaseIsWholeSystemPages) {
  fakes_.os.physical_page = Bytes(64 << 10);
  SpanId s[6];
  s[0] = Take(1);
  s[1] = Take(6);  // less than a system page
  s[2] = Take(1);
  s[3] = Take(20);  // from page 8: whole system pages 8..23
  s[4] = Take(3);
  s[5] = Take(97);
  Give(s[1]);
  Give(s[3]);
  EXPECT_EQ(heap_->Release(Bytes(1)), Pages(8).bytes());
  EXPECT_EQ(Free(), "1+6 8+20-8");
  EXPECT_EQ(heap_->Release(Bytes(~uint64_t{0})), Pages(8).bytes());
  EXPECT_EQ(heap_->Release(Bytes(~uint64_t{0})), Bytes(0));
  EXPECT_EQ(Free(), "1+6 8+20-16");
  heap_->SelfCheck();
}

TEST_F(Go110PagesTest, SelfCheckFindsWhatIsWrong) {
  const SpanId a = Take(4);
  Take(4);
  Give(a);
  auto& spans = const_cast<SpanTable&>(heap_->spans());
  const auto text = [&] {
    try {
      heap_->SelfCheck();
    } catch (const FatalError& e) {
      EXPECT_EQ(e.code(), FatalCode::kSelfCheck);
      return std::string(e.what());
    }
    return std::string();
  };
  EXPECT_EQ(text(), "");
  spans[a].npreleased = 5;
  EXPECT_EQ(text(), "free span of 4 pages at 0xc420000000: more pages released than it has");
  spans[a].npreleased = 1;
  EXPECT_EQ(text(),
            "free span of 4 pages at 0xc420000000: the pages marked as released are not as many as "
            "it says");
  spans[a].npreleased = 0;
  spans[a].state = SpanState::kInUse;
  EXPECT_EQ(text(), "free span of 4 pages at 0xc420000000: state is not free");
  spans[a].state = SpanState::kFree;
  spans.SetPage(3, 2);
  EXPECT_EQ(text(),
            "free span of 4 pages at 0xc420000000: the page table names another span at its ends");
}

}  // namespace
}  // namespace heapsim::heap
