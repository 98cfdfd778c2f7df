#include "analysis/limit.h"

#include "gtest/gtest.h"

namespace heapsim::analysis {
namespace {

double BoundOf(absl::string_view text, double baseline) {
  const absl::StatusOr<Limit> limit = ParseLimit(text);
  EXPECT_TRUE(limit.ok()) << text << ": " << limit.status();
  return limit.ok() ? limit->Bound(baseline) : -1;
}

TEST(Limit, Bounds) {
  EXPECT_EQ(BoundOf("a.b<=123456", 7), 123456);
  EXPECT_EQ(BoundOf("a.b<=1.5KiB", 7), 1536);
  EXPECT_EQ(BoundOf("a.b<=2MiB", 7), 2 << 20);
  EXPECT_EQ(BoundOf("a.b<=3 B", 7), 3);
  EXPECT_EQ(BoundOf("a.b<=+64KiB", 100), 65636);
  EXPECT_EQ(BoundOf("a.b<=-64", 100), 36);
  // To the last bit, where a bound can be met exactly.
  EXPECT_EQ(BoundOf("a.b<=+2%", 50), 51);
  EXPECT_EQ(BoundOf("a.b<=+2%", 5345300), 5452206);
  EXPECT_EQ(BoundOf("a.b<=-50%", 3), 1.5);
  EXPECT_EQ(BoundOf("a.b<=+0%", 18014398509481984.0), 18014398509481984.0);
}

TEST(Limit, Parts) {
  const Limit limit = *ParseLimit(" memory.peak_rss_bytes <= +2% ");
  EXPECT_EQ(limit.metric, "memory.peak_rss_bytes");
  EXPECT_EQ(limit.text, "memory.peak_rss_bytes <= +2%");
  EXPECT_EQ(limit.name, limit.text);
  EXPECT_TRUE(limit.relative());
  EXPECT_FALSE(ParseLimit("a.b<=2")->relative());
}

TEST(Limit, Relations) {
  const Limit most = *ParseLimit("a.b<=5"), least = *ParseLimit("a.b>=5"),
              same = *ParseLimit("a.b==5");
  EXPECT_TRUE(most.Allows(5, 5) && most.Allows(4, 5) && !most.Allows(6, 5));
  EXPECT_TRUE(least.Allows(5, 5) && !least.Allows(4, 5) && least.Allows(6, 5));
  EXPECT_TRUE(same.Allows(5, 5) && !same.Allows(4, 5) && !same.Allows(6, 5));
}

TEST(Limit, Wrong) {
  for (const char* text :
       {"", "a.b", "a.b<5", "a.b=5", "<=5", "a.b<=", "a.b<=x", "a.b<=2%", "a.b<=+", "a.b<=+-2",
        "a.b<=nan", "a.b<=inf", "a.b<=1e3", "a.b<=5MB", "a.b<=%", "a.b<=1.2.3", "a.b<=5<=6"}) {
    const absl::StatusOr<Limit> limit = ParseLimit(text);
    ASSERT_FALSE(limit.ok()) << text;
    EXPECT_NE(limit.status().message().find("+2%"), absl::string_view::npos);
  }
}

TEST(Limit, File) {
  const auto limits = ParseLimitsFile("l.textproto", R"(
    limit { limit: "memory.peak_rss_bytes<=+2%" name: "peak" reason: "the container has 8 MiB" }
    limit { limit: "os.page_faults<=5000" })");
  ASSERT_TRUE(limits.ok()) << limits.status();
  ASSERT_EQ(limits->size(), 2u);
  EXPECT_EQ((*limits)[0].name, "peak");
  EXPECT_EQ((*limits)[0].reason, "the container has 8 MiB");
  EXPECT_EQ((*limits)[1].name, "os.page_faults<=5000");
  EXPECT_EQ((*limits)[1].reason, "");
}

TEST(Limit, WrongFile) {
  EXPECT_NE(ParseLimitsFile("l.textproto", "limit {\n nam: \"x\" }")
                .status()
                .message()
                .find("l.textproto:2:"),
            absl::string_view::npos);
  EXPECT_NE(ParseLimitsFile("l.textproto", "limit { limit: 'a.b<=1' } limit { name: 'x' }")
                .status()
                .message()
                .find("l.textproto: limit 2: "),
            absl::string_view::npos);
}

}  // namespace
}  // namespace heapsim::analysis
