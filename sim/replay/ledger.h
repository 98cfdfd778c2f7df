// The ledger: to which class each resident byte belongs, kept up to date while the heap works.
//
// The classes are those of the result (docs: parts of RSS). Most are plain counters. What makes it
// hard is memory that is not resident: the rest of a slot or a dead slot counts only as far as its
// pages are. An object touches what it asked for, so such pages are rare (spans that fill for the
// first time, the last page of a large object); only their spans are looked at, page by page, when
// something in them changes.
#ifndef HEAPSIM_SIM_REPLAY_LEDGER_H_
#define HEAPSIM_SIM_REPLAY_LEDGER_H_

#include <cstdint>
#include <vector>

#include "heap/heap.h"
#include "heap/observer.h"
#include "heap/virtual_array.h"
#include "sim/machine/machine.h"
#include "sim/replay/dead_bits.h"

namespace heapsim::sim {

// Resident bytes by class; they sum to the machine's resident bytes.
struct Parts {
  uint64_t live_resident = 0;
  uint64_t internal = 0;
  uint64_t dead = 0;
  uint64_t span_slack = 0;
  uint64_t free_pages = 0;
  uint64_t manual = 0;
  uint64_t metadata = 0;
  uint64_t lazyfree = 0;

  uint64_t sum() const {
    return live_resident + internal + dead + span_slack + free_pages + manual + metadata + lazyfree;
  }
  friend bool operator==(const Parts&, const Parts&) = default;
};

// What a program touches of a new object.
enum class TouchModel : uint8_t { kWhole, kFirst, kNone };

class Ledger final : public heap::Observer, public ResidencyListener {
 public:
  Ledger(Machine* machine, DeadBits* dead, TouchModel touch);
  // Must be called before the heap does anything but be constructed.
  void Attach(const heap::Heap* heap);

  // --- What the replay tells ---

  // Slots taken and given back in bytes, and requested bytes of live objects. Public counters: they
  // change with every event.
  uint64_t occupied =
      0;              // bytes of slots (spans of large objects) that hold an object, dead or alive
  uint64_t dead = 0;  // of them, of dead ones
  uint64_t live = 0;  // requested bytes of live objects

  // The requested bytes that lie in a slot changed (touch models other than `whole` look at them;
  // others need not call).
  void SetRequested(heap::BitIndex bit, uint64_t bytes) {
    if (touch_ != TouchModel::kWhole) requested_[bit] = bytes;
  }
  uint64_t Requested(heap::BitIndex bit) const { return requested_[bit]; }
  bool keeps_requests() const { return touch_ != TouchModel::kWhole; }

  // The requested part of a large object: [base + offset, base + offset + size).
  struct LargeObject {
    uint64_t size = 0, offset = 0;
  };
  LargeObject& large(heap::SpanId id) { return large_[id]; }
  const LargeObject& large(heap::SpanId id) const { return large_[id]; }

  // Looks anew at what of the span is not resident; to be called when something changed in a span
  // that is not resident throughout. True where parts of slots in it are not resident.
  bool Recount(heap::SpanId id);
  // The same for a span in which pages became resident since the last call (at most a few: those
  // that this step touched).
  void RecountTouched();

  // All of [begin, end) is resident.
  bool IsResident(uint64_t begin, uint64_t end) const;
  // The first address from `begin` on that is not resident, or `end`.
  uint64_t ResidentEnd(uint64_t begin, uint64_t end) const;

  // --- Answers ---

  Parts Now() const;
  // Live bytes on pages that are not resident.
  uint64_t live_unresident() const { return loose_.live; }
  // The same from scratch, byte by byte of every page: slow, for tests and checks.
  Parts FromScratch() const;

  uint64_t swept_spans() const { return swept_spans_; }

  // --- heap::Observer ---
  bool WantsCaches() const override { return false; }
  void SpanAllocEnd(const heap::SpanAllocated& a) override;
  void SpanFreeBegin(const heap::SpanFreeing& f) override;
  void SweepBegin(const heap::SweepInput& in) override;
  void SweepEnd(const heap::SweepOutput& out) override;

  // --- ResidencyListener ---
  void OnResident(heap::Address begin, heap::Bytes length) override;
  void OnNonResident(heap::Address begin, heap::Bytes length) override;
  // Lazily freed memory has a class of its own: for all others it is as good as not resident.
  void OnLazilyFreed(heap::Address begin, heap::Bytes length) override;
  void OnNotLazilyFreed(heap::Address begin, heap::Bytes length) override;

 private:
  // Bytes of a span's slots that are not resident, by the class they would be in.
  struct Loose {
    uint64_t live = 0, internal = 0, dead = 0;
    bool any() const { return (live | internal | dead) != 0; }
  };
  Loose Count(heap::SpanId id) const;
  void SetLoose(heap::SpanId id, const Loose& to);
  void ForSpans(heap::Address begin, heap::Bytes length, bool resident);
  uint64_t ResidentBytes(uint64_t begin, uint64_t end) const;
  uint64_t ResidentBegin(uint64_t begin, uint64_t end) const;

  Machine* machine_;
  DeadBits* dead_bits_;
  TouchModel touch_;
  const heap::Heap* heap_ = nullptr;
  uint64_t arena_begin_ = 0, arena_end_ = 0;

  uint64_t arena_resident_ = 0, free_resident_ = 0, manual_resident_ = 0;
  Loose loose_;  // over all spans
  heap::VirtualArray<Loose> loose_of_;
  heap::VirtualArray<uint64_t> requested_;  // by bit; only for touch models other than `whole`
  heap::VirtualArray<LargeObject> large_;
  std::vector<heap::SpanId> touched_;  // spans in use with pages that became resident
  uint64_t sweeping_slot_bytes_ = 0;
  uint64_t swept_spans_ = 0;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_REPLAY_LEDGER_H_
