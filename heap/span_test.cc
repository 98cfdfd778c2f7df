#include "heap/span.h"

#include <vector>

#include "gtest/gtest.h"
#include "heap/fakes.h"

namespace heapsim::heap {
namespace {

class SpanTableTest : public testing::Test {
 protected:
  SpanTableTest()
      : layout_(SmallLayout(Bytes(256 << 20))),
        observer_(layout_.start),
        table_(layout_, &os_, &stats_, &observer_) {}

  SpanId New(uint64_t pages = 1) { return table_.New(layout_.start, Pages(pages)); }
  std::vector<SpanId> Members(ListId list) const {
    std::vector<SpanId> ids;
    SpanId last = kNoSpan;
    for (SpanId id = table_.First(list); id != kNoSpan; id = table_[id].next) {
      EXPECT_EQ(table_[id].prev, last);
      EXPECT_EQ(table_[id].list, list);
      last = id;
      ids.push_back(id);
    }
    return ids;
  }
  using Ids = std::vector<SpanId>;

  ArenaLayout layout_;
  FakeOs os_;
  MemStats stats_;
  RecordingObserver observer_;
  SpanTable table_;
};

TEST_F(SpanTableTest, ANewSpanIsDeadAndInNoList) {
  const SpanId id = table_.New(layout_.start + Bytes(0x4000), Pages(3));
  const Span& s = table_[id];
  EXPECT_EQ(id, 1u);
  EXPECT_EQ(s.state, SpanState::kDead);
  EXPECT_EQ(s.list, kNoList);
  EXPECT_EQ(s.bytes(), Bytes(24576));
  EXPECT_EQ(s.end(), layout_.start.v + 0x4000 + 24576);
  EXPECT_EQ(table_.PageIndex(s.address()), 2u);
  EXPECT_EQ(stats_.mspan_inuse, 152u);
  EXPECT_EQ(observer_.lines, std::vector<std::string>{"n 1 7f0000000000"});
}

// A background sweep may look at a descriptor that was freed and taken again.
TEST_F(SpanTableTest, OnlySweepgenSurvivesReuse) {
  const SpanId id = New();
  table_[id].sweepgen = 6;
  table_[id].needzero = true;
  table_[id].npreleased = 1;
  table_[id].unusedsince = 5;
  table_[id].alloc_count = 3;
  table_[id].state = SpanState::kFree;
  table_.Delete(id);
  EXPECT_EQ(table_[id].state, SpanState::kDead);
  EXPECT_EQ(stats_.mspan_inuse, 0u);
  EXPECT_EQ(New(7), id);
  const Span& s = table_[id];
  EXPECT_EQ(s.sweepgen, 6u);
  EXPECT_FALSE(s.needzero);
  EXPECT_EQ(s.npreleased, 0u);
  EXPECT_EQ(s.unusedsince, 0);
  EXPECT_EQ(s.alloc_count, 0u);
  EXPECT_EQ(table_.made(), 1u);
}

TEST_F(SpanTableTest, InsertRemove) {
  const SpanId a = New(), b = New(), c = New();
  table_.Insert(kEmpty, a);
  table_.Insert(kEmpty, b);
  table_.InsertBack(kEmpty, c);
  EXPECT_EQ(Members(kEmpty), (Ids{b, a, c}));
  table_.Remove(kEmpty, a);  // in the middle
  EXPECT_EQ(Members(kEmpty), (Ids{b, c}));
  table_.InsertBack(kEmpty, a);
  table_.Remove(kEmpty, b);  // the head
  EXPECT_EQ(Members(kEmpty), (Ids{c, a}));
  table_.Remove(kEmpty, a);  // the tail
  EXPECT_EQ(Members(kEmpty), Ids{c});
  table_.Remove(kEmpty, c);
  EXPECT_TRUE(table_.IsEmpty(kEmpty));
  table_.InsertBack(kEmpty, b);
  EXPECT_EQ(Members(kEmpty), Ids{b});
}

TEST_F(SpanTableTest, TakeAll) {
  const SpanId a = New(), b = New(), c = New(), d = New();
  table_.TakeAll(kEmpty, kNonempty);
  EXPECT_TRUE(table_.IsEmpty(kEmpty));

  table_.InsertBack(kNonempty, a);
  table_.InsertBack(kNonempty, b);
  table_.TakeAll(kEmpty, kNonempty);  // into an empty list
  EXPECT_TRUE(table_.IsEmpty(kNonempty));
  EXPECT_EQ(Members(kEmpty), (Ids{a, b}));

  table_.InsertBack(kNonempty, c);
  table_.InsertBack(kNonempty, d);
  table_.TakeAll(kEmpty, kNonempty);  // in front of what is there
  EXPECT_EQ(Members(kEmpty), (Ids{c, d, a, b}));
  table_.TakeAll(kEmpty, kNonempty);
  EXPECT_EQ(Members(kEmpty), (Ids{c, d, a, b}));
  // Ends are right: both can be removed and added to.
  table_.Remove(kEmpty, b);
  table_.Remove(kEmpty, c);
  table_.InsertBack(kEmpty, c);
  EXPECT_EQ(Members(kEmpty), (Ids{d, a, c}));
}

// The runtime's array of all spans: 64 KiB first, then half as much again, the old one freed after
// its contents were copied. Only fresh descriptors are recorded.
TEST_F(SpanTableTest, AllSpansGrows) {
  const auto other = [&] {
    std::string calls;
    for (const std::string& c : os_.calls) {
      if (c.find("other") != std::string::npos) calls += c + "; ";
    }
    os_.calls.clear();
    return calls;
  };
  New();
  EXPECT_EQ(other(), "alloc 7f0000004000 10000 other; ");
  EXPECT_EQ(stats_.other_sys, 65536u);
  for (int i = 1; i < 8192; ++i) New();
  EXPECT_EQ(other(), "");
  table_.Delete(1);
  New();
  EXPECT_EQ(other(), "");
  os_.keep_touches = true;
  New();
  EXPECT_EQ(other(), "alloc 7f0000144000 18000 other; free 7f0000004000 10000 other; ");
  EXPECT_EQ(stats_.other_sys, 0x18000u);
  bool copied = false, entry = false;
  for (const auto& t : os_.touches) {
    copied |= t == std::make_pair(uint64_t{0x7f0000144000}, uint64_t{65536});
    entry |= t == std::make_pair(uint64_t{0x7f0000144000 + 65536}, uint64_t{8});
  }
  EXPECT_TRUE(copied);
  EXPECT_TRUE(entry);
  for (int i = 8193; i < 12288; ++i) New();
  EXPECT_EQ(other(), "");
  New();
  EXPECT_EQ(stats_.other_sys, 0x24000u);
}

}  // namespace
}  // namespace heapsim::heap
