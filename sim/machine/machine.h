// A simulated Linux process as far as its memory goes: address space, page tables, page faults and
// the calls that change them. No byte of that memory exists; only which pages would.
//
// Everything is a function of the calls made: no clock, no host address, no randomness.
#ifndef HEAPSIM_SIM_MACHINE_MACHINE_H_
#define HEAPSIM_SIM_MACHINE_MACHINE_H_

#include <cstdint>
#include <stdexcept>

#include "heap/seams.h"
#include "heap/units.h"
#include "sim/machine/cost_model.h"
#include "sim/machine/page_map.h"
#include "sim/machine/vma_map.h"

namespace heapsim::sim {

// The simulated program used memory that is not mapped or not accessible. No trace can cause that:
// it is a mistake of the code that runs on the machine.
class SegmentationFault : public std::logic_error {
 public:
  SegmentationFault(heap::Address address, heap::Bytes length);
  heap::Address address() const { return address_; }

 private:
  heap::Address address_;
};

// Is told which memory becomes resident, and which ceases to be: once for each maximal run of pages
// of a call, when that run (though perhaps not yet the rest of the call) is done. It may query the
// machine, and must not change it.
class ResidencyListener {
 public:
  virtual ~ResidencyListener() = default;
  virtual void OnResident(heap::Address begin, heap::Bytes length) = 0;
  virtual void OnNonResident(heap::Address begin, heap::Bytes length) = 0;
  // Resident memory becomes lazily freed, or is so no longer: used again, or about to be reported
  // as not resident.
  virtual void OnLazilyFreed(heap::Address begin, heap::Bytes length);
  virtual void OnNotLazilyFreed(heap::Address begin, heap::Bytes length);
};

// /sys/kernel/mm/transparent_hugepage/enabled.
enum class HugePages : uint8_t { kNever, kMadvise, kAlways };

struct MachineOptions {
  // A power of two from 4 KiB to 64 KiB.
  heap::Bytes page_size{4096};
  // A power of two from 2 to 2^18 pages. (A kernel with pages of 16 or 64 KiB has huge pages of 32
  // or 512 MiB.)
  heap::Bytes huge_page_size{2 << 20};
  HugePages huge_pages = HugePages::kNever;
  // Of resident memory, as a cgroup's memory.max; null: no limit.
  heap::Bytes memory_limit{0};
  // sysctl vm.max_map_count.
  uint64_t max_vmas = VmaMap::kDefaultMaxCount;
  CostModel cost;
};

struct MachineStats {
  uint64_t page_faults = 0;       // of either size
  uint64_t huge_page_faults = 0;  // of these, that brought in a huge page
  uint64_t mmap_calls = 0;
  uint64_t munmap_calls = 0;
  uint64_t mprotect_calls = 0;
  uint64_t madvise_calls = 0;
  uint64_t failed_calls = 0;  // of all four kinds
  // Resident bytes that advice gave back: at once, or lazily (then counted when they were advised).
  uint64_t released_bytes = 0;
  // Lazily freed bytes that the memory limit took.
  uint64_t reclaimed_bytes = 0;
  // Lazily freed bytes that were used again in time.
  uint64_t revived_bytes = 0;
  // Bytes faulted in again after advice or the memory limit took them.
  uint64_t refaulted_bytes = 0;
  uint64_t oom_events = 0;  // touches that ended above the memory limit
  uint64_t cost_ns = 0;     // of all calls and faults by the cost model
  uint64_t peak_resident_bytes = 0;
  uint64_t peak_mapped_bytes = 0;
  uint64_t peak_virtual_bytes = 0;
};

class Machine {
 public:
  // Dies on options out of the ranges above (std::invalid_argument).
  explicit Machine(const MachineOptions& options = {});
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  // May be null. Memory that is resident already is not reported.
  void set_listener(ResidencyListener* listener) { sink_.listener = listener; }

  const MachineOptions& options() const { return options_; }
  heap::Bytes page_size() const { return options_.page_size; }

  // The calls. Lengths are rounded up to whole pages; an address must be page aligned.

  struct Mapped {
    Errno error = Errno::kOk;
    heap::Address address;  // null unless kOk
  };
  // mmap without access, at `hint` if it is not null and free there.
  Mapped Reserve(heap::Address hint, heap::Bytes length);
  // mmap for reading and writing, at the highest free address.
  Mapped Alloc(heap::Bytes length);
  // mmap at exactly this place (MAP_FIXED): what was mapped there is gone.
  Errno Map(heap::Address begin, heap::Bytes length,
            Protection protection = Protection::kReadWrite);
  // munmap.
  Errno Free(heap::Address begin, heap::Bytes length);
  // mprotect.
  Errno Protect(heap::Address begin, heap::Bytes length, Protection protection);
  // madvise.
  Errno Advise(heap::Address begin, heap::Bytes length, heap::Advice advice);

  // The program writes to [begin, begin + length), any length and alignment. Returns the number of
  // pages that became resident; throws SegmentationFault, before anything has changed, if not all
  // of it is mapped for writing. A touch that ends above the memory limit is done all the same, and
  // counted in oom_events: whether to go on is the caller's decision.
  uint64_t Touch(heap::Address begin, heap::Bytes length) {
    if (length.v != 0 &&
        pages_.QuickReady(begin.v >> page_shift_, (begin.v + length.v - 1) >> page_shift_)) {
      return 0;
    }
    return TouchSlow(begin, length);
  }

  // Queries. Ranges may have any alignment.

  bool IsResident(heap::Address address) const {
    return pages_.IsResident(address.v >> page_shift_);
  }
  bool IsLazilyFreed(heap::Address address) const {
    return pages_.IsLazy(address.v >> page_shift_);
  }
  // Lies in an intact huge page.
  bool IsHuge(heap::Address address) const { return pages_.IsHuge(address.v >> page_shift_); }
  // Bytes of the range that lie on resident (lazily freed) pages.
  heap::Bytes ResidentBytes(heap::Address begin, heap::Bytes length) const;
  heap::Bytes LazilyFreedBytes(heap::Address begin, heap::Bytes length) const;
  // Bytes of the range on pages whose touch would change nothing: resident, accessible and not
  // lazily freed.
  heap::Bytes ReadyBytes(heap::Address begin, heap::Bytes length) const;
  // The first address in the range that is (not) resident, or (not) ready; or the range's end.
  heap::Address NextResident(heap::Address begin, heap::Bytes length) const;
  heap::Address NextNonResident(heap::Address begin, heap::Bytes length) const;
  heap::Address NextReady(heap::Address begin, heap::Bytes length) const;
  heap::Address NextNotReady(heap::Address begin, heap::Bytes length) const;

  // Totals. Lazily freed memory is resident, as in Linux.
  heap::Bytes resident_bytes() const { return Size(pages_.resident()); }
  heap::Bytes lazily_freed_bytes() const { return Size(pages_.lazy()); }
  heap::Bytes huge_bytes() const { return Size(pages_.huge_blocks() * pages_.huge_pages()); }
  heap::Bytes mapped_bytes() const { return heap::Bytes(vmas_.writable_bytes()); }
  heap::Bytes virtual_bytes() const { return heap::Bytes(vmas_.virtual_bytes()); }
  uint64_t vma_count() const { return vmas_.count(); }
  uint64_t peak_vma_count() const { return vmas_.peak_count(); }
  const MachineStats& stats() const { return stats_; }
  // The areas in address order.
  const VmaMap& vmas() const { return vmas_; }

  // Equal for equal areas and equal states of all pages, whatever led there; not of the statistics.
  uint64_t StateHash() const;

 private:
  struct Sink : RunSink {
    void OnRun(PageEvent event, PageNumber begin, PageNumber end) override;
    ResidencyListener* listener = nullptr;
    unsigned page_shift = 0;
  };
  // A run of pages in one area.
  struct Area {
    uint64_t version = ~uint64_t{0};  // of the area map, when this was looked up
    PageNumber begin = 0;
    PageNumber end = 0;
    bool may_be_huge = false;
    bool has_anon = false;
  };

  heap::Bytes Size(uint64_t pages) const { return heap::Bytes(pages << page_shift_); }
  RunSink* sink() { return sink_.listener != nullptr ? &sink_ : nullptr; }
  // False unless [begin, begin + length) is aligned and in the address space; makes it pages.
  bool ToPages(heap::Address begin, heap::Bytes length, PageNumber* first, PageNumber* end) const;
  Errno Done(Errno error);
  Errno MapAt(uint64_t begin, uint64_t size, Protection protection);
  Mapped MapAnywhere(heap::Address hint, heap::Bytes length, Protection protection);

  uint64_t TouchSlow(heap::Address begin, heap::Bytes length);
  // The area around `page`, or null where there is no access.
  const Area* AreaOf(PageNumber page);
  uint64_t TouchInArea(const Area& area, PageNumber begin, PageNumber end, RunJoiner* runs);
  uint64_t TouchAtLimit(const Area& area, PageNumber begin, PageNumber end, RunJoiner* runs);
  bool CanBeHuge(const Area& area, PageNumber block) const;
  uint64_t FaultHuge(PageNumber block, RunJoiner* runs);
  uint64_t TouchSmall(PageNumber begin, PageNumber end, RunJoiner* runs);
  // Makes room for that many pages more, if lazily freed ones can give it.
  bool MakeRoom(uint64_t pages, RunJoiner* runs);
  heap::Bytes BytesOn(heap::Address begin, heap::Bytes length,
                      uint64_t (PageMap::*count)(PageNumber, PageNumber) const) const;
  heap::Address Next(heap::Address begin, heap::Bytes length,
                     PageNumber (PageMap::*next)(PageNumber, PageNumber) const) const;

  MachineOptions options_;
  unsigned page_shift_;
  uint64_t limit_pages_;
  PageMap pages_;
  VmaMap vmas_;
  Sink sink_;
  Area area_;  // the last one looked up
  MachineStats stats_;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_MACHINE_MACHINE_H_
