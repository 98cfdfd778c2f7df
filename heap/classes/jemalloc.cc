#include "heap/classes/jemalloc.h"

#include <vector>

#include "heap/units.h"

namespace heapsim::heap {
namespace {

constexpr uint32_t kQuantum = 16;
constexpr uint32_t kGroup = 4;                        // classes a doubling
constexpr uint32_t kLeastLarge = kGroup * kPageSize;  // from here on steps are whole pages

uint32_t SlabPages(uint32_t size) {
  uint32_t pages = 1;
  while (pages * kPageSize % size != 0) ++pages;
  return pages;
}

}  // namespace

const SizeClasses& JemallocClasses() {
  static const SizeClasses* const table = [] {
    std::vector<SizeClass> rows = {{kQuantum / 2, SlabPages(kQuantum / 2), 0}};
    // The first group stands at multiples of the quantum; a later one between its base and twice
    // that.
    for (uint32_t i = 1; i <= kGroup; ++i) rows.push_back({i * kQuantum, SlabPages(i * kQuantum)});
    for (uint32_t base = kGroup * kQuantum;; base *= 2) {
      for (uint32_t i = 1; i <= kGroup; ++i) {
        const uint32_t size = base + i * (base / kGroup);
        if (size >= kLeastLarge) {
          return new SizeClasses(*SizeClasses::Make(rows, kGroup));
        }
        rows.push_back({size, SlabPages(size), 0});
      }
    }
  }();
  return *table;
}

}  // namespace heapsim::heap
