#include "analysis/html/packed_column.h"

#include <random>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "gtest/gtest.h"

namespace heapsim::analysis {
namespace {

// Reads what the header describes, as script/data.js does.
std::vector<uint64_t> Unpacked(const nlohmann::ordered_json& column, size_t count) {
  if (column.is_number()) return std::vector<uint64_t>(count, column.get<uint64_t>());
  std::string bytes;
  EXPECT_TRUE(absl::Base64Unescape(column.get<std::string>(), &bytes));
  std::vector<uint64_t> values;
  uint64_t value = 0, group = 0;
  int shift = 0;
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    group |= uint64_t{byte & 0x7fu} << shift;
    shift += 7;
    if (byte & 0x80) continue;
    value += (group >> 1) ^ (uint64_t{0} - (group & 1));
    values.push_back(value);
    group = 0, shift = 0;
  }
  EXPECT_EQ(values.size(), count);
  return values;
}

TEST(PackedColumn, EqualValuesAreOneNumber) {
  EXPECT_EQ(PackedColumn({}), 0);
  EXPECT_EQ(PackedColumn({7}), 7);
  EXPECT_EQ(PackedColumn({5, 5, 5}).dump(), "5");
}

TEST(PackedColumn, DifferencesOfOneByteAreOneByte) {
  // 1, 1, -1 are 2, 2, 1 as zigzag.
  EXPECT_EQ(PackedColumn({1, 2, 1}), absl::Base64Escape("\2\2\1"));
}

TEST(PackedColumn, KeepsAnyNumbers) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 50; ++round) {
    std::vector<uint64_t> values;
    for (int i = 0; i < 200; ++i) values.push_back(random() >> (random() % 64));
    values.insert(values.end(), {0, ~uint64_t{0}, uint64_t{1} << 63, 0});
    EXPECT_EQ(Unpacked(PackedColumn(values), values.size()), values);
  }
}

}  // namespace
}  // namespace heapsim::analysis
