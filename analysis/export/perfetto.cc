#include "analysis/export/perfetto.h"

#include <array>
#include <cstdint>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "analysis/export/perfetto.pb.h"
#include "analysis/part_names.h"
#include "google/protobuf/descriptor.h"

namespace heapsim::analysis {
namespace {

using perfetto::TracePacket;
using perfetto::TrackDescriptor;
using perfetto::TrackEvent;

// Any number will do, as long as tracks differ: those of a process, and the next one's further on.
constexpr uint64_t kProcessTrack = 1;
constexpr uint64_t kRssTrack = 2;
constexpr uint64_t kLiveTrack = 3;
constexpr uint64_t kMarkTracks = 4;
constexpr uint64_t kPartTracks = 16;
constexpr uint64_t kTracksOfProcess = 64;
constexpr uint32_t kSequence = 1;
constexpr uint32_t kForgetBefore = 1;

// The tracks of a process stand in the order of their names, whatever order they are given: RSS,
// live bytes, and these.
struct MarkTrack {
  const char* name;
  const char* description;
};
enum MarkTrackIndex : uint8_t { kMarking, kOutOfMemory, kRecorded, kReleases, kSweeping };
constexpr MarkTrack kMarkTrackTable[] = {
    {"marking", "The collector's mark phases; without a length where no time passes in them."},
    {"out of memory", "Steps after which more than os.limit_bytes were resident."},
    {"recorded", "What the recorded program itself did, as its recorder noted it."},
    {"releases",
     "Memory given back to the system: by the policy's rule, or because it was asked for."},
    {"sweeping", "From the end of a mark phase to the last span swept because of it."},
};

struct MarkStyle {
  MarkTrackIndex track;
  const char* name;
  const char* value;  // what its value is
};

MarkStyle StyleOf(proto::MarkKind kind) {
  switch (kind) {
    case proto::MARK_KIND_GC:
      return {kMarking, "GC", "heap_live_bytes"};
    case proto::MARK_KIND_SWEEP:
      return {kSweeping, "sweep", "spans"};
    case proto::MARK_KIND_SCAVENGE:
      return {kReleases, "scavenge", "released_bytes"};
    case proto::MARK_KIND_RELEASE:
      return {kReleases, "release", "released_bytes"};
    case proto::MARK_KIND_OUT_OF_MEMORY:
      return {kOutOfMemory, "out of memory", "rss_bytes"};
    case proto::MARK_KIND_RECORDED_GC:
      return {kRecorded, "recorded GC", "value"};
    case proto::MARK_KIND_RECORDED_RELEASE:
      return {kRecorded, "recorded release", "value"};
    case proto::MARK_KIND_RECORDED_PHASE:
      return {kRecorded, "recorded phase", "phase"};
    default:
      return {kRecorded, "mark", "value"};
  }
}

class TraceBuilder {
 public:
  // What is known of the run as a whole. An empty text is left out.
  void SetAttribute(const char* key, const std::string& value) {
    if (!value.empty()) AddAttribute(key)->set_string_value(value);
  }
  void SetAttribute(const char* key, uint64_t value) {
    AddAttribute(key)->set_long_value(static_cast<int64_t>(value));
  }

  // The tracks named from here on are of this process.
  void AddProcess(const std::string& name) {
    ++processes_;
    TrackDescriptor* track = AddPacket()->mutable_track_descriptor();
    track->set_uuid(Uuid(kProcessTrack));
    track->mutable_process()->set_pid(processes_);
    track->mutable_process()->set_process_name(name);
  }

  TrackDescriptor* AddTrack(uint64_t uuid, uint64_t parent, absl::string_view name,
                            absl::string_view description) {
    TrackDescriptor* track = AddPacket()->mutable_track_descriptor();
    track->set_uuid(Uuid(uuid));
    track->set_parent_uuid(Uuid(parent));
    track->set_name(name.data(), name.size());
    track->set_description(description.data(), description.size());
    return track;
  }

  TrackDescriptor* AddCounterTrack(uint64_t uuid, uint64_t parent, absl::string_view name,
                                   absl::string_view description) {
    TrackDescriptor* track = AddTrack(uuid, parent, name, description);
    track->mutable_counter()->set_unit(perfetto::CounterDescriptor::UNIT_SIZE_BYTES);
    track->mutable_counter()->set_y_axis_share_key("memory");
    return track;
  }

  void AddCount(uint64_t time_ns, uint64_t track, uint64_t value) {
    AddEvent(time_ns, track, TrackEvent::TYPE_COUNTER)
        ->set_counter_value(static_cast<int64_t>(value));
  }

  TrackEvent* AddEvent(uint64_t time_ns, uint64_t track, TrackEvent::Type type) {
    TracePacket* packet = AddPacket();
    packet->set_timestamp(time_ns);
    packet->mutable_track_event()->set_type(type);
    packet->mutable_track_event()->set_track_uuid(Uuid(track));
    return packet->mutable_track_event();
  }

  std::string Finish() const { return trace_.SerializeAsString(); }

 private:
  uint64_t Uuid(uint64_t track) const {
    return static_cast<uint64_t>(processes_ - 1) * kTracksOfProcess + track;
  }

  TracePacket* AddPacket() {
    TracePacket* packet = trace_.add_packet();
    packet->set_trusted_packet_sequence_id(kSequence);
    if (trace_.packet_size() == 1) packet->set_sequence_flags(kForgetBefore);
    return packet;
  }

  perfetto::TraceAttributes::Attribute* AddAttribute(const char* key) {
    if (attributes_ == nullptr) attributes_ = AddPacket()->mutable_trace_attributes();
    perfetto::TraceAttributes::Attribute* attribute = attributes_->add_attribute();
    attribute->set_key(key);
    return attribute;
  }

  perfetto::Trace trace_;
  perfetto::TraceAttributes* attributes_ = nullptr;
  int32_t processes_ = 0;
};

void Annotate(TrackEvent* event, const char* name, uint64_t value) {
  perfetto::DebugAnnotation* note = event->add_debug_annotations();
  note->set_name(name);
  note->set_uint_value(value);
}

std::string NameOf(const std::string& trace) {
  return trace == "-" ? "standard input" : trace.substr(trace.rfind('/') + 1);
}

void AddRun(const proto::Result& result, const std::string& trace_path, TraceBuilder* trace) {
  trace->SetAttribute("trace", trace_path);
  trace->SetAttribute("format", result.trace().format());
  trace->SetAttribute("policy", result.policy().name());
  trace->SetAttribute("seed", result.seed());
  trace->SetAttribute("heapsim_version", result.version());
  if (result.has_state_hash()) {
    trace->SetAttribute("state_hash", absl::StrFormat("%016x", result.state_hash()));
  }
  trace->SetAttribute("stopped", result.stopped());
  trace->SetAttribute("assumptions", absl::StrJoin(result.assumptions(), "; "));
  trace->SetAttribute("peak_rss_bytes", result.memory().peak_rss_bytes());
  if (result.detail().dropped_marks() > 0) {
    trace->SetAttribute("dropped_marks", result.detail().dropped_marks());
  }
  trace->AddProcess(absl::StrCat(NameOf(trace_path), ", policy ", result.policy().name()));
}

void AddCounters(const proto::Result& result, TraceBuilder* trace) {
  const auto names = NamedParts({});
  // A part of which there is never a byte would be an empty line in the viewer.
  std::array<bool, names.size()> shown = {};
  for (const proto::Sample& sample : result.series()) {
    const auto parts = NamedParts(sample.parts());
    for (size_t i = 0; i < parts.size(); ++i) shown[i] |= parts[i].second != 0;
  }
  trace
      ->AddCounterTrack(
          kRssTrack, kProcessTrack, "RSS",
          "Resident bytes of the replayed process; its parts, where known, are the tracks below.")
      ->set_child_ordering(TrackDescriptor::EXPLICIT);
  const google::protobuf::Descriptor* fields = proto::Parts::descriptor();
  for (size_t i = 0; i < names.size(); ++i) {
    if (!shown[i]) continue;
    const std::string& field = fields->field(static_cast<int>(i))->name();
    trace
        ->AddCounterTrack(kPartTracks + i, kRssTrack, names[i].first,
                          absl::StrCat("Part of RSS: parts.", field, " of the result."))
        ->set_sibling_order_rank(static_cast<int32_t>(i));
  }
  trace->AddCounterTrack(kLiveTrack, kProcessTrack, "live bytes",
                         "Bytes asked for and not yet freed.");
  for (const proto::Sample& sample : result.series()) {
    trace->AddCount(sample.time_ns(), kRssTrack, sample.rss_bytes());
    trace->AddCount(sample.time_ns(), kLiveTrack, sample.live_bytes());
    const auto parts = NamedParts(sample.parts());
    for (size_t i = 0; i < parts.size(); ++i) {
      if (shown[i]) trace->AddCount(sample.time_ns(), kPartTracks + i, parts[i].second);
    }
  }
}

void AddMarks(const proto::Detail& detail, TraceBuilder* trace) {
  std::set<MarkTrackIndex> used;
  for (const proto::Mark& mark : detail.marks()) used.insert(StyleOf(mark.kind()).track);
  for (const MarkTrackIndex i : used) {
    const MarkTrack& track = kMarkTrackTable[i];
    trace->AddTrack(kMarkTracks + i, kProcessTrack, track.name, track.description);
  }
  for (const proto::Mark& mark : detail.marks()) {
    const MarkStyle style = StyleOf(mark.kind());
    const uint64_t track = kMarkTracks + style.track;
    // An instant is begun and ended too: Perfetto puts events that it calls instants, where they
    // have one timestamp, each below the last, and a tight machine can run out of memory hundreds
    // of times in a millisecond.
    TrackEvent* event = trace->AddEvent(mark.time_ns(), track, TrackEvent::TYPE_SLICE_BEGIN);
    event->set_name(style.name);
    event->add_categories("heap");
    Annotate(event, "event", mark.event());
    Annotate(event, style.value, mark.value());
    trace->AddEvent(mark.time_ns() + mark.duration_ns(), track, TrackEvent::TYPE_SLICE_END);
  }
}

}  // namespace

std::string PerfettoTrace(const proto::Result& result, const std::string& trace_path) {
  TraceBuilder trace;
  AddRun(result, trace_path, &trace);
  AddCounters(result, &trace);
  AddMarks(result.detail(), &trace);
  return trace.Finish();
}

std::string PerfettoTrace(const proto::Comparison& comparison) {
  TraceBuilder trace;
  trace.SetAttribute("heapsim_version", comparison.version());
  std::set<uint64_t> seeds;
  for (const proto::Cell& cell : comparison.cells()) seeds.insert(cell.seed());
  for (const proto::Cell& cell : comparison.cells()) {
    if (!cell.has_result()) continue;
    const std::string seed = seeds.size() > 1 ? absl::StrCat(", seed ", cell.seed()) : "";
    trace.AddProcess(absl::StrCat(NameOf(cell.trace()), ", policy ", cell.policy(), seed));
    AddCounters(cell.result(), &trace);
    AddMarks(cell.result().detail(), &trace);
  }
  return trace.Finish();
}

}  // namespace heapsim::analysis
