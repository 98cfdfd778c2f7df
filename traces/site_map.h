// Copies call sites, with what is known of their code, from traces to a trace.
#ifndef HEAPSIM_TRACES_SITE_MAP_H_
#define HEAPSIM_TRACES_SITE_MAP_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "traces/format/code_map_builder.h"
#include "traces/format/trace_reader.h"
#include "traces/format/trace_writer.h"

namespace heapsim::traces {

// Where they go: the first process of a trace that is written, from whatever number of sources.
class SiteTarget {
 public:
  // The writer outlives this.
  explicit SiteTarget(TraceWriter* writer) : writer_(*writer) {}

 private:
  friend class SiteMap;
  TraceWriter& writer_;
  uint32_t nodes_ = 0;
  CodeMapBuilder code_;
};

// The call sites of one source as the target knows them.
class SiteMap {
 public:
  // kForget: a node's address is its number, and nothing is known of it.
  enum class Names { kKeep, kForget };
  // `shift` is added to all addresses, so that those of several sources can be told apart.
  explicit SiteMap(Names names = Names::kKeep, uint64_t shift = 0) : names_(names), shift_(shift) {}

  // Copies what the reader, which keeps call sites, has seen since the last call: all that its
  // blocks so far refer to.
  absl::Status Copy(const TraceReader& reader, SiteTarget* target);

  // The target's number of a node that was copied; 0 for any other.
  uint32_t Find(uint32_t node) const {
    return node == 0 || node > nodes_.size() ? 0 : nodes_[node - 1];
  }

 private:
  Names names_;
  uint64_t shift_;
  std::vector<uint32_t> nodes_;
  // What the target was told of an address; looked up only.
  absl::flat_hash_map<uint64_t, CodeNames::Origin> told_;
};

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_SITE_MAP_H_
