#include "sim/tool/shared_trace.h"

#include <cstdint>
#include <memory>
#include <optional>

#include "gtest/gtest.h"
#include "traces/event_block.h"

namespace heapsim::sim {
namespace {

constexpr char kTrace[] = "traces/samples/sqlite3-parts.raw.zst";
constexpr uint64_t kEnough = uint64_t{1} << 30;

uint64_t Events(SharedTrace& trace) {
  absl::StatusOr<std::unique_ptr<BlockSource>> source = trace.Open();
  EXPECT_TRUE(source.ok()) << source.status();
  uint64_t events = 0;
  traces::EventBlock own;
  for (;;) {
    const absl::StatusOr<const traces::EventBlock*> block = (*source)->Borrow(&own);
    EXPECT_TRUE(block.ok()) << block.status();
    if (*block == nullptr) break;
    events += (*block)->count;
  }
  EXPECT_EQ((*source)->events(), events);  // which it knew before
  return events;
}

// Whether nobody has taken any of it.
bool Whole(TraceMemory& memory, uint64_t bytes) {
  if (!memory.Take(bytes)) return false;
  memory.GiveBack(bytes);
  return true;
}

TEST(SharedTrace, StaysInMemoryUntilItIsReleased) {
  TraceMemory memory(kEnough);
  SharedTrace trace(kTrace, {}, &memory);
  EXPECT_TRUE(Whole(memory, kEnough));
  const uint64_t events = Events(trace);
  EXPECT_GT(events, 1000u);
  EXPECT_FALSE(Whole(memory, kEnough));
  EXPECT_EQ(Events(trace), events);
  ASSERT_TRUE(trace.facts().has_value());
  EXPECT_EQ(trace.facts()->events, events);
  trace.Release();
  EXPECT_TRUE(Whole(memory, kEnough));
  EXPECT_EQ(Events(trace), events);  // decoded once more
  EXPECT_FALSE(Whole(memory, kEnough));
}

TEST(SharedTrace, OneThatDoesNotFitIsReadFromItsFile) {
  TraceMemory memory(1000);
  SharedTrace small(kTrace, {}, &memory);
  TraceMemory enough(kEnough);
  SharedTrace large(kTrace, {}, &enough);
  EXPECT_EQ(Events(small), Events(large));
  EXPECT_TRUE(Whole(memory, 1000));
}

TEST(SharedTrace, NamesFramesOnceItWasRead) {
  for (const uint64_t bytes : {kEnough, uint64_t{1000}}) {
    TraceMemory memory(bytes);
    SharedTrace trace(kTrace, {.keep_call_sites = true}, &memory);
    proto::Detail detail;
    detail.set_has_call_sites(true);
    detail.add_call_sites()->set_id(1);
    trace.NameFrames(&detail);
    EXPECT_EQ(detail.call_sites(0).frames_size(), 0);
    Events(trace);
    trace.NameFrames(&detail);
    EXPECT_GT(detail.call_sites(0).frames_size(), 0);
    SharedTrace plain(kTrace, {}, &memory);
    Events(plain);
    detail.mutable_call_sites(0)->clear_frames();
    plain.NameFrames(&detail);
    EXPECT_EQ(detail.call_sites(0).frames_size(), 0);
  }
}

TEST(SharedTrace, GivesBackWhenItIsGone) {
  TraceMemory memory(kEnough);
  {
    SharedTrace trace(kTrace, {}, &memory);
    Events(trace);
  }
  EXPECT_TRUE(Whole(memory, kEnough));
}

TEST(SharedTrace, ADamagedOneIsAnErrorEveryTime) {
  TraceMemory memory(kEnough);
  SharedTrace trace("traces/samples/none", {}, &memory);
  EXPECT_FALSE(trace.Open().ok());
  EXPECT_FALSE(trace.Open().ok());
  EXPECT_TRUE(Whole(memory, kEnough));
}

}  // namespace
}  // namespace heapsim::sim
