// Size classes: the table that rounds a request up to a slot size and says how many pages a span of
// such slots has.
#ifndef HEAPSIM_HEAP_SIZE_CLASSES_H_
#define HEAPSIM_HEAP_SIZE_CLASSES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "heap/units.h"

namespace heapsim::heap {

inline constexpr uint32_t kMaxSizeClasses = 128;  // a span class has 8 bits, one of them noscan

// Requests up to this fit a size class in Go's table; larger ones get pages of their own.
inline constexpr uint32_t kGoMaxSmallSize = 32768;

struct SizeClass {
  uint32_t size;   // bytes of a slot; 0 for class 0, the large objects
  uint32_t pages;  // heap pages of a span
  uint32_t slots;  // slots of a span
};

class SizeClasses {
 public:
  // Go 1.10's table: 66 classes from 8 to 32768 bytes.
  static const SizeClasses& Go110();

  // A table from (slot size, pages of a span) pairs in rising order of size. Sizes are multiples of
  // 8; a span holds at least one slot and at most 1,024.
  static absl::StatusOr<SizeClasses> Make(absl::Span<const SizeClass> classes);

  // The number of classes, class 0 included.
  uint32_t count() const { return static_cast<uint32_t>(classes_.size()); }
  uint32_t max_small_size() const { return max_small_; }
  const SizeClass& operator[](uint32_t c) const { return classes_[c]; }

  // The smallest class whose slots hold `size` bytes; 1 <= size <= max_small_size().
  uint32_t ClassOf(uint64_t size) const { return class_of_[(size + 7) >> 3]; }

 private:
  explicit SizeClasses(std::vector<SizeClass> classes);

  std::vector<SizeClass> classes_;
  std::vector<uint8_t> class_of_;  // by size in 8-byte steps: one load, 4 KiB for Go's table
  uint32_t max_small_;
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_SIZE_CLASSES_H_
