#include "heap/specials.h"

#include "heap/fatal.h"

namespace heapsim::heap {
namespace {

// sizeof(specialfinalizer), sizeof(specialprofile) on amd64.
constexpr Bytes kFinalizerSize{48};
constexpr Bytes kProfileSize{24};
constexpr size_t kMaxSpecials = 1u << 28;

}  // namespace

Specials::Specials(Os* os, SpanTable* spans)
    : spans_(spans),
      finalizers_(kFinalizerSize, SysStat::kOther, os),
      profiles_(kProfileSize, SysStat::kOther, os),
      nodes_(kMaxSpecials) {}

FixAlloc& Specials::Records(SpecialKind kind) {
  switch (kind) {
    case SpecialKind::kFinalizer:
      return finalizers_;
    case SpecialKind::kProfile:
      return profiles_;
  }
  Throw(FatalCode::kBadSpecialKind, "bad special kind");
}

uint32_t Specials::TakeRecord(SpecialKind kind) {
  bool fresh;
  return Records(kind).Alloc(&fresh);
}

bool Specials::Add(SpanId span, uint64_t offset, SpecialKind kind, uint32_t record) {
  Span& s = (*spans_)[span];
  uint32_t* link = &s.specials;
  while (*link != 0) {
    const Special& x = nodes_[*link];
    if (x.offset == offset && x.kind == kind) {
      Records(kind).Free(record);
      return false;
    }
    if (offset < x.offset || (offset == x.offset && kind < x.kind)) break;
    link = &nodes_[*link].next;
  }
  uint32_t node;
  if (free_ != 0) {
    node = free_;
    free_ = nodes_[node].next;
  } else {
    node = ++made_;
  }
  nodes_[node] = Special{*link, record, static_cast<uint16_t>(offset), kind};
  *link = node;
  return true;
}

bool Specials::Remove(SpanId span, uint64_t offset, SpecialKind kind) {
  uint32_t* link = &(*spans_)[span].specials;
  while (*link != 0) {
    const uint32_t node = *link;
    if (nodes_[node].offset == offset && nodes_[node].kind == kind) {
      *link = nodes_[node].next;
      Free(node);
      return true;
    }
    link = &nodes_[node].next;
  }
  return false;
}

void Specials::Free(uint32_t i) {
  Records(nodes_[i].kind).Free(nodes_[i].record);
  nodes_[i].next = free_;
  free_ = i;
}

}  // namespace heapsim::heap
