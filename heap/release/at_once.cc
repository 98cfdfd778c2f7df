#include "heap/release/at_once.h"

namespace heapsim::heap {

void AtOnce::AfterFree() { c_.pages->Release(Bytes(~uint64_t{0})); }

}  // namespace heapsim::heap
