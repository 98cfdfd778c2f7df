#include "traces/copy_process.h"

#include <string>

#include "gtest/gtest.h"
#include "traces/io/byte_source.h"
#include "traces/open_trace.h"

namespace heapsim::traces {
namespace {

constexpr char kHeaptrack[] =
    "v 10400 3\n"
    "x 4 prog\n"
    "I 1000 100\n"
    "t 401000 0\n"
    "+ 64 1 1000\n"
    "c a\n"
    "t 402000 1\n"
    "+ 20 2 2000\n"
    "R 10\n"
    "- 1000\n"
    "- 3000\n";

OpenedTrace Open(const std::string& bytes, const OpenOptions& options = {}) {
  absl::StatusOr<OpenedTrace> opened = OpenTraceSource(MemorySource(bytes), "test", options);
  EXPECT_TRUE(opened.ok()) << opened.status();
  return *std::move(opened);
}

TEST(CopyProcess, HoldsTheSame) {
  const std::string source = kHeaptrack;
  const OpenedTrace first = Open(source, {.keep_call_sites = true});
  StringSink copy;
  ASSERT_TRUE(CopyProcess(*first.reader, &copy).ok());

  const OpenedTrace again = Open(copy.bytes());
  EXPECT_EQ(*again.reader->facts(), *first.reader->facts());
  EXPECT_EQ(again.reader->header().source_format(), first.reader->header().source_format());
  again.reader->KeepCallSites();
  EventBlock block;
  ASSERT_TRUE(*again.reader->Next(&block));
  EXPECT_EQ(block.count, 4u);
  EXPECT_EQ(again.reader->call_sites().size(), 2u);
  EXPECT_FALSE(*again.reader->Next(&block));
}

TEST(OpenTrace, CopiesTheWholeTraceOnRequest) {
  const std::string source = kHeaptrack;
  StringSink copy;
  const OpenedTrace first = Open(source, {.copy_to = &copy});
  EXPECT_EQ(*Open(copy.bytes()).reader->facts(), *first.reader->facts());
  // A copy of a `.htrace` is the `.htrace`.
  StringSink second;
  Open(copy.bytes(), {.copy_to = &second});
  EXPECT_EQ(second.bytes(), copy.bytes());
}

}  // namespace
}  // namespace heapsim::traces
