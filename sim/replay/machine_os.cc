#include "sim/replay/machine_os.h"

namespace heapsim::sim {

heap::Bytes MachineOs::PhysicalPageSize() const { return machine_->page_size(); }

heap::Address MachineOs::Reserve(heap::Address hint, heap::Bytes length) {
  return machine_->Reserve(hint, length).address;
}

bool MachineOs::Map(heap::MapArea, heap::Address begin, heap::Bytes length, heap::SysStat) {
  return machine_->Map(begin, length) == Errno::kOk;
}

heap::Address MachineOs::Alloc(heap::Bytes length, heap::SysStat) {
  return machine_->Alloc(length).address;
}

void MachineOs::Free(heap::Address begin, heap::Bytes length, heap::SysStat) {
  machine_->Free(begin, length);
}

bool MachineOs::Advise(heap::Address begin, heap::Bytes length, heap::Advice advice) {
  if (advice == heap::Advice::kDontNeed && free_lazily_) advice = heap::Advice::kFree;
  if (machine_->Advise(begin, length, advice) == Errno::kOk) return true;
  ++failed_advice_;
  return false;
}

void MachineOs::Fault(heap::Address begin, heap::Bytes length) {
  machine_->Protect(begin, length, Protection::kNone);
}

heap::Address MachineOs::Persistent(heap::Bytes size, heap::Bytes align, heap::SysStat stat,
                                    heap::Bytes) {
  return persistent_.Allocate(this, &persistent_stats_, size, align, stat);
}

void MachineOs::Touch(heap::Address begin, heap::Bytes length) { machine_->Touch(begin, length); }

}  // namespace heapsim::sim
