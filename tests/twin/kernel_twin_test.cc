// The simulated machine beside the kernel this test runs on: the same random calls at the same
// addresses, then the same pages must be resident, the same areas mapped, the same calls have
// failed.
//
// Where kernels differ from each other:
//   - Huge pages are off for this process in one test (PR_SET_THP_DISABLE). In the other they are
//   on,
//     and it gives up where the kernel found no free one, or its khugepaged made one.
//   - The kernel brings in a huge page where there is no page table yet, the machine where no page
//   is
//     resident. The test leaves blocks alone that have lost all their pages one by one.
//   - Kernels since 6.12 that split a huge page replace the small pages in it that hold only zeros
//   by the
//     shared page of zeros. They are still present then, but not part of what it reports as Rss.
//   - Before 6.6 an area that loses its write permission stays accounted even if it was never used;
//     before 6.16 a used area does not merge into an unused one. Such a kernel draws lines between
//     areas where the machine draws none. This is probed, and only then are more lines accepted.
//   - Under memory pressure the kernel may drop lazily freed pages, and swap. Neither is expected
//   in
//     the fraction of a second and the few MiB of this test; swapped pages count as resident.
//   - The kernel marks lazily freed pages in batches, some of them late or (while a page is not yet
//     on a list) never. What it reports as LazyFree may therefore fall short of the machine's
//     figure, never exceed it.

#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "heap/seams.h"
#include "heap/units.h"
#include "sim/machine/machine.h"
#include "sim/machine/own_process.h"

namespace heapsim::sim {
namespace {

using heap::Address;
using heap::Advice;
using heap::Bytes;

constexpr uint64_t kPageSize = 4096;
constexpr uint64_t kHugeSize = 2 << 20;
// Far from where the kernel puts anything by itself.
constexpr uint64_t kBegin = 0x200000000000;
constexpr uint64_t kPages = 4 * 512;
constexpr uint64_t kEnd = kBegin + kPages * kPageSize;

std::string Text(const std::vector<KernelArea>& areas) {
  std::string text;
  for (const KernelArea& a : areas) {
    absl::StrAppend(&text, a.writable ? " rw" : " --", (a.begin - kBegin) / kPageSize, "-",
                    (a.end - kBegin) / kPageSize);
  }
  return text;
}

// The kernel's side.
class Kernel {
 public:
  ~Kernel() { munmap(At(kBegin), kEnd - kBegin); }

  static void* At(uint64_t address) { return reinterpret_cast<void*>(address); }
  static int Bits(Protection p) {
    return p == Protection::kNone ? PROT_NONE : PROT_READ | PROT_WRITE;
  }
  static int Outcome(int result) { return result == 0 ? 0 : errno; }

  int Map(uint64_t begin, uint64_t size, Protection protection) {
    void* got =
        mmap(At(begin), size, Bits(protection), MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    return got == MAP_FAILED ? errno : 0;
  }
  int Free(uint64_t begin, uint64_t size) { return Outcome(munmap(At(begin), size)); }
  int Protect(uint64_t begin, uint64_t size, Protection protection) {
    return Outcome(mprotect(At(begin), size, Bits(protection)));
  }
  int Advise(uint64_t begin, uint64_t size, Advice advice) {
    static constexpr int kAdvice[] = {MADV_DONTNEED, MADV_FREE, MADV_HUGEPAGE, MADV_NOHUGEPAGE};
    return Outcome(madvise(At(begin), size, kAdvice[static_cast<int>(advice)]));
  }
  void Touch(uint64_t begin, uint64_t size) {
    for (uint64_t at = begin; at < begin + size; at = (at / kPageSize + 1) * kPageSize) {
      *static_cast<volatile char*>(At(at)) = 1;
    }
  }

  std::vector<bool> Resident() const { return ReadResidentPages(kBegin, kEnd).value(); }
  std::vector<KernelArea> Areas() const { return ReadAreas(kBegin, kEnd).value(); }
  KernelUsage Usage() const { return ReadUsage(kBegin, kEnd).value(); }
};

int ToErrno(Errno error) {
  switch (error) {
    case Errno::kOk:
      return 0;
    case Errno::kInvalid:
      return EINVAL;
    case Errno::kNoMemory:
      return ENOMEM;
    case Errno::kAgain:
      return EAGAIN;
  }
  return -1;
}

std::vector<KernelArea> AreasOf(const Machine& machine) {
  std::vector<KernelArea> areas;
  for (const auto& [begin, vma] : machine.vmas().tree()) {
    areas.push_back({begin, vma.end, vma.flags.protection == Protection::kReadWrite});
  }
  return areas;
}

// Adjacent areas of the same protection as one.
std::vector<KernelArea> Joined(const std::vector<KernelArea>& areas) {
  std::vector<KernelArea> joined;
  for (const KernelArea& a : areas) {
    if (!joined.empty() && joined.back().end == a.begin && joined.back().writable == a.writable) {
      joined.back().end = a.end;
    } else {
      joined.push_back(a);
    }
  }
  return joined;
}

// Does this kernel merge areas by the rules that the machine follows?
bool MergesAsModelled() {
  Kernel kernel;
  // An unused area is as before once it is inaccessible again.
  kernel.Map(kBegin, 3 * kPageSize, Protection::kNone);
  kernel.Protect(kBegin + kPageSize, kPageSize, Protection::kReadWrite);
  kernel.Protect(kBegin + kPageSize, kPageSize, Protection::kNone);
  if (kernel.Areas().size() != 1) return false;
  // A used one merges into an unused one.
  kernel.Map(kBegin, 2 * kPageSize, Protection::kReadWrite);
  kernel.Advise(kBegin, kPageSize, Advice::kNoHugePage);
  kernel.Touch(kBegin + kPageSize, 1);
  kernel.Advise(kBegin + kPageSize, kPageSize, Advice::kNoHugePage);
  return kernel.Areas().size() == 2;
}

// Differences are texts, empty where there is none: a test may find afterwards that one was an
// accident of the kernel's.

std::string AreaDifference(const Machine& machine, const Kernel& kernel, bool exact) {
  const std::vector<KernelArea> want = kernel.Areas();
  const std::vector<KernelArea> got = AreasOf(machine);
  bool same = exact ? got == want : Joined(got) == Joined(want);
  for (const KernelArea& ours : got) {
    same &= std::any_of(want.begin(), want.end(),
                        [&](const KernelArea& theirs) { return theirs.begin == ours.begin; });
  }
  return same ? "" : absl::StrCat("areas:", Text(got), "\nkernel:", Text(want));
}

std::string PageDifference(const Machine& machine, const Kernel& kernel) {
  const std::vector<bool> want = kernel.Resident();
  for (uint64_t i = 0; i < kPages; ++i) {
    const bool got = machine.IsResident(Address(kBegin + i * kPageSize));
    if (got != want[i]) return absl::StrCat("page ", i, " resident: ", got, ", kernel: ", want[i]);
  }
  return "";
}

std::string Difference(absl::string_view what, uint64_t got, uint64_t want) {
  return got == want ? "" : absl::StrCat(what, ": ", got, ", kernel: ", want);
}

// A line of /proc/vmstat.
uint64_t VmStat(const std::string& name) {
  std::ifstream file("/proc/vmstat");
  uint64_t value;
  for (std::string word; file >> word >> value;) {
    if (word == name) return value;
  }
  return 0;
}

// What the kernel did, to this process or another, that no machine can foresee.
uint64_t Accidents() {
  return VmStat("thp_fault_fallback") + VmStat("thp_fault_fallback_charge") +
         VmStat("thp_collapse_alloc") + VmStat("thp_split_page_failed") + VmStat("pglazyfreed") +
         VmStat("pswpout");
}

constexpr char kSettings[] = "/sys/kernel/mm/transparent_hugepage/";

// The chosen word of a setting: "always [madvise] never".
std::string Chosen(const std::string& file) {
  std::ifstream in(kSettings + file);
  std::string line;
  std::getline(in, line);
  const size_t begin = line.find('['), end = line.find(']');
  return end == std::string::npos ? "" : line.substr(begin + 1, end - begin - 1);
}

// Does a fault bring in one page or a huge one, nothing between?
bool OnlyTwoSizes() {
  for (uint64_t kib = 8; kib < 2048; kib *= 2) {
    const std::string chosen = Chosen(absl::StrCat("hugepages-", kib, "kB/enabled"));
    if (!chosen.empty() && chosen != "never") return false;
  }
  return true;
}

// The same random calls on both sides, compared as they go.
class Twins {
 public:
  Twins(const MachineOptions& options, int seed, bool exact)
      : machine_(options),
        huge_(options.huge_pages != HugePages::kNever),
        random_(seed),
        exact_(exact) {}

  // One call on both sides; returns in what they differ.
  std::string Step(int step) {
    const std::string difference = Call();
    if (!difference.empty()) return difference;
    NoteTables();
    return Compare(step);
  }

  const Machine& machine() const { return machine_; }
  uint64_t lazy_seen() const { return lazy_seen_; }

 private:
  std::string Call() {
    const uint64_t pages = 1 + Below(Below(8) == 0 ? kPages : 30);
    uint64_t at = kBegin + Below(kPages - pages + 1) * kPageSize;
    uint64_t size = pages * kPageSize;
    if (huge_ && Below(2) == 0) {
      at = at / kHugeSize * kHugeSize;
      size = std::min(kEnd - at, heap::RoundUp(size, kHugeSize));
    }
    const Address begin(at);
    const Bytes length(size);
    const uint64_t what = Below(100);
    // Without such shifts of the odds nearly all areas would be too small for huge pages.
    const Protection protection =
        Below(huge_ ? 12 : 3) == 0 ? Protection::kNone : Protection::kReadWrite;
    static constexpr Advice kAdvice[] = {Advice::kDontNeed, Advice::kFree, Advice::kHugePage,
                                         Advice::kNoHugePage};
    const Advice advice = kAdvice[Below(huge_ && size % kHugeSize != 0 ? 2 : 4)];

    if (what < 12) {
      std::string difference = Difference("mmap", ToErrno(machine_.Map(begin, length, protection)),
                                          kernel_.Map(at, size, protection));
      ForgetTables(at, at + size);
      if (difference.empty() && huge_ && Below(4) != 0) {
        difference =
            Difference("madvise", ToErrno(machine_.Advise(begin, length, Advice::kHugePage)),
                       kernel_.Advise(at, size, Advice::kHugePage));
      }
      return difference;
    }
    if (what < 17) {
      ForgetTables(at, at + size);
      return Difference("munmap", ToErrno(machine_.Free(begin, length)), kernel_.Free(at, size));
    }
    if (what < 30) {
      return Difference("mprotect", ToErrno(machine_.Protect(begin, length, protection)),
                        kernel_.Protect(at, size, protection));
    }
    if (what < 55) {
      return Difference("madvise", ToErrno(machine_.Advise(begin, length, advice)),
                        kernel_.Advise(at, size, advice));
    }
    const uint64_t from = at + Below(kPageSize);
    TouchBoth(from, 1 + Below(at + size - from));
    return "";
  }

  std::string Compare(int step) {
    std::string difference = AreaDifference(machine_, kernel_, exact_);
    if (difference.empty() && step % 4 == 0) difference = PageDifference(machine_, kernel_);
    if (!difference.empty() || step % 16 != 0) return difference;
    const KernelUsage usage = kernel_.Usage();
    const uint64_t rss = usage.resident_bytes;
    const uint64_t resident = machine_.resident_bytes().v;
    const uint64_t lazy = usage.lazily_freed_bytes;
    lazy_seen_ += lazy;
    if (huge_ ? rss > resident : rss != resident) return Difference("rss", resident, rss);
    if (lazy > machine_.lazily_freed_bytes().v) {
      return Difference("lazily freed", machine_.lazily_freed_bytes().v, lazy);
    }
    return Difference("huge", machine_.huge_bytes().v, usage.huge_bytes);
  }

  uint64_t Below(uint64_t n) { return random_() % n; }

  static uint64_t BlockOf(uint64_t address) { return (address - kBegin) / kHugeSize; }
  static Address BlockBegin(uint64_t block) { return Address(kBegin + block * kHugeSize); }

  void TouchBoth(uint64_t from, uint64_t length) {
    for (uint64_t block = BlockOf(from); huge_ && block <= BlockOf(from + length - 1); ++block) {
      const bool empty = machine_.ResidentBytes(BlockBegin(block), Bytes(kHugeSize)) == Bytes(0);
      if (empty && has_table_[block]) return;
    }
    try {
      machine_.Touch(Address(from), Bytes(length));
    } catch (const SegmentationFault&) {
      return;
    }
    kernel_.Touch(from, length);
  }

  // A block that holds small pages has a page table, and keeps it without them.
  void NoteTables() {
    for (uint64_t block = 0; block < has_table_.size(); ++block) {
      if (machine_.ResidentBytes(BlockBegin(block), Bytes(kHugeSize)) != Bytes(0) &&
          !machine_.IsHuge(BlockBegin(block))) {
        has_table_[block] = true;
      }
    }
  }

  // Until all of it is unmapped.
  void ForgetTables(uint64_t begin, uint64_t end) {
    for (uint64_t block = 0; block < has_table_.size(); ++block) {
      const uint64_t at = BlockBegin(block).v;
      if (begin <= at && at + kHugeSize <= end) has_table_[block] = false;
    }
  }

  Machine machine_;
  Kernel kernel_;
  bool huge_;
  std::mt19937_64 random_;
  bool exact_;
  std::vector<bool> has_table_ = std::vector<bool>(kPages * kPageSize / kHugeSize);
  uint64_t lazy_seen_ = 0;
};

class KernelTwinTest : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    if (sysconf(_SC_PAGESIZE) != static_cast<long>(kPageSize)) GTEST_SKIP() << "other page size";
    const auto pages = ReadResidentPages(kBegin, kEnd);
    if (!pages.ok()) GTEST_SKIP() << pages.status();
    exact_ = MergesAsModelled();
    std::cout << (exact_ ? "areas compared exactly\n"
                         : "an older kernel: it may have more areas\n");
  }
  void TearDown() override { prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0); }

  // False if the kernel did what the machine cannot know of.
  bool Run(const MachineOptions& options, int steps) {
    const uint64_t before = Accidents();
    twins_ = std::make_unique<Twins>(options, GetParam(), exact_);
    for (int step = 0; step < steps; ++step) {
      const std::string difference = twins_->Step(step);
      if (Accidents() != before) return false;
      if (!difference.empty()) {
        ADD_FAILURE() << "step " << step << ": " << difference;
        break;
      }
    }
    return true;
  }

  bool exact_ = false;
  std::unique_ptr<Twins> twins_;
};

TEST_P(KernelTwinTest, SmallPages) {
  if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) != 0) GTEST_SKIP() << "cannot turn huge pages off";
  if (!Run(MachineOptions{}, 2000)) GTEST_SKIP() << "an accident";
  EXPECT_GT(twins_->machine().stats().refaulted_bytes, 0u);
  EXPECT_GT(twins_->machine().stats().failed_calls, 0u);
  EXPECT_GT(twins_->machine().peak_vma_count(), 20u);
  EXPECT_GT(twins_->lazy_seen(), 0u);
}

TEST_P(KernelTwinTest, HugePages) {
  MachineOptions options;
  const std::string enabled = Chosen("enabled");
  if (enabled == "always") {
    options.huge_pages = HugePages::kAlways;
  } else if (enabled == "madvise") {
    options.huge_pages = HugePages::kMadvise;
  } else {
    GTEST_SKIP() << "the kernel has no huge pages";
  }
  if (!OnlyTwoSizes()) GTEST_SKIP() << "the kernel has huge pages of other sizes too";
  if (prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0) != 0) GTEST_SKIP() << "cannot turn huge pages on";
  if (!Run(options, 2000)) GTEST_SKIP() << "an accident";
  EXPECT_GT(twins_->machine().stats().huge_page_faults, 20u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, KernelTwinTest, testing::Range(1, 4));

}  // namespace
}  // namespace heapsim::sim
