#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "traces/importers/heaptrack_interpreted.h"
#include "traces/importers/heaptrack_raw.h"
#include "traces/importers/import_test_util.h"

namespace heapsim::traces {
namespace {

using testing::ElementsAre;

constexpr absl::string_view kRaw =
    "v 10400 3\n"
    "x d /usr/bin/true\n"
    "X true --really\n"
    "I 1000 5e2919\n"
    "m 1 -\n"
    "m 1 x 401000 0 1000\n"
    "m 9 /lib/so.6 7f0000000000 0 100 1000 500\n"
    "t 7f0000001000 0\n"
    "+ 10 1 55f800000010\n"
    "c 14\n"
    "R 57b\n"
    "t 7f0000002000 1\n"
    "+ 20 2 55f800000040\n"
    "- 55f800000010\n"
    "- 55f800000099\n"
    "\n"
    "# done\n"
    "c 1e\n"
    "+ 30 1 55f800000010\n"
    "R 58b\n";

TEST(HeaptrackRaw, Events) {
  const Imported trace = ImportText(kRaw, {}, true);
  ASSERT_TRUE(trace.status.ok()) << trace.status;
  EXPECT_EQ(trace.facts.format, "heaptrack-raw");
  EXPECT_EQ(trace.facts.events, 5u);
  EXPECT_EQ(trace.facts.malloc, 3u);
  EXPECT_EQ(trace.facts.free, 2u);
  EXPECT_EQ(trace.facts.free_unknown, 1u);
  EXPECT_EQ(trace.facts.distinct_threads, std::nullopt);
  EXPECT_EQ(trace.facts.duration_ns, 30000000u);
  EXPECT_EQ(trace.facts.recorded_peak_rss_bytes, 0x58bu * 4096);
  EXPECT_EQ(trace.header.command_line(), "true --really");
  EXPECT_EQ(trace.header.program(), "/usr/bin/true");
  EXPECT_EQ(trace.header.recorder(), "heaptrack 1.4.0");
  const EventBlock& block = trace.blocks.at(0);
  EXPECT_THAT(block.time_ns, ElementsAre(0, 20000000, 20000000, 20000000, 30000000));
  EXPECT_THAT(block.call_site, ElementsAre(1, 2, 1));
  EXPECT_THAT(block.markers, ElementsAre(Marker{1, MarkerKind::kRss, 0x57b * 4096},
                                         Marker{5, MarkerKind::kRss, 0x58b * 4096}));
  ASSERT_EQ(trace.call_sites.size(), 2u);
  EXPECT_EQ(trace.call_sites[1].address, 0x7f0000002000u);
  EXPECT_EQ(trace.call_sites[1].parent, 1u);
}

TEST(HeaptrackRaw, ModulesNameAddressesUntilTheListStartsAnew) {
  const Imported trace = ImportText(
      "v 10400 3\n"
      "x d /usr/bin/true\n"
      "I 1000 5e2919\n"
      "m 1 -\n"
      "m 1 x 401000 0 1000\n"
      "m 9 /lib/so.6 7f0000000000 0 100 1000 500\n"
      "m 9 /lib/so.7 nonsense\n"
      "t 7f0000001004 0\n"
      "t 401010 1\n"
      "t 7f0000000100 2\n"
      "m 1 -\n"
      "m 4 late 7f0000000000 0 10000\n"
      "t 7f0000001004 2\n"
      "+ 10 4 55f800000010\n",
      {}, true);
  ASSERT_TRUE(trace.status.ok()) << trace.status;
  EXPECT_THAT(trace.names,
              ElementsAre("so.6+0x1004", "true+0x10", "0x7f0000000100", "late+0x1004"));
  EXPECT_THAT(trace.blocks.at(0).call_site, ElementsAre(4));
  EXPECT_TRUE(trace.facts.complete);
  EXPECT_THAT(trace.warnings, ElementsAre(testing::HasSubstr("a module makes no sense")));
}

TEST(HeaptrackRaw, HalfALastLineIsNoEvent) {
  for (const size_t cut : {1, 4, 8}) {
    const std::string text = std::string(kRaw) + std::string("+ 99 1 55f80000").substr(0, 7 + cut);
    const Imported trace = ImportText(text);
    ASSERT_TRUE(trace.status.ok()) << trace.status;
    EXPECT_EQ(trace.facts.events, 5u);
    EXPECT_FALSE(trace.facts.complete);
  }
}

TEST(HeaptrackRaw, OlderFormats) {
  const Imported trace = ImportText(
      "v 10200\n"
      "X prog\n"
      "x /usr/bin/prog\n"
      "t 1000 0\n"
      "+ 8 1 7f0000000010\n"
      "- 7f0000000010\n");
  ASSERT_TRUE(trace.status.ok()) << trace.status;
  EXPECT_EQ(trace.facts.format, "heaptrack-raw");
  EXPECT_EQ(trace.facts.events, 2u);
  EXPECT_EQ(trace.header.program(), "/usr/bin/prog");
}

TEST(HeaptrackInterpreted, TakesTheNewestOfItsClass) {
  const Imported trace = ImportText(
      "v 10400 3\n"
      "X prog\n"
      "I 1000 100\n"
      "s 4 prog\n"
      "i 1000 1\n"
      "t 1 0\n"
      "a 10 1\n"
      "a 20 1\n"
      "+ 0\n"
      "+ 0\n"
      "+ 1\n"
      "- 0\n"
      "- 1\n"
      "- 1\n"
      "- 7\n"
      "c 5\n"
      "+ 1\n");
  ASSERT_TRUE(trace.status.ok()) << trace.status;
  EXPECT_EQ(trace.facts.format, "heaptrack-interpreted");
  EXPECT_EQ(trace.facts.events, 7u);
  EXPECT_EQ(trace.facts.free_unknown, 1u);
  EXPECT_EQ(trace.facts.peak_live_bytes, 0x40u);
  EXPECT_EQ(trace.facts.live_at_end_bytes, 0x30u);
  EXPECT_THAT(trace.blocks.at(0).free_object, ElementsAre(1, 2, kNoObject));
  EXPECT_FALSE(trace.facts.complete);  // the line "- 7"
}

TEST(HeaptrackInterpreted, FunctionsFilesAndLines) {
  const Imported trace = ImportText(
      "v 10400 3\n"
      "X prog\n"
      "I 1000 100\n"
      "s 9 /bin/prog\n"
      "s 5 inner\n"
      "s 8 a b/in.h\n"
      "s 5 outer\n"
      "s 4 o.cc\n"
      "i 1010 1 2 3 1f 4 5 20\n"
      "i 1020 1 4 5 21\n"
      "i 1030 1\n"
      "i 1040 63 63\n"
      "t 3 0\n"
      "t 2 1\n"
      "t 1 2\n"
      "t 4 9\n"
      "a 10 3\n"
      "a 20 2\n"
      "+ 0\n"
      "+ 1\n"
      "- 0\n",
      {}, true);
  ASSERT_TRUE(trace.status.ok()) << trace.status;
  EXPECT_THAT(trace.names, ElementsAre("prog 0x1030", "outer o.cc:33",
                                       "inner a b/in.h:31 < outer o.cc:32", "0x0"));
  EXPECT_THAT(trace.blocks.at(0).call_site, ElementsAre(3, 2));
  EXPECT_EQ(trace.call_sites.at(2).parent, 2u);
  EXPECT_EQ(trace.call_sites.at(0).address, 0x1030u);
  // A bad name is no bad event.
  EXPECT_TRUE(trace.facts.complete);
  EXPECT_THAT(trace.warnings, testing::Contains(testing::HasSubstr("call sites make no sense")));
}

// Format 2: strings reach to the end of the line, and functions may come without a file.
TEST(HeaptrackInterpreted, OlderStrings) {
  const Imported trace = ImportText(
      "v 10000 2\n"
      "X prog\n"
      "s /bin/my prog\n"
      "s f(int, int)\n"
      "i 1010 1 2\n"
      "t 1 0\n"
      "a 10 1\n"
      "+ 0\n",
      {}, true);
  ASSERT_TRUE(trace.status.ok()) << trace.status;
  EXPECT_THAT(trace.names, ElementsAre("f(int, int)"));
  EXPECT_THAT(trace.warnings, testing::Not(testing::Contains(testing::HasSubstr("no sense"))));
}

}  // namespace
}  // namespace heapsim::traces
