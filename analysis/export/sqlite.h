// Results as a database file.
#ifndef HEAPSIM_ANALYSIS_EXPORT_SQLITE_H_
#define HEAPSIM_ANALYSIS_EXPORT_SQLITE_H_

#include <string>

#include "proto/comparison.pb.h"
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

// The same tables for all cells of a comparison, each with the cell's number as first column,
// `cell`, and two more:
//
//   cells         cell, trace, policy, seed, status
//   summary       policy, and the fields of PolicySummary; a ratio is three columns: its value by
//                 its name, and NAME_low, NAME_high
std::string SqliteFile(const proto::Comparison& comparison);

}  // namespace heapsim::analysis

#endif  // HEAPSIM_ANALYSIS_EXPORT_SQLITE_H_
