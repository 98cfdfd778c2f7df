// The memory of the process that asks, without allocating any.
#ifndef HEAPSIM_SIM_NATIVE_OWN_MEMORY_H_
#define HEAPSIM_SIM_NATIVE_OWN_MEMORY_H_

#include <cstdint>

namespace heapsim::sim::native {

// Resident anonymous bytes: what malloc can have got. The texts of programs and shared mappings are
// none.
class OwnMemory {
 public:
  OwnMemory();
  // False: the system does not tell.
  bool ok() const { return rollup_ >= 0 || statm_ >= 0; }

  uint64_t AnonymousBytes();

  // Page faults of this process.
  static uint64_t PageFaults();

 private:
  // Up to here the pages are counted one by one, which is exact and takes some hundred
  // microseconds; beyond by the kernel's counter, which each processor keeps a few dozen pages
  // from.
  static constexpr uint64_t kExactBytes = uint64_t{16} << 20;

  uint64_t FromRollup() const;
  uint64_t FromStatm() const;

  int rollup_;
  int statm_;
  uint64_t last_ = 0;
};

}  // namespace heapsim::sim::native

#endif  // HEAPSIM_SIM_NATIVE_OWN_MEMORY_H_
