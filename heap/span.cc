#include "heap/span.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "heap/fatal.h"

namespace heapsim::heap {
namespace {

constexpr uint64_t kPointerSize = 8;

// One page more than the arena can have, since the last page is looked at from below.
size_t MaxPages(const ArenaLayout& layout) {
  return ((layout.end - layout.start).v >> kPageShift) + 1;
}

}  // namespace

SpanTable::SpanTable(const ArenaLayout& layout, Os* os, MemStats* stats, Observer* observer)
    : arena_start_(layout.start.v),
      os_(os),
      stats_(stats),
      observer_(observer),
      alloc_(kDescriptorSize, SysStat::kMSpan, os),
      spans_(MaxPages(layout) + 1),
      pages_(MaxPages(layout)),
      heads_(kListCount),
      bare_from_(static_cast<SpanId>(spans_.capacity())) {}

SpanId SpanTable::New(Address base, Pages npages) {
  bool fresh = false;
  const SpanId id = alloc_.Alloc(&fresh);
  if (fresh) RecordSpan();
  Span& s = spans_[id];
  const uint32_t sweepgen = s.sweepgen;
  s = Span{};
  s.sweepgen = sweepgen;
  s.base = base.v;
  s.npages = static_cast<uint32_t>(npages.v);
  s.state = SpanState::kDead;
  stats_->mspan_inuse = alloc_.inuse().v;
  observer_->DescriptorTaken(id, DescriptorAddress(id));
  return id;
}

void SpanTable::Delete(SpanId id) {
  spans_[id].state = SpanState::kDead;
  alloc_.Free(id);
  stats_->mspan_inuse = alloc_.inuse().v;
}

SpanId SpanTable::NewBare(Address base, Pages npages) {
  SpanId id;
  if (free_bare_.empty()) {
    id = --bare_from_;
  } else {
    id = free_bare_.back();
    free_bare_.pop_back();
  }
  Span& s = spans_[id];
  s = Span{};
  s.base = base.v;
  s.npages = static_cast<uint32_t>(npages.v);
  s.state = SpanState::kDead;
  return id;
}

void SpanTable::DeleteBare(SpanId id) {
  spans_[id].state = SpanState::kDead;
  free_bare_.push_back(id);
}

// Makes room in allspans for the descriptor made last (recordspan in the runtime).
void SpanTable::RecordSpan() {
  const uint64_t length = alloc_.made() - 1;
  if (length >= allspans_cap_) {
    const uint64_t cap = std::max<uint64_t>((64 << 10) / kPointerSize, allspans_cap_ * 3 / 2);
    const Address fresh = os_->Alloc(Bytes(cap * kPointerSize), SysStat::kOther);
    if (fresh.is_null()) {
      Throw(FatalCode::kCannotAllocateMetadata, "runtime: cannot allocate memory");
    }
    stats_->other_sys += cap * kPointerSize;
    if (length > 0) {
      os_->Touch(fresh, Bytes(length * kPointerSize));
      os_->Free(allspans_, Bytes(allspans_cap_ * kPointerSize), SysStat::kOther);
      stats_->other_sys -= allspans_cap_ * kPointerSize;
    }
    allspans_ = fresh;
    allspans_cap_ = cap;
  }
  os_->Touch(allspans_ + Bytes(length * kPointerSize), Bytes(kPointerSize));
}

void SpanTable::Insert(ListId list, SpanId id) {
  Span& s = spans_[id];
  if (s.list != kNoList || s.next != kNoSpan || s.prev != kNoSpan) {
    Throw(FatalCode::kSpanListInsert, "MSpanList_Insert");
  }
  Head& h = heads_[list];
  s.next = h.first;
  if (h.first != kNoSpan) {
    spans_[h.first].prev = id;
  } else {
    h.last = id;
  }
  h.first = id;
  s.list = list;
}

void SpanTable::InsertBack(ListId list, SpanId id) {
  Span& s = spans_[id];
  if (s.list != kNoList || s.next != kNoSpan || s.prev != kNoSpan) {
    Throw(FatalCode::kSpanListInsert, "MSpanList_InsertBack");
  }
  Head& h = heads_[list];
  s.prev = h.last;
  if (h.last != kNoSpan) {
    spans_[h.last].next = id;
  } else {
    h.first = id;
  }
  h.last = id;
  s.list = list;
}

void SpanTable::Remove(ListId list, SpanId id) {
  Span& s = spans_[id];
  if (s.list != list) {
    Throw(FatalCode::kSpanListRemove,
          absl::StrCat("MSpanList_Remove: span of ", s.npages, " pages at 0x", absl::Hex(s.base),
                       " is in list ", s.list, ", not ", list));
  }
  Head& h = heads_[list];
  if (h.first == id) {
    h.first = s.next;
  } else {
    spans_[s.prev].next = s.next;
  }
  if (h.last == id) {
    h.last = s.prev;
  } else {
    spans_[s.next].prev = s.prev;
  }
  s.next = s.prev = kNoSpan;
  s.list = kNoList;
}

void SpanTable::TakeAll(ListId to, ListId from) {
  Head& f = heads_[from];
  Head& t = heads_[to];
  if (f.first == kNoSpan) return;
  for (SpanId id = f.first; id != kNoSpan; id = spans_[id].next) spans_[id].list = to;
  if (t.first == kNoSpan) {
    t = f;
  } else {
    spans_[f.last].next = t.first;
    spans_[t.first].prev = f.last;
    t.first = f.first;
  }
  f = Head{};
}

}  // namespace heapsim::heap
