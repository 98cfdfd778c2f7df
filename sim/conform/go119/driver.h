// Drives the page heap through a log of the Go 1.19 runtime: feeds it what came from outside, lets
// each open operation advance when the log comes to its next line, and compares what it does with
// that line.
#ifndef HEAPSIM_SIM_CONFORM_GO119_DRIVER_H_
#define HEAPSIM_SIM_CONFORM_GO119_DRIVER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "heap/pages/go119/page_heap.h"
#include "heap/pages/go119/scavenge_pacing.h"
#include "heap/units.h"
#include "heap/virtual_array.h"
#include "sim/conform/fields.h"
#include "sim/conform/go119/expected.h"
#include "sim/conform/go119/header.h"
#include "sim/conform/go119/line.h"
#include "sim/conform/go119/lines.h"
#include "sim/conform/go119/log_observer.h"
#include "sim/conform/go119/log_os.h"
#include "sim/conform/line_cursor.h"
#include "sim/conform/options.h"

namespace heapsim::sim::go119 {

class Driver {
 public:
  // At the first line of a log of this version, which must outlive the driver. Throws BadLog where
  // the header cannot be.
  Driver(LineCursor* cursor, const ConformOptions& options);

  // To the log's end. Throws BadLog, Mismatch or heap::FatalError.
  void Run();

  uint64_t checked() const { return checked_; }
  // The pages around an address, for people.
  std::string Surroundings(heap::Address about) const;

 private:
  // What a worker is doing: at most one operation, with the lines that it has yet to show.
  struct Slot {
    heap::go119::PageHeap::Allocation allocation;
    heap::go119::PageHeap::Scavenge scavenge;
    bool open = false;
    bool ended = false;                   // its last line is among `lines`
    int32_t proc = heap::go119::kNoProc;  // where a scavenge's step runs
    Lines lines;
  };

  // One line. False at the trailer.
  bool Line();
  void AllocOnOneLine();
  void AllocOpen();
  void ScavengeOpen();
  void Nested(const LineType& type);
  void Free();
  void Flush();
  void Procs();
  void OtherMemory(bool more);
  void Limit();
  void Ask();
  void Slept();
  void HeapInUse();
  void Goals();
  void Dump();
  void Exit();
  void Trailer();

  Fields Inputs() const;
  heap::go119::Worker ReadWorker(Fields& fields) const;
  Slot& SlotOf(heap::go119::Worker worker) {
    return slots_[static_cast<size_t>(worker - heap::go119::kForced)];
  }
  heap::go119::PageHeap::Allocation ReadAllocation(Fields& fields) const;
  // Lets the slot's operation go on until it has a line to show.
  void Advance(heap::go119::Worker worker, Slot* slot, bool written);
  // The line at the cursor is not the next of the slot's open operation.
  [[noreturn]] void MissesLine(heap::go119::Worker worker, Slot* slot);
  // The line at the cursor must be this one; goes past it.
  void Match(const Expected& expected);
  void Check(const Expected& expected);  // without going past it
  void NoteSpan(const heap::go119::PageHeap::Allocation& a);
  bool determined() const { return !observer_.parallel(); }
  bool AnyOpen() const;
  // Throws Mismatch at the current line, but BadLog where that is no line of the format.
  [[noreturn]] void Differ(std::string expected, std::string got, heap::Address about) const;
  [[noreturn]] void Unexpected(const std::string& got, heap::Address about) const;

  LineCursor& cursor_;
  ConformOptions options_;
  Header header_;
  LogOs os_;
  LogObserver observer_;
  heap::go119::ArenaHints space_;
  heap::go119::PageHeap heap_;
  heap::go119::ScavengeSleep sleep_;
  std::vector<Slot> slots_;
  uint64_t procs_ = 0;
  uint64_t operations_ = 0;  // allocations and frees
  uint64_t checkpoints_ = 0;
  bool exited_ = false;
  bool dumped_ = false;  // the last checkpoint was a whole one
  uint64_t checked_ = 0;
  uint64_t next_self_check_ = 0;  // line

  // What was handed out, by the first page counted from the base: pages and use.
  class Spans {
   public:
    struct Span {
      uint32_t npages = 0;  // 0: none
      heap::go119::Use use = heap::go119::Use::kHeap;
    };
    Spans() : spans_(size_t{1} << 34) {}
    Span& operator[](uint64_t page) { return spans_[page]; }

   private:
    heap::VirtualArray<Span> spans_;
  };
  Spans spans_;
};

}  // namespace heapsim::sim::go119

#endif  // HEAPSIM_SIM_CONFORM_GO119_DRIVER_H_
