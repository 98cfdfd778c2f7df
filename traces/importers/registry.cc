#include "traces/importers/registry.h"

#include "traces/importers/android.h"
#include "traces/importers/heaptrack_interpreted.h"
#include "traces/importers/heaptrack_raw.h"
#include "traces/importers/lttng_ust.h"

namespace heapsim::traces {

absl::Span<const Importer* const> AllImporters() {
  static const Importer* const kImporters[] = {
      new AndroidImporter,
      new HeaptrackInterpretedImporter,
      new HeaptrackRawImporter,
      new LttngUstImporter,
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
