#include "sim/machine/machine.h"

#include <algorithm>
#include <bit>
#include <stdexcept>

#include "absl/strings/str_cat.h"

namespace heapsim::sim {
namespace {

using heap::Address;
using heap::Advice;
using heap::Bytes;

// Pages that the kernel takes at least when it has to take any (SWAP_CLUSTER_MAX).
constexpr uint64_t kReclaimBatch = 32;

unsigned PageShift(Bytes page_size) {
  if (!std::has_single_bit(page_size.v) || page_size.v < 4096 || page_size.v > 65536) {
    throw std::invalid_argument(absl::StrCat("page size ", page_size.v, " is not 2^12 .. 2^16"));
  }
  return std::countr_zero(page_size.v);
}

unsigned HugeShift(const MachineOptions& options) {
  const unsigned page_shift = PageShift(options.page_size);
  const uint64_t pages = options.huge_page_size.v >> page_shift;
  if (!std::has_single_bit(options.huge_page_size.v) || pages < 2 || pages > PageBits::kPages) {
    throw std::invalid_argument(
        absl::StrCat("huge page size ", options.huge_page_size.v, " is not 2 .. 2^18 pages"));
  }
  return std::countr_zero(pages);
}

}  // namespace

SegmentationFault::SegmentationFault(Address address, Bytes length)
    : std::logic_error(absl::StrCat("segmentation fault: 0x", absl::Hex(address.v),
                                    " in a touch of ", length.v, " bytes")),
      address_(address) {}

void ResidencyListener::OnLazilyFreed(Address, Bytes) {}
void ResidencyListener::OnNotLazilyFreed(Address, Bytes) {}

void Machine::Sink::OnRun(PageEvent event, PageNumber begin, PageNumber end) {
  const Address address(begin << page_shift);
  const Bytes length((end - begin) << page_shift);
  switch (event) {
    case PageEvent::kResident:
      return listener->OnResident(address, length);
    case PageEvent::kNonResident:
      return listener->OnNonResident(address, length);
    case PageEvent::kLazy:
      return listener->OnLazilyFreed(address, length);
    case PageEvent::kNotLazy:
      return listener->OnNotLazilyFreed(address, length);
  }
}

Machine::Machine(const MachineOptions& options)
    : options_(options),
      page_shift_(PageShift(options.page_size)),
      limit_pages_(options.memory_limit.v == 0 ? ~uint64_t{0} >> 1
                                               : options.memory_limit.v >> page_shift_),
      pages_(page_shift_, HugeShift(options)),
      vmas_(options.page_size.v, options.max_vmas) {
  sink_.page_shift = page_shift_;
}

bool Machine::ToPages(Address begin, Bytes length, PageNumber* first, PageNumber* end) const {
  const uint64_t mask = page_size().v - 1;
  if ((begin.v & mask) != 0 || begin.v > VmaMap::kEnd || length.v > VmaMap::kEnd - begin.v) {
    return false;
  }
  *first = begin.v >> page_shift_;
  *end = (begin.v + length.v + mask) >> page_shift_;
  return *end <= pages_.end();
}

Errno Machine::Done(Errno error) {
  if (error != Errno::kOk) ++stats_.failed_calls;
  stats_.peak_mapped_bytes = std::max(stats_.peak_mapped_bytes, vmas_.writable_bytes());
  stats_.peak_virtual_bytes = std::max(stats_.peak_virtual_bytes, vmas_.virtual_bytes());
  return error;
}

Errno Machine::MapAt(uint64_t begin, uint64_t size, Protection protection) {
  const Errno error = vmas_.Map(begin, begin + size, VmaFlags::New(protection));
  if (error != Errno::kOk) return error;
  RunJoiner runs(sink());
  const auto dropped = pages_.Drop(begin >> page_shift_, (begin + size) >> page_shift_,
                                   PageMap::Why::kUnmapped, &runs);
  runs.Flush();
  stats_.cost_ns += dropped.pages * options_.cost.munmap_page_ns;
  return Errno::kOk;
}

Machine::Mapped Machine::MapAnywhere(Address hint, Bytes length, Protection protection) {
  ++stats_.mmap_calls;
  stats_.cost_ns += options_.cost.mmap_ns;
  if (length.v == 0) return {Done(Errno::kInvalid), {}};
  if (length.v > VmaMap::kEnd) return {Done(Errno::kNoMemory), {}};
  const uint64_t size = heap::RoundUp(length.v, page_size().v);
  const auto begin = vmas_.FindGap(hint.v, size);
  if (!begin.has_value()) return {Done(Errno::kNoMemory), {}};
  const Errno error = Done(MapAt(*begin, size, protection));
  return {error, Address(error == Errno::kOk ? *begin : 0)};
}

Machine::Mapped Machine::Reserve(Address hint, Bytes length) {
  return MapAnywhere(hint, length, Protection::kNone);
}

Machine::Mapped Machine::Alloc(Bytes length) {
  return MapAnywhere(Address(), length, Protection::kReadWrite);
}

Errno Machine::Map(Address begin, Bytes length, Protection protection) {
  ++stats_.mmap_calls;
  stats_.cost_ns += options_.cost.mmap_ns;
  if ((begin.v & (page_size().v - 1)) != 0 || length.v == 0) return Done(Errno::kInvalid);
  PageNumber first, end;
  if (begin.v < VmaMap::kBegin || !ToPages(begin, length, &first, &end)) {
    return Done(Errno::kNoMemory);
  }
  return Done(MapAt(begin.v, (end - first) << page_shift_, protection));
}

Errno Machine::Free(Address begin, Bytes length) {
  ++stats_.munmap_calls;
  stats_.cost_ns += options_.cost.munmap_ns;
  PageNumber first, end;
  if (length.v == 0 || !ToPages(begin, length, &first, &end)) return Done(Errno::kInvalid);
  const Errno error = vmas_.Unmap(begin.v, end << page_shift_);
  if (error != Errno::kOk) return Done(error);
  RunJoiner runs(sink());
  const auto dropped = pages_.Drop(first, end, PageMap::Why::kUnmapped, &runs);
  runs.Flush();
  stats_.cost_ns += dropped.pages * options_.cost.munmap_page_ns;
  return Done(Errno::kOk);
}

Errno Machine::Protect(Address begin, Bytes length, Protection protection) {
  ++stats_.mprotect_calls;
  stats_.cost_ns += options_.cost.mprotect_ns;
  if ((begin.v & (page_size().v - 1)) != 0) return Done(Errno::kInvalid);
  PageNumber first, end;
  if (!ToPages(begin, length, &first, &end)) return Done(Errno::kNoMemory);
  return Done(
      vmas_.Protect(begin.v, end << page_shift_, protection, [&](uint64_t from, uint64_t to) {
        const uint64_t pages = protection == Protection::kNone
                                   ? pages_.Block(from >> page_shift_, to >> page_shift_)
                                   : pages_.Unblock(from >> page_shift_, to >> page_shift_);
        stats_.cost_ns += pages * options_.cost.mprotect_page_ns;
      }));
}

Errno Machine::Advise(Address begin, Bytes length, Advice advice) {
  ++stats_.madvise_calls;
  PageNumber first, end;
  if (!ToPages(begin, length, &first, &end)) return Done(Errno::kInvalid);
  switch (advice) {
    case Advice::kHugePage:
    case Advice::kNoHugePage:
      stats_.cost_ns += options_.cost.advise_huge_ns;
      return Done(
          vmas_.AdviseHuge(begin.v, end << page_shift_,
                           advice == Advice::kHugePage ? HugeAdvice::kHuge : HugeAdvice::kNoHuge,
                           [&](uint64_t from, uint64_t to) {
                             pages_.SplitHugeAt(from >> page_shift_);
                             pages_.SplitHugeAt(to >> page_shift_);
                           }));
    case Advice::kDontNeed:
      stats_.cost_ns += options_.cost.dont_need_ns;
      break;
    case Advice::kFree:
      stats_.cost_ns += options_.cost.free_ns;
      break;
  }
  RunJoiner runs(sink());
  uint64_t released = 0;
  if (first != end && advice == Advice::kDontNeed) {
    const auto dropped = pages_.Drop(first, end, PageMap::Why::kReleased, &runs);
    released = dropped.pages - dropped.lazy;
    stats_.cost_ns += dropped.pages * options_.cost.dont_need_page_ns;
  } else if (first != end) {
    released = pages_.MakeLazy(first, end, &runs);
    stats_.cost_ns += released * options_.cost.free_page_ns;
  }
  runs.Flush();
  stats_.released_bytes += Size(released).v;
  // Gaps are skipped, but reported.
  const bool all_mapped =
      vmas_.ForEach(begin.v, end << page_shift_, [](uint64_t, uint64_t, const VmaMap::Vma&) {});
  return Done(all_mapped ? Errno::kOk : Errno::kNoMemory);
}

const Machine::Area* Machine::AreaOf(PageNumber page) {
  if (area_.version != vmas_.version() || page < area_.begin || page >= area_.end) {
    const VmaMap::Tree::value_type* found = vmas_.Find(page << page_shift_);
    if (found == nullptr || found->second.flags.protection == Protection::kNone) return nullptr;
    const HugeAdvice huge = found->second.flags.huge;
    area_.version = vmas_.version();
    area_.begin = found->first >> page_shift_;
    area_.end = found->second.end >> page_shift_;
    area_.may_be_huge =
        options_.huge_pages == HugePages::kAlways
            ? huge != HugeAdvice::kNoHuge
            : options_.huge_pages == HugePages::kMadvise && huge == HugeAdvice::kHuge;
    area_.has_anon = found->second.anon != 0;
  }
  return &area_;
}

uint64_t Machine::TouchSlow(Address begin, Bytes length) {
  if (length.v == 0) return 0;
  if (begin.v > VmaMap::kEnd || length.v > VmaMap::kEnd - begin.v) {
    throw SegmentationFault(begin, length);
  }
  const PageNumber first = begin.v >> page_shift_;
  const PageNumber end = (begin.v + length.v + page_size().v - 1) >> page_shift_;
  if (pages_.AllReady(first, end)) return 0;
  // Nothing happens unless all of it can.
  for (PageNumber at = first; at < end;) {
    const Area* area = AreaOf(at);
    if (area == nullptr) {
      throw SegmentationFault(Address(std::max(begin.v, at << page_shift_)), length);
    }
    at = area->end;
  }
  RunJoiner runs(sink());
  uint64_t fresh = 0;
  for (PageNumber at = first; at < end;) {
    const Area* area = AreaOf(at);
    const PageNumber stop = std::min(end, area->end);
    // An area without anon_vma has no resident page, so that its first page is about to fault.
    if (!area->has_anon) {
      vmas_.Fault(at << page_shift_);
      area_.has_anon = true;
    }
    // What the touch could at most bring in: its own pages, and the rest of the huge pages around.
    const uint64_t most =
        stop - at + (area->may_be_huge ? 2 * pages_.huge_pages() : 0) + pages_.resident();
    fresh += most <= limit_pages_ ? TouchInArea(*area, at, stop, &runs)
                                  : TouchAtLimit(*area, at, stop, &runs);
    at = stop;
  }
  runs.Flush();
  if (fresh != 0 && pages_.resident() > limit_pages_) ++stats_.oom_events;
  return fresh;
}

bool Machine::CanBeHuge(const Area& area, PageNumber block) const {
  const PageNumber end = block + pages_.huge_pages();
  return area.may_be_huge && block >= area.begin && end <= area.end &&
         pages_.NextResident(block, end) == end;
}

uint64_t Machine::FaultHuge(PageNumber block, RunJoiner* runs) {
  const PageMap::Touched touched = pages_.TouchHuge(block, runs);
  ++stats_.page_faults;
  ++stats_.huge_page_faults;
  stats_.refaulted_bytes += Size(touched.refaulted).v;
  stats_.cost_ns += options_.cost.huge_fault_ns +
                    (Size(touched.fresh).v / 1024) * options_.cost.clear_ns_per_kib +
                    touched.refaulted * options_.cost.refault_page_ns;
  stats_.peak_resident_bytes = std::max(stats_.peak_resident_bytes, resident_bytes().v);
  return touched.fresh;
}

uint64_t Machine::TouchSmall(PageNumber begin, PageNumber end, RunJoiner* runs) {
  const PageMap::Touched touched = pages_.Touch(begin, end, runs);
  stats_.page_faults += touched.fresh;
  stats_.refaulted_bytes += Size(touched.refaulted).v;
  stats_.revived_bytes += Size(touched.revived).v;
  stats_.cost_ns += touched.fresh * options_.cost.fault_ns +
                    (Size(touched.fresh).v / 1024) * options_.cost.clear_ns_per_kib +
                    touched.refaulted * options_.cost.refault_page_ns;
  stats_.peak_resident_bytes = std::max(stats_.peak_resident_bytes, resident_bytes().v);
  return touched.fresh;
}

uint64_t Machine::TouchInArea(const Area& area, PageNumber begin, PageNumber end, RunJoiner* runs) {
  if (!area.may_be_huge) return TouchSmall(begin, end, runs);
  uint64_t fresh = 0;
  while (begin < end) {
    const PageNumber block = begin & ~(pages_.huge_pages() - 1);
    const PageNumber stop = std::min(end, block + pages_.huge_pages());
    fresh += CanBeHuge(area, block) ? FaultHuge(block, runs) : TouchSmall(begin, stop, runs);
    begin = stop;
  }
  return fresh;
}

bool Machine::MakeRoom(uint64_t pages, RunJoiner* runs) {
  const uint64_t wanted = pages_.resident() + pages;
  if (wanted <= limit_pages_) return true;
  if (pages_.lazy() == 0) return false;
  const auto dropped = pages_.ReclaimLazy(std::max(wanted - limit_pages_, kReclaimBatch), runs);
  stats_.reclaimed_bytes += Size(dropped.pages).v;
  stats_.cost_ns += dropped.pages * options_.cost.reclaim_page_ns;
  return pages_.resident() + pages <= limit_pages_;
}

// Page by page, since what a page's fault reclaims may be the page after it.
uint64_t Machine::TouchAtLimit(const Area& area, PageNumber begin, PageNumber end,
                               RunJoiner* runs) {
  uint64_t fresh = 0;
  while (begin < end) {
    if (pages_.IsResident(begin)) {
      fresh += TouchSmall(begin, begin + 1, runs);
      ++begin;
      continue;
    }
    const PageNumber block = begin & ~(pages_.huge_pages() - 1);
    // A huge page for which there is no room becomes a small one.
    if (CanBeHuge(area, block) && MakeRoom(pages_.huge_pages(), runs)) {
      fresh += FaultHuge(block, runs);
      begin = block + pages_.huge_pages();
      continue;
    }
    MakeRoom(1, runs);
    fresh += TouchSmall(begin, begin + 1, runs);
    ++begin;
  }
  return fresh;
}

Bytes Machine::BytesOn(Address begin, Bytes length,
                       uint64_t (PageMap::*count)(PageNumber, PageNumber) const) const {
  if (length.v == 0) return Bytes();
  const uint64_t mask = page_size().v - 1;
  const uint64_t end = begin.v + length.v;
  const PageNumber first = begin.v >> page_shift_;
  const PageNumber last = (end - 1) >> page_shift_;
  uint64_t bytes = Size((pages_.*count)(first, last + 1)).v;
  // What the range leaves out of its first and last page.
  const uint64_t head = begin.v & mask;
  const uint64_t tail = (mask + 1 - (end & mask)) & mask;
  if (head != 0 && (pages_.*count)(first, first + 1) != 0) bytes -= head;
  if (tail != 0 && (pages_.*count)(last, last + 1) != 0) bytes -= tail;
  return Bytes(bytes);
}

Bytes Machine::ResidentBytes(Address begin, Bytes length) const {
  return BytesOn(begin, length, &PageMap::CountResident);
}

Bytes Machine::LazilyFreedBytes(Address begin, Bytes length) const {
  return BytesOn(begin, length, &PageMap::CountLazy);
}

Bytes Machine::ReadyBytes(Address begin, Bytes length) const {
  return BytesOn(begin, length, &PageMap::CountReady);
}

Address Machine::Next(Address begin, Bytes length,
                      PageNumber (PageMap::*next)(PageNumber, PageNumber) const) const {
  const Address end = begin + length;
  if (length.v == 0) return end;
  const PageNumber page = (pages_.*next)(begin.v >> page_shift_, ((end.v - 1) >> page_shift_) + 1);
  return Address(std::clamp(page << page_shift_, begin.v, end.v));
}

Address Machine::NextResident(Address begin, Bytes length) const {
  return Next(begin, length, &PageMap::NextResident);
}

Address Machine::NextNonResident(Address begin, Bytes length) const {
  return Next(begin, length, &PageMap::NextNonResident);
}

Address Machine::NextReady(Address begin, Bytes length) const {
  return Next(begin, length, &PageMap::NextReady);
}

Address Machine::NextNotReady(Address begin, Bytes length) const {
  return Next(begin, length, &PageMap::NextNotReady);
}

uint64_t Machine::StateHash() const {
  uint64_t hash = page_size().v;
  for (const auto& [begin, vma] : vmas_.tree()) {
    hash = HashCombine(hash, begin);
    hash = HashCombine(hash, vma.end);
    hash = HashCombine(hash, static_cast<uint64_t>(vma.flags.protection) |
                                 static_cast<uint64_t>(vma.flags.huge) << 8 |
                                 uint64_t{vma.flags.accounted} << 16);
  }
  return pages_.Hash(hash);
}

}  // namespace heapsim::sim
