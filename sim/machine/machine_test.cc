#include "sim/machine/machine.h"

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace heapsim::sim {
namespace {

using heap::Address;
using heap::Advice;
using heap::Bytes;

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kGiB = 1 << 30;
constexpr Address kArena(0xc000000000);

constexpr Bytes Page(uint64_t n) { return Bytes(n * 4096); }
constexpr Address At(uint64_t page) { return kArena + Page(page); }

// "rw0-4 --4-8": protection and page range from kArena on; h or n for advice about huge pages.
std::string Areas(const Machine& machine) {
  std::string text;
  for (const auto& [begin, vma] : machine.vmas().tree()) {
    absl::StrAppend(&text, text.empty() ? "" : " ",
                    vma.flags.protection == Protection::kNone ? "--" : "rw",
                    vma.flags.huge == HugeAdvice::kHuge     ? "h"
                    : vma.flags.huge == HugeAdvice::kNoHuge ? "n"
                                                            : "",
                    (begin - kArena.v) / 4096, "-", (vma.end - kArena.v) / 4096);
  }
  return text;
}

class Log : public ResidencyListener {
 public:
  void OnResident(Address begin, Bytes length) override { Add("+", begin, length); }
  void OnNonResident(Address begin, Bytes length) override { Add("-", begin, length); }
  void OnLazilyFreed(Address begin, Bytes length) override { Add("lazy", begin, length); }
  void OnNotLazilyFreed(Address begin, Bytes length) override { Add("not_lazy", begin, length); }
  std::string Take() { return std::exchange(text_, ""); }

 private:
  void Add(const char* what, Address begin, Bytes length) {
    const uint64_t first = (begin.v - kArena.v) / 4096;
    absl::StrAppend(&text_, text_.empty() ? "" : " ", what, first, "-", first + length.v / 4096);
  }
  std::string text_;
};

TEST(MachineTest, TouchMakesThePagesItMeetsResident) {
  Machine machine;
  Log log;
  machine.set_listener(&log);
  ASSERT_EQ(machine.Map(kArena, Page(100)), Errno::kOk);
  EXPECT_EQ(machine.Touch(kArena + Bytes(4095), Bytes(2)), 2u);
  EXPECT_EQ(log.Take(), "+0-2");
  EXPECT_EQ(machine.Touch(kArena, Page(2)), 0u);
  EXPECT_EQ(machine.Touch(At(4), Bytes(0)), 0u);
  EXPECT_EQ(machine.Touch(At(4), Bytes(1)), 1u);
  EXPECT_EQ(machine.Touch(kArena, Page(100)), 97u);
  EXPECT_EQ(log.Take(), "+4-5 +2-4 +5-100");
  EXPECT_EQ(machine.stats().page_faults, 100u);
  EXPECT_EQ(machine.resident_bytes(), Page(100));
  EXPECT_EQ(machine.ResidentBytes(kArena + Bytes(10), Page(200)), Page(100) - Bytes(10));
}

TEST(MachineTest, TouchOfWhatIsNotMappedChangesNothing) {
  Machine machine;
  ASSERT_EQ(machine.Map(kArena, Page(2)), Errno::kOk);
  ASSERT_EQ(machine.Map(At(2), Page(1), Protection::kNone), Errno::kOk);
  EXPECT_THROW(machine.Touch(At(1), Page(2)), SegmentationFault);
  EXPECT_THROW(machine.Touch(At(3), Bytes(1)), SegmentationFault);
  EXPECT_THROW(machine.Touch(Address(0), Bytes(1)), SegmentationFault);
  EXPECT_THROW(machine.Touch(Address(~uint64_t{0} - 10), Bytes(5)), SegmentationFault);
  EXPECT_THROW(machine.Touch(kArena, Bytes(~uint64_t{0})), SegmentationFault);
  EXPECT_EQ(machine.resident_bytes(), Bytes(0));
  // Memory that lost its protection while it was resident is no longer a quick touch.
  machine.Touch(kArena, Page(2));
  ASSERT_EQ(machine.Protect(At(1), Page(1), Protection::kNone), Errno::kOk);
  EXPECT_TRUE(machine.IsResident(At(1)));
  EXPECT_THROW(machine.Touch(At(1), Bytes(1)), SegmentationFault);
  ASSERT_EQ(machine.Protect(At(1), Page(1), Protection::kReadWrite), Errno::kOk);
  EXPECT_EQ(machine.Touch(At(1), Bytes(1)), 0u);
}

TEST(MachineTest, DontNeedAndRefault) {
  Machine machine;
  Log log;
  ASSERT_EQ(machine.Map(kArena, Page(200)), Errno::kOk);
  machine.Touch(At(10), Page(100));
  machine.set_listener(&log);
  EXPECT_EQ(machine.Advise(At(0), Page(20), Advice::kDontNeed), Errno::kOk);
  EXPECT_EQ(log.Take(), "-10-20");
  EXPECT_EQ(machine.stats().released_bytes, Page(10).v);
  EXPECT_EQ(machine.Touch(At(0), Page(15)), 15u);
  EXPECT_EQ(machine.stats().refaulted_bytes, Page(5).v);
  // What was unmapped and mapped again is new.
  ASSERT_EQ(machine.Free(At(15), Page(5)), Errno::kOk);
  ASSERT_EQ(machine.Map(At(15), Page(5)), Errno::kOk);
  EXPECT_EQ(machine.Touch(At(15), Page(5)), 5u);
  EXPECT_EQ(machine.stats().refaulted_bytes, Page(5).v);
}

TEST(MachineTest, LazilyFreedStaysResidentUntilTouchedOrDropped) {
  Machine machine;
  Log log;
  ASSERT_EQ(machine.Map(kArena, Page(200)), Errno::kOk);
  machine.Touch(kArena, Page(100));
  machine.set_listener(&log);
  EXPECT_EQ(machine.Advise(At(90), Page(100), Advice::kFree), Errno::kOk);
  EXPECT_EQ(machine.resident_bytes(), Page(100));
  EXPECT_EQ(machine.lazily_freed_bytes(), Page(10));
  EXPECT_EQ(machine.LazilyFreedBytes(At(95), Page(100)), Page(5));
  EXPECT_EQ(machine.Touch(At(92), Page(2)), 0u);
  EXPECT_EQ(machine.lazily_freed_bytes(), Page(8));
  EXPECT_EQ(machine.Advise(At(88), Page(20), Advice::kDontNeed), Errno::kOk);
  EXPECT_EQ(log.Take(), "lazy90-100 not_lazy92-94 not_lazy90-92 not_lazy94-100 -88-100");
  EXPECT_EQ(machine.stats().released_bytes, Page(10 + 4).v);
  EXPECT_EQ(machine.stats().revived_bytes, Page(2).v);
}

TEST(MachineTest, AreasSplitAndMerge) {
  Machine machine;
  ASSERT_EQ(machine.Reserve(kArena, Page(100)).address, kArena);
  EXPECT_EQ(Areas(machine), "--0-100");
  ASSERT_EQ(machine.Map(At(0), Page(10)), Errno::kOk);
  ASSERT_EQ(machine.Map(At(20), Page(10)), Errno::kOk);
  EXPECT_EQ(Areas(machine), "rw0-10 --10-20 rw20-30 --30-100");
  ASSERT_EQ(machine.Map(At(10), Page(10)), Errno::kOk);
  EXPECT_EQ(Areas(machine), "rw0-30 --30-100");
  ASSERT_EQ(machine.Advise(At(5), Page(5), Advice::kNoHugePage), Errno::kOk);
  EXPECT_EQ(Areas(machine), "rw0-5 rwn5-10 rw10-30 --30-100");
  ASSERT_EQ(machine.Advise(At(10), Page(2), Advice::kNoHugePage), Errno::kOk);
  EXPECT_EQ(Areas(machine), "rw0-5 rwn5-12 rw12-30 --30-100");
  ASSERT_EQ(machine.Free(At(7), Page(1)), Errno::kOk);
  EXPECT_EQ(Areas(machine), "rw0-5 rwn5-7 rwn8-12 rw12-30 --30-100");
  EXPECT_EQ(machine.virtual_bytes(), Page(99));
  EXPECT_EQ(machine.mapped_bytes(), Page(29));
  EXPECT_EQ(machine.peak_vma_count(), 5u);
  EXPECT_EQ(machine.Advise(At(6), Page(3), Advice::kHugePage), Errno::kNoMemory) << "a gap";
  EXPECT_EQ(Areas(machine), "rw0-5 rwn5-6 rwh6-7 rwh8-9 rwn9-12 rw12-30 --30-100");
}

TEST(MachineTest, AreasTouchedApartNeverMerge) {
  Machine machine;
  ASSERT_EQ(machine.Map(At(0), Page(1)), Errno::kOk);
  ASSERT_EQ(machine.Map(At(2), Page(1)), Errno::kOk);
  machine.Touch(At(0), Bytes(1));
  machine.Touch(At(2), Bytes(1));
  // It joins one of them; they have different anon_vmas.
  ASSERT_EQ(machine.Map(At(1), Page(1)), Errno::kOk);
  EXPECT_EQ(Areas(machine), "rw0-2 rw2-3");
}

TEST(MachineTest, MemoryThatWasWritableIsAccounted) {
  Machine machine;
  ASSERT_EQ(machine.Reserve(kArena, Page(10)).error, Errno::kOk);
  ASSERT_EQ(machine.Protect(At(2), Page(2), Protection::kReadWrite), Errno::kOk);
  ASSERT_EQ(machine.Protect(At(2), Page(2), Protection::kNone), Errno::kOk);
  EXPECT_EQ(Areas(machine), "--0-10") << "never used: as before";
  ASSERT_EQ(machine.Protect(At(2), Page(2), Protection::kReadWrite), Errno::kOk);
  machine.Touch(At(3), Bytes(1));
  ASSERT_EQ(machine.Protect(At(2), Page(2), Protection::kNone), Errno::kOk);
  EXPECT_EQ(Areas(machine), "--0-2 --2-4 --4-10");
}

TEST(MachineTest, PlacesFromTheTop) {
  Machine machine;
  const Machine::Mapped first = machine.Alloc(Bytes(1));
  EXPECT_EQ(first.address.v, VmaMap::kTop - 4096);
  EXPECT_EQ(machine.Alloc(Page(4)).address.v, VmaMap::kTop - 5 * 4096);
  ASSERT_EQ(machine.Free(Address(VmaMap::kTop - 4 * 4096), Page(3)), Errno::kOk);
  EXPECT_EQ(machine.Alloc(Page(4)).address.v, VmaMap::kTop - 9 * 4096);
  EXPECT_EQ(machine.Alloc(Page(2)).address.v, VmaMap::kTop - 3 * 4096);
  EXPECT_EQ(machine.Reserve(kArena + Bytes(1), Page(1)).address, At(1)) << "a hint is rounded up";
  EXPECT_LT(At(2), machine.Reserve(At(1), Page(1)).address) << "taken";
  // More than there is below the top, or at all.
  EXPECT_EQ(machine.Reserve(Address(), Bytes(VmaMap::kTop)).error, Errno::kNoMemory);
  EXPECT_EQ(machine.Reserve(Address(), Bytes(~uint64_t{0})).error, Errno::kNoMemory);
  EXPECT_EQ(machine.Alloc(Bytes(0)).error, Errno::kInvalid);
}

TEST(MachineTest, UpwardsWhenThereIsNothingBelow) {
  Machine machine;
  ASSERT_EQ(machine.Map(Address(VmaMap::kBegin), Bytes(VmaMap::kBottom - VmaMap::kBegin)),
            Errno::kOk);
  ASSERT_EQ(
      machine.Map(Address(VmaMap::kBottom + kGiB), Bytes(VmaMap::kTop - VmaMap::kBottom - kGiB)),
      Errno::kOk);
  EXPECT_EQ(machine.Alloc(Bytes(kGiB)).address.v, VmaMap::kBottom);
  EXPECT_EQ(machine.Alloc(Bytes(64 * kMiB)).address.v, VmaMap::kTop) << "above what was the top";
}

TEST(MachineTest, TooManyAreas) {
  MachineOptions options;
  options.max_vmas = 4;
  Machine machine(options);
  ASSERT_EQ(machine.Map(At(0), Page(100)), Errno::kOk);
  ASSERT_EQ(machine.Free(At(10), Page(1)), Errno::kOk);
  ASSERT_EQ(machine.Free(At(20), Page(1)), Errno::kOk);
  ASSERT_EQ(machine.Free(At(30), Page(1)), Errno::kOk);
  EXPECT_EQ(machine.Free(At(40), Page(1)), Errno::kNoMemory);
  EXPECT_EQ(machine.Protect(At(40), Page(1), Protection::kNone), Errno::kNoMemory);
  EXPECT_EQ(machine.Advise(At(40), Page(1), Advice::kNoHugePage), Errno::kAgain);
  EXPECT_EQ(machine.Free(At(90), Page(10)), Errno::kOk) << "makes no new area";
  EXPECT_EQ(machine.Map(At(200), Page(1)), Errno::kOk) << "mmap allows one more";
  EXPECT_EQ(machine.vma_count(), 5u);
  EXPECT_EQ(machine.Map(At(300), Page(1)), Errno::kNoMemory);
  EXPECT_EQ(machine.Alloc(Page(1)).error, Errno::kNoMemory);
  EXPECT_EQ(machine.stats().failed_calls, 5u);
}

TEST(MachineTest, BadArguments) {
  Machine machine;
  ASSERT_EQ(machine.Map(At(0), Page(4)), Errno::kOk);
  EXPECT_EQ(machine.Map(kArena + Bytes(1), Page(1)), Errno::kInvalid);
  EXPECT_EQ(machine.Map(kArena, Bytes(0)), Errno::kInvalid);
  EXPECT_EQ(machine.Map(Address(4096), Page(1)), Errno::kNoMemory) << "below mmap_min_addr";
  EXPECT_EQ(machine.Map(Address(VmaMap::kEnd), Page(1)), Errno::kNoMemory);
  EXPECT_EQ(machine.Free(kArena + Bytes(1), Page(1)), Errno::kInvalid);
  EXPECT_EQ(machine.Free(kArena, Bytes(0)), Errno::kInvalid);
  EXPECT_EQ(machine.Free(At(50), Page(1)), Errno::kOk) << "nothing is there";
  EXPECT_EQ(machine.Advise(kArena + Bytes(1), Page(1), Advice::kFree), Errno::kInvalid);
  EXPECT_EQ(machine.Advise(kArena, Bytes(0), Advice::kDontNeed), Errno::kOk);
  EXPECT_EQ(machine.Advise(At(3), Page(2), Advice::kDontNeed), Errno::kNoMemory);
  EXPECT_EQ(machine.Protect(At(3), Page(2), Protection::kNone), Errno::kNoMemory);
  MachineOptions options;
  options.page_size = Bytes(5000);
  EXPECT_THROW(Machine{options}, std::invalid_argument);
  options.page_size = Bytes(4096);
  options.huge_page_size = Bytes(4096);
  EXPECT_THROW(Machine{options}, std::invalid_argument);
}

MachineOptions WithHugePages(HugePages huge_pages) {
  MachineOptions options;
  options.huge_pages = huge_pages;
  return options;
}

TEST(MachineTest, HugePages) {
  Machine machine(WithHugePages(HugePages::kAlways));
  Log log;
  machine.set_listener(&log);
  ASSERT_EQ(machine.Map(kArena, Bytes(8 * kMiB)), Errno::kOk);
  EXPECT_EQ(machine.Touch(At(1), Bytes(1)), 512u);
  EXPECT_EQ(machine.Touch(At(511), Page(2)), 512u);
  EXPECT_EQ(log.Take(), "+0-512 +512-1024");
  EXPECT_EQ(machine.stats().page_faults, 2u);
  EXPECT_EQ(machine.stats().huge_page_faults, 2u);
  EXPECT_EQ(machine.huge_bytes(), Bytes(4 * kMiB));
  // A part given back splits the page; its rest stays, and what faults in again is small.
  ASSERT_EQ(machine.Advise(At(0), Page(2), Advice::kDontNeed), Errno::kOk);
  EXPECT_EQ(machine.huge_bytes(), Bytes(2 * kMiB));
  EXPECT_EQ(machine.resident_bytes(), Page(1022));
  EXPECT_EQ(machine.Touch(At(0), Bytes(1)), 1u);
  // A whole one comes back whole.
  ASSERT_EQ(machine.Advise(At(512), Page(512), Advice::kDontNeed), Errno::kOk);
  EXPECT_EQ(machine.Touch(At(600), Bytes(1)), 512u);
  EXPECT_EQ(machine.stats().refaulted_bytes, Page(513).v);
  // An area's border through it splits it, and prevents a new one.
  ASSERT_EQ(machine.Advise(At(600), Page(1), Advice::kNoHugePage), Errno::kOk);
  EXPECT_EQ(machine.huge_bytes(), Bytes(0));
  ASSERT_EQ(machine.Advise(At(512), Page(512), Advice::kDontNeed), Errno::kOk);
  EXPECT_EQ(machine.Touch(At(700), Bytes(1)), 1u);
}

TEST(MachineTest, HugePagesWhereAdvised) {
  Machine machine(WithHugePages(HugePages::kMadvise));
  ASSERT_EQ(machine.Map(kArena, Bytes(8 * kMiB)), Errno::kOk);
  EXPECT_EQ(machine.Touch(At(0), Bytes(1)), 1u);
  ASSERT_EQ(machine.Advise(At(0), Bytes(4 * kMiB), Advice::kHugePage), Errno::kOk);
  EXPECT_EQ(machine.Touch(At(1), Bytes(1)), 1u) << "one of its pages is resident";
  EXPECT_EQ(machine.Touch(At(512), Bytes(1)), 512u);
  EXPECT_EQ(machine.Touch(At(1024), Bytes(1)), 1u) << "not advised";
}

TEST(MachineTest, TouchTakesALazilyFreedHugePageBackWhole) {
  Machine machine(WithHugePages(HugePages::kAlways));
  ASSERT_EQ(machine.Map(kArena, Bytes(8 * kMiB)), Errno::kOk);
  machine.Touch(kArena, Bytes(4 * kMiB));
  ASSERT_EQ(machine.Advise(kArena, Bytes(2 * kMiB), Advice::kFree), Errno::kOk);
  EXPECT_EQ(machine.huge_bytes(), Bytes(4 * kMiB));
  machine.Touch(At(100), Bytes(1));
  EXPECT_EQ(machine.lazily_freed_bytes(), Bytes(0));
  ASSERT_EQ(machine.Advise(kArena, Page(5), Advice::kFree), Errno::kOk);
  EXPECT_EQ(machine.huge_bytes(), Bytes(2 * kMiB)) << "lazily freed in part: split";
  machine.Touch(At(4), Bytes(1));
  EXPECT_EQ(machine.lazily_freed_bytes(), Page(4));
}

TEST(MachineTest, MemoryLimit) {
  MachineOptions options;
  options.memory_limit = Page(100);
  Machine machine(options);
  Log log;
  ASSERT_EQ(machine.Map(kArena, Page(1000)), Errno::kOk);
  machine.Touch(At(0), Page(100));
  EXPECT_EQ(machine.stats().oom_events, 0u);
  ASSERT_EQ(machine.Advise(At(40), Page(50), Advice::kFree), Errno::kOk);
  machine.set_listener(&log);
  EXPECT_EQ(machine.Touch(At(200), Page(1)), 1u);
  EXPECT_EQ(log.Take(), "not_lazy40-72 -40-72 +200-201") << "32 pages at least, lowest first";
  EXPECT_EQ(machine.stats().reclaimed_bytes, Page(32).v);
  EXPECT_EQ(machine.Touch(At(300), Page(49)), 49u);
  EXPECT_EQ(machine.resident_bytes(), Page(100));
  EXPECT_EQ(machine.lazily_freed_bytes(), Bytes(0));
  EXPECT_EQ(machine.stats().oom_events, 0u);
  EXPECT_EQ(machine.Touch(At(400), Page(2)), 2u) << "done all the same";
  EXPECT_EQ(machine.stats().oom_events, 1u);
  EXPECT_EQ(machine.Touch(At(400), Page(2)), 0u);
  EXPECT_EQ(machine.stats().oom_events, 1u) << "brought nothing in";
}

TEST(MachineTest, AHugePageThatDoesNotFitBecomesASmallOne) {
  MachineOptions options = WithHugePages(HugePages::kAlways);
  options.memory_limit = Page(600);
  Machine machine(options);
  ASSERT_EQ(machine.Map(kArena, Bytes(8 * kMiB)), Errno::kOk);
  EXPECT_EQ(machine.Touch(At(0), Bytes(1)), 512u);
  EXPECT_EQ(machine.Touch(At(512), Bytes(1)), 1u);
  EXPECT_EQ(machine.stats().oom_events, 0u);
}

TEST(MachineTest, CostsAddUp) {
  Machine machine;
  const CostModel& cost = machine.options().cost;
  machine.Map(kArena, Page(10));
  uint64_t want = cost.mmap_ns;
  machine.Touch(kArena, Page(3));
  want += 3 * (cost.fault_ns + 4 * cost.clear_ns_per_kib);
  machine.Advise(kArena, Page(2), Advice::kDontNeed);
  want += cost.dont_need_ns + 2 * cost.dont_need_page_ns;
  machine.Advise(kArena, Page(5), Advice::kFree);
  want += cost.free_ns + cost.free_page_ns;
  machine.Advise(kArena, Page(5), Advice::kHugePage);
  want += cost.advise_huge_ns;
  machine.Protect(kArena, Page(10), Protection::kNone);
  want += cost.mprotect_ns + cost.mprotect_page_ns;
  machine.Free(kArena, Page(10));
  want += cost.munmap_ns + cost.munmap_page_ns;
  EXPECT_EQ(machine.stats().cost_ns, want);
}

TEST(MachineTest, StateHashTellsStatesNotHistories) {
  // Dense in one call; page by page; with a detour through whole chunks.
  Machine a, b, c;
  for (Machine* machine : {&a, &b, &c}) machine->Map(kArena, Bytes(4 * kGiB));
  const uint64_t empty = a.StateHash();
  a.Touch(kArena, Bytes(kGiB));
  for (uint64_t i = 0; i < kGiB / 4096; ++i) b.Touch(At(i), Bytes(1));
  c.Touch(kArena, Bytes(4 * kGiB));
  c.Advise(kArena, Bytes(kGiB / 2), Advice::kFree);
  c.Advise(kArena + Bytes(kGiB), Bytes(3 * kGiB), Advice::kDontNeed);
  EXPECT_NE(a.StateHash(), c.StateHash());
  c.Touch(kArena, Bytes(kGiB));
  EXPECT_EQ(a.StateHash(), b.StateHash());
  EXPECT_EQ(a.StateHash(), c.StateHash());
  EXPECT_NE(a.StateHash(), empty);
  const uint64_t full = a.StateHash();
  a.Advise(At(5), Page(1), Advice::kFree);
  EXPECT_NE(a.StateHash(), full);
  a.Touch(At(5), Bytes(1));
  EXPECT_EQ(a.StateHash(), full);
  for (Machine* machine : {&a, &b, &c}) machine->Advise(kArena, Bytes(kGiB), Advice::kDontNeed);
  EXPECT_EQ(a.StateHash(), empty);
  EXPECT_EQ(b.StateHash(), empty);
  EXPECT_EQ(c.StateHash(), empty);
  a.Map(At(0), Page(1), Protection::kNone);
  EXPECT_NE(a.StateHash(), empty);
}

}  // namespace
}  // namespace heapsim::sim
