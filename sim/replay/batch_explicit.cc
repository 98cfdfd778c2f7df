// Batches under explicit reclaim, where a freed slot may be the next one handed out.
//
// A cache hands out the slots that it has loaded, whatever is freed meanwhile, so such an
// allocation and the frees before it may change places. Only what asks for more than loaded slots
// needs all that was freed before: it catches up first. Frees keep their order among themselves. So
// a batch is a loop over allocations with short runs of frees between them, and neither asks at
// every event which of both it is, which is as good as random.

#include <algorithm>
#include <bit>

#include "heap/explicit.h"
#include "sim/replay/engine.h"

namespace heapsim::sim {
namespace {

using heap::BitIndex;
using heap::Heap;
using heap::SpanClass;

// How far ahead, in frees, what they look at is asked for: first the entry, then what that names.
constexpr uint32_t kEntryAhead = 256;
constexpr uint32_t kWordAhead = 128;

}  // namespace

// Allocations up to number `until` and the frees before them, then the frees before position
// `frees_before`; up to what is not for this loop.
Engine::Stop Engine::AllocateInOrder(uint32_t until, uint32_t frees_before) {
  Batch& b = batch_;
  Heap& heap = *heap_;
  const uint32_t* const ids = block_->alloc_object.data() + alloc_;
  const uint32_t* const sizes = block_->alloc_size.data() + alloc_;
  const uint32_t* const free_ids = block_->free_object.data() + free_;
  const uint16_t* const alloc_at = b.alloc_at.data();
  const uint16_t* const free_at = b.free_at.data();
  uint32_t* const freed = b.freed.data();
  uint64_t* const table = table_.data();
  uint8_t* const tiny_count = tiny_count_.data();
  const uint32_t* const slot_bytes = slot_bytes_.data();
  Heap::CacheSlot* const caches = heap.caches(b.p);
  const heap::SizeClasses& classes = heap.classes();
  const uint32_t least = heap.options().tiny ? Heap::kTinySize : 1;
  const uint32_t sizes_fit = classes.max_small_size() + 1 - least;
  const uint32_t p = b.p;
  uint32_t a = b.alloc, f = b.applied;
  uint64_t occupied = 0;
  Stop stop = Stop::kEnd;

  // False where a free is not for this loop.
  const auto free_until = [&](uint32_t position) __attribute__((always_inline)) {
    while (free_at[f] < position) {
      const uint32_t id = free_ids[f];
      const ObjectEntry e(table[id]);
      if (!e.plain_or_tiny()) [[unlikely]] {
        stop = Stop::kFree;
        return false;
      }
      // What has a slot to itself takes nothing off the 0 of bit 0: whether an object is tiny is as
      // good as random, so nobody asks.
      const BitIndex bit = e.bit();
      uint8_t& count = tiny_count[bit & (0 - e.tiny())];
      const auto others = static_cast<uint8_t>(count - e.tiny());
      count = others;
      table[id] = 0;
      freed[f] = static_cast<uint32_t>(e.size());
      ++f;
      if (others != 0) continue;
      const SpanClass c = e.span_class();
      occupied -= slot_bytes[c];
      const Heap::FreedSlot slot = heap.FreeSmallSlot(p, bit, c);
      if (slot.moves) {
        if (slot.empty) [[unlikely]] {
          b.emptied = slot.span;
          stop = Stop::kEmptied;
          return false;
        }
        heap.MoveToCentral(slot.span);
      }
    }
    return true;
  };

  for (; a < until; ++a) {
    const uint32_t size = sizes[a];
    SpanClass c;
    BitIndex bit;
    if (size - least < sizes_fit) [[likely]] {
      c = static_cast<SpanClass>(classes.ClassOf(size) << 1 | 1);
      Heap::CacheSlot& k = caches[c];
      if (k.free == 0) {
        if (!free_until(alloc_at[a])) break;
        bit = heap.ReloadSlot(p, c, k);
      } else {
        if (k.word_bit + static_cast<uint64_t>(std::countr_zero(k.free)) > k.resident)
            [[unlikely]] {
          if (!free_until(alloc_at[a])) break;
        }
        bit = Heap::TakeLoaded(k);
      }
      if (bit - 1 >= k.resident) [[unlikely]] {
        stop = bit == 0 ? Stop::kSlow : Stop::kTaken;
        b.taken_tiny = false;
        b.taken_bit = bit;
        b.taken_class = c;
        break;
      }
      table[ids[a]] = ObjectEntry::Make(bit, c, size, 0).raw();
      occupied += slot_bytes[c];
      continue;
    }
    if (size - 1 >= least - 1) [[unlikely]] {
      // Large, or of no bytes.
      if (free_until(alloc_at[a])) stop = Stop::kSlow;
      break;
    }
    uint64_t address;
    if (heap.TryTiny(p, size, &address, &bit)) {
      // The block is resident: whoever took it touched it, and it lies in one page.
      ++tiny_count[bit];
      b.joined[a] = true;
    } else {
      // The cache holds on to its current block. Where another takes its place, it lets go of the
      // one before, which is as good as a free.
      c = Heap::kTinyClass;
      Heap::CacheSlot& k = caches[c];
      const bool replaces = heap.TakesTinyBlock(p, size);
      BitIndex& current = current_tiny_[p];
      if ((k.free == 0 || replaces ||
           k.word_bit + static_cast<uint64_t>(std::countr_zero(k.free)) > k.resident) &&
          !free_until(alloc_at[a])) {
        break;
      }
      bit = k.free != 0 ? Heap::TakeLoaded(k) : heap.ReloadSlot(p, c, k);
      if (bit - 1 >= k.resident || (replaces && tiny_count[current] == 1)) [[unlikely]] {
        stop = bit == 0 ? Stop::kSlow : Stop::kTaken;
        b.taken_tiny = true;
        b.taken_bit = bit;
        b.taken_class = c;
        break;
      }
      tiny_count[bit] = 1;
      if (replaces) {
        heap.OfferTinyBlock(p, size, k.base + (bit - k.bit) * Heap::kTinySize, bit);
        tiny_count[bit] = 2;
        tiny_count[current] -= current != 0 ? 1 : 0;
        current = bit;
      }
      b.joined[a] = false;
      occupied += Heap::kTinySize;
    }
    table[ids[a]] = ObjectEntry::Make(bit, Heap::kTinyClass, size, ObjectEntry::kTiny).raw();
  }
  if (stop == Stop::kEnd) free_until(frees_before);

  const Sums came = SumOf(sizes + b.alloc, alloc_at + b.alloc, a - b.alloc);
  const Sums went = SumOf(freed + b.applied, free_at + b.applied, f - b.applied);
  ledger_.live += came.bytes - went.bytes;
  ledger_.occupied += occupied;
  live_objects_ += (a - b.alloc) - (f - b.applied);
  b.allocated += came.bytes;
  b.allocated_ns += came.ns;
  b.freed_bytes += went.bytes;
  b.freed_ns += went.ns;
  b.alloc = a;
  b.applied = f;
  return stop;
}

// Allocations up to number `until` and the frees before them, then the frees before position
// `frees_before`; up to an allocation that is not for the loop.
Engine::Stop Engine::RunInOrder(uint32_t until, uint32_t frees_before) {
  Batch& b = batch_;
  while (true) {
    const Stop stop = AllocateInOrder(until, frees_before);
    if (stop == Stop::kFree) {
      SetTime(BatchTime(b.free_at[b.applied]));
      ApplySpecialFree(b.applied);
      --live_objects_;  // which that has counted twice
      ++b.applied;
    } else if (stop == Stop::kEmptied) {
      SetTime(BatchTime(b.free_at[b.applied - 1]));
      heap_->FreeEmpty(b.emptied);
    } else {
      return stop;
    }
    StepOfFree(b.free_at[b.applied - 1]);
  }
}

// The end of the step that is the free at this position. Allocations after it may be done already:
// none of them touched anything, and they are left out of what is looked at.
void Engine::StepOfFree(uint32_t position) {
  Batch& b = batch_;
  const uint64_t rss = machine_.resident_bytes().v;
  if (rss == rss_) return;
  uint64_t live = 0, occupied = 0;
  for (uint32_t a = b.alloc; a > 0 && b.alloc_at[a - 1] > position; --a) {
    const ObjectEntry e = table_[block_->alloc_object[alloc_ + a - 1]];
    live += e.size();
    if (!e.has(ObjectEntry::kTiny) || !b.joined[a - 1]) occupied += slot_bytes_[e.span_class()];
  }
  ledger_.live -= live;
  ledger_.occupied -= occupied;
  b.done = position + 1;
  BatchStep(position);
  ledger_.live += live;
  ledger_.occupied += occupied;
}

// The asm statement: gcc takes a function that only prefetches for one without effect, and drops
// calls.
void Engine::PrefetchInOrder() const {
  asm volatile("");
  const Batch& b = batch_;
  const uint32_t* ids = block_->free_object.data() + free_;
  const auto left = static_cast<uint32_t>(block_->free_object.size()) - free_;
  const uint64_t* table = table_.data();
  const auto until = [&](uint32_t ahead) {
    return ahead >= left ? 0 : std::min(b.frees, left - ahead);
  };
  const uint32_t entries = until(kEntryAhead), words = until(kWordAhead);
  for (uint32_t f = 0; f < entries; ++f) __builtin_prefetch(&table[ids[f + kEntryAhead]], 1);
  for (uint32_t f = 0; f < words; ++f) {
    const ObjectEntry e(table[ids[f + kWordAhead]]);
    heap_->PrefetchSlot(e.bit());
    if (e.has(ObjectEntry::kTiny)) __builtin_prefetch(&tiny_count_[e.bit()], 1);
  }
  for (uint32_t f = 0; f < b.frees; ++f) heap_->PrefetchSpan(ObjectEntry(table[ids[f]]).bit());
  const uint32_t* alloc_ids = block_->alloc_object.data() + alloc_ + b.allocs;
  const uint32_t allocs = std::min<uint32_t>(
      kBatch * 3 / 4, static_cast<uint32_t>(block_->alloc_object.size()) - alloc_ - b.allocs);
  for (uint32_t a = 0; a < allocs; ++a) __builtin_prefetch(&table[alloc_ids[a]], 1);
}

}  // namespace heapsim::sim
