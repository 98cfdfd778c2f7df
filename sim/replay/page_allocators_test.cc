// Every page allocator in a replay: the fast loops give the plain one's result, the parts of RSS
// are those counted page by page, the heap's structures agree, two runs are the same.

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "heap/pages/registry.h"
#include "proto/choice_name.h"
#include "sim/replay/replay_test_util.h"
#include "tests/bench/synthetic_trace.h"

namespace heapsim::sim {
namespace {

std::vector<proto::PageAllocator> All() {
  std::vector<proto::PageAllocator> all;
  const auto* choices = proto::PageAllocator_descriptor();
  for (int i = 0; i < choices->value_count(); ++i) {
    all.push_back(static_cast<proto::PageAllocator>(choices->value(i)->number()));
  }
  return all;
}

std::string Name(proto::PageAllocator kind) {
  return proto::ChoiceName(proto::PageAllocator_descriptor()->FindValueByNumber(kind));
}

TEST(PageAllocatorChoices, AreRegistered) {
  for (const proto::PageAllocator kind : All()) {
    EXPECT_NE(heap::MakePages(Name(kind)), nullptr) << Name(kind);
  }
  EXPECT_EQ(All().size(), heap::AllPages().size());
}

class PageAllocatorsTest : public testing::TestWithParam<proto::PageAllocator> {
 protected:
  proto::Policy With(proto::Reclaim reclaim, int procs) const {
    proto::Policy policy = Policy(reclaim, procs);
    policy.set_page_allocator(GetParam());
    return policy;
  }
};

TEST_P(PageAllocatorsTest, BatchesGiveThePlainLoopsResult) {
  for (const uint32_t live : {100u, 5000u}) {
    bench::SyntheticOptions synthetic;
    synthetic.events = 60000;
    synthetic.live_objects = live;
    synthetic.max_bytes = 1 << 20;
    synthetic.seed = live;
    std::vector<EventBlock> blocks = MakeSyntheticTrace(synthetic);
    uint64_t t = 0;
    for (EventBlock& b : blocks) {
      for (uint32_t i = 0; i < b.count; ++i) {
        t += i % 3000 == 0 ? 4'000'000'000 : i % 50 == 0 ? 20000 : 0;
        b.time_ns.push_back(i % 777 == 0 && t > 5000 ? t - 5000 : t);
      }
    }
    for (const auto reclaim : {proto::RECLAIM_GC, proto::RECLAIM_EXPLICIT}) {
      ReplayOptions options;
      options.samples = 77;
      options.release_at = {1000, 30001, 60000};
      options.settle_ns = 400'000'000'000;
      const ReplayOutcome fast = MustRun(blocks, With(reclaim, 1), options);
      options.one_at_a_time = true;
      ExpectSame(fast, MustRun(blocks, With(reclaim, 1), options));
      ExpectPartsSum(fast);
      EXPECT_EQ(fast.events, 60000u);
    }
  }
}

TEST_P(PageAllocatorsTest, PartsAreThoseCountedPageByPage) {
  for (const auto reclaim : {proto::RECLAIM_GC, proto::RECLAIM_EXPLICIT}) {
    for (uint64_t seed = 1; seed <= 4; ++seed) {
      traces::RandomEventsOptions random;
      random.seed = seed;
      random.events = 4000;
      random.addresses = 400;
      proto::Policy policy = With(reclaim, static_cast<int>(seed % 3) + 1);
      if (seed == 2) policy.mutable_os()->set_page_size(65536);
      if (seed == 3) policy.mutable_release()->set_advice(proto::Release::ADVICE_FREE);
      if (seed == 4) policy.mutable_os()->set_huge_pages(proto::Os::HUGE_PAGES_ALWAYS);
      ReplayOptions options;
      options.check_every = 50;
      options.release_at = {1000, 2000, 3500};
      const ReplayOutcome o = MustRun(ModestRandomBlocks(random), policy, options);
      ExpectPartsSum(o);
      ExpectSame(o, MustRun(ModestRandomBlocks(random), policy, options));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, PageAllocatorsTest, testing::ValuesIn(All()),
                         [](const auto& info) { return Name(info.param); });

}  // namespace
}  // namespace heapsim::sim
