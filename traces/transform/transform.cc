#include "traces/transform/transform.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/numeric/int128.h"
#include "absl/strings/str_cat.h"
#include "traces/transform/event_cursor.h"
#include "traces/transform/trace_output.h"

namespace heapsim::traces {
namespace {

// The header of a trace made from `reader`'s.
proto::TraceHeader Derived(const TraceReader& reader, absl::string_view how) {
  proto::TraceHeader header = reader.header();
  header.add_notes(std::string(how));
  return header;
}

// What the facts say of the source, known once it is read.
std::string FormatOf(const TraceReader& reader) {
  return reader.facts() == nullptr ? "htrace" : reader.facts()->format;
}
bool IsComplete(const TraceReader& reader) {
  return reader.facts() == nullptr || reader.facts()->complete;
}

// What is alive in a source, to be allocated again.
struct LiveObject {
  uint64_t size = 0;
  uint64_t alignment = 0;
  uint32_t thread = 0;
  uint32_t call_site = 0;
  bool scan = false;
};
using LiveObjects = absl::flat_hash_map<uint32_t, LiveObject>;

void Follow(const Event& event, LiveObjects* live) {
  if (event.failed) return;
  if (event.dropped != kNoObject) live->erase(event.dropped);
  if (!event.frees) {
    (*live)[event.object] = {event.size, event.alignment, event.thread, event.call_site,
                             event.scan};
  } else if (event.resizes()) {
    (*live)[event.object].size = event.size;
  } else if (event.object != kNoObject) {
    live->erase(event.object);
  }
}

// Allocates what was alive, with the columns that `first`, the slice's first event, has, and those
// that anything alive has: an object without must not take over its neighbour's.
void AllocateLive(const LiveObjects& live, const Event& first, TraceOutput* output,
                  ObjectMap* objects) {
  std::vector<uint32_t> order;
  order.reserve(live.size());
  for (const auto& [object, properties] : live) order.push_back(object);
  std::sort(order.begin(), order.end());
  Event event = first;
  for (const uint32_t object : order) {
    event.has_call_site = event.has_call_site || live.at(object).call_site != 0;
    event.has_scan = event.has_scan || live.at(object).scan;
  }
  for (const uint32_t object : order) {
    const LiveObject& properties = live.at(object);
    event.thread = properties.thread;
    event.call_site = properties.call_site;
    event.scan = properties.scan;
    output->SetColumns(event);
    const EventKind kind = properties.alignment > 0 ? EventKind::kMemalign : EventKind::kMalloc;
    objects->Set(object, output->blocks().Alloc(kind, properties.size, properties.alignment));
  }
}

void CopyMarkers(const EventCursor& cursor, TraceOutput* output) {
  for (const Marker& marker : cursor.markers()) {
    output->blocks().AddMarker(marker.kind, marker.value);
  }
}

uint64_t ScaledUp(uint64_t value, double factor) {
  if (factor == 1) return value;  // exact above 2^53 too
  const double scaled = std::ceil(static_cast<double>(value) * factor);
  return scaled >= 0x1p63 ? uint64_t{1} << 63 : static_cast<uint64_t>(scaled);
}

bool IsFactor(double value) { return value > 0 && value <= 1e9; }

}  // namespace

absl::Status SliceTrace(TraceReader& reader, const SliceOptions& options, ByteSink* sink) {
  if (options.first == 0 || options.last < options.first) {
    return absl::InvalidArgumentError(absl::StrCat("no slice from event ", options.first,
                                                   " to event ", options.last,
                                                   ": events count from 1"));
  }
  reader.KeepCallSites();
  TraceOutput output(sink,
                     Derived(reader, absl::StrCat("events ", options.first, " on of a trace")));
  EventCursor cursor(&reader);
  ObjectMap objects;
  SiteMap sites;
  LiveObjects live;
  Event event;
  bool started = false;
  for (;;) {
    absl::StatusOr<bool> more = cursor.Next(&event);
    if (!more.ok()) return more.status();
    if (!*more) break;
    // The trace is read to its end even past the slice, so that damage does not go unnoticed.
    if (event.number > options.last) continue;
    if (event.number < options.first) {
      if (options.keep_live) Follow(event, &live);
      continue;
    }
    output.CopyCallSites(reader, &sites);
    if (!started) AllocateLive(live, event, &output, &objects);
    started = true;
    CopyMarkers(cursor, &output);
    output.Apply(event, &objects);
    if (!output.status().ok()) return output.status();
  }
  if (!started) {
    return absl::InvalidArgumentError(
        absl::StrCat("no event ", options.first, ": the trace has ", event.number));
  }
  return output.Finish(FormatOf(reader), IsComplete(reader), reader.pid());
}

absl::Status MergeTraces(const std::vector<TraceReader*>& readers, ByteSink* sink) {
  if (readers.empty()) return absl::InvalidArgumentError("nothing to merge");
  struct Source {
    TraceReader* reader;
    EventCursor cursor;
    Event event;
    bool more = false;
    uint64_t events = 0;
    ObjectMap objects;
    SiteMap sites;
  };
  std::vector<Source> sources;
  sources.reserve(readers.size());
  bool by_time = true;
  bool has_call_sites = false;  // so far
  proto::TraceHeader header;
  bool complete = true;
  for (TraceReader* reader : readers) {
    if (reader->facts() == nullptr) {
      return absl::InvalidArgumentError(
          "a .htrace from a pipe cannot be merged: its length comes last; save it first");
    }
    reader->KeepCallSites();
    // Programs have the same addresses for other code; no address needs the upper 16 bits.
    const uint64_t shift = static_cast<uint64_t>(sources.size()) << 48;
    sources.push_back(
        {reader, EventCursor(reader), {}, false, 0, {}, SiteMap(SiteMap::Names::kKeep, shift)});
    Source& source = sources.back();
    source.events = std::max<uint64_t>(1, reader->facts()->events);
    complete = complete && reader->facts()->complete;
    absl::StatusOr<bool> more = source.cursor.Next(&source.event);
    if (!more.ok()) return more.status();
    source.more = *more;
    by_time = by_time && (!source.more || source.event.has_time);
    header.add_notes(absl::StrCat("merged from ", reader->header().command_line()));
  }
  header.set_source_format("htrace");
  header.set_importer("heapsim merge");
  TraceOutput output(sink, header);

  // Whether a's next event stands before b's.
  const auto before = [by_time](const Source& a, const Source& b) {
    if (by_time) return a.event.time_ns < b.event.time_ns;
    return static_cast<absl::uint128>(a.event.number) * b.events <
           static_cast<absl::uint128>(b.event.number) * a.events;
  };
  for (;;) {
    Source* next = nullptr;
    for (Source& source : sources) {
      if (source.more && (next == nullptr || before(source, *next))) next = &source;
    }
    if (next == nullptr) break;
    Event event = next->event;
    const uint64_t index = next - sources.data();
    event.has_time = by_time;
    output.CopyCallSites(*next->reader, &next->sites);
    // An event of a source without call sites must not take over its neighbour's.
    has_call_sites = has_call_sites || event.has_call_site;
    event.call_site = next->sites.Find(event.call_site);
    event.has_call_site = has_call_sites;
    // A number that no other source has; the output's threads are dense again.
    const bool has_thread = event.has_thread;
    event.has_thread = false;
    if (has_thread) output.blocks().SetThread(index << 32 | event.thread);
    CopyMarkers(next->cursor, &output);
    output.Apply(event, &next->objects);
    if (!output.status().ok()) return output.status();
    absl::StatusOr<bool> more = next->cursor.Next(&next->event);
    if (!more.ok()) return more.status();
    next->more = *more;
  }
  return output.Finish("htrace", complete);
}

absl::Status LoopTrace(const std::function<absl::StatusOr<std::unique_ptr<TraceReader>>()>& open,
                       const LoopOptions& options, ByteSink* sink) {
  if (options.rounds == 0) return absl::InvalidArgumentError("a loop needs a round");
  std::unique_ptr<TraceOutput> output;
  SiteMap sites;
  std::string format;
  bool complete = true;
  uint64_t pid = 0;
  uint64_t start = 0;  // of the round, on the output's clock
  for (uint64_t round = 0; round < options.rounds; ++round) {
    absl::StatusOr<std::unique_ptr<TraceReader>> opened = open();
    if (!opened.ok()) return opened.status();
    TraceReader& reader = **opened;
    if (round == 0) {
      reader.KeepCallSites();
      output = std::make_unique<TraceOutput>(
          sink, Derived(reader, absl::StrCat("looped ", options.rounds, " times")));
    }
    EventCursor cursor(&reader);
    ObjectMap objects;
    Event event;
    uint64_t latest = 0;
    for (;;) {
      absl::StatusOr<bool> more = cursor.Next(&event);
      if (!more.ok()) return more.status();
      CopyMarkers(cursor, output.get());
      if (!*more) break;
      if (round == 0) output->CopyCallSites(reader, &sites);
      latest = std::max(latest, event.time_ns);
      event.time_ns += start;
      output->Apply(event, &objects);
      if (!output->status().ok()) return output->status();
    }
    start += latest;
    if (options.free_at_end) {
      for (const uint32_t object : objects.Live()) output->blocks().Free(objects.Find(object));
    }
    format = FormatOf(reader);
    complete = IsComplete(reader);
    pid = reader.pid();
  }
  return output->Finish(format, complete, pid);
}

absl::Status ScaleTrace(TraceReader& reader, const ScaleOptions& options, ByteSink* sink) {
  if (!IsFactor(options.sizes) || !IsFactor(options.time) || options.copies == 0 ||
      options.copies > 65536) {
    return absl::InvalidArgumentError("factors must be above 0 and at most 1e9, copies 1 to 65536");
  }
  reader.KeepCallSites();
  TraceOutput output(sink,
                     Derived(reader, absl::StrCat("scaled: sizes by ", options.sizes, ", time by ",
                                                  options.time, ", ", options.copies, " copies")));
  EventCursor cursor(&reader);
  std::vector<ObjectMap> objects(options.copies);
  SiteMap sites;
  Event event;
  for (;;) {
    absl::StatusOr<bool> more = cursor.Next(&event);
    if (!more.ok()) return more.status();
    CopyMarkers(cursor, &output);
    if (!*more) break;
    output.CopyCallSites(reader, &sites);
    event.size = ScaledUp(event.size, options.sizes);
    event.time_ns = ScaledUp(event.time_ns, options.time);
    for (ObjectMap& copy : objects) output.Apply(event, &copy);
    if (!output.status().ok()) return output.status();
  }
  return output.Finish(FormatOf(reader), IsComplete(reader), reader.pid());
}

absl::Status AnonymizeTrace(TraceReader& reader, ByteSink* sink) {
  reader.KeepCallSites();
  proto::TraceHeader header;
  header.set_source_format(reader.header().source_format());
  header.set_recorder(reader.header().recorder());
  header.set_sampled(reader.header().sampled());
  TraceOutput output(sink, header);
  EventCursor cursor(&reader);
  ObjectMap objects;
  SiteMap sites(SiteMap::Names::kForget);
  Event event;
  for (;;) {
    absl::StatusOr<bool> more = cursor.Next(&event);
    if (!more.ok()) return more.status();
    CopyMarkers(cursor, &output);
    if (!*more) break;
    output.CopyCallSites(reader, &sites);
    output.Apply(event, &objects);
    if (!output.status().ok()) return output.status();
  }
  return output.Finish(FormatOf(reader), IsComplete(reader));
}

absl::Status GenerateTrace(const GenerateOptions& options, ByteSink* sink) {
  proto::TraceHeader header;
  header.set_importer("heapsim generate");
  header.set_source_format("synthetic");
  header.add_notes(absl::StrCat("seed ", options.seed, ", ", options.live_objects,
                                " live objects, median size ", options.median_size, ", sigma ",
                                options.sigma, ", largest size ", options.max_size));
  if (absl::Status s = CheckGenerateOptions(options); !s.ok()) return s;
  TraceOutput output(sink, header);
  if (absl::Status s = Generate(options, &output.blocks()); !s.ok()) return s;
  return output.Finish("synthetic", true);
}

}  // namespace heapsim::traces
