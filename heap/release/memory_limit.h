// Memory stays below a limit as far as giving back can do it, as with Go's GOMEMLIMIT: when the
// heap takes more, free pages go back at once, as many as are over it; and collections begin early
// enough for the heap to stay below.
//
// A collection never begins before the heap has grown by 1 MiB since the last one, where Go keeps
// the collector below half of the processors' time: an unreachable limit is exceeded here as there.
#ifndef HEAPSIM_HEAP_RELEASE_MEMORY_LIMIT_H_
#define HEAPSIM_HEAP_RELEASE_MEMORY_LIMIT_H_

#include <cstdint>

#include "heap/release/release_rule.h"

namespace heapsim::heap {

class MemoryLimit final : public ReleaseRule {
 public:
  static constexpr uint64_t kLeastGrowth = 1 << 20;

  explicit MemoryLimit(Bytes limit) : limit_(limit) {}
  void AfterAllocate() override;
  uint64_t GoalLimit(uint64_t heap_live) const override;

 private:
  // Mapped and not given back: the heap and what it keeps its records in.
  uint64_t Mapped() const;

  const Bytes limit_;
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_RELEASE_MEMORY_LIMIT_H_
