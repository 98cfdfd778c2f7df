#include "traces/importers/registry.h"

#include "traces/importers/android.h"
#include "traces/importers/cmu_rep.h"
#include "traces/importers/glibc_mtrace.h"
#include "traces/importers/go_allocfreetrace.h"
#include "traces/importers/heapsim_record.h"
#include "traces/importers/heaptrack_interpreted.h"
#include "traces/importers/heaptrack_raw.h"
#include "traces/importers/logalloc.h"
#include "traces/importers/ltrace.h"
#include "traces/importers/lttng_ust.h"
#include "traces/importers/malloc_bench_pb.h"
#include "traces/importers/minimalloc.h"
#include "traces/importers/pytorch_json.h"
#include "traces/importers/pytorch_pickle.h"
#include "traces/importers/tcmalloc_debug.h"
#include "traces/importers/valgrind.h"
#include "traces/importers/wee_alloc.h"

namespace heapsim::traces {

absl::Span<const Importer* const> AllImporters() {
  static const Importer* const kImporters[] = {
      new AndroidImporter,          new CmuRepImporter,        new GlibcMtraceImporter,
      new GoAllocfreetraceImporter, new HeapsimRecordImporter, new HeaptrackInterpretedImporter,
      new HeaptrackRawImporter,     new LogallocImporter,      new LtraceImporter,
      new LttngUstImporter,         new MallocBenchPbImporter, new MinimallocImporter,
      new PytorchJsonImporter,      new PytorchPickleImporter, new TcmallocDebugImporter,
      new ValgrindImporter,         new WeeAllocImporter,
  };
  return kImporters;
}

const Importer* FindImporter(absl::string_view name) {
  for (const Importer* importer : AllImporters()) {
    if (importer->name() == name) return importer;
  }
  return nullptr;
}

const Importer* RecogniseFormat(absl::string_view head) {
  const Importer* best = nullptr;
  int best_score = 0;
  for (const Importer* importer : AllImporters()) {
    const int score = importer->Sniff(head);
    if (score > best_score) {
      best = importer;
      best_score = score;
    }
  }
  return best;
}

}  // namespace heapsim::traces
