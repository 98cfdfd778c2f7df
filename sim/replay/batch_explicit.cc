// Batches under explicit reclaim, where a freed slot may be the next one handed out.
//
// A cache hands out the slots that it has loaded, whatever is freed meanwhile, so such an
// allocation and the frees before it may change places. Only what asks for more than loaded slots
// needs all that was freed before: it catches up first. Frees keep their order among themselves. So
// a batch is a loop over allocations with short runs of frees between them, and neither asks at
// every event which of both it is, which is as good as random.

#include <algorithm>

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

// Entries of a block's columns in a cache line.
constexpr size_t kLineIds = 64 / sizeof(uint32_t);

}  // namespace

// What is freed and what is asked for, with something behind both to look at in vain; and begins to
// fetch what comes next.
void Engine::ListRequests() {
  Batch& b = batch_;
  const uint32_t* const free_ids = block_->free_object.data() + free_;
  std::copy(free_ids, free_ids + b.frees, b.free_id.begin());
  std::fill_n(b.free_id.begin() + b.frees, kNear, b.frees == 0 ? 0 : free_ids[b.frees - 1]);
  b.joined.fill(false);
  b.sizes = block_->alloc_size.data() + alloc_;
  if (alloc_ + b.allocs == block_->alloc_size.size()) {
    std::copy(b.sizes, b.sizes + b.allocs, b.last_sizes.begin());
    b.last_sizes[b.allocs] = 0;
    b.sizes = b.last_sizes.data();
  }
  // The next batch's part of the block: a processor that has taken one wrong branch after the other
  // does not get that far by itself.
  const auto ask = [](const std::vector<uint32_t>& column, size_t from) {
    const size_t end = std::min(column.size(), from + kBatch / 2 + kLineIds);
    for (size_t i = from + kLineIds; i < end; i += kLineIds) __builtin_prefetch(&column[i]);
  };
  ask(block_->alloc_object, alloc_ + b.allocs);
  ask(block_->alloc_size, alloc_ + b.allocs);
  ask(block_->free_object, free_ + b.frees);
}

// Frees from number `f` on up to number `end`. Returns the number of the first that is not done;
// *stop, kEnd before, says why that is where something has to be done first, which may be so after
// the last free too (kEmptied).
//
// This and what follows is always inlined: into versions for processors with and without what
// counting and finding bits takes.
[[gnu::always_inline]] inline size_t Engine::FreeInOrder(size_t f, size_t end, Stop* stop) {
  Batch& b = batch_;
  Heap& heap = *heap_;
  uint64_t* const table = table_.data();
  while (f < end) {
    __builtin_prefetch(&table[b.free_id[f + kNear]], 1);
    uint64_t& place = table[b.free_id[f]];
    const ObjectEntry e(place);
    if (!e.plain_or_tiny()) [[unlikely]] {
      *stop = Stop::kFree;
      return f;
    }
    place = 0;
    b.freed[f] = static_cast<uint32_t>(e.size());
    ++f;
    if (e.tiny() != 0 && --tiny_count_[e.bit()] != 0) continue;
    ++b.small_frees[e.size_class()];
    b.sums.freed += slot_bytes_[e.size_class()];
    const heap::SpanId empty = heap.FreeSmallSlot(e.word(), e.raw(), e.size_class());
    if (empty != heap::kNoSpan) [[unlikely]] {
      b.emptied = empty;
      *stop = Stop::kEmptied;
      return f;
    }
  }
  return f;
}

// The allocation of number `a` in the plain loop's way, or the rest of it where it has its slot:
// what *stop says. Does the frees before it from number `f` on, and returns as FreeInOrder does.
[[gnu::always_inline]] inline size_t Engine::LeaveInOrder(size_t a, size_t f, Heap::CacheSlot& k,
                                                          BitIndex bit, uint32_t size_class,
                                                          bool tiny, Stop* stop) {
  Batch& b = batch_;
  const size_t end = b.FreesBefore(a);
  if (bit != 0 && f < end) {
    Heap::PutBack(k, bit);
    f = FreeInOrder(f, end, stop);
    if (*stop != Stop::kEnd) return f;
    Heap::TakeLoaded(k);
  }
  *stop = bit == 0 ? Stop::kSlow : Stop::kTaken;
  b.taken_tiny = tiny;
  b.taken_bit = bit;
  b.taken_class = static_cast<SpanClass>(size_class << 1 | 1);
  return f;
}

// The allocation of number `a`, a tiny one, if it finds room in the current block; else false, with
// nothing done.
[[gnu::always_inline]] inline bool Engine::JoinInOrder(size_t a, uint32_t size) {
  uint64_t address;
  BitIndex bit;
  if (size == 0 || !heap_->TryTiny(batch_.p, size, &address, &bit)) return false;
  // The block is resident: whoever took it touched it, and it lies in one page.
  ++tiny_count_[bit];
  batch_.joined[a] = true;
  table_.data()[block_->alloc_object[alloc_ + a]] =
      ObjectEntry::Make(bit, Heap::kTinyClass >> 1, size, ObjectEntry::kTiny).raw();
  return true;
}

// The allocation of number `a`, a tiny one, has slot `bit`, where more room is left than in the
// current block: it becomes that. The cache, which held on to the one before, lets go of it, which
// is as good as a free, so the frees before come first, from number `f` on. Returns as FreeInOrder
// does; *stop is kEnd where the allocation is done.
[[gnu::always_inline]] inline size_t Engine::ReplaceInOrder(size_t a, size_t f, Heap::CacheSlot& k,
                                                            BitIndex bit, Stop* stop) {
  Batch& b = batch_;
  const size_t end = b.FreesBefore(a);
  if (f < end) {
    Heap::PutBack(k, bit);
    f = FreeInOrder(f, end, stop);
    if (*stop != Stop::kEnd) return f;
    Heap::TakeLoaded(k);
  }
  BitIndex& current = current_tiny_[b.p];
  uint8_t* const tiny_count = tiny_count_.data();
  if (tiny_count[current] == 1) [[unlikely]] {
    return LeaveInOrder(a, f, k, bit, Heap::kTinyClass >> 1, true, stop);
  }
  const uint32_t size = b.sizes[a];
  heap_->OfferTinyBlock(b.p, size, k.base + (bit - k.bit) * Heap::kTinySize, bit);
  tiny_count[current] -= current != 0 ? 1 : 0;
  tiny_count[bit] = 2;
  current = bit;
  table_.data()[block_->alloc_object[alloc_ + a]] =
      ObjectEntry::Make(bit, Heap::kTinyClass >> 1, size, ObjectEntry::kTiny).raw();
  b.occupied += Heap::kTinySize;
  return f;
}

// Allocations up to number `until` and the frees before them, then frees up to number
// `frees_until`; up to what is not for this loop.
[[gnu::always_inline]] inline Engine::Stop Engine::InOrderLoop(size_t until, size_t frees_until) {
  Batch& b = batch_;
  Heap& heap = *heap_;
  uint64_t* const table = table_.data();
  b.sums = {};
  b.occupied = 0;
  const uint32_t* const ids = block_->alloc_object.data() + alloc_;
  const uint32_t* const sizes = b.sizes;
  const uint8_t* const classes = request_class_.data();
  const auto too_large = static_cast<uint32_t>(request_class_.size() - 1);
  size_t a = b.alloc, f = b.applied;
  Stop stop = Stop::kEnd;
  // Most tiny objects are like any other: only those that share the current block, or whose block
  // becomes that, take another way. Requests of at most `joins` bytes may find room in it; those of
  // less than `replaces` find one that takes its place.
  const bool tiny = heap.options().tiny;
  const Heap::TinyBlock& block = heap.tiny_block(b.p);
  uint32_t joins = tiny ? Heap::kTinySize - block.offset : 0;
  uint32_t replaces = tiny ? block.offset : 0;
  // An allocation's class is looked up during the one before: a branch that nobody can foresee
  // hangs on it, and is known so much sooner to have gone wrong.
  uint32_t next_size = sizes[a];
  uint32_t next_class = classes[std::min(next_size, too_large)];
  for (; a < until; ++a) {
    const uint32_t size = next_size;
    const uint32_t c = next_class;
    next_size = sizes[a + 1];
    next_class = classes[std::min(next_size, too_large)];
    if (size <= joins && JoinInOrder(a, size)) [[unlikely]] {
      joins = Heap::kTinySize - block.offset;
      replaces = block.offset;
      continue;
    }
    // What has no class finds a cache without a span, and has to go the plain way.
    Heap::CacheSlot& k = b.noscan_caches[c * 2];
    BitIndex bit;
    if (k.free == 0) {
      f = FreeInOrder(f, b.FreesBefore(a), &stop);
      if (stop != Stop::kEnd) [[unlikely]] {
        break;
      }
      bit = heap.ReloadSlot(static_cast<SpanClass>(c << 1 | 1), k, &b.sums);
    } else {
      bit = Heap::TakeLoaded(k);
    }
    if (bit - 1 >= k.resident) [[unlikely]] {
      f = LeaveInOrder(a, f, k, bit, c, tiny && size < Heap::kTinySize, &stop);
      break;
    }
    if (size < replaces) [[unlikely]] {
      f = ReplaceInOrder(a, f, k, bit, &stop);
      if (stop != Stop::kEnd) [[unlikely]] {
        break;
      }
      joins = Heap::kTinySize - size;
      replaces = size;
      continue;
    }
    table[ids[a]] = ObjectEntry::Make(bit, c, size, 0).raw();
    b.occupied += k.elemsize;
  }
  if (stop == Stop::kEnd) f = FreeInOrder(f, frees_until, &stop);
  heap.AddSums(b.sums);

  const Sums came =
      SumOf(sizes + b.alloc, b.alloc_at.data() + b.alloc, static_cast<uint32_t>(a) - b.alloc);
  const Sums went = SumOf(b.freed.data() + b.applied, b.free_at.data() + b.applied,
                          static_cast<uint32_t>(f) - b.applied);
  ledger_.live += came.bytes - went.bytes;
  ledger_.occupied += b.occupied - b.sums.freed;
  live_objects_ += (a - b.alloc) - (f - b.applied);
  b.allocated += came.bytes;
  b.allocated_ns += came.ns;
  b.freed_bytes += went.bytes;
  b.freed_ns += went.ns;
  b.alloc = static_cast<uint32_t>(a);
  b.applied = static_cast<uint32_t>(f);
  return stop;
}

Engine::Stop Engine::InOrderPortable(size_t until, size_t frees_until) {
  return InOrderLoop(until, frees_until);
}

#if defined(__x86_64__)
[[gnu::target("bmi,bmi2,popcnt")]] Engine::Stop Engine::InOrderBmi(size_t until,
                                                                   size_t frees_until) {
  return InOrderLoop(until, frees_until);
}

Engine::Stop Engine::AllocateInOrder(size_t until, size_t frees_until) {
  static const bool bmi = __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("bmi") &&
                          __builtin_cpu_supports("popcnt");
  return bmi ? InOrderBmi(until, frees_until) : InOrderPortable(until, frees_until);
}
#else
Engine::Stop Engine::AllocateInOrder(size_t until, size_t frees_until) {
  return InOrderPortable(until, frees_until);
}
#endif

// Allocations up to number `until` and the frees before them, then the frees before position
// `frees_before`; up to an allocation that is not for the loop.
Engine::Stop Engine::RunInOrder(uint32_t until, uint32_t frees_before) {
  Batch& b = batch_;
  heap_->SetProc(b.p);
  b.noscan_caches = heap_->caches(b.p) + 1;
  b.small_frees = heap_->SmallFrees(b.p);
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
    if (!b.joined[a - 1]) occupied += slot_bytes_[e.size_class()];
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
