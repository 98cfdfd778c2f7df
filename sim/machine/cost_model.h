// What the memory calls and page faults of a process would have cost, in nanoseconds.
//
// These are round numbers for a machine of the kind people report from, meant to compare policies
// with each other: a policy that faults twice as often costs twice as much here as it would there.
//
// A policy's `cost` message can replace each of them; its defaults are these.
//
// What they are fitted to:
//   - golang/go#36218: madvise(MADV_DONTNEED) of one 4 KiB page and its next use: about 2.2 us;
//     here 600 + 200 + 1,000 + 400 ns.
//   - golang/go#80389: the same for 8 KiB: about 5 us, on another machine; here 3.8 us.
//   - golang/go#44554: MADV_DONTNEED costs about twice what MADV_FREE does.
//   - Memory is cleared at about 10 GB/s: 100 ns a KiB, so a huge page of 2 MiB takes 206 us.
#ifndef HEAPSIM_SIM_MACHINE_COST_MODEL_H_
#define HEAPSIM_SIM_MACHINE_COST_MODEL_H_

#include <cstdint>

namespace heapsim::sim {

struct CostModel {
  // Entering the kernel, finding the area, leaving.
  uint64_t mmap_ns = 1'000;
  uint64_t munmap_ns = 1'000;
  uint64_t mprotect_ns = 1'000;
  uint64_t advise_huge_ns = 600;  // MADV_HUGEPAGE, MADV_NOHUGEPAGE
  uint64_t dont_need_ns = 600;
  uint64_t free_ns = 300;  // MADV_FREE

  // For each resident page that the call drops, frees lazily or gives other access.
  uint64_t munmap_page_ns = 200;
  uint64_t mprotect_page_ns = 20;
  uint64_t dont_need_page_ns = 200;
  uint64_t free_page_ns = 100;

  // A page fault, and clearing what it brings in.
  uint64_t fault_ns = 1'000;
  uint64_t huge_fault_ns = 1'000;
  uint64_t clear_ns_per_kib = 100;
  // On top, for each page that advice or a memory limit had taken.
  uint64_t refault_page_ns = 0;

  // Under a memory limit: taking one lazily freed page away.
  uint64_t reclaim_page_ns = 300;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_MACHINE_COST_MODEL_H_
