#include "traces/format/chunk_codec.h"

#include <cstdint>
#include <random>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "traces/random_events.h"

namespace heapsim::traces {
namespace {

TEST(ChunkCodec, BothCodingsOfFreesGiveTheSame) {
  const auto blocks = RandomBlocks({.events = 100000});
  for (const FreeCoding coding : {FreeCoding::kIds, FreeCoding::kDeltas}) {
    ChunkDecoder decoder;
    proto::EventChunk message;
    EventBlock decoded;
    for (const EventBlock& block : blocks) {
      EncodeChunk(block, 0, coding, &message);
      ASSERT_TRUE(decoder.Decode(message, &decoded).ok());
      ASSERT_TRUE(decoded == block);
    }
  }
}

TEST(ChunkCodec, RefusesAFreeOfWhatNeverWas) {
  EventBlock block;
  block.first_event = 1;
  block.count = 2;
  block.is_free = {2};
  block.alloc_size = {8};
  block.alloc_object = {0};
  block.free_object = {1};
  proto::EventChunk message;
  EncodeChunk(block, 0, FreeCoding::kIds, &message);
  EventBlock decoded;
  EXPECT_FALSE(ChunkDecoder().Decode(message, &decoded).ok());
  block.free_object = {0};
  EncodeChunk(block, 0, FreeCoding::kIds, &message);
  EXPECT_TRUE(ChunkDecoder().Decode(message, &decoded).ok());
}

TEST(ChunkCodec, RefusesMoreFreesThanAllocations) {
  EventBlock block;
  block.first_event = 1;
  block.count = 3;
  block.is_free = {6};
  block.alloc_size = {8};
  block.alloc_object = {0};
  block.free_object = {0, 0};
  proto::EventChunk message;
  EncodeChunk(block, 0, FreeCoding::kIds, &message);
  EventBlock decoded;
  EXPECT_FALSE(ChunkDecoder().Decode(message, &decoded).ok());
}

// Damage that a checksum would have caught, had somebody not made it on purpose: the decoder must
// refuse it or give a block whose columns fit together.
TEST(ChunkCodec, SurvivesGarbledMessages) {
  std::mt19937_64 random(9);
  const auto blocks = RandomBlocks({.events = 400, .addresses = 60});
  proto::EventChunk good;
  EncodeChunk(blocks[0], 0, FreeCoding::kDeltas, &good);
  const std::string bytes = good.SerializeAsString();
  int accepted = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string bad = bytes;
    for (uint64_t flips = 1 + random() % 3; flips > 0; --flips) {
      bad[random() % bad.size()] = static_cast<char>(random());
    }
    proto::EventChunk message;
    if (!message.ParseFromString(bad)) continue;
    EventBlock decoded;
    ChunkDecoder decoder;
    if (!decoder.Decode(message, &decoded).ok()) continue;
    ++accepted;
    ASSERT_EQ(decoded.alloc_size.size() + decoded.free_object.size(), decoded.count);
    ASSERT_EQ(decoded.alloc_object.size(), decoded.alloc_size.size());
    for (const uint32_t id : decoded.free_object)
      ASSERT_TRUE(id < decoder.ids() || id == kNoObject);
    for (const uint32_t id : decoded.alloc_object) ASSERT_LT(id, decoder.ids());
    int64_t last = -1;
    for (const Exception& e : decoded.exceptions) {
      ASSERT_GT(e.position, last);
      ASSERT_LT(e.position, decoded.count);
      last = e.position;
    }
    for (const auto* column : {&decoded.thread, &decoded.weight}) {
      ASSERT_TRUE(column->empty() || column->size() == decoded.count);
    }
    ASSERT_TRUE(decoded.time_ns.empty() || decoded.time_ns.size() == decoded.count);
  }
  EXPECT_GT(accepted, 100);  // most changes only alter a value
}

}  // namespace
}  // namespace heapsim::traces
