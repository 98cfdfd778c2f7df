#include "heap/pages/temeraire.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "heap/fakes.h"
#include "heap/heap.h"
#include "heap/pages/temeraire_fixture.h"

namespace heapsim::heap {
namespace {

constexpr uint64_t kH = kHugePages;

using Fixture = TemeraireFixture;

TEST(Temeraire, ThePlaceWithTheLeastRoomIsFilledFirst) {
  Fixture f;
  const SpanId a = f.Take(100);  // huge page 0: 156 free
  f.Take(100);                   // and 56
  f.Take(60);                    // huge page 1: 196 free
  EXPECT_EQ(f.PageOf(f.Take(50)), 200u);
  EXPECT_EQ(f.PageOf(f.Take(50)), kH + 60);
  f.Give(a);
  EXPECT_EQ(f.PageOf(f.Take(90)), 0u);  // 100 free there, 146 on the other
  f.heap->SelfCheck();
}

TEST(Temeraire, TheTailOfALargeOneIsForSmallOnes) {
  Fixture f;
  const SpanId large = f.Take(300);
  const SpanId small = f.Take(10);
  EXPECT_EQ(f.PageOf(large), 0u);
  EXPECT_EQ(f.PageOf(small), 300u);
  // Only the first huge page comes back, the other has still something on it.
  f.Give(large);
  EXPECT_EQ(f.pages().cache().free().total(), 1u);
  EXPECT_EQ(f.PageOf(f.Take(256)), 0u);
  f.Give(small);
  EXPECT_EQ(f.pages().cache().free().total(), 1u);
  f.heap->SelfCheck();
}

TEST(Temeraire, TheCacheGoesFirstThenTheEmptiestIsBroken) {
  Fixture f(uint64_t{8} << 30, 0);
  const SpanId whole = f.Take(256);
  const SpanId a = f.Take(128);
  f.Take(120);
  const SpanId b = f.Take(100);
  f.Take(20);
  f.Give(whole);
  f.Give(a);
  f.Give(b);
  f.fakes.os.TakeCalls();
  EXPECT_EQ(f.heap->Release(Bytes(1)), Pages(256).bytes());
  EXPECT_EQ(f.fakes.os.TakeCalls(), "advise c420000000 200000 dontneed");
  // 20 pages are used on the third huge page, 120 on the second.
  EXPECT_EQ(f.heap->Release(Bytes(1)), Pages(236).bytes());
  EXPECT_EQ(f.fakes.os.TakeCalls(),
            "advise c420400000 c8000 dontneed; advise c4204f0000 110000 dontneed");
  f.heap->SelfCheck();
  // A broken huge page is the last choice.
  EXPECT_EQ(f.PageOf(f.Take(5)) / kH, 1u);
}

TEST(Temeraire, WhatABrokenOneGetsBackIsGivenBackFirst) {
  Fixture f(uint64_t{8} << 30, 0);
  f.Take(100);
  const SpanId a = f.Take(30);
  f.Take(126);
  f.Take(10);  // the second huge page: 246 free
  f.Give(a);
  f.fakes.os.TakeCalls();
  EXPECT_EQ(f.heap->Release(Bytes(1)), Pages(246).bytes());
  EXPECT_EQ(f.heap->Release(Bytes(1)), Pages(30).bytes());
  const SpanId b = f.Take(20);  // in the 30: none is there that was not given back
  EXPECT_EQ(f.PageOf(b), 100u);
  f.Give(b);
  f.fakes.os.TakeCalls();
  // Free, and there again: only these 20 go, not the 10 that are gone.
  EXPECT_EQ(f.heap->pages().FreeUnreleased(), Pages(20).bytes());
  EXPECT_EQ(f.heap->Release(Bytes(1)), Pages(20).bytes());
  EXPECT_EQ(f.fakes.os.TakeCalls(), "advise c4200c8000 28000 dontneed");
  f.heap->SelfCheck();
}

TEST(Temeraire, ATailIsBrokenLikeAnyOther) {
  Fixture f(uint64_t{8} << 30, 0);
  f.Take(300);  // 44 pages on the second huge page, 212 are its tail
  f.fakes.os.TakeCalls();
  EXPECT_EQ(f.heap->Release(Bytes(1)), Pages(212).bytes());
  EXPECT_EQ(f.heap->pages().FreeUnreleased(), Bytes(0));
  f.heap->SelfCheck();
}

TEST(Temeraire, NothingIsBrokenBelowTheRecentPeakOfDemand) {
  Fixture f;
  std::vector<SpanId> spans;
  for (int i = 0; i < 8; ++i) spans.push_back(f.Take(64));  // two full huge pages
  for (int i = 0; i < 8; i += 2) f.Give(spans[i]);
  f.fakes.clock.now += 59'000'000'000;
  EXPECT_EQ(f.heap->Release(Bytes(~uint64_t{0})), Bytes(0));
  // Half a huge page less than at the peak, and the peak is forgotten.
  f.fakes.clock.now += 2'000'000'000;
  EXPECT_EQ(f.heap->Release(Bytes(~uint64_t{0})), Pages(256).bytes());
  EXPECT_EQ(f.heap->pages().FreeUnreleased(), Bytes(0));
  f.heap->SelfCheck();
}

TEST(Temeraire, ALimitAndAForcedReleaseSpareNothing) {
  for (const bool forced : {false, true}) {
    Fixture f;
    const SpanId a = f.Take(100);
    f.Take(128);
    f.Take(28);
    f.Give(a);
    EXPECT_EQ(f.heap->Release(Bytes(~uint64_t{0})), Bytes(0));
    auto& pages = const_cast<PageAllocator&>(f.heap->pages());
    EXPECT_EQ(forced ? f.heap->Scavenge(-1, ~uint64_t{0}, 0) : pages.ReleaseForLimit(Bytes(1)),
              Pages(100).bytes());
    EXPECT_EQ(pages.FreeUnreleased(), Bytes(0));
  }
}

TEST(Temeraire, RequestsInRegionsCountAsWasteToo) {
  Fixture f(uint64_t{16} << 30);
  // Each would leave 126 pages; 66 of them are more than 64 MiB.
  std::vector<SpanId> spans;
  while (f.pages().regions() == 0) spans.push_back(f.Take(386));
  EXPECT_EQ(spans.size(), 67u);
  // The first 66 go: what is left of the waste is that of those in the region.
  std::vector<SpanId> in_region = {spans.back()};
  spans.pop_back();
  while (in_region.size() < 300) in_region.push_back(f.Take(386));
  for (const SpanId id : spans) f.Give(id);
  // The region has room for 339 of them. The next one does not fit in it, and makes another.
  while (f.pages().regions() == 1 && in_region.size() < 400) in_region.push_back(f.Take(386));
  EXPECT_EQ(in_region.size(), 340u);
  f.heap->SelfCheck();
}

TEST(Temeraire, HugePagesOfARegionGoBackTogether) {
  Fixture f(uint64_t{16} << 30);
  while (f.pages().regions() == 0) f.Take(386);
  const SpanId a = f.Take(3 * kH - 1);
  const SpanId b = f.Take(kH + 1);
  f.fakes.os.TakeCalls();
  f.Give(b);
  f.fakes.os.TakeCalls();
  f.Give(a);
  // The first begins on a huge page that another is on.
  const std::string calls = f.fakes.os.TakeCalls();
  EXPECT_EQ(calls.find(';'), std::string::npos) << calls;
  EXPECT_NE(calls.find(" 600000 dontneed"), std::string::npos) << calls;
  f.heap->SelfCheck();
}

}  // namespace
}  // namespace heapsim::heap
