#include "heap/pages/released_pages.h"

#include <vector>

#include "gtest/gtest.h"
#include "heap/fakes.h"

namespace heapsim::heap {
namespace {

// Page by page.
ReleasedPages::Piece Naive(const std::vector<bool>& released, uint64_t begin, uint64_t end,
                           uint64_t want, uint64_t unit) {
  while (begin % unit != 0) ++begin;
  while (end % unit != 0) --end;
  ReleasedPages::Piece piece;
  uint64_t top = end;
  while (top > begin && released[top - 1]) --top;
  if (top <= begin) return piece;
  piece.end = top;
  while (piece.end % unit != 0) ++piece.end;
  piece.begin = top;
  while (piece.begin > begin && !released[piece.begin - 1] && piece.end - piece.begin < want) {
    --piece.begin;
  }
  while (piece.begin % unit != 0) --piece.begin;
  for (uint64_t p = piece.begin; p < piece.end; ++p) piece.fresh += released[p] ? 0 : 1;
  return piece;
}

TEST(ReleasedPagesTest, SameAsPageByPage) {
  constexpr uint64_t kPages = 400;
  ReleasedPages pages(SmallLayout(Pages(kPages).bytes()));
  std::vector<bool> model(kPages);
  SeededRandom random(7);
  for (int i = 0; i < 20000; ++i) {
    const uint64_t begin = random.Next() % kPages;
    const uint64_t n = random.Next() % (kPages - begin) % (random.Next() % 3 == 0 ? kPages : 20);
    switch (random.Next() % 4) {
      case 0:
        pages.Set(begin, n);
        for (uint64_t p = begin; p < begin + n; ++p) model[p] = true;
        break;
      case 1:
        pages.Clear(begin, n);
        for (uint64_t p = begin; p < begin + n; ++p) model[p] = false;
        break;
      default: {
        const uint64_t unit = uint64_t{1} << random.Next() % 4;
        const uint64_t want = 1 + random.Next() % 80;
        const ReleasedPages::Piece a = pages.Highest(begin, begin + n, want, unit);
        const ReleasedPages::Piece b = Naive(model, begin, begin + n, want, unit);
        for (const bool released : {false, true}) {
          uint64_t first = begin;
          while (first < begin + n && model[first] != released) ++first;
          ASSERT_EQ(pages.First(begin, begin + n, released), first);
        }
        ASSERT_EQ(a.empty(), b.empty());
        ASSERT_EQ(a.fresh, b.fresh);
        if (b.empty()) break;
        ASSERT_EQ(a.begin, b.begin);
        ASSERT_EQ(a.end, b.end);
        ASSERT_EQ(pages.Count(a.begin, a.end - a.begin), a.end - a.begin - a.fresh);
      }
    }
  }
}

}  // namespace
}  // namespace heapsim::heap
