#include "sim/tool/trace_set.h"

#include "absl/strings/str_cat.h"
#include "sim/tool/cell_cache.h"

namespace heapsim::sim {
namespace {

constexpr uint64_t kTraceMemory = uint64_t{2} << 30;

}  // namespace

TraceSet::TraceSet(const std::vector<std::string>& paths, const traces::OpenOptions& open)
    : memory_(kTraceMemory), paths_(paths) {
  for (const std::string& path : paths) traces_.try_emplace(path, path, open, &memory_);
}

const absl::StatusOr<std::string>& TraceSet::Hash(const std::string& path) {
  Trace& trace = traces_.at(path);
  std::call_once(trace.hashed, [&] { trace.hash = HashFile(path); });
  return trace.hash;
}

std::vector<std::string> TraceSet::Warnings() const {
  std::vector<std::string> warnings;
  for (const std::string& path : paths_) {
    for (const std::string& warning : traces_.at(path).shared.warnings()) {
      warnings.push_back(absl::StrCat(path, ": ", warning));
    }
  }
  return warnings;
}

}  // namespace heapsim::sim
