// The formats of one call a line, each by a few lines that show its traps.
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "traces/importers/import_test_util.h"

namespace heapsim::traces {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(GlibcMtrace, ReadsLinesFromTheirEnd) {
  const Imported trace = ImportText(
      "= Start\n"
      "@ /opt/a b/prog:(f+1c)[0xa958c] + 0x55dbc97512a0 0x18\n"
      "@ [0x10cb3] + 0x55dbc9763310 0x130\n"
      "+ 0x100 0x10\n"
      "@ p:[0x24e2] < 0x55dbc97512a0\n"
      "@ p:[0x24e2] > 0x55dbc9770000 0x31\n"
      "@ p:[0x24e2] ! 0x55dbc9770000 0x7fffffffffffffff\n"
      "@ p:[0x2c62] - 0x55dbc9770000\n"
      "@ p:[0x2c62] - 0x1234\n"
      "@ p:[0x2c62] -\n"
      "= End\n");
  ASSERT_TRUE(trace.status.ok()) << trace.status;
  EXPECT_EQ(trace.facts.format, "glibc-mtrace");
  EXPECT_EQ(trace.facts.events, 7u);
  EXPECT_EQ(trace.facts.realloc, 2u);
  EXPECT_EQ(trace.facts.free_unknown, 1u);
  EXPECT_EQ(trace.facts.peak_live_bytes, 0x130u + 0x10 + 0x31);
  EXPECT_EQ(trace.facts.live_at_end_bytes, 0x140u);
  EXPECT_THAT(trace.warnings, ElementsAre(HasSubstr("1 bad line")));
}

TEST(GlibcMtrace, CallersAreCallSites) {
  const Imported trace = ImportText(
      "= Start\n"
      "@ /opt/a b/prog:(_Z1fi+1c)[0xa958c] + 0x100 0x18\n"
      "@ /lib/so.6:[0x10cb3] + 0x200 0x130\n"
      "@ [0x10cb3] + 0x300 0x130\n"
      "+ 0x400 0x10\n"
      "@ /opt/a b/prog:(_Z1fi+1c)[0xa958c] + 0x500 0x18\n"
      "= End\n",
      {}, true);
  ASSERT_TRUE(trace.status.ok()) << trace.status;
  EXPECT_THAT(trace.names, ElementsAre("_Z1fi", "so.6+0x10cb3", "[0x10cb3]"));
  EXPECT_THAT(trace.blocks.at(0).call_site, ElementsAre(1, 2, 3, 0, 1));
}

TEST(Valgrind, CallsAmongTalk) {
  const Imported trace = ImportText(
      "==100== Memcheck, a memory error detector\n"
      "==100== Command: prog --flag\n"
      "hello from the program (really)\n"
      "--100-- malloc(72704) = 0x4D61040\n"
      "--100-- calloc(18,16) = 0x4D72FA0\n"
      "--100-- memalign(al 256, size 1000) = 0x4D80000\n"
      "--100-- _ZnwmSt11align_val_t(size 10, al 64) = 0x4D90000\n"
      "--100-- realloc(0x0,26)malloc(26) = 0x4D73570\n"
      "--100-- realloc(0x4D73570,52) = 0x4D735D0\n"
      "--100-- realloc(0x4D735D0,0)free(0x4D735D0)\n"
      "--100--  = 0\n"
      "--100-- malloc_usable_size(0x4D61040) = 72704\n"
      "--101-- _Znwm(64) = 0x4D61040\n"
      "--100-- _ZdlPvm(0x4D61040)\n"
      "--100-- free(0x0)\n"
      "--100-- realloc(0x4D7\n");
  ASSERT_TRUE(trace.status.ok()) << trace.status;
  EXPECT_EQ(trace.facts.format, "valgrind");
  EXPECT_EQ(trace.header.command_line(), "prog --flag");
  EXPECT_EQ(trace.facts.events, 9u);
  EXPECT_EQ(trace.facts.memalign, 2u);
  EXPECT_EQ(trace.facts.realloc, 3u);
  EXPECT_EQ(trace.facts.free_null, 1u);
  EXPECT_EQ(trace.facts.alloc_of_live_address, 0u);
  EXPECT_EQ(trace.facts.peak_live_bytes, 72704u + 288 + 1000 + 10 + 52);
  EXPECT_EQ(trace.facts.live_at_end_bytes, 1298u);
  EXPECT_THAT(trace.warnings, ElementsAre(HasSubstr("line 16"), HasSubstr("101 (1)")));
}

TEST(Ltrace, PairsInterleavedCalls) {
  const Imported trace = ImportText(
      "7 1795378888.540844 lib.so.6->malloc(64) = 0x1000\n"
      "8 1795378888.540845 lib.so.6->calloc(2, 5 <unfinished ...>\n"
      "7 1795378888.540846 prog->realloc(0x1000, 100 <unfinished ...>\n"
      "8 1795378888.540847 <... calloc resumed> )   = 0x2000\n"
      "7 1795378888.540848 <... realloc resumed> )  = 0x3000\n"
      "7 1795378888.540849 prog->posix_memalign(0x7ffe, 256, 1000, 1) = 0\n"
      "8 1795378888.540850 prog->free(0x3000 <no return ...>\n"
      "8 1795378888.540851 <... free resumed> )     = <void>\n"
      "7 1795378888.540852 prog->free(0)            = <void>\n"
      "7 1795378888.540853 prog->memalign(64, 10)   = nil\n"
      "7 1795378888.540854 +++ exited (status 0) +++\n");
  ASSERT_TRUE(trace.status.ok()) << trace.status;
  EXPECT_EQ(trace.facts.format, "ltrace");
  EXPECT_EQ(trace.facts.events, 5u);
  EXPECT_EQ(trace.facts.realloc, 1u);
  EXPECT_EQ(trace.facts.memalign, 1u);
  EXPECT_EQ(trace.facts.free_null, 1u);
  EXPECT_EQ(trace.facts.peak_live_bytes, 110u);
  EXPECT_EQ(trace.facts.distinct_threads, 2u);
  EXPECT_EQ(trace.facts.duration_ns, 9000u);
  EXPECT_FALSE(trace.facts.complete);
}

TEST(Ltrace, LibrarySideForm) {
  const Imported trace = ImportText(
      "malloc@libc.so.6(10)                       = 0x55\n"
      "free@libc.so.6(0x55)                       = <void>\n");
  ASSERT_TRUE(trace.status.ok()) << trace.status;
  EXPECT_EQ(trace.facts.events, 2u);
  EXPECT_EQ(trace.facts.live_at_end_blocks, 0u);
  EXPECT_EQ(trace.facts.distinct_threads, std::nullopt);
}

TEST(Ltrace, TheCallingFileIsTheCallSite) {
  const Imported trace = ImportText(
      "7 lib.so.6->malloc(64) = 0x1000\n"
      "8 prog->calloc(2, 5 <unfinished ...>\n"
      "7 lib.so.6->malloc(64) = 0x3000\n"
      "8 <... calloc resumed> )   = 0x2000\n"
      "7 malloc@libc.so.6(64) = 0x4000\n",
      {}, true);
  ASSERT_TRUE(trace.status.ok()) << trace.status;
  EXPECT_THAT(trace.names, ElementsAre("lib.so.6", "prog"));
  EXPECT_THAT(trace.blocks.at(0).call_site, ElementsAre(1, 1, 2, 0));
}

TEST(TcmallocDebug, StacksAreATree) {
  const Imported trace = ImportText(
      "Trace started: 1795379572\n"
      "malloc\t8\t0x100\t1\t0x71\t0x72\t0x73\n"
      "malloc\t8\t0x200\t1\t0x70\t0x72\t0x73\n"
      "free\t8\t0x200\t1\t0x99\n"
      "malloc\t8\t0x200\t1\t0x71\t0x72\t0x73\n"
      "malloc\t8\t0x300\t1\n",
      {}, true);
  ASSERT_TRUE(trace.status.ok()) << trace.status;
  EXPECT_THAT(trace.names, ElementsAre("0x73", "0x72", "0x71", "0x70"));
  EXPECT_THAT(trace.blocks.at(0).call_site, ElementsAre(3, 4, 3, 0));
  EXPECT_EQ(trace.call_sites.at(3).parent, 2u);
}

TEST(TcmallocDebug, ReallocIsTwoRows) {
  const Imported trace = ImportText(
      "Trace started: 1795379572\n"
      "func\tsize\tptr\tthread_id\tstack pcs for tools/symbolize\n"
      "malloc\t100\t0x307ac0a0\t140120483223552\t0x7f70\t0x7f71\n"
      "free\t100\t0x307ac0a0\t140120483223552\t0x7f70\n"
      "realloc\t200\t0x307ac0a0\t140120483223552\t0x7f70\n"
      "free\t0\t(nil)\t140120483223553\t0x7f70\n");
  ASSERT_TRUE(trace.status.ok()) << trace.status;
  EXPECT_EQ(trace.facts.format, "tcmalloc-debug");
  EXPECT_EQ(trace.facts.events, 4u);
  EXPECT_EQ(trace.facts.realloc, 1u);
  EXPECT_EQ(trace.facts.peak_live_bytes, 200u);
  EXPECT_EQ(trace.facts.distinct_threads, 2u);
  EXPECT_THAT(trace.warnings, IsEmpty());
}

TEST(Logalloc, SlotsAndAddresses) {
  const Imported trace = ImportText(
      "1 1 jemalloc_stats()\n"
      "1 1 malloc(42)=#1\n"
      "2 2 malloc(42)=#1\n"
      "1 1 calloc(4,42)=#2\n"
      "1 1 realloc(#2,84)=#3\n"
      "1 2 posix_memalign(4096,1024)=#2\n"
      "1 1 valloc(10)=0x7f00\n"
      "1 1 free(#0)\n"
      "1 1 free(#1)\n");
  ASSERT_TRUE(trace.status.ok()) << trace.status;
  EXPECT_EQ(trace.facts.format, "logalloc");
  EXPECT_EQ(trace.facts.events, 7u);
  EXPECT_EQ(trace.facts.memalign, 2u);
  EXPECT_EQ(trace.facts.free_null, 1u);
  EXPECT_EQ(trace.facts.distinct_threads, 2u);
  EXPECT_EQ(trace.facts.live_at_end_bytes, 84u + 1024 + 10);
  EXPECT_EQ(ImportText("5 malloc(42)=0x10\n5 free(0x10)\n").facts.events, 2u);
}

TEST(CmuRep, HeadersThreadsAndLineEnds) {
  for (const char* header : {"100\r\n2\r\n4\r\n1\r\n", "2\r\n4\r\n"}) {
    const Imported trace = ImportText(std::string(header) +
                                      "a 0 512\r\n"
                                      "a 1 84048675867312144\r\n"
                                      "\r\n"
                                      "r 0 600 \r\n"
                                      "f 1 \r\n"
                                      "f -1\r\n"
                                      "f 0");
    ASSERT_TRUE(trace.status.ok()) << trace.status;
    EXPECT_EQ(trace.facts.format, "cmu-rep");
    EXPECT_EQ(trace.facts.malloc, 2u);
    EXPECT_EQ(trace.facts.realloc, 1u);
    EXPECT_EQ(trace.facts.free, 2u);
    EXPECT_EQ(trace.facts.free_null, 1u);
    EXPECT_EQ(trace.facts.live_at_end_blocks, 0u);
    EXPECT_EQ(trace.facts.peak_live_bytes, 84048675867312144u + 600);
    EXPECT_THAT(trace.warnings, IsEmpty());
  }
  EXPECT_EQ(ImportText("2\n3\n0 a 0 5\n1 a 1 6\n0 f 1\n").facts.distinct_threads, 2u);
}

TEST(Minimalloc, FreesComeFirst) {
  const Imported trace = ImportText(
      "id,size,upper,lower\n"
      "b1,4,6,3\n"
      "b2,5,3,0\n"
      "b3,bad,9,6\n");
  ASSERT_TRUE(trace.status.ok()) << trace.status;
  EXPECT_EQ(trace.facts.format, "minimalloc");
  EXPECT_EQ(trace.facts.events, 4u);
  EXPECT_EQ(trace.facts.peak_live_bytes, 5u);
  EXPECT_EQ(trace.facts.duration_ns, std::nullopt);
  EXPECT_FALSE(trace.facts.complete);
}

TEST(WeeAlloc, Ordinals) {
  const Imported trace =
      ImportText("Alloc(552),\nAlloc(120),\nFree(1),\nAlloc(5),\nFree(2),\nFree(9),\n");
  ASSERT_TRUE(trace.status.ok()) << trace.status;
  EXPECT_EQ(trace.facts.format, "wee-alloc");
  EXPECT_EQ(trace.facts.events, 6u);
  EXPECT_EQ(trace.facts.free_unknown, 1u);
  EXPECT_EQ(trace.facts.live_at_end_bytes, 552u);
}

TEST(GoAllocfreetrace, FramesAreNamed) {
  const Imported trace = ImportText(
      "tracealloc(0xc000016010, 0x10, *runtime.p)\n"
      "goroutine 1 [running]:\n"
      "runtime.mallocgc(0x9, 0x48e840, 0x1)\n"
      "\truntime/malloc.go:1131 +0x7b1 fp=0x7ffefb848960 sp=0x7ffefb8488e8 pc=0x40bd51\n"
      "main.(*tree).add(...)\n"
      "\tmain.go:12\n"
      "main.main({0x1?, 0x2})\n"
      "\t/src/a b/main.go:30 +0x15c fp=0x7 sp=0x7 pc=0x43e4fc\n"
      "created by runtime.main\n"
      "\truntime/proc.go:1 +0x15c\n"
      "\n"
      "tracealloc(0xc000017000, 0x20)\n"
      "goroutine 18 [running]:\n"
      "\n",
      {}, true);
  ASSERT_TRUE(trace.status.ok()) << trace.status;
  EXPECT_THAT(trace.names,
              ElementsAre("main.(*tree).add main.go:12 < main.main /src/a b/main.go:30",
                          "runtime.mallocgc runtime/malloc.go:1131"));
  EXPECT_THAT(trace.blocks.at(0).call_site, ElementsAre(2, 0));
  EXPECT_EQ(trace.call_sites.at(1).address, 0x40bd51u);
}

TEST(GoAllocfreetrace, StacksAreSkipped) {
  const Imported trace = ImportText(
      "tracealloc(0xc000016010, 0x10, *runtime.p)\n"
      "goroutine 0 [idle]:\n"
      "runtime.mallocgc(0x9, 0x48e840, 0x1)\n"
      "\truntime/malloc.go:1131 +0x7b1 fp=0x7ffefb848960 sp=0x7ffefb8488e8 pc=0x40bd51\n"
      "\n"
      "tracealloc(0xc000017000, 0x20)\n"
      "goroutine 18 [running]:\n"
      "\n"
      "tracegc()\n"
      "\n"
      "goroutine 3 [running]:\n"
      "end tracegc\n"
      "tracefree(0xc000016010, 0x10)\n"
      "goroutine 0 [idle]:\n");
  ASSERT_TRUE(trace.status.ok()) << trace.status;
  EXPECT_EQ(trace.facts.format, "go-allocfreetrace");
  EXPECT_EQ(trace.facts.events, 3u);
  EXPECT_EQ(trace.facts.peak_live_bytes, 0x30u);
  EXPECT_EQ(trace.facts.distinct_threads, 2u);
  EXPECT_THAT(trace.blocks.at(0).markers, ElementsAre(Marker{2, MarkerKind::kGc, 0}));
}

}  // namespace
}  // namespace heapsim::traces
