#include "heap/naive/object_model.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace heapsim::heap::naive {
namespace {

const SizeClass& ClassOf(SpanClass c) { return SizeClasses::Go110()[c >> 1]; }

uint64_t Align(uint64_t n, uint64_t unit) { return (n + unit - 1) / unit * unit; }

}  // namespace

// ---------------------------------------------------------------- allocation

ObjectModel::Placed ObjectModel::Malloc(uint32_t p, uint64_t size, bool noscan, bool needzero) {
  if (noscan && size < 16 && combine_tiny_) {
    Tiny& t = tiny_[p];
    uint64_t at = t.fill;
    for (const uint64_t unit : {8, 4, 2}) {
      if (size % unit == 0) {
        at = Align(at, unit);
        break;
      }
    }
    Placed placed;
    if (t.block && at + size <= 16) {
      t.fill = at + size;
      ++m_.local.tinyallocs;
      placed.slot = *t.block;
      placed.offset = *t.block + at;
      placed.span_class = 5;
      placed.fresh_block = false;
    } else {
      placed = Small(p, 5, false);
      if (!t.block || size < t.fill) t = Tiny{placed.slot, size};
    }
    placed.tiny = true;
    return placed;
  }
  if (size <= 32768) {
    uint32_t c = 1;
    while (SizeClasses::Go110()[c].size < size) ++c;
    const Placed placed = Small(p, static_cast<SpanClass>(2 * c + (noscan ? 1 : 0)), needzero);
    if (!noscan) m_.local.heap_scan += size;
    return placed;
  }
  const uint64_t npages = Align(size, kPageSize) / kPageSize;
  Deduct(npages * kPageSize, npages);
  const SpanId id = TakeSpan(npages, noscan ? 1 : 0, true);
  ModelSpan& s = spans_[id];
  s.slots = 1;
  s.slot_bytes = npages * kPageSize;
  s.limit = size;
  s.count = 1;
  s.free_index = 1;
  if (explicit_) s.taken = {0};
  if (!noscan) m_.local.heap_scan += size;
  Placed placed;
  placed.offset = placed.slot = s.first * kPageSize;
  placed.span_class = s.span_class;
  return placed;
}

ObjectModel::Placed ObjectModel::MallocClass(uint32_t p, uint32_t size_class, bool noscan,
                                             bool needzero) {
  const Placed placed =
      Small(p, static_cast<SpanClass>(2 * size_class + (noscan ? 1 : 0)), needzero);
  if (!noscan) m_.local.heap_scan += SizeClasses::Go110()[size_class].size;
  return placed;
}

ObjectModel::Placed ObjectModel::Small(uint32_t p, SpanClass c, bool needzero) {
  Cache& cache = caches_[{p, c}];
  std::optional<uint64_t> slot;
  if (cache.id != kNoSpan) slot = NextSlot(cache);
  if (!slot) {
    Refill(p, c);
    slot = NextSlot(cache);
  }
  ModelSpan& s = spans_[cache.id];
  ++s.count;
  Placed placed;
  placed.offset = placed.slot = s.first * kPageSize + *slot * s.slot_bytes;
  placed.span_class = c;
  placed.cleared = needzero && cache.needzero;
  if (explicit_) s.taken.insert(*slot);
  return placed;
}

// Slots are handed out in rising order of what is free.
std::optional<uint64_t> ObjectModel::NextSlot(Cache& cache) {
  ModelSpan& s = spans_[cache.id];
  if (!explicit_) {
    while (s.free_index < s.slots && s.taken.contains(s.free_index)) ++s.free_index;
    if (s.free_index == s.slots) return std::nullopt;
    return s.free_index++;
  }
  while (cache.window.empty()) {
    if (cache.next >= s.slots) return std::nullopt;
    LoadWindow(cache);
  }
  const uint64_t slot = *cache.window.begin();
  cache.window.erase(slot);
  return slot;
}

// Explicit reclaim: the next 64 slots. What is freed among them from now on waits until the span
// comes back.
void ObjectModel::LoadWindow(Cache& cache) {
  const ModelSpan& s = spans_[cache.id];
  cache.window.clear();
  for (const uint64_t end = std::min<uint64_t>(cache.next + 64, s.slots); cache.next < end;
       ++cache.next) {
    if (!s.taken.contains(cache.next)) cache.window.insert(cache.next);
  }
  cache.needzero = s.needzero;
}

void ObjectModel::Refill(uint32_t p, SpanClass c) {
  Cache& cache = caches_[{p, c}];
  Line("R{ ", p, " ", uint32_t{c}, " ", cache.id);
  if (cache.id != kNoSpan) {
    if (explicit_) {
      Drop(cache);
    } else {
      spans_[cache.id].cached = false;
    }
    cache = Cache{};
  }
  Deduct(ClassOf(c).pages * kPageSize, 0);
  const auto [id, path] = TakeCentral(c);
  ModelSpan& s = spans_[id];
  s.cached = true;
  m_.nmalloc[c] += s.slots - s.count;
  m_.heap_live += s.npages * kPageSize - s.count * s.slot_bytes;
  cache.id = id;
  cache.needzero = s.needzero;
  if (explicit_) LoadWindow(cache);
  Line("R} ", id, " ", Offset(s.first), " ", static_cast<int>(path), " ", s.count, " ",
       explicit_ ? 0 : s.free_index, " ", m_.heap_live);
}

// First the newest span with free slots, then the oldest full one if it was not swept yet, then new
// pages.
std::pair<SpanId, RefillPath> ObjectModel::TakeCentral(SpanClass c) {
  std::list<SpanId>&nonempty = nonempty_[c], &empty = empty_[c];
  while (true) {
    if (!nonempty.empty()) {
      const SpanId id = nonempty.front();
      empty.splice(empty.end(), nonempty, nonempty.begin());
      ModelSpan& s = spans_[id];
      if (s.sweepgen != sweepgen_ - 2) return {id, RefillPath::kNonempty};
      s.sweepgen = sweepgen_ - 1;
      Sweep(id, true);
      return {id, RefillPath::kNonemptySweep};
    }
    if (empty.empty() || spans_[empty.front()].sweepgen != sweepgen_ - 2) break;
    const SpanId id = empty.front();
    empty.splice(empty.end(), empty, empty.begin());
    ModelSpan& s = spans_[id];
    s.sweepgen = sweepgen_ - 1;
    Sweep(id, true);
    while (s.free_index < s.slots && s.taken.contains(s.free_index)) ++s.free_index;
    if (s.free_index < s.slots) return {id, RefillPath::kEmptySweep};
  }
  const SpanId id = TakeSpan(ClassOf(c).pages, c, false);
  ModelSpan& s = spans_[id];
  s.slot_bytes = ClassOf(c).size;
  s.slots = s.npages * kPageSize / s.slot_bytes;
  s.limit = s.slots * s.slot_bytes;
  empty.push_back(id);
  return {id, RefillPath::kGrow};
}

SpanId ObjectModel::TakeSpan(uint64_t npages, SpanClass c, bool large) {
  if (!sweep_done_) ReclaimPages(npages);
  PassOnScanAndTiny();
  Line("A{ ", npages, " 0 ", uint32_t{c}, " ", Flag(large));
  const auto run = Allocate(npages);
  if (!run) throw OutOfMemory();
  ModelSpan& s = spans_[run->id];
  s.state = SpanState::kInUse;
  s.sweepgen = sweepgen_;
  s.span_class = c;
  s.count = s.free_index = 0;
  s.taken.clear();
  s.specials.clear();
  s.cached = false;
  stats_.heap_inuse += npages * kPageSize;
  stats_.pages_in_use += npages;
  if (large) {
    ++m_.heap_objects;
    ++m_.nlargealloc;
    m_.largealloc += npages * kPageSize;
    m_.heap_live += npages * kPageSize;
    busy_[std::min<uint64_t>(npages, 128)].push_back(run->id);
  }
  Line("A} ", run->id, " ", Offset(s.first), " ", npages, " ", run->source, " ", Flag(s.needzero),
       " ", Flag(run->grew));
  s.needzero = false;
  if (!explicit_) swept_.push_back(run->id);
  return run->id;
}

// ---------------------------------------------------------------- spans that leave a cache

void ObjectModel::FlushAll() {
  for (auto& [c, n] : m_.local.nsmallfree) m_.passed.nsmallfree[c] += n;
  m_.passed.nlargefree += m_.local.nlargefree;
  m_.passed.largefree += m_.local.largefree;
  PassOnScanAndTiny();
  m_.local = Counters{};
  for (uint32_t p = 0; p < procs_; ++p) {
    Line("Y{ ", p);
    for (auto& [key, cache] : caches_) {  // in order of classes
      if (key.first != p || cache.id == kNoSpan) continue;
      if (explicit_) {
        Drop(cache);
      } else {
        PutBack(cache);
      }
      cache = Cache{};
    }
    tiny_[p] = Tiny{};
    Line("Y} ", p);
  }
}

void ObjectModel::PutBack(Cache& cache) {
  ModelSpan& s = spans_[cache.id];
  const uint64_t free = s.slots - s.count;
  s.cached = false;
  if (free > 0) {
    empty_[s.span_class].remove(cache.id);
    nonempty_[s.span_class].push_front(cache.id);
    m_.nmalloc[s.span_class] -= free;
    m_.heap_live -= free * s.slot_bytes;
  }
  Line("X ", uint32_t{s.span_class}, " ", cache.id, " ", Offset(s.first), " ", free);
}

void ObjectModel::Drop(Cache& cache) {
  ModelSpan& s = spans_[cache.id];
  s.count = s.taken.size();
  PutBack(cache);
  if (s.taken.empty()) {
    nonempty_[s.span_class].remove(cache.id);
    s.needzero = true;
    FreeObjectSpan(cache.id, FreeCause::kSmall);
  }
}

void ObjectModel::FreeSlot(uint64_t slot) {
  const SpanId id = Lookup(slot);
  ModelSpan& s = spans_[id];
  s.needzero = true;
  if (s.span_class < 2) {
    m_.heap_live -= s.npages * kPageSize;
    ++m_.local.nlargefree;
    m_.local.largefree += s.npages * kPageSize;
    FreeObjectSpan(id, FreeCause::kLarge);
    return;
  }
  const SpanClass c = s.span_class;
  ++m_.local.nsmallfree[c / 2];
  const bool was_full = s.taken.size() == s.slots;
  s.taken.erase((slot - s.first * kPageSize) / s.slot_bytes);
  s.count = s.taken.size();
  if (s.cached) return;
  m_.heap_live -= s.slot_bytes;
  if (was_full) {
    empty_[c].remove(id);
    nonempty_[c].push_front(id);
  }
  if (s.taken.empty()) {
    nonempty_[c].remove(id);
    FreeObjectSpan(id, FreeCause::kSmall);
  }
}

void ObjectModel::FreeObjectSpan(SpanId id, FreeCause cause) {
  PassOnScanAndTiny();
  if (cause == FreeCause::kLarge) --m_.heap_objects;
  Free(id, true, true, 0, cause);
}

void ObjectModel::LeaveLists(SpanId id) {
  for (auto& [n, list] : busy_) list.remove(id);
}

void ObjectModel::PassOnScanAndTiny() {
  m_.passed.heap_scan += std::exchange(m_.local.heap_scan, 0);
  m_.passed.tinyallocs += std::exchange(m_.local.tinyallocs, 0);
}

std::set<uint64_t> ObjectModel::TakenSlots(SpanId id) const {
  const ModelSpan& s = spans_.at(id);
  std::set<uint64_t> taken = s.taken;
  for (uint64_t i = 0; i < s.free_index && !explicit_; ++i) taken.insert(i);
  return taken;
}

// ---------------------------------------------------------------- lookups

SpanId ObjectModel::Lookup(uint64_t offset) const {
  auto it = runs_.upper_bound(offset / kPageSize);
  if (it == runs_.begin()) return kNoSpan;
  const SpanId id = std::prev(it)->second;
  const ModelSpan& s = spans_.at(id);
  const bool inside = offset - s.first * kPageSize < s.limit;
  return s.state == SpanState::kInUse && inside ? id : kNoSpan;
}

bool ObjectModel::InHeapOrStack(uint64_t offset) const {
  if (Lookup(offset) != kNoSpan) return true;
  auto it = runs_.upper_bound(offset / kPageSize);
  if (it == runs_.begin()) return false;
  const ModelSpan& s = spans_.at(std::prev(it)->second);
  return s.state == SpanState::kManual && offset / kPageSize < s.first + s.npages;
}

// ---------------------------------------------------------------- sweeping

int64_t ObjectModel::SweepStep(SweepCause cause) {
  if (sweep_done_) return -1;
  Line("W{ ", static_cast<int>(cause));
  int64_t result = -1;
  while (!unswept_.empty()) {
    const SpanId id = unswept_.back();
    unswept_.pop_back();
    ModelSpan& s = spans_[id];
    if (s.state != SpanState::kInUse || s.sweepgen != sweepgen_ - 2) continue;
    s.sweepgen = sweepgen_ - 1;
    const uint64_t npages = s.npages;
    result = Sweep(id, false) ? static_cast<int64_t>(npages) : 0;
    break;
  }
  if (result == -1) sweep_done_ = true;
  Line("W} ", result);
  return result;
}

bool ObjectModel::Sweep(SpanId id, bool preserve) {
  ModelSpan& s = spans_[id];
  Line("Z{ ", id, " ", Offset(s.first), " ", s.npages, " ", uint32_t{s.span_class}, " ", sweepgen_,
       " ", Flag(preserve), " ", s.slots, " ", s.count, " ", s.free_index);
  pages_swept_ += s.npages;
  const std::set<uint64_t> before = TakenSlots(id);
  std::set<uint64_t> marked;
  for (const uint64_t slot : before) {
    if (live.contains(s.first * kPageSize + slot * s.slot_bytes)) marked.insert(slot);
  }
  SweepSpecials(s, &marked);

  const bool was_full = before.size() == s.slots;
  const uint64_t freed = s.count - marked.size();
  s.count = marked.size();
  s.taken = marked;
  s.free_index = 0;
  s.sweepgen = sweepgen_;
  bool gone = false;
  if (freed > 0) {
    s.needzero = true;
    if (s.span_class < 2) {
      FreeObjectSpan(id, FreeCause::kLarge);
      ++m_.local.nlargefree;
      m_.local.largefree += s.slot_bytes;
      gone = true;
    } else {
      m_.local.nsmallfree[s.span_class / 2] += freed;
      if (!preserve) {
        if (was_full) {
          empty_[s.span_class].remove(id);
          nonempty_[s.span_class].push_front(id);
        }
        if (marked.empty()) {
          nonempty_[s.span_class].remove(id);
          FreeObjectSpan(id, FreeCause::kSmall);
          gone = true;
        }
      }
    }
  }
  if (!gone) swept_.push_back(id);
  Line("Z} ", id, " ", freed, " ", marked.size(), " ", Flag(gone));
  return gone;
}

// Records of unmarked objects. One with a finalizer is kept for a cycle, and its other records with
// it; of one without all go.
void ObjectModel::SweepSpecials(ModelSpan& s, std::set<uint64_t>* marked) {
  std::map<uint64_t, std::vector<std::pair<uint64_t, int>>> by_slot;
  for (const auto& x : s.specials) by_slot[x.first / s.slot_bytes].push_back(x);
  s.specials.clear();
  for (const auto& [slot, records] : by_slot) {
    const bool alive = marked->contains(slot);
    const bool finalized =
        std::any_of(records.begin(), records.end(), [](const auto& x) { return x.second == 1; });
    for (const auto& x : records) {
      if (alive || (finalized && x.second != 1)) {
        s.specials.push_back(x);
      } else {
        Line("P! ", absl::Hex(s.first * kPageSize + x.first), " ", x.second);
      }
    }
    if (finalized) marked->insert(slot);
  }
}

void ObjectModel::Deduct(uint64_t bytes, uint64_t pages) {
  Line("D{ ", bytes, " ", pages, " ", m_.heap_live, " ", pages_swept_);
  if (ratio_ != 0) {
    const double since = static_cast<double>(m_.heap_live - basis_live_ + bytes);
    const int64_t target = static_cast<int64_t>(ratio_ * since) - static_cast<int64_t>(pages);
    while (target > static_cast<int64_t>(pages_swept_ - basis_swept_)) {
      if (SweepStep(SweepCause::kDeduct) == -1) {
        ratio_ = 0;
        break;
      }
    }
  }
  Line("D}");
}

// Wants as many pages back as will be taken: one long span, else several short ones, else whatever
// single steps bring.
void ObjectModel::ReclaimPages(uint64_t npages) {
  Line("H{ ", npages);
  uint64_t got = 0;
  for (uint64_t n = npages; n <= 128 && got == 0; ++n) got = ReclaimList(busy_[n], npages);
  if (npages > 128 && got == 0) got = ReclaimList(busy_[128], npages);
  if (got == 0) {
    for (uint64_t n = 0; n < npages && n < 128 && got < npages; ++n) {
      got += ReclaimList(busy_[n], npages - got);
    }
    while (got < npages) {
      const int64_t n = SweepStep(SweepCause::kReclaim);
      if (n == -1) break;
      got += static_cast<uint64_t>(n);
    }
  }
  Line("H}");
}

uint64_t ObjectModel::ReclaimList(std::list<SpanId>& list, uint64_t want) {
  uint64_t got = 0;
  while (got < want && !list.empty() && spans_[list.front()].sweepgen == sweepgen_ - 2) {
    const SpanId id = list.front();
    list.splice(list.end(), list, list.begin());
    spans_[id].sweepgen = sweepgen_ - 1;
    const uint64_t npages = spans_[id].npages;
    if (Sweep(id, false)) got += npages;
  }
  return got;
}

// ---------------------------------------------------------------- the collector

void ObjectModel::SetMarked(uint64_t bytes, uint64_t scan_work) {
  m_.heap_live = m_.heap_marked = bytes;
  m_.passed.heap_scan = scan_work;
}

void ObjectModel::StartSweep() {
  sweepgen_ += 2;
  std::swap(swept_, unswept_);
  sweep_done_ = false;
  pages_swept_ = 0;
  Line("gW ", sweepgen_, " ", stats_.pages_in_use);
}

void ObjectModel::SetTriggerRatio(double ratio) {
  constexpr uint64_t kMiB = 1 << 20;
  if (ratio < 0) ratio = 0;
  if (ratio > 0.95) ratio = 0.95;
  uint64_t trigger = static_cast<uint64_t>(static_cast<double>(m_.heap_marked) * (1 + ratio));
  trigger = std::max(trigger, 4 * kMiB);
  if (!sweep_done_) trigger = std::max(trigger, m_.heap_live + kMiB);
  m_.gc_trigger = trigger;
  m_.next_gc = std::max(2 * m_.heap_marked, trigger);
  ratio_ = 0;
  if (!sweep_done_ && stats_.pages_in_use > pages_swept_) {
    int64_t distance = static_cast<int64_t>(trigger - m_.heap_live) - static_cast<int64_t>(kMiB);
    if (distance < static_cast<int64_t>(kPageSize)) distance = kPageSize;
    ratio_ =
        static_cast<double>(stats_.pages_in_use - pages_swept_) / static_cast<double>(distance);
    basis_live_ = m_.heap_live;
    basis_swept_ = pages_swept_;
  }
  Line("gR");
}

// ---------------------------------------------------------------- special records

void ObjectModel::EnsureSwept(SpanId id) {
  ModelSpan& s = spans_[id];
  Line("Q{ ", id, " ", Offset(s.first));
  if (s.sweepgen == sweepgen_ - 2) {
    s.sweepgen = sweepgen_ - 1;
    Sweep(id, false);
  }
  Line("Q} ", id, " ", Offset(s.first));
}

bool ObjectModel::AddSpecial(uint64_t offset, SpecialKind kind) {
  const SpanId id = Lookup(offset);
  EnsureSwept(id);
  ModelSpan& s = spans_[id];
  const std::pair<uint64_t, int> record = {offset - s.first * kPageSize, static_cast<int>(kind)};
  const auto at = std::lower_bound(s.specials.begin(), s.specials.end(), record);
  if (at != s.specials.end() && *at == record) return false;
  s.specials.insert(at, record);
  return true;
}

bool ObjectModel::RemoveFinalizer(uint64_t offset) {
  const SpanId id = Lookup(offset);
  EnsureSwept(id);
  ModelSpan& s = spans_[id];
  return std::erase(s.specials, std::make_pair(offset - s.first * kPageSize, 1)) > 0;
}

}  // namespace heapsim::heap::naive
