// The loop of every importer of lines.
#ifndef HEAPSIM_TRACES_IMPORTERS_LINE_IMPORT_H_
#define HEAPSIM_TRACES_IMPORTERS_LINE_IMPORT_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "traces/importers/import_sink.h"
#include "traces/io/line_reader.h"

namespace heapsim::traces {

// What to do with a last line that has no end: a recorder that was cut off leaves half a line,
// which may still parse; a file that people or programs wrote whole often just lacks the last
// newline.
enum class LastLine { kMustEnd, kMayBeOpen };

// Calls `handle(line, number)` for every line that is not empty, until the end or an error of
// writing.
template <typename Handle>
absl::Status ForEachLine(ByteSource& source, ImportSink& sink, LastLine last, Handle handle) {
  LineReader lines(&source);
  absl::string_view line;
  while (sink.status().ok()) {
    absl::StatusOr<bool> more = lines.Next(&line);
    if (!more.ok()) return more.status();
    if (!*more) break;
    if (last == LastLine::kMustEnd && !lines.terminated()) {
      sink.Incomplete("the last line has no end and was left out");
      break;
    }
    if (!line.empty()) handle(line, lines.number());
  }
  return absl::OkStatus();
}

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_IMPORTERS_LINE_IMPORT_H_
