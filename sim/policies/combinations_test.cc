#include "sim/policies/combinations.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sim/policies/settings.h"
#include "sim/policies/size_class_table.h"

namespace heapsim::sim {
namespace {

using ::testing::HasSubstr;

absl::Status Check(const std::vector<std::string>& settings) {
  proto::Policy policy;
  for (const std::string& setting : settings) {
    if (absl::Status status = ApplySetting(setting, &policy); !status.ok()) return status;
  }
  return CheckCombination(policy);
}

TEST(Combinations, WhatGoesTogether) {
  const std::vector<std::vector<std::string>> good = {
      {},
      {"reclaim=explicit"},
      {"release.rule=decay", "release.decay_ns=1s"},
      {"release.rule=paced", "release.retain_percent=0"},
      {"release.rule=memory_limit", "release.limit_bytes=1GiB"},
      {"release.rule=at_once", "reclaim=explicit", "size_classes=jemalloc"},
      {"size_classes=table", "size_class_table=8/1,16/1,4096/2"},
      {"size_classes=table", "size_class_table=64/1", "tiny=false"},
      {"size_classes=powers_of_two"},
      {"front_end=none", "reclaim=explicit"},
      {"front_end=tcmalloc", "reclaim=explicit", "caches.max_bytes=1MiB"},
      {"page_allocator=extents", "extents.dirty_decay_ns=1s", "extents.muzzy_decay_ns=-1"},
      {"page_allocator=temeraire", "temeraire.skip_subrelease_ns=0"},
      {"size_classes=tcmalloc"},
  };
  for (const auto& settings : good) EXPECT_TRUE(Check(settings).ok()) << Check(settings);
}

TEST(Combinations, WhatDoesNotIsNamedWithWhatWould) {
  const struct {
    std::vector<std::string> settings;
    const char* path;
    const char* instead;
  } bad[] = {
      {{"release.decay_ns=1s"}, "release.decay_ns", "release.rule=decay"},
      {{"release.rule=none", "release.idle_limit_ns=1s"}, "release.idle_limit_ns", "idle_limit"},
      {{"release.rule=decay", "release.retain_percent=5"}, "release.retain_percent", "paced"},
      {{"release.background_percent=5"}, "release.background_percent", "paced"},
      {{"release.limit_bytes=1GiB"}, "release.limit_bytes", "memory_limit"},
      {{"release.rule=memory_limit"}, "memory_limit", "release.limit_bytes=512MiB"},
      {{"release.rule=paced", "reclaim=explicit"}, "release.rule = paced", "reclaim=gc"},
      {{"growth_chunk_bytes=65536"}, "growth_chunk_bytes", "growth_chunk_bytes=1048576"},
      {{"front_end=none"}, "front_end = none", "reclaim=explicit"},
      {{"front_end=tcmalloc"}, "front_end = tcmalloc", "front_end=go"},
      {{"caches.batch_slots=8"}, "caches.batch_slots", "front_end=tcmalloc"},
      {{"extents.dirty_decay_ns=1s"}, "extents.dirty_decay_ns", "page_allocator=extents"},
      {{"temeraire.skip_subrelease_ns=5s"},
       "temeraire.skip_subrelease_ns",
       "page_allocator=temeraire"},
      {{"size_classes=table"}, "size_class_table", "1 to 127 classes"},
      {{"size_class_table=16/1"}, "size_class_table", "size_classes=table"},
      {{"size_classes=table", "size_class_table=16/1,8/1"}, "size_class_table", "must rise"},
      {{"size_classes=table", "size_class_table=262152/33"}, "size_class_table", "at most 262144"},
      {{"size_classes=table", "size_class_table=8/1,24/1"}, "tiny", "tiny=false"},
  };
  for (const auto& c : bad) {
    const absl::Status status = Check(c.settings);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.path));
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.instead));
  }
}

TEST(SizeClassTable, IsTheOneNamed) {
  const auto largest = [](const char* setting) {
    proto::Policy policy;
    EXPECT_TRUE(ApplySetting(setting, &policy).ok());
    return SizeClassTable(policy)->max_small_size();
  };
  EXPECT_EQ(largest("size_classes=go"), 32768u);
  EXPECT_EQ(largest("size_classes=tcmalloc"), 262144u);
  EXPECT_EQ(largest("size_classes=jemalloc"), 28672u);
  EXPECT_EQ(largest("size_classes=powers_of_two"), 32768u);
}

}  // namespace
}  // namespace heapsim::sim
