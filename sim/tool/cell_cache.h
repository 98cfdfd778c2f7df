// Finished cells of a comparison in a folder, so that one that was killed can go on.
#ifndef HEAPSIM_SIM_TOOL_CELL_CACHE_H_
#define HEAPSIM_SIM_TOOL_CELL_CACHE_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/policy.pb.h"
#include "proto/result.pb.h"
#include "sim/replay/detail_run.h"
#include "sim/replay/replay.h"

namespace heapsim::sim {

// A hash of a file's bytes, as hexadecimal text: what the name of a trace stands for.
absl::StatusOr<std::string> HashFile(const std::string& path);

// Version and build of this program. Two builds of one version may differ while somebody changes
// the allocator.
const std::string& OwnBuild();

// One file a cell. Its name is a hash of all that decides the cell's result: the trace's content,
// the process and format chosen, the policy's settings, the seed, the flags, and version and build
// of the program. May be called from any thread, and shared by processes and machines.
class CellCache {
 public:
  // Makes the folder where there is none.
  static absl::StatusOr<CellCache> Open(const std::string& folder);

  // `trace` says which events: content and how it is read.
  // `detail`: what is looked at besides; null: nothing.
  static std::string Key(absl::string_view trace, const proto::Policy& policy,
                         const ReplayOptions& options, const DetailRequest* detail);

  const std::string& folder() const { return folder_; }

  // Whether there is something of that key, whole or not.
  bool Has(const std::string& key) const;
  // None where there is no whole result of that key.
  std::optional<proto::Result> Find(const std::string& key) const;
  absl::Status Store(const std::string& key, const proto::Result& result) const;

 private:
  explicit CellCache(std::string folder) : folder_(std::move(folder)) {}

  std::string folder_;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_TOOL_CELL_CACHE_H_
