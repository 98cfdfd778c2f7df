// The spans of each class, and slots from them: what front ends share.
//
// A span with free slots is in a list of its class; a full one is in none, though Span::list says
// kEmpty; one without objects goes back to the page heap at once. A span's lowest free slots are
// taken first.
#ifndef HEAPSIM_HEAP_FRONT_SPAN_SLOTS_H_
#define HEAPSIM_HEAP_FRONT_SPAN_SLOTS_H_

#include <cstdint>
#include <vector>

#include "heap/front/front_end.h"

namespace heapsim::heap {

class SpanSlots {
 public:
  enum class Order : uint8_t {
    kLatest,    // the span that last came to have free slots
    kOccupied,  // one of those with the most slots taken, counted in powers of two
  };
  explicit SpanSlots(Order order) : order_(order) {}
  void Attach(const FrontContext& context) { c_ = context; }

  // Up to `count` slots of one span, appended to `slots`; how many. A new span is made for them if
  // need be and `may_grow`.
  uint32_t Take(SpanClass c, uint32_t count, bool may_grow, std::vector<BitIndex>* slots);
  void Give(BitIndex bit);

  const FrontContext& context() const { return c_; }

 private:
  ListId ListOf(const Span& s) const;
  SpanId First(SpanClass c) const;  // kNoSpan: none has a free slot

  const Order order_;
  FrontContext c_ = {};
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_FRONT_SPAN_SLOTS_H_
