// Every free page goes back as soon as it is free: the least memory that releasing can give, at the
// highest cost.
#ifndef HEAPSIM_HEAP_RELEASE_AT_ONCE_H_
#define HEAPSIM_HEAP_RELEASE_AT_ONCE_H_

#include "heap/release/release_rule.h"

namespace heapsim::heap {

class AtOnce final : public ReleaseRule {
 public:
  void AfterFree() override;
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_RELEASE_AT_ONCE_H_
