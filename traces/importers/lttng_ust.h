// The text that babeltrace prints of LTTng-UST's libc wrapper (liblttng-ust-libc-wrapper.so).
//
//   [TIME] (+DELTA) HOST lttng_ust_libc:EVENT: { cpu_id = 0 }, { vtid = 1, vpid = 1 }, { FIELDS }
//
// The form of the time and the contexts vary with the user's flags: fields are found by name.
#ifndef HEAPSIM_TRACES_IMPORTERS_LTTNG_UST_H_
#define HEAPSIM_TRACES_IMPORTERS_LTTNG_UST_H_

#include "traces/importers/importer.h"

namespace heapsim::traces {

class LttngUstImporter : public Importer {
 public:
  absl::string_view name() const override { return "lttng-ust"; }
  absl::string_view description() const override {
    return "babeltrace text of LTTng-UST's libc wrapper; several processes";
  }
  int Sniff(absl::string_view head) const override;
  absl::Status Import(ByteSource& source, ImportSink& sink) const override;
};

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_IMPORTERS_LTTNG_UST_H_
