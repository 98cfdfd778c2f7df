// Drives a heap through a log of the Go 1.10 runtime: feeds it what came from outside, while the
// matcher checks what it does.
#ifndef HEAPSIM_SIM_CONFORM_GO110_DRIVER_H_
#define HEAPSIM_SIM_CONFORM_GO110_DRIVER_H_

#include <cstdint>
#include <string>

#include "heap/heap.h"
#include "heap/pages/go110.h"
#include "sim/conform/go110/checkpoints.h"
#include "sim/conform/go110/header.h"
#include "sim/conform/go110/log_inputs.h"
#include "sim/conform/go110/log_observer.h"
#include "sim/conform/go110/log_os.h"
#include "sim/conform/go110/matcher.h"
#include "sim/conform/line_cursor.h"
#include "sim/conform/options.h"

namespace heapsim::sim::go110 {

class Driver final : private Externals {
 public:
  // At the first line of a log of this version, which must outlive the driver. Throws BadLog where
  // the header cannot be.
  Driver(LineCursor* cursor, const ConformOptions& options);

  // To the log's end. Throws BadLog, Mismatch or heap::FatalError.
  void Run();

  uint64_t checked() const { return matcher_.checked(); }
  // The heap around an address, for people.
  std::string Surroundings(heap::Address about) const;

 private:
  // Externals
  void Perform() override;
  void PageOperationDone(uint64_t number) override;

  // One line at the cursor where no operation is open. False at the trailer.
  bool Step();
  // The external line at the cursor; false: it is none.
  bool PerformOne();

  void Malloc();
  void AllocateSpan(heap::SpanKind kind);
  void FreeSpan(heap::FreeCause cause);
  void Scavenge();
  void SweepStep(heap::SweepCause cause);
  void Flush();
  void Special();
  bool Collector(Kind kind);
  void Cycle();
  void Phase();
  void Marked();
  void SweepStart();
  void Pacing();
  void Exit();
  void Trailer();

  // The fields of the current line.
  Fields Inputs() const;
  heap::Pages CheckedPages(Fields& fields) const;

  LineCursor& cursor_;
  ConformOptions options_;
  Header header_;
  Matcher matcher_;
  LogMarker marker_;
  LogObserver observer_;
  LogOs os_;
  LogClock clock_;
  LogRandom random_;
  const heap::Go110Pages* pages_ = nullptr;  // the heap's
  heap::Heap heap_;
  Checkpoints checkpoints_;
  bool in_special_ = false;  // the P+ or P- ahead is being performed
  bool exited_ = false;
  uint64_t next_self_check_ = 0;  // line
};

}  // namespace heapsim::sim::go110

#endif  // HEAPSIM_SIM_CONFORM_GO110_DRIVER_H_
