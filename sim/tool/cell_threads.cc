#include "sim/tool/cell_threads.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

namespace heapsim::sim {
namespace {

class Queue {
 public:
  explicit Queue(const std::vector<std::vector<size_t>>& cells) {
    for (const std::vector<size_t>& of_trace : cells) traces_.push_back({&of_trace});
  }

  struct Item {
    size_t trace;
    std::optional<size_t> cell;  // none: the trace is to be prepared
  };

  // Waits while every cell that is left is of a trace being prepared. None: all are taken.
  std::optional<Item> Take() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      bool waiting = false;
      for (size_t i = first_; i < traces_.size(); ++i) {
        Trace& trace = traces_[i];
        if (trace.taken == trace.cells->size()) {
          if (i == first_) ++first_;
          continue;
        }
        if (trace.state == State::kReady) return Item{i, (*trace.cells)[trace.taken++]};
        if (trace.state == State::kUntouched) {
          trace.state = State::kPreparing;
          return Item{i, std::nullopt};
        }
        waiting = true;
      }
      if (!waiting) return std::nullopt;
      changed_.wait(lock);
    }
  }

  void Prepared(size_t trace) {
    const std::lock_guard<std::mutex> lock(mutex_);
    traces_[trace].state = State::kReady;
    changed_.notify_all();
  }

  // Whether it was the trace's last cell.
  bool CellDone(size_t trace) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return ++traces_[trace].done == traces_[trace].cells->size();
  }

 private:
  enum class State { kUntouched, kPreparing, kReady };
  struct Trace {
    const std::vector<size_t>* cells;
    State state = State::kUntouched;
    size_t taken = 0;
    size_t done = 0;
  };

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Trace> traces_;
  size_t first_ = 0;  // all traces before it are taken
};

}  // namespace

void RunInThreads(const std::vector<std::vector<size_t>>& cells, int jobs,
                  const CellActions& actions) {
  Queue queue(cells);
  const auto work = [&] {
    while (const std::optional<Queue::Item> item = queue.Take()) {
      if (!item->cell.has_value()) {
        actions.prepare(item->trace);
        queue.Prepared(item->trace);
        continue;
      }
      actions.run(*item->cell);
      if (queue.CellDone(item->trace)) actions.release(item->trace);
    }
  };
  size_t count = 0;
  for (const std::vector<size_t>& of_trace : cells) count += of_trace.size();
  std::vector<std::thread> threads;
  for (size_t i = 1; i < std::min<size_t>(std::max(jobs, 1), count); ++i) {
    threads.emplace_back(work);
  }
  work();
  for (std::thread& thread : threads) thread.join();
}

}  // namespace heapsim::sim
