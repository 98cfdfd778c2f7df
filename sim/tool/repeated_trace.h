// A trace that is read more than once, from wherever it comes.
#ifndef HEAPSIM_SIM_TOOL_REPEATED_TRACE_H_
#define HEAPSIM_SIM_TOOL_REPEATED_TRACE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "sim/tool/trace_input.h"
#include "traces/format/trace_reader.h"

namespace heapsim::sim {

class RepeatedTrace {
 public:
  // `input` outlives this.
  explicit RepeatedTrace(const TraceInput* input) : input_(input) {}
  ~RepeatedTrace();
  RepeatedTrace(const RepeatedTrace&) = delete;
  RepeatedTrace& operator=(const RepeatedTrace&) = delete;

  // The trace from its start, with call sites kept. Only the first call warns. Standard input is
  // copied to a file without a name for the later ones.
  absl::StatusOr<std::unique_ptr<traces::TraceReader>> Open();

 private:
  absl::Status KeepStandardInput();

  const TraceInput* input_;
  bool opened_ = false;
  int fd_ = -1;  // of the copy
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_REPEATED_TRACE_H_
