// The lines of valgrind --trace-malloc=yes, mixed with whatever else valgrind and the program say.
//
//   --PID-- FUNCTION(ARGUMENTS) = RESULT
//
// Two calls may share a line: realloc(0x0,SIZE)malloc(SIZE) and realloc(OLD,0)free(OLD) are one
// event each. C++ new and delete stand under their mangled names.
#ifndef HEAPSIM_TRACES_IMPORTERS_VALGRIND_H_
#define HEAPSIM_TRACES_IMPORTERS_VALGRIND_H_

#include "traces/importers/importer.h"

namespace heapsim::traces {

class ValgrindImporter : public Importer {
 public:
  absl::string_view name() const override { return "valgrind"; }
  absl::string_view description() const override {
    return "valgrind --trace-malloc=yes log; several processes; no threads or time";
  }
  int Sniff(absl::string_view head) const override;
  absl::Status Import(ByteSource& source, ImportSink& sink) const override;
};

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_IMPORTERS_VALGRIND_H_
