// A trace that is read more than once, from wherever it comes.
#ifndef HEAPSIM_SIM_TOOL_REPEATED_TRACE_H_
#define HEAPSIM_SIM_TOOL_REPEATED_TRACE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "sim/replay/replay.h"
#include "sim/tool/trace_input.h"
#include "traces/event_block.h"
#include "traces/format/trace_reader.h"

namespace heapsim::sim {

class RepeatedTrace {
 public:
  // `input` outlives this.
  explicit RepeatedTrace(const TraceInput* input) : input_(input) {}
  ~RepeatedTrace();
  RepeatedTrace(const RepeatedTrace&) = delete;
  RepeatedTrace& operator=(const RepeatedTrace&) = delete;

  // The events from the start. Who reads them all keeps them in memory for the next, where they
  // fit; else the trace is opened once more, and standard input copied to a file without a name
  // before. Only the first call warns. One source at a time.
  absl::StatusOr<std::unique_ptr<BlockSource>> Open();

  // What the last source that is gone has read from the trace: its facts, its call sites. Null
  // before.
  const traces::TraceReader* reader() const { return reader_.get(); }

 private:
  class Source;
  absl::Status KeepStandardInput();
  absl::StatusOr<std::unique_ptr<traces::TraceReader>> OpenReader();

  const TraceInput* input_;
  std::unique_ptr<traces::TraceReader> reader_;
  std::vector<traces::EventBlock> blocks_;
  uint64_t events_ = 0;  // BlockSource::events of who read them
  bool kept_ = false;
  bool opened_ = false;
  int fd_ = -1;  // of the copy
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_REPEATED_TRACE_H_
