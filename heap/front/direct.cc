#include "heap/front/direct.h"

namespace heapsim::heap {

BitIndex DirectFrontEnd::Take(uint32_t, SpanClass c) {
  slot_.clear();
  spans_.Take(c, 1, /*may_grow=*/true, &slot_);
  return slot_.front();
}

void DirectFrontEnd::Give(uint32_t, BitIndex bit) { spans_.Give(bit); }

}  // namespace heapsim::heap
