#include "sim/conform/go110/log_os.h"

#include "sim/conform/go110/names.h"

namespace heapsim::sim::go110 {
namespace {

// Those whose chunks are asked for in the log's order; the others are recorded only.
bool IsDetermined(heap::Bytes element) { return element.v == 152 || element.v == 48; }

}  // namespace

heap::Address LogOs::Reserve(heap::Address hint, heap::Bytes length) {
  return hint.is_null() ? Alloc(length, heap::SysStat::kOther) : hint;
}

bool LogOs::Map(heap::MapArea area, heap::Address begin, heap::Bytes length, heap::SysStat stat) {
  Comparison line = matcher_->Expect(Kind::kMap);
  line.Word("area", Name(area));
  switch (area) {
    case heap::MapArea::kArena:
      line.Offset("offset", begin);
      break;
    case heap::MapArea::kSpans:
      line.Hex("offset", begin.v - header_->layout.spans_start().v);
      break;
    case heap::MapArea::kBitmap:
      line.Hex("distance", header_->layout.start.v - begin.v);
      break;
  }
  line.Hex("len", length.v);
  line.Word("stat", Name(stat));
  line.Done();
  return true;
}

heap::Address LogOs::Alloc(heap::Bytes length, heap::SysStat) {
  const heap::Address a = next_;
  next_ = a + heap::Bytes(heap::RoundUp(length.v, heap::kPageSize));
  return a;
}

bool LogOs::Advise(heap::Address begin, heap::Bytes length, heap::Advice advice) {
  Comparison line = matcher_->Expect(Kind::kAdvice);
  line.Offset("offset", begin);
  line.Hex("len", length.v);
  line.Word("advice", Name(advice));
  line.Done();
  return true;
}

heap::Address LogOs::Persistent(heap::Bytes size, heap::Bytes, heap::SysStat stat,
                                heap::Bytes element) {
  if (IsDetermined(element)) {
    Comparison line = matcher_->Expect(Kind::kChunk);
    line.Dec("size", element.v);
    heap::Address chunk;
    if (line.readable()) chunk = heap::Address(line.fields().Hex());
    line.Done();
    return chunk;
  }
  LineCursor& cursor = matcher_->cursor();
  for (;;) {
    const LineType type = TypeOf(cursor.line());
    if (type.kind == Kind::kSystemTaken || type.kind == Kind::kSystemReturned) {
      Validate(cursor.line(), cursor.number());
      cursor.Advance();
      continue;
    }
    Fields fields(cursor.line(), type.length, cursor.number());
    if (element.v == 0 || type.kind != Kind::kChunk || fields.Dec() != element.v)
      return Alloc(size, stat);
    const heap::Address chunk(fields.Hex());
    fields.End();
    cursor.Advance();
    return chunk;
  }
}

}  // namespace heapsim::sim::go110
