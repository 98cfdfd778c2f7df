#include "heap/classes/powers_of_two.h"

#include <algorithm>
#include <vector>

#include "heap/units.h"

namespace heapsim::heap {
namespace {

constexpr uint32_t kSmallest = 8, kLargest = 32 << 10;
constexpr uint32_t kLeastSlots = 4;

}  // namespace

const SizeClasses& PowersOfTwo() {
  static const SizeClasses* const table = [] {
    std::vector<SizeClass> rows;
    for (uint32_t size = kSmallest; size <= kLargest; size *= 2) {
      const uint64_t bytes = std::max<uint64_t>(size * kLeastSlots, kPageSize);
      rows.push_back({size, static_cast<uint32_t>(bytes >> kPageShift), 0});
    }
    return new SizeClasses(*SizeClasses::Make(rows));
  }();
  return *table;
}

}  // namespace heapsim::heap
