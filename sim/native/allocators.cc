#include "sim/native/allocators.h"

namespace heapsim::sim {
namespace {

constexpr NativeAllocator kAllocators[] = {
    {proto::ENGINE_NATIVE_GLIBC, "libc.so.6", "libc6", false},
    {proto::ENGINE_NATIVE_JEMALLOC, "libjemalloc.so.2", "libjemalloc2", true},
    {proto::ENGINE_NATIVE_TCMALLOC, "libtcmalloc_minimal.so.4", "libtcmalloc-minimal4", true},
    {proto::ENGINE_NATIVE_MIMALLOC, "libmimalloc.so.2", "libmimalloc2.0", true},
};

}  // namespace

const NativeAllocator* NativeAllocatorOf(const proto::Policy& policy) {
  for (const NativeAllocator& allocator : kAllocators) {
    if (allocator.engine == policy.engine()) return &allocator;
  }
  return nullptr;
}

}  // namespace heapsim::sim
