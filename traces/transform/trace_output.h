// Writes a `.htrace` event by event.
#ifndef HEAPSIM_TRACES_TRANSFORM_TRACE_OUTPUT_H_
#define HEAPSIM_TRACES_TRANSFORM_TRACE_OUTPUT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "proto/trace.pb.h"
#include "traces/block_builder.h"
#include "traces/format/trace_reader.h"
#include "traces/format/trace_writer.h"
#include "traces/io/byte_sink.h"
#include "traces/site_map.h"
#include "traces/transform/event_cursor.h"

namespace heapsim::traces {

// The objects of one source trace as the output knows them.
class ObjectMap {
 public:
  // kNoObject for one that is not alive in the output.
  uint32_t Find(uint32_t object) const {
    const auto it = ids_.find(object);
    return it == ids_.end() ? kNoObject : it->second;
  }
  void Set(uint32_t object, uint32_t id) { ids_[object] = id; }
  void Erase(uint32_t object) { ids_.erase(object); }
  void Clear() { ids_.clear(); }
  // The source objects that are alive, in ascending order.
  std::vector<uint32_t> Live() const;

 private:
  absl::flat_hash_map<uint32_t, uint32_t> ids_;
};

class TraceOutput {
 public:
  // The sink outlives this, and is not committed by it. The header is written at once.
  TraceOutput(ByteSink* sink, proto::TraceHeader header);

  // Repeats a source event. Objects that the map does not know are taken as unknown to the output
  // too: their free is a free of an unknown pointer, their realloc an allocation.
  void Apply(const Event& event, ObjectMap* objects);

  // Sets the output's columns for the next event from those that `event` has.
  void SetColumns(const Event& event);

  // Takes over the call sites, with their names, that the reader has seen and the output has not.
  void CopyCallSites(const TraceReader& reader, SiteMap* sites);

  BlockBuilder& blocks() { return blocks_; }
  const absl::Status& status() const { return blocks_.status().ok() ? status_ : blocks_.status(); }

  // Ends the file. `format` and `complete` are what the facts say of the source.
  absl::Status Finish(const std::string& format, bool complete, uint64_t pid = 0);

 private:
  TraceWriter writer_;
  absl::Status status_;
  BlockBuilder blocks_;
  SiteTarget sites_;
};

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_TRANSFORM_TRACE_OUTPUT_H_
