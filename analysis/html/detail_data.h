// Snapshots of the heap, marks, call sites and lifetimes as the page reads them.
#ifndef HEAPSIM_ANALYSIS_HTML_DETAIL_DATA_H_
#define HEAPSIM_ANALYSIS_HTML_DETAIL_DATA_H_

#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "proto/snapshot.pb.h"

namespace heapsim::analysis {

// Texts that come again and again in a page (the frames of call sites), each once.
class NameTable {
 public:
  // The text's place in the list.
  size_t Number(const std::string& name);
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::map<std::string, size_t> numbers_;
  std::vector<std::string> names_;
};

// By the names of proto/snapshot.proto. Lists of messages become columns, a list a field; those of
// the map and of the marks, which are long, are packed (packed_column.h) and have a `count`.
// Frames of call sites and their files are numbers of `names`.
nlohmann::ordered_json DetailData(const proto::Detail& detail, NameTable* names);

}  // namespace heapsim::analysis

#endif  // HEAPSIM_ANALYSIS_HTML_DETAIL_DATA_H_
