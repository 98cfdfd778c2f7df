#include <bit>
#include <vector>

#include "gtest/gtest.h"
#include "heap/classes/jemalloc.h"
#include "heap/classes/powers_of_two.h"
#include "heap/classes/tcmalloc.h"
#include "heap/size_classes.h"
#include "heap/units.h"

namespace heapsim::heap {
namespace {

std::vector<uint32_t> Sizes(const SizeClasses& classes) {
  std::vector<uint32_t> sizes;
  for (uint32_t c = 1; c < classes.count(); ++c) sizes.push_back(classes[c].size);
  return sizes;
}

TEST(ClassesTest, EachTableGivesEachSizeItsSmallestClass) {
  for (const SizeClasses* classes : {&TcmallocClasses(), &JemallocClasses(), &PowersOfTwo()}) {
    EXPECT_EQ((*classes)[2].size, 16u);  // the class of the tiny allocator's blocks
    for (uint32_t size = 1; size <= classes->max_small_size(); ++size) {
      const uint32_t c = classes->ClassOf(size);
      ASSERT_GE((*classes)[c].size, size);
      ASSERT_LT((*classes)[c - 1].size, size);
    }
    for (uint32_t c = 1; c < classes->count(); ++c) {
      EXPECT_EQ((*classes)[c].slots, (*classes)[c].pages * kPageSize / (*classes)[c].size);
      EXPECT_LE((*classes)[c].slots, 1024u);
    }
  }
}

// The sizes that gperftools 2.x prints with pages of 8 KiB.
TEST(ClassesTest, TcmallocsSizes) {
  const std::vector<uint32_t> sizes = Sizes(TcmallocClasses());
  const std::vector<uint32_t> first = {8,    16,   32,   48,   64,   80,   96,  112, 128, 144,
                                       160,  176,  192,  208,  224,  240,  256, 288, 320, 352,
                                       384,  416,  448,  480,  512,  576,  640, 704, 768, 896,
                                       1024, 1152, 1280, 1408, 1536, 1792, 2048};
  ASSERT_GT(sizes.size(), first.size());
  EXPECT_EQ(std::vector<uint32_t>(sizes.begin(), sizes.begin() + first.size()), first);
  EXPECT_EQ(sizes.back(), 262144u);  // kMaxSize in its common.h
}

TEST(ClassesTest, TcmallocLosesAnEighthAtMost) {
  const SizeClasses& classes = TcmallocClasses();
  for (uint32_t c = 1; c < classes.count(); ++c) {
    const uint64_t bytes = classes[c].pages * kPageSize;
    EXPECT_LE(bytes % classes[c].size, bytes / 8) << classes[c].size;
    EXPECT_GE(classes[c].slots, TcmallocBatch(classes[c].size, kTcmallocBatchLimit) / 4);
    EXPECT_FALSE(classes[c].slots == classes[c - 1].slots &&
                 classes[c].pages == classes[c - 1].pages)
        << classes[c].size;
  }
  EXPECT_EQ(TcmallocBatch(8, 32), 32u);
  EXPECT_EQ(TcmallocBatch(4096, 32), 16u);
  EXPECT_EQ(TcmallocBatch(57344, 32), 2u);
}

// Table 1 of jemalloc's manual page, as far as pages of 8 KiB leave it the same.
TEST(ClassesTest, JemallocsSizes) {
  const std::vector<uint32_t> expected = {
      8,    16,   32,   48,   64,   80,    96,    112,   128,   160,   192,   224,  256,  320,
      384,  448,  512,  640,  768,  896,   1024,  1280,  1536,  1792,  2048,  2560, 3072, 3584,
      4096, 5120, 6144, 7168, 8192, 10240, 12288, 14336, 16384, 20480, 24576, 28672};
  EXPECT_EQ(Sizes(JemallocClasses()), expected);
}

TEST(ClassesTest, JemallocsSlabsHaveNoRest) {
  const SizeClasses& classes = JemallocClasses();
  for (uint32_t c = 1; c < classes.count(); ++c) {
    EXPECT_EQ(classes[c].slots * classes[c].size, classes[c].pages * kPageSize);
    for (uint32_t pages = 1; pages < classes[c].pages; ++pages) {
      EXPECT_NE(pages * kPageSize % classes[c].size, 0u);
    }
  }
}

// Four sizes a doubling beyond the classes too: a fifth at most is lost.
TEST(ClassesTest, JemallocsLargeSizes) {
  const SizeClasses& classes = JemallocClasses();
  EXPECT_EQ(classes.LargeBytes(28673), 32u << 10);
  EXPECT_EQ(classes.LargeBytes(32 << 10), 32u << 10);
  EXPECT_EQ(classes.LargeBytes((32 << 10) + 1), 40u << 10);
  EXPECT_EQ(classes.LargeBytes(64 << 10), 64u << 10);
  EXPECT_EQ(classes.LargeBytes((64 << 10) + 1), 80u << 10);
  EXPECT_EQ(classes.LargeBytes(uint64_t{900} << 20), uint64_t{1} << 30);
  for (uint64_t size = 28673; size < 4 << 20; size += 777) {
    const uint64_t bytes = classes.LargeBytes(size);
    EXPECT_GE(bytes, size);
    EXPECT_EQ(bytes % kPageSize, 0u);
    EXPECT_LE(bytes, size + size / 4);
  }
}

TEST(ClassesTest, OthersRoundLargeSizesToPages) {
  EXPECT_EQ(SizeClasses::Go110().LargeBytes(32769), 5 * kPageSize);
  EXPECT_EQ(TcmallocClasses().LargeBytes(100 << 10), 13 * kPageSize);
}

TEST(ClassesTest, PowersOfTwoAreAllOfThem) {
  const SizeClasses& classes = PowersOfTwo();
  EXPECT_EQ(classes.count(), 14u);
  for (uint32_t c = 1; c < classes.count(); ++c) {
    EXPECT_EQ(classes[c].size, 4u << c);
    EXPECT_GE(classes[c].slots, 4u);
  }
}

}  // namespace
}  // namespace heapsim::heap
