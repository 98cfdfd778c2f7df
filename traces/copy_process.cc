#include "traces/copy_process.h"

#include <utility>

#include "absl/status/statusor.h"
#include "proto/trace.pb.h"
#include "traces/event_block.h"
#include "traces/format/trace_writer.h"
#include "traces/site_map.h"

namespace heapsim::traces {

absl::Status CopyProcess(TraceReader& reader, ByteSink* sink) {
  TraceWriter writer(sink);
  proto::TraceHeader header = reader.header();
  header.set_several_processes(false);
  absl::Status status = writer.Header(std::move(header));
  reader.KeepCallSites();
  SiteMap sites;
  SiteTarget target(&writer);
  EventBlock block;
  while (status.ok()) {
    absl::StatusOr<bool> more = reader.Next(&block);
    if (!more.ok()) return more.status();
    if (!*more) break;
    status = sites.Copy(reader, &target);
    if (status.ok()) status = writer.Block(0, block);
  }
  if (!status.ok()) return status;
  const ProcessSummary summary = {reader.pid(), *reader.facts(), reader.object_ids()};
  return writer.Finish({&summary, 1});
}

}  // namespace heapsim::traces
