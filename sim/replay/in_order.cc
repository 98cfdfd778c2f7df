// Blocks of plain events at speed, for heaps whose frees take effect at once.
//
// A freed slot may be the next one handed out, so events keep their order; what is saved is all
// that the plain loop asks at every event and a plain event never needs. What a free will look at
// (the object's entry, then its word and its span) is fetched while earlier events are done. The
// result is that of the plain loop to the last bit, and a test holds both together.

#include <algorithm>

#include "heap/fatal.h"
#include "sim/replay/engine.h"

namespace heapsim::sim {
namespace {

using heap::BitIndex;
using heap::SpanClass;

// How many frees ahead each look-up is begun.
constexpr uint32_t kEntryAhead = 48;
constexpr uint32_t kWordAhead = 24;
constexpr uint32_t kSpanAhead = 10;
constexpr uint32_t kAllocAhead = 24;

}  // namespace

absl::Status Engine::RunInOrder(uint32_t begin, uint32_t end) {
  heap::Heap& heap = *heap_;
  const uint32_t* const alloc_ids = block_->alloc_object.data();
  const uint32_t* const sizes = block_->alloc_size.data();
  const uint32_t* const free_ids = block_->free_object.data();
  const uint32_t allocs = static_cast<uint32_t>(block_->alloc_object.size());
  const uint32_t frees = static_cast<uint32_t>(block_->free_object.size());
  uint64_t* const table = table_.data();
  heap::Heap::CacheSlot* const caches = heap.caches(0);
  const heap::SizeClasses& classes = heap.classes();
  const uint32_t max_small = classes.max_small_size();
  const uint32_t tiny_below = heap.options().tiny ? heap::Heap::kTinySize : 0;
  uint64_t at = live_since_;  // the integral of live bytes reaches to this time
  unsigned __int128 live_ns = 0;
  const auto sum_up = [&] {
    integrals_.AddLiveNs(live_ns);
    live_ns = 0;
    live_since_ = at;
    live_ = ledger_.live;
  };
  for (uint32_t i = begin; i < end; ++i) {
    const uint64_t t = TimeOf(i);
    if (next_timer_ <= t) [[unlikely]] {
      sum_up();
      RunTimers(t);
      at = live_since_;
    }
    SetTime(t);
    live_ns += static_cast<unsigned __int128>(ledger_.live) * (t - at);
    at = t;
    try {
      if (block_->IsFree(i)) {
        const uint32_t f = free_++;
        if (f + kEntryAhead < frees) __builtin_prefetch(&table[free_ids[f + kEntryAhead]], 1);
        if (f + kWordAhead < frees) {
          heap.PrefetchSlot(ObjectEntry(table[free_ids[f + kWordAhead]]).bit());
        }
        if (f + kSpanAhead < frees) {
          heap.PrefetchSpan(ObjectEntry(table[free_ids[f + kSpanAhead]]).bit());
        }
        const uint32_t id = free_ids[f];
        const ObjectEntry e(table[id]);
        if (e.plain()) [[likely]] {
          table[id] = 0;
          --live_objects_;
          ledger_.live -= e.size();
          ledger_.occupied -= slot_bytes_[e.span_class()];
          heap.FreeSlot(e.bit());
        } else if (absl::Status s = Free(id, block_->first_event + i); !s.ok()) {
          return s;
        }
      } else {
        const uint32_t a = alloc_++;
        if (a + kAllocAhead < allocs) __builtin_prefetch(&table[alloc_ids[a + kAllocAhead]], 1);
        const uint32_t size = sizes[a];
        uint64_t address;
        BitIndex bit;
        if (size - 1 < tiny_below - 1) {
          if (heap.TryTiny(0, size, &address, &bit)) {
            // The block is resident: whoever took it touched it, and it lies in one page.
            ++tiny_count_[bit];
            ++live_objects_;
            ledger_.live += size;
            table[alloc_ids[a]] =
                ObjectEntry::Make(bit, heap::Heap::kTinyClass, size, ObjectEntry::kTiny).raw();
          } else {
            table_.Set(alloc_ids[a], Place(0, size, 0, /*noscan=*/true, /*zero=*/false));
          }
        } else if (size - 1 < max_small) {
          const SpanClass c = static_cast<SpanClass>(classes.ClassOf(size) << 1 | 1);
          heap::Heap::CacheSlot& k = caches[c];
          const uint32_t slot = heap.TakeSlot(k);
          if (slot < resident_slots_[c] && slot != k.nelems) [[likely]] {
            ++live_objects_;
            ledger_.live += size;
            ledger_.occupied += k.elemsize;
            table[alloc_ids[a]] = ObjectEntry::Make(k.bit + slot, c, size, 0).raw();
          } else {
            table_.Set(alloc_ids[a], slot == k.nelems
                                         ? Place(0, size, 0, /*noscan=*/true, /*zero=*/false)
                                         : PlaceSmall(0, heap.Taken(0, c, slot, false), size));
          }
        } else {
          table_.Set(alloc_ids[a], Place(0, size, 0, /*noscan=*/true, /*zero=*/false));
        }
      }
    } catch (const heap::FatalError&) {
      // As the plain loop leaves it: everything before this event is done.
      sum_up();
      throw;
    }
    const uint64_t rss = machine_.resident_bytes().v;
    if (rss != rss_) [[unlikely]] {
      event_ = block_->first_event + i;
      integrals_.AddRss(rss_, t - rss_since_, false);
      rss_since_ = t;
      NewRss(rss);
    }
    if (ledger_.live > peak_live_) {
      peak_live_ = ledger_.live;
      rss_at_peak_live_ = rss;
    }
    event_ = block_->first_event + i;
    if (out_of_memory_) break;
  }
  sum_up();
  return absl::OkStatus();
}

}  // namespace heapsim::sim
