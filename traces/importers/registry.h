// All importers.
#ifndef HEAPSIM_TRACES_IMPORTERS_REGISTRY_H_
#define HEAPSIM_TRACES_IMPORTERS_REGISTRY_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "traces/importers/importer.h"

namespace heapsim::traces {

// In the order in which they are listed.
absl::Span<const Importer* const> AllImporters();

// Null if there is none of that name.
const Importer* FindImporter(absl::string_view name);

// The one that is surest of these first unpacked bytes; null if none knows them.
const Importer* RecogniseFormat(absl::string_view head);

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_IMPORTERS_REGISTRY_H_
