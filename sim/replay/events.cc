// What one event does: the plain loop, which batch.cc must agree with.

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "sim/replay/engine.h"

namespace heapsim::sim {
namespace {

using heap::Address;
using heap::BitIndex;
using heap::Bytes;
using heap::kPageSize;
using heap::Placement;
using heap::SpanClass;
using heap::SpanId;
using traces::EventKind;

// Alignments up to a heap page are a matter of size classes; larger ones need room to move.
constexpr uint64_t kMaxClassAlignment = kPageSize;

}  // namespace

uint32_t Engine::ProcOf(uint32_t position) const {
  return block_->thread.empty() ? 0 : block_->thread[position] % procs_;
}

bool Engine::NoScan(uint32_t alloc_index) const {
  switch (policy_.objects().scan()) {
    case proto::Objects::SCAN_ALL:
      return false;
    case proto::Objects::SCAN_NONE:
      return true;
    default:
      return block_->scan.empty() ||
             (block_->scan[alloc_index / 64] >> (alloc_index % 64) & 1) == 0;
  }
}

// A block that moves stays what it was; one of 0 bytes was nothing yet.
bool Engine::NoScanOf(ObjectEntry e) const {
  if (e.live() && !e.has(ObjectEntry::kZero)) {
    return heap_->spans()[heap_->bits().OwnerOf(e.bit())].noscan();
  }
  return policy_.objects().scan() != proto::Objects::SCAN_ALL;
}

bool Engine::IsTiny(ObjectEntry e) const {
  return e.has(ObjectEntry::kTiny) ||
         (heap_->options().tiny && e.size() < heap::Heap::kTinySize &&
          e.size_class() == heap::Heap::kTinyClass >> 1 && !e.has(ObjectEntry::kAlone));
}

absl::Status Engine::RunPlain(uint32_t begin, uint32_t end) {
  for (uint32_t i = begin; i < end; ++i) {
    while (marker_ < block_->markers.size() && block_->markers[marker_].position <= i) {
      NoteMarker(block_->markers[marker_++]);
    }
    const uint64_t t = TimeOf(i);
    if (next_timer_ <= t) RunTimers(t);
    if (out_of_memory_) return absl::OkStatus();
    SetTime(t);
    if (absl::Status s = OneEvent(i); !s.ok()) return s;
    event_ = block_->first_event + i;
    EndStep();
    if (out_of_memory_) return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::Status Engine::OneEvent(uint32_t i) {
  const traces::Exception* x = nullptr;
  if (exception_ < block_->exceptions.size() && block_->exceptions[exception_].position == i) {
    x = &block_->exceptions[exception_++];
  }
  const uint64_t event = block_->first_event + i;
  // A slot goes to the cache of whoever frees it.
  if (front_end_ != nullptr) heap_->SetProc(ProcOf(i));
  if (block_->IsFree(i)) {
    const uint32_t id = block_->free_object[free_++];
    if (id == traces::kNoObject) return absl::OkStatus();
    if (x != nullptr && x->dropped_object != traces::kNoObject) {
      if (absl::Status s = Free(x->dropped_object, event); !s.ok()) return s;
    }
    if (x != nullptr && x->kind == EventKind::kRealloc) {
      return Realloc(ProcOf(i), id, x->size, NoScanOf(table_[id]), event);
    }
    return Free(id, event);
  }
  const uint32_t a = alloc_++;
  const uint32_t id = block_->alloc_object[a];
  uint64_t size = block_->alloc_size[a];
  uint64_t alignment = 0;
  bool zero = zero_all_;
  if (x != nullptr) {
    if (size == traces::kWideSize) size = x->size;
    if (x->kind == EventKind::kCalloc) zero = true;
    if (x->kind == EventKind::kMemalign) alignment = std::max<uint64_t>(x->alignment, 1);
    if (x->dropped_object != traces::kNoObject) {
      if (absl::Status s = Free(x->dropped_object, event); !s.ok()) return s;
    }
  }
  table_.Set(id, Place(ProcOf(i), size, alignment, NoScan(a), zero));
  return absl::OkStatus();
}

absl::Status Engine::Free(uint32_t id, uint64_t event) {
  const ObjectEntry e = table_[id];
  if (!e.live()) {
    return absl::DataLossError(absl::StrCat("event ", event, " frees object ", id,
                                            ", which is not alive: the trace is not sound; "
                                            "import it anew"));
  }
  table_.Clear(id);
  Drop(e);
  return absl::OkStatus();
}

// In place where the size class (of large objects: the number of pages) stays; else the new block
// is placed before the old one is freed.
absl::Status Engine::Realloc(uint32_t p, uint32_t id, uint64_t size, bool noscan, uint64_t event) {
  const ObjectEntry e = table_[id];
  if (!e.live()) {
    return absl::DataLossError(absl::StrCat("event ", event, " reallocates object ", id,
                                            ", which is not alive: the trace is not sound; "
                                            "import it anew"));
  }
  const heap::SizeClasses& classes = heap_->classes();
  const auto small = [&](uint64_t n) { return n <= classes.max_small_size(); };
  const uint64_t old = SizeOf(e);
  bool in_place = false;
  if (size == 0 || old == 0) {
    in_place = size == old;
  } else if (small(size) && small(old)) {
    in_place = classes.ClassOf(size) == classes.ClassOf(old);
    // The neighbour in the block starts where a tiny object ends.
    if (IsTiny(e) && size > old) in_place = false;
  } else if (!small(size) && !small(old)) {
    in_place = classes.LargeBytes(size) == classes.LargeBytes(old);
  }
  // An aligned object may sit at an offset in its pages, with no room to grow into.
  if (in_place && e.has(ObjectEntry::kLarge)) {
    const SpanId id = heap_->bits().OwnerOf(e.bit());
    in_place = ledger_.large(id).offset + size <= heap_->spans()[id].bytes().v;
  }
  if (!in_place) {
    const ObjectEntry fresh = Place(p, size, 0, noscan, zero_all_);
    Drop(e);
    table_.Set(id, fresh);
    return absl::OkStatus();
  }
  if (size == old) return absl::OkStatus();
  ledger_.live += size - old;
  const BitIndex bit = e.bit();
  const SpanId span = heap_->bits().OwnerOf(bit);
  const heap::Span& s = heap_->spans()[span];
  uint64_t flags = e.raw() & ObjectEntry::kFlags;
  if (size < heap::Heap::kTinySize && !IsTiny(e)) flags |= ObjectEntry::kAlone;
  uint64_t begin = s.base + (bit - uint64_t{s.bits} * 64) * s.slot_bytes();
  if (e.has(ObjectEntry::kLarge)) {
    Ledger::LargeObject& object = ledger_.large(span);
    object.size = size;
    begin += object.offset;
  } else if (e.has(ObjectEntry::kTiny)) {
    ledger_.SetRequested(bit, ledger_.keeps_requests() ? ledger_.Requested(bit) + size - old : 0);
  } else {
    ledger_.SetRequested(bit, size);
  }
  if (e.has(ObjectEntry::kLoose | ObjectEntry::kLarge)) {
    // What is gained may reach into pages that nobody has touched yet.
    if (whole_ && size > old) {
      machine_.Touch(Address(begin + old), Bytes(size - old));
      ledger_.RecountTouched();
    }
    flags &= ~ObjectEntry::kLoose;
    if (ledger_.Recount(span)) flags |= ObjectEntry::kLoose;
  }
  table_.Set(id,
             ObjectEntry::Make(bit, e.size_class(), e.has(ObjectEntry::kLarge) ? 0 : size, flags));
  return absl::OkStatus();
}

uint64_t Engine::SizeOf(ObjectEntry e) const {
  if (e.has(ObjectEntry::kLarge)) {
    return const_cast<Ledger&>(ledger_).large(heap_->bits().OwnerOf(e.bit())).size;
  }
  return e.size();
}

ObjectEntry Engine::Place(uint32_t p, uint64_t size, uint64_t alignment, bool noscan, bool zero) {
  if (size == 0) return ObjectEntry::Make(0, 0, 0, ObjectEntry::kZero);
  const heap::SizeClasses& classes = heap_->classes();
  ObjectEntry e;
  if (alignment != 0) {
    uint32_t c = classes.count();
    if (alignment <= kMaxClassAlignment && size <= classes.max_small_size()) {
      for (c = classes.ClassOf(size); c < classes.count() && classes[c].size % alignment != 0;
           ++c) {
      }
    }
    if (c < classes.count()) {
      e = PlaceSmall(p, heap_->MallocClass(p, c, noscan, zero), size);
    } else {
      e = PlaceLarge(p, size, alignment, noscan, zero);
    }
  } else if (size <= classes.max_small_size()) {
    const Placement r = heap_->Malloc(p, size, noscan, zero);
    e = r.tiny ? PlaceTiny(p, r, size) : PlaceSmall(p, r, size);
  } else {
    e = PlaceLarge(p, size, 0, noscan, zero);
  }
  if (gc_ && heap_->TakeGcCheck()) CheckGc();
  return e;
}

uint64_t Engine::TouchLength(uint64_t size) const {
  switch (policy_.objects().touch()) {
    case proto::Objects::TOUCH_FIRST:
      return 1;
    case proto::Objects::TOUCH_NONE:
      return 0;
    default:
      return size;
  }
}

bool Engine::TouchSlot(uint32_t p, const Placement& r, uint64_t slot_begin, uint64_t slot_bytes,
                       uint64_t begin, uint64_t length) {
  heap::Heap::CacheSlot& cache = heap_->caches(p)[r.span_class];
  const SpanId span = heap_->bits().OwnerOf(r.bit);
  const heap::Span& s = heap_->spans()[span];
  // A tiny block may be of the span before.
  const bool cached = cache.span == span;
  // Slots up to this bit are resident.
  const auto count = [&] {
    if (!cached) return;
    const uint64_t end = ledger_.ResidentEnd(s.base, s.end());
    cache.resident = cache.bit + (end - s.base) / slot_bytes - 1;
    if (end < s.end()) return;
    cache.resident = ~uint64_t{0};
    heap_->SetResident(span);
  };
  if (cached && cache.resident == 0) count();
  if (cached && r.bit <= cache.resident) return false;
  if (length != 0) {
    machine_.Touch(Address(begin), Bytes(length));
    ledger_.RecountTouched();
    count();
  }
  if (ledger_.IsResident(slot_begin, slot_begin + slot_bytes)) return false;
  ledger_.Recount(span);
  return true;
}

ObjectEntry Engine::PlaceSmall(uint32_t p, const Placement& r, uint64_t size) {
  const uint64_t slot = slot_bytes_[r.span_class >> 1];
  ++live_objects_;
  ledger_.occupied += slot;
  ledger_.live += size;
  if ((r.span_class & 1) == 0) scan_occupied_ += slot;
  if (marking_) placed_marking_ += slot;
  ledger_.SetRequested(r.bit, size);
  const bool loose =
      TouchSlot(p, r, r.address, slot, r.address, r.cleared ? slot : TouchLength(size));
  return ObjectEntry::Make(
      r.bit, r.span_class >> 1, size,
      (loose ? ObjectEntry::kLoose : 0) | (size < heap::Heap::kTinySize ? ObjectEntry::kAlone : 0));
}

// Several tiny objects share a slot, which is dead when all of them are. Under explicit reclaim the
// cache holds on to its current block as well.
ObjectEntry Engine::PlaceTiny(uint32_t p, const Placement& r, uint64_t size) {
  const uint64_t slot = slot_bytes_[r.span_class >> 1];
  uint8_t& count = tiny_count_[r.bit];
  uint64_t slot_begin = r.address;
  if (r.fresh_block) {
    ledger_.occupied += slot;
    if (marking_) placed_marking_ += slot;
    ledger_.SetRequested(r.bit, 0);
    count = 0;
    BitIndex& current = current_tiny_[p];
    const BitIndex now = heap_->tiny_block(p).bit;
    if (now != current) {
      if (!gc_) {
        ++tiny_count_[now];
        if (current != 0 && --tiny_count_[current] == 0) {
          ledger_.occupied -= slot;
          heap_->FreeSlot(current);
        }
      }
      current = now;
    }
  } else {
    slot_begin = heap_->tiny_block(p).address;
    if (gc_ && count == 0) {
      // All members were dead, but the block is the current one still: it lives again.
      dead_.Clear(r.bit);
      ledger_.dead -= slot;
    }
  }
  ++count;
  ++live_objects_;
  ledger_.live += size;
  if (ledger_.keeps_requests()) ledger_.SetRequested(r.bit, ledger_.Requested(r.bit) + size);
  const bool loose = TouchSlot(p, r, slot_begin, slot, r.address, TouchLength(size));
  return ObjectEntry::Make(r.bit, r.span_class >> 1, size,
                           ObjectEntry::kTiny | (loose ? ObjectEntry::kLoose : 0));
}

ObjectEntry Engine::PlaceLarge(uint32_t p, uint64_t size, uint64_t alignment, bool noscan,
                               bool zero) {
  const bool shifted = alignment > kMaxClassAlignment;
  const uint64_t limit = heap_->options().layout.end.v - heap_->options().layout.start.v;
  const uint64_t need = shifted ? size + alignment - kPageSize : size;
  // What no arena can hold is refused before sums overflow.
  const uint64_t bytes =
      size > limit || (shifted && alignment > limit) ? limit + 1 : classes_.LargeBytes(need);
  const Placement r = heap_->MallocLarge(p, std::min(size, bytes), bytes, noscan, zero);
  const SpanId span = heap_->bits().OwnerOf(r.bit);
  const heap::Span& s = heap_->spans()[span];
  const uint64_t offset = shifted ? heap::RoundUp(s.base, alignment) - s.base : 0;
  ledger_.large(span) = {size, offset};
  ++live_objects_;
  ledger_.occupied += s.bytes().v;
  ledger_.live += size;
  if (!noscan) scan_occupied_ += s.bytes().v;
  if (marking_) placed_marking_ += s.bytes().v;
  const uint64_t touch = TouchLength(size);
  if (touch != 0) machine_.Touch(Address(s.base + offset), Bytes(touch));
  ledger_.RecountTouched();
  const bool loose = ledger_.Recount(span);
  return ObjectEntry::Make(r.bit, 0, 0, ObjectEntry::kLarge | (loose ? ObjectEntry::kLoose : 0));
}

void Engine::Drop(ObjectEntry e) {
  if (e.has(ObjectEntry::kZero)) return;
  --live_objects_;
  const BitIndex bit = e.bit();
  const uint64_t size = SizeOf(e);
  const SpanId span = heap_->bits().OwnerOf(bit);
  const uint64_t slot = heap_->spans()[span].slot_bytes();
  const bool noscan = heap_->spans()[span].noscan();
  ledger_.live -= size;
  bool gone = true;
  if (e.has(ObjectEntry::kTiny)) {
    if (ledger_.keeps_requests()) ledger_.SetRequested(bit, ledger_.Requested(bit) - size);
    gone = --tiny_count_[bit] == 0;
  }
  if (gone) {
    if (gc_) {
      dead_.Set(bit);
      ledger_.dead += slot;
      if (!noscan) scan_dead_ += slot;
    } else {
      ledger_.occupied -= slot;
      if (!noscan) scan_occupied_ -= slot;
      heap_->FreeSlot(bit);
    }
  }
  if (e.has(ObjectEntry::kLoose) && heap_->spans()[span].state == heap::SpanState::kInUse &&
      (gc_ || heap_->bits().OwnerOf(bit) == span)) {
    ledger_.Recount(span);
  }
}

}  // namespace heapsim::sim
