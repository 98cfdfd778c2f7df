#include "tests/bench/synthetic_trace.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"

namespace heapsim::bench {
namespace {

using traces::EventBlock;

struct Life {
  uint64_t born, died;  // in allocations; died 0: not yet
  uint32_t size;
};

// Every object's life; checks on the way that each free is of a live object and that blocks fit
// together.
std::vector<Life> Lives(const std::vector<EventBlock>& blocks, uint64_t* peak_live) {
  std::vector<Life> lives;
  std::vector<int64_t> life_of;  // by id: index of the life, -1: not alive
  uint64_t live = 0, events = 0;
  *peak_live = 0;
  for (const EventBlock& b : blocks) {
    EXPECT_EQ(b.first_event, events + 1);
    EXPECT_EQ(b.is_free.size(), (b.count + 63) / 64);
    EXPECT_EQ(b.alloc_object.size() + b.free_object.size(), b.count);
    uint32_t a = 0, f = 0;
    for (uint32_t i = 0; i < b.count; ++i) {
      if (b.IsFree(i)) {
        int64_t& life = life_of[b.free_object[f++]];
        EXPECT_GE(life, 0);
        lives[life].died = lives.size();
        life = -1;
        --live;
      } else {
        const uint32_t id = b.alloc_object[a];
        if (id >= life_of.size()) life_of.resize(id + 1, -1);
        EXPECT_EQ(life_of[id], -1);
        life_of[id] = static_cast<int64_t>(lives.size());
        lives.push_back({lives.size(), 0, b.alloc_size[a++]});
        *peak_live = std::max(*peak_live, ++live);
      }
    }
    events += b.count;
  }
  return lives;
}

TEST(SyntheticTraceTest, OptionsAloneDecide) {
  SyntheticOptions options{.seed = 7, .events = 200000, .live_objects = 5000};
  const std::vector<EventBlock> a = MakeSyntheticTrace(options);
  EXPECT_EQ(a, MakeSyntheticTrace(options));
  options.seed = 8;
  EXPECT_NE(a, MakeSyntheticTrace(options));
}

TEST(SyntheticTraceTest, LiveObjectsAreHeld) {
  uint64_t peak = 0;
  for (const uint32_t live : {100u, 10000u}) {
    Lives(MakeSyntheticTrace({.events = 1000000, .live_objects = live}), &peak);
    EXPECT_GE(peak, live);
    EXPECT_LE(peak, live * 1.25 + 50);
  }
}

TEST(SyntheticTraceTest, SizesAreLogNormalWithATail) {
  uint64_t peak = 0;
  std::vector<Life> lives =
      Lives(MakeSyntheticTrace({.events = 2000000, .live_objects = 10000}), &peak);
  std::vector<double> logs;
  uint32_t largest = 0;
  for (const Life& l : lives) {
    logs.push_back(std::log(l.size + 0.5));  // sizes are rounded down
    largest = std::max(largest, l.size);
  }
  std::sort(logs.begin(), logs.end());
  EXPECT_NEAR(logs[logs.size() / 2], std::log(48), 0.02);
  // One sigma up and down.
  EXPECT_NEAR(logs[logs.size() * 0.8413] - logs[logs.size() / 2], 1.1, 0.02);
  EXPECT_NEAR(logs[logs.size() / 2] - logs[logs.size() * 0.1587], 1.1, 0.05);
  EXPECT_GT(largest, 5000u);
  EXPECT_LE(largest, 1u << 20);
}

TEST(SyntheticTraceTest, LifetimesAreLogUniform) {
  constexpr uint32_t kLive = 10000;
  uint64_t peak = 0;
  std::vector<Life> lives =
      Lives(MakeSyntheticTrace({.events = 2000000, .live_objects = kLive}), &peak);
  // The longest lifetime M of those whose mean is the number of live objects.
  double longest = 2 * kLive;
  for (int i = 0; i < 60; ++i) longest = kLive * std::log(longest) + 1;
  // Those of the steady state, young enough that their end would be seen.
  uint64_t counted = 0;
  std::vector<uint64_t> per_tenth(10);
  for (size_t i = kLive; i + longest + 1 < lives.size(); ++i) {
    ++counted;
    if (lives[i].died == 0) continue;
    const double lifetime = static_cast<double>(lives[i].died - lives[i].born);
    // A lifetime of n moments was drawn from [n - 1, n).
    const double place = std::log(std::max(1.0, lifetime)) / std::log(longest);
    ++per_tenth[std::min<size_t>(9, static_cast<size_t>(place * 10))];
  }
  ASSERT_GT(counted, 500000u);
  // The first tenths hold whole numbers only; from the fifth on the grid is fine.
  for (size_t tenth = 5; tenth < 10; ++tenth) {
    EXPECT_NEAR(static_cast<double>(per_tenth[tenth]) / static_cast<double>(counted), 0.1, 0.01)
        << "tenth " << tenth;
  }
}

}  // namespace
}  // namespace heapsim::bench
