// The heap's operating system in a replay: the simulated machine.
#ifndef HEAPSIM_SIM_REPLAY_MACHINE_OS_H_
#define HEAPSIM_SIM_REPLAY_MACHINE_OS_H_

#include "heap/mem_stats.h"
#include "heap/persistent_alloc.h"
#include "heap/seams.h"
#include "sim/machine/machine.h"

namespace heapsim::sim {

class MachineOs final : public heap::Os {
 public:
  // free_lazily: memory is given back with MADV_FREE instead of MADV_DONTNEED.
  MachineOs(Machine* machine, bool free_lazily) : machine_(machine), free_lazily_(free_lazily) {}

  heap::Bytes PhysicalPageSize() const override;
  heap::Address Reserve(heap::Address hint, heap::Bytes length) override;
  bool Map(heap::MapArea area, heap::Address begin, heap::Bytes length,
           heap::SysStat stat) override;
  heap::Address Alloc(heap::Bytes length, heap::SysStat stat) override;
  void Free(heap::Address begin, heap::Bytes length, heap::SysStat stat) override;
  bool Advise(heap::Address begin, heap::Bytes length, heap::Advice advice) override;
  void Fault(heap::Address begin, heap::Bytes length) override;
  heap::Address Persistent(heap::Bytes size, heap::Bytes align, heap::SysStat stat,
                           heap::Bytes element_size) override;
  void Touch(heap::Address begin, heap::Bytes length) override;

  uint64_t failed_advice() const { return failed_advice_; }

 private:
  Machine* machine_;
  bool free_lazily_;
  heap::PersistentAlloc persistent_;
  // What the pieces of persistentalloc are charged to; the heap's own figures come from its calls.
  heap::MemStats persistent_stats_;
  uint64_t failed_advice_ = 0;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_REPLAY_MACHINE_OS_H_
