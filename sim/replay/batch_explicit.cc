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
// In Batch::classes, beside size classes.
constexpr uint8_t kNotSmall = 0;                    // large, or of no bytes
constexpr uint8_t kShares = heap::kMaxSizeClasses;  // tiny

// All ones where it holds. As numbers, since a condition would become a branch.
uint32_t Mask(bool holds) { return 0 - uint32_t{holds}; }

}  // namespace

// What each allocation of the batch asks for, in a loop without branches, and what is freed.
void Engine::ListInOrder() {
  Batch& b = batch_;
  const uint32_t* const sizes = block_->alloc_size.data() + alloc_;
  const heap::SizeClasses& classes = heap_->classes();
  const uint32_t max_small = classes.max_small_size();
  const uint32_t tiny = heap_->options().tiny ? Heap::kTinySize - 1 : 0;
  for (uint32_t a = 0; a < b.allocs; ++a) {
    const uint32_t size = sizes[a];
    const uint32_t small = Mask(size - 1 < max_small);
    const uint32_t c = classes.ClassOf(size & small);
    const uint32_t shares = Mask(size - 1 < tiny);
    b.classes[a] = static_cast<uint8_t>((c & small & ~shares) | (kShares & shares));
  }
  const uint32_t* const ids = block_->free_object.data() + free_;
  std::copy(ids, ids + b.frees, b.free_id.begin());
  std::fill_n(b.free_id.begin() + b.frees, kNear, b.frees == 0 ? 0 : ids[b.frees - 1]);
}

// Allocations up to number `until` and the frees before them, then frees up to number
// `frees_until`; up to what is not for this loop.
//
// Always inlined: into versions for processors with and without what counting and finding bits
// takes. caches: heap_->caches(b.p); gcc would find their place anew at each event.
[[gnu::always_inline]] inline Engine::Stop Engine::InOrderLoop(size_t until, size_t frees_until,
                                                               Heap::CacheSlot* caches) {
  Batch& b = batch_;
  Heap& heap = *heap_;
  const uint32_t* const ids = block_->alloc_object.data() + alloc_;
  const uint32_t* const sizes = block_->alloc_size.data() + alloc_;
  const uint32_t* const free_ids = b.free_id.data();
  const uint16_t* const alloc_at = b.alloc_at.data();
  uint32_t* const freed = b.freed.data();
  uint64_t* const table = table_.data();
  uint8_t* const tiny_count = tiny_count_.data();
  const uint32_t p = b.p;
  uint64_t* const nsmallfree = heap.SmallFrees(p);
  Heap::ExplicitSums sums;
  size_t a = b.alloc, f = b.applied;
  uint64_t occupied = 0;
  Stop stop = Stop::kEnd;

  const auto free_until = [&](size_t end) __attribute__((always_inline)) {
    while (f < end) {
      __builtin_prefetch(&table[free_ids[f + kNear]], 1);
      uint64_t& entry = table[free_ids[f]];
      const ObjectEntry e(entry);
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
      entry = 0;
      freed[f] = static_cast<uint32_t>(e.size());
      ++f;
      if (others != 0) continue;
      const heap::SpanId empty = heap.FreeSmallSlot(nsmallfree, bit, e.size_class(), &sums);
      if (empty != heap::kNoSpan) [[unlikely]] {
        b.emptied = empty;
        stop = Stop::kEmptied;
        return false;
      }
    }
    return true;
  };
  // How many frees stand before an allocation: its position counts them and the allocations.
  const auto frees_before = [&](size_t alloc) { return alloc_at[alloc] - alloc; };
  // An allocation in the plain loop's way, or the rest of one that has its slot.
  const auto leave = [&](Heap::CacheSlot& k, BitIndex bit, uint32_t size_class, bool tiny) {
    if (bit != 0 && f < frees_before(a)) {
      Heap::PutBack(k, bit);
      if (!free_until(frees_before(a))) return;
      Heap::TakeLoaded(k);
    }
    stop = bit == 0 ? Stop::kSlow : Stop::kTaken;
    b.taken_tiny = tiny;
    b.taken_bit = bit;
    b.taken_class = static_cast<SpanClass>(size_class << 1 | 1);
  };

  for (; a < until; ++a) {
    const uint32_t size = sizes[a];
    const uint8_t c = b.classes[a];
    if (static_cast<uint8_t>(c - 1) >= kShares - 1) {
      if (c == kNotSmall) [[unlikely]] {
        if (free_until(frees_before(a))) stop = Stop::kSlow;
        break;
      }
      constexpr uint32_t kClass = Heap::kTinyClass >> 1;
      uint64_t address;
      BitIndex bit;
      if (heap.TryTiny(p, size, &address, &bit)) {
        // The block is resident: whoever took it touched it, and it lies in one page.
        ++tiny_count[bit];
        b.joined[a] = true;
        table[ids[a]] = ObjectEntry::Make(bit, kClass, size, ObjectEntry::kTiny).raw();
        continue;
      }
      // The cache holds on to its current block. Where another takes its place, it lets go of the
      // one before, which is as good as a free.
      const bool replaces = heap.TakesTinyBlock(p, size);
      const BitIndex replaced = replaces ? current_tiny_[p] : 0;
      Heap::CacheSlot& k = caches[Heap::kTinyClass];
      if ((k.free == 0 || replaces) && !free_until(frees_before(a))) break;
      bit = k.free == 0 ? heap.ReloadSlot(Heap::kTinyClass, k, &sums) : Heap::TakeLoaded(k);
      if (bit - 1 >= k.resident || tiny_count[replaced] == 1) [[unlikely]] {
        leave(k, bit, kClass, true);
        break;
      }
      table[ids[a]] = ObjectEntry::Make(bit, kClass, size, ObjectEntry::kTiny).raw();
      b.joined[a] = false;
      tiny_count[bit] = 1;
      if (replaces) {
        heap.OfferTinyBlock(p, size, k.base + (bit - k.bit) * Heap::kTinySize, bit);
        tiny_count[bit] = 2;
        tiny_count[replaced] -= replaced != 0 ? 1 : 0;
        current_tiny_[p] = bit;
      }
      occupied += Heap::kTinySize;
      continue;
    }
    Heap::CacheSlot& k = caches[c << 1 | 1];
    BitIndex bit;
    if (k.free == 0) {
      if (!free_until(frees_before(a))) break;
      bit = heap.ReloadSlot(static_cast<SpanClass>(c << 1 | 1), k, &sums);
    } else {
      bit = Heap::TakeLoaded(k);
    }
    if (bit - 1 >= k.resident) [[unlikely]] {
      leave(k, bit, c, false);
      break;
    }
    table[ids[a]] = ObjectEntry::Make(bit, c, size, 0).raw();
    occupied += k.elemsize;
  }
  if (stop == Stop::kEnd) free_until(frees_until);
  heap.AddSums(sums);

  const Sums came = SumOf(sizes + b.alloc, alloc_at + b.alloc, static_cast<uint32_t>(a) - b.alloc);
  const Sums went =
      SumOf(freed + b.applied, b.free_at.data() + b.applied, static_cast<uint32_t>(f) - b.applied);
  ledger_.live += came.bytes - went.bytes;
  ledger_.occupied += occupied - sums.freed;
  live_objects_ += (a - b.alloc) - (f - b.applied);
  b.allocated += came.bytes;
  b.allocated_ns += came.ns;
  b.freed_bytes += went.bytes;
  b.freed_ns += went.ns;
  b.alloc = static_cast<uint32_t>(a);
  b.applied = static_cast<uint32_t>(f);
  return stop;
}

Engine::Stop Engine::InOrderPortable(size_t until, size_t frees_until, Heap::CacheSlot* caches) {
  return InOrderLoop(until, frees_until, caches);
}

#if defined(__x86_64__)
[[gnu::target("bmi,bmi2,popcnt")]] Engine::Stop Engine::InOrderBmi(size_t until, size_t frees_until,
                                                                   Heap::CacheSlot* caches) {
  return InOrderLoop(until, frees_until, caches);
}

Engine::Stop Engine::AllocateInOrder(size_t until, size_t frees_until) {
  static const bool bmi = __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("bmi") &&
                          __builtin_cpu_supports("popcnt");
  Heap::CacheSlot* const caches = heap_->caches(batch_.p);
  return bmi ? InOrderBmi(until, frees_until, caches) : InOrderPortable(until, frees_until, caches);
}
#else
Engine::Stop Engine::AllocateInOrder(size_t until, size_t frees_until) {
  return InOrderPortable(until, frees_until, heap_->caches(batch_.p));
}
#endif

// Allocations up to number `until` and the frees before them, then the frees before position
// `frees_before`; up to an allocation that is not for the loop.
Engine::Stop Engine::RunInOrder(uint32_t until, uint32_t frees_before) {
  Batch& b = batch_;
  heap_->SetProc(b.p);
  uint32_t frees_until = b.frees;
  if (frees_before < b.end - b.begin) {
    frees_until = b.applied;
    while (frees_until < b.frees && b.free_at[frees_until] < frees_before) ++frees_until;
  }
  while (true) {
    const Stop stop = AllocateInOrder(until, frees_until);
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
    if (!e.has(ObjectEntry::kTiny) || !b.joined[a - 1]) occupied += slot_bytes_[e.size_class()];
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
