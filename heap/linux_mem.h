// How the runtime gives memory back to Linux and takes it in use again (the runtime's
// mem_linux.go): the advice that goes with both.
#ifndef HEAPSIM_HEAP_LINUX_MEM_H_
#define HEAPSIM_HEAP_LINUX_MEM_H_

#include "heap/seams.h"
#include "heap/units.h"

namespace heapsim::heap {

inline constexpr Bytes kHugePageSize{2 << 20};

// The program has no use for [begin, begin + length), a multiple of OS pages. The huge pages that
// contain an end of the range, but not all of which is given back, are told not to be huge, or the
// kernel would fill them up again. Failed advice is ignored.
void SysUnused(Os* os, Address begin, Bytes length);

// The program will use the range again: whole huge pages inside it may be huge.
void SysUsed(Os* os, Address begin, Bytes length);

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_LINUX_MEM_H_
