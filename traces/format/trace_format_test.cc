// Writer and reader together: what goes in comes out, and what is damaged does not.
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "traces/format/frame.h"
#include "traces/format/trace_reader.h"
#include "traces/format/trace_writer.h"
#include "traces/random_events.h"

namespace heapsim::traces {
namespace {

// A source that hides that it could seek.
class PipeSource : public ByteSource {
 public:
  explicit PipeSource(absl::string_view bytes) : inner_(MemorySource(bytes)) {}
  absl::StatusOr<size_t> Read(char* buffer, size_t size) override {
    return inner_->Read(buffer, std::min<size_t>(size, 1000));
  }

 private:
  const std::unique_ptr<ByteSource> inner_;
};

std::unique_ptr<ByteSource> Pipe(absl::string_view bytes) {
  return std::make_unique<PipeSource>(bytes);
}

struct Written {
  std::string bytes;
  std::vector<EventBlock> blocks;
  TraceFacts facts;
};

Written Write(const RandomEventsOptions& options) {
  Written written;
  uint32_t object_ids;
  written.blocks = RandomBlocks(options, &written.facts, &object_ids);
  written.facts.format = "random";
  StringSink sink;
  TraceWriter writer(&sink);
  proto::TraceHeader header;
  header.set_program("test");
  EXPECT_TRUE(writer.Header(header).ok());
  EXPECT_TRUE(writer.CallSites(0, {0x1000, 0x2000, 0xffffffffffffffff}, {0, 1, 1}).ok());
  for (const EventBlock& block : written.blocks) EXPECT_TRUE(writer.Block(0, block).ok());
  EXPECT_TRUE(writer.Finish({{.pid = 7, .facts = written.facts, .object_ids = object_ids}}).ok());
  written.bytes = sink.bytes();
  return written;
}

// Everything the reader gives, or its error.
absl::StatusOr<std::vector<EventBlock>> ReadAll(std::unique_ptr<ByteSource> source,
                                                ReaderOptions options = {}) {
  auto reader = TraceReader::Open(std::move(source), "file", options);
  if (!reader.ok()) return reader.status();
  std::vector<EventBlock> blocks;
  EventBlock block;
  for (;;) {
    absl::StatusOr<bool> more = (*reader)->Next(&block);
    if (!more.ok()) return more.status();
    if (!*more) return blocks;
    blocks.push_back(block);
  }
}

TEST(TraceFormat, GivesBackWhatWasWritten) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    RandomEventsOptions options;
    options.seed = seed;
    options.events = 200000 * (seed % 2) + 3000 * seed;
    options.addresses = seed % 3 == 0 ? 100 : 20000;
    options.odd = seed != 2;
    options.columns = seed != 3;
    const Written written = Write(options);
    for (const bool seekable : {true, false}) {
      auto blocks = ReadAll(seekable ? MemorySource(written.bytes) : Pipe(written.bytes));
      ASSERT_TRUE(blocks.ok()) << blocks.status();
      ASSERT_EQ(blocks->size(), written.blocks.size());
      for (size_t i = 0; i < blocks->size(); ++i) {
        ASSERT_TRUE((*blocks)[i] == written.blocks[i]) << "block " << i << " of seed " << seed;
      }
    }
  }
}

TEST(TraceFormat, TellsFactsAndCallSites) {
  const Written written = Write({.events = 500});
  auto reader = TraceReader::Open(MemorySource(written.bytes), "file");
  ASSERT_TRUE(reader.ok()) << reader.status();
  ASSERT_NE((*reader)->facts(), nullptr);
  EXPECT_EQ(*(*reader)->facts(), written.facts);
  EXPECT_EQ((*reader)->stored_events(), 500u);
  EXPECT_EQ((*reader)->pid(), 7u);
  EXPECT_EQ((*reader)->header().program(), "test");
  (*reader)->KeepCallSites();
  EventBlock block;
  ASSERT_TRUE(*(*reader)->Next(&block));
  ASSERT_EQ((*reader)->call_sites().size(), 3u);
  EXPECT_EQ((*reader)->call_sites()[2].address, 0xffffffffffffffffu);
  EXPECT_EQ((*reader)->call_sites()[2].parent, 1u);

  auto stream = TraceReader::Open(Pipe(written.bytes), "file");
  ASSERT_TRUE(stream.ok()) << stream.status();
  EXPECT_EQ((*stream)->facts(), nullptr);
  EXPECT_EQ((*stream)->stored_events(), 0u);
  while (*(*stream)->Next(&block)) {
  }
  ASSERT_NE((*stream)->facts(), nullptr);
  EXPECT_EQ(*(*stream)->facts(), written.facts);
  EXPECT_EQ((*stream)->stored_events(), 500u);
}

TEST(TraceFormat, ChoosesTheProcess) {
  TraceFacts small_facts, big_facts;
  uint32_t small_ids, big_ids;
  const auto small = RandomBlocks({.seed = 1, .events = 200}, &small_facts, &small_ids);
  const auto big = RandomBlocks({.seed = 2, .events = 900}, &big_facts, &big_ids);
  StringSink sink;
  TraceWriter writer(&sink);
  proto::TraceHeader header;
  header.set_several_processes(true);
  ASSERT_TRUE(writer.Header(header).ok());
  ASSERT_TRUE(writer.Block(0, small[0]).ok());
  ASSERT_TRUE(writer.Block(1, big[0]).ok());
  ASSERT_TRUE(writer
                  .Finish({{.pid = 10, .facts = small_facts, .object_ids = small_ids},
                           {.pid = 20, .facts = big_facts, .object_ids = big_ids}})
                  .ok());
  EXPECT_EQ(ReadAll(MemorySource(sink.bytes()))->at(0), big[0]);
  EXPECT_EQ(ReadAll(MemorySource(sink.bytes()), {.pid = 10})->at(0), small[0]);
  EXPECT_EQ(ReadAll(MemorySource(sink.bytes()), {.pid = 20})->at(0), big[0]);
  const absl::Status none = ReadAll(MemorySource(sink.bytes()), {.pid = 30}).status();
  EXPECT_EQ(none.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(none.message()), testing::HasSubstr("10 (200 events), 20 (900 events)"));
}

TEST(TraceFormat, EveryFlippedBitIsFound) {
  const std::string good = Write({.events = 300}).bytes;
  for (size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] ^= static_cast<char>(1 << (at % 8));
    for (const bool seekable : {true, false}) {
      const absl::Status status = ReadAll(seekable ? MemorySource(bad) : Pipe(bad)).status();
      ASSERT_EQ(status.code(), absl::StatusCode::kDataLoss) << "byte " << at;
      EXPECT_THAT(std::string(status.message()),
                  testing::HasSubstr("file: damaged .htrace at offset"));
    }
  }
}

TEST(TraceFormat, EveryCutAndEveryTailIsFound) {
  const std::string good = Write({.events = 100}).bytes;
  for (size_t size = 0; size < good.size(); ++size) {
    for (const bool seekable : {true, false}) {
      const std::string cut = good.substr(0, size);
      EXPECT_EQ(ReadAll(seekable ? MemorySource(cut) : Pipe(cut)).status().code(),
                absl::StatusCode::kDataLoss)
          << "cut at " << size;
    }
  }
  for (const bool seekable : {true, false}) {
    const std::string longer = good + "x";
    EXPECT_EQ(ReadAll(seekable ? MemorySource(longer) : Pipe(longer)).status().code(),
              absl::StatusCode::kDataLoss);
  }
}

// Frames that are whole but stand in another's place.
TEST(TraceFormat, SwappedFramesAreFound) {
  const Written written = Write({.events = 3 * kMaxBlockEvents});
  StringSink sink;
  TraceWriter writer(&sink);
  ASSERT_TRUE(writer.Header({}).ok());
  for (const size_t i : {0, 2, 1}) ASSERT_TRUE(writer.Block(0, written.blocks[i]).ok());
  ASSERT_TRUE(writer.Finish({{.facts = written.facts, .object_ids = 1}}).ok());
  const absl::Status status = ReadAll(MemorySource(sink.bytes())).status();
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("a chunk starts at event"));
}

TEST(TraceFormat, RefusesAnotherVersion) {
  StringSink sink;
  FrameWriter frames(&sink, 1);
  proto::TraceHeader header;
  header.set_version(2);
  ASSERT_TRUE(frames.Write(FrameKind::kHeader, header.SerializeAsString()).ok());
  const absl::Status status = ReadAll(Pipe(sink.bytes())).status();
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("version 2"));
}

}  // namespace
}  // namespace heapsim::traces
