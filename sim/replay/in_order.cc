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
using heap::Heap;
using heap::SpanClass;

// How many frees ahead each look-up is begun.
constexpr uint32_t kEntryAhead = 48;
constexpr uint32_t kWordAhead = 24;
constexpr uint32_t kSpanAhead = 10;
constexpr uint32_t kAllocAhead = 24;

}  // namespace

absl::Status Engine::RunInOrder(uint32_t begin, uint32_t end) {
  uint64_t t = TimeOf(begin);
  try {
    for (in_order_.next = begin; in_order_.next < end && !out_of_memory_;) {
      if (next_timer_ <= t) RunTimers(t);
      integrals_.AddLive(ledger_.live, t - live_since_);
      live_since_ = t;
      absl::Status s;
      if (TablesAreFar()) {
        s = has_time_ ? InOrder<true, true>(end, &t) : InOrder<false, true>(end, &t);
      } else {
        s = has_time_ ? InOrder<true, false>(end, &t) : InOrder<false, false>(end, &t);
      }
      CloseInOrder();
      if (!s.ok()) return s;
    }
  } catch (const heap::FatalError&) {
    // As the plain loop leaves it: everything before this event is done.
    CloseInOrder();
    throw;
  }
  return absl::OkStatus();
}

void Engine::CloseInOrder() {
  integrals_.AddLiveNs(in_order_.live_ns);
  in_order_.live_ns = 0;
  live_since_ = std::max(live_since_, now());
  live_ = ledger_.live;
  event_ = block_->first_event + in_order_.next - 1;
}

// After what may have changed what is resident, at event `i`.
void Engine::RssInOrder(uint32_t i) {
  const uint64_t rss = machine_.resident_bytes().v;
  if (rss == rss_) return;
  event_ = block_->first_event + i;
  integrals_.AddRss(rss_, now() - rss_since_, false);
  rss_since_ = now();
  NewRss(rss);
}

// Events from in_order_.next on, the first at time `*time`, up to `end` or the next timer; then
// `*time` is that of the event that comes next.
template <bool kTimed, bool kFar>
absl::Status Engine::InOrder(uint32_t end, uint64_t* time) {
  Heap& heap = *heap_;
  const uint32_t* alloc_ids = block_->alloc_object.data() + alloc_;
  const uint32_t* sizes = block_->alloc_size.data() + alloc_;
  const uint32_t* free_ids = block_->free_object.data() + free_;
  const uint32_t* const allocs_end = block_->alloc_object.data() + block_->alloc_object.size();
  const uint32_t* const frees_end = block_->free_object.data() + block_->free_object.size();
  const uint64_t* const is_free = block_->is_free.data();
  uint64_t* const table = table_.data();
  Heap::CacheSlot* const caches = heap.caches(0);
  const heap::SizeClasses& classes = heap.classes();
  const uint32_t max_small = classes.max_small_size();
  const uint32_t tiny_below = heap.options().tiny ? Heap::kTinySize : 1;
  uint32_t i = in_order_.next;
  uint64_t t = *time;
  if constexpr (!kTimed) {
    if (next_timer_ - t < (end - i) * kEventNs) {
      end = i + static_cast<uint32_t>((next_timer_ - t + kEventNs - 1) / kEventNs);
    }
    t -= i * kEventNs;  // of event i: t + i * kEventNs
  }
  // Counters that every event changes. Whoever else may look at them or change them stands between
  // Save and Load.
  uint64_t live = ledger_.live, occupied = ledger_.occupied, objects = live_objects_;
  // Live bytes after each event, the last one taken off in the end; times nanoseconds where the
  // distances differ.
  uint64_t live_events = 0;
  unsigned __int128 live_ns = 0;
  const auto save = [&] {
    ledger_.live = live;
    ledger_.occupied = occupied;
    live_objects_ = objects;
    in_order_.next = i;
    if constexpr (kTimed) {
      in_order_.live_ns = live_ns;
      SetTime(t);
    } else {
      in_order_.live_ns = static_cast<unsigned __int128>(live_events) * kEventNs;
      SetTime(t + i * kEventNs);
    }
  };
  const auto load = [&] {
    live = ledger_.live;
    occupied = ledger_.occupied;
    objects = live_objects_;
  };
  absl::Status status;
  while (true) {
    // Whether anything happened that may have changed what is resident.
    bool pages = false;
    if ((is_free[i / 64] >> (i % 64) & 1) != 0) {
      if constexpr (kFar) {
        if (free_ids + kEntryAhead < frees_end) {
          __builtin_prefetch(&table[free_ids[kEntryAhead]], 1);
          heap.PrefetchSlot(ObjectEntry(table[free_ids[kWordAhead]]).bit());
          heap.PrefetchSpan(ObjectEntry(table[free_ids[kSpanAhead]]).bit());
        }
      }
      const uint32_t id = *free_ids++;
      const ObjectEntry e(table[id]);
      bool gone = false;
      if (e.plain()) [[likely]] {
        occupied -= slot_bytes_[e.span_class()];
        gone = heap.FreeSmallSlot(0, e.bit());
      } else if (e.plain_tiny()) {
        if (--tiny_count_[e.bit()] == 0) {
          occupied -= Heap::kTinySize;
          gone = heap.FreeSmallSlot(0, e.bit());
        }
      } else {
        save();
        status = Free(id, block_->first_event + i);
        if (!status.ok()) break;
        load();
        pages = true;
      }
      if (e.plain() || e.plain_tiny()) {
        table[id] = 0;
        live -= e.size();
        --objects;
      }
      if (gone) {
        save();
        heap.MoveSpan(e.bit());
        pages = true;
      }
    } else {
      if constexpr (kFar) {
        if (alloc_ids + kAllocAhead < allocs_end) {
          __builtin_prefetch(&table[alloc_ids[kAllocAhead]], 1);
        }
      }
      const uint32_t size = *sizes++;
      const uint32_t id = *alloc_ids++;
      if (size - 1 < tiny_below - 1) {
        uint64_t address;
        BitIndex bit;
        if (heap.TryTiny(0, size, &address, &bit)) {
          // The block is resident: whoever took it touched it, and it lies in one page.
          ++tiny_count_[bit];
          ++objects;
          live += size;
          table[id] = ObjectEntry::Make(bit, Heap::kTinyClass, size, ObjectEntry::kTiny).raw();
        } else {
          save();
          table_.Set(id, PlaceNewTiny(size));
          load();
          pages = true;
        }
      } else if (size - 1 < max_small) [[likely]] {
        const SpanClass c = static_cast<SpanClass>(classes.ClassOf(size) << 1 | 1);
        Heap::CacheSlot& k = caches[c];
        BitIndex bit;
        if (k.free != 0) {
          bit = Heap::TakeLoaded(k);
        } else {
          save();
          bit = heap.NextSlotExplicit(0, c);
          pages = true;
        }
        if (bit - 1 < k.resident) [[likely]] {
          ++objects;
          live += size;
          occupied += k.elemsize;
          table[id] = ObjectEntry::Make(bit, c, size, 0).raw();
        } else {
          save();
          table_.Set(id, PlaceSmall(0, heap.Taken(0, c, bit, false), size));
          load();
          pages = true;
        }
      } else {
        save();
        table_.Set(id, Place(0, size, 0, /*noscan=*/true, /*zero=*/false));
        load();
        pages = true;
      }
    }
    if (pages && machine_.resident_bytes().v != rss_) [[unlikely]] {
      save();
      RssInOrder(i);
    }
    if (live > peak_live_) [[unlikely]] {
      peak_live_ = live;
      rss_at_peak_live_ = rss_;
    }
    ++i;
    if constexpr (!kTimed) live_events += live;
    if (i >= end || out_of_memory_) break;
    if constexpr (kTimed) {
      const uint64_t next = TimeOf(i);
      if (next_timer_ <= next) {
        *time = next;
        break;
      }
      live_ns += static_cast<unsigned __int128>(live) * (next - t);
      t = next;
    }
  }
  free_ = static_cast<uint32_t>(free_ids - block_->free_object.data());
  alloc_ = static_cast<uint32_t>(alloc_ids - block_->alloc_object.data());
  if constexpr (!kTimed) {
    live_events -= live;
    *time = t + i * kEventNs;
    t -= kEventNs;  // save() is to say the time of the last event
  }
  save();
  return status;
}

// A tiny object that does not fit into the current block: PlaceTiny, short.
ObjectEntry Engine::PlaceNewTiny(uint32_t size) {
  Heap& heap = *heap_;
  Heap::CacheSlot& k = heap.caches(0)[Heap::kTinyClass];
  const BitIndex bit =
      k.free != 0 ? Heap::TakeLoaded(k) : heap.NextSlotExplicit(0, Heap::kTinyClass);
  heap::Placement r = heap.Taken(0, Heap::kTinyClass, bit, false);
  heap.OfferTinyBlock(0, size, r.address, bit);
  if (bit > k.resident) {
    r.tiny = true;
    return PlaceTiny(0, r, size);
  }
  ledger_.occupied += Heap::kTinySize;
  ledger_.live += size;
  ++live_objects_;
  uint8_t& count = tiny_count_[bit];
  count = 1;
  BitIndex& current = current_tiny_[0];
  if (const BitIndex now = heap.tiny_block(0).bit; now != current) {
    ++tiny_count_[now];
    if (current != 0 && --tiny_count_[current] == 0) {
      ledger_.occupied -= Heap::kTinySize;
      heap.FreeSlot(current);
    }
    current = now;
  }
  return ObjectEntry::Make(bit, Heap::kTinyClass, size, ObjectEntry::kTiny);
}

}  // namespace heapsim::sim
