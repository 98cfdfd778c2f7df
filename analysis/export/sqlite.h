// A result as a database file.
#ifndef HEAPSIM_ANALYSIS_EXPORT_SQLITE_H_
#define HEAPSIM_ANALYSIS_EXPORT_SQLITE_H_

#include <string>

#include "proto/result.pb.h"

namespace heapsim::analysis {

// The bytes of an SQLite file, for SQL, pandas or DuckDB. Tables:
//
//   run           key, value: what ran, as text
//   result        metric, value: every number, as limits name them; NULL: unknown
//   series        a row a sample, the parts among its columns
//   snapshots     number, label, event, time_ns, ...: the numbers of each, the parts among them
//   size_classes  snapshot (its number), and the fields of SizeClassUse
//   sites         snapshot, and the fields of SiteUse
//   call_sites    the fields of CallSite, its frames as one text, innermost first
//   marks         the fields of Mark
//
// Columns are named as the fields of proto/result.proto and proto/snapshot.proto; lists are left
// out. The same bytes for the same result.
std::string SqliteFile(const proto::Result& result);

}  // namespace heapsim::analysis

#endif  // HEAPSIM_ANALYSIS_EXPORT_SQLITE_H_
