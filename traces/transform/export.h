// From a trace to foreign formats.
#ifndef HEAPSIM_TRACES_TRANSFORM_EXPORT_H_
#define HEAPSIM_TRACES_TRANSFORM_EXPORT_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "traces/format/trace_reader.h"
#include "traces/io/byte_sink.h"

namespace heapsim::traces {

struct ExportFormat {
  absl::string_view name;
  absl::string_view description;
};
// android: reads back with the same facts, but for the RSS, and with one thread where the trace
// knows none; call sites and markers get lost. csv: everything, an event a line, for other
// programs.
absl::Span<const ExportFormat> ExportFormats();

// Reads the trace to its end; the caller commits the sink. InvalidArgument for an unknown format.
absl::Status ExportTrace(TraceReader& reader, absl::string_view format, ByteSink* sink);

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_TRANSFORM_EXPORT_H_
