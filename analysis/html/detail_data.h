// Snapshots of the heap, marks, call sites and lifetimes as the page reads them.
#ifndef HEAPSIM_ANALYSIS_HTML_DETAIL_DATA_H_
#define HEAPSIM_ANALYSIS_HTML_DETAIL_DATA_H_

#include <nlohmann/json.hpp>

#include "proto/snapshot.pb.h"

namespace heapsim::analysis {

// By the names of proto/snapshot.proto. Lists of messages become columns, a list a field; those of
// the map and of the marks, which are long, are packed (packed_column.h) and have a `count`.
nlohmann::ordered_json DetailData(const proto::Detail& detail);

}  // namespace heapsim::analysis

#endif  // HEAPSIM_ANALYSIS_HTML_DETAIL_DATA_H_
