// What sim/machine/machine.h promises, done one page at a time with one record a page.
#ifndef HEAPSIM_SIM_MACHINE_NAIVE_MACHINE_H_
#define HEAPSIM_SIM_MACHINE_NAIVE_MACHINE_H_

#include <cstdint>
#include <vector>

#include "sim/machine/machine.h"

namespace heapsim::sim {

// Everything must happen within a window of addresses. All ranges are page aligned and not empty.
class NaiveMachine {
 public:
  struct Page {
    bool resident = false;
    bool lazy = false;
    bool released = false;
    bool huge = false;
  };
  struct Area {
    uint64_t begin, end;
    VmaFlags flags;
    uint32_t anon;
  };

  NaiveMachine(const MachineOptions& options, uint64_t window_begin, uint64_t window_end);

  Machine::Mapped MapAnywhere(uint64_t hint, uint64_t size, Protection protection);
  Errno Map(uint64_t begin, uint64_t size, Protection protection);
  Errno Free(uint64_t begin, uint64_t size);
  Errno Protect(uint64_t begin, uint64_t size, Protection protection);
  Errno Advise(uint64_t begin, uint64_t size, heap::Advice advice);
  uint64_t Touch(uint64_t begin, uint64_t size);

  // Is all of the range mapped for writing?
  bool Writable(uint64_t begin, uint64_t size) const;
  const Page& page(uint64_t address) const { return pages_[Index(address)]; }
  const std::vector<Area>& areas() const { return areas_; }
  const MachineStats& stats() const { return stats_; }
  uint64_t peak_vma_count() const { return peak_areas_; }
  uint64_t CountResident() const;
  uint64_t CountLazy() const;
  uint64_t CountHuge() const;  // pages

 private:
  uint64_t Index(uint64_t address) const { return (address - begin_) / page_size_; }
  Errno Done(Errno error);
  Errno Remove(uint64_t begin, uint64_t end);
  Errno MapAt(uint64_t begin, uint64_t end, Protection protection);
  void CutAt(uint64_t address);
  bool CanJoin(const Area& left, const Area& right) const;
  // The area that starts at `begin` becomes one with its neighbours where it can.
  void JoinAround(uint64_t begin);
  // One area's part of a call that changes flags.
  Errno SetFlags(uint64_t begin, uint64_t end, VmaFlags flags);
  int AreaAt(uint64_t address) const;
  void Drop(uint64_t index, bool released);
  void SplitHuge(uint64_t address);
  void FaultIn(uint64_t index);
  void MakeRoom(uint64_t pages);

  MachineOptions options_;
  uint64_t page_size_, begin_, end_;
  uint64_t huge_pages_;  // pages in a huge page
  uint64_t limit_pages_;
  uint64_t resident_ = 0;
  uint64_t lazy_ = 0;
  std::vector<Page> pages_;
  std::vector<Area> areas_;
  uint32_t last_anon_ = 0;
  uint64_t peak_areas_ = 0;
  MachineStats stats_;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_MACHINE_NAIVE_MACHINE_H_
