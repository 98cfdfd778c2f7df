// No caches: every call goes to the spans of its class. The span that last came to have free slots
// gives its lowest one.
#ifndef HEAPSIM_HEAP_FRONT_DIRECT_H_
#define HEAPSIM_HEAP_FRONT_DIRECT_H_

#include <cstdint>
#include <vector>

#include "heap/front/front_end.h"
#include "heap/front/span_slots.h"

namespace heapsim::heap {

class DirectFrontEnd final : public FrontEnd {
 public:
  void Attach(const FrontContext& context) override { spans_.Attach(context); }
  BitIndex Take(uint32_t p, SpanClass c) override;
  void Give(uint32_t p, BitIndex bit) override;
  void Flush() override {}
  uint64_t CachedWord(uint32_t) const override { return 0; }
  void SelfCheck() const override {}

 private:
  SpanSlots spans_{SpanSlots::Order::kLatest};
  std::vector<BitIndex> slot_;
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_FRONT_DIRECT_H_
