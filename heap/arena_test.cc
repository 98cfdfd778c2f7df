#include "heap/arena.h"

#include "gtest/gtest.h"
#include "heap/fakes.h"
#include "heap/fatal.h"

namespace heapsim::heap {
namespace {

constexpr uint64_t kMiB = 1 << 20;

TEST(ArenaTest, Layout) {
  const ArenaLayout a = ArenaLayout::Go110();
  EXPECT_EQ(a.start.v, 0xc420000000u);
  EXPECT_EQ(a.spans_start().v, 0xc000000000u);
  EXPECT_EQ((a.end - a.start).v, (uint64_t{512} << 30) + kPageSize);
}

TEST(ArenaTest, MapsArenaThenBitmapThenSpanTable) {
  FakeOs os;
  MemStats stats;
  Arena arena(SmallLayout(Bytes(8 * kMiB)), &os, &stats);
  EXPECT_EQ(arena.table_pages(), 0u);
  EXPECT_EQ(arena.SysAlloc(Bytes(kMiB)).v, 0xc420000000u);
  EXPECT_EQ(os.TakeCalls(),
            "map arena c420000000 100000 heap; map bitmap c41fff8000 8000 gc; "
            "map spans c000000000 1000 other");
  EXPECT_EQ(stats.heap_sys, kMiB);
  EXPECT_EQ(stats.gc_sys, 0x8000u);
  EXPECT_EQ(stats.other_sys, 0x1000u);
  EXPECT_EQ(arena.table_pages(), 512u);  // what a page of the table holds, more than the arena has

  // The bitmap grows downwards; the table has room for 4 MiB of arena.
  EXPECT_EQ(arena.SysAlloc(Bytes(kMiB)).v, 0xc420100000u);
  EXPECT_EQ(os.TakeCalls(), "map arena c420100000 100000 heap; map bitmap c41fff0000 8000 gc");
  arena.SysAlloc(Bytes(2 * kMiB));
  os.TakeCalls();
  arena.SysAlloc(Bytes(64 << 10));
  EXPECT_EQ(os.TakeCalls(),
            "map arena c420400000 10000 heap; map bitmap c41ffde000 2000 gc; "
            "map spans c000001000 1000 other");
}

TEST(ArenaTest, LargeSystemPages) {
  FakeOs os;
  os.physical_page = Bytes(64 << 10);
  MemStats stats;
  Arena arena(SmallLayout(Bytes(8 * kMiB)), &os, &stats);
  arena.SysAlloc(Bytes(kMiB));
  EXPECT_EQ(os.TakeCalls(),
            "map arena c420000000 100000 heap; map bitmap c41fff0000 10000 gc; "
            "map spans c000000000 10000 other");
  arena.SysAlloc(Bytes(kMiB));
  EXPECT_EQ(os.TakeCalls(), "map arena c420100000 100000 heap");
}

TEST(ArenaTest, TheEnd) {
  FakeOs os;
  MemStats stats;
  Arena arena(SmallLayout(Bytes(2 * kMiB)), &os, &stats);
  arena.SysAlloc(Bytes(kMiB));
  os.TakeCalls();
  EXPECT_TRUE(arena.SysAlloc(Bytes(kMiB + kPageSize)).is_null());
  EXPECT_EQ(os.TakeCalls(), "");
  EXPECT_EQ(arena.SysAlloc(Bytes(kMiB)).v, 0xc420100000u);
  EXPECT_TRUE(arena.SysAlloc(Bytes(kPageSize)).is_null());
  EXPECT_EQ(stats.heap_sys, 2 * kMiB);
  EXPECT_TRUE(arena.Contains(Address(0xc4201fffff)));
  EXPECT_FALSE(arena.Contains(Address(0xc420200000)));
  EXPECT_FALSE(arena.Contains(Address(0xc41fffffff)));
}

// The bitmap has a byte for 32 of the arena's and runs downwards; the table has 8 for a page.
TEST(ArenaTest, TouchesItsTables) {
  FakeOs os;
  MemStats stats;
  Arena arena(SmallLayout(Bytes(2 * kMiB)), &os, &stats);
  const Address a = arena.SysAlloc(Bytes(kMiB));
  os.keep_touches = true;
  arena.ClearBitmap(a + Pages(3).bytes(), Pages(2).bytes());
  arena.TouchPageTable(a + Pages(3).bytes(), Pages(2));
  ASSERT_EQ(os.touches.size(), 2u);
  EXPECT_EQ(os.touches[0], std::make_pair(a.v - 5 * 256, uint64_t{512}));
  EXPECT_EQ(os.touches[1], std::make_pair(uint64_t{0xc000000000 + 24}, uint64_t{16}));
}

}  // namespace
}  // namespace heapsim::heap
