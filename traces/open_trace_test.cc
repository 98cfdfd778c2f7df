#include "traces/open_trace.h"

#include <zlib.h>
#include <zstd.h>

#include <cstdint>
#include <random>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "traces/format/trace_writer.h"
#include "traces/random_events.h"

namespace heapsim::traces {
namespace {

using testing::HasSubstr;

std::string AndroidText(int lines) {
  std::string text;
  for (int i = 0; i < lines; ++i) {
    text +=
        "7: malloc 0x" + std::to_string(1000 + i) + " " + std::to_string(i * 7919 % 1000) + "\n";
  }
  return text;
}

std::string Zstd(const std::string& raw) {
  std::string out(ZSTD_compressBound(raw.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), raw.data(), raw.size(), 3));
  return out;
}

// gzip, or raw deflate for a zip.
std::string Deflate(const std::string& raw, int window_bits) {
  z_stream stream = {};
  deflateInit2(&stream, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
  std::string out(raw.size() + 1000, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(raw.data()));
  stream.avail_in = raw.size();
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = out.size();
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string Little(uint32_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
  return out;
}

std::string Zip(const std::string& raw) {
  const std::string packed = Deflate(raw, -15);
  const uint32_t crc = crc32(0, reinterpret_cast<const Bytef*>(raw.data()), raw.size());
  return "PK\x03\x04" + Little(20, 2) + Little(0, 2) + Little(8, 2) + Little(0, 4) +
         Little(crc, 4) + Little(packed.size(), 4) + Little(raw.size(), 4) + Little(5, 2) +
         Little(0, 2) + "a.txt" + packed + "PK\x01\x02 the directory";
}

absl::StatusOr<OpenedTrace> Open(const std::string& bytes, const OpenOptions& options = {}) {
  return OpenTraceSource(MemorySource(bytes), "sample", options);
}

TEST(OpenTrace, UnpacksByContent) {
  const std::string text = AndroidText(5000);
  for (const std::string& bytes : {text, Zstd(text), Deflate(text, 15 + 16), Zip(text)}) {
    auto opened = Open(bytes);
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_EQ(opened->reader->facts()->events, 5000u);
    EXPECT_TRUE(opened->reader->facts()->complete);
    EXPECT_TRUE(opened->warnings.empty()) << opened->warnings[0];
  }
}

TEST(OpenTrace, KeepsWhatACutFileStillHolds) {
  const std::string text = AndroidText(50000);
  for (const std::string& bytes : {Zstd(text), Deflate(text, 15 + 16), Zip(text)}) {
    auto opened = Open(bytes.substr(0, bytes.size() / 2));
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_GT(opened->reader->facts()->events, 0u);
    EXPECT_LT(opened->reader->facts()->events, 50000u);
    EXPECT_FALSE(opened->reader->facts()->complete);
    EXPECT_FALSE(opened->warnings.empty());
  }
}

TEST(OpenTrace, NeverCrashesOnDamage) {
  std::mt19937 random(3);
  const std::string text = AndroidText(2000);
  for (const std::string& bytes : {text, Zstd(text), Deflate(text, 15 + 16), Zip(text)}) {
    for (int round = 0; round < 60; ++round) {
      std::string bad = bytes;
      for (int flips = 0; flips < 1 + round % 4; ++flips) {
        bad[random() % bad.size()] = static_cast<char>(random());
      }
      auto opened = Open(bad);
      if (!opened.ok()) {
        EXPECT_EQ(opened.status().code(), absl::StatusCode::kInvalidArgument);
      }
    }
  }
}

TEST(OpenTrace, RefusesWhatItDoesNotKnow) {
  for (const std::string& bytes :
       {std::string(), std::string("hello\n"), std::string(5000, '\0')}) {
    const absl::Status status = Open(bytes).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr("sample: "));
  }
  EXPECT_EQ(OpenTrace("/nonexistent/file").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(OpenTrace("/").status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(Open("x", {.from = "nothing"}).status().message()),
              HasSubstr("unknown format 'nothing'"));
  EXPECT_THAT(std::string(Open("x\ny\n", {.from = "android"}).status().message()),
              HasSubstr("no usable event"));
}

TEST(OpenTrace, ReadsPackedNativeFiles) {
  TraceFacts facts;
  uint32_t ids;
  const auto blocks = RandomBlocks({.events = 1000}, &facts, &ids);
  StringSink sink;
  TraceWriter writer(&sink);
  ASSERT_TRUE(writer.Header({}).ok());
  ASSERT_TRUE(writer.Block(0, blocks[0]).ok());
  ASSERT_TRUE(writer.Finish({{.pid = 3, .facts = facts, .object_ids = ids}}).ok());
  for (const std::string& bytes : {sink.bytes(), Zstd(sink.bytes())}) {
    for (const auto pid : {std::optional<uint64_t>(), std::optional<uint64_t>(3)}) {
      auto opened = Open(bytes, {.pid = pid});
      ASSERT_TRUE(opened.ok()) << opened.status();
      EventBlock block;
      ASSERT_TRUE(*opened->reader->Next(&block));
      EXPECT_EQ(block, blocks[0]);
      EXPECT_FALSE(*opened->reader->Next(&block));
      EXPECT_EQ(*opened->reader->facts(), facts);
    }
  }
}

}  // namespace
}  // namespace heapsim::traces
