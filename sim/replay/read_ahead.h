// Blocks from another source, made by a second thread while the caller works on the ones before.
#ifndef HEAPSIM_SIM_REPLAY_READ_AHEAD_H_
#define HEAPSIM_SIM_REPLAY_READ_AHEAD_H_

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sim/replay/replay.h"
#include "traces/event_block.h"

namespace heapsim::sim {

// Hands out what `source` would, in the same order: its blocks, then its end or its error, which
// stays. An exception that the source throws comes out of Next. A few blocks are held at most, and
// their memory goes round.
//
// The source outlives this object and is its thread's alone until this object is gone or Next has
// said that nothing follows (the end, an error, an exception). The destructor waits for the block
// that is being made.
class ReadAhead final : public BlockSource {
 public:
  explicit ReadAhead(BlockSource* source);
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;
  ~ReadAhead() override;

  absl::StatusOr<bool> Next(traces::EventBlock* block) override;
  uint64_t events() const override { return events_; }

 private:
  // One that waits and one that is being made: blocks take about the same time each, and more of
  // them would only cost memory and cache.
  static constexpr size_t kBlocks = 2;

  void Work();

  BlockSource* const source_;
  const uint64_t events_;  // the source's, asked before its thread begins
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<traces::EventBlock> ring_;
  size_t first_ = 0;     // of the blocks that wait for the caller
  size_t waiting_ = 0;   // how many
  bool ended_ = false;   // nothing follows those that wait
  bool stop_ = false;    // nobody will ask any more
  absl::Status status_;  // how it ended
  std::exception_ptr exception_;
  std::thread thread_;  // last: it uses all the others
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_REPLAY_READ_AHEAD_H_
