// ltrace's log of the malloc family.
//
//   [TID ][TIME ]CALLER->FUNCTION(ARGUMENTS) = RESULT     or  FUNCTION@LIBRARY(ARGUMENTS) = RESULT
//   [TID ][TIME ]CALLER->FUNCTION(ARGUMENTS <unfinished ...>
//   [TID ][TIME ]<... FUNCTION resumed> MORE) = RESULT
//
// A call happens where its result is printed. posix_memalign prints the address of a variable
// instead of the block: such calls are left out.
#ifndef HEAPSIM_TRACES_IMPORTERS_LTRACE_H_
#define HEAPSIM_TRACES_IMPORTERS_LTRACE_H_

#include "traces/importers/importer.h"

namespace heapsim::traces {

class LtraceImporter : public Importer {
 public:
  absl::string_view name() const override { return "ltrace"; }
  absl::string_view description() const override {
    return "ltrace log of malloc calls; posix_memalign blocks cannot be seen; loses events with "
           "threads";
  }
  int Sniff(absl::string_view head) const override;
  absl::Status Import(ByteSource& source, ImportSink& sink) const override;
};

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_IMPORTERS_LTRACE_H_
