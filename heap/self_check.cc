// The in-heap self-check: every structure that says the same thing twice is asked whether it still
// does.

#include <bit>
#include <vector>

#include "absl/strings/str_cat.h"
#include "heap/fatal.h"
#include "heap/heap.h"

namespace heapsim::heap {

void Heap::SelfCheck() const {
  pages_->SelfCheck();
  if (options_.front_end != nullptr) options_.front_end->SelfCheck();

  // Every page up to the arena's end belongs to exactly one span, and the spans found that way are
  // all there are.
  uint64_t inuse_pages = 0, manual_pages = 0, free_pages = 0;
  uint64_t occupied = 0;
  uint64_t descriptors = 0;
  const auto members = [&](const std::vector<SpanId>& stack) {
    std::vector<bool> in(spans_.made() + 1);
    for (const SpanId id : stack) in[id] = true;
    return in;
  };
  const std::vector<bool> swept = members(sweep_spans_[sweepgen() / 2 % 2]);
  const std::vector<bool> unswept = members(sweep_spans_[1 - sweepgen() / 2 % 2]);
  const uint64_t end = (arena_.used() - arena_.start()).v >> kPageShift;
  for (uint64_t p = 0; p < end;) {
    const SpanId id = spans_.AtPage(p);
    const auto fail = [&](const char* what) {
      Throw(FatalCode::kSelfCheck,
            absl::StrCat("page ", p, " of the arena (span ", id, "): ", what));
    };
    if (id == kNoSpan) fail("no span");
    const Span& s = spans_[id];
    if (spans_.PageIndex(s.address()) != p) fail("the span found does not begin here");
    if (s.npages == 0 || p + s.npages > end) fail("a span of impossible length");
    if (!spans_.IsBare(id)) ++descriptors;
    switch (s.state) {
      case SpanState::kFree:
        free_pages += s.npages;
        break;
      case SpanState::kManual:
        manual_pages += s.npages;
        break;
      case SpanState::kInUse:
        inuse_pages += s.npages;
        break;
      case SpanState::kDead:
        fail("a dead span");
    }
    if (s.state != SpanState::kFree) {
      for (uint64_t i = 0; i < s.npages; ++i) {
        if (spans_.AtPage(p + i) != id) fail("a page inside names another span");
      }
    }
    if (s.state == SpanState::kInUse) {
      if (s.nelems != 0 || s.bits != 0) {
        uint64_t words[16];
        AllocatedSlots(id, words);
        uint32_t taken = 0;
        for (uint32_t i = 0; i < (s.nelems + 63u) / 64; ++i) {
          taken += static_cast<uint32_t>(std::popcount(words[i]));
        }
        const uint32_t in_caches = CachedSlots(s);
        const SlotState state = Slots(s);
        uint32_t count = (KeepsSlotStates(s) ? state.taken() : s.alloc_count) - in_caches;
        if (state.incache()) {
          bool found = false;
          for (uint32_t q = 0; q < options_.procs; ++q) {
            const CacheSlot& k = cache(q, s.span_class);
            if (k.span != id) continue;
            found = true;
            count =
                static_cast<uint16_t>(options_.reclaim == Reclaim::kGc
                                          ? count + k.Handed()
                                          : count - static_cast<uint32_t>(std::popcount(k.free)));
          }
          if (!found) fail("marked as cached, but in no cache");
        }
        if (taken != count) fail("allocation bits and count disagree");
        for (uint32_t i = 0; i < (s.nelems + 63u) / 64; ++i) {
          if (options_.reclaim != Reclaim::kExplicit) break;
          const uint64_t free = ~bits_.bits(s.bits + i);
          if ((free & ~SlotMask(s.nelems, i)) != 0) fail("a slot behind the last one is free");
          if ((free != 0) != ((state.words() >> i & 1) != 0)) {
            fail("a word with free slots is not known as such");
          }
        }
        if (KeepsSlotStates(s) && state.noscan() != (s.noscan() ? 1 : 0)) {
          fail("its slots are of another span class");
        }
        const bool explicit_full =
            options_.reclaim == Reclaim::kExplicit && s.list == kEmpty + s.span_class;
        if (explicit_full && !state.incache() && taken + in_caches != s.nelems) {
          fail("a span with free slots that no cache can find");
        }
        occupied += uint64_t{taken} * s.slot_bytes();
        if (s.large()) {
          const ListId busy =
              s.npages < kMaxHeapList ? static_cast<ListId>(kBusyLists + s.npages) : kBusyLarge;
          if (s.list != busy) fail("a large span outside its busy list");
        } else if (s.list != kNonempty + s.span_class && s.list != kEmpty + s.span_class &&
                   (s.list < kOccupancy ||
                    (s.list - kOccupancy) / kOccupancyLists != s.span_class)) {
          fail("a small span in no list of its class");
        } else if (explicit_full && (s.next != kNoSpan || s.prev != kNoSpan)) {
          fail("a full span in a list");
        }
        for (uint32_t i = 0; i < (s.nelems + 63u) / 64; ++i) {
          const BitSpace::Word& word = bits_.word(uint64_t{s.bits} + i);
          if (word.owner() != id) fail("its bits are another span's");
          if (word.index() != i) fail("one of its words takes itself for another");
        }
        // Sweeping would miss it. What faults under efence is out of the game.
        const bool faulted = options_.efence && s.limit == 0;
        if (options_.reclaim == Reclaim::kGc && !faulted) {
          if (s.sweepgen == sweepgen() ? !swept[id] : !unswept[id]) {
            fail("not on the stack of its sweep generation");
          }
        }
        uint64_t last = 0;
        for (uint32_t x = s.specials; x != 0; x = specials_[x].next) {
          const uint64_t key =
              uint64_t{specials_[x].offset} << 8 | static_cast<uint8_t>(specials_[x].kind);
          if (key < last) fail("special records out of order");
          last = key;
        }
      }
    }
    p += s.npages;
  }
  const auto equal = [](const char* what, uint64_t found, uint64_t said) {
    if (found != said) {
      Throw(FatalCode::kSelfCheck, absl::StrCat(what, ": found ", found, ", counted ", said));
    }
  };
  equal("bytes in use", Pages(inuse_pages).bytes().v, stats_.heap_inuse);
  equal("idle bytes", Pages(free_pages).bytes().v, stats_.heap_idle);
  equal("pages in use", inuse_pages, pages_->pages_in_use);
  equal("heap_sys without manual spans", Pages(inuse_pages + free_pages).bytes().v,
        stats_.heap_sys);
  equal("bytes of span descriptors", descriptors * kDescriptorSize.v, spans_.inuse().v);
  if (occupied > stats_.heap_inuse) {
    Throw(FatalCode::kSelfCheck, "objects take more than the spans in use have");
  }

  // Lists: forward and backward links agree, every member knows its list.
  for (ListId list = 1; list < kListCount; ++list) {
    SpanId last = kNoSpan;
    for (SpanId id = spans_.First(list); id != kNoSpan; id = spans_[id].next) {
      if (spans_[id].prev != last || spans_[id].list != list) {
        Throw(FatalCode::kSelfCheck, absl::StrCat("list ", list, ": broken links at span ", id));
      }
      last = id;
    }
  }
}

}  // namespace heapsim::heap
