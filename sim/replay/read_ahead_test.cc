#include "sim/replay/read_ahead.h"

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "tests/bench/synthetic_trace.h"

namespace heapsim::sim {
namespace {

using traces::EventBlock;

enum class Ending { kEnd, kError, kException };

class Blocks : public BlockSource {
 public:
  explicit Blocks(const std::vector<EventBlock>& blocks, Ending ending = Ending::kEnd)
      : blocks_(blocks), ending_(ending) {}

  absl::StatusOr<bool> Next(EventBlock* block) override {
    if (next_ < blocks_.size()) {
      *block = blocks_[next_++];
      return true;
    }
    ++after_the_end_;
    if (ending_ == Ending::kError) return absl::DataLossError("torn");
    if (ending_ == Ending::kException) throw std::runtime_error("broken");
    return false;
  }

  uint64_t events() const override { return 1000 + blocks_.size(); }

  size_t given() const { return next_; }
  int after_the_end() const { return after_the_end_; }

 private:
  const std::vector<EventBlock>& blocks_;
  const Ending ending_;
  size_t next_ = 0;
  int after_the_end_ = 0;
};

const std::vector<EventBlock>& SomeBlocks() {
  static const std::vector<EventBlock>* const blocks = [] {
    bench::SyntheticOptions options;
    options.events = 700000;
    options.live_objects = 3000;
    return new std::vector<EventBlock>(bench::MakeSyntheticTrace(options));
  }();
  return *blocks;
}

TEST(ReadAheadTest, HandsOutEveryBlockInOrderThenTheEnd) {
  // Few and many blocks, a slow caller and a fast one.
  for (const size_t count : {size_t{0}, size_t{1}, size_t{3}, SomeBlocks().size()}) {
    for (const int pause_us : {0, 300}) {
      const std::vector<EventBlock> blocks(SomeBlocks().begin(), SomeBlocks().begin() + count);
      Blocks source(blocks);
      ReadAhead ahead(&source);
      EventBlock block;
      for (size_t i = 0; i < count; ++i) {
        std::this_thread::sleep_for(std::chrono::microseconds(pause_us));
        const absl::StatusOr<bool> more = ahead.Next(&block);
        ASSERT_TRUE(more.ok() && *more);
        ASSERT_EQ(block, blocks[i]) << "block " << i;
      }
      EXPECT_EQ(ahead.events(), source.events());
      for (int i = 0; i < 2; ++i) EXPECT_FALSE(ahead.Next(&block).value());
      EXPECT_EQ(source.after_the_end(), 1);
    }
  }
}

TEST(ReadAheadTest, AReplayGivesTheSameResult) {
  Blocks alone(SomeBlocks()), behind(SomeBlocks());
  ReadAhead ahead(&behind);
  const auto a = RunReplay(alone, proto::Policy(), {});
  const auto b = RunReplay(ahead, proto::Policy(), {});
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_EQ(a->events, 700000u);
  EXPECT_EQ(a->events, b->events);
  EXPECT_EQ(a->state_hash, b->state_hash);
  EXPECT_EQ(a->peak_rss, b->peak_rss);
  EXPECT_EQ(a->mean_rss, b->mean_rss);
}

TEST(ReadAheadTest, AnErrorComesAfterTheBlocksBeforeIt) {
  Blocks source(SomeBlocks(), Ending::kError);
  ReadAhead ahead(&source);
  EventBlock block;
  for (size_t i = 0; i < SomeBlocks().size(); ++i) EXPECT_TRUE(ahead.Next(&block).value());
  for (int i = 0; i < 2; ++i) {
    const absl::StatusOr<bool> more = ahead.Next(&block);
    EXPECT_EQ(more.status(), absl::DataLossError("torn"));
  }
}

TEST(ReadAheadTest, AnExceptionComesOutOfNext) {
  Blocks source(SomeBlocks(), Ending::kException);
  ReadAhead ahead(&source);
  EventBlock block;
  for (size_t i = 0; i < SomeBlocks().size(); ++i) EXPECT_TRUE(ahead.Next(&block).value());
  for (int i = 0; i < 2; ++i) {
    EXPECT_THROW((void)ahead.Next(&block), std::runtime_error);
  }
}

TEST(ReadAheadTest, CanBeDroppedAtAnyMoment) {
  for (size_t taken = 0; taken < 8; ++taken) {
    for (const int pause_us : {0, 1000}) {
      Blocks source(SomeBlocks());
      EventBlock block;
      {
        ReadAhead ahead(&source);
        for (size_t i = 0; i < taken; ++i) EXPECT_TRUE(ahead.Next(&block).value());
        std::this_thread::sleep_for(std::chrono::microseconds(pause_us));
      }
      // From here on the source is the caller's again; little was read that nobody took.
      EXPECT_GE(source.given(), taken);
      EXPECT_LE(source.given(), taken + 5);
      if (taken != 0) {
        EXPECT_EQ(block, SomeBlocks()[taken - 1]);
      }
    }
  }
}

}  // namespace
}  // namespace heapsim::sim
