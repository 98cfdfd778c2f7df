#include "heap/heap.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "heap/fatal.h"
#include "heap/pages/go110.h"

namespace heapsim::heap {
namespace {

constexpr Bytes kCacheRecordSize{1736};  // sizeof(mcache) on amd64
constexpr double kInitialTriggerRatio = 7.0 / 8;

// Room for 8.6 billion slots. Only hundreds of GiB of spans of the smallest objects would need
// more.
uint64_t MaxWords(const ArenaLayout& layout) {
  return std::min<uint64_t>(((layout.end - layout.start).v >> kPageShift) * 16, kMaxSlotWords);
}

}  // namespace

Heap::Heap(const HeapOptions& options, const HeapSeams& seams, PagesFactory pages)
    : options_(options),
      seams_(seams),
      spans_(options.layout, seams.os, &stats_, seams.observer),
      arena_(options.layout, seams.os, &stats_),
      bits_(MaxWords(options.layout)),
      gc_bits_(seams.os, &stats_),
      specials_(seams.os, &spans_),
      cache_records_(kCacheRecordSize, SysStat::kMCache, seams.os),
      span_classes_(2 * options.classes->count()),
      observes_caches_(seams.observer->WantsCaches()) {
  PageContext context;
  context.os = seams_.os;
  context.clock = seams_.clock;
  context.random = seams_.random;
  context.observer = seams_.observer;
  context.spans = &spans_;
  context.arena = &arena_;
  context.stats = &stats_;
  context.chunk = options_.chunk;
  context.procs = options_.procs;
  context.options = options_.pages;
  pages_ = pages(context);
  if (options_.front_end != nullptr) AttachFrontEnd();
  if (options_.release != nullptr) {
    options_.release->Attach(
        {pages_.get(), &stats_, &arena_, seams_.clock, seams_.os->PhysicalPageSize()});
  }

  caches_.resize(size_t{options_.procs} * span_classes_, CacheSlot{});
  tiny_.resize(options_.procs);
  local_.resize(options_.procs);
  for (uint32_t p = 0; p < options_.procs; ++p) {
    bool fresh;
    cache_records_.Alloc(&fresh);
  }
  stats_.mcache_inuse = cache_records_.inuse().v;

  // As if a cycle had marked what makes the least trigger of GOGC=100 come out. The runtime does
  // this before it reads GOGC, so that the number is the same for any.
  trigger_ratio_ = kInitialTriggerRatio;
  stats_.heap_marked = static_cast<uint64_t>((4 << 20) / (1 + kInitialTriggerRatio));
  SetTriggerRatio(trigger_ratio_);
}

Heap::Heap(const HeapOptions& options, const HeapSeams& seams)
    : Heap(options, seams, [](const PageContext& c) -> std::unique_ptr<PageAllocator> {
        return std::make_unique<Go110Pages>(c);
      }) {}

Heap::~Heap() = default;

Placement Heap::MallocLarge(uint32_t p, uint64_t size, uint64_t span_bytes, bool noscan,
                            bool needzero) {
  p_ = p;
  if (span_bytes < size || span_bytes > (options_.layout.end - options_.layout.start).v) {
    Throw(FatalCode::kObjectTooLarge, "out of memory");
  }
  const Pages npages(span_bytes >> kPageShift);
  Deduct(npages.bytes(), npages);
  const SpanId id = AllocateGcSpan(npages, noscan ? 1 : 0, true, needzero);
  Span& s = spans_[id];
  s.limit = s.base + size;
  InitSlots(id);
  s.free_index = 1;
  s.alloc_count = 1;
  bits_.bits(s.bits) = options_.reclaim == Reclaim::kExplicit ? ~uint64_t{0} : 0;
  s.free_words = 0;
  if (!noscan) local_[p].scan += size;
  gc_check_ = true;
  Placement r;
  r.address = s.base;
  r.bit = uint64_t{s.bits} * 64;
  r.span_class = s.span_class;
  r.tiny = false;
  r.fresh_block = true;
  r.cleared = false;
  return r;
}

SpanId Heap::AllocateManual(Pages npages, SpanKind kind) {
  seams_.observer->SpanAllocBegin(npages, kind, 0, false);
  pages_->proc = p_;
  const PageRun run = pages_->Allocate(npages);
  if (run.span == kNoSpan) return kNoSpan;
  Span& s = spans_[run.span];
  s.state = SpanState::kManual;
  s.alloc_count = 0;
  s.span_class = 0;
  s.nelems = 0;
  s.elemsize = 0;
  s.limit = s.end();
  (kind == SpanKind::kStack ? stats_.stacks_inuse : stats_.gc_sys) += npages.bytes().v;
  stats_.heap_sys -= npages.bytes().v;  // what is managed by hand is not the heap's
  seams_.observer->SpanAllocEnd({run.span, s.address(), npages, run.source, s.needzero, run.grew});
  if (options_.release != nullptr) options_.release->AfterAllocate();
  return run.span;
}

void Heap::FreeManual(SpanId span, SpanKind kind) {
  Span& s = spans_[span];
  s.needzero = true;
  (kind == SpanKind::kStack ? stats_.stacks_inuse : stats_.gc_sys) -= s.bytes().v;
  stats_.heap_sys += s.bytes().v;
  pages_->Free(span, false, kind == SpanKind::kStack ? FreeCause::kStack : FreeCause::kWorkBuffer);
  if (options_.release != nullptr) options_.release->AfterFree();
}

SpanId Heap::AllocateSpan(Pages npages, SpanClass span_class, bool large) {
  const SpanId id = TakePages(npages, span_class, large);
  spans_[id].needzero = false;
  return id;
}

void Heap::FreeSpan(SpanId span, FreeCause cause) {
  Span& s = spans_[span];
  s.alloc_count = 0;
  s.sweepgen = sweepgen();
  s.needzero = true;
  if (cause == FreeCause::kLarge) --stats_.heap_objects;
  pages_->Free(span, true, cause);
  if (options_.release != nullptr) options_.release->AfterFree();
}

std::vector<std::string> Heap::ScavengeTrace(int32_t k, Bytes released) const {
  std::vector<std::string> lines;
  if (released.v > 0) {
    lines.push_back(absl::StrCat("scvg", k, ": ", released.v >> 20, " MB released"));
  }
  lines.push_back(absl::StrCat(
      "scvg", k, ": inuse: ", stats_.heap_inuse >> 20, ", idle: ", stats_.heap_idle >> 20,
      ", sys: ", stats_.heap_sys >> 20, ", released: ", stats_.heap_released >> 20,
      ", consumed: ", (stats_.heap_sys - stats_.heap_released) >> 20, " (MB)"));
  return lines;
}

// What the runtime does whenever it holds the heap lock anyway.
void Heap::TransferLocal(uint32_t p) {
  LocalStats& l = local_[p];
  stats_.heap_scan += l.scan;
  stats_.tinyallocs += l.tinyallocs;
  l.scan = l.tinyallocs = 0;
}

void Heap::TransferLocalStats() {
  for (uint32_t p = 0; p < options_.procs; ++p) {
    TransferLocal(p);
    LocalStats& l = local_[p];
    stats_.nlookup += l.nlookup;
    stats_.largefree += l.largefree;
    stats_.nlargefree += l.nlargefree;
    for (uint32_t c = 0; c < options_.classes->count(); ++c)
      stats_.nsmallfree[c] += l.nsmallfree[c];
    l = LocalStats{};
  }
}

// A cache counts its whole span as live. Under explicit reclaim the loops count what is taken, and
// what is free in the few cached spans is added here.
uint64_t Heap::HeapLive() const {
  uint64_t live = stats_.heap_live;
  if (options_.reclaim == Reclaim::kGc) return live;
  for (const CacheSlot& k : caches_) {
    if (k.span == kNoSpan) continue;
    const Span& s = spans_[k.span];
    const SlotState state = Slots(s);
    if (state.incache()) live += uint64_t{s.elemsize} * (s.nelems - state.taken());
  }
  return live;
}

MemStats Heap::ReadStats() const {
  MemStats m = stats_;
  m.heap_live = HeapLive();
  for (const LocalStats& l : local_) {
    m.heap_scan += l.scan;
    m.tinyallocs += l.tinyallocs;
    m.nlookup += l.nlookup;
    m.largefree += l.largefree;
    m.nlargefree += l.nlargefree;
    for (uint32_t c = 0; c < options_.classes->count(); ++c) m.nsmallfree[c] += l.nsmallfree[c];
  }
  return m;
}

}  // namespace heapsim::heap
