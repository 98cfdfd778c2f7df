#include "sim/tool/cell_threads.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <string>

#include "gtest/gtest.h"

namespace heapsim::sim {
namespace {

constexpr std::chrono::seconds kLong{60};

// Lets threads through only when `count` of them are there at the same time.
class Meeting {
 public:
  explicit Meeting(int count) : count_(count) {}

  bool Arrive() {
    std::unique_lock<std::mutex> lock(mutex_);
    if (++here_ >= count_) changed_.notify_all();
    return changed_.wait_for(lock, kLong, [&] { return here_ >= count_; });
  }

 private:
  const int count_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int here_ = 0;
};

void Nothing(size_t) {}

TEST(CellThreads, CellsOfOneTraceRunAtTheSameTime) {
  Meeting meeting(3);
  std::atomic<int> met{0};
  RunInThreads({{0, 1, 2}}, 3, {Nothing, [&](size_t) { met += meeting.Arrive(); }, Nothing});
  EXPECT_EQ(met, 3);
}

TEST(CellThreads, TracesArePreparedAtTheSameTime) {
  Meeting meeting(2);
  std::atomic<int> met{0};
  RunInThreads({{0, 1}, {2}}, 2, {[&](size_t) { met += meeting.Arrive(); }, Nothing, Nothing});
  EXPECT_EQ(met, 2);
}

TEST(CellThreads, EachOnceInOrderAndNoMoreTracesThanThreads) {
  for (const int jobs : {1, 2, 5, 40}) {
    // 30 traces of 0 to 6 cells.
    std::vector<std::vector<size_t>> cells(30);
    std::vector<size_t> trace_of;
    for (size_t trace = 0; trace < cells.size(); ++trace) {
      for (size_t i = 0; i < trace * 5 % 7; ++i) {
        cells[trace].push_back(trace_of.size());
        trace_of.push_back(trace);
      }
    }
    std::mutex mutex;
    std::set<size_t> open, prepared, released;
    std::vector<int> runs(trace_of.size());
    size_t most = 0;
    RunInThreads(cells, jobs,
                 {[&](size_t trace) {
                    const std::lock_guard<std::mutex> lock(mutex);
                    EXPECT_TRUE(prepared.insert(trace).second);
                    open.insert(trace);
                    most = std::max(most, open.size());
                  },
                  [&](size_t cell) {
                    const std::lock_guard<std::mutex> lock(mutex);
                    ++runs[cell];
                    EXPECT_TRUE(open.count(trace_of[cell]));
                    if (jobs == 1) {
                      EXPECT_EQ(open.size(), 1u);
                    }
                  },
                  [&](size_t trace) {
                    const std::lock_guard<std::mutex> lock(mutex);
                    EXPECT_TRUE(released.insert(trace).second);
                    open.erase(trace);
                  }});
    EXPECT_LE(most, static_cast<size_t>(jobs));
    EXPECT_TRUE(open.empty());
    for (size_t cell = 0; cell < runs.size(); ++cell) EXPECT_EQ(runs[cell], 1) << cell;
  }
}

TEST(CellThreads, NoCells) {
  RunInThreads({}, 4, {Nothing, Nothing, Nothing});
  RunInThreads({{}, {}}, 4, {Nothing, Nothing, Nothing});
}

}  // namespace
}  // namespace heapsim::sim
