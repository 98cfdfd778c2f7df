// What the kernel says about the memory of the process that asks: /proc/self as functions.
#ifndef HEAPSIM_SIM_MACHINE_OWN_PROCESS_H_
#define HEAPSIM_SIM_MACHINE_OWN_PROCESS_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"

namespace heapsim::sim {

// Addresses here are real ones.
struct KernelArea {
  uint64_t begin = 0;
  uint64_t end = 0;
  bool writable = false;
  bool operator==(const KernelArea&) const = default;
};

// The areas that start in [begin, end), in address order (/proc/self/maps).
absl::StatusOr<std::vector<KernelArea>> ReadAreas(uint64_t begin, uint64_t end);

struct KernelUsage {
  uint64_t areas = 0;
  uint64_t resident_bytes = 0;
  uint64_t lazily_freed_bytes = 0;
  uint64_t huge_bytes = 0;
};

// Sums over the areas that start in [begin, end) (/proc/self/smaps).
absl::StatusOr<KernelUsage> ReadUsage(uint64_t begin, uint64_t end);

// One flag for each page of the page-aligned range: present, or swapped out (/proc/self/pagemap).
absl::StatusOr<std::vector<bool>> ReadResidentPages(uint64_t begin, uint64_t end);

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_MACHINE_OWN_PROCESS_H_
