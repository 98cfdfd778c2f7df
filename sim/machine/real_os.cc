#include "sim/machine/real_os.h"

#include <sys/mman.h>
#include <unistd.h>

namespace heapsim::sim {
namespace {

using heap::Address;
using heap::Bytes;

constexpr uint64_t kWindow = uint64_t{1} << 44;
// The heap's addresses below kWindow, and those above kHigh, lie at these real ones. No program,
// library, stack, mmap area or sanitizer of Linux on x86-64 or arm64 is there.
constexpr uint64_t kLowReal = uint64_t{1} << 45;
constexpr uint64_t kHigh = (uint64_t{1} << 47) - kWindow;
constexpr uint64_t kHighReal = (uint64_t{1} << 46) - kWindow;

// Is the range in one of the windows?
bool HasPlace(uint64_t begin, uint64_t size) {
  return (begin <= kWindow && size <= kWindow - begin) || begin >= kHigh;
}

char* Real(uint64_t address) {
  return reinterpret_cast<char*>(address >= kHigh ? address - kHigh + kHighReal
                                                  : address + kLowReal);
}

uint64_t RealAddress(uint64_t address) { return reinterpret_cast<uint64_t>(Real(address)); }

int Bits(Protection protection) {
  return protection == Protection::kNone ? PROT_NONE : PROT_READ | PROT_WRITE;
}

int ToMadvise(heap::Advice advice) {
  switch (advice) {
    case heap::Advice::kDontNeed:
      return MADV_DONTNEED;
    case heap::Advice::kFree:
      return MADV_FREE;
    case heap::Advice::kHugePage:
      return MADV_HUGEPAGE;
    case heap::Advice::kNoHugePage:
      return MADV_NOHUGEPAGE;
  }
  return MADV_NORMAL;
}

}  // namespace

RealOs::RealOs(bool free_lazily)
    : free_lazily_(free_lazily),
      page_size_(sysconf(_SC_PAGESIZE)),
      // The kernel has a limit of its own.
      placement_(page_size_, ~uint64_t{0}) {}

RealOs::~RealOs() {
  for (const auto& [begin, area] : placement_.tree()) munmap(Real(begin), area.end - begin);
}

bool RealOs::MapAt(uint64_t begin, uint64_t size, Protection protection) {
  if (!HasPlace(begin, size)) return false;
  // Nothing else is there, so that MAP_FIXED replaces only what the heap has mapped itself.
  void* got =
      mmap(Real(begin), size, Bits(protection), MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (got == MAP_FAILED) return false;
  placement_.Map(begin, begin + size, VmaFlags::New(protection));
  return true;
}

Address RealOs::MapAnywhere(Address hint, Bytes length, Protection protection) {
  const uint64_t size = heap::RoundUp(length.v, page_size_);
  const auto begin = placement_.FindGap(hint.v, size);
  if (size == 0 || !begin.has_value() || !MapAt(*begin, size, protection)) return Address();
  return Address(*begin);
}

Address RealOs::Reserve(Address hint, Bytes length) {
  return MapAnywhere(hint, length, Protection::kNone);
}

bool RealOs::Map(heap::MapArea, Address begin, Bytes length, heap::SysStat) {
  return MapAt(begin.v, heap::RoundUp(length.v, page_size_), Protection::kReadWrite);
}

Address RealOs::Alloc(Bytes length, heap::SysStat) {
  return MapAnywhere(Address(), length, Protection::kReadWrite);
}

void RealOs::Free(Address begin, Bytes length, heap::SysStat) {
  const uint64_t size = heap::RoundUp(length.v, page_size_);
  if (HasPlace(begin.v, size) && munmap(Real(begin.v), size) == 0) {
    placement_.Unmap(begin.v, begin.v + size);
  }
}

bool RealOs::Advise(Address begin, Bytes length, heap::Advice advice) {
  if (advice == heap::Advice::kDontNeed && free_lazily_) advice = heap::Advice::kFree;
  return HasPlace(begin.v, length.v) && madvise(Real(begin.v), length.v, ToMadvise(advice)) == 0;
}

void RealOs::Fault(Address begin, Bytes length) {
  MapAt(begin.v, heap::RoundUp(length.v, page_size_), Protection::kNone);
}

Address RealOs::Persistent(Bytes size, Bytes align, heap::SysStat stat, Bytes) {
  return persistent_.Allocate(this, &persistent_stats_, size, align, stat);
}

void RealOs::Touch(Address begin, Bytes length) {
  const uint64_t end = begin.v + length.v;
  for (uint64_t at = begin.v; at < end; at = heap::RoundDown(at, page_size_) + page_size_) {
    *const_cast<volatile char*>(Real(at)) = 1;
  }
}

absl::StatusOr<KernelUsage> RealOs::Usage() const {
  absl::StatusOr<KernelUsage> low = ReadUsage(kLowReal, kLowReal + kWindow);
  if (!low.ok()) return low;
  absl::StatusOr<KernelUsage> high = ReadUsage(kHighReal, kHighReal + kWindow);
  if (!high.ok()) return high;
  high->areas += low->areas;
  high->resident_bytes += low->resident_bytes;
  high->lazily_freed_bytes += low->lazily_freed_bytes;
  high->huge_bytes += low->huge_bytes;
  return high;
}

absl::StatusOr<std::vector<bool>> RealOs::ResidentPages(Address begin, Bytes length) const {
  return ReadResidentPages(RealAddress(begin.v), RealAddress(begin.v) + length.v);
}

}  // namespace heapsim::sim
