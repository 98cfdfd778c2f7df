#include "heap/pages/page_set.h"

#include <algorithm>
#include <iterator>
#include <random>
#include <set>

#include "gtest/gtest.h"

namespace heapsim::heap {
namespace {

// Against an ordered set, dense and sparse, near both ends and near the ends of words.
TEST(PageSet, IsAnOrderedSet) {
  std::mt19937_64 random(1);
  for (const uint64_t limit : {uint64_t{1}, uint64_t{64}, uint64_t{65}, uint64_t{5000},
                               uint64_t{1} << 20, (uint64_t{1} << 26) + 3}) {
    PageSet set(limit);
    std::set<uint64_t> model;
    EXPECT_TRUE(set.empty());
    for (int step = 0; step < 20000; ++step) {
      uint64_t i = random() % limit;
      if (random() % 2 == 0) i %= 300;
      if (random() % 8 == 0) i = i / 64 * 64;
      if (random() % 8 == 0) i = i / 4096 * 4096 + 4095;
      if (random() % 8 == 0) i = limit - 1 - i % 70;
      i = std::min(i, limit - 1);
      // It grows for a while, then it shrinks.
      const bool grows = step / 2000 % 2 == 0;
      if (random() % 4 == 0 ? !grows : grows) {
        set.Add(i);
        model.insert(i);
      } else {
        // What is there, or it would never be empty.
        const auto it = model.lower_bound(i);
        const uint64_t gone = it == model.end() ? i : *it;
        set.Remove(gone);
        model.erase(gone);
      }
      ASSERT_EQ(set.empty(), model.empty());
      ASSERT_EQ(set.First(), model.empty() ? PageSet::kNone : *model.begin());
      ASSERT_EQ(set.Last(), model.empty() ? PageSet::kNone : *model.rbegin());
      const uint64_t at = random() % limit;
      ASSERT_EQ(set.Contains(at), model.count(at) != 0);
      const auto above = model.lower_bound(at);
      ASSERT_EQ(set.AtOrAbove(at), above == model.end() ? PageSet::kNone : *above);
      ASSERT_EQ(set.AtOrAbove(limit), PageSet::kNone);
      const auto next = model.upper_bound(at);
      ASSERT_EQ(set.AtOrBelow(at), next == model.begin() ? PageSet::kNone : *std::prev(next));
    }
  }
}

}  // namespace
}  // namespace heapsim::heap
