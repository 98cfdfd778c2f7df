// Caches of free slots, as in tcmalloc.
//
// Each P has a list of free slots a class, last in, first out. An empty list takes a batch, a list
// that became too long gives one. How long it may become starts at one slot and grows with use, by
// one up to a batch, by batches then; a list that is too long again and again may become less so. A
// cache with more than `max_bytes` gives back half of what each list did not use since the last
// time. Whole batches rest in the transfer cache of their class; others go to the spans, of which
// those with the most slots taken are used first.
//
// The rules are those of gperftools' thread caches, which tcmalloc's caches per processor refine;
// the order of spans is tcmalloc's. Not modelled: caches taking room from each other, transfer
// caches taking room from each other (each has what gperftools starts it with), threads that end.
#ifndef HEAPSIM_HEAP_FRONT_TCMALLOC_H_
#define HEAPSIM_HEAP_FRONT_TCMALLOC_H_

#include <cstdint>
#include <vector>

#include "heap/front/front_end.h"
#include "heap/front/span_slots.h"
#include "heap/virtual_array.h"

namespace heapsim::heap {

class TcmallocFrontEnd final : public FrontEnd {
 public:
  struct Options {
    uint64_t max_bytes = 3 << 20;    // that a cache may hold
    uint32_t batch_slots = 32;       // at most
    uint32_t transfer_batches = 16;  // that a transfer cache may hold, 1 MiB at most
  };
  explicit TcmallocFrontEnd(const Options& options);

  void Attach(const FrontContext& context) override;
  BitIndex Take(uint32_t p, SpanClass c) override;
  void Give(uint32_t p, BitIndex bit) override;
  void Flush() override;
  uint64_t CachedWord(uint32_t word) const override { return cached_[word]; }
  void SelfCheck() const override;

  // Slots in a list, and how many it may have.
  uint32_t length(uint32_t p, SpanClass c) const {
    return static_cast<uint32_t>(caches_[p].lists[c].slots.size());
  }
  uint32_t max_length(uint32_t p, SpanClass c) const { return caches_[p].lists[c].max_length; }
  // Whole batches in a class's transfer cache.
  uint32_t transfer_batches(SpanClass c) const {
    return static_cast<uint32_t>(classes_[c].transfer.size() / classes_[c].batch);
  }

 private:
  static constexpr uint32_t kMostSlots = 8192;  // in a list
  static constexpr uint32_t kOverages = 3;

  struct List {
    std::vector<BitIndex> slots;  // the next to be taken is the last
    uint32_t max_length = 1;
    uint32_t overages = 0;
    uint32_t unused = 0;  // slots that were there all the time since the last look
  };
  struct Cache {
    std::vector<List> lists;  // by span class
    uint64_t bytes = 0;
  };
  struct Class {
    uint32_t bytes = 0, batch = 0;
    uint32_t transfer_slots = 0;     // that fit into the transfer cache
    std::vector<BitIndex> transfer;  // batches, the next to be taken at the end
  };

  // Slots for a list, the first to be taken at the end.
  void Fetch(SpanClass c, uint32_t count, std::vector<BitIndex>* slots);
  // Gives the `count` slots at the end of a list back.
  void Release(Cache* cache, SpanClass c, uint32_t count);
  void TooLong(Cache* cache, SpanClass c);
  void Scavenge(Cache* cache);
  void SetCached(BitIndex bit) { cached_[bit >> 6] |= uint64_t{1} << (bit & 63); }
  void ClearCached(BitIndex bit) { cached_[bit >> 6] &= ~(uint64_t{1} << (bit & 63)); }

  const Options o_;
  SpanSlots spans_{SpanSlots::Order::kOccupied};
  std::vector<Cache> caches_;
  std::vector<Class> classes_;  // by span class
  VirtualArray<uint64_t> cached_;
  std::vector<BitIndex> batch_;
};

}  // namespace heapsim::heap

#endif  // HEAPSIM_HEAP_FRONT_TCMALLOC_H_
