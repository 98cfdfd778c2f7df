#include "analysis/export/perfetto.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "analysis/export/perfetto.pb.h"
#include "google/protobuf/descriptor.h"

namespace heapsim::analysis {
namespace {

using perfetto::TracePacket;
using perfetto::TrackEvent;

// Any number will do, as long as tracks differ.
constexpr uint64_t kProcessTrack = 1;
constexpr uint64_t kGcTrack = 2;
constexpr uint64_t kSweepTrack = 3;
constexpr uint64_t kMarkTrack = 4;
constexpr uint64_t kLiveTrack = 5;
constexpr uint64_t kRssTrack = 6;
constexpr uint64_t kPartTracks = 10;
constexpr uint32_t kSequence = 1;
constexpr uint32_t kForgetBefore = 1;

class TraceBuilder {
 public:
  perfetto::TrackDescriptor* AddTrack(uint64_t uuid, const std::string& name) {
    TracePacket* packet = AddPacket();
    if (trace_.packet_size() == 1) packet->set_sequence_flags(kForgetBefore);
    perfetto::TrackDescriptor* track = packet->mutable_track_descriptor();
    track->set_uuid(uuid);
    if (uuid != kProcessTrack) {
      track->set_name(name);
      track->set_parent_uuid(kProcessTrack);
    } else {
      track->mutable_process()->set_pid(1);
      track->mutable_process()->set_process_name(name);
    }
    return track;
  }

  void AddCounterTrack(uint64_t uuid, const std::string& name) {
    AddTrack(uuid, name)->mutable_counter()->set_unit(perfetto::CounterDescriptor::UNIT_SIZE_BYTES);
  }

  void AddCount(uint64_t time_ns, uint64_t track, uint64_t value) {
    TrackEvent* event = AddEvent(time_ns, track, TrackEvent::TYPE_COUNTER);
    event->set_counter_value(static_cast<int64_t>(value));
  }

  TrackEvent* AddEvent(uint64_t time_ns, uint64_t track, TrackEvent::Type type) {
    TracePacket* packet = AddPacket();
    packet->set_timestamp(time_ns);
    packet->mutable_track_event()->set_type(type);
    packet->mutable_track_event()->set_track_uuid(track);
    return packet->mutable_track_event();
  }

  std::string Finish() const { return trace_.SerializeAsString(); }

 private:
  TracePacket* AddPacket() {
    TracePacket* packet = trace_.add_packet();
    packet->set_trusted_packet_sequence_id(kSequence);
    return packet;
  }

  perfetto::Trace trace_;
};

void Annotate(TrackEvent* event, const char* name, uint64_t value) {
  perfetto::DebugAnnotation* note = event->add_debug_annotations();
  note->set_name(name);
  note->set_uint_value(value);
}

struct MarkStyle {
  uint64_t track;
  const char* name;
  const char* value;  // what its value is
};

MarkStyle StyleOf(proto::MarkKind kind) {
  switch (kind) {
    case proto::MARK_KIND_GC:
      return {kGcTrack, "GC", "heap_live_bytes"};
    case proto::MARK_KIND_SWEEP:
      return {kSweepTrack, "sweep", "spans"};
    case proto::MARK_KIND_SCAVENGE:
      return {kMarkTrack, "scavenge", "released_bytes"};
    case proto::MARK_KIND_RELEASE:
      return {kMarkTrack, "release", "released_bytes"};
    case proto::MARK_KIND_OUT_OF_MEMORY:
      return {kMarkTrack, "out of memory", "rss_bytes"};
    case proto::MARK_KIND_RECORDED_GC:
      return {kMarkTrack, "recorded GC", "value"};
    case proto::MARK_KIND_RECORDED_RELEASE:
      return {kMarkTrack, "recorded release", "value"};
    case proto::MARK_KIND_RECORDED_PHASE:
      return {kMarkTrack, "recorded phase", "value"};
    default:
      return {kMarkTrack, "mark", "value"};
  }
}

// Scavenges too are slices: Perfetto shows one of no length as an instant with a name.
bool IsSlice(proto::MarkKind kind) {
  return kind == proto::MARK_KIND_GC || kind == proto::MARK_KIND_SWEEP ||
         kind == proto::MARK_KIND_SCAVENGE || kind == proto::MARK_KIND_RELEASE;
}

}  // namespace

std::string PerfettoTrace(const proto::Result& result) {
  TraceBuilder trace;
  trace.AddTrack(kProcessTrack, absl::StrCat("heap, policy ", result.policy().name()));
  trace.AddTrack(kGcTrack, "collections");
  trace.AddTrack(kSweepTrack, "sweeps");
  trace.AddTrack(kMarkTrack, "given back, and what went wrong");
  trace.AddCounterTrack(kLiveTrack, "live bytes");
  trace.AddCounterTrack(kRssTrack, "RSS");
  const google::protobuf::Descriptor* parts = proto::Parts::descriptor();
  for (int i = 0; i < parts->field_count(); ++i) {
    trace.AddCounterTrack(kPartTracks + static_cast<uint64_t>(i), parts->field(i)->name());
  }
  for (const proto::Sample& sample : result.series()) {
    trace.AddCount(sample.time_ns(), kLiveTrack, sample.live_bytes());
    trace.AddCount(sample.time_ns(), kRssTrack, sample.rss_bytes());
    if (!sample.has_parts()) continue;
    for (int i = 0; i < parts->field_count(); ++i) {
      trace.AddCount(sample.time_ns(), kPartTracks + static_cast<uint64_t>(i),
                     sample.parts().GetReflection()->GetUInt64(sample.parts(), parts->field(i)));
    }
  }
  for (const proto::Mark& mark : result.detail().marks()) {
    const MarkStyle style = StyleOf(mark.kind());
    const bool slice = IsSlice(mark.kind());
    TrackEvent* event =
        trace.AddEvent(mark.time_ns(), style.track,
                       slice ? TrackEvent::TYPE_SLICE_BEGIN : TrackEvent::TYPE_INSTANT);
    event->set_name(style.name);
    event->add_categories("heap");
    Annotate(event, "event", mark.event());
    Annotate(event, style.value, mark.value());
    if (!slice) continue;
    trace.AddEvent(mark.time_ns() + mark.duration_ns(), style.track, TrackEvent::TYPE_SLICE_END);
  }
  return trace.Finish();
}

}  // namespace heapsim::analysis
