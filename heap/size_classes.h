// Size classes: the table that rounds a request up to a slot size and says how many pages a span of
// such slots has.
#ifndef HEAPSIM_HEAP_SIZE_CLASSES_H_
#define HEAPSIM_HEAP_SIZE_CLASSES_H_

#include <bit>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "heap/units.h"

namespace heapsim::heap {

inline constexpr uint32_t kMaxSizeClasses = 128;  // a span class has 8 bits, one of them noscan
// The largest that an allocator is known to have (TCMalloc's). A request's size fits into 19 bits.
inline constexpr uint32_t kMaxSlotBytes = 256 << 10;

// Requests up to this fit a size class in Go's table; larger ones get pages of their own.
inline constexpr uint32_t kGoMaxSmallSize = 32768;

struct SizeClass {
  uint32_t size;       // bytes of a slot; 0 for class 0, the large objects
  uint32_t pages;      // heap pages of a span
  uint32_t slots = 0;  // slots of a span; follows from the others
};

class SizeClasses {
 public:
  // Go 1.10's table: 66 classes from 8 to 32768 bytes.
  static const SizeClasses& Go110();

  // A table from (slot size, pages of a span) pairs in rising order of size. Sizes are multiples of
  // 8, at most kMaxSlotBytes; a span holds at least one slot and at most 1,024. large_steps: in how
  // many steps a doubling of the sizes beyond the classes is done (a power of two); 0: in pages.
  static absl::StatusOr<SizeClasses> Make(absl::Span<const SizeClass> classes,
                                          uint32_t large_steps = 0);

  // The number of classes, class 0 included.
  uint32_t count() const { return static_cast<uint32_t>(classes_.size()); }
  uint32_t max_small_size() const { return max_small_; }
  const SizeClass& operator[](uint32_t c) const { return classes_[c]; }

  // The smallest class whose slots hold `size` bytes; 1 <= size <= max_small_size().
  uint32_t ClassOf(uint64_t size) const { return class_of_[(size + 7) >> 3]; }

  // What an object of `size` bytes (below 2^62) that no class holds takes: whole pages.
  uint64_t LargeBytes(uint64_t size) const {
    if (large_steps_ == 0) return RoundUp(size, kPageSize);
    const uint64_t step = std::bit_floor(size - 1) / large_steps_;
    return RoundUp(size, step < kPageSize ? kPageSize : step);
  }

 private:
  SizeClasses(std::vector<SizeClass> classes, uint32_t large_steps);

  std::vector<SizeClass> classes_;
  std::vector<uint8_t> class_of_;  // by size in 8-byte steps: one load, 4 KiB for Go's table
  uint32_t max_small_;
  uint32_t large_steps_;
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_SIZE_CLASSES_H_
