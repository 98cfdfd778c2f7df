#include "sim/conform/go119/driver.h"

#include <algorithm>
#include <bit>

#include "absl/strings/str_cat.h"
#include "heap/pages/go119/layout.h"
#include "sim/conform/go119/checkpoint.h"
#include "sim/conform/stop.h"

namespace heapsim::sim::go119 {
namespace {

namespace pages = heap::go119;

constexpr uint64_t kMaxPages = uint64_t{1} << 27;  // a TiB in one span
constexpr uint64_t kMaxProcs = 1 << 16;
constexpr uint64_t kDumpEvery = 16;  // checkpoints

std::optional<pages::Use> UseNamed(absl::string_view word) {
  if (word.size() != 1) return std::nullopt;
  switch (word[0]) {
    case 'h':
      return pages::Use::kHeap;
    case 's':
      return pages::Use::kStack;
    case 'w':
      return pages::Use::kWorkBuffer;
    case 'b':
      return pages::Use::kPtrBits;
    default:
      return std::nullopt;
  }
}

}  // namespace

Driver::Driver(LineCursor* cursor, const ConformOptions& options)
    : cursor_(*cursor),
      options_(options),
      header_(ReadHeader(*cursor)),
      os_(cursor, &header_),
      observer_(cursor),
      space_(&os_),
      heap_(&os_, &space_, header_.huge_page, &observer_, &observer_),
      slots_(3) {
  observer_.SetHeap(&heap_);
  heap_.AddMapped(header_.mapped_ready);
  if (header_.procs > 1) observer_.SetParallel();
}

void Driver::Run() {
  while (Line()) {
    if (options_.self_check_every != 0 && cursor_.number() >= next_self_check_ && !AnyOpen()) {
      next_self_check_ = cursor_.number() + options_.self_check_every;
      heap_.SelfCheck();
    }
  }
}

bool Driver::AnyOpen() const {
  return std::any_of(slots_.begin(), slots_.end(), [](const Slot& s) { return s.open; });
}

// ---------------------------------------------------------------- lines

bool Driver::Line() {
  if (cursor_.at_end()) throw BadLog{cursor_.number(), "the log ends without its trailer"};
  const LineType type = TypeOf(cursor_.line());
  switch (type.kind) {
    case Kind::kAlloc:
      if (type.form == Form::kLine) {
        AllocOnOneLine();
      } else if (type.form == Form::kOpen) {
        AllocOpen();
      } else {
        Nested(type);
      }
      return true;
    case Kind::kScavenge:
      if (type.form == Form::kClose) {
        Nested(type);
      } else {
        ScavengeOpen();
      }
      return true;
    case Kind::kRefill:
    case Kind::kSearch:
    case Kind::kGrow:
    case Kind::kReserve:
    case Kind::kMap:
    case Kind::kRange:
    case Kind::kDecide:
    case Kind::kLimiterOn:
    case Kind::kLook:
    case Kind::kStep:
    case Kind::kLimiterStops:
    case Kind::kAdvice:
      Nested(type);
      return true;
    case Kind::kFree:
      Free();
      return true;
    case Kind::kFlush:
      Flush();
      return true;
    case Kind::kProcs:
      Procs();
      return true;
    case Kind::kMappedMore:
    case Kind::kMappedLess:
      OtherMemory(type.kind == Kind::kMappedMore);
      return true;
    case Kind::kLimit:
      Limit();
      return true;
    case Kind::kAsk:
      Ask();
      return true;
    case Kind::kSlept:
      Slept();
      return true;
    case Kind::kHeapInUse:
      HeapInUse();
      return true;
    case Kind::kGoals:
      Goals();
      return true;
    case Kind::kCheckpoint:
      if (exited_) Unexpected("nothing behind the end of the process", heap::Address());
      Match(CheckpointOf(heap_, determined(), operations_));
      ++checkpoints_;
      Dump();
      return true;
    case Kind::kExit:
      Exit();
      return true;
    case Kind::kTrailer:
      Trailer();
      return false;
    default:
      Unexpected("nothing", heap::Address());
  }
}

Fields Driver::Inputs() const {
  return Fields(cursor_.line(), TypeOf(cursor_.line()).length, cursor_.number());
}

pages::Worker Driver::ReadWorker(Fields& f) const {
  if (f.Take("-")) return pages::kNoProc;
  if (f.Take("bg")) return pages::kBackground;
  if (f.Take("force")) return pages::kForced;
  const uint64_t p = f.Dec();
  if (p >= heap_.procs()) f.Bad("a processor that is not there");
  return static_cast<pages::Worker>(p);
}

void Driver::Check(const Expected& expected) {
  const LineType type = TypeOf(cursor_.line());
  if (type.kind != expected.kind() || type.form != expected.form()) {
    Unexpected(expected.Text(header_.base), expected.about());
  }
  const Expected::Verdict verdict =
      expected.Compare(Fields(cursor_.line(), type.length, cursor_.number()), header_.base);
  if (!verdict.same) Differ(verdict.expected, verdict.got, expected.about());
  checked_ += verdict.compared;
}

void Driver::Match(const Expected& expected) {
  Check(expected);
  cursor_.Advance();
}

void Driver::Differ(std::string expected, std::string got, heap::Address about) const {
  Validate(cursor_.line(), cursor_.number());
  throw Mismatch{cursor_.number(), std::move(expected), std::move(got), std::string(cursor_.line()),
                 about.is_null() ? std::nullopt : std::optional<heap::Address>(about)};
}

void Driver::Unexpected(const std::string& got, heap::Address about) const {
  Differ(absl::StrCat("`", cursor_.line(), "`"), absl::StrCat("`", got, "`"), about);
}

// ---------------------------------------------------------------- operations

pages::PageHeap::Allocation Driver::ReadAllocation(Fields& f) const {
  const pages::Worker p = ReadWorker(f);
  if (p < pages::kNoProc) f.Bad("an allocation by the scavenger");
  const uint64_t npages = f.Dec();
  if (npages == 0 || npages > kMaxPages) f.Bad("an impossible number of pages");
  const std::optional<pages::Use> use = UseNamed(f.Word());
  if (!use.has_value()) f.Bad("an unknown kind");
  f.Dec();  // the span class
  return pages::PageHeap::NewAllocation(p, npages, *use);
}

void Driver::NoteSpan(const pages::PageHeap::Allocation& a) {
  if (a.base().is_null()) {
    throw BadLog{cursor_.number(), "pages for which the system has no address space"};
  }
  spans_[(a.base() - header_.base).v >> heap::kPageShift] = {static_cast<uint32_t>(a.npages()),
                                                             a.use()};
  ++operations_;
}

void Driver::AllocOnOneLine() {
  Fields f = Inputs();
  Fields owner = f;
  const pages::Worker p = ReadWorker(owner);
  Slot& slot = SlotOf(p);
  if (slot.open) MissesLine(p, &slot);
  slot.allocation = ReadAllocation(f);
  if (!f.Take("=")) f.Bad("the results are missing");
  slot.lines.Begin(p, p);
  os_.BeginStep(&slot.lines, false);
  observer_.BeginStep(&slot.lines);
  heap_.Run(&slot.allocation);
  const pages::PageHeap::Allocation& a = slot.allocation;
  // On one line a search stands alone, and its results are the line's.
  const bool searched =
      slot.lines.size() == 1 && slot.lines.front().kind() == Kind::kSearch && !a.from_cache();
  if (!searched && !slot.lines.empty()) {
    Differ("nothing nested in the line",
           absl::StrCat("`", slot.lines.front().Text(header_.base), "`"),
           slot.lines.front().about());
  }
  // Compared by hand: three of four lines are of this kind.
  ++checked_;
  const auto differ = [&](absl::string_view name, std::string expected, std::string got) {
    Differ(absl::StrCat(name, " ", expected), absl::StrCat(name, " ", got), a.base());
  };
  const uint64_t offset = (a.base() - header_.base).v;
  if (const uint64_t v = f.Hex(); v != offset || a.base().is_null()) {
    differ("offset", absl::StrCat(absl::Hex(v)),
           a.base().is_null() ? "none" : absl::StrCat(absl::Hex(offset)));
  }
  if (const uint64_t v = f.Dec(); v != a.scavenged()) {
    differ("scav", absl::StrCat(v), absl::StrCat(a.scavenged()));
  }
  if (const bool v = f.Bit(); v != a.needzero() && determined()) {
    differ("needzero", v ? "1" : "0", v ? "0" : "1");
  }
  const absl::string_view how = f.Word();
  const absl::string_view is = a.from_cache() ? "cache" : HowText(a.how());
  if (how != is) differ("how", std::string(how), std::string(is));
  if (!a.from_cache()) {
    const heap::Address search = a.search();
    if (f.Take("max")) {
      if (search != pages::kNowhere) {
        differ("search", "max", absl::StrCat(absl::Hex((search - header_.base).v)));
      }
    } else if (const uint64_t v = f.Hex();
               search == pages::kNowhere || v != (search - header_.base).v) {
      differ(
          "search", absl::StrCat(absl::Hex(v)),
          search == pages::kNowhere ? "max" : absl::StrCat(absl::Hex((search - header_.base).v)));
    }
  }
  f.End();
  slot.lines.Clear();
  NoteSpan(a);
  cursor_.Advance();
}

void Driver::AllocOpen() {
  Fields f = Inputs();
  Fields owner = f;
  const pages::Worker p = ReadWorker(owner);
  Slot& slot = SlotOf(p);
  if (slot.open) MissesLine(p, &slot);
  slot.allocation = ReadAllocation(f);
  f.End();
  slot.scavenge = {};
  slot.proc = p;
  slot.open = true;
  slot.ended = false;
  cursor_.Advance();
}

void Driver::ScavengeOpen() {
  Fields f = Inputs();
  const pages::Worker w = ReadWorker(f);
  Slot& slot = SlotOf(w);
  if (w >= pages::kNoProc) return Nested(TypeOf(cursor_.line()));
  if (slot.open) MissesLine(w, &slot);
  slot.allocation = {};
  slot.scavenge = pages::PageHeap::NewScavenge(
      w, w == pages::kBackground ? pages::kBackgroundQuantum : UINT64_MAX);
  slot.open = true;
  slot.ended = false;
  slot.proc = pages::kNoProc;
  Nested(TypeOf(cursor_.line()));
}

void Driver::Advance(pages::Worker worker, Slot* slot, bool written) {
  while (slot->lines.empty() && !slot->ended) {
    slot->lines.Begin(worker, slot->proc);
    os_.BeginStep(&slot->lines, written);
    observer_.BeginStep(&slot->lines);
    if (!slot->scavenge.done()) {
      heap_.Step(&slot->scavenge);
      slot->ended = slot->scavenge.done();
      continue;
    }
    heap_.Step(&slot->allocation);
    if (!slot->allocation.done()) continue;
    slot->ended = true;
    const pages::PageHeap::Allocation& a = slot->allocation;
    slot->lines.Push(Expected(Kind::kAlloc, Form::kClose)
                         .Owner(worker)
                         .Offset("offset", a.base())
                         .Dec("scav", a.scavenged())
                         .If(determined())
                         .Bit("needzero", a.needzero())
                         .If(true)
                         .Word("how", a.from_cache() ? "cache" : "heap"));
  }
}

void Driver::MissesLine(pages::Worker worker, Slot* slot) {
  Advance(worker, slot, true);
  Unexpected(slot->lines.front().Text(header_.base), slot->lines.front().about());
}

void Driver::Nested(const LineType& type) {
  Fields f = Inputs();
  pages::Worker w = ReadWorker(f);
  if (type.kind == Kind::kAdvice) {
    // It names the P; a scavenger may be at work there.
    for (const pages::Worker s : {pages::kBackground, pages::kForced}) {
      const Slot& slot = SlotOf(s);
      if (slot.open && slot.scavenge.in_step() && slot.proc == w) w = s;
    }
  }
  Slot& slot = SlotOf(w);
  if (!slot.open) Unexpected("nothing", heap::Address());
  Advance(w, &slot, true);
  const Expected expected = slot.lines.front();
  Check(expected);
  if (type.kind == Kind::kStep && type.form == Form::kOpen && w < pages::kNoProc) {
    slot.proc = ReadWorker(f);
  }
  slot.lines.Pop();
  if (slot.ended && slot.lines.empty()) {
    slot.open = false;
    if (type.kind == Kind::kAlloc) NoteSpan(slot.allocation);
  }
  cursor_.Advance();
}

void Driver::Free() {
  Fields f = Inputs();
  const uint64_t offset = f.Hex();
  const uint64_t npages = f.Dec();
  const std::optional<pages::Use> use = UseNamed(f.Word());
  if (!use.has_value()) f.Bad("an unknown kind");
  if (offset % heap::kPageSize != 0 || offset >= pages::kIndexOffset) f.Bad("an impossible place");
  Spans::Span& span = spans_[offset >> heap::kPageShift];
  if (npages == 0 || span.npages != npages || span.use != *use) {
    f.Bad("a free of pages that were not taken as such");
  }
  span.npages = 0;
  heap_.Free(header_.base + heap::Bytes(offset), npages, *use);
  ++operations_;
  if (!f.Take("=")) f.Bad("the results are missing");
  const heap::Address search = heap_.bits().search();
  const uint64_t v = f.Hex();
  f.End();
  ++checked_;
  if (v + header_.base.v != search.v) {
    Differ(absl::StrCat("search ", absl::Hex(v)),
           absl::StrCat("search ", absl::Hex((search - header_.base).v)), search);
  }
  cursor_.Advance();
}

void Driver::Flush() {
  Fields f = Inputs();
  const pages::Worker p = ReadWorker(f);
  if (p < 0) f.Bad("no processor");
  if (SlotOf(p).open) f.Bad("a processor is removed in the middle of its work");
  const pages::PageCache had = heap_.FlushCache(static_cast<uint32_t>(p));
  Match(Expected(Kind::kFlush)
            .Owner(p)
            .Equals()
            .Offset("base", had.base)
            .Hex("cache", had.free)
            .Hex("scav", had.scavenged)
            .Offset("search", heap_.bits().search()));
}

void Driver::Procs() {
  Fields f = Inputs();
  f.Dec();
  const uint64_t procs = f.Dec();
  if (procs == 0 || procs > kMaxProcs) f.Bad("an impossible number of processors");
  Match(Expected(Kind::kProcs).Dec("old", procs_).Dec("new", procs));
  procs_ = procs;
  if (procs > 1) observer_.SetParallel();
  // Those that go give back their pages first.
  if (procs > heap_.procs()) heap_.SetProcs(static_cast<uint32_t>(procs));
  if (slots_.size() < heap_.procs() + 3) slots_.resize(heap_.procs() + 3);
}

// ---------------------------------------------------------------- surroundings of the heap

void Driver::OtherMemory(bool more) {
  Fields f = Inputs();
  const uint64_t bytes = f.Hex();
  f.End();
  if (bytes >= pages::kIndexOffset) f.Bad("an impossible number of bytes");
  if (more) {
    heap_.AddMapped(bytes);
  } else {
    heap_.SubtractMapped(bytes);
  }
  cursor_.Advance();
}

void Driver::Limit() {
  Fields f = Inputs();
  heap_.SetMemoryLimit(f.Take("max") ? uint64_t{INT64_MAX} : f.Dec());
  f.End();
  cursor_.Advance();
}

void Driver::Ask() {
  Fields f = Inputs();
  f.Dec();  // time
  if (!f.Take("=")) f.Bad("the results are missing");
  uint64_t retained = heap_.counters().retained();
  uint64_t mapped = heap_.counters().mapped_ready;
  if (!determined()) {
    retained = f.Dec();
    if (!f.Take("max")) f.Dec();
    mapped = f.Dec();
  }
  const pages::ScavengeGoals& goals = heap_.goals();
  Match(Expected(Kind::kAsk)
            .Skip("time")
            .Equals()
            .If(determined())
            .Dec("retained", retained)
            .If(true)
            .DecOrMax("goal", goals.gc_percent)
            .If(determined())
            .Dec("mapped", mapped)
            .If(true)
            .DecOrMax("limit_goal", goals.memory_limit)
            .Word("answer", pages::ShouldScavenge(goals, retained, mapped) ? "go" : "stop"));
}

void Driver::Slept() {
  Fields f = Inputs();
  const double worked = std::bit_cast<double>(f.Hex());
  const uint64_t slept = f.Dec();
  if (!(worked >= 0) || worked > 1e18 || slept > uint64_t{1} << 60) f.Bad("an impossible time");
  const int64_t sleep = sleep_.SleepAfter(worked);
  const pages::ScavengeSleep::State state =
      sleep_.Slept(worked, static_cast<int64_t>(slept), std::max<uint64_t>(1, procs_));
  constexpr absl::string_view kStates[] = {"ok", "cool", "reset"};
  Match(Expected(Kind::kSlept)
            .Skip("worked")
            .Skip("slept")
            .Dec("procs", procs_)
            .Equals()
            .Dec("sleep", static_cast<uint64_t>(sleep))
            .Bits("ratio", sleep_.ratio())
            .Dec("cooldown", static_cast<uint64_t>(sleep_.cooldown()))
            .Word("state", kStates[static_cast<int>(state)]));
}

void Driver::HeapInUse() {
  Fields f = Inputs();
  f.Dec();  // time
  heap_.NoteHeapInUse();
  Match(
      Expected(Kind::kHeapInUse).Skip("time").Equals().Dec("heap_inuse", heap_.last_heap_in_use()));
}

void Driver::Goals() {
  Fields f = Inputs();
  const uint64_t heap_goal = f.Take("max") ? UINT64_MAX : f.Dec();
  const uint64_t last_heap_goal = f.Take("max") ? UINT64_MAX : f.Dec();
  const uint64_t limit = f.Take("max") ? uint64_t{INT64_MAX} : f.Dec();
  if (!f.Take("=")) f.Bad("the results are missing");
  uint64_t last_in_use = heap_.last_heap_in_use();
  pages::Surroundings::Reading now = {heap_.counters().mapped_ready, heap_.counters().retained()};
  if (!determined()) {
    last_in_use = f.Dec();
    now.mapped = f.Dec();
    now.retained = f.Dec();
  }
  heap_.Pace(heap_goal, last_heap_goal, limit, last_in_use, now);
  Match(Expected(Kind::kGoals)
            .Skip("heap_goal")
            .Skip("last_heap_goal")
            .Skip("memory_limit")
            .Equals()
            .If(determined())
            .Dec("last_inuse", last_in_use)
            .Dec("mapped", now.mapped)
            .Dec("retained", now.retained)
            .If(true)
            .DecOrMax("gc_percent_goal", heap_.goals().gc_percent)
            .DecOrMax("memory_limit_goal", heap_.goals().memory_limit));
}

// ---------------------------------------------------------------- checkpoints and the end

void Driver::Dump() {
  const bool due = checkpoints_ == 1 || checkpoints_ % kDumpEvery == 0;
  dumped_ = due || IsDump(TypeOf(cursor_.line()).kind);
  if (!dumped_) return;
  if (!determined()) {
    // The caches are changed without a lock.
    while (TypeOf(cursor_.line()).kind == Kind::kDumpCache) {
      Validate(cursor_.line(), cursor_.number());
      cursor_.Advance();
    }
  }
  for (const DumpLine& dump : DumpOf(heap_, determined())) {
    if (dump.line.kind() != Kind::kDumpChunks) {
      Match(dump.line);
      continue;
    }
    const pages::Chunk& chunk = heap_.bits().chunk(dump.chunk);
    const std::string taken = BitmapText(chunk.taken), scavenged = BitmapText(chunk.scavenged);
    Expected line = dump.line;
    Match(line.Word("alloc", taken).Word("scav", scavenged));
  }
}

void Driver::Exit() {
  Fields f = Inputs();
  f.Dec();  // time
  f.End();
  if (exited_) f.Bad("a second end of the process");
  if (!dumped_) Unexpected("the last C, with a dump", heap::Address());
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
  if (lines != cursor_.number() - 1) {
    f.Bad("the trailer tells another number of lines");
  }
  if (complete != exited_) f.Bad("complete without the end of the process, or the reverse");
  // An operation that is open shows what is missing; a process may end in the middle of another's.
  for (size_t i = 0; i < slots_.size() && !complete; ++i) {
    if (!slots_[i].open) continue;
    MissesLine(static_cast<pages::Worker>(i) + pages::kForced, &slots_[i]);
  }
  cursor_.Advance();
  if (!cursor_.at_end()) throw BadLog{cursor_.number(), "something stands behind the trailer"};
  if (checked_ == 0) {
    throw BadLog{cursor_.number() - 1, "nothing in this log could be checked"};
  }
}

std::string Driver::Surroundings(heap::Address about) const {
  const pages::PageBitmap& bits = heap_.bits();
  const auto offset = [&](heap::Address a) {
    return a == pages::kNowhere ? std::string("max")
                                : absl::StrCat(absl::Hex((a - header_.base).v));
  };
  std::string text = absl::StrCat("search address ", offset(bits.search()), "\n");
  if (!bits.ranges().Contains(about)) {
    absl::StrAppend(&text, offset(about), " is in no range of the heap\n");
    return text;
  }
  const uint64_t c = pages::ChunkIndex(about);
  const pages::Chunk& chunk = bits.chunk(c);
  absl::StrAppend(&text, "chunk at ", offset(pages::ChunkBase(c)), ", page ",
                  pages::PageInChunk(about), " of 512 (bit i = page i):\n  taken     ",
                  BitmapText(chunk.taken), "\n  scavenged ", BitmapText(chunk.scavenged), "\n");
  return text;
}

}  // namespace heapsim::sim::go119
