// Android memory_replay text: what bionic's malloc_debug writes with record_allocs.
//
//   TID: malloc PTR SIZE | calloc PTR NMEMB SIZE | memalign PTR ALIGNMENT SIZE
//        | realloc NEW OLD SIZE | free PTR | thread_done 0x0
//
// each, in newer files, with two more fields: start and end of the call in nanoseconds
// (thread_done: the end alone).
#ifndef HEAPSIM_TRACES_IMPORTERS_ANDROID_H_
#define HEAPSIM_TRACES_IMPORTERS_ANDROID_H_

#include "traces/importers/importer.h"

namespace heapsim::traces {

class AndroidImporter : public Importer {
 public:
  absl::string_view name() const override { return "android"; }
  absl::string_view description() const override {
    return "Android memory_replay (malloc_debug record_allocs), text or zip";
  }
  int Sniff(absl::string_view head) const override;
  absl::Status Import(ByteSource& source, ImportSink& sink) const override;
};

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_IMPORTERS_ANDROID_H_
