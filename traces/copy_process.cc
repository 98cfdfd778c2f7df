#include "traces/copy_process.h"

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/trace.pb.h"
#include "traces/event_block.h"
#include "traces/format/trace_writer.h"

namespace heapsim::traces {
namespace {

// Call sites stand before the first block that refers to them.
absl::Status WriteNewCallSites(const TraceReader& reader, size_t* written, TraceWriter* writer) {
  const std::vector<CallSite>& sites = reader.call_sites();
  if (*written == sites.size()) return absl::OkStatus();
  std::vector<uint64_t> addresses;
  std::vector<uint32_t> parents;
  for (; *written < sites.size(); ++*written) {
    addresses.push_back(sites[*written].address);
    parents.push_back(sites[*written].parent);
  }
  return writer->CallSites(0, addresses, parents);
}

}  // namespace

absl::Status CopyProcess(TraceReader& reader, ByteSink* sink) {
  TraceWriter writer(sink);
  proto::TraceHeader header = reader.header();
  header.set_several_processes(false);
  absl::Status status = writer.Header(std::move(header));
  reader.KeepCallSites();
  size_t sites = 0;
  EventBlock block;
  while (status.ok()) {
    absl::StatusOr<bool> more = reader.Next(&block);
    if (!more.ok()) return more.status();
    if (!*more) break;
    status = WriteNewCallSites(reader, &sites, &writer);
    if (status.ok()) status = writer.Block(0, block);
  }
  if (!status.ok()) return status;
  const ProcessSummary summary = {reader.pid(), *reader.facts(), reader.object_ids()};
  return writer.Finish({&summary, 1});
}

}  // namespace heapsim::traces
