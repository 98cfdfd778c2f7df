#include "traces/id_allocator.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace heapsim::traces {
namespace {

// The rule, word for word.
class Model {
 public:
  uint32_t Allocate() {
    if (queue_.size() <= 1024) return next_++;
    const uint32_t id = queue_.front();
    queue_.pop_front();
    return id;
  }
  void Free(uint32_t id) { queue_.push_back(id); }
  size_t resting() const { return queue_.size(); }

 private:
  std::deque<uint32_t> queue_;
  uint32_t next_ = 0;
};

TEST(IdAllocator, RestsForAThousandFrees) {
  IdAllocator ids;
  for (uint32_t i = 0; i < 2000; ++i) EXPECT_EQ(ids.Allocate(), i);
  for (uint32_t i = 0; i < 1024; ++i) ids.Free(i);
  EXPECT_EQ(ids.Allocate(), 2000u);
  ids.Free(1500);
  EXPECT_EQ(ids.Allocate(), 0u);
  EXPECT_EQ(ids.Allocate(), 2001u);
}

TEST(IdAllocator, FollowsTheModel) {
  std::mt19937 random(5);
  IdAllocator ids;
  Model model;
  std::vector<uint32_t> live;
  for (int phase = 0; phase < 12; ++phase) {
    const uint32_t free_percent = phase % 3 == 0 ? 20 : phase % 3 == 1 ? 50 : 70;
    for (int step = 0; step < 4000; ++step) {
      if (!live.empty() && random() % 100 < free_percent) {
        const size_t at = random() % live.size();
        ids.Free(live[at]);
        model.Free(live[at]);
        live[at] = live.back();
        live.pop_back();
      } else {
        const uint32_t id = ids.Allocate();
        ASSERT_EQ(id, model.Allocate());
        live.push_back(id);
      }
      ASSERT_EQ(ids.resting(), model.resting());
    }
  }
}

// Run is many single calls.
TEST(IdAllocator, RunIsTheSameAsSingleCalls) {
  std::mt19937_64 random(6);
  IdAllocator one, many;
  uint32_t handed_out = 0;
  for (int round = 0; round < 3000; ++round) {
    const uint64_t word = random() & random() % 3 ? random() & random() : random() | random();
    const uint32_t events = 1 + random() % 64;
    const uint64_t is_free = handed_out < 100 ? 0
                             : events == 64   ? word
                                              : word & ((uint64_t{1} << events) - 1);
    const uint32_t free_count = __builtin_popcountll(is_free);
    std::vector<uint32_t> frees(free_count + 1), allocs(events - free_count + 1), expected;
    for (uint32_t& id : frees) id = handed_out == 0 ? 0 : random() % handed_out;
    many.Reserve(free_count);
    many.Run(is_free, events, frees.data(), allocs.data());
    const uint32_t* next = frees.data();
    for (uint32_t i = 0; i < events; ++i) {
      if (is_free >> i & 1) {
        one.Free(*next++);
      } else {
        expected.push_back(one.Allocate());
      }
    }
    allocs.pop_back();
    ASSERT_EQ(allocs, expected);
    ASSERT_EQ(one.resting(), many.resting());
    ASSERT_EQ(one.ids(), many.ids());
    handed_out = one.ids();
  }
}

}  // namespace
}  // namespace heapsim::traces
