// What a thread asks for slots, in place of the heap's own caches; with explicit frees only.
#ifndef HEAPSIM_HEAP_FRONT_FRONT_END_H_
#define HEAPSIM_HEAP_FRONT_FRONT_END_H_

#include <cstdint>
#include <functional>

#include "heap/bit_space.h"
#include "heap/observer.h"
#include "heap/seams.h"
#include "heap/size_classes.h"
#include "heap/span.h"

namespace heapsim::heap {

// What a front end stands on; all outlive it, or at least the heap.
struct FrontContext {
  SpanTable* spans;
  BitSpace* bits;
  const SizeClasses* classes;
  uint32_t procs;
  // A span of fresh slots, in no list. Throws kOutOfMemory.
  std::function<SpanId(SpanClass)> grow;
  // Takes back a span that nobody has a slot of, in no list.
  std::function<void(SpanId)> release;
};

class FrontEnd {
 public:
  virtual ~FrontEnd() = default;

  // By the heap, while it is made.
  virtual void Attach(const FrontContext& context) = 0;

  // A slot for P `p`. Throws kOutOfMemory.
  virtual BitIndex Take(uint32_t p, SpanClass c) = 0;
  // P `p` frees a slot, whoever took it.
  virtual void Give(uint32_t p, BitIndex bit) = 0;
  // All that caches hold goes back to the spans.
  virtual void Flush() = 0;

  // The slots of one of the bit space's words that caches hold.
  virtual uint64_t CachedWord(uint32_t word) const = 0;
  // Throws kSelfCheck where what the caches hold and what they say of it disagree.
  virtual void SelfCheck() const = 0;
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_FRONT_FRONT_END_H_
