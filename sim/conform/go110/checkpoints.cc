#include "sim/conform/go110/checkpoints.h"

#include "absl/strings/str_cat.h"

namespace heapsim::sim::go110 {
namespace {

constexpr uint64_t kOperations = 1000;  // from one checkpoint to the next
constexpr uint64_t kDumpEvery = 16;     // checkpoints; the first and the last have a dump too

bool MayStandBefore(Kind kind) {
  switch (kind) {
    case Kind::kCycle:
    case Kind::kPhase:
    case Kind::kMarked:
    case Kind::kSweepStart:
    case Kind::kPacing:
    case Kind::kTrailer:
      return true;
    default:
      return false;
  }
}

}  // namespace

void Checkpoints::OperationDone(uint64_t number) {
  if (number % kOperations != 0) return;
  due_ = true;
  Look();
}

void Checkpoints::Look() {
  const Kind kind = matcher_.Current().kind;
  if (kind == Kind::kCheckpoint) {
    due_ = false;
    Check(false);
  } else if (!MayStandBefore(kind)) {
    matcher_.Unexpected(absl::StrCat("C of operation ", matcher_.page_operations()), std::nullopt);
  }
}

void Checkpoints::Final() {
  final_line_ = matcher_.cursor().number();
  Check(true);
}

void Checkpoints::Check(bool last) {
  const heap::MemStats& m = heap_.stats();
  uint64_t listed = 0, listed_pages = 0, in_treap = 0, treap_pages = 0;
  for (uint32_t n = 0; n < heap::kMaxHeapList; ++n) {
    for (heap::SpanId id = heap_.spans().First(static_cast<heap::ListId>(heap::kFreeLists + n));
         id != heap::kNoSpan; id = heap_.spans()[id].next) {
      ++listed;
      listed_pages += heap_.spans()[id].npages;
    }
  }
  pages_.treap().Walk([&](uint32_t, heap::SpanId id, uint32_t) {
    ++in_treap;
    treap_pages += heap_.spans()[id].npages;
  });

  Comparison line = matcher_.Expect(Kind::kCheckpoint);
  line.Dec("heap_sys", m.heap_sys);
  line.Dec("heap_idle", m.heap_idle);
  line.Dec("heap_inuse", m.heap_inuse);
  line.Dec("heap_released", m.heap_released);
  line.Dec("pages_in_use", heap_.pages_in_use());
  line.Dec("stacks_inuse", m.stacks_inuse);
  if (line.readable()) line.fields().Dec();  // gc_sys counts what no line shows
  line.Dec("arena_used", matcher_.OffsetOf(heap_.arena().used()));
  line.Dec("listed_spans", listed);
  line.Dec("listed_pages", listed_pages);
  line.Dec("treap_spans", in_treap);
  line.Dec("treap_pages", treap_pages);
  line.Dec("descriptor_bytes", heap_.spans().inuse().v);
  line.Dec("treap_node_bytes", pages_.treap().node_bytes().v);
  line.Dec("descriptors_made", heap_.spans().made());
  // The last one counts itself.
  line.Dec("operations", matcher_.page_operations() + (last ? 1 : 0));
  line.Done();

  ++count_;
  if (last || count_ == 1 || count_ % kDumpEvery == 0) CheckDump();
}

void Checkpoints::CheckFreeSpan(Comparison& line, const heap::Span& s, heap::SpanId id) {
  line.Offset("offset", s.address());
  line.Dec("npages", s.npages);
  line.Dec("unusedsince", static_cast<uint64_t>(s.unusedsince));
  line.Dec("npreleased", s.npreleased);
  line.Bit("needzero", s.needzero);
  line.Hex("handle", heap_.DescriptorAddress(id).v);
}

void Checkpoints::CheckDump() {
  for (uint32_t n = 0; n < heap::kMaxHeapList; ++n) {
    for (heap::SpanId id = heap_.spans().First(static_cast<heap::ListId>(heap::kFreeLists + n));
         id != heap::kNoSpan; id = heap_.spans()[id].next) {
      Comparison line = matcher_.Expect(Kind::kDumpList);
      line.Dec("list", n);
      CheckFreeSpan(line, heap_.spans()[id], id);
      line.Done();
    }
  }
  pages_.treap().Walk([&](uint32_t depth, heap::SpanId id, uint32_t priority) {
    Comparison line = matcher_.Expect(Kind::kDumpTreap);
    line.Dec("depth", depth);
    CheckFreeSpan(line, heap_.spans()[id], id);
    line.Dec("priority", priority);
    line.Done();
  });
  matcher_.Expect(Kind::kDumpEnd).Done();
}

}  // namespace heapsim::sim::go110
