// Opens whatever holds a trace: the one door for everybody who wants events.
#ifndef HEAPSIM_TRACES_OPEN_TRACE_H_
#define HEAPSIM_TRACES_OPEN_TRACE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "traces/format/trace_reader.h"
#include "traces/io/byte_sink.h"

namespace heapsim::traces {

struct OpenOptions {
  // The process to read, by its recorded id; without it the one with the most events.
  std::optional<uint64_t> pid = std::nullopt;
  // An importer's name, or "htrace"; empty: recognised by content.
  std::string from = "";
  // Whether an importer shall read call sites (a `.htrace` has them or not).
  bool keep_call_sites = false;
  // Where the whole trace, with all its processes, is written as a `.htrace` while it is opened;
  // null: nowhere. The caller commits it.
  ByteSink* copy_to = nullptr;
};

struct OpenedTrace {
  std::unique_ptr<TraceReader> reader;
  // One sentence each, without the file's name: other processes, damage, what a format lacks.
  std::vector<std::string> warnings;
};

// `path` is a `.htrace`, a file of any registered format, each also packed by gzip or zstd (or the
// first member of a zip), or "-" for standard input. A foreign format is imported at once, into
// memory and, from 64 MiB on, into a temporary file without a name; its facts are known up front.
//
// Errors name the file: NotFound and the like for one that cannot be opened, InvalidArgument for
// one of no known format, without a usable event, or an unknown `from`; DataLoss for a damaged
// `.htrace`; NotFound for a pid that it does not hold.
absl::StatusOr<OpenedTrace> OpenTrace(const std::string& path, const OpenOptions& options = {});

// The same from bytes that are already there; `name` is for messages.
absl::StatusOr<OpenedTrace> OpenTraceSource(std::unique_ptr<ByteSource> source,
                                            const std::string& name,
                                            const OpenOptions& options = {});

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_OPEN_TRACE_H_
