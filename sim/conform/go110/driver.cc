#include "sim/conform/go110/driver.h"

#include <bit>
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "sim/conform/go110/names.h"
#include "sim/conform/go110/surroundings.h"
#include "sim/conform/stop.h"

namespace heapsim::sim::go110 {
namespace {

heap::HeapOptions OptionsFor(const Header& header) {
  heap::HeapOptions options;
  options.layout = header.layout;
  options.chunk = header.chunk;
  options.procs = 1;  // two Ps are in logs of the page level only, which has no caches
  return options;
}

bool IsObjectLevel(Kind kind) {
  return (kind >= Kind::kMalloc && kind <= Kind::kEnsureSwept) ||
         (kind >= Kind::kUncached && kind <= Kind::kSpecialTaken);
}

}  // namespace

Driver::Driver(LineCursor* cursor, const ConformOptions& options)
    : cursor_(*cursor),
      options_(options),
      header_(ReadHeader(*cursor)),
      matcher_(cursor, this, header_.layout.start),
      observer_(&matcher_, &marker_),
      os_(&matcher_, &header_),
      clock_(cursor),
      random_(cursor),
      heap_(OptionsFor(header_), {&os_, &clock_, &random_, &marker_, &observer_},
            [this](const heap::PageContext& context) -> std::unique_ptr<heap::PageAllocator> {
              auto pages = std::make_unique<heap::Go110Pages>(context);
              pages_ = pages.get();
              return pages;
            }),
      checkpoints_(&matcher_, &heap_, pages_) {
  observer_.SetHeap(&heap_, pages_);
}

std::string Driver::Surroundings(heap::Address about) const {
  return go110::Surroundings(heap_, observer_.last_search(), about);
}

Fields Driver::Inputs() const {
  return Fields(cursor_.line(), TypeOf(cursor_.line()).length, cursor_.number());
}

void Driver::Run() {
  while (Step()) {
    if (options_.self_check_every != 0 && cursor_.number() >= next_self_check_) {
      next_self_check_ = cursor_.number() + options_.self_check_every;
      heap_.SelfCheck();
    }
  }
}

bool Driver::Step() {
  const LineType type = matcher_.Current();
  if (checkpoints_.due()) {
    checkpoints_.Look();
    if (!checkpoints_.due()) return true;
  }
  if (checkpoints_.final_line() != 0 && type.kind != Kind::kExit && !exited_) {
    throw Mismatch{checkpoints_.final_line(), "`C`", "no checkpoint here", "C ...", std::nullopt};
  }
  if (type.form == Form::kClose) matcher_.Unexpected("nothing", std::nullopt);
  if (header_.level == 1 && IsObjectLevel(type.kind))
    throw BadLog{cursor_.number(), "a line of level 2 in a log of level 1"};
  switch (type.kind) {
    case Kind::kMalloc:
      Malloc();
      return true;
    case Kind::kFlush:
      Flush();
      return true;
    case Kind::kEnsureSwept:
    case Kind::kChunk:
      Special();
      return true;
    case Kind::kCheckpoint:
      checkpoints_.Final();
      return true;
    case Kind::kExit:
      Exit();
      return true;
    case Kind::kTrailer:
      Trailer();
      return false;
    default:
      if (!PerformOne()) matcher_.Unexpected("nothing", std::nullopt);
      return true;
  }
}

void Driver::Perform() {
  while (true) {
    matcher_.Current();
    if (checkpoints_.due()) checkpoints_.Look();
    if (!PerformOne()) return;
  }
}

void Driver::PageOperationDone(uint64_t number) { checkpoints_.OperationDone(number); }

bool Driver::PerformOne() {
  const LineType type = matcher_.Current();
  if (type.form == Form::kClose) return false;
  switch (type.kind) {
    case Kind::kSpanAlloc: {
      Fields f = Inputs();
      f.Dec();
      const std::optional<heap::SpanKind> kind = SpanKindNamed(f.Word());
      if (!kind.has_value()) f.Bad("an unknown kind of span");
      // Spans for objects come from outside only where there is no object level.
      if (*kind == heap::SpanKind::kGc && (header_.level == 2 || !matcher_.idle())) return false;
      AllocateSpan(*kind);
      return true;
    }
    case Kind::kSpanFree: {
      Fields f = Inputs();
      f.Hex(), f.Dec(), f.Word(), f.Bit(), f.Bit();
      const std::optional<heap::FreeCause> cause = FreeCauseNamed(f.Word());
      if (!cause.has_value()) f.Bad("an unknown cause");
      switch (*cause) {
        case heap::FreeCause::kTrim:
        case heap::FreeCause::kGrow:
          return false;
        case heap::FreeCause::kSmall:
        case heap::FreeCause::kLarge:
          if (header_.level == 2 || !matcher_.idle()) return false;
          break;
        case heap::FreeCause::kStack:
        case heap::FreeCause::kWorkBuffer:
          break;
      }
      FreeSpan(*cause);
      return true;
    }
    case Kind::kScavenge:
      Scavenge();
      return true;
    case Kind::kSweepStep: {
      Fields f = Inputs();
      const std::optional<heap::SweepCause> cause = SweepCauseNamed(f.Word());
      if (!cause.has_value()) f.Bad("an unknown cause");
      if (*cause == heap::SweepCause::kDeduct || *cause == heap::SweepCause::kReclaim) return false;
      SweepStep(*cause);
      return true;
    }
    case Kind::kSpecialAdd:
    case Kind::kSpecialRemove:
      if (in_special_) return false;
      Special();
      return true;
    default:
      return Collector(type.kind);
  }
}

// ---------------------------------------------------------------- page level

heap::Pages Driver::CheckedPages(Fields& f) const {
  const uint64_t n = f.Dec();
  if (n == 0 || n > (header_.layout.end - header_.layout.start).v >> heap::kPageShift) {
    f.Bad("an impossible number of pages");
  }
  return heap::Pages(n);
}

void Driver::AllocateSpan(heap::SpanKind kind) {
  Fields f = Inputs();
  const heap::Pages pages = CheckedPages(f);
  f.Word();
  const uint64_t span_class = f.Dec();
  const bool large = f.Bit();
  if (span_class >= 2 * heap_.classes().count()) f.Bad("an unknown span class");
  matcher_.Driven();
  const heap::SpanId span =
      kind == heap::SpanKind::kGc
          ? heap_.AllocateSpan(pages, static_cast<heap::SpanClass>(span_class), large)
          : heap_.AllocateManual(pages, kind);
  if (span == heap::kNoSpan)
    throw BadLog{cursor_.number(), "a span for which the arena has no memory"};
}

void Driver::FreeSpan(heap::FreeCause cause) {
  Fields f = Inputs();
  const uint64_t offset = f.Hex();
  const uint64_t npages = f.Dec();
  const heap::SpanTable& spans = heap_.spans();
  const uint64_t page = offset >> heap::kPageShift;
  const heap::SpanId id = page < heap_.arena().table_pages() ? spans.AtPage(page) : heap::kNoSpan;
  if (id == heap::kNoSpan || matcher_.OffsetOf(spans[id].address()) != offset ||
      spans[id].npages != npages) {
    f.Bad("a free of a span that is not there");
  }
  const bool manual = cause == heap::FreeCause::kStack || cause == heap::FreeCause::kWorkBuffer;
  const heap::Span& s = spans[id];
  if (s.state != (manual ? heap::SpanState::kManual : heap::SpanState::kInUse) ||
      (!manual && s.large() != (cause == heap::FreeCause::kLarge))) {
    f.Bad("a free of a span that is of another kind");
  }
  matcher_.Driven();
  if (manual) {
    heap_.FreeManual(id, cause == heap::FreeCause::kStack ? heap::SpanKind::kStack
                                                          : heap::SpanKind::kWorkBuffer);
  } else {
    heap_.FreeSpan(id, cause);
  }
}

void Driver::Scavenge() {
  Fields f = Inputs();
  const int64_t k = f.Signed();
  if (k < INT32_MIN || k > INT32_MAX) f.Bad("an impossible running number");
  const uint64_t now = f.Take("max") ? UINT64_MAX : f.Dec();
  const uint64_t limit = f.Dec();
  matcher_.Driven();
  heap_.Scavenge(static_cast<int32_t>(k), now, limit);
}

// ---------------------------------------------------------------- objects

void Driver::Malloc() {
  matcher_.Driven();
  Comparison request = matcher_.Open(Kind::kMalloc);
  Fields& f = request.fields();
  const uint64_t size = f.Dec();
  if (size == 0 || size > (header_.layout.end - header_.layout.start).v)
    f.Bad("an impossible size");
  const bool noscan = f.Bit();
  const bool needzero = f.Bit();
  request.Done();
  const uint64_t address = heap_.Malloc(0, size, noscan, needzero).address;
  std::optional<Comparison> line = matcher_.Close(Kind::kMalloc);
  line->Offset("offset", heap::Address(address));
  line->Done();
}

void Driver::SweepStep(heap::SweepCause cause) {
  if (heap_.sweep_done())
    matcher_.Unexpected("no sweep step, since sweeping is done", std::nullopt);
  matcher_.Driven();
  heap_.SweepStep(cause);
}

void Driver::Flush() {
  matcher_.Driven();
  heap_.FlushAll();
}

// A record is added or removed; the span's sweep and a new chunk of records, which come first,
// stand before the line that says so.
void Driver::Special() {
  size_t ahead = 0;
  LineType type;
  for (bool in_sweep = false;; ++ahead) {
    const std::optional<absl::string_view> line = cursor_.Peek(ahead);
    if (!line.has_value())
      throw BadLog{cursor_.number() + ahead, "the log ends without its trailer"};
    type = TypeOf(*line);
    if (type.kind == Kind::kEnsureSwept) {
      in_sweep = type.form == Form::kOpen;
      continue;
    }
    if (in_sweep || type.kind == Kind::kChunk || type.kind == Kind::kSystemTaken ||
        type.kind == Kind::kSystemReturned)
      continue;
    if (type.kind == Kind::kSpecialAdd || type.kind == Kind::kSpecialRemove) break;
    matcher_.Unexpected("nothing", std::nullopt);
  }
  Fields f(*cursor_.Peek(ahead), type.length, cursor_.number() + ahead);
  const uint64_t span = f.Hex();
  const uint64_t offset = f.Dec();
  const uint64_t kind = f.Dec();
  const uint64_t used = matcher_.OffsetOf(heap_.arena().used());
  if (span >= used || offset >= used - span) f.Bad("a record outside the arena");
  const heap::Address object = matcher_.arena_start() + heap::Bytes(span + offset);
  const bool add = type.kind == Kind::kSpecialAdd;
  if (kind != 1 && (kind != 2 || !add)) f.Bad("an unknown kind of record");
  const heap::SpanId id = heap_.LookupMaybe(object);
  if (id == heap::kNoSpan || matcher_.OffsetOf(heap_.spans()[id].address()) != span)
    f.Bad("a record in a span that is not there");

  in_special_ = true;
  bool ok = true;
  if (!add) {
    ok = heap_.RemoveFinalizer(object);
  } else if (kind == 1) {
    ok = heap_.AddFinalizer(object);
  } else {
    heap_.AddProfile(object);
  }
  Comparison line = matcher_.Expect(type.kind);
  line.Hex("span", span);
  line.Dec("off", offset);
  line.Dec("kind", kind);
  line.Bit("ok", ok);
  line.Done();
  in_special_ = false;
}

// ---------------------------------------------------------------- collector

bool Driver::Collector(Kind kind) {
  switch (kind) {
    case Kind::kCycle:
      Cycle();
      break;
    case Kind::kPhase:
      Phase();
      break;
    case Kind::kMarked:
      Marked();
      break;
    case Kind::kSweepStart:
      SweepStart();
      break;
    case Kind::kPacing:
      Pacing();
      break;
    default:
      return false;
  }
  cursor_.Advance();
  return true;
}

void Driver::Cycle() {
  Fields f = Inputs();
  if (f.Dec() > 3) f.Bad("an unknown kind of cycle");
  if (f.Dec() > 2) f.Bad("an unknown mode");
  f.Dec();  // cycle
  const uint64_t heap_live = f.Dec();
  f.Signed(), f.Signed();  // trigger and goal
  f.End();
  if (header_.level == 1) return;
  // The last cycle's sweeping is over, so its mark bits may go.
  heap_.NextMarkBitEpoch();
  matcher_.Compare("heap_live", heap_live, heap_.stats().heap_live);
}

void Driver::Phase() {
  Fields f = Inputs();
  const uint64_t phase = f.Dec();
  if (phase > 2) f.Bad("an unknown phase");
  f.Dec();  // time
  f.End();
  heap_.SetPhase(static_cast<heap::GcPhase>(phase));
}

void Driver::Marked() {
  Fields f = Inputs();
  const uint64_t bytes = f.Dec();
  f.End();
  heap_.SetMarked(bytes);
}

void Driver::SweepStart() {
  Fields f = Inputs();
  const uint64_t sweepgen = f.Dec();
  if (f.Dec() > 2) f.Bad("an unknown mode");
  const uint64_t pages_in_use = f.Dec();
  f.End();
  heap_.StartSweep();
  matcher_.Compare("sweepgen", sweepgen, heap_.sweepgen());
  matcher_.Compare("pages_in_use", pages_in_use, heap_.pages_in_use());
}

void Driver::Pacing() {
  Fields f = Inputs();
  const uint64_t ratio = f.Hex();
  const uint64_t basis_live = f.Dec();
  const uint64_t basis_swept = f.Dec();
  const int64_t trigger = f.Signed();
  const int64_t goal = f.Signed();
  const uint64_t marked = f.Dec();
  const bool sweepdone = f.Bit();
  const uint64_t heap_live = f.Dec();
  f.End();
  if (header_.level == 1) return;
  heap_.SetPacing(static_cast<uint64_t>(trigger), static_cast<uint64_t>(goal), marked);
  matcher_.Compare("sweepdone", sweepdone, heap_.sweep_done());
  matcher_.Compare("heap_live", heap_live, heap_.stats().heap_live);
  matcher_.Compare("basis_live", basis_live, heap_.sweep_heap_live_basis());
  matcher_.Compare("basis_swept", basis_swept, heap_.pages_swept_basis());
  const uint64_t bits = std::bit_cast<uint64_t>(heap_.sweep_pages_per_byte());
  matcher_.CountChecked();
  if (ratio != bits) {
    matcher_.Differ(absl::StrCat("ratio ", absl::Hex(ratio, absl::kZeroPad16)),
                    absl::StrCat("ratio ", absl::Hex(bits, absl::kZeroPad16)), std::nullopt);
  }
}

// ---------------------------------------------------------------- the end

void Driver::Exit() {
  Fields f = Inputs();
  f.Dec();  // time
  f.End();
  if (exited_) f.Bad("a second end of the process");
  if (checkpoints_.final_line() == 0) matcher_.Unexpected("the last C", std::nullopt);
  exited_ = true;
  cursor_.Advance();
}

void Driver::Trailer() {
  Fields f = Inputs();
  const uint64_t lines = f.Dec();
  if (!f.Take("lines,")) f.Bad("a garbled trailer");
  const bool complete = f.Take("complete");
  if (!complete && !f.Take("truncated")) f.Bad("a garbled trailer");
  f.End();
  if (lines != cursor_.number() - 1) f.Bad("the trailer tells another number of lines");
  if (complete != exited_) f.Bad("complete without the end of the process, or the reverse");
  cursor_.Advance();
  if (!cursor_.at_end()) throw BadLog{cursor_.number(), "something stands behind the trailer"};
  if (matcher_.checked() == 0)
    throw BadLog{cursor_.number() - 1, "nothing in this log could be checked"};
}

}  // namespace heapsim::sim::go110
