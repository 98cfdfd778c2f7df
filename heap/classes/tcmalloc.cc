#include "heap/classes/tcmalloc.h"

#include <algorithm>
#include <bit>
#include <vector>

#include "heap/units.h"

namespace heapsim::heap {
namespace {

constexpr uint32_t kLargest = kMaxSlotBytes;

uint32_t StepAt(uint32_t size) {
  if (size < 16) return 8;
  if (size < 128) return 16;
  return std::min<uint32_t>(std::bit_floor(size) / 8, kPageSize);
}

uint32_t SpanPages(uint32_t size) {
  const uint32_t least = TcmallocBatch(size, kTcmallocBatchLimit) / 4;
  for (uint32_t pages = 1;; ++pages) {
    const uint64_t bytes = pages * kPageSize;
    if (bytes % size <= bytes / 8 && bytes / size >= std::max(least, 1u)) return pages;
  }
}

}  // namespace

uint32_t TcmallocBatch(uint32_t slot_bytes, uint32_t limit) {
  return std::clamp<uint32_t>((64 << 10) / slot_bytes, 2, limit);
}

const SizeClasses& TcmallocClasses() {
  static const SizeClasses* const table = [] {
    std::vector<SizeClass> rows;
    for (uint32_t size = 8; size <= kLargest; size += StepAt(size)) {
      const uint32_t pages = SpanPages(size);
      const uint32_t slots = static_cast<uint32_t>(pages * kPageSize / size);
      if (!rows.empty() && rows.back().pages == pages && rows.back().slots == slots) {
        rows.pop_back();
      }
      rows.push_back({size, pages, slots});
    }
    return new SizeClasses(*SizeClasses::Make(rows));
  }();
  return *table;
}

}  // namespace heapsim::heap
