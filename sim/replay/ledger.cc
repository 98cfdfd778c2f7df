#include "sim/replay/ledger.h"

#include <algorithm>
#include <bit>

namespace heapsim::sim {
namespace {

using heap::Address;
using heap::Bytes;
using heap::kNoSpan;
using heap::Span;
using heap::SpanId;
using heap::SpanState;

constexpr size_t kMaxSpans = size_t{1} << 27;
constexpr size_t kMaxSlots = 64 * heap::kMaxSlotWords;

uint64_t Overlap(uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
  const uint64_t begin = std::max(a, c), end = std::min(b, d);
  return begin < end ? end - begin : 0;
}

}  // namespace

Ledger::Ledger(Machine* machine, DeadBits* dead, TouchModel touch)
    : machine_(machine),
      dead_bits_(dead),
      touch_(touch),
      loose_of_(kMaxSpans),
      requested_(touch == TouchModel::kWhole ? 1 : kMaxSlots),
      large_(kMaxSpans) {}

void Ledger::Attach(const heap::Heap* heap) {
  heap_ = heap;
  arena_begin_ = heap->arena().layout().start.v;
  arena_end_ = heap->arena().layout().end.v;
}

// Resident and not lazily freed.
uint64_t Ledger::ResidentBytes(uint64_t begin, uint64_t end) const {
  const Bytes length(end - begin);
  const uint64_t resident = machine_->ResidentBytes(Address(begin), length).v;
  if (machine_->lazily_freed_bytes().v == 0) return resident;
  return resident - machine_->LazilyFreedBytes(Address(begin), length).v;
}

bool Ledger::IsResident(uint64_t begin, uint64_t end) const {
  return ResidentBytes(begin, end) == end - begin;
}

uint64_t Ledger::ResidentEnd(uint64_t begin, uint64_t end) const {
  const uint64_t hole = machine_->NextNonResident(Address(begin), Bytes(end - begin)).v;
  if (machine_->lazily_freed_bytes().v == 0) return hole;
  const uint64_t page = machine_->page_size().v;
  for (uint64_t a = begin; a < hole; a = heap::RoundDown(a, page) + page) {
    if (machine_->IsLazilyFreed(Address(a))) return a;
  }
  return hole;
}

uint64_t Ledger::ResidentBegin(uint64_t begin, uint64_t end) const {
  const uint64_t page = machine_->page_size().v;
  while (true) {
    const uint64_t a = machine_->NextResident(Address(begin), Bytes(end - begin)).v;
    if (a >= end || !machine_->IsLazilyFreed(Address(a))) return a;
    begin = heap::RoundDown(a, page) + page;
    if (begin >= end) return end;
  }
}

// ---------------------------------------------------------------- spans change hands

void Ledger::SpanAllocEnd(const heap::SpanAllocated& a) {
  const uint64_t resident = ResidentBytes(a.base.v, (a.base + a.pages.bytes()).v);
  free_resident_ -= resident;
  if (heap_->spans()[a.span].state == SpanState::kManual) manual_resident_ += resident;
}

void Ledger::SpanFreeBegin(const heap::SpanFreeing& f) {
  // What is trimmed from a free span stays free.
  if (f.cause == heap::FreeCause::kTrim) return;
  const uint64_t resident = ResidentBytes(f.base.v, (f.base + f.pages.bytes()).v);
  free_resident_ += resident;
  if (f.state == SpanState::kManual) {
    manual_resident_ -= resident;
  } else {
    SetLoose(f.span, Loose{});
  }
}

void Ledger::SweepBegin(const heap::SweepInput& in) {
  const Span& s = heap_->spans()[in.span];
  sweeping_slot_bytes_ = s.slot_bytes();
  ++swept_spans_;
}

void Ledger::SweepEnd(const heap::SweepOutput& out) {
  const uint64_t freed = uint64_t{out.freed_slots} * sweeping_slot_bytes_;
  occupied -= freed;
  dead -= freed;
  if (!out.freed_span && loose_of_[out.span].any()) Recount(out.span);
}

// ---------------------------------------------------------------- pages come and go

void Ledger::OnResident(Address begin, Bytes length) { ForSpans(begin, length, true); }
void Ledger::OnNonResident(Address begin, Bytes length) { ForSpans(begin, length, false); }
void Ledger::OnLazilyFreed(Address begin, Bytes length) { ForSpans(begin, length, false); }
void Ledger::OnNotLazilyFreed(Address begin, Bytes length) { ForSpans(begin, length, true); }

void Ledger::ForSpans(Address begin, Bytes length, bool resident) {
  const uint64_t from = std::max(begin.v, arena_begin_);
  const uint64_t to = std::min(begin.v + length.v, arena_end_);
  if (from >= to) return;
  const auto add = [resident](uint64_t* sum, uint64_t n) {
    *sum += resident ? n : uint64_t{0} - n;
  };
  add(&arena_resident_, to - from);
  const heap::SpanTable& spans = heap_->spans();
  // Free spans name themselves only at their ends, so a range is walked from span to span; its
  // first page may be inside one.
  for (uint64_t a = from; a < to;) {
    const SpanId id = heap_->SpanContaining(Address(a));
    if (id == kNoSpan) break;  // beyond what the arena has handed out
    const Span& s = spans[id];
    const uint64_t n = Overlap(a, to, s.base, s.end());
    switch (s.state) {
      case SpanState::kFree:
        add(&free_resident_, n);
        break;
      case SpanState::kManual:
        add(&manual_resident_, n);
        break;
      case SpanState::kInUse:
        touched_.push_back(id);
        break;
      case SpanState::kDead:
        break;
    }
    a = s.end();
  }
}

void Ledger::RecountTouched() {
  for (const SpanId id : touched_) {
    if (heap_->spans()[id].state == SpanState::kInUse) Recount(id);
  }
  touched_.clear();
}

bool Ledger::Recount(SpanId id) {
  const Loose now = Count(id);
  SetLoose(id, now);
  return now.any();
}

void Ledger::SetLoose(SpanId id, const Loose& to) {
  Loose& from = loose_of_[id];
  loose_.live += to.live - from.live;
  loose_.internal += to.internal - from.internal;
  loose_.dead += to.dead - from.dead;
  from = to;
}

Ledger::Loose Ledger::Count(SpanId id) const {
  Loose r;
  const Span& s = heap_->spans()[id];
  if (s.nelems == 0) return r;  // its slots are not made yet
  uint64_t hole = ResidentEnd(s.base, s.end());
  if (hole >= s.end()) return r;
  uint64_t allocated[16];
  heap_->AllocatedSlots(id, allocated);
  const uint64_t slot_bytes = s.slot_bytes();
  const uint64_t first_bit = uint64_t{s.bits} * 64;
  const LargeObject& object = large_[id];
  while (hole < s.end()) {
    const uint64_t hole_end = ResidentBegin(hole, s.end());
    // Slots that meet the hole. Under `whole` only those can be taken that begin before it.
    const uint64_t first = (hole - s.base) / slot_bytes;
    const uint64_t last =
        touch_ == TouchModel::kWhole ? first : (hole_end - 1 - s.base) / slot_bytes;
    for (uint64_t slot = first; slot <= last && slot < s.nelems; ++slot) {
      if ((allocated[slot / 64] >> (slot % 64) & 1) == 0) continue;
      const uint64_t begin = s.base + slot * slot_bytes;
      const uint64_t loose = Overlap(begin, begin + slot_bytes, hole, hole_end);
      if (dead_bits_->IsDead(first_bit + slot)) {
        r.dead += loose;
        continue;
      }
      uint64_t live = 0;
      if (s.large()) {
        live = Overlap(begin + object.offset, begin + object.offset + object.size, hole, hole_end);
      } else if (keeps_requests()) {
        live = Overlap(begin, begin + requested_[first_bit + slot], hole, hole_end);
      }
      r.live += live;
      r.internal += loose - live;
    }
    hole = ResidentEnd(hole_end, s.end());
  }
  return r;
}

Parts Ledger::Now() const {
  Parts p;
  p.lazyfree = machine_->lazily_freed_bytes().v;
  p.metadata = machine_->resident_bytes().v - p.lazyfree - arena_resident_;
  p.free_pages = free_resident_;
  p.manual = manual_resident_;
  p.live_resident = live - loose_.live;
  p.internal = occupied - dead - live - loose_.internal;
  p.dead = dead - loose_.dead;
  p.span_slack =
      arena_resident_ - free_resident_ - manual_resident_ - p.live_resident - p.internal - p.dead;
  return p;
}

Parts Ledger::FromScratch() const {
  Parts p;
  p.lazyfree = machine_->lazily_freed_bytes().v;
  uint64_t arena = 0;
  const uint64_t end = heap_->arena().used().v;
  for (uint64_t a = arena_begin_; a < end;) {
    const SpanId id = heap_->SpanContaining(Address(a));
    const Span& s = heap_->spans()[id];
    const uint64_t resident = ResidentBytes(s.base, s.end());
    arena += resident;
    if (s.state == SpanState::kFree) p.free_pages += resident;
    if (s.state == SpanState::kManual) p.manual += resident;
    if (s.state == SpanState::kInUse) {
      uint64_t allocated[16];
      heap_->AllocatedSlots(id, allocated);
      uint64_t in_slots = 0;
      for (uint64_t slot = 0; slot < s.nelems; ++slot) {
        if ((allocated[slot / 64] >> (slot % 64) & 1) == 0) continue;
        const uint64_t begin = s.base + slot * s.slot_bytes();
        const uint64_t bytes = ResidentBytes(begin, begin + s.slot_bytes());
        in_slots += bytes;
        const heap::BitIndex bit = uint64_t{s.bits} * 64 + slot;
        if (dead_bits_->IsDead(bit)) {
          p.dead += bytes;
        } else {
          p.internal += bytes;  // less the live bytes, below: only the replay knows them by slot
        }
      }
      p.span_slack += resident - in_slots;
    }
    a = s.end();
  }
  p.live_resident = live - loose_.live;
  p.internal -= p.live_resident;
  p.metadata = machine_->resident_bytes().v - p.lazyfree - arena;
  return p;
}

}  // namespace heapsim::sim
