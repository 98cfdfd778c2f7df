#include "traces/transform/transform.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "traces/block_builder.h"
#include "traces/copy_process.h"
#include "traces/format/trace_writer.h"
#include "traces/open_trace.h"
#include "traces/random_events.h"
#include "traces/transform/export.h"

namespace heapsim::traces {
namespace {

std::string RandomTrace(const RandomEventsOptions& options) {
  StringSink sink;
  TraceWriter writer(&sink);
  proto::TraceHeader header;
  header.set_command_line("secret --word");
  EXPECT_TRUE(writer.Header(header).ok());
  TraceFacts facts;
  uint32_t ids;
  for (const EventBlock& block : RandomBlocks(options, &facts, &ids)) {
    EXPECT_TRUE(writer.Block(0, block).ok());
  }
  facts.format = "random";
  EXPECT_TRUE(writer.Finish({{.pid = 9, .facts = facts, .object_ids = ids}}).ok());
  return sink.bytes();
}

std::unique_ptr<TraceReader> Reader(const std::string& bytes) {
  auto opened = OpenTraceSource(MemorySource(bytes), "trace");
  EXPECT_TRUE(opened.ok()) << opened.status();
  return std::move(opened->reader);
}

TraceFacts FactsOf(const std::string& bytes) { return *Reader(bytes)->facts(); }

std::vector<EventBlock> BlocksOf(const std::string& bytes) {
  auto reader = Reader(bytes);
  std::vector<EventBlock> blocks;
  EventBlock block;
  for (;;) {
    absl::StatusOr<bool> more = reader->Next(&block);
    EXPECT_TRUE(more.ok()) << more.status();
    if (!more.ok() || !*more) return blocks;
    blocks.push_back(block);
  }
}

std::string Slice(const std::string& bytes, const SliceOptions& options) {
  StringSink sink;
  const absl::Status status = SliceTrace(*Reader(bytes), options, &sink);
  EXPECT_TRUE(status.ok()) << status;
  return sink.bytes();
}

// Whatever only passes through keeps every event.
TEST(Transform, IdentitiesChangeNothing) {
  const std::string bytes = RandomTrace({.events = 150000, .addresses = 5000});
  const auto blocks = BlocksOf(bytes);
  StringSink anonymous, scaled, looped, merged;
  ASSERT_TRUE(AnonymizeTrace(*Reader(bytes), &anonymous).ok());
  ASSERT_TRUE(ScaleTrace(*Reader(bytes), {}, &scaled).ok());
  ASSERT_TRUE(LoopTrace([&] { return absl::StatusOr<std::unique_ptr<TraceReader>>(Reader(bytes)); },
                        {.rounds = 1, .free_at_end = false}, &looped)
                  .ok());
  for (const std::string& out :
       {Slice(bytes, {}), anonymous.bytes(), scaled.bytes(), looped.bytes()}) {
    EXPECT_TRUE(BlocksOf(out) == blocks);
    TraceFacts facts = FactsOf(out), expected = FactsOf(bytes);
    expected.distinct_threads = facts.distinct_threads;  // ended threads are others afterwards
    EXPECT_EQ(facts, expected);
  }
}

TEST(Transform, AnonymizeForgets) {
  const std::string bytes = RandomTrace({.events = 100});
  StringSink sink;
  ASSERT_TRUE(AnonymizeTrace(*Reader(bytes), &sink).ok());
  EXPECT_EQ(Reader(bytes)->header().command_line(), "secret --word");
  EXPECT_EQ(Reader(sink.bytes())->header().command_line(), "");
  EXPECT_EQ(Reader(sink.bytes())->pid(), 0u);
}

// Two sites, of which the library that holds the first makes room for another.
std::string NamedTrace(const std::string& function) {
  const std::string text = absl::StrCat(
      "v 10400 3\nX secret --word\nI 1000 100\ns 4 prog\ns ", absl::Hex(function.size()), " ",
      function, "\ns 7 /s/f.cc\ni 1010 1 2 3 c\ni 1020 1\nt 2 0\nt 1 1\na 10 2\na 20 1\n",
      "+ 0\n+ 1\n+ 0\n- 1\nc 5\n+ 1\n");
  StringSink copy;
  auto opened =
      OpenTraceSource(MemorySource(text), "trace", {.keep_call_sites = true, .copy_to = &copy});
  EXPECT_TRUE(opened.ok()) << opened.status();
  return copy.bytes();
}

// The names of the call sites of all allocations, in order.
std::vector<std::string> AllocationNames(const std::string& bytes) {
  auto reader = Reader(bytes);
  reader->KeepCallSites();
  std::vector<std::string> names;
  EventBlock block;
  while (*reader->Next(&block)) {
    for (size_t i = 0; i < block.alloc_size.size(); ++i) {
      const uint32_t node = block.call_site.empty() ? 0 : block.call_site[i];
      if (node == 0) {
        names.push_back("-");
        continue;
      }
      const uint64_t address = reader->call_sites().at(node - 1).address;
      names.push_back(reader->code_names().FramesOf(node, address)[0].Name());
    }
  }
  return names;
}

TEST(Transform, NamesOfCallSitesAreKept) {
  using testing::ElementsAre;
  const std::string bytes = NamedTrace("parse(int)");
  EXPECT_THAT(AllocationNames(bytes),
              ElementsAre("parse(int)", "prog 0x1020", "parse(int)", "prog 0x1020"));
  EXPECT_THAT(AllocationNames(Slice(bytes, {.first = 4})),
              ElementsAre("parse(int)", "prog 0x1020", "parse(int)", "prog 0x1020"));
  StringSink scaled, looped, copied;
  ASSERT_TRUE(ScaleTrace(*Reader(bytes), {.copies = 2}, &scaled).ok());
  EXPECT_EQ(AllocationNames(scaled.bytes()).size(), 8u);
  EXPECT_EQ(AllocationNames(scaled.bytes())[7], "prog 0x1020");
  ASSERT_TRUE(LoopTrace([&] { return absl::StatusOr<std::unique_ptr<TraceReader>>(Reader(bytes)); },
                        {.rounds = 2}, &looped)
                  .ok());
  EXPECT_EQ(AllocationNames(looped.bytes())[4], "parse(int)");
  ASSERT_TRUE(CopyProcess(*Reader(bytes), &copied).ok());
  EXPECT_EQ(AllocationNames(copied.bytes()), AllocationNames(bytes));
}

// The slices begin with a free, which has neither call site nor pointers itself.
TEST(Transform, LiveObjectsTakeOverNoNeighboursCallSite) {
  const std::string text =
      "v 10400 3\nX p\nI 1000 100\ns 4 prog\ns 5 parse\ni 1010 1 2\nt 1 0\n"
      "a 10 1\na 20 0\n+ 0\n+ 1\n+ 0\n+ 1\n- 0\n- 1\n";
  StringSink copy;
  auto opened =
      OpenTraceSource(MemorySource(text), "trace", {.keep_call_sites = true, .copy_to = &copy});
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_THAT(AllocationNames(copy.bytes()), testing::ElementsAre("parse", "-", "parse", "-"));
  EXPECT_THAT(AllocationNames(Slice(copy.bytes(), {.first = 5})),
              testing::ElementsAre("parse", "-", "parse", "-"));
}

TEST(Transform, LiveObjectsTakeOverNoNeighboursPointers) {
  StringSink sink;
  TraceWriter writer(&sink);
  ASSERT_TRUE(writer.Header({}).ok());
  BlockBuilder blocks([&](const EventBlock& block) { return writer.Block(0, block); });
  std::vector<uint32_t> ids;
  for (const bool scan : {true, false, true, false}) {
    blocks.SetScan(scan);
    ids.push_back(blocks.Alloc(EventKind::kMalloc, 100));
  }
  blocks.Free(ids[3]);
  blocks.Flush();
  TraceFacts facts;
  facts.events = 5;
  ASSERT_TRUE(writer.Finish({{.facts = facts, .object_ids = blocks.object_ids()}}).ok());
  const std::vector<EventBlock> kept = BlocksOf(Slice(sink.bytes(), {.first = 5}));
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(kept[0].count, 5u);
  EXPECT_THAT(kept[0].scan, testing::ElementsAre(0b0101u));
}

TEST(Transform, MergeTellsEqualAddressesApart) {
  const std::string a = NamedTrace("first"), b = NamedTrace("second");
  const std::string plain = RandomTrace({.events = 4});
  auto reader_a = Reader(a), reader_b = Reader(b), reader_c = Reader(plain);
  StringSink sink;
  ASSERT_TRUE(MergeTraces({reader_a.get(), reader_b.get(), reader_c.get()}, &sink).ok());
  std::vector<std::string> names = AllocationNames(sink.bytes());
  // The third has no call sites, and takes over nobody's.
  const size_t unknown = AllocationNames(plain).size();
  EXPECT_EQ(std::count(names.begin(), names.end(), "-"), unknown);
  EXPECT_EQ(std::count(names.begin(), names.end(), "first"), 2);
  EXPECT_EQ(std::count(names.begin(), names.end(), "second"), 2);
  EXPECT_EQ(std::count(names.begin(), names.end(), "prog 0x1020"), 4);
}

TEST(Transform, AnonymizeForgetsNames) {
  StringSink sink;
  ASSERT_TRUE(AnonymizeTrace(*Reader(NamedTrace("parse_secret")), &sink).ok());
  EXPECT_THAT(AllocationNames(sink.bytes()), testing::ElementsAre("0x2", "0x1", "0x2", "0x1"));
  for (const char* word : {"parse_secret", "prog", "f.cc", "secret"}) {
    EXPECT_EQ(sink.bytes().find(word), std::string::npos) << word;
  }
}

TEST(Transform, SlicesJoinUp) {
  const std::string bytes = RandomTrace({.events = 9000, .addresses = 500});
  const TraceFacts whole = FactsOf(bytes);
  const TraceFacts head = FactsOf(Slice(bytes, {.last = 4000}));
  EXPECT_EQ(head.events, 4000u);
  const TraceFacts warm = FactsOf(Slice(bytes, {.first = 4001}));
  EXPECT_EQ(warm.events, 5000u + head.live_at_end_blocks);
  EXPECT_EQ(warm.live_at_end_bytes, whole.live_at_end_bytes);
  EXPECT_EQ(warm.live_at_end_blocks, whole.live_at_end_blocks);
  EXPECT_EQ(warm.free_unknown + head.free_unknown, whole.free_unknown);
  const TraceFacts cold = FactsOf(Slice(bytes, {.first = 4001, .keep_live = false}));
  EXPECT_EQ(cold.events, 5000u);
  EXPECT_GT(cold.free_unknown, warm.free_unknown);
  StringSink sink;
  EXPECT_EQ(SliceTrace(*Reader(bytes), {.first = 9001}, &sink).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(SliceTrace(*Reader(bytes), {.first = 5, .last = 4}, &sink).code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(Transform, LoopRepeats) {
  const std::string bytes = RandomTrace({.events = 3000, .addresses = 300});
  const TraceFacts once = FactsOf(bytes);
  const auto open = [&] { return absl::StatusOr<std::unique_ptr<TraceReader>>(Reader(bytes)); };
  StringSink freed, kept;
  ASSERT_TRUE(LoopTrace(open, {.rounds = 3}, &freed).ok());
  ASSERT_TRUE(LoopTrace(open, {.rounds = 3, .free_at_end = false}, &kept).ok());
  EXPECT_EQ(FactsOf(freed.bytes()).live_at_end_blocks, 0u);
  EXPECT_EQ(FactsOf(freed.bytes()).peak_live_bytes, once.peak_live_bytes);
  EXPECT_EQ(FactsOf(freed.bytes()).events, 3 * (3000 + once.live_at_end_blocks));
  EXPECT_EQ(FactsOf(kept.bytes()).live_at_end_bytes, 3 * once.live_at_end_bytes);
  EXPECT_EQ(FactsOf(kept.bytes()).duration_ns, 3 * *once.duration_ns);
}

TEST(Transform, ScaleMultiplies) {
  const std::string bytes = RandomTrace({.events = 3000, .addresses = 300, .odd = false});
  const TraceFacts once = FactsOf(bytes);
  StringSink sink;
  ASSERT_TRUE(ScaleTrace(*Reader(bytes), {.sizes = 2, .time = 10, .copies = 4}, &sink).ok());
  const TraceFacts scaled = FactsOf(sink.bytes());
  EXPECT_EQ(scaled.events, 4 * once.events);
  EXPECT_EQ(scaled.total_requested_bytes, 8 * once.total_requested_bytes);
  EXPECT_EQ(scaled.live_at_end_bytes, 8 * once.live_at_end_bytes);
  EXPECT_EQ(scaled.duration_ns, 10 * *once.duration_ns);
  EXPECT_FALSE(ScaleTrace(*Reader(bytes), {.sizes = -1}, &sink).ok());
}

TEST(Transform, MergeKeepsEverything) {
  for (const bool columns : {true, false}) {
    const std::string a = RandomTrace({.seed = 1, .events = 5000, .columns = columns});
    const std::string b = RandomTrace({.seed = 2, .events = 700, .columns = columns});
    auto reader_a = Reader(a), reader_b = Reader(b);
    StringSink sink;
    const absl::Status status = MergeTraces({reader_a.get(), reader_b.get()}, &sink);
    ASSERT_TRUE(status.ok()) << status;
    const TraceFacts fa = FactsOf(a), fb = FactsOf(b), merged = FactsOf(sink.bytes());
    EXPECT_EQ(merged.events, fa.events + fb.events);
    EXPECT_EQ(merged.live_at_end_bytes, fa.live_at_end_bytes + fb.live_at_end_bytes);
    EXPECT_EQ(merged.total_requested_bytes, fa.total_requested_bytes + fb.total_requested_bytes);
    EXPECT_EQ(merged.free_unknown, fa.free_unknown + fb.free_unknown);
    EXPECT_EQ(merged.duration_ns.has_value(), columns);
  }
}

TEST(Transform, ExportReadsBack) {
  for (const bool columns : {true, false}) {
    const std::string bytes = RandomTrace({.events = 20000, .addresses = 300, .columns = columns});
    StringSink text;
    ASSERT_TRUE(ExportTrace(*Reader(bytes), "android", &text).ok());
    TraceFacts back = FactsOf(text.bytes());
    TraceFacts expected = FactsOf(bytes);
    EXPECT_EQ(back.format, "android");
    back.format = expected.format;
    back.distinct_threads = expected.distinct_threads;
    expected.recorded_peak_rss_bytes.reset();
    EXPECT_EQ(back, expected);
    StringSink csv;
    ASSERT_TRUE(ExportTrace(*Reader(bytes), "csv", &csv).ok());
    EXPECT_EQ(std::count(csv.bytes().begin(), csv.bytes().end(), '\n'), 20001);
  }
  StringSink sink;
  EXPECT_FALSE(ExportTrace(*Reader(RandomTrace({.events = 10})), "xml", &sink).ok());
}

TEST(Transform, GenerateBySeed) {
  GenerateOptions options;
  options.events = 200000;
  options.live_objects = 5000;
  StringSink a, b, c;
  ASSERT_TRUE(GenerateTrace(options, &a).ok());
  ASSERT_TRUE(GenerateTrace(options, &b).ok());
  options.seed = 2;
  ASSERT_TRUE(GenerateTrace(options, &c).ok());
  EXPECT_EQ(a.bytes(), b.bytes());
  EXPECT_NE(a.bytes(), c.bytes());
  const TraceFacts facts = FactsOf(a.bytes());
  EXPECT_EQ(facts.events, 200000u);
  EXPECT_NEAR(facts.live_at_end_blocks, 5000, 1000);
  EXPECT_LE(facts.max_request, options.max_size);
  // At most 4 bytes an event is what the format promises for plain traces.
  EXPECT_LT(a.bytes().size(), 3 * facts.events);
  options.live_objects = 0;
  EXPECT_FALSE(GenerateTrace(options, &a).ok());
}

}  // namespace
}  // namespace heapsim::traces
