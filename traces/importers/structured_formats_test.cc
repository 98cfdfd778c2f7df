// The formats that are no lines: protobuf, JSON, pickle.
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "traces/importers/import_test_util.h"

namespace heapsim::traces {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// One TraceLine: call 1 malloc, 2 free, 3 realloc, 4 calloc; fields as (number, value), all < 128.
std::string PbLine(char call, const std::vector<std::pair<char, char>>& fields) {
  std::string inner;
  for (const auto& [number, value] : fields) inner += {static_cast<char>(number << 3), value};
  std::string line = {static_cast<char>(call << 3 | 2), static_cast<char>(inner.size())};
  line += inner;
  return std::string({'\x0a', static_cast<char>(line.size())}) + line;
}

TEST(MallocBenchPb, AbsentIsNull) {
  const std::string bytes = PbLine(1, {{1, 0}, {2, 100}}) + PbLine(1, {{1, 1}, {2, 50}, {3, 64}}) +
                            PbLine(4, {{1, 2}, {2, 3}, {3, 7}}) +
                            PbLine(3, {{1, 3}, {2, 0}, {3, 120}}) + PbLine(3, {{1, 0}, {3, 5}}) +
                            PbLine(2, {}) + PbLine(2, {{1, 3}}) + PbLine(1, {{2, 9}}) + "\x10\x04";
  const Imported trace = ImportText(bytes);
  ASSERT_TRUE(trace.status.ok()) << trace.status;
  EXPECT_EQ(trace.facts.format, "malloc-bench-pb");
  EXPECT_EQ(trace.facts.events, 8u);
  EXPECT_EQ(trace.facts.malloc, 2u);
  EXPECT_EQ(trace.facts.memalign, 1u);
  EXPECT_EQ(trace.facts.calloc, 1u);
  EXPECT_EQ(trace.facts.realloc, 2u);
  EXPECT_EQ(trace.facts.free_null, 1u);
  EXPECT_EQ(trace.facts.free_unknown, 0u);
  EXPECT_EQ(trace.facts.total_requested_bytes, 100u + 50 + 21 + 120 + 5);
  EXPECT_EQ(trace.facts.live_at_end_bytes, 50u + 21 + 5);
  EXPECT_TRUE(trace.facts.complete);

  const Imported cut = ImportText(bytes.substr(0, bytes.size() - 4));
  EXPECT_EQ(cut.facts.events, 7u);
  EXPECT_FALSE(cut.facts.complete);
}

TEST(PytorchJson, OneDeviceAProcess) {
  const std::string text =
      R"({"segments":[{"device":0,"blocks":[{"size":5,"frames":[]}]}],"device_traces":[[
      {"action":"segment_alloc","addr":4096,"size":1000,"stream":0,"time_us":10},
      {"action":"alloc","addr":4096,"size":300,"stream":0,"time_us":11,"frames":[{"size":9}]},
      {"action":"alloc","addr":8192,"size":30000000000,"stream":7,"time_us":12},
      {"action":"free_requested","addr":4096,"size":300,"stream":0,"time_us":20},
      {"action":"free_completed","addr":4096,"size":300,"stream":0,"time_us":21}],
      [{"action":"alloc","addr":4096,"size":1,"stream":0,"time_us":5}]]})";
  const Imported trace = ImportText(text);
  ASSERT_TRUE(trace.status.ok()) << trace.status;
  EXPECT_EQ(trace.facts.format, "pytorch-json");
  EXPECT_EQ(trace.facts.events, 3u);
  EXPECT_EQ(trace.facts.peak_live_bytes, 30000000300u);
  EXPECT_EQ(trace.facts.distinct_threads, 2u);
  EXPECT_EQ(trace.facts.duration_ns, 10000u);
  EXPECT_THAT(trace.warnings, ElementsAre(HasSubstr("1 (1)")));
  EXPECT_EQ(ImportText(text, 1).facts.events, 1u);
  const Imported cut = ImportText(absl::string_view(text).substr(0, text.size() - 40));
  EXPECT_EQ(cut.facts.events, 3u);
  EXPECT_FALSE(cut.facts.complete);
}

TEST(PytorchJson, FramesAreCallSites) {
  const std::string text = R"({"device_traces":[[
      {"action":"alloc","addr":4096,"size":300,"frames":[
        {"name":"gather","filename":"??","line":0},{"name":"forward","filename":"m.py","line":5},{"name":"main","filename":"t.py","line":9}]},
      {"action":"alloc","addr":8192,"size":300,"frames":[
        {"name":"backward","filename":"m.py","line":7},{"name":"main","filename":"t.py","line":9}]},
      {"action":"alloc","addr":9192,"size":300,"frames":[]}],
      [{"action":"alloc","addr":4096,"size":1,"frames":[{"name":"other"}]}]]})";
  const Imported trace = ImportText(text, 0, true);
  ASSERT_TRUE(trace.status.ok()) << trace.status;
  EXPECT_THAT(trace.names, ElementsAre("main t.py:9", "forward m.py:5", "backward m.py:7"));
  EXPECT_THAT(trace.blocks.at(0).call_site, ElementsAre(2, 3, 0));
  const Imported second = ImportText(text, 1, true);
  EXPECT_THAT(second.names, ElementsAre("other"));
  EXPECT_THAT(second.blocks.at(0).call_site, ElementsAre(1));
}

std::string Str(const std::string& text) {
  return std::string("\x8c") + static_cast<char>(text.size()) + text;
}

TEST(PytorchPickle, PlainData) {
  // The key of the second dictionary comes from the memo.
  const std::string bytes =
      std::string("\x80\x04}(", 4) + Str("segments") + "]" + Str("device_traces") + "](](" + "}(" +
      Str("action") + "\x94" + Str("alloc") + Str("addr") +
      std::string("\x8a\x06\x00\x10\x00\x00\x00\x7f", 8) + Str("size") +
      std::string("M\x00\x02", 3) + Str("stream") + std::string("K\0", 2) + "u" + "}(" +
      std::string("h\0", 2) + Str("free_completed") + Str("addr") +
      std::string("\x8a\x06\x00\x10\x00\x00\x00\x7f", 8) + "u" + "eeu.";
  const Imported trace = ImportText(bytes);
  ASSERT_TRUE(trace.status.ok()) << trace.status;
  EXPECT_EQ(trace.facts.format, "pytorch-pickle");
  EXPECT_EQ(trace.facts.events, 2u);
  EXPECT_EQ(trace.facts.peak_live_bytes, 512u);
  EXPECT_EQ(trace.facts.live_at_end_bytes, 0u);
  EXPECT_EQ(trace.facts.free_unknown, 0u);
}

TEST(PytorchPickle, SharedFramesAreOneCallSite) {
  const std::string frames = "]" + std::string("\x94") + "}(" + Str("name") + Str("forward") +
                             Str("filename") + Str("m.py") + Str("line") + std::string("K\x05", 2) +
                             "ua";
  const auto alloc = [](char address) {
    return "}(" + Str("action") + Str("alloc") + Str("addr") + "K" + address + Str("size") +
           std::string("K\x08", 2) + Str("frames");
  };
  const std::string bytes = std::string("\x80\x04}(", 4) + Str("device_traces") + "](](" +
                            alloc(16) + frames + "u" + alloc(32) + std::string("h\0", 2) + "ueeu.";
  const Imported trace = ImportText(bytes, {}, true);
  ASSERT_TRUE(trace.status.ok()) << trace.status;
  EXPECT_THAT(trace.names, ElementsAre("forward m.py:5"));
  EXPECT_THAT(trace.blocks.at(0).call_site, ElementsAre(1, 1));
}

TEST(PytorchPickle, NothingIsExecuted) {
  const std::string bytes = std::string("\x80\x04}(", 4) + Str("segments") + "cos\nsystem\nR.";
  const absl::Status status = ImportText(bytes).status;
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("never executed"));
  // Broken in every other way.
  for (const char* tail :
       {"", ".", "u.", "e.", "a.", "s.", "h\x05.", "0000.", "\x86.", "\x8c\xffx."}) {
    EXPECT_FALSE(ImportText(std::string("\x80\x04}(", 4) + Str("segments") + tail).status.ok());
  }
}

}  // namespace
}  // namespace heapsim::traces
