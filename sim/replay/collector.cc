// When memory is collected and given back: the runtime's driver of the heap (gcStart to
// gcMarkTermination in mgc.go, sysmon and forcegc in proc.go), in simulated time.

#include <algorithm>

#include "sim/replay/engine.h"

namespace heapsim::sim {
namespace {

using heap::GcPhase;
using heap::SweepCause;

// gcBackgroundUtilization and gcGoalUtilization of the runtime's pacer: without assists, marking
// takes a quarter of the processors.
constexpr double kUtilization = 0.25 / 0.30;
constexpr double kTriggerGain = 0.5;

}  // namespace

// After a refill or a large allocation, its object placed.
void Engine::CheckGc() {
  if (marking_) {
    // Allocation has caught up: assists would have ended the mark phase by now.
    if (heap_->stats().heap_live >= heap_->stats().next_gc) FinishCycle();
    return;
  }
  if (heap_->ShouldStartGc()) StartCycle(/*forced=*/false, /*stop_the_world=*/false);
}

void Engine::FinishSweep(SweepCause cause) {
  while (heap_->SweepStep(cause) != -1) {
  }
  SetTimer(kSweepTimer, kNever);
  AllSwept();
}

void Engine::AllSwept() {
  MarkSwept();
  if (release_ == nullptr) return;
  release_->OnSwept();
  SetReleaseTimer();
}

void Engine::SetReleaseTimer() {
  if (release_ == nullptr) return;
  const int64_t deadline = release_->deadline();
  // The heap's clock is one ahead.
  SetTimer(kReleaseTimer,
           deadline == heap::ReleaseRule::kNever ? kNever : static_cast<uint64_t>(deadline) - 1);
}

// Where the release rule says how large the heap may become, the next collection comes early enough
// for it.
void Engine::LimitGoal() {
  const heap::MemStats& m = heap_->stats();
  const uint64_t limit = release_->GoalLimit(m.heap_live);
  if (m.next_gc <= limit) return;
  const uint64_t marked = m.heap_marked;
  // As Go does it: not before seven tenths of the way.
  const uint64_t trigger = limit > marked ? marked + (limit - marked) / 10 * 7 : limit;
  heap_->SetPacing(std::min(m.gc_trigger, trigger), limit, marked);
}

void Engine::StartCycle(bool forced, bool stop_the_world) {
  ++mark_work_.cycles;
  if (forced) ++forced_;
  if (batch_.active) CatchUp(batch_.done);
  FinishSweep(SweepCause::kStart);
  MarkGcBegins();
  heap_->NextMarkBitEpoch();
  // Everything is swept: the dead bits are those of objects freed since the last cycle began, and
  // this cycle finds them.
  dead_.StartCycle();
  marked_ = ledger_.occupied - ledger_.dead;
  placed_marking_ = 0;
  mark_work_.objects += live_objects_;
  mark_work_.scanned_bytes += scan_occupied_ - scan_dead_;
  mark_forced_ = forced;
  mark_started_ = now();
  const int64_t rate = policy_.gc().mark_bytes_per_second();
  if (rate == 0 || stop_the_world) {
    FinishCycle();
    return;
  }
  marking_ = true;
  heap_->SetPhase(GcPhase::kMark);
  // A current tiny block is marked at the start, alive or not, since members may join it while
  // marking runs.
  for (uint32_t p = 0; p < procs_; ++p) {
    const heap::BitIndex bit = heap_->tiny_block(p).bit;
    if (heap_->tiny_block(p).address == 0 || !dead_.IsDead(bit)) continue;
    dead_.MoveToCurrent(bit);
    marked_ += heap::Heap::kTinySize;
  }
  using Wide = unsigned __int128;
  const Wide ns = Wide{scan_occupied_ - scan_dead_} * 1000000000 / static_cast<uint64_t>(rate);
  SetTimer(kMarkTimer, now() + static_cast<uint64_t>(std::min<Wide>(ns, kNever / 4)));
}

void Engine::FinishCycle() {
  const bool concurrent = marking_;
  marking_ = false;
  SetTimer(kMarkTimer, kNever);
  double ratio = heap_->trigger_ratio();
  if (concurrent && !mark_forced_) {
    // endCycle of the runtime's pacer: how far the heap grew while marking, against how far it was
    // meant to.
    const heap::MemStats& m = heap_->stats();
    const double marked = static_cast<double>(m.heap_marked);
    const double goal = std::max(0.0, (static_cast<double>(m.next_gc) - marked) / marked);
    const double actual = static_cast<double>(m.heap_live) / marked - 1;
    const double error = goal - ratio - kUtilization * (actual - ratio);
    ratio += kTriggerGain * error;
  }
  heap_->SetPhase(GcPhase::kMarkTermination);
  heap_->FlushAll();
  const uint64_t inuse = heap_->stats().heap_inuse, last_goal = heap_->stats().next_gc;
  std::fill(current_tiny_.begin(), current_tiny_.end(), 0);
  heap_->SetMarked(marked_ + placed_marking_);
  heap_->SetPhase(GcPhase::kOff);
  heap_->StartSweep();
  heap_->SetTriggerRatio(ratio);
  if (release_ != nullptr) {
    LimitGoal();
    release_->OnCycle(inuse, last_goal, heap_->stats().next_gc);
  }
  MarkGcEnds();
  const int64_t sweep_ns = policy_.gc().bg_sweep_ns();
  if (sweep_ns == 0) {
    FinishSweep(SweepCause::kBackground);
  } else if (sweep_ns > 0) {
    SetTimer(kSweepTimer, now() + static_cast<uint64_t>(sweep_ns));
  }
  const int64_t period = policy_.gc().forced_period_ns();
  if (period > 0 && policy_.gc().percent() >= 0) {
    SetTimer(kForcedGcTimer, now() + static_cast<uint64_t>(period) + 1);
  }
}

// debug.FreeOSMemory: a collection with the world stopped, all of it swept, and everything free
// given back.
void Engine::ReleaseMemory() {
  if (gc_) {
    if (marking_) FinishCycle();
    StartCycle(/*forced=*/true, /*stop_the_world=*/true);
    FinishSweep(SweepCause::kGc);
  }
  MarkGivenBack();
  const uint64_t before = machine_.stats().released_bytes;
  heap_->Scavenge(-1, ~uint64_t{0}, 0);
  MarkInstant(proto::MARK_KIND_RELEASE, machine_.stats().released_bytes - before);
  if (recorder_ != nullptr) recorder_->GivenBackElsewhere(machine_.stats().released_bytes);
}

void Engine::SetTimer(TimerKind kind, uint64_t deadline) {
  timers_[kind] = deadline;
  next_timer_ = *std::min_element(timers_.begin(), timers_.end());
}

// All timers due at or before `until`, in order of time and then of kind; each is a step. Memory
// may run out in one: metadata grows when spans are swept.
void Engine::RunTimers(uint64_t until) {
  while (next_timer_ <= until && !out_of_memory_) {
    const auto it = std::min_element(timers_.begin(), timers_.end());
    SetTime(*it);
    RunTimer(static_cast<TimerKind>(it - timers_.begin()));
    EndStep();
  }
}

void Engine::RunTimer(TimerKind kind) {
  switch (kind) {
    case kSweepTimer:
      heap_->SweepStep(SweepCause::kBackground);
      SetTimer(kSweepTimer, heap_->sweep_done()
                                ? kNever
                                : now() + static_cast<uint64_t>(policy_.gc().bg_sweep_ns()));
      if (heap_->sweep_done()) AllSwept();
      break;
    case kMarkTimer:
      FinishCycle();
      break;
    case kForcedGcTimer:
      SetTimer(kForcedGcTimer, kNever);
      if (!marking_) StartCycle(/*forced=*/true, /*stop_the_world=*/false);
      break;
    case kReleaseTimer:
      MarkGivenBack();
      release_->OnDeadline();
      MarkGivenBack();
      SetReleaseTimer();
      break;
    case kTimers:
      break;
  }
}

}  // namespace heapsim::sim
