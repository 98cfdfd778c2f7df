// Blocks of plain events at speed, for heaps that collect.
//
// A free only sets a bit that the next cycle looks at, so the allocations of a batch can be done
// first and its frees after them: two tight loops instead of one that turns with every event. An id
// is not used again within a batch (the trace format rests it for 1,024 frees), so neither list
// needs the other. Whoever must see the state as it is at a certain event (a new peak of memory,
// the start of a cycle) first has the frees before that event applied (CatchUp). The result is that
// of the plain loop to the last bit, and a test holds both together.

#include <algorithm>
#include <bit>

#include "heap/fatal.h"
#include "sim/replay/engine.h"
#include "sim/replay/positions.h"

namespace heapsim::sim {
namespace {

using heap::BitIndex;
using heap::SpanClass;

// Shorter stretches of plain events are left to the plain loop.
constexpr uint32_t kWorthwhile = 24;

// Times from a batch's begin up to which its sums fit into 64 bits: 256 objects of less than 2^19
// bytes each.
constexpr uint64_t kNarrowNs = uint64_t{1} << 37;

}  // namespace

bool Engine::BatchFits() const {
  return whole_ && front_end_ == nullptr && !options_.one_at_a_time && !zero_all_ &&
         policy_.objects().scan() != proto::Objects::SCAN_ALL &&
         policy_.gc().mark_bytes_per_second() == 0 && !ledger_.keeps_requests() &&
         // A free may meet the limit as well, and then what came after it must not have been done.
         (gc_ || policy_.os().limit_bytes() == 0) &&
         (block_->scan.empty() || policy_.objects().scan() != proto::Objects::SCAN_RECORDED);
}

bool Engine::PlainUntil(uint32_t* end, uint32_t begin) const {
  uint32_t plain = *end;
  if (exception_ < block_->exceptions.size()) {
    plain = std::min<uint32_t>(plain, block_->exceptions[exception_].position);
  }
  if (marker_ < block_->markers.size()) {
    plain = std::min(plain, std::max(begin, block_->markers[marker_].position));
  }
  // One P works at a time.
  if (!block_->thread.empty() && procs_ > 1) {
    const uint32_t p = ProcOf(begin);
    uint32_t same = begin;
    while (same < plain && ProcOf(same) == p) ++same;
    plain = same;
  }
  // Something must stay alive throughout, so that no time has to be left out of the means.
  if (plain < begin + kWorthwhile || live_objects_ <= plain - begin) {
    *end = std::min(*end, begin + kWorthwhile);
    return false;
  }
  *end = plain;
  return true;
}

uint64_t Engine::BatchTime(uint32_t position) const {
  return batch_.timed ? batch_.time[position] : batch_.first_time + position * kEventNs;
}

// Bytes, and bytes times what is left of the batch.
Engine::Sums Engine::SumOf(const uint32_t* bytes, const uint16_t* at, uint32_t n) const {
  const Batch& b = batch_;
  if (!b.timed) {
    const WeightedSum s = SumWeighted(bytes, at, n, b.end - b.begin - 1);
    return {s.plain, static_cast<unsigned __int128>(s.weighted) * kEventNs};
  }
  Sums s;
  if (b.end_time - b.time[0] < kNarrowNs) {
    uint64_t ns = 0;
    for (uint32_t i = 0; i < n; ++i) {
      s.bytes += bytes[i];
      ns += bytes[i] * (b.end_time - b.time[at[i]]);
    }
    s.ns = ns;
    return s;
  }
  for (uint32_t i = 0; i < n; ++i) {
    s.bytes += bytes[i];
    s.ns += static_cast<unsigned __int128>(bytes[i]) * (b.end_time - b.time[at[i]]);
  }
  return s;
}

// Allocations up to number `until` that need nothing but a cache with a free slot.
Engine::Stop Engine::AllocateFast(uint32_t until) {
  Batch& b = batch_;
  heap::Heap& heap = *heap_;
  const uint32_t* const ids = block_->alloc_object.data() + alloc_;
  const uint32_t* const sizes = block_->alloc_size.data() + alloc_;
  uint64_t* const table = table_.data();
  heap::Heap::CacheSlot* const caches = heap.caches(b.p);
  const uint8_t* const classes = request_class_.data();
  const auto too_large = static_cast<uint32_t>(request_class_.size() - 1);
  const bool tiny = heap.options().tiny;
  const heap::Heap::TinyBlock& block = heap.tiny_block(b.p);
  // As in InOrderLoop (batch_explicit.cc).
  uint32_t joins = tiny ? heap::Heap::kTinySize - block.offset : 0;
  uint32_t replaces = tiny ? block.offset : 0;
  const uint32_t p = b.p;
  uint32_t a = b.alloc;
  uint64_t occupied = 0;
  Stop stop = Stop::kEnd;
  for (; a < until; ++a) {
    const uint32_t size = sizes[a];
    if (size <= joins && size != 0) [[unlikely]] {
      uint64_t address;
      BitIndex bit;
      if (heap.TryTiny(p, size, &address, &bit)) {
        // The block is resident: whoever took it touched it, and it lies in one page.
        if (tiny_count_[bit]++ == 0) {
          // All members were dead, but the block is the current one still: it lives again.
          dead_.Clear(bit);
          ledger_.dead -= heap::Heap::kTinySize;
        }
        joins = heap::Heap::kTinySize - block.offset;
        replaces = block.offset;
        table[ids[a]] =
            ObjectEntry::Make(bit, heap::Heap::kTinyClass >> 1, size, ObjectEntry::kTiny).raw();
        continue;
      }
    }
    const uint32_t c = classes[std::min(size, too_large)];
    if (c == 0) [[unlikely]] {
      stop = Stop::kSlow;
      break;
    }
    heap::Heap::CacheSlot& k = caches[c << 1 | 1];
    const BitIndex bit = heap.TakeSlot(k);
    if (bit - 1 >= k.resident) [[unlikely]] {
      stop = bit == 0 ? Stop::kSlow : Stop::kTaken;
      b.taken_bit = bit;
      b.taken_class = static_cast<SpanClass>(c << 1 | 1);
      b.taken_tiny = tiny && size < heap::Heap::kTinySize;
      break;
    }
    occupied += k.elemsize;
    if (size < replaces) [[unlikely]] {
      heap.OfferTinyBlock(p, size, k.base + (bit - k.bit) * heap::Heap::kTinySize, bit);
      joins = heap::Heap::kTinySize - size;
      replaces = size;
      tiny_count_[bit] = 1;
      table[ids[a]] = ObjectEntry::Make(bit, c, size, ObjectEntry::kTiny).raw();
      continue;
    }
    table[ids[a]] = ObjectEntry::Make(bit, c, size, 0).raw();
  }
  const uint32_t done = a - b.alloc;
  if (done != 0) {
    const Sums sums = SumOf(sizes + b.alloc, b.alloc_at.data() + b.alloc, done);
    ledger_.live += sums.bytes;
    b.allocated += sums.bytes;
    b.allocated_ns += sums.ns;
    live_objects_ += done;
    ledger_.occupied += occupied;
  }
  b.alloc = a;
  return stop;
}

// Begins to fetch the entries that the next batch will free or write, then the bits that this one's
// frees will set.
// Always inlined: gcc takes a function that only prefetches for one without effect, and drops
// calls.
[[gnu::always_inline]] inline void Engine::Prefetch() {
  const Batch& b = batch_;
  const uint32_t* alloc_ids = block_->alloc_object.data() + alloc_;
  const uint32_t* free_ids = block_->free_object.data() + free_;
  uint64_t* table = table_.data();
  const uint32_t ahead_frees = std::min<uint32_t>(
      kBatch * 3 / 4, static_cast<uint32_t>(block_->free_object.size()) - free_ - b.frees);
  for (uint32_t i = 0; i < ahead_frees; ++i) __builtin_prefetch(&table[free_ids[b.frees + i]], 1);
  const uint32_t ahead_allocs = std::min<uint32_t>(
      kBatch * 3 / 4, static_cast<uint32_t>(block_->alloc_object.size()) - alloc_ - b.allocs);
  for (uint32_t i = 0; i < ahead_allocs; ++i) {
    __builtin_prefetch(&table[alloc_ids[b.allocs + i]], 1);
  }
  uint64_t* dead_words = dead_.words();
  for (uint32_t i = 0; i < b.frees; ++i) {
    const ObjectEntry e(table[free_ids[i]]);
    __builtin_prefetch(&dead_words[e.bit() / 64 * 2], 1);
    if (e.has(ObjectEntry::kTiny)) __builtin_prefetch(&tiny_count_[e.bit()], 1);
  }
}

absl::Status Engine::RunBatch(uint32_t begin, uint32_t end) {
  Batch& b = batch_;
  const uint32_t n = end - begin;
  b.begin = begin;
  b.end = end;
  b.p = ProcOf(begin);
  b.timed = has_time_;
  b.applied = 0;
  b.freed_bytes = 0;
  b.freed_ns = 0;
  b.wide_freed.clear();
  b.rss.clear();
  b.rss_at_begin = rss_;
  b.allocs = ListPositions(block_->is_free.data(), begin, n, b.alloc_at.data(), b.free_at.data());
  b.frees = n - b.allocs;
  b.free_at[b.frees] = kBatch;  // behind all
  if (b.timed) {
    for (uint32_t i = 0; i < n; ++i) b.time[i] = TimeOf(begin + i);
  } else {
    b.first_time = (block_->first_event + begin - 1) * kEventNs;
  }
  b.end_time = BatchTime(n - 1);

  if (TablesAreFar()) {
    if (gc_) {
      Prefetch();
    } else {
      PrefetchInOrder();
    }
  }

  if (!gc_) ListRequests();

  const uint64_t live_at_begin = ledger_.live;
  b.alloc = 0;
  b.allocated = 0;
  b.allocated_ns = 0;
  b.active = true;
  // Where the run must end within the batch, after this many of its events; the plain loop has
  // asked for the times of so many.
  uint32_t done = n, asked = n;
  uint64_t stop_time = b.end_time;
  const auto finish = [&] {
    CatchUp(done);
    b.active = false;
    if (b.timed) {
      for (uint32_t i = asked; i < n; ++i) {
        if (block_->time_ns[begin + i] < b.time[i]) --clamped_;
      }
    }
    event_ = block_->first_event + begin + done - 1;
    SetTime(stop_time);
    // The integral of live bytes: what was alive at the start, plus what came, less what went.
    const uint64_t left = b.end_time - stop_time;
    integrals_.AddLive(live_at_begin, stop_time - live_since_);
    integrals_.AddLiveNs(b.allocated_ns - b.freed_ns -
                         (static_cast<unsigned __int128>(b.allocated) - b.freed_bytes) * left);
    live_since_ = stop_time;
    if (live_at_begin + b.allocated > peak_live_) ScanLive(live_at_begin, done);
    live_ = ledger_.live;
  };
  try {
    while (true) {
      // Up to the first allocation before which a timer is due.
      uint32_t until = b.allocs;
      if (next_timer_ <= b.end_time) {
        until = b.alloc;
        while (until < b.allocs && BatchTime(b.alloc_at[until]) < next_timer_) ++until;
      }
      const Stop stop = Allocate(until);
      if (stop == Stop::kEnd) {
        // Timers before the next allocation, or, after the last, before the last event.
        const uint32_t at = b.alloc < b.allocs ? b.alloc_at[b.alloc] : n - 1;
        if (next_timer_ <= BatchTime(at)) BatchTimers(at);
        if (out_of_memory_) {
          done = b.done;
          asked = done + 1;
          stop_time = now();
          break;
        }
        if (b.alloc == b.allocs) break;
        continue;
      }
      // One allocation in the plain loop's way.
      const uint32_t at = b.alloc_at[b.alloc];
      const uint32_t size = block_->alloc_size[alloc_ + b.alloc];
      SetTime(BatchTime(at));
      b.done = at + 1;
      ObjectEntry e;
      if (stop == Stop::kTaken) {
        heap::Placement r = heap_->Taken(b.p, b.taken_class, b.taken_bit, false);
        if (b.taken_tiny) {
          heap_->OfferTinyBlock(b.p, size, r.address, r.bit);
          r.tiny = true;
          e = PlaceTiny(b.p, r, size);
        } else {
          e = PlaceSmall(b.p, r, size);
        }
      } else {
        e = Place(b.p, size, 0, /*noscan=*/true, /*zero=*/false);
      }
      table_.Set(block_->alloc_object[alloc_ + b.alloc], e);
      b.allocated += size;
      b.allocated_ns += static_cast<unsigned __int128>(size) * (b.end_time - now());
      ++b.alloc;
      BatchStep(at);
      if (out_of_memory_) {
        done = asked = at + 1;
        stop_time = now();
        break;
      }
    }
  } catch (const heap::FatalError&) {
    // As the plain loop leaves it: everything before this event is done.
    done = b.alloc < b.allocs ? b.alloc_at[b.alloc] : n - 1;
    asked = done + 1;
    stop_time = now();
    finish();
    throw;
  }
  finish();
  alloc_ += b.allocs;
  free_ += b.frees;
  return b.status;
}

// Timers due at or before the event at this position, each at its own time with the frees before it
// applied only if it asks.
void Engine::BatchTimers(uint32_t position) {
  const uint64_t until = BatchTime(position);
  while (next_timer_ <= until) {
    const auto it = std::min_element(timers_.begin(), timers_.end());
    const uint64_t deadline = *it;
    SetTime(deadline);
    // The last event before it; an event at the deadline itself comes after.
    uint32_t at = position;
    while (at > 0 && BatchTime(at - 1) >= deadline) --at;
    batch_.done = at;
    if (!gc_) {
      CatchUp(at);
      SetTime(deadline);  // frees may have happened in their own time
    }
    RunTimer(static_cast<TimerKind>(it - timers_.begin()));
    BatchStep(at);
    if (out_of_memory_) return;
  }
}

// The end of a step within a batch, seen by the events from `from` on: memory is looked at only
// where it changed, live bytes at the batch's end.
void Engine::BatchStep(uint32_t from) {
  const uint64_t rss = machine_.resident_bytes().v;
  if (rss == rss_) return;
  integrals_.AddRss(rss_, now() - rss_since_, false);
  rss_since_ = now();
  batch_.rss.push_back({from, rss});
  if (rss > peak_rss_) CatchUp(batch_.done);
  event_ = block_->first_event + batch_.begin + batch_.done - 1;
  NewRss(rss);
}

// Applies the frees among the first `count` events of the batch.
void Engine::CatchUp(uint32_t count) {
  if (!gc_) {
    RunInOrder(batch_.alloc, count);
    return;
  }
  uint32_t until = batch_.applied;
  if (count >= batch_.end - batch_.begin) {
    until = batch_.frees;
  } else {
    while (until < batch_.frees && batch_.free_at[until] < count) ++until;
  }
  if (until != batch_.applied) ApplyFrees(until);
}

void Engine::ApplyFrees(uint32_t until) {
  Batch& b = batch_;
  const uint32_t* const ids = block_->free_object.data() + free_;
  uint64_t* const table = table_.data();
  uint64_t* const dead_words = dead_.words() + dead_.epoch();
  uint8_t* const tiny_count = tiny_count_.data();
  const uint32_t* const slot_bytes = slot_bytes_.data();
  std::array<uint16_t, kBatch> special;
  uint32_t specials = 0;
  uint64_t dead = 0;
  const uint32_t first = b.applied;
  const auto free = [&](size_t f) __attribute__((always_inline)) {
    uint64_t& place = table[ids[f]];
    const ObjectEntry e(place);
    if (!e.plain_or_tiny()) [[unlikely]] {
      special[specials++] = static_cast<uint16_t>(f);
      b.freed[f] = 0;
      return;
    }
    // Tiny or not is as good as random, so nobody asks: what has a slot to itself takes nothing off
    // the 0 of bit 0, which is no slot's.
    uint8_t& count = tiny_count[e.bit() & (0 - e.tiny())];
    const auto others = static_cast<uint8_t>(count - e.tiny());
    count = others;
    const uint64_t died = others == 0 ? 1 : 0;
    dead_words[e.word() * 2] |= died << (e.raw() % 64);
    dead += slot_bytes[e.size_class()] & (0 - died);
    place = 0;
    b.freed[f] = static_cast<uint32_t>(e.size());
  };
  // Entries are asked for ahead as far as the block knows whose.
  const size_t left = block_->free_object.size() - free_;
  const size_t asking = std::min<size_t>(until, left < kNear ? 0 : left - kNear);
  size_t f = first;
  for (; f < asking; ++f) {
    __builtin_prefetch(&table[ids[f + kNear]], 1);
    free(f);
  }
  for (; f < until; ++f) free(f);
  const Sums sums = SumOf(b.freed.data() + first, b.free_at.data() + first, until - first);
  ledger_.live -= sums.bytes;
  ledger_.dead += dead;
  live_objects_ -= until - first;
  b.freed_bytes += sums.bytes;
  b.freed_ns += sums.ns;
  b.applied = until;
  for (uint32_t i = 0; i < specials; ++i) ApplySpecialFree(special[i]);
}

// What else can be freed: large, of no bytes, in part not resident, not alive at all.
void Engine::ApplySpecialFree(uint32_t f) {
  Batch& b = batch_;
  const uint32_t id = block_->free_object[free_ + f];
  const uint64_t before = ledger_.live;
  ++live_objects_;  // Free counts it itself, if it is one
  const absl::Status s = Free(id, block_->first_event + b.begin + b.free_at[f]);
  if (!s.ok() && b.status.ok()) b.status = s;
  const uint64_t freed = before - ledger_.live;
  if (freed < kWideFree) {
    b.freed[f] = static_cast<uint32_t>(freed);
  } else {
    b.freed[f] = kWideFree;
    b.wide_freed.push_back({f, freed});
  }
  b.freed_bytes += freed;
  b.freed_ns += static_cast<unsigned __int128>(freed) * (b.end_time - BatchTime(b.free_at[f]));
}

// The batch may have reached a new peak of live bytes: its events in order.
void Engine::ScanLive(uint64_t live, uint32_t done) {
  const Batch& b = batch_;
  const uint32_t* sizes = block_->alloc_size.data() + alloc_;
  uint32_t a = 0, f = 0;
  size_t change = 0, wide = 0;
  uint64_t rss = b.rss_at_begin;
  for (uint32_t i = 0; i < done; ++i) {
    while (change < b.rss.size() && b.rss[change].from <= i) rss = b.rss[change++].rss;
    if (a < b.allocs && b.alloc_at[a] == i) {
      live += sizes[a++];
      if (live > peak_live_) {
        peak_live_ = live;
        rss_at_peak_live_ = rss;
      }
    } else {
      live -= b.freed[f] == kWideFree ? b.wide_freed[wide++].second : b.freed[f];
      ++f;
    }
  }
}

}  // namespace heapsim::sim
