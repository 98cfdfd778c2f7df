#include "analysis/json.h"

#include <cstdint>
#include <limits>

#include "gtest/gtest.h"

namespace heapsim::analysis {
namespace {

using nlohmann::ordered_json;

proto::Result Example() {
  proto::Result result;
  result.mutable_trace()->set_events(std::numeric_limits<uint64_t>::max());
  result.mutable_trace()->set_format("android");
  result.mutable_policy()->set_name("go1.10");
  result.set_state_hash(0xab);
  result.mutable_memory()->set_peak_rss_bytes(4096);
  result.mutable_parts()->set_dead_bytes(4096);
  proto::Sample* sample = result.add_series();
  sample->set_event(1);
  sample->mutable_parts()->set_internal_bytes(7);
  result.add_series()->set_event(2);
  return result;
}

TEST(Json, NumbersAreNumbersOfFullWidth) {
  const ordered_json json = ordered_json::parse(ResultJson(Example()));
  EXPECT_TRUE(json["trace"]["events"].is_number_unsigned());
  EXPECT_EQ(json["trace"]["events"].get<uint64_t>(), std::numeric_limits<uint64_t>::max());
  EXPECT_TRUE(json["memory"]["mean_rss_bytes"].is_number());
}

TEST(Json, UnknownIsNull) {
  const ordered_json json = ToJson(Example());
  EXPECT_TRUE(json["trace"]["distinct_threads"].is_null());
  EXPECT_TRUE(json["memory"]["recorded_peak_rss_bytes"].is_null());
  EXPECT_TRUE(json["fragmentation"].is_null());
  EXPECT_EQ(json["trace"]["malloc"], 0);
}

TEST(Json, NotANumberIsNull) {
  proto::Result result;
  result.mutable_memory()->set_mean_rss_bytes(std::numeric_limits<double>::quiet_NaN());
  EXPECT_TRUE(ToJson(result)["memory"]["mean_rss_bytes"].is_null());
}

TEST(Json, EverySettingInForceIsThere) {
  const ordered_json policy = ToJson(Example())["policy"];
  EXPECT_EQ(policy["name"], "go1.10");
  EXPECT_EQ(policy["procs"], 4);
  EXPECT_EQ(policy["reclaim"], "gc");
  EXPECT_EQ(policy["gc"]["bg_sweep_ns"], 10000);
  EXPECT_EQ(policy["objects"]["touch"], "whole");
}

TEST(Json, PartsOfASampleAreItsOwnKeys) {
  const ordered_json json = ToJson(Example());
  EXPECT_EQ(json["series"][0]["internal_bytes"], 7);
  EXPECT_FALSE(json["series"][0].contains("parts"));
  EXPECT_TRUE(json["series"][1]["internal_bytes"].is_null());
}

TEST(Json, HashIsHexText) { EXPECT_EQ(ToJson(Example())["state_hash"], "00000000000000ab"); }

TEST(Json, ForeignBytesDoNotBreakTheText) {
  proto::TraceFacts facts;
  facts.set_format("ok");
  ordered_json json = ToJson(facts);
  json["format"] = "a\xff";
  EXPECT_NO_THROW(ordered_json::parse(JsonText(json, 1)));
}

TEST(Json, OneLineASample) {
  const std::string text = ResultJson(Example());
  EXPECT_NE(text.find("\n{\"event\":2,"), std::string::npos) << text;
}

TEST(Json, DetailOnlyWhereAskedFor) {
  proto::Result result;
  proto::HeapSnapshot* snapshot = result.mutable_detail()->add_snapshots();
  snapshot->mutable_parts()->set_dead_bytes(7);
  snapshot->mutable_map()->add_run_state(proto::MAP_STATE_LARGE);
  EXPECT_FALSE(ToJson(result).contains("detail"));
  EXPECT_EQ(nlohmann::json::parse(ResultJson(result)).count("detail"), 0u);
  const auto json = nlohmann::json::parse(ResultJsonWithDetail(result));
  EXPECT_EQ(json["detail"]["snapshots"][0]["dead_bytes"], 7);
  EXPECT_EQ(json["detail"]["snapshots"][0]["map"]["run_state"][0], "large");
  EXPECT_TRUE(ToJsonWithDetail(proto::Result())["detail"].is_null());
}

}  // namespace
}  // namespace heapsim::analysis
