// A simulated terabyte in under one real gigabyte. A process of its own, since it measures its
// largest resident size so far (VmHWM).

#include <chrono>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <string>

#include "gtest/gtest.h"
#include "sim/machine/machine.h"

namespace heapsim::sim {
namespace {

using heap::Address;
using heap::Advice;
using heap::Bytes;

constexpr uint64_t kGiB = uint64_t{1} << 30;
constexpr uint64_t kTiB = uint64_t{1} << 40;
constexpr Address kArena(0xc000000000);

uint64_t PeakResidentBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    uint64_t kib;
    if (word == "VmHWM:" && status >> kib) return kib * 1024;
  }
  ADD_FAILURE() << "no VmHWM";
  return 0;
}

class MemoryTest : public testing::Test {
 protected:
  void Report(const char* what) {
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    std::cout << what << ": " << seconds << " s, at most " << PeakResidentBytes() / double{1 << 20}
              << " MiB so far\n";
    EXPECT_LT(PeakResidentBytes(), kGiB);
  }
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

TEST_F(MemoryTest, OneTouch) {
  Machine machine;
  ASSERT_EQ(machine.Map(kArena, Bytes(kTiB)), Errno::kOk);
  EXPECT_EQ(machine.Touch(kArena, Bytes(kTiB)), kTiB / 4096);
  EXPECT_EQ(machine.resident_bytes(), Bytes(kTiB));
  Report("a terabyte in one touch");
}

TEST_F(MemoryTest, ManyTouches) {
  Machine machine;
  ASSERT_EQ(machine.Map(kArena, Bytes(kTiB)), Errno::kOk);
  for (uint64_t at = 0; at < kTiB; at += 128 << 10) {
    machine.Touch(kArena + Bytes(at), Bytes(128 << 10));
  }
  EXPECT_EQ(machine.resident_bytes(), Bytes(kTiB));
  Report("a terabyte, 128 KiB a touch");
}

// The worst case: every chunk a mixture, of all states.
TEST_F(MemoryTest, EveryOtherPage) {
  MachineOptions options;
  options.huge_pages = HugePages::kAlways;
  Machine machine(options);
  ASSERT_EQ(machine.Map(kArena, Bytes(kTiB)), Errno::kOk);
  machine.Touch(kArena, Bytes(kTiB));
  for (uint64_t at = 0; at < kTiB; at += 64 << 20) {
    machine.Advise(kArena + Bytes(at), Bytes(4096), Advice::kDontNeed);
    machine.Advise(kArena + Bytes(at + 8192), Bytes(4096), Advice::kFree);
  }
  EXPECT_EQ(machine.resident_bytes(), Bytes(kTiB - kTiB / (64 << 20) * 4096));
  Report("a terabyte of huge pages, some split");
}

}  // namespace
}  // namespace heapsim::sim
