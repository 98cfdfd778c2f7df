#include "heap/pages/run_tree.h"

#include <algorithm>
#include <map>
#include <random>

#include "gtest/gtest.h"

namespace heapsim::heap {
namespace {

struct FreeRun {
  SpanId id;
  uint64_t pages;
  bool loose;
};

// Random runs against a map that is looked through for every answer.
TEST(RunTree, AnswersAsAListOfRuns) {
  std::mt19937_64 random(1);
  // Short runs side by side, and long ones far from each other.
  for (const auto& [spread, longest] :
       {std::pair<uint64_t, uint64_t>{600, 5}, {20000, 300}, {uint64_t{1} << 26, 1 << 20}}) {
    RunTree tree(ArenaLayout::Go110());
    std::map<uint64_t, FreeRun> model;
    SpanId next = 1;
    for (int step = 0; step < 2000; ++step) {
      const uint64_t at = random() % spread;
      const auto above = model.lower_bound(at);
      const uint64_t room_end = above == model.end() ? spread : above->first;
      uint64_t room_begin = 0;
      if (above != model.begin()) {
        const auto& below = *std::prev(above);
        room_begin = below.first + below.second.pages;
      }
      switch (random() % 4) {
        case 0: {
          if (room_begin > at || at >= room_end) break;
          const uint64_t pages = 1 + random() % std::min(longest, room_end - at);
          const bool loose = random() % 2 == 0;
          tree.Insert(next, at, pages, loose);
          model[at] = {next++, pages, loose};
          break;
        }
        case 1: {
          if (above == model.end() || random() % 2 == 0) break;
          tree.Erase(above->second.id);
          model.erase(above);
          break;
        }
        case 2: {
          // Shorter or longer, at either end.
          if (above == model.end()) break;
          const auto after = std::next(above);
          const uint64_t end_limit = after == model.end() ? spread : after->first;
          const uint64_t begin =
              room_begin + random() % (above->first + above->second.pages - room_begin);
          const uint64_t pages = 1 + random() % std::min(longest, end_limit - begin);
          FreeRun run = above->second;
          run.pages = pages;
          tree.Change(run.id, begin, pages);
          model.erase(above);
          model[begin] = run;
          break;
        }
        default:
          if (above == model.end()) break;
          above->second.loose = random() % 2 == 0;
          tree.SetLoose(above->second.id, above->second.loose);
      }
      if (step % 16 == 0) tree.SelfCheck();

      const uint64_t from = random() % 4 == 0 ? 0 : random() % (spread + 10);
      const uint64_t want = 1 + random() % longest;
      const auto fit = std::find_if(model.lower_bound(from), model.end(),
                                    [&](const auto& r) { return r.second.pages >= want; });
      ASSERT_EQ(tree.FirstFit(from, want), fit == model.end() ? kNoSpan : fit->second.id);
      const auto behind = model.upper_bound(from);
      SpanId holding = kNoSpan;
      if (behind != model.begin() &&
          from < std::prev(behind)->first + std::prev(behind)->second.pages) {
        holding = std::prev(behind)->second.id;
      }
      ASSERT_EQ(tree.Holding(from), holding);
      uint64_t most = 0;
      SpanId loose = kNoSpan;
      for (const auto& [first, run] : model) {
        most = std::max(most, run.pages);
        if (run.loose) loose = run.id;
        ASSERT_EQ(tree.loose(run.id), run.loose);
      }
      ASSERT_EQ(tree.Longest(), most);
      ASSERT_EQ(tree.HighestLoose(), loose);
      auto expected = model.begin();
      tree.Walk([&](SpanId id, uint64_t first, uint64_t pages) {
        ASSERT_NE(expected, model.end());
        EXPECT_EQ(id, expected->second.id);
        EXPECT_EQ(first, expected->first);
        EXPECT_EQ(pages, expected->second.pages);
        ++expected;
      });
      ASSERT_EQ(expected, model.end());
    }
  }
}

}  // namespace
}  // namespace heapsim::heap
