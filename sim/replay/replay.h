// One trace through one policy.
//
// Reading order: RunReplay (replay.cc) builds machine, heap and engine and feeds it blocks;
// engine.h is the engine; events.cc says what one event does, collector.cc when memory is collected
// and given back, batch.cc how blocks of plain events are done at speed with the same result.
#ifndef HEAPSIM_SIM_REPLAY_REPLAY_H_
#define HEAPSIM_SIM_REPLAY_REPLAY_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "heap/mem_stats.h"
#include "proto/policy.pb.h"
#include "proto/snapshot.pb.h"
#include "sim/replay/mark_cost.h"
#include "sim/replay/meter.h"
#include "sim/replay/moment.h"
#include "traces/event_block.h"

namespace heapsim::sim {

struct ReplayOptions {
  uint64_t seed = 1;
  uint64_t settle_ns = 0;       // simulated time that passes after the last event
  bool time_by_events = false;  // 1,000 ns an event, whatever the trace says
  uint32_t samples = 1000;
  std::vector<uint64_t>
      release_at;  // events right after which memory is given back, as by freeOSMemory
  bool continue_on_oom = false;
  bool one_at_a_time = false;  // the plain loop: the reference for the fast one, same result
  uint64_t check_every =
      0;  // the heap's self-check and the ledger's after so many events; 0: never
  const DetailOptions* detail = nullptr;          // null: none is wanted, and none costs anything
  const std::atomic<bool>* stop = nullptr;        // set by a signal: the run ends with what it has
  std::function<void(uint64_t events)> progress;  // after each block
};

// Where the events come from.
class BlockSource {
 public:
  virtual ~BlockSource() = default;
  // False at the end. The block is the source's until the next call.
  virtual absl::StatusOr<bool> Next(traces::EventBlock* block) = 0;
  // The same without a copy, where the source keeps its blocks: a block that stands until the next
  // call, null at the end. `own` is room for one.
  virtual absl::StatusOr<const traces::EventBlock*> Borrow(traces::EventBlock* own) {
    const absl::StatusOr<bool> more = Next(own);
    if (!more.ok()) return more.status();
    return *more ? own : nullptr;
  }
  // How many events there are in all, where that is known before the first; else 0. Of a run that
  // ends early it decides how many samples there are (Series::Expect), and of no run anything else.
  virtual uint64_t events() const { return 0; }
};

struct ReplayOutcome {
  // On a real allocator, so there is no state to hash, no heap to ask, no machine but for page
  // faults, and what is mapped or free is not known.
  bool measured = false;
  bool complete = true;  // false: stopped, or the simulation could not go on
  std::string fatal;     // why it could not go on; empty: it could
  uint64_t events = 0;
  std::vector<std::string> assumptions;
  uint64_t state_hash = 0;

  uint64_t peak_rss = 0, peak_rss_at_event = 0, end_rss = 0;
  double mean_rss = 0;
  uint64_t peak_mapped = 0, peak_virtual = 0;
  std::optional<uint64_t> recorded_peak_rss;
  std::optional<Parts> parts;  // at the peak; none where the policy has no such parts
  uint64_t live_at_peak_rss = 0;
  uint64_t peak_live = 0, rss_at_peak_live = 0;
  double mean_rss_over_live = 0;
  double waste_byte_seconds = 0;
  uint64_t largest_free_run = 0;  // at the peak

  struct Os {
    uint64_t page_faults = 0, huge_page_faults = 0, madvise_calls = 0, mmap_calls = 0;
    uint64_t released_bytes = 0, refaulted_bytes = 0, vma_peak = 0, cost_ns = 0, oom_events = 0;
    uint64_t failed_advice_calls = 0;  // ignored, as the runtime does
    double huge_page_coverage = 0;     // share of resident bytes in huge pages, at the peak
  } os;
  MarkWork mark;  // of all collections
  uint64_t mark_cost_ns = 0;
  uint64_t gc_forced = 0, swept_spans = 0;
  std::optional<heap::MemStats> heap;
  std::vector<Sample> series;
  std::optional<proto::Detail> detail;  // where it was asked for
  double wall_seconds = 0;
};

// Replays until the source ends, on a simulated heap (sim/native/ has the real ones). An error: the
// input is wrong (an id freed twice) or the policy cannot be built; what goes wrong inside the
// simulation is an outcome with `fatal` set.
absl::StatusOr<ReplayOutcome> RunReplay(BlockSource& source, const proto::Policy& policy,
                                        const ReplayOptions& options);

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_REPLAY_REPLAY_H_
