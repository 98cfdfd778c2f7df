// A heap of 400 GiB of live objects, simulated in less than 1 GiB of real memory.

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

#include "gtest/gtest.h"
#include "sim/replay/replay.h"
#include "traces/block_builder.h"

namespace heapsim::sim {
namespace {

constexpr uint64_t kGiB = uint64_t{1} << 30;

// The most memory this process ever had, in bytes.
uint64_t PeakRealMemory() {
  std::FILE* f = std::fopen("/proc/self/status", "r");
  if (f == nullptr) return 0;
  char line[256];
  uint64_t kib = 0;
  while (std::fgets(line, sizeof(line), f) != nullptr) {
    if (std::strncmp(line, "VmHWM:", 6) == 0) std::sscanf(line + 6, "%lu", &kib);
  }
  std::fclose(f);
  return kib * 1024;
}

class OneBlock : public BlockSource {
 public:
  explicit OneBlock(traces::EventBlock block) : block_(std::move(block)) {}
  absl::StatusOr<bool> Next(traces::EventBlock* block) override {
    if (done_) return false;
    done_ = true;
    *block = block_;
    return true;
  }

 private:
  traces::EventBlock block_;
  bool done_ = false;
};

TEST(LargeHeapTest, FourHundredGiBLiveInLessThanOneGiB) {
  traces::EventBlock block;
  traces::BlockBuilder builder([&](const traces::EventBlock& b) {
    block = b;
    return absl::OkStatus();
  });
  for (int i = 0; i < 390; ++i) builder.Alloc(traces::EventKind::kMalloc, kGiB);
  for (int i = 0; i < 10240; ++i) builder.Alloc(traces::EventKind::kMalloc, kGiB / 1024);
  builder.Flush();
  OneBlock source(block);
  proto::Policy policy;
  const absl::StatusOr<ReplayOutcome> o = RunReplay(source, policy, {});
  ASSERT_TRUE(o.ok()) << o.status();
  EXPECT_EQ(o->fatal, "");
  EXPECT_TRUE(o->complete);
  EXPECT_EQ(o->peak_live, 400 * kGiB);
  EXPECT_GE(o->peak_rss, 400 * kGiB);
  ASSERT_TRUE(o->parts.has_value());
  EXPECT_EQ(o->parts->sum(), o->peak_rss);
  EXPECT_EQ(o->parts->live_resident, 400 * kGiB);
  ASSERT_GT(PeakRealMemory(), 0u);
  EXPECT_LT(PeakRealMemory(), kGiB);
}

// The arena ends at 512 GiB: then the runtime's text ends the run.
TEST(LargeHeapTest, TheArenasEndEndsTheRun) {
  traces::EventBlock block;
  traces::BlockBuilder builder([&](const traces::EventBlock& b) {
    block = b;
    return absl::OkStatus();
  });
  for (int i = 0; i < 600; ++i) builder.Alloc(traces::EventKind::kMalloc, kGiB);
  builder.Flush();
  OneBlock source(block);
  const absl::StatusOr<ReplayOutcome> o = RunReplay(source, proto::Policy(), {});
  ASSERT_TRUE(o.ok()) << o.status();
  EXPECT_FALSE(o->complete);
  EXPECT_NE(o->fatal.find("out of memory"), std::string::npos) << o->fatal;
  EXPECT_EQ(o->events, 512u);
}

}  // namespace
}  // namespace heapsim::sim
