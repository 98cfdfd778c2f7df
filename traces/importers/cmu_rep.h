// The requests of the CS:APP malloc lab (`.rep`): a header of two or four lines with one number
// each, then `a ID BYTES`, `r ID BYTES`, `f ID`, in one variant with a thread number in front.
#ifndef HEAPSIM_TRACES_IMPORTERS_CMU_REP_H_
#define HEAPSIM_TRACES_IMPORTERS_CMU_REP_H_

#include "traces/importers/importer.h"

namespace heapsim::traces {

class CmuRepImporter : public Importer {
 public:
  absl::string_view name() const override { return "cmu-rep"; }
  absl::string_view description() const override {
    return "CS:APP malloc-lab .rep file; no time or alignment";
  }
  int Sniff(absl::string_view head) const override;
  absl::Status Import(ByteSource& source, ImportSink& sink) const override;
};

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_IMPORTERS_CMU_REP_H_
