#include "heap/pages/treap.h"

#include <algorithm>
#include <deque>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "heap/fakes.h"
#include "heap/fatal.h"

namespace heapsim::heap {
namespace {

// Priorities that the test chooses.
class Script final : public Random {
 public:
  std::deque<uint32_t> next;
  uint32_t Next() override {
    const uint32_t n = next.front();
    next.pop_front();
    return n;
  }
};

class TreapTest : public testing::Test {
 protected:
  TreapTest()
      : layout_(SmallLayout(Bytes(64 << 20))),
        spans_(layout_, &os_, &stats_, &observer_),
        treap_(&os_, &random_, &observer_, &spans_) {}

  SpanId Insert(uint64_t pages, uint32_t priority) {
    const SpanId id = spans_.New(layout_.start, Pages(pages));
    spans_[id].state = SpanState::kFree;
    random_.next.push_back(priority);
    treap_.Insert(id);
    treap_.SelfCheck();
    return id;
  }
  // Pre-order: "depth:pages".
  std::string Shape() const {
    std::string shape;
    treap_.Walk([&](uint32_t depth, SpanId id, uint32_t) {
      absl::StrAppend(&shape, shape.empty() ? "" : " ", depth, ":", spans_[id].npages);
    });
    return shape;
  }
  uint64_t Remove(uint64_t pages) {
    const SpanId id = treap_.Remove(Pages(pages));
    treap_.SelfCheck();
    return id == kNoSpan ? 0 : spans_[id].npages;
  }

  ArenaLayout layout_;
  FakeOs os_;
  MemStats stats_;
  Observer observer_;
  Script random_;
  SpanTable spans_;
  Treap treap_;
};

TEST_F(TreapTest, SmallestPriorityIsTheRoot) {
  Insert(200, 50);
  Insert(150, 60);
  Insert(300, 70);
  EXPECT_EQ(Shape(), "0:200 1:150 1:300");
  Insert(250, 10);
  EXPECT_EQ(Shape(), "0:250 1:200 2:150 1:300");
  Insert(140, 60);  // does not rise above an equal priority
  EXPECT_EQ(Shape(), "0:250 1:200 2:150 3:140 1:300");
  EXPECT_EQ(treap_.node_bytes(), Bytes(5 * 48));
}

TEST_F(TreapTest, EqualLengthsGoByDescriptorAddress) {
  const SpanId first = Insert(200, 50), second = Insert(200, 40), third = Insert(200, 60);
  std::vector<SpanId> order;
  treap_.Walk([&](uint32_t, SpanId id, uint32_t) { order.push_back(id); });
  EXPECT_EQ(order, (std::vector<SpanId>{second, first, third}));
  treap_.RemoveSpan(first);
  treap_.RemoveSpan(third);
  treap_.RemoveSpan(second);
  EXPECT_EQ(Shape(), "");
}

// The search goes left only where the left child itself is long enough: a span below a child that
// is too short is missed.
TEST_F(TreapTest, TheSearchIsNoBestFit) {
  Insert(400, 10);
  Insert(150, 20);
  Insert(300, 30);  // right of 150
  EXPECT_EQ(Shape(), "0:400 1:150 2:300");
  EXPECT_EQ(Remove(200), 400u);  // 300 would have fitted
  EXPECT_EQ(Remove(200), 300u);
  EXPECT_EQ(Remove(200), 0u);
  EXPECT_EQ(Remove(128), 150u);
  EXPECT_EQ(Remove(128), 0u);
}

TEST_F(TreapTest, ARemovedNodeSinks) {
  const SpanId root = Insert(400, 10);
  Insert(200, 20);
  Insert(600, 30);
  Insert(300, 40);
  Insert(500, 50);
  EXPECT_EQ(Shape(), "0:400 1:200 2:300 1:600 2:500");
  treap_.RemoveSpan(root);
  treap_.SelfCheck();
  EXPECT_EQ(Shape(), "0:200 1:600 2:300 3:500");
}

// The left child rises only where its priority is strictly smaller.
TEST_F(TreapTest, EqualPrioritiesOfChildren) {
  const SpanId root = Insert(400, 10);
  Insert(200, 20);
  Insert(600, 20);
  treap_.RemoveSpan(root);
  EXPECT_EQ(Shape(), "0:600 1:200");
}

TEST_F(TreapTest, SelfCheckFindsAChangedSpan) {
  Insert(200, 50);
  const SpanId id = Insert(300, 60);
  spans_[id].npages = 199;
  EXPECT_THROW(treap_.SelfCheck(), FatalError);
}

}  // namespace
}  // namespace heapsim::heap
