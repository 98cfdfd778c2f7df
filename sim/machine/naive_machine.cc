#include "sim/machine/naive_machine.h"

#include <algorithm>

namespace heapsim::sim {

NaiveMachine::NaiveMachine(const MachineOptions& options, uint64_t window_begin,
                           uint64_t window_end)
    : options_(options),
      page_size_(options.page_size.v),
      begin_(window_begin),
      end_(window_end),
      huge_pages_(options.huge_page_size.v / options.page_size.v),
      limit_pages_(options.memory_limit.v == 0 ? ~uint64_t{0} >> 1
                                               : options.memory_limit.v / page_size_),
      pages_((window_end - window_begin) / page_size_) {}

int NaiveMachine::AreaAt(uint64_t address) const {
  for (size_t i = 0; i < areas_.size(); ++i) {
    if (areas_[i].begin <= address && address < areas_[i].end) return i;
  }
  return -1;
}

Errno NaiveMachine::Done(Errno error) {
  if (error != Errno::kOk) ++stats_.failed_calls;
  uint64_t all = 0, writable = 0;
  for (const Area& area : areas_) {
    all += area.end - area.begin;
    if (area.flags.protection == Protection::kReadWrite) writable += area.end - area.begin;
  }
  stats_.peak_virtual_bytes = std::max(stats_.peak_virtual_bytes, all);
  stats_.peak_mapped_bytes = std::max(stats_.peak_mapped_bytes, writable);
  peak_areas_ = std::max<uint64_t>(peak_areas_, areas_.size());
  return error;
}

void NaiveMachine::CutAt(uint64_t address) {
  const int i = AreaAt(address);
  if (i < 0 || areas_[i].begin == address) return;
  Area tail = areas_[i];
  tail.begin = address;
  areas_[i].end = address;
  areas_.insert(areas_.begin() + i + 1, tail);
}

bool NaiveMachine::CanJoin(const Area& left, const Area& right) const {
  return left.end == right.begin && left.flags == right.flags &&
         (left.anon == 0 || right.anon == 0 || left.anon == right.anon);
}

void NaiveMachine::JoinAround(uint64_t begin) {
  size_t i = AreaAt(begin);
  const auto join = [this](size_t left) {
    Area& area = areas_[left];
    area.end = areas_[left + 1].end;
    if (area.anon == 0) area.anon = areas_[left + 1].anon;
    areas_.erase(areas_.begin() + left + 1);
  };
  if (i > 0 && CanJoin(areas_[i - 1], areas_[i])) join(--i);
  if (i + 1 < areas_.size() && CanJoin(areas_[i], areas_[i + 1])) join(i);
}

void NaiveMachine::Drop(uint64_t index, bool released) {
  Page& page = pages_[index];
  if (page.huge) SplitHuge(begin_ + index * page_size_ + 1);
  if (page.resident) --resident_;
  if (page.lazy) --lazy_;
  const bool was_released = page.released || page.resident;
  page = Page();
  page.released = released && was_released;
}

// No huge page reaches across `address` any more.
void NaiveMachine::SplitHuge(uint64_t address) {
  const uint64_t huge_size = huge_pages_ * page_size_;
  if (address % huge_size == 0) return;
  const uint64_t block = address / huge_size * huge_size;
  for (uint64_t i = 0; i < huge_pages_; ++i) {
    const uint64_t at = block + i * page_size_;
    if (begin_ <= at && at < end_) pages_[Index(at)].huge = false;
  }
}

Errno NaiveMachine::Remove(uint64_t begin, uint64_t end) {
  const int hole = AreaAt(begin);
  if (hole >= 0 && areas_[hole].begin < begin && end < areas_[hole].end &&
      areas_.size() >= options_.max_vmas) {
    return Errno::kNoMemory;
  }
  CutAt(begin);
  CutAt(end);
  std::erase_if(areas_, [&](const Area& a) { return begin <= a.begin && a.end <= end; });
  for (uint64_t at = begin; at < end; at += page_size_) {
    if (pages_[Index(at)].resident) stats_.cost_ns += options_.cost.munmap_page_ns;
    Drop(Index(at), false);
  }
  return Errno::kOk;
}

Errno NaiveMachine::MapAt(uint64_t begin, uint64_t end, Protection protection) {
  if (areas_.size() > options_.max_vmas) return Errno::kNoMemory;
  if (Errno error = Remove(begin, end); error != Errno::kOk) return error;
  const auto place =
      std::find_if(areas_.begin(), areas_.end(), [&](const Area& a) { return a.begin >= end; });
  areas_.insert(place, Area{begin, end, VmaFlags::New(protection), 0});
  JoinAround(begin);
  return Errno::kOk;
}

Machine::Mapped NaiveMachine::MapAnywhere(uint64_t hint, uint64_t size, Protection protection) {
  ++stats_.mmap_calls;
  stats_.cost_ns += options_.cost.mmap_ns;
  const auto is_free = [&](uint64_t begin) {
    return std::none_of(areas_.begin(), areas_.end(),
                        [&](const Area& a) { return a.begin < begin + size && begin < a.end; });
  };
  uint64_t at = hint;
  if (hint == 0 || !is_free(hint)) {
    at = end_ - size;
    while (!is_free(at)) at -= page_size_;
  }
  const Errno error = Done(MapAt(at, at + size, protection));
  return {error, heap::Address(error == Errno::kOk ? at : 0)};
}

Errno NaiveMachine::Map(uint64_t begin, uint64_t size, Protection protection) {
  ++stats_.mmap_calls;
  stats_.cost_ns += options_.cost.mmap_ns;
  return Done(MapAt(begin, begin + size, protection));
}

Errno NaiveMachine::Free(uint64_t begin, uint64_t size) {
  ++stats_.munmap_calls;
  stats_.cost_ns += options_.cost.munmap_ns;
  return Done(Remove(begin, begin + size));
}

Errno NaiveMachine::SetFlags(uint64_t begin, uint64_t end, VmaFlags flags) {
  const int i = AreaAt(begin);
  const Area whole = areas_[i];
  // Would it join a neighbour? Then no area is added.
  Area part{begin, end, flags, whole.anon};
  const bool joins =
      (whole.begin == begin && i > 0 && CanJoin(areas_[i - 1], part)) ||
      (whole.end == end && i + 1 < static_cast<int>(areas_.size()) && CanJoin(part, areas_[i + 1]));
  for (uint64_t cut : {begin, end}) {
    if (whole.begin < cut && cut < whole.end) {
      if (!joins && areas_.size() >= options_.max_vmas) return Errno::kNoMemory;
      CutAt(cut);
    }
  }
  areas_[AreaAt(begin)].flags = flags;
  JoinAround(begin);
  SplitHuge(begin);
  SplitHuge(end);
  return Errno::kOk;
}

Errno NaiveMachine::Protect(uint64_t begin, uint64_t size, Protection protection) {
  ++stats_.mprotect_calls;
  stats_.cost_ns += options_.cost.mprotect_ns;
  const uint64_t end = begin + size;
  for (uint64_t at = begin; at < end;) {
    const int i = AreaAt(at);
    if (i < 0) return Done(Errno::kNoMemory);
    const Area area = areas_[i];
    const uint64_t stop = std::min(end, area.end);
    VmaFlags flags = area.flags;
    flags.protection = protection;
    if (flags != area.flags) {
      if (protection == Protection::kReadWrite) flags.accounted = true;
      if (protection == Protection::kNone && area.anon == 0) flags.accounted = false;
      if (Errno error = SetFlags(at, stop, flags); error != Errno::kOk) return Done(error);
      for (uint64_t page = at; page < stop; page += page_size_) {
        if (pages_[Index(page)].resident) stats_.cost_ns += options_.cost.mprotect_page_ns;
      }
    }
    at = stop;
  }
  return Done(Errno::kOk);
}

Errno NaiveMachine::Advise(uint64_t begin, uint64_t size, heap::Advice advice) {
  ++stats_.madvise_calls;
  const uint64_t end = begin + size;
  switch (advice) {
    case heap::Advice::kDontNeed:
      stats_.cost_ns += options_.cost.dont_need_ns;
      break;
    case heap::Advice::kFree:
      stats_.cost_ns += options_.cost.free_ns;
      SplitHuge(begin);
      SplitHuge(end);
      break;
    default:
      stats_.cost_ns += options_.cost.advise_huge_ns;
  }
  bool gap = false;
  for (uint64_t at = begin; at < end;) {
    const int i = AreaAt(at);
    if (i < 0) {
      gap = true;
      at += page_size_;
      continue;
    }
    const Area area = areas_[i];
    const uint64_t stop = std::min(end, area.end);
    if (advice == heap::Advice::kHugePage || advice == heap::Advice::kNoHugePage) {
      VmaFlags flags = area.flags;
      flags.huge = advice == heap::Advice::kHugePage ? HugeAdvice::kHuge : HugeAdvice::kNoHuge;
      if (flags != area.flags && SetFlags(at, stop, flags) != Errno::kOk) {
        return Done(Errno::kAgain);
      }
    } else {
      for (uint64_t address = at; address < stop; address += page_size_) {
        Page& page = pages_[Index(address)];
        if (!page.resident) continue;
        if (!page.lazy) stats_.released_bytes += page_size_;
        if (advice == heap::Advice::kDontNeed) {
          stats_.cost_ns += options_.cost.dont_need_page_ns;
          Drop(Index(address), true);
        } else if (!page.lazy) {
          stats_.cost_ns += options_.cost.free_page_ns;
          page.lazy = true;
          ++lazy_;
        }
      }
    }
    at = stop;
  }
  return Done(gap ? Errno::kNoMemory : Errno::kOk);
}

bool NaiveMachine::Writable(uint64_t begin, uint64_t size) const {
  for (uint64_t at = begin; at < begin + size;) {
    const int i = AreaAt(at);
    if (i < 0 || areas_[i].flags.protection != Protection::kReadWrite) return false;
    at = areas_[i].end;
  }
  return true;
}

void NaiveMachine::FaultIn(uint64_t index) {
  Page& page = pages_[index];
  if (page.released) {
    stats_.refaulted_bytes += page_size_;
    stats_.cost_ns += options_.cost.refault_page_ns;
  }
  page.resident = true;
  page.released = false;
  ++resident_;
  stats_.cost_ns += page_size_ / 1024 * options_.cost.clear_ns_per_kib;
  stats_.peak_resident_bytes = std::max(stats_.peak_resident_bytes, resident_ * page_size_);
}

void NaiveMachine::MakeRoom(uint64_t pages) {
  if (resident_ + pages <= limit_pages_) return;
  const uint64_t wanted = std::max<uint64_t>(resident_ + pages - limit_pages_, 32);
  uint64_t done = 0;
  for (uint64_t i = 0; i < pages_.size() && done < wanted && lazy_ != 0; ++i) {
    if (!pages_[i].lazy) continue;
    uint64_t last = i;
    if (pages_[i].huge) last = i + huge_pages_ - 1;
    for (; i <= last; ++i, ++done) Drop(i, true);
    i = last;
  }
  stats_.reclaimed_bytes += done * page_size_;
  stats_.cost_ns += done * options_.cost.reclaim_page_ns;
}

uint64_t NaiveMachine::Touch(uint64_t begin, uint64_t size) {
  uint64_t fresh = 0;
  const uint64_t first = begin / page_size_ * page_size_;
  for (uint64_t at = first; at < begin + size; at += page_size_) {
    Page& page = pages_[Index(at)];
    if (page.resident) {
      const uint64_t huge_size = huge_pages_ * page_size_;
      const uint64_t from = page.huge ? at / huge_size * huge_size : at;
      const uint64_t to = page.huge ? from + huge_size : at + page_size_;
      for (uint64_t a = from; a < to; a += page_size_) {
        Page& part = pages_[Index(a)];
        if (!part.lazy) continue;
        part.lazy = false;
        --lazy_;
        stats_.revived_bytes += page_size_;
      }
      continue;
    }
    const int i = AreaAt(at);
    if (areas_[i].anon == 0) {
      const auto donor = [&](int other, bool adjacent) {
        if (!adjacent || areas_[other].anon == 0) return false;
        VmaFlags flags = areas_[other].flags;
        flags.protection = areas_[i].flags.protection;
        return flags == areas_[i].flags;
      };
      const bool has_next = i + 1 < static_cast<int>(areas_.size());
      if (has_next && donor(i + 1, areas_[i].end == areas_[i + 1].begin)) {
        areas_[i].anon = areas_[i + 1].anon;
      } else if (i > 0 && donor(i - 1, areas_[i - 1].end == areas_[i].begin)) {
        areas_[i].anon = areas_[i - 1].anon;
      } else {
        areas_[i].anon = ++last_anon_;
      }
    }
    const HugeAdvice advice = areas_[i].flags.huge;
    const uint64_t huge_size = huge_pages_ * page_size_;
    const uint64_t block = at / huge_size * huge_size;
    bool huge = options_.huge_pages == HugePages::kAlways
                    ? advice != HugeAdvice::kNoHuge
                    : options_.huge_pages == HugePages::kMadvise && advice == HugeAdvice::kHuge;
    huge = huge && areas_[i].begin <= block && block + huge_size <= areas_[i].end;
    for (uint64_t a = block; huge && a < block + huge_size; a += page_size_) {
      if (pages_[Index(a)].resident) huge = false;
    }
    if (huge) {
      MakeRoom(huge_pages_);
      huge = resident_ + huge_pages_ <= limit_pages_;
    }
    ++stats_.page_faults;
    stats_.cost_ns += huge ? options_.cost.huge_fault_ns : options_.cost.fault_ns;
    if (huge) {
      ++stats_.huge_page_faults;
      for (uint64_t a = block; a < block + huge_size; a += page_size_) {
        FaultIn(Index(a));
        pages_[Index(a)].huge = true;
        ++fresh;
      }
    } else {
      MakeRoom(1);
      FaultIn(Index(at));
      ++fresh;
    }
  }
  if (fresh != 0 && resident_ > limit_pages_) ++stats_.oom_events;
  return fresh;
}

uint64_t NaiveMachine::CountResident() const { return resident_; }
uint64_t NaiveMachine::CountLazy() const { return lazy_; }
uint64_t NaiveMachine::CountHuge() const {
  return std::count_if(pages_.begin(), pages_.end(), [](const Page& p) { return p.huge; });
}

}  // namespace heapsim::sim
