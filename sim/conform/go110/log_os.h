// The operating system as a log has it: gives what the log says it gave, and checks every call
// against the log.
#ifndef HEAPSIM_SIM_CONFORM_GO110_LOG_OS_H_
#define HEAPSIM_SIM_CONFORM_GO110_LOG_OS_H_

#include "heap/seams.h"
#include "sim/conform/go110/header.h"
#include "sim/conform/go110/matcher.h"

namespace heapsim::sim::go110 {

class LogOs final : public heap::Os {
 public:
  LogOs(Matcher* matcher, const Header* header) : matcher_(matcher), header_(header) {}

  heap::Bytes PhysicalPageSize() const override { return header_->phys_page; }
  heap::Address Reserve(heap::Address hint, heap::Bytes length) override;
  // `m`
  bool Map(heap::MapArea area, heap::Address begin, heap::Bytes length,
           heap::SysStat stat) override;
  // `o+` and `o-` are recorded only: the answer is an address of no meaning, and no line is asked
  // for.
  heap::Address Alloc(heap::Bytes length, heap::SysStat stat) override;
  void Free(heap::Address, heap::Bytes, heap::SysStat) override {}
  // `v`
  bool Advise(heap::Address begin, heap::Bytes length, heap::Advice advice) override;
  void Fault(heap::Address, heap::Bytes) override {}
  // `k`: the address is the log's handle, so that records have the order that the runtime's had.
  heap::Address Persistent(heap::Bytes size, heap::Bytes align, heap::SysStat stat,
                           heap::Bytes element_size) override;
  void Touch(heap::Address, heap::Bytes) override {}

 private:
  Matcher* matcher_;
  const Header* header_;
  // Above every address and handle of a log.
  heap::Address next_{uint64_t{1} << 62};
};

}  // namespace heapsim::sim::go110

#endif  // HEAPSIM_SIM_CONFORM_GO110_LOG_OS_H_
