#include "sim/replay/positions.h"

#include <cstdint>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace heapsim::sim {
namespace {

// Every way to do it beside the definition, from every kind of place in the bitmap.
TEST(PositionsTest, AllWaysGiveWhatTheBitsSay) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::vector<uint64_t> bitmap(8);
    for (uint64_t& w : bitmap) w = round % 5 == 0 ? 0 : round % 5 == 1 ? ~uint64_t{0} : random();
    const uint32_t begin = static_cast<uint32_t>(random() % 256);
    const uint32_t count = static_cast<uint32_t>(random() % 257);
    std::vector<uint16_t> clear, set;
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t bit = begin + i;
      ((bitmap[bit / 64] >> (bit % 64) & 1) != 0 ? set : clear).push_back(static_cast<uint16_t>(i));
    }
    for (const PositionCode* code = PositionCodes(); code->name != nullptr; ++code) {
      std::vector<uint16_t> c(count + kPositionSlack), s(count + kPositionSlack);
      const uint32_t clears = code->list(bitmap.data(), begin, count, c.data(), s.data());
      ASSERT_EQ(clears, clear.size()) << code->name;
      c.resize(clears);
      s.resize(count - clears);
      EXPECT_EQ(c, clear) << code->name;
      EXPECT_EQ(s, set) << code->name;
    }
  }
}

TEST(PositionsTest, AllWaysGiveTheSameSums) {
  std::mt19937_64 random(8);
  for (int round = 0; round < 2000; ++round) {
    const size_t n = random() % 257;
    std::vector<uint32_t> values(n);
    std::vector<uint16_t> at(n + kPositionSlack);
    const uint32_t last = 255;
    WeightedSum expected;
    for (size_t i = 0; i < n; ++i) {
      values[i] = static_cast<uint32_t>(random()) >> random() % 32;
      at[i] = static_cast<uint16_t>(random() % 256);
      expected.plain += values[i];
      expected.weighted += uint64_t{values[i]} * (last - at[i]);
    }
    for (const PositionCode* code = PositionCodes(); code->name != nullptr; ++code) {
      const WeightedSum sum = code->sum(values.data(), at.data(), n, last);
      EXPECT_EQ(sum.plain, expected.plain) << code->name;
      EXPECT_EQ(sum.weighted, expected.weighted) << code->name;
    }
  }
}

}  // namespace
}  // namespace heapsim::sim
