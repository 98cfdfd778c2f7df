// What an importer is: the reader of one foreign format.
//
// To add one: write NAME.h and NAME.cc with a class derived from Importer, NAME_test.cc with a
// sample in traces/testdata, a line in registry.cc and one in BUILD.
#ifndef HEAPSIM_TRACES_IMPORTERS_IMPORTER_H_
#define HEAPSIM_TRACES_IMPORTERS_IMPORTER_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "traces/importers/import_sink.h"
#include "traces/io/byte_source.h"

namespace heapsim::traces {

class Importer {
 public:
  virtual ~Importer() = default;

  // As in `heapsim formats` and `--from`; also the `format` of `info`.
  virtual absl::string_view name() const = 0;
  // One line: what records it, what it lacks.
  virtual absl::string_view description() const = 0;

  // How sure this is the format, 0 (it is not) to 100, from the unpacked first bytes (64 KiB, or
  // all of a shorter file).
  virtual int Sniff(absl::string_view head) const = 0;

  // Reads the unpacked stream to its end and hands its events over. What is damaged is reported to
  // the sink and left out; errors are those of reading, and formats that cannot be replayed.
  virtual absl::Status Import(ByteSource& source, ImportSink& sink) const = 0;
};

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_IMPORTERS_IMPORTER_H_
