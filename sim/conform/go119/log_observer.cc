#include "sim/conform/go119/log_observer.h"

#include "heap/pages/go119/layout.h"
#include "sim/conform/fields.h"

namespace heapsim::sim::go119 {

namespace pages = heap::go119;

absl::string_view HowText(pages::How how) {
  constexpr absl::string_view kHow[] = {"fast", "tree", "none", "fail"};
  return kHow[static_cast<int>(how)];
}

void LogObserver::Refilled(int32_t proc, const pages::PageBitmap::Refilled& refilled) {
  const pages::PageCache& cache = refilled.cache;
  lines_->Push(Expected(Kind::kRefill)
                   .Owner(proc)
                   .Equals()
                   .Offset("base", cache.base)
                   .Hex("cache", cache.free)
                   .Hex("scav", cache.scavenged)
                   .Offset("search", search())
                   .Word("how", HowText(refilled.how)));
}

void LogObserver::Searched(int32_t proc, uint64_t npages, const pages::PageBitmap::Run& run) {
  lines_->Push(Expected(Kind::kSearch)
                   .Owner(proc)
                   .Dec("npages", npages)
                   .Equals()
                   .Offset("offset", run.base)
                   .Dec("scav", run.scavenged)
                   .Offset("search", search())
                   .Word("how", HowText(run.how)));
}

void LogObserver::GrowBegin(int32_t proc, uint64_t npages, heap::Bytes ask) {
  lines_->Push(
      Expected(Kind::kGrow, Form::kOpen).Owner(proc).Dec("npages", npages).Hex("ask", ask.v));
}

void LogObserver::HeapMapped(int32_t proc, pages::AddressRange range) {
  lines_->Push(Expected(Kind::kMap)
                   .Owner(proc)
                   .Word("area", "heap")
                   .Offset("offset", range.base)
                   .Hex("len", range.size().v));
}

void LogObserver::TableMapped(int32_t proc, pages::Table table, uint64_t offset,
                              heap::Bytes length) {
  constexpr absl::string_view kAreas[] = {"L0", "L1", "L2", "L3", "L4", "index", "map"};
  lines_->Push(Expected(Kind::kMap)
                   .Owner(proc)
                   .Word("area", kAreas[static_cast<int>(table)])
                   .Hex("offset", offset)
                   .Hex("len", length.v));
}

void LogObserver::RangeAdded(int32_t proc, pages::AddressRange range) {
  lines_->Push(Expected(Kind::kRange)
                   .Owner(proc)
                   .Offset("offset", range.base)
                   .Hex("len", range.size().v)
                   .Equals()
                   .Offset("search", search()));
}

void LogObserver::GrowEnd(int32_t proc, heap::Bytes grown, pages::AddressRange rest) {
  lines_->Push(Expected(Kind::kGrow, Form::kClose)
                   .Owner(proc)
                   .Hex("grown", grown.v)
                   .Offset("cur_base", rest.base)
                   .Offset("cur_end", rest.limit));
}

void LogObserver::AssistDecided(int32_t proc, uint64_t bytes, Reading now, heap::Bytes grown) {
  lines_->Push(Expected(Kind::kDecide)
                   .Owner(proc)
                   .Equals()
                   .Dec("bytes", bytes)
                   .If(!parallel_)
                   .Dec("mapped", now.mapped)
                   .Dec("retained", now.retained)
                   .If(true)
                   .Hex("grown", grown.v)
                   .DecOrMax("goal", heap_->goals().gc_percent));
}

void LogObserver::ScavengeBegin(pages::Worker worker, uint64_t want) {
  lines_->Push(Expected(Kind::kScavenge, Form::kOpen).Owner(worker).DecOrMax("want", want));
}

void LogObserver::ScavengeLooked(pages::Worker worker, const pages::ScavengeIndex::Found& found) {
  const pages::ScavengeIndex& index = heap_->bits().index();
  lines_->Push(Expected(Kind::kLook)
                   .Owner(worker)
                   .Equals()
                   .Offset("chunk", found.found ? pages::ChunkBase(found.chunk) : heap::Address())
                   .Dec("page", found.page)
                   .Offset("search", index.search())
                   .Bit("marked", index.search_marked()));
}

Expected LogObserver::Step(Form form, pages::Worker worker, uint64_t chunk, uint64_t want) const {
  Expected line(Kind::kStep, form);
  line.Owner(worker);
  // An assist works where its P is; where the others run, the system decides.
  if (worker >= 0) {
    line.Owner(worker);
  } else {
    line.Skip("P");
  }
  line.Offset("chunk", pages::ChunkBase(chunk)).DecOrMax("want", want);
  return line;
}

void LogObserver::StepEmpty(pages::Worker worker, uint64_t chunk, uint64_t want) {
  lines_->Push(Step(Form::kLine, worker, chunk, want).Equals().Word("result", "-"));
}

void LogObserver::StepBegin(pages::Worker worker, uint64_t chunk, uint64_t want) {
  lines_->Push(Step(Form::kOpen, worker, chunk, want));
}

void LogObserver::StepEnd(pages::Worker worker, pages::PageBitmap::Piece piece) {
  lines_->Push(Expected(Kind::kStep, Form::kClose)
                   .Owner(worker)
                   .Offset("offset", piece.base)
                   .Dec("npages", piece.npages)
                   .Offset("search", search()));
}

void LogObserver::ScavengeEnd(pages::Worker worker, uint64_t released) {
  lines_->Push(Expected(Kind::kScavenge, Form::kClose).Owner(worker).Dec("released", released));
}

bool LogObserver::CursorAt(Kind kind, pages::Worker owner) const {
  const LineType type = TypeOf(cursor_->line());
  if (type.kind != kind || type.form != Form::kLine) return false;
  return Fields(cursor_->line(), type.length, cursor_->number()).Take(WorkerText(owner));
}

pages::Surroundings::Reading LogObserver::Read(int32_t proc, Reading own) {
  if (!parallel_) return own;
  // The line is written where there is something to do; where it is not, nothing was read that
  // matters.
  if (!CursorAt(Kind::kDecide, proc)) return {0, 0};
  const LineType type = TypeOf(cursor_->line());
  Fields fields(cursor_->line(), type.length, cursor_->number());
  fields.Word();
  if (!fields.Take("=")) fields.Bad("the results are missing");
  fields.Dec();
  const uint64_t mapped = fields.Dec();
  return {mapped, fields.Dec()};
}

bool LogObserver::LimiterOn(int32_t proc) {
  if (!CursorAt(Kind::kLimiterOn, proc)) return false;
  lines_->Push(Expected(Kind::kLimiterOn).Owner(proc));
  return true;
}

bool LogObserver::LimiterStops(pages::Worker worker) {
  if (!CursorAt(Kind::kLimiterStops, worker)) return false;
  lines_->Push(Expected(Kind::kLimiterStops).Owner(worker));
  return true;
}

}  // namespace heapsim::sim::go119
