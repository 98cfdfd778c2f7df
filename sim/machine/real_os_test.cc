#include "sim/machine/real_os.h"

#include <sys/prctl.h>

#include <cstdint>
#include <vector>

#include "gtest/gtest.h"
#include "sim/machine/machine.h"

namespace heapsim::sim {
namespace {

using heap::Address;
using heap::Advice;
using heap::Bytes;
using heap::MapArea;
using heap::SysStat;

constexpr Address kArena(0xc000000000);

class RealOsTest : public testing::Test {
 protected:
  void SetUp() override {
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    page_ = os_.PhysicalPageSize().v;
    if (!ReadResidentPages(0, page_).ok()) GTEST_SKIP() << "no /proc/self/pagemap";
  }
  Bytes Page(uint64_t n) const { return Bytes(n * page_); }

  RealOs os_;
  uint64_t page_ = 0;
};

TEST_F(RealOsTest, WhatIsTouchedIsResident) {
  ASSERT_EQ(os_.Reserve(kArena, Bytes(uint64_t{512} << 30)), kArena);
  ASSERT_TRUE(os_.Map(MapArea::kArena, kArena, Page(100), SysStat::kHeap));
  os_.Touch(kArena + Bytes(10), Bytes(1));
  os_.Touch(kArena + Page(5) + Bytes(page_ - 1), Bytes(2));
  const auto pages = os_.ResidentPages(kArena, Page(10));
  ASSERT_TRUE(pages.ok());
  EXPECT_EQ(*pages, (std::vector<bool>{1, 0, 0, 0, 0, 1, 1, 0, 0, 0}));
  auto usage = os_.Usage();
  ASSERT_TRUE(usage.ok());
  EXPECT_EQ(usage->resident_bytes, 3 * page_);
  EXPECT_EQ(usage->areas, 2u);
  EXPECT_TRUE(os_.Advise(kArena, Page(6), Advice::kDontNeed));
  EXPECT_EQ(os_.Usage()->resident_bytes, page_);
  os_.Fault(kArena, Page(100));
  EXPECT_EQ(os_.Usage()->resident_bytes, 0u);
}

TEST_F(RealOsTest, PlacesAsTheMachineDoes) {
  MachineOptions options;
  options.page_size = Bytes(page_);
  Machine machine(options);
  const auto both = [&](Address got, Machine::Mapped want) { EXPECT_EQ(got, want.address); };
  both(os_.Reserve(kArena, Page(10)), machine.Reserve(kArena, Page(10)));
  both(os_.Reserve(kArena, Page(10)), machine.Reserve(kArena, Page(10)));
  both(os_.Alloc(Bytes(1), SysStat::kOther), machine.Alloc(Bytes(1)));
  const Address middle = os_.Alloc(Page(8), SysStat::kOther);
  both(middle, machine.Alloc(Page(8)));
  both(os_.Alloc(Page(1), SysStat::kOther), machine.Alloc(Page(1)));
  os_.Free(middle, Page(8), SysStat::kOther);
  machine.Free(middle, Page(8));
  both(os_.Alloc(Page(3), SysStat::kOther), machine.Alloc(Page(3)));
  EXPECT_EQ(os_.Usage()->areas, machine.vma_count());
  EXPECT_EQ(os_.Reserve(kArena, Bytes(~uint64_t{0} - page_)), Address());
}

TEST_F(RealOsTest, PersistentMemoryIsResidentOnceTouched) {
  const Address first = os_.Persistent(Bytes(100), Bytes(8), SysStat::kMSpan, Bytes(0));
  const Address second = os_.Persistent(Bytes(100), Bytes(64), SysStat::kMSpan, Bytes(0));
  EXPECT_GE(second.v, first.v + 100);
  EXPECT_EQ(second.v % 64, 0u);
  os_.Touch(first, Bytes(100));
  EXPECT_EQ(os_.Usage()->resident_bytes, page_);
}

TEST_F(RealOsTest, EverythingIsGoneAfterwards) {
  {
    RealOs other;
    const Address address = other.Alloc(Page(4), SysStat::kOther);
    other.Touch(address, Page(4));
    EXPECT_EQ(other.Usage()->resident_bytes, 4 * page_);
  }
  EXPECT_EQ(os_.Usage()->areas, 0u);
}

}  // namespace
}  // namespace heapsim::sim
