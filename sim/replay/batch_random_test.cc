// Batches beside the plain loop, on random traces under random policies: plain stretches short and
// long, odd events between them, threads, times that jump and go backwards, limits.
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "sim/policies/combinations.h"
#include "sim/replay/replay.h"
#include "sim/replay/replay_test_util.h"

namespace heapsim::sim {
namespace {

using traces::EventKind;

// Whether memory is to end before the trace does.
enum class Memory { kEnough, kLimited };

class Case {
 public:
  Case(uint64_t seed, Memory memory) : random_(seed), memory_(memory) {}

  std::vector<EventBlock> Blocks(uint64_t events) {
    return Build([&](traces::BlockBuilder* b) { Feed(events, b); });
  }

  proto::Policy RandomPolicy() {
    proto::Policy p;
    // Under explicit reclaim a limit is the plain loop's alone.
    p.set_reclaim(memory_ == Memory::kLimited || Chance(2) ? proto::RECLAIM_GC
                                                           : proto::RECLAIM_EXPLICIT);
    p.set_procs(static_cast<int>(1 + Below(3)));
    p.set_tiny(!Chance(4));
    switch (Below(6)) {
      case 0:
        p.set_size_classes(proto::SIZE_CLASSES_TCMALLOC);
        break;
      case 1:
        p.set_size_classes(proto::SIZE_CLASSES_JEMALLOC);
        break;
      case 2:
        p.set_size_classes(proto::SIZE_CLASSES_POWERS_OF_TWO);
        break;
      case 3: {
        p.set_size_classes(proto::SIZE_CLASSES_TABLE);
        const auto add = [&](uint32_t bytes, uint32_t pages) {
          auto* c = p.add_size_class_table();
          c->set_slot_bytes(bytes);
          c->set_span_pages(pages);
        };
        if (!Chance(2)) add(8, 1);
        add(16, 1);
        add(48, 1);
        if (Chance(2)) add(262144, 32);
        break;
      }
      default:
        break;
    }
    const int64_t sweeps[] = {1, 1000, 10000, 0, -1};
    p.mutable_gc()->set_bg_sweep_ns(sweeps[Below(memory_ == Memory::kLimited ? 3 : 5)]);
    p.mutable_gc()->set_percent(Chance(2) ? 10 : 100);
    const auto* pages = proto::PageAllocator_descriptor();
    if (Chance(2)) {
      p.set_page_allocator(static_cast<proto::PageAllocator>(
          pages->value(static_cast<int>(Below(static_cast<uint64_t>(pages->value_count()))))
              ->number()));
    }
    // Small limits, so that rules act within the trace; times that the jumps pass many times over.
    proto::Release* release = p.mutable_release();
    switch (Below(8)) {
      case 0:
        release->set_rule(proto::Release::RULE_IDLE_LIMIT);
        release->set_idle_limit_ns(50'000'000);
        break;
      case 1:
        release->set_rule(proto::Release::RULE_AT_ONCE);
        break;
      case 2:
        release->set_rule(proto::Release::RULE_DECAY);
        release->set_decay_ns(1'000'000'000);
        break;
      case 3:
        release->set_rule(proto::Release::RULE_MEMORY_LIMIT);
        release->set_limit_bytes(static_cast<int64_t>(200000 + Below(500000)));
        break;
      case 4:
        release->set_rule(proto::Release::RULE_PACED);
        break;
      default:
        break;
    }
    if (Chance(3)) release->set_advice(proto::Release::ADVICE_FREE);
    if (Chance(4)) p.mutable_os()->set_huge_pages(proto::Os::HUGE_PAGES_ALWAYS);
    if (memory_ == Memory::kLimited) {
      p.mutable_os()->set_limit_bytes(static_cast<int64_t>(60000 + Below(300000)));
    }
    return p;
  }

  ReplayOptions RandomOptions() {
    ReplayOptions o;
    o.samples = static_cast<uint32_t>(5 + Below(20));  // few, or batches are short
    o.settle_ns = Chance(2) ? 400'000'000'000 : 0;
    if (Chance(2)) o.release_at = {1000, 7001};
    return o;
  }

  // Timers due before such a moment run before the next event is looked at.
  DetailOptions RandomMoments() {
    DetailOptions d;
    if (Chance(2)) return d;
    for (int i = 0; i < 10; ++i) {
      d.moments.push_back({Moment::Kind::kTime, Below(uint64_t{1} << (10 + Below(16))), "m"});
    }
    return d;
  }

 private:
  uint64_t Below(uint64_t n) { return random_() % n; }
  bool Chance(uint64_t n) { return Below(n) == 0; }

  void Feed(uint64_t events, traces::BlockBuilder* b) {
    static constexpr uint64_t kLargest[] = {8, 16, 24, 40, 300, 40000};
    const uint64_t largest = kLargest[Below(6)], many = 100 + Below(3000);
    const bool timed = Chance(2), threads = Chance(2), odd = !Chance(3), empty = Chance(2);
    std::vector<uint32_t> live;
    uint64_t now = 0;
    const auto size = [&]() -> uint64_t {
      if (empty && Chance(60)) return 0;
      return 1 + Below(Chance(3) ? 17 : largest);
    };
    while (b->events() < events) {
      if (threads) b->SetThread(Below(5));
      const uint64_t length = Chance(5) ? 5 + Below(40) : 100 + Below(900);
      const uint64_t bias = 1 + Below(3);
      for (uint64_t i = 0; i < length; ++i) {
        if (timed) {
          now += Chance(50) ? 20000 : Below(3);
          if (Chance(3000)) now += 40'000'000'000;
          b->SetTime(Chance(7) && now > 9000 ? now - Below(9000) : now);
        }
        if (!live.empty() && Below(4) < (live.size() > many ? 3 : bias)) {
          if (!Chance(3)) std::swap(live[Below(live.size())], live.back());
          b->Free(live.back());
          live.pop_back();
        } else {
          live.push_back(b->Alloc(EventKind::kMalloc, size()));
        }
      }
      for (int i = 0; odd && i < 20; ++i) {
        if (Chance(4)) {
          live.push_back(b->Alloc(EventKind::kMemalign, size(), uint64_t{1} << Below(6)));
        } else if (Chance(3)) {
          live.push_back(b->Alloc(EventKind::kCalloc, size()));
        } else if (!live.empty()) {
          b->Resize(live[Below(live.size())], size());
        }
      }
    }
  }

  std::mt19937_64 random_;
  const Memory memory_;
};

void Compare(Memory memory, uint64_t cases, uint64_t events, int* ended_early) {
  for (uint64_t seed = 1; seed <= cases; ++seed) {
    Case c(seed, memory);
    const std::vector<EventBlock> blocks = c.Blocks(events);
    const proto::Policy policy = c.RandomPolicy();
    ReplayOptions options = c.RandomOptions();
    if (!CheckCombination(policy).ok()) continue;
    const DetailOptions moments = c.RandomMoments();
    if (!moments.moments.empty()) options.detail = &moments;
    const ReplayOutcome fast = MustRun(blocks, policy, options);
    options.one_at_a_time = true;
    ExpectSame(fast, MustRun(blocks, policy, options));
    *ended_early += fast.complete ? 0 : 1;
    ASSERT_FALSE(testing::Test::HasFailure())
        << "seed " << seed << ": " << policy.ShortDebugString();
  }
}

TEST(BatchRandomTest, IsThePlainLoop) {
  int ended_early = 0;
  Compare(Memory::kEnough, 300, 12000, &ended_early);
  EXPECT_EQ(ended_early, 0);
}

TEST(BatchRandomTest, IsThePlainLoopUntilMemoryEnds) {
  int ended_early = 0;
  Compare(Memory::kLimited, 300, 20000, &ended_early);
  EXPECT_GT(ended_early, 100);
}

}  // namespace
}  // namespace heapsim::sim
