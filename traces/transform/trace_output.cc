#include "traces/transform/trace_output.h"

#include <algorithm>
#include <utility>

namespace heapsim::traces {

std::vector<uint32_t> ObjectMap::Live() const {
  std::vector<uint32_t> live;
  live.reserve(ids_.size());
  for (const auto& [object, id] : ids_) live.push_back(object);
  std::sort(live.begin(), live.end());
  return live;
}

TraceOutput::TraceOutput(ByteSink* sink, proto::TraceHeader header)
    : writer_(sink),
      blocks_([this](const EventBlock& block) { return writer_.Block(0, block); }),
      sites_(&writer_) {
  header.set_several_processes(false);
  status_ = writer_.Header(std::move(header));
}

void TraceOutput::SetColumns(const Event& event) {
  if (event.has_time) blocks_.SetTime(event.time_ns);
  if (event.has_thread) blocks_.SetThread(event.thread);
  if (event.has_call_site) blocks_.SetCallSite(event.call_site);
  if (event.has_scan) blocks_.SetScan(event.scan);
  if (event.has_weight) blocks_.SetWeight(event.weight);
}

void TraceOutput::Apply(const Event& event, ObjectMap* objects) {
  SetColumns(event);
  if (event.failed) {
    blocks_.Failed(event.kind, event.size, event.alignment);
    return;
  }
  uint32_t dropped = kNoObject;
  if (event.dropped != kNoObject) {
    dropped = objects->Find(event.dropped);
    objects->Erase(event.dropped);
  }
  if (!event.frees) {
    objects->Set(event.object, blocks_.Alloc(event.kind, event.size, event.alignment, dropped));
    return;
  }
  if (event.object == kNoObject) {
    blocks_.FreeNothing(event.kind);
    return;
  }
  const uint32_t id = objects->Find(event.object);
  if (event.resizes()) {
    if (id == kNoObject) {
      objects->Set(event.object, blocks_.Alloc(EventKind::kRealloc, event.size, 0, dropped));
    } else {
      blocks_.Resize(id, event.size, dropped);
    }
    return;
  }
  if (id != kNoObject) {
    objects->Erase(event.object);
    blocks_.Free(id, event.kind);
  } else if (event.kind == EventKind::kReallocFree) {
    blocks_.Failed(EventKind::kRealloc, 0);
  } else {
    blocks_.FreeNothing(EventKind::kFreeUnknown);
  }
}

void TraceOutput::CopyCallSites(const TraceReader& reader, SiteMap* sites) {
  if (status_.ok()) status_ = sites->Copy(reader, &sites_);
}

absl::Status TraceOutput::Finish(const std::string& format, bool complete, uint64_t pid) {
  blocks_.Flush();
  if (!status().ok()) return status();
  ProcessSummary summary;
  summary.pid = pid;
  summary.facts = blocks_.Facts();
  summary.facts.format = format;
  summary.facts.complete = complete;
  summary.object_ids = blocks_.object_ids();
  return writer_.Finish({&summary, 1});
}

}  // namespace heapsim::traces
