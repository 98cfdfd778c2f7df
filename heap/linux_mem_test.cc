#include "heap/linux_mem.h"

#include "gtest/gtest.h"
#include "heap/fakes.h"

namespace heapsim::heap {
namespace {

std::string Unused(uint64_t begin, uint64_t length) {
  FakeOs os;
  SysUnused(&os, Address(begin), Bytes(length));
  return os.TakeCalls();
}

std::string Used(uint64_t begin, uint64_t length) {
  FakeOs os;
  SysUsed(&os, Address(begin), Bytes(length));
  return os.TakeCalls();
}

TEST(SysUnusedTest, WholeHugePages) {
  EXPECT_EQ(Unused(0x40000000, 0x400000), "advise 40000000 400000 dontneed");
}

TEST(SysUnusedTest, InsideOneHugePage) {
  EXPECT_EQ(Unused(0x40002000, 0x4000),
            "advise 40000000 200000 nohuge; advise 40002000 4000 dontneed");
}

TEST(SysUnusedTest, NeighbouringHugePagesTakeOneCall) {
  EXPECT_EQ(Unused(0x401fe000, 0x4000),
            "advise 40000000 400000 nohuge; advise 401fe000 4000 dontneed");
}

TEST(SysUnusedTest, DistantHugePagesTakeTwo) {
  EXPECT_EQ(Unused(0x401fe000, 0x204000),
            "advise 40000000 200000 nohuge; advise 40400000 200000 nohuge; "
            "advise 401fe000 204000 dontneed");
}

TEST(SysUnusedTest, OneEndAligned) {
  EXPECT_EQ(Unused(0x40000000, 0x202000),
            "advise 40200000 200000 nohuge; advise 40000000 202000 dontneed");
  EXPECT_EQ(Unused(0x401fe000, 0x202000),
            "advise 40000000 200000 nohuge; advise 401fe000 202000 dontneed");
}

TEST(SysUnusedTest, RefusedAdviceIsIgnored) {
  FakeOs os;
  os.refuse_advice = true;
  SysUnused(&os, Address(0x40002000), Bytes(0x4000));
  EXPECT_EQ(os.calls.size(), 2u);
}

TEST(SysUsedTest, WholeHugePagesInside) {
  EXPECT_EQ(Used(0x40000000, 0x400000), "advise 40000000 400000 huge");
  EXPECT_EQ(Used(0x40002000, 0x3fe000), "advise 40200000 200000 huge");
  EXPECT_EQ(Used(0x40002000, 0x3fc000), "");
  EXPECT_EQ(Used(0x40002000, 0x2000), "");
}

}  // namespace
}  // namespace heapsim::heap
