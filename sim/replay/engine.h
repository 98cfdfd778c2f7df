// The replay engine: events in, heap and machine driven, everything measured.
#ifndef HEAPSIM_SIM_REPLAY_ENGINE_H_
#define HEAPSIM_SIM_REPLAY_ENGINE_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "heap/front/front_end.h"
#include "heap/heap.h"
#include "heap/release/release_rule.h"
#include "heap/seams.h"
#include "heap/size_classes.h"
#include "heap/virtual_array.h"
#include "proto/policy.pb.h"
#include "sim/machine/machine.h"
#include "sim/replay/dead_bits.h"
#include "sim/replay/ledger.h"
#include "sim/replay/machine_os.h"
#include "sim/replay/mark_cost.h"
#include "sim/replay/meter.h"
#include "sim/replay/object_table.h"
#include "sim/replay/positions.h"
#include "sim/replay/recorder.h"
#include "sim/replay/replay.h"
#include "traces/event_block.h"

namespace heapsim::sim {

// Priorities from a seed: splitmix64 (Steele, Lea, Flood 2014), whose upper half is taken.
class SeededRandom final : public heap::Random {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}
  uint32_t Next() override {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return static_cast<uint32_t>((z ^ (z >> 31)) >> 32);
  }

 private:
  uint64_t state_;
};

class Engine {
 public:
  Engine(const proto::Policy& policy, const ReplayOptions& options);
  ~Engine();

  // So many events will come; said before the first, or never.
  void ExpectEvents(uint64_t events) { series_.Expect(events); }
  // Does a block's events. An error names the event that cannot be; what is fatal in the simulation
  // comes out as heap::FatalError.
  absl::Status Run(const traces::EventBlock& block);
  // Lets timers run on after the last event, if so asked, and closes the means.
  void Settle();
  void Fill(ReplayOutcome* outcome);

  // The simulated machine ran out of memory, and the run is to end.
  bool out_of_memory() const { return out_of_memory_; }

 private:
  enum TimerKind : uint8_t { kSweepTimer, kMarkTimer, kForcedGcTimer, kReleaseTimer, kTimers };
  static constexpr uint64_t kNever = ~uint64_t{0};
  static constexpr uint64_t kEventNs = 1000;
  static constexpr uint32_t kBatch = 256;  // events done as one batch, below the rest of an id
  // How far ahead, in frees, an entry is asked for, from the processor's second cache to its first.
  // Under explicit reclaim a branch that nobody could foresee hangs on it.
  static constexpr uint32_t kNear = 8;
  static constexpr uint32_t kWideFree = ~uint32_t{0};
  static constexpr uint32_t kNearWords = 1 << 12;  // of 64 slots

  class SimClock final : public heap::Clock {
   public:
    int64_t Now() override {
      return static_cast<int64_t>(now) + 1;
    }  // 0 means "no time" to the heap
    uint64_t now = 0;
  };

  // --- events.cc ---
  absl::Status RunPlain(uint32_t begin, uint32_t end);
  absl::Status OneEvent(uint32_t position);
  absl::Status Free(uint32_t id, uint64_t event);
  absl::Status Realloc(uint32_t p, uint32_t id, uint64_t size, bool noscan, uint64_t event);
  // Places an object and says where. zero: its memory is asked for zeroed; aligned: alignment is a
  // request of its own, never tiny.
  ObjectEntry Place(uint32_t p, uint64_t size, uint64_t alignment, bool noscan, bool zero);
  void Drop(ObjectEntry e);  // frees what an entry says
  uint64_t SizeOf(ObjectEntry e) const;
  ObjectEntry PlaceSmall(uint32_t p, const heap::Placement& r, uint64_t size);
  ObjectEntry PlaceTiny(uint32_t p, const heap::Placement& r, uint64_t size);
  ObjectEntry PlaceLarge(uint32_t p, uint64_t size, uint64_t alignment, bool noscan, bool zero);
  // Touches part of a slot, and brings the ledger of its span up to date where something is not
  // resident; true where something still is not.
  bool TouchSlot(uint32_t p, const heap::Placement& r, uint64_t slot_begin, uint64_t slot_bytes,
                 uint64_t begin, uint64_t length);
  uint64_t TouchLength(uint64_t size) const;
  bool NoScan(uint32_t alloc_index) const;
  bool NoScanOf(ObjectEntry e) const;  // of an object that moves
  bool IsTiny(ObjectEntry e) const;    // whether it was made as part of a tiny block
  uint32_t ProcOf(uint32_t position) const;

  // --- batch.cc ---
  // Whether the block and the policy are of the kind that batches can do.
  bool BatchFits() const;
  // Whether events from `begin` on are plain, for long enough to be worth a batch; shortens
  // [begin, *end) to them, else to what the plain loop should do.
  bool PlainUntil(uint32_t* end, uint32_t begin) const;
  absl::Status RunBatch(uint32_t begin, uint32_t end);
  // Whether the tables that events look into are too large for the processor's nearer caches, so
  // that what is needed later should be asked for now.
  bool TablesAreFar() const { return heap_->bits().size() > kNearWords; }
  // Why a tight loop stopped: at its end; before an allocation that takes more than a cache; after
  // one has its slot, before anything else is done for it; before a free, or after one that left
  // its span empty.
  enum class Stop : uint8_t { kEnd, kSlow, kTaken, kFree, kEmptied };
  // Allocations up to number `until`, under explicit reclaim with the frees before them.
  Stop Allocate(uint32_t until) { return gc_ ? AllocateFast(until) : RunInOrder(until, 0); }
  Stop AllocateFast(uint32_t until);
  void Prefetch();
  struct Sums {
    uint64_t bytes = 0;
    unsigned __int128 ns = 0;
  };
  Sums SumOf(const uint32_t* bytes, const uint16_t* at, uint32_t n) const;
  void CatchUp(uint32_t position);
  void ApplyFrees(uint32_t until);
  // batch_explicit.cc
  void ListRequests();
  Stop AllocateInOrder(size_t until, size_t frees_until);
  size_t FreeInOrder(size_t f, size_t end, Stop* stop);
  size_t LeaveInOrder(size_t a, size_t f, heap::Heap::CacheSlot& k, heap::BitIndex bit,
                      uint32_t size_class, bool tiny, Stop* stop);
  bool JoinInOrder(size_t a, uint32_t size);
  size_t ReplaceInOrder(size_t a, size_t f, heap::Heap::CacheSlot& k, heap::BitIndex bit,
                        Stop* stop);
  Stop InOrderLoop(size_t until, size_t frees_until);
  Stop InOrderPortable(size_t until, size_t frees_until);
  Stop InOrderBmi(size_t until, size_t frees_until);
  Stop RunInOrder(uint32_t until, uint32_t frees_before);
  void StepOfFree(uint32_t position);
  void PrefetchInOrder() const;
  // batch.cc
  void ApplySpecialFree(uint32_t f);
  void BatchTimers(uint32_t position);
  void BatchStep(uint32_t from);
  void ScanLive(uint64_t live_at_begin, uint32_t done);
  uint64_t BatchTime(uint32_t position) const;

  // --- collector.cc ---
  void CheckGc();
  void StartCycle(bool forced, bool stop_the_world);
  void FinishCycle();
  void FinishSweep(heap::SweepCause cause);
  void AllSwept();
  void LimitGoal();
  // The release rule's deadline may be another now.
  void SetReleaseTimer();
  void ReleaseMemory();
  void RunTimers(uint64_t until);
  void RunTimer(TimerKind kind);
  void SetTimer(TimerKind kind, uint64_t deadline);

  // --- moments.cc: where detail was asked for ---
  proto::HeapSnapshot LookNow(const SnapshotLimits& limits) const;
  Recorder::Look Looking();
  // Looks at what is due before the event at `i`; the last event before somebody looks again.
  uint64_t NextMoment(uint32_t i);
  void TimersUntilMoment(uint64_t time);
  void MomentsOfSettling(uint64_t end);
  void MarkPhase(Recorder::Phase* phase, proto::MarkKind kind, uint64_t value);
  void MarkGcBegins();
  void MarkGcEnds();
  void MarkSwept();
  void MarkInstant(proto::MarkKind kind, uint64_t value);
  void MarkGivenBack();
  void MarkRecorded(const traces::Marker& m);

  // --- engine.cc ---
  void SetTime(uint64_t t) { clock_.now = t; }
  uint64_t now() const { return clock_.now; }
  uint64_t TimeOf(uint32_t position);  // clamps; to be asked in order
  // Adds up what held until now, and looks at what is.
  void EndStep();
  void NoteMarker(const traces::Marker& m);
  void SumUp();
  void NewRss(uint64_t rss);
  Sample Snapshot() const;
  void Check() const;

  const proto::Policy policy_;
  const ReplayOptions options_;
  bool gc_ = true;     // reclaim by collection
  bool whole_ = true;  // touch model
  bool zero_all_ = false;
  uint32_t procs_;

  const heap::SizeClasses classes_;
  const std::unique_ptr<heap::FrontEnd> front_end_;   // null: the heap's own caches
  const std::unique_ptr<heap::ReleaseRule> release_;  // null: nothing goes back by itself
  Machine machine_;
  MachineOs os_;
  SimClock clock_;
  SeededRandom random_;
  DeadBits dead_;
  Ledger ledger_;
  std::unique_ptr<heap::Heap> heap_;
  ObjectTable table_;
  // Who holds a slot whose objects say kTiny, by bit: members of a tiny block, and under explicit
  // reclaim the cache while the block is its current one. Of bit 0: 0.
  heap::VirtualArray<uint8_t> tiny_count_;
  std::vector<heap::BitIndex> current_tiny_;  // the caches' current tiny blocks, 0: none
  std::array<uint32_t, heap::kMaxSizeClasses> slot_bytes_ = {};  // by size class
  // For batches: the class of a slot for a request, tiny ones included, 0 where there is none; by
  // size, from 0 to the first that is too large.
  std::vector<uint8_t> request_class_;

  // The block being done, and how far.
  const traces::EventBlock* block_ = nullptr;
  uint32_t alloc_ = 0, free_ = 0, exception_ = 0, marker_ = 0;
  bool has_time_ = false;
  bool saw_time_ = false, saw_events_ = false, saw_threads_ = false, saw_scan_ = false;
  uint64_t clamped_ = 0;
  uint64_t last_time_ = 0;
  uint64_t event_ = 0;  // events done

  std::array<uint64_t, kTimers> timers_;
  uint64_t next_timer_ = kNever;
  MarkWork mark_work_;  // of all cycles
  uint64_t forced_ = 0;
  bool marking_ = false;
  bool mark_forced_ = false;
  uint64_t marked_ = 0;                         // bytes found alive by the cycle that marks
  uint64_t placed_marking_ = 0;                 // slot bytes placed while marking
  uint64_t scan_occupied_ = 0, scan_dead_ = 0;  // slot bytes of objects with pointers
  uint64_t mark_started_ = 0;

  // The batch being done. Frees are applied after the allocations, or when somebody needs to see
  // them: `applied` of them are.
  struct Batch {
    bool active = false;
    bool timed = false;
    uint32_t begin = 0, end = 0;  // positions in the block
    uint32_t p = 0;               // whose events they are
    uint32_t allocs = 0, frees = 0, applied = 0;
    // Allocations done and what they brought: bytes, bytes times what was left of the batch.
    uint32_t alloc = 0;
    uint64_t allocated = 0;
    unsigned __int128 allocated_ns = 0;
    // Of a slot taken from a cache whose page may not be resident (Stop::kTaken).
    heap::BitIndex taken_bit = 0;
    heap::SpanClass taken_class = 0;
    bool taken_tiny = false;
    heap::SpanId emptied = heap::kNoSpan;  // Stop::kEmptied
    // For explicit reclaim (batch_explicit.cc), at places that its loop need not look up anew.
    // By allocation: whether it has no slot of its own, but shares the current tiny block.
    std::array<bool, kBatch> joined;
    // By free: the object; the last one kNear times more.
    std::array<uint32_t, kBatch + kNear> free_id;
    // By allocation: its size, and one more. The block's column, or `last_sizes` at its end.
    const uint32_t* sizes = nullptr;
    std::array<uint32_t, kBatch + 1> last_sizes;
    heap::Heap::CacheSlot* noscan_caches = nullptr;  // of the P: by size class x 2
    uint64_t* small_frees = nullptr;                 // of the P: by size class
    // What the loop adds up: bytes of slots handed out, and what the heap wants to know.
    uint64_t occupied = 0;
    heap::Heap::ExplicitSums sums;
    uint64_t first_time = 0, end_time = 0;
    std::array<uint16_t, kBatch + kPositionSlack> alloc_at, free_at;  // positions, from `begin`
    std::array<uint64_t, kBatch> time;  // by position, where the trace has times
    // Bytes, by free; what does not fit is in `wide_freed`, with the number of the free.
    std::array<uint32_t, kBatch> freed;
    std::vector<std::pair<uint32_t, uint64_t>> wide_freed;
    uint64_t freed_bytes = 0;
    unsigned __int128 freed_ns = 0;  // bytes times what was left of the batch
    struct RssChange {
      uint32_t from;  // the first event of the batch at whose end it holds
      uint64_t rss;
    };
    std::vector<RssChange> rss;  // in order
    uint64_t rss_at_begin = 0;
    // How many frees stand before an allocation: its position counts them and the allocations.
    size_t FreesBefore(size_t alloc) const { return alloc_at[alloc] - alloc; }
    uint32_t done = 0;  // events of the batch that are done when the step being done ends
    absl::Status status;
  };
  Batch batch_;
  uint64_t live_objects_ = 0;  // of more than 0 bytes

  // Measures.
  Integrals integrals_;
  Series series_;
  // Where a recorder asks what was given back: at the same distances, whatever is known of the
  // trace's length.
  Series given_back_;
  uint64_t rss_since_ = 0, live_since_ = 0;  // the integrals reach to these times
  uint64_t rss_ = 0, live_ = 0;              // at the end of the last step
  uint64_t peak_rss_ = 0, peak_rss_at_ = 0, peak_time_ = 0, live_at_peak_rss_ = 0;
  uint64_t peak_live_ = 0, rss_at_peak_live_ = 0;
  Parts peak_parts_;
  uint64_t largest_free_ = 0, huge_at_peak_ = 0;
  uint64_t recorded_peak_rss_ = 0;
  bool recorded_rss_ = false;
  size_t next_release_ = 0;
  std::vector<uint64_t> releases_;
  bool out_of_memory_ = false;
  uint64_t oom_seen_ = 0;
  std::unique_ptr<Recorder> recorder_;  // null: no detail was asked for
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_REPLAY_ENGINE_H_
