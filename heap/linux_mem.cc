#include "heap/linux_mem.h"

#include "heap/fatal.h"

namespace heapsim::heap {

void SysUnused(Os* os, Address begin, Bytes length) {
  const uint64_t huge = kHugePageSize.v;
  const uint64_t end = begin.v + length.v;
  const uint64_t head = begin.v % huge != 0 ? RoundDown(begin.v, huge) : 0;
  const uint64_t tail = end % huge != 0 ? RoundDown(end - 1, huge) : 0;
  if (head != 0 && head + huge == tail) {
    os->Advise(Address(head), Bytes(2 * huge), Advice::kNoHugePage);
  } else {
    if (head != 0) os->Advise(Address(head), kHugePageSize, Advice::kNoHugePage);
    if (tail != 0 && tail != head) os->Advise(Address(tail), kHugePageSize, Advice::kNoHugePage);
  }
  if (((begin.v | length.v) & (os->PhysicalPageSize().v - 1)) != 0) {
    Throw(FatalCode::kUnalignedUnused, "unaligned sysUnused");
  }
  os->Advise(begin, length, Advice::kDontNeed);
}

void SysUsed(Os* os, Address begin, Bytes length) {
  const uint64_t huge = kHugePageSize.v;
  const uint64_t first = RoundUp(begin.v, huge);
  const uint64_t last = RoundDown(begin.v + length.v, huge);
  if (first < last) os->Advise(Address(first), Bytes(last - first), Advice::kHugePage);
}

}  // namespace heapsim::heap
