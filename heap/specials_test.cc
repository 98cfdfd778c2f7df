#include "heap/specials.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "heap/fakes.h"

namespace heapsim::heap {
namespace {

class SpecialsTest : public testing::Test {
 protected:
  SpecialsTest()
      : layout_(SmallLayout(Bytes(1 << 20))),
        spans_(layout_, &os_, &stats_, &observer_),
        specials_(&os_, &spans_),
        span_(spans_.New(layout_.start, Pages(100))) {}

  bool Add(uint64_t offset, SpecialKind kind) {
    return specials_.Add(span_, offset, kind, specials_.TakeRecord(kind));
  }
  // "offset:kind" of the span's records in order.
  std::string List() const {
    std::string list;
    for (uint32_t i = spans_[span_].specials; i != 0; i = specials_[i].next) {
      absl::StrAppend(&list, specials_[i].offset, ":", static_cast<int>(specials_[i].kind), " ");
    }
    return list;
  }

  ArenaLayout layout_;
  FakeOs os_;
  MemStats stats_;
  Observer observer_;
  SpanTable spans_;
  Specials specials_;
  SpanId span_;
};

TEST_F(SpecialsTest, SortedByOffsetThenKind) {
  EXPECT_TRUE(Add(64, SpecialKind::kProfile));
  EXPECT_TRUE(Add(128, SpecialKind::kFinalizer));
  EXPECT_TRUE(Add(0, SpecialKind::kProfile));
  EXPECT_TRUE(Add(64, SpecialKind::kFinalizer));
  EXPECT_EQ(List(), "0:2 64:1 64:2 128:1 ");
}

TEST_F(SpecialsTest, OneOfAKindForAnOffset) {
  EXPECT_TRUE(Add(8, SpecialKind::kFinalizer));
  EXPECT_FALSE(Add(8, SpecialKind::kFinalizer));
  EXPECT_TRUE(Add(8, SpecialKind::kProfile));
  EXPECT_EQ(List(), "8:1 8:2 ");
  // The record that was not wanted is the next one taken.
  EXPECT_EQ(specials_.TakeRecord(SpecialKind::kFinalizer), 2u);
}

TEST_F(SpecialsTest, Remove) {
  Add(8, SpecialKind::kFinalizer);
  Add(8, SpecialKind::kProfile);
  Add(16, SpecialKind::kFinalizer);
  EXPECT_FALSE(specials_.Remove(span_, 9, SpecialKind::kFinalizer));
  EXPECT_FALSE(specials_.Remove(span_, 16, SpecialKind::kProfile));
  EXPECT_TRUE(specials_.Remove(span_, 8, SpecialKind::kFinalizer));
  EXPECT_FALSE(specials_.Remove(span_, 8, SpecialKind::kFinalizer));
  EXPECT_EQ(List(), "8:2 16:1 ");
  EXPECT_TRUE(specials_.Remove(span_, 8, SpecialKind::kProfile));
  EXPECT_TRUE(specials_.Remove(span_, 16, SpecialKind::kFinalizer));
  EXPECT_EQ(List(), "");
}

// In the runtime the offset has 16 bits while the search compares the whole one: a second record at
// the same far byte is not found, and the list is sorted by what was kept.
TEST_F(SpecialsTest, OffsetsAreCutToSixteenBits) {
  EXPECT_TRUE(Add(0x10008, SpecialKind::kFinalizer));
  EXPECT_EQ(List(), "8:1 ");
  EXPECT_TRUE(Add(0x10008, SpecialKind::kFinalizer));
  EXPECT_EQ(List(), "8:1 8:1 ");
  EXPECT_FALSE(Add(8, SpecialKind::kFinalizer));
  EXPECT_FALSE(specials_.Remove(span_, 0x10008, SpecialKind::kFinalizer));
}

// Finalizers have 48 bytes, profile records 24, each kind chunks of its own.
TEST_F(SpecialsTest, RecordsHaveTheirOwnMemory) {
  os_.chunks.clear();
  Add(0, SpecialKind::kFinalizer);
  Add(0, SpecialKind::kProfile);
  ASSERT_EQ(os_.chunks.size(), 2u);
  EXPECT_EQ(os_.chunks[0].first, 48u);
  EXPECT_EQ(os_.chunks[1].first, 24u);
}

}  // namespace
}  // namespace heapsim::heap
