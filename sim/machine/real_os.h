// The heap's operating system on the kernel this process runs on: its mappings are real, and its
// touches write to them.
//
// The heap still sees the addresses that it would see on the simulated machine, since placement
// goes by the same rules (VmaMap); what is really mapped lies a constant distance away, where
// nothing else of this process is: two windows of 16 TiB, for the lowest and the highest 16 TiB of
// addresses.
#ifndef HEAPSIM_SIM_MACHINE_REAL_OS_H_
#define HEAPSIM_SIM_MACHINE_REAL_OS_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "heap/mem_stats.h"
#include "heap/persistent_alloc.h"
#include "heap/seams.h"
#include "heap/units.h"
#include "sim/machine/own_process.h"
#include "sim/machine/vma_map.h"

namespace heapsim::sim {

// At most one at a time in a process.
class RealOs final : public heap::Os {
 public:
  // free_lazily: memory is given back with MADV_FREE instead of MADV_DONTNEED.
  explicit RealOs(bool free_lazily = false);
  ~RealOs() override;
  RealOs(const RealOs&) = delete;
  RealOs& operator=(const RealOs&) = delete;

  heap::Bytes PhysicalPageSize() const override { return heap::Bytes(page_size_); }
  heap::Address Reserve(heap::Address hint, heap::Bytes length) override;
  bool Map(heap::MapArea area, heap::Address begin, heap::Bytes length,
           heap::SysStat stat) override;
  heap::Address Alloc(heap::Bytes length, heap::SysStat stat) override;
  void Free(heap::Address begin, heap::Bytes length, heap::SysStat stat) override;
  bool Advise(heap::Address begin, heap::Bytes length, heap::Advice advice) override;
  void Fault(heap::Address begin, heap::Bytes length) override;
  heap::Address Persistent(heap::Bytes size, heap::Bytes align, heap::SysStat stat,
                           heap::Bytes element_size) override;
  // All of it must be mapped: a real program would crash here, and so does this one.
  void Touch(heap::Address begin, heap::Bytes length) override;

  // What the kernel says about all that is mapped here.
  absl::StatusOr<KernelUsage> Usage() const;
  // One flag for each page of a page-aligned range of the heap's addresses.
  absl::StatusOr<std::vector<bool>> ResidentPages(heap::Address begin, heap::Bytes length) const;

 private:
  heap::Address MapAnywhere(heap::Address hint, heap::Bytes length, Protection protection);
  bool MapAt(uint64_t begin, uint64_t size, Protection protection);

  bool free_lazily_;
  uint64_t page_size_;
  VmaMap placement_;  // what the heap has mapped, by the heap's addresses
  heap::PersistentAlloc persistent_;
  heap::MemStats persistent_stats_;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_MACHINE_REAL_OS_H_
