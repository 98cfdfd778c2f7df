// The log of glibc's mtrace().
//
//   @ CALLER + PTR SIZE | @ CALLER - PTR | @ CALLER < OLD, then @ CALLER > NEW SIZE (realloc)
//   | @ CALLER ! OLD SIZE (failed realloc)
//
// CALLER may hold blanks and is missing in old files: lines are read from their end.
#ifndef HEAPSIM_TRACES_IMPORTERS_GLIBC_MTRACE_H_
#define HEAPSIM_TRACES_IMPORTERS_GLIBC_MTRACE_H_

#include "traces/importers/importer.h"

namespace heapsim::traces {

class GlibcMtraceImporter : public Importer {
 public:
  absl::string_view name() const override { return "glibc-mtrace"; }
  absl::string_view description() const override {
    return "glibc mtrace log (MALLOC_TRACE); no threads, time, calloc or alignment";
  }
  int Sniff(absl::string_view head) const override;
  absl::Status Import(ByteSource& source, ImportSink& sink) const override;
};

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_IMPORTERS_GLIBC_MTRACE_H_
