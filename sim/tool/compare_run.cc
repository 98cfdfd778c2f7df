#include "sim/tool/compare_run.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "analysis/comparison.h"
#include "sim/tool/interrupt.h"
#include "sim/tool/result_message.h"
#include "sim/tool/shared_trace.h"
#include "sim/tool/trace_input.h"
#include "sim/tool/version.h"

namespace heapsim::sim {
namespace {

// What decoded traces may take, all together.
constexpr uint64_t kTraceMemory = uint64_t{2} << 30;

// A line on stderr that counts cells, where stderr is a terminal.
class CellProgress {
 public:
  explicit CellProgress(size_t total) : total_(total), shown_(isatty(STDERR_FILENO) != 0) {}
  ~CellProgress() {
    if (shown_ && done_ > 0) std::fputs("\r\033[K", stderr);
  }

  void CellDone() {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++done_;
    if (!shown_) return;
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start_;
    absl::FPrintF(stderr, "\r\033[K%d of %d cells, %.0f s left", done_, total_,
                  spent.count() / static_cast<double>(done_) * static_cast<double>(total_ - done_));
  }

 private:
  const size_t total_;
  const bool shown_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::mutex mutex_;
  size_t done_ = 0;
};

class Runner {
 public:
  explicit Runner(const ComparePlan& plan)
      : plan_(plan), per_trace_(plan.policies.size() * plan.seeds.size()), stop_(CatchInterrupt()) {
    const uint64_t share =
        kTraceMemory / std::max<uint64_t>(1, std::min<uint64_t>(plan.jobs, plan.traces.size()));
    for (const std::string& path : plan.traces) {
      traces_.push_back(std::make_unique<Trace>(path, plan.open, share, per_trace_));
    }
  }

  proto::Comparison Run() {
    proto::Comparison comparison;
    for (const std::string& trace : plan_.traces) {
      for (const proto::Policy& policy : plan_.policies) {
        for (const uint64_t seed : plan_.seeds) {
          proto::Cell* cell = comparison.add_cells();
          cell->set_trace(trace);
          cell->set_policy(policy.name());
          cell->set_seed(seed);
        }
      }
    }
    const size_t count = comparison.cells_size();
    CellProgress progress(count);
    std::atomic<size_t> next{0};
    const auto work = [&] {
      for (size_t i = next++; i < count; i = next++) {
        RunCell(i, comparison.mutable_cells(static_cast<int>(i)));
        Trace& trace = *traces_[i / per_trace_];
        if (--trace.cells_left == 0) trace.shared.Release();
        progress.CellDone();
      }
    };
    std::vector<std::thread> threads;
    const size_t jobs = std::min<size_t>(std::max(plan_.jobs, 1), count);
    for (size_t i = 1; i < jobs; ++i) threads.emplace_back(work);
    work();
    for (std::thread& thread : threads) thread.join();

    for (const auto& trace : traces_) {
      for (const std::string& warning : trace->shared.warnings()) {
        Warn(absl::StrCat(trace->shared.path(), ": ", warning));
      }
    }
    comparison.set_version(kVersion);
    comparison.set_complete(!stop_);
    return comparison;
  }

 private:
  struct Trace {
    Trace(const std::string& path, const traces::OpenOptions& open, uint64_t memory, size_t cells)
        : shared(path, open, memory), cells_left(cells) {}

    SharedTrace shared;
    std::atomic<size_t> cells_left;
    std::once_flag hashed;
    absl::StatusOr<std::string> hash = absl::UnknownError("not hashed");
  };

  void RunCell(size_t index, proto::Cell* cell) {
    absl::StatusOr<proto::Result> result = absl::CancelledError("interrupted");
    if (!stop_) {
      try {
        result = Replay(index);
      } catch (const std::bad_alloc&) {
        result = absl::ResourceExhaustedError("this machine has not enough memory for the cell");
      }
    }
    if (!result.ok()) {
      cell->set_status(std::string(result.status().message()));
      return;
    }
    cell->set_status(result->has_stopped() ? result->stopped() : analysis::kCellOk);
    *cell->mutable_result() = *std::move(result);
  }

  absl::StatusOr<proto::Result> Replay(size_t index) {
    Trace& trace = *traces_[index / per_trace_];
    const proto::Policy& policy = plan_.policies[index % per_trace_ / plan_.seeds.size()];
    ReplayOptions options = plan_.options;
    options.seed = plan_.seeds[index % plan_.seeds.size()];
    options.stop = &stop_;
    std::string key;
    if (plan_.cache.has_value()) {
      std::call_once(trace.hashed, [&] { trace.hash = HashFile(trace.shared.path()); });
      if (!trace.hash.ok()) return trace.hash.status();
      const std::string events =
          absl::StrCat(*trace.hash, " ", plan_.open.from, " ",
                       plan_.open.pid.has_value() ? absl::StrCat(*plan_.open.pid) : "any");
      key = CellCache::Key(events, policy, options);
      if (std::optional<proto::Result> found = plan_.cache->Find(key); found.has_value()) {
        // Names are no part of the key.
        *found->mutable_policy() = policy;
        return *std::move(found);
      }
    }
    absl::StatusOr<std::unique_ptr<BlockSource>> source = trace.shared.Open();
    if (!source.ok()) return source.status();
    absl::StatusOr<ReplayOutcome> outcome = RunReplay(**source, policy, options);
    if (!outcome.ok()) return outcome.status();
    const auto& facts = trace.shared.facts();
    proto::Result result =
        ToResult(*outcome, policy, options.seed, facts.has_value() ? &*facts : nullptr);
    if (plan_.cache.has_value() && !result.has_stopped()) {
      if (absl::Status status = plan_.cache->Store(key, result); !status.ok()) return status;
    }
    return result;
  }

  const ComparePlan& plan_;
  const size_t per_trace_;
  const std::atomic<bool>& stop_;
  std::vector<std::unique_ptr<Trace>> traces_;
};

}  // namespace

proto::Comparison RunCells(const ComparePlan& plan) { return Runner(plan).Run(); }

}  // namespace heapsim::sim
