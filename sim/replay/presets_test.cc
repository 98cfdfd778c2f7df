// Every policy that has a name, on the recordings that stand in the tree: two runs agree, the fast
// loops do what the plain one does, the parts sum to RSS at every sample and are those counted page
// by page.

#include <cctype>
#include <initializer_list>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "proto/choice_name.h"
#include "sim/policies/combinations.h"
#include "sim/policies/registry.h"
#include "sim/policies/settings.h"
#include "sim/replay/block_sources.h"
#include "sim/replay/replay.h"
#include "traces/open_trace.h"

namespace heapsim::sim {
namespace {

const std::vector<traces::EventBlock>& Sample(const std::string& name) {
  static auto* const samples = new std::map<std::string, std::vector<traces::EventBlock>>;
  std::vector<traces::EventBlock>& blocks = (*samples)[name];
  if (!blocks.empty()) return blocks;
  auto trace = traces::OpenTrace("traces/samples/" + name);
  EXPECT_TRUE(trace.ok()) << trace.status();
  if (!trace.ok()) return blocks;
  traces::EventBlock block;
  while (*trace->reader->Next(&block)) blocks.push_back(block);
  return blocks;
}

ReplayOutcome MustRun(const std::vector<traces::EventBlock>& blocks, const proto::Policy& policy,
                      const ReplayOptions& options) {
  KeptBlocks source(&blocks);
  absl::StatusOr<ReplayOutcome> outcome = RunReplay(source, policy, options);
  EXPECT_TRUE(outcome.ok()) << outcome.status();
  return outcome.ok() ? *std::move(outcome) : ReplayOutcome{};
}

void ExpectSame(const ReplayOutcome& a, const ReplayOutcome& b) {
  EXPECT_EQ(a.state_hash, b.state_hash);
  EXPECT_EQ(a.events, b.events);
  EXPECT_EQ(a.peak_rss, b.peak_rss);
  EXPECT_EQ(a.peak_rss_at_event, b.peak_rss_at_event);
  EXPECT_EQ(a.mean_rss, b.mean_rss);
  EXPECT_EQ(a.waste_byte_seconds, b.waste_byte_seconds);
  EXPECT_EQ(a.rss_at_peak_live, b.rss_at_peak_live);
  EXPECT_EQ(a.parts, b.parts);
  EXPECT_EQ(a.os.cost_ns, b.os.cost_ns);
  EXPECT_EQ(a.os.page_faults, b.os.page_faults);
  EXPECT_EQ(a.os.madvise_calls, b.os.madvise_calls);
  EXPECT_EQ(a.os.refaulted_bytes, b.os.refaulted_bytes);
  EXPECT_EQ(a.mark.cycles, b.mark.cycles);
  EXPECT_EQ(a.mark.objects, b.mark.objects);
  EXPECT_EQ(a.mark.scanned_bytes, b.mark.scanned_bytes);
  ASSERT_EQ(a.series.size(), b.series.size());
  for (size_t i = 0; i < a.series.size(); ++i) {
    EXPECT_EQ(a.series[i].event, b.series[i].event);
    EXPECT_EQ(a.series[i].rss, b.series[i].rss);
    EXPECT_EQ(a.series[i].live, b.series[i].live);
    EXPECT_EQ(a.series[i].parts, b.series[i].parts) << "sample " << i;
  }
}

class PresetsTest : public testing::TestWithParam<std::string> {};

TEST_P(PresetsTest, KeepsTheIdentities) {
  const proto::Policy policy = *LoadPolicy(GetParam());
  for (const char* name : {"perl-inventory.raw.zst", "sqlite3-parts.raw.zst"}) {
    const std::vector<traces::EventBlock>& blocks = Sample(name);
    ASSERT_FALSE(blocks.empty());
    ReplayOptions options;
    options.samples = 100;
    options.settle_ns = 20'000'000'000;
    options.release_at = {20000};
    // One cache, so that the fast loops may run.
    proto::Policy single = policy;
    single.set_procs(1);
    const ReplayOutcome fast = MustRun(blocks, single, options);
    EXPECT_TRUE(fast.complete) << fast.fatal;
    options.one_at_a_time = true;
    options.check_every = 7001;
    ExpectSame(fast, MustRun(blocks, single, options));
    options.one_at_a_time = false;
    const ReplayOutcome several = MustRun(blocks, policy, options);
    options.check_every = 0;
    ExpectSame(several, MustRun(blocks, policy, options));
    for (const ReplayOutcome* o : {&fast, &several}) {
      if (!o->parts.has_value()) continue;
      EXPECT_EQ(o->parts->sum(), o->peak_rss);
      for (const sim::Sample& s : o->series) {
        EXPECT_EQ(s.parts.sum(), s.rss) << "event " << s.event;
        EXPECT_LE(s.parts.live_resident, s.live);
      }
    }
  }
}

// What these were when the loops were written: a change of the hot path that alters a state is seen
// here. Whoever changes a state on purpose changes these too, and says so in CHANGELOG.md.
TEST(StateHashTest, OfTheRecordingsInTheTree) {
  struct Pinned {
    const char* trace;
    const char* policy;
    uint64_t state_hash;
  };
  for (const Pinned& pinned : {
           Pinned{"perl-inventory.raw.zst", "go1.10", 0x932e46e045795ab9},
           Pinned{"perl-inventory.raw.zst", "go1.10-explicit", 0x74cc4b97598d2622},
           Pinned{"sqlite3-parts.raw.zst", "go1.10", 0xba3b3caa1283d862},
           Pinned{"sqlite3-parts.raw.zst", "go1.10-explicit", 0x89f69bc770516472},
       }) {
    const ReplayOutcome o = MustRun(Sample(pinned.trace), *LoadPolicy(pinned.policy), {});
    EXPECT_EQ(o.state_hash, pinned.state_hash) << pinned.trace << " " << pinned.policy;
  }
}

// Every axis with every other: random policies that go together.
TEST(AxesTest, AnyCombinationKeepsTheIdentities) {
  const std::vector<traces::EventBlock>& blocks = Sample("sqlite3-parts.raw.zst");
  ASSERT_FALSE(blocks.empty());
  std::mt19937 random(7);
  const auto pick = [&](std::initializer_list<const char*> values) {
    return std::string(values.begin()[random() % values.size()]);
  };
  int done = 0, fast_loops = 0;
  while (done < 40) {
    proto::Policy policy;
    const auto* pages = proto::PageAllocator_descriptor();
    const int page_allocator = static_cast<int>(random() % pages->value_count());
    for (const std::string& setting : {
             std::string("procs=") + pick({"1", "1", "3"}),
             "page_allocator=" + proto::ChoiceName(pages->value(page_allocator)),
             "reclaim=" + pick({"gc", "explicit"}),
             "front_end=" + pick({"go", "go", "tcmalloc", "none"}),
             "size_classes=" + pick({"go", "tcmalloc", "jemalloc", "powers_of_two"}),
             "tiny=" + pick({"true", "false"}),
             "release.rule=" +
                 pick({"idle_limit", "none", "at_once", "decay", "paced", "memory_limit"}),
             "release.advice=" + pick({"dontneed", "dontneed", "free"}),
             "os.huge_pages=" + pick({"never", "never", "madvise", "always"}),
             "objects.touch=" + pick({"whole", "whole", "whole", "first", "none"}),
             "growth_chunk_bytes=" + pick({"1048576", "4194304"}),
         }) {
      ASSERT_TRUE(ApplySetting(setting, &policy).ok()) << setting;
    }
    proto::Release* release = policy.mutable_release();
    // Short times and small limits, so that rules act within the sample.
    if (release->rule() == proto::Release::RULE_IDLE_LIMIT) release->set_idle_limit_ns(5'000'000);
    if (release->rule() == proto::Release::RULE_DECAY) release->set_decay_ns(100'000'000);
    if (release->rule() == proto::Release::RULE_MEMORY_LIMIT) release->set_limit_bytes(1200 << 10);
    if (release->rule() == proto::Release::RULE_PACED) policy.mutable_gc()->set_percent(20);
    if (!CheckCombination(policy).ok()) continue;
    ++done;
    fast_loops += policy.procs() == 1 && policy.front_end() == proto::FRONT_END_GO;
    ReplayOptions options;
    options.samples = 100;
    options.settle_ns = 1'000'000'000;
    options.time_by_events = random() % 2 == 0;
    const ReplayOutcome fast = MustRun(blocks, policy, options);
    EXPECT_TRUE(fast.complete) << fast.fatal;
    options.one_at_a_time = true;
    options.check_every = 1500;
    ExpectSame(fast, MustRun(blocks, policy, options));
    ASSERT_TRUE(fast.parts.has_value());
    EXPECT_EQ(fast.parts->sum(), fast.peak_rss);
    for (const sim::Sample& s : fast.series) EXPECT_EQ(s.parts.sum(), s.rss);
    ASSERT_FALSE(HasFailure()) << policy.ShortDebugString();
  }
  EXPECT_GT(fast_loops, 8);
}

std::vector<std::string> Names() {
  std::vector<std::string> names;
  for (const proto::Policy& policy : NamedPolicies()) {
    // The others are measured in a real process (sim/native/).
    const bool simulated =
        policy.engine() == proto::ENGINE_HEAP || policy.engine() == proto::ENGINE_IDEAL;
    if (simulated) names.push_back(policy.name());
  }
  return names;
}

INSTANTIATE_TEST_SUITE_P(All, PresetsTest, testing::ValuesIn(Names()), [](const auto& info) {
  std::string name = info.param;
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return name;
});

}  // namespace
}  // namespace heapsim::sim
