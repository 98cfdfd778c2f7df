// The checkpoints of a log: `C` after every 1,000th page-heap operation and at the end, with a dump
// of all free spans after some of them.
#ifndef HEAPSIM_SIM_CONFORM_GO110_CHECKPOINTS_H_
#define HEAPSIM_SIM_CONFORM_GO110_CHECKPOINTS_H_

#include <cstdint>

#include "heap/heap.h"
#include "heap/pages/go110.h"
#include "sim/conform/go110/matcher.h"

namespace heapsim::sim::go110 {

class Checkpoints {
 public:
  Checkpoints(Matcher* matcher, const heap::Heap* heap, const heap::Go110Pages* pages)
      : matcher_(*matcher), heap_(*heap), pages_(*pages) {}

  // The outermost page-heap operation of that number has ended. Where a checkpoint is due its line
  // must be next.
  void OperationDone(uint64_t number);

  // True while a checkpoint is due.
  bool due() const { return due_; }
  // Looks for it at the cursor. Collector lines may stand before it: with two Ps they were moved
  // behind the operation that was open.
  void Look();

  // A `C` at the cursor that is not due: only the process's end has one.
  void Final();
  // The line of that one, 0: none yet.
  uint64_t final_line() const { return final_line_; }

 private:
  void Check(bool last);
  void CheckDump();
  void CheckFreeSpan(Comparison& line, const heap::Span& s, heap::SpanId id);

  Matcher& matcher_;
  const heap::Heap& heap_;
  const heap::Go110Pages& pages_;
  bool due_ = false;
  uint64_t count_ = 0;
  uint64_t final_line_ = 0;
};

}  // namespace heapsim::sim::go110

#endif  // HEAPSIM_SIM_CONFORM_GO110_CHECKPOINTS_H_
