#include "heap/pages/huge_page_filler.h"

#include <vector>

#include "gtest/gtest.h"
#include "heap/fakes.h"

namespace heapsim::heap {
namespace {

using Worth = HugePageFiller::Worth;

struct Fixture {
  // A huge page with `allocs` allocations that leave `free` pages at its end.
  void Add(uint32_t huge, uint32_t allocs, uint32_t free) {
    filler.Contribute(huge, static_cast<uint32_t>(kHugePages) - free - (allocs - 1), false);
    for (uint32_t i = 1; i < allocs; ++i) {
      // It may not be the one that is found: take the pages where they are wanted.
      HugePageFiller::Place place;
      place.huge = huge;
      place.longest = free + allocs - 1 - i;
      // The last of those that are left first, so that one range is left in the end.
      place.page = static_cast<uint32_t>(kHugePages) - free - (allocs - i);
      filler.Take(place, 1, 0);
    }
    filler.SelfCheck(huge);
  }
  uint32_t Found(uint32_t n) {
    const HugePageFiller::Place place = filler.Find(n);
    return place.found ? place.huge : ~uint32_t{0};
  }

  ManualClock clock;
  HugePageFiller filler{SmallLayout(Bytes(uint64_t{1} << 30)), &clock};
};

TEST(HugePageFillerTest, AllocationsCountInPowersOfTwoRoundedUp) {
  // The one with more allocations comes first where it has a step more, else the one touched last.
  const struct {
    uint32_t first, second;
    bool same;
  } cases[] = {{1, 1, true},    {1, 2, false},    {2, 3, false},  {3, 4, true},
               {4, 5, false},   {5, 8, true},     {8, 9, false},  {64, 65, false},
               {65, 128, true}, {64, 128, false}, {70, 120, true}};
  for (const auto& c : cases) {
    SCOPED_TRACE(testing::Message() << c.first << " and " << c.second);
    Fixture f;
    f.Add(0, c.second, 20);
    f.Add(1, c.first, 20);
    EXPECT_EQ(f.Found(5), c.same ? 1u : 0u);
  }
  // Beyond 64 all are alike.
  Fixture f;
  f.Add(0, 200, 20);
  f.Add(1, 65, 20);
  EXPECT_EQ(f.Found(5), 1u);
}

TEST(HugePageFillerTest, RegularThenDonatedThenPartlyReleasedThenReleased) {
  Fixture f;
  f.Add(0, 1, 10);
  f.filler.NoteReleased(0, 10);
  f.Add(1, 1, 11);
  f.filler.NoteReleased(1, 5);
  f.filler.Contribute(2, 200, true);
  f.Add(3, 1, 60);
  // The longest range of all, but it is regular.
  EXPECT_EQ(f.Found(5), 3u);
  f.filler.Take(f.filler.Find(60), 60, 0);
  EXPECT_EQ(f.Found(5), 2u);
  f.filler.Take(f.filler.Find(56), 56, 0);
  EXPECT_EQ(f.Found(5), 1u);
  f.filler.Take(f.filler.Find(11), 11, 5);
  EXPECT_EQ(f.Found(5), 0u);
  f.filler.Take(f.filler.Find(10), 10, 10);
  EXPECT_FALSE(f.filler.Find(1).found);
  EXPECT_EQ(f.filler.released(0) + f.filler.released(1), 0u);
}

TEST(HugePageFillerTest, ADonatedOneThatWasUsedIsLikeTheOthers) {
  Fixture f;
  f.filler.Contribute(0, 100, true);
  f.filler.Contribute(1, 100, true);
  f.filler.Take(f.filler.Find(3), 3, 0);
  EXPECT_EQ(f.Found(3), 1u) << "the last donated was the first to be used, and is still preferred";
  EXPECT_TRUE(f.filler.Give(0, 0, 100));
  EXPECT_EQ(f.Found(3), 1u);
}

TEST(HugePageFillerTest, CandidatesAreTheEmptiestAndPartlyReleasedOnesApart) {
  Fixture f;
  f.Add(0, 1, 50);
  f.Add(1, 1, 90);
  f.Add(2, 1, 90);
  f.Add(3, 1, 30);
  f.filler.NoteReleased(3, 10);
  f.Add(4, 1, 40);
  f.filler.NoteReleased(4, 10);
  f.Add(5, 1, 20);
  f.filler.NoteReleased(5, 20);
  f.filler.Contribute(6, 100, true);
  f.filler.Contribute(7, 200, true);
  f.Add(8, 1, 1);
  f.filler.Take(f.filler.Find(1), 1, 0);  // full now
  EXPECT_EQ(f.filler.Candidates(Worth::kPartiallyReleased), (std::vector<uint32_t>{4, 3}));
  EXPECT_EQ(f.filler.Candidates(Worth::kUnbroken), (std::vector<uint32_t>{6, 1, 2, 7, 0}));
}

TEST(HugePageFillerTest, TheLongestRangeIsKeptRight) {
  // Random use; SelfCheck looks for the longest range afresh.
  Fixture f;
  SeededRandom random(3);
  struct Held {
    uint32_t huge, page, n;
  };
  std::vector<Held> held;
  uint32_t next = 0;
  for (int i = 0; i < 20000; ++i) {
    if (held.empty() || random.Next() % 100 < ((i / 2000) % 2 == 0 ? 60u : 40u)) {
      const uint32_t n = 1 + random.Next() % (random.Next() % 4 == 0 ? 100 : 6);
      const HugePageFiller::Place place = f.filler.Find(n);
      if (place.found) {
        f.filler.Take(place, n, 0);
        held.push_back({place.huge, place.page, n});
      } else if (next < 500) {
        f.filler.Contribute(next, n, false);
        held.push_back({next++, 0, n});
      }
    } else {
      const size_t at = random.Next() % held.size();
      const Held h = held[at];
      held[at] = held.back();
      held.pop_back();
      if (f.filler.Give(h.huge, h.page, h.n)) continue;
      f.filler.SelfCheck(h.huge);
    }
    if (!held.empty()) f.filler.SelfCheck(held.back().huge);
  }
  EXPECT_GT(next, 20u);
}

TEST(HugePageFillerTest, OnlyWhatIsMappedBeyondTheRecentPeakMayBeBroken) {
  Fixture f;
  f.Add(0, 2, 100);
  EXPECT_EQ(f.filler.SparePeak(1000, 0), 1000u);
  EXPECT_EQ(f.filler.SparePeak(1000, 999'999'999), 1000u);
  EXPECT_EQ(f.filler.SparePeak(1000, 60'000'000'000), 100u);
  EXPECT_EQ(f.filler.SparePeak(30, 60'000'000'000), 30u);
  EXPECT_FALSE(f.filler.Give(0, 155, 1));
  EXPECT_EQ(f.filler.SparePeak(1000, 60'000'000'000), 100u);
  f.filler.NoteReleased(0, 100);
  EXPECT_EQ(f.filler.SparePeak(1000, 60'000'000'000), 0u);
  // In seconds that were begun: the 60th second after the peak forgets it.
  f.clock.now = 60'000'000'000;
  EXPECT_EQ(f.filler.SparePeak(1000, 60'000'000'000), 1u);
}

}  // namespace
}  // namespace heapsim::heap
