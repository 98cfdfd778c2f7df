// One process of a trace as a `.htrace` of its own.
#ifndef HEAPSIM_TRACES_COPY_PROCESS_H_
#define HEAPSIM_TRACES_COPY_PROCESS_H_

#include "absl/status/status.h"
#include "traces/format/trace_reader.h"
#include "traces/io/byte_sink.h"

namespace heapsim::traces {

// Reads `reader`, of which nothing has been read yet, to its end and writes the same events, call
// sites, provenance and facts. The caller commits the sink. Errors are those of reader and sink.
absl::Status CopyProcess(TraceReader& reader, ByteSink* sink);

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_COPY_PROCESS_H_
