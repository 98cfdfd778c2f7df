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

#include "absl/strings/str_cat.h"
#include "heap/fatal.h"
#include "sim/replay/engine.h"

namespace heapsim::sim {
namespace {

using heap::BitIndex;
using heap::Placement;

// Shorter stretches of plain events are left to the plain loop.
constexpr uint32_t kWorthwhile = 24;

}  // namespace

bool Engine::BatchFits() const {
  return gc_ && whole_ && !options_.one_at_a_time && policy_.gc().mark_bytes_per_second() == 0 &&
         !ledger_.keeps_requests() && (block_->thread.empty() || procs_ == 1) &&
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
  // Something must stay alive throughout, so that no time has to be left out of the means.
  if (plain < begin + kWorthwhile || live_objects_ <= plain - begin) {
    *end = std::min(*end, begin + kWorthwhile);
    return false;
  }
  *end = plain;
  return true;
}

absl::Status Engine::RunBatch(uint32_t begin, uint32_t end) {
  return has_time_ ? RunGcBatch<true>(begin, end) : RunGcBatch<false>(begin, end);
}

uint64_t Engine::BatchTime(uint32_t position) const {
  return batch_.timed ? batch_.time[position] : batch_.first_time + position * kEventNs;
}

// Sorts the events' positions by kind.
void Engine::ListPositions(uint32_t begin, uint32_t end) {
  uint32_t allocs = 0, frees = 0;
  for (uint32_t i = begin; i < end;) {
    const uint32_t count = std::min(64 - i % 64, end - i);
    const uint64_t mask = count == 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1;
    const uint64_t word = block_->is_free[i / 64] >> (i % 64);
    const uint32_t base = i - begin;
    for (uint64_t w = ~word & mask; w != 0; w &= w - 1) {
      batch_.alloc_at[allocs++] = static_cast<uint16_t>(base + std::countr_zero(w));
    }
    for (uint64_t w = word & mask; w != 0; w &= w - 1) {
      batch_.free_at[frees++] = static_cast<uint16_t>(base + std::countr_zero(w));
    }
    i += count;
  }
  batch_.allocs = allocs;
  batch_.frees = frees;
}

template <bool kTimed>
absl::Status Engine::RunGcBatch(uint32_t begin, uint32_t end) {
  Batch& b = batch_;
  const uint32_t n = end - begin;
  b.begin = begin;
  b.end = end;
  b.timed = kTimed;
  b.applied = 0;
  b.freed_bytes = 0;
  b.freed_ns = 0;
  b.rss.clear();
  b.rss_at_begin = rss_;
  ListPositions(begin, end);
  if constexpr (kTimed) {
    for (uint32_t i = 0; i < n; ++i) b.time[i] = TimeOf(begin + i);
  } else {
    b.first_time = (block_->first_event + begin - 1) * kEventNs;
  }
  b.end_time = BatchTime(n - 1);

  // The entries that the next batch will free or write, then the bits that this one's frees will
  // set.
  const uint32_t* alloc_ids = block_->alloc_object.data() + alloc_;
  const uint32_t* sizes = block_->alloc_size.data() + alloc_;
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
    __builtin_prefetch(&dead_words[(e.bit() >> 6) * 2], 1);
    if (e.has(ObjectEntry::kTiny)) __builtin_prefetch(&tiny_count_[e.bit()], 1);
  }

  // Between batches nothing happens to the integrals of live bytes: they are added up as what was
  // alive at the start, plus what came, less what went.
  const uint64_t live_at_begin = ledger_.live;
  uint64_t allocated = 0;
  unsigned __int128 allocated_ns = 0;
  uint64_t allocated_ns_small = 0;  // without times a batch cannot overflow 64 bits
  b.active = true;
  const bool noscan = policy_.objects().scan() != proto::Objects::SCAN_ALL;
  heap::Heap& heap = *heap_;
  uint32_t a = 0;
  // Where the run must end within the batch, after this many of its events.
  uint32_t done = n;
  uint64_t stop_time = b.end_time;
  const auto finish = [&] {
    CatchUp(done);
    b.active = false;
    event_ = block_->first_event + begin + done - 1;
    SetTime(stop_time);
    const uint64_t left = b.end_time - stop_time;
    const unsigned __int128 came = kTimed ? allocated_ns : allocated_ns_small;
    integrals_.AddLive(live_at_begin, b.end_time - left - live_since_);
    integrals_.AddLiveNs(came - b.freed_ns -
                         (static_cast<unsigned __int128>(allocated) - b.freed_bytes) * left);
    live_since_ = stop_time;
    if (live_at_begin + allocated > peak_live_) ScanLive(live_at_begin, done);
    live_ = ledger_.live;
  };
  try {
    for (; a < b.allocs; ++a) {
      const uint32_t at = b.alloc_at[a];
      const uint64_t t = kTimed ? b.time[at] : b.first_time + at * kEventNs;
      if (next_timer_ <= t) [[unlikely]] {
        BatchTimers(at);
        if (out_of_memory_) {
          done = at;
          stop_time = now();
          break;
        }
      }
      const uint32_t size = sizes[a];
      clock_.now = t;
      uint64_t entry;
      // Not in a size class, or no bytes at all: one unsigned comparison.
      if (size - 1 >= heap::kGoMaxSmallSize || !noscan) [[unlikely]] {
        b.done = at + 1;
        entry = Place(0, size, 0, noscan, zero_all_).raw();
        BatchStep(at);
      } else {
        const Placement r = heap.Malloc(0, size, true, zero_all_);
        const uint64_t slot = slot_bytes_[r.span_class];
        if (heap.gc_check_due() || r.address + slot > resident_end_[r.span_class]) [[unlikely]] {
          b.done = at + 1;
          entry = (r.tiny ? PlaceTiny(0, r, size) : PlaceSmall(0, r, size)).raw();
          if (heap.TakeGcCheck()) CheckGc();
          BatchStep(at);
        } else {
          ++live_objects_;
          ledger_.live += size;
          if (r.tiny) {
            uint8_t& count = tiny_count_[r.bit];
            if (r.fresh_block) {
              ledger_.occupied += slot;
              count = 1;
            } else if (count++ == 0) {
              // All members were dead, but the block is the current one still: it lives again.
              dead_.Clear(r.bit);
              ledger_.dead -= slot;
            }
            entry = ObjectEntry::Make(r.bit, r.span_class, size, ObjectEntry::kTiny).raw();
          } else {
            ledger_.occupied += slot;
            entry = ObjectEntry::Make(r.bit, r.span_class, slot - size, 0).raw();
          }
        }
      }
      table[alloc_ids[a]] = entry;
      allocated += size;
      if constexpr (kTimed) {
        allocated_ns += static_cast<unsigned __int128>(size) * (b.end_time - t);
      } else {
        allocated_ns_small += uint64_t{size} * (b.end_time - t);
      }
      if (out_of_memory_) [[unlikely]] {
        done = at + 1;
        stop_time = t;
        break;
      }
    }
    if (!out_of_memory_ && next_timer_ <= b.end_time) {
      BatchTimers(n - 1);
      if (out_of_memory_) {
        done = n - 1;
        stop_time = now();
      }
    }
  } catch (const heap::FatalError&) {
    // As the plain loop leaves it: everything before this event is done.
    done = a < b.allocs ? b.alloc_at[a] : n - 1;
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
  const uint32_t* ids = block_->free_object.data() + free_;
  uint64_t* table = table_.data();
  uint64_t* dead_words = dead_.words() + dead_.epoch();
  std::array<uint16_t, kBatch> special;
  uint32_t specials = 0;
  uint64_t freed = 0, dead = 0;
  for (uint32_t f = b.applied; f < until; ++f) {
    const ObjectEntry e(table[ids[f]]);
    // Without a branch: what is not plain is noted for later and counts as nothing, its bit in a
    // word that no span has.
    const bool plain = e.plain();
    special[specials] = static_cast<uint16_t>(f);
    specials += plain ? 0 : 1;
    const BitIndex bit = plain ? e.bit() : 0;
    const uint64_t slot = plain ? slot_bytes_[e.span_class()] : 0;
    const uint64_t size = plain ? slot - e.waste() : 0;
    dead_words[(bit >> 6) * 2] |= uint64_t{plain} << (bit & 63);
    table[ids[f]] = plain ? 0 : e.raw();
    b.freed[f] = size;
    freed += size;
    dead += slot;
  }
  ledger_.live -= freed;
  ledger_.dead += dead;
  live_objects_ -= until - b.applied;
  b.freed_bytes += freed;
  const uint32_t from = b.applied;
  b.applied = until;
  for (uint32_t i = 0; i < specials; ++i) ApplySpecialFree(special[i]);
  if (b.timed) {
    for (uint32_t f = from; f < until; ++f) {
      b.freed_ns +=
          static_cast<unsigned __int128>(b.freed[f]) * (b.end_time - b.time[b.free_at[f]]);
    }
  } else {
    uint64_t sum = 0;
    const uint32_t last = b.end - b.begin - 1;
    for (uint32_t f = from; f < until; ++f) sum += b.freed[f] * (last - b.free_at[f]);
    b.freed_ns += sum * kEventNs;
  }
}

// Everything else that can be freed: tiny, large, of no bytes, in part not resident, not alive at
// all.
void Engine::ApplySpecialFree(uint32_t f) {
  Batch& b = batch_;
  const uint32_t id = block_->free_object[free_ + f];
  const ObjectEntry e = table_[id];
  ++live_objects_;  // Free counts it itself
  if (e.has(ObjectEntry::kTiny) && !e.has(ObjectEntry::kLoose) && e.live()) {
    const BitIndex bit = e.bit();
    b.freed[f] = e.waste();
    ledger_.live -= e.waste();
    --live_objects_;
    if (--tiny_count_[bit] == 0) {
      dead_.Set(bit);
      ledger_.dead += heap::Heap::kTinySize;
    }
    table_.Clear(id);
  } else {
    const uint64_t before = ledger_.live;
    const absl::Status s = Free(id, block_->first_event + b.begin + b.free_at[f]);
    if (!s.ok() && b.status.ok()) b.status = s;
    b.freed[f] = before - ledger_.live;
    if (!s.ok() || e.has(ObjectEntry::kZero)) --live_objects_;
  }
  b.freed_bytes += b.freed[f];
}

// The batch may have reached a new peak of live bytes: its events in order.
void Engine::ScanLive(uint64_t live, uint32_t done) {
  const Batch& b = batch_;
  const uint32_t* sizes = block_->alloc_size.data() + alloc_;
  uint32_t a = 0, f = 0;
  size_t change = 0;
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
      live -= b.freed[f++];
    }
  }
}

}  // namespace heapsim::sim
