// The real allocators that policies name.
#ifndef HEAPSIM_SIM_NATIVE_ALLOCATORS_H_
#define HEAPSIM_SIM_NATIVE_ALLOCATORS_H_

#include "proto/policy.pb.h"

namespace heapsim::sim {

struct NativeAllocator {
  proto::Engine engine;
  const char* library;  // as ld.so finds it; its malloc is the one to be measured
  const char* package;  // of Debian, that brings it along
  bool preload;         // false: it is there anyway
};

// Null where the policy is a simulated one.
const NativeAllocator* NativeAllocatorOf(const proto::Policy& policy);

// Whether a policy is measured in a real process instead of simulated.
inline bool IsNative(const proto::Policy& policy) { return NativeAllocatorOf(policy) != nullptr; }

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_NATIVE_ALLOCATORS_H_
