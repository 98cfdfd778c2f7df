// What Go up to 1.20 prints with GODEBUG=allocfreetrace=1.
//
//   tracealloc(ADDRESS, SIZE[, TYPE]), then a stack | tracefree(ADDRESS, SIZE), then a stack
//   | tracegc(), then stacks, then "end tracegc"
//
// SIZE is that of the size class, which is what counts as requested here: the size asked for stands
// in the stack only, and not in every one. Frees come from the sweeper, a cycle after the object's
// death, and do not belong to the goroutine in whose stack they stand.
#ifndef HEAPSIM_TRACES_IMPORTERS_GO_ALLOCFREETRACE_H_
#define HEAPSIM_TRACES_IMPORTERS_GO_ALLOCFREETRACE_H_

#include "traces/importers/importer.h"

namespace heapsim::traces {

class GoAllocfreetraceImporter : public Importer {
 public:
  absl::string_view name() const override { return "go-allocfreetrace"; }
  absl::string_view description() const override {
    return "Go GODEBUG=allocfreetrace=1 output (up to Go 1.20); sizes are classes, frees the "
           "sweeper's";
  }
  int Sniff(absl::string_view head) const override;
  absl::Status Import(ByteSource& source, ImportSink& sink) const override;
};

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_IMPORTERS_GO_ALLOCFREETRACE_H_
