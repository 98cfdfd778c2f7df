#include <zlib.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "analysis/export/gzip.h"
#include "analysis/export/perfetto.h"
#include "analysis/export/perfetto.pb.h"
#include "analysis/export/pprof.h"
#include "analysis/export/pprof.pb.h"
#include "gtest/gtest.h"

namespace heapsim::analysis {
namespace {

std::string Gunzip(const std::string& packed) {
  std::string out(std::size_t{1} << 23, '\0');
  z_stream stream = {};
  EXPECT_EQ(inflateInit2(&stream, MAX_WBITS + 16), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  inflateEnd(&stream);
  return out;
}

TEST(Gzip, ComesBack) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{3000000}}) {
    std::string text;
    for (size_t i = 0; i < size; ++i) text += static_cast<char>(i * i >> 7);
    EXPECT_EQ(Gunzip(Gzip(text)), text);
    EXPECT_EQ(Gzip(text), Gzip(text));
  }
}

proto::Result Example() {
  proto::Result result;
  result.mutable_policy()->set_name("p");
  result.set_version("9");
  proto::Detail* detail = result.mutable_detail();
  proto::CallSite* site = detail->add_call_sites();
  site->set_id(4);
  site->add_frames("inner");
  site->add_frames("main");
  for (const char* file : {"/src/inner.c", ""}) site->add_frame_files(file);
  for (const uint32_t line : {12u, 0u}) site->add_frame_lines(line);
  site = detail->add_call_sites();
  site->set_id(9);
  site->add_frames("other()");
  site->add_frames("main");
  for (const char* symbol : {"_Z5otherv", ""}) site->add_frame_symbols(symbol);
  detail->add_snapshots()->set_label("sample");
  proto::HeapSnapshot* s = detail->add_snapshots();
  s->set_label("peak");
  for (const uint32_t id : {9u, 4u}) {
    proto::SiteUse* use = s->add_sites();
    use->set_site(id);
    use->set_live_objects(id);
    use->set_live_bytes(10 * id);
    use->set_pinned_bytes(1000 * id);
    use->set_wasted_bytes(990 * id);
  }
  s->mutable_other_sites()->set_pinned_bytes(5);
  s->set_other_sites_count(3);
  proto::Sample* sample = result.add_series();
  sample->set_time_ns(70);
  sample->set_rss_bytes(8192);
  sample->set_live_bytes(100);
  sample->mutable_parts()->set_dead_bytes(17);
  sample->mutable_parts()->set_other_bytes(8175);
  sample = result.add_series();
  sample->set_time_ns(90);
  sample->set_rss_bytes(4096);
  sample->set_live_bytes(100);
  sample->mutable_parts()->set_free_pages_bytes(4000);
  sample->mutable_parts()->set_other_bytes(96);
  const auto mark = [&](proto::MarkKind kind, uint64_t time, uint64_t length, uint64_t value) {
    proto::Mark* m = detail->add_marks();
    m->set_kind(kind);
    m->set_event(time / 10);
    m->set_time_ns(time);
    m->set_duration_ns(length);
    m->set_value(value);
  };
  mark(proto::MARK_KIND_GC, 30, 5, 4096);
  mark(proto::MARK_KIND_SWEEP, 35, 20, 7);
  mark(proto::MARK_KIND_OUT_OF_MEMORY, 60, 0, 8192);
  mark(proto::MARK_KIND_OUT_OF_MEMORY, 60, 0, 8193);
  mark(proto::MARK_KIND_GC, 70, 0, 4096);
  mark(proto::MARK_KIND_SCAVENGE, 80, 0, 4096);
  return result;
}

TEST(Pprof, EachSiteIsASample) {
  pprof::Profile p;
  ASSERT_TRUE(p.ParseFromString(Gunzip(PprofProfile(Example()))));
  EXPECT_EQ(p.string_table(0), "");
  std::vector<std::string> types;
  for (const pprof::ValueType& t : p.sample_type()) {
    types.push_back(p.string_table(static_cast<int>(t.type())) + " " +
                    p.string_table(static_cast<int>(t.unit())));
  }
  EXPECT_EQ(types, (std::vector<std::string>{"inuse_space bytes", "inuse_objects count",
                                             "pinned_pages bytes", "wasted_space bytes"}));
  EXPECT_EQ(p.string_table(static_cast<int>(p.default_sample_type())), "pinned_pages");
  ASSERT_EQ(p.sample_size(), 3);
  std::map<uint64_t, std::string> functions, locations;
  for (const pprof::Function& f : p.function()) {
    functions[f.id()] = p.string_table(static_cast<int>(f.name()));
  }
  for (const pprof::Location& l : p.location())
    locations[l.id()] = functions[l.line(0).function_id()];
  // Shared frames are one location.
  EXPECT_EQ(locations.size(), 4u);
  const pprof::Sample& first = p.sample(0);
  ASSERT_EQ(first.location_id_size(), 2);
  EXPECT_EQ(locations[first.location_id(0)], "other()");
  EXPECT_EQ(p.string_table(static_cast<int>(p.function(0).system_name())), "_Z5otherv");
  EXPECT_EQ(locations[first.location_id(1)], "main");
  EXPECT_EQ(first.value(0), 90);
  EXPECT_EQ(first.value(1), 9);
  EXPECT_EQ(first.value(2), 9000);
  EXPECT_EQ(first.value(3), 8910);
  EXPECT_EQ(locations[p.sample(2).location_id(0)], "(3 other call sites)");
  const pprof::Location& inner = p.location(static_cast<int>(p.sample(1).location_id(0)) - 1);
  EXPECT_EQ(locations[inner.id()], "inner");
  EXPECT_EQ(inner.line(0).line(), 12);
  const pprof::Function& function = p.function(static_cast<int>(inner.line(0).function_id()) - 1);
  EXPECT_EQ(p.string_table(static_cast<int>(function.filename())), "/src/inner.c");
  EXPECT_EQ(function.system_name(), function.name());
}

TEST(Pprof, WithoutAPeakThereIsNoSample) {
  pprof::Profile p;
  ASSERT_TRUE(p.ParseFromString(Gunzip(PprofProfile(proto::Result()))));
  EXPECT_EQ(p.sample_size(), 0);
  EXPECT_EQ(p.sample_type_size(), 4);
}

// A trace of Perfetto's, taken apart.
struct Taken {
  std::map<uint64_t, perfetto::TrackDescriptor> tracks;
  // By track: time and value of each count; name and time of each event and end.
  std::map<std::string, std::vector<std::pair<uint64_t, int64_t>>> counts;
  std::map<std::string, std::vector<std::string>> events;
  std::map<std::string, std::vector<perfetto::DebugAnnotation>> notes;  // by event
  std::map<std::string, std::string> attributes;
};

Taken TakeApart(const std::string& file) {
  Taken taken;
  perfetto::Trace trace;
  EXPECT_TRUE(trace.ParseFromString(file));
  EXPECT_EQ(trace.packet(0).sequence_flags(), 1u);
  for (const perfetto::TracePacket& packet : trace.packet()) {
    EXPECT_NE(packet.trusted_packet_sequence_id(), 0u);
    for (const auto& a : packet.trace_attributes().attribute()) {
      const bool text = a.has_string_value();
      taken.attributes[a.key()] = text ? a.string_value() : std::to_string(a.long_value());
    }
    if (packet.has_track_descriptor()) {
      const perfetto::TrackDescriptor& t = packet.track_descriptor();
      EXPECT_TRUE(taken.tracks.emplace(t.uuid(), t).second) << t.name();
      EXPECT_EQ(t.has_process(), !t.has_parent_uuid());
      EXPECT_TRUE(t.has_process() || taken.tracks.count(t.parent_uuid()) == 1) << t.name();
      EXPECT_TRUE(t.has_process() || !t.description().empty()) << t.name();
    }
    if (!packet.has_track_event()) continue;
    const perfetto::TrackEvent& e = packet.track_event();
    EXPECT_EQ(taken.tracks.count(e.track_uuid()), 1u);
    const perfetto::TrackDescriptor& track = taken.tracks[e.track_uuid()];
    EXPECT_EQ(track.has_counter(), e.type() == perfetto::TrackEvent::TYPE_COUNTER);
    if (track.has_counter()) {
      taken.counts[track.name()].emplace_back(packet.timestamp(), e.counter_value());
      continue;
    }
    const bool ends = e.type() == perfetto::TrackEvent::TYPE_SLICE_END;
    taken.events[track.name()].push_back((ends ? "end" : e.name()) + "@" +
                                         std::to_string(packet.timestamp()));
    for (const auto& note : e.debug_annotations()) taken.notes[e.name()].push_back(note);
  }
  return taken;
}

// The names of the tracks below a track as the viewer orders them.
std::vector<std::string> Below(const Taken& taken, const std::string& parent) {
  uint64_t above = 0;
  for (const auto& [uuid, t] : taken.tracks) {
    if (t.name() == parent || t.process().process_name() == parent) above = uuid;
  }
  EXPECT_NE(above, 0u) << parent;
  const bool ranked =
      taken.tracks.at(above).child_ordering() == perfetto::TrackDescriptor::EXPLICIT;
  std::map<std::pair<int32_t, std::string>, std::string> below;
  for (const auto& [uuid, t] : taken.tracks) {
    if (t.parent_uuid() == above) {
      below[{ranked ? t.sibling_order_rank() : 0, t.name()}] = t.name();
    }
  }
  std::vector<std::string> names;
  for (const auto& [key, name] : below) names.push_back(name);
  return names;
}

TEST(Perfetto, TracksCountersAndSlices) {
  const Taken taken = TakeApart(PerfettoTrace(Example(), "a/b.raw"));
  EXPECT_EQ(Below(taken, "b.raw, policy p"),
            (std::vector<std::string>{"RSS", "live bytes", "marking", "out of memory", "releases",
                                      "sweeping"}));
  using Counts = std::vector<std::pair<uint64_t, int64_t>>;
  EXPECT_EQ(taken.counts.at("RSS"), (Counts{{70, 8192}, {90, 4096}}));
  EXPECT_EQ(taken.counts.at("live bytes"), (Counts{{70, 100}, {90, 100}}));
  EXPECT_EQ(taken.events,
            (std::map<std::string, std::vector<std::string>>{
                {"marking", {"GC@30", "end@35", "GC@70", "end@70"}},
                {"sweeping", {"sweep@35", "end@55"}},
                {"out of memory", {"out of memory@60", "end@60", "out of memory@60", "end@60"}},
                {"releases", {"scavenge@80", "end@80"}}}));
  const auto& notes = taken.notes.at("sweep");
  ASSERT_EQ(notes.size(), 2u);
  EXPECT_EQ(notes[0].name(), "event");
  EXPECT_EQ(notes[0].uint_value(), 3u);
  EXPECT_EQ(notes[1].name(), "spans");
  EXPECT_EQ(notes[1].uint_value(), 7u);
}

TEST(Perfetto, PartsStandBelowRssInTheOrderOfTheSummary) {
  const Taken taken = TakeApart(PerfettoTrace(Example(), "a/b.raw"));
  // Those of which there ever is a byte.
  EXPECT_EQ(Below(taken, "RSS"),
            (std::vector<std::string>{"dead, not yet swept", "free pages", "other"}));
  using Counts = std::vector<std::pair<uint64_t, int64_t>>;
  EXPECT_EQ(taken.counts.at("dead, not yet swept"), (Counts{{70, 17}, {90, 0}}));
  EXPECT_EQ(taken.counts.at("free pages"), (Counts{{70, 0}, {90, 4000}}));
  EXPECT_EQ(taken.counts.size(), 5u);
  const std::map<std::string, std::string> fields = {{"dead, not yet swept", "parts.dead_bytes"},
                                                     {"free pages", "parts.free_pages_bytes"},
                                                     {"other", "parts.other_bytes"}};
  for (const auto& [uuid, t] : taken.tracks) {
    if (!t.has_counter()) continue;
    EXPECT_EQ(t.counter().unit(), perfetto::CounterDescriptor::UNIT_SIZE_BYTES) << t.name();
    EXPECT_EQ(t.counter().y_axis_share_key(), "memory") << t.name();
    const auto field = fields.find(t.name());
    if (field == fields.end()) continue;
    EXPECT_NE(t.description().find(field->second), std::string::npos) << t.description();
  }
}

TEST(Perfetto, TheAttributesSayWhichRunItWas) {
  proto::Result result = Example();
  result.set_seed(4);
  result.set_state_hash(0xabc);
  result.set_stopped("out of luck");
  result.add_assumptions("one");
  result.add_assumptions("two");
  result.mutable_memory()->set_peak_rss_bytes(8192);
  result.mutable_trace()->set_format("f");
  result.mutable_detail()->set_dropped_marks(3);
  EXPECT_EQ(TakeApart(PerfettoTrace(result, "a/b.raw")).attributes,
            (std::map<std::string, std::string>{{"trace", "a/b.raw"},
                                                {"format", "f"},
                                                {"policy", "p"},
                                                {"seed", "4"},
                                                {"heapsim_version", "9"},
                                                {"state_hash", "0000000000000abc"},
                                                {"stopped", "out of luck"},
                                                {"assumptions", "one; two"},
                                                {"peak_rss_bytes", "8192"},
                                                {"dropped_marks", "3"}}));
}

TEST(Perfetto, AProcessForEachCell) {
  proto::Comparison comparison;
  for (const char* policy : {"p", "q", "failed"}) {
    proto::Cell* cell = comparison.add_cells();
    cell->set_trace("a/b.raw");
    cell->set_policy(policy);
    if (cell->policy() != "failed") *cell->mutable_result() = Example();
  }
  perfetto::Trace trace;
  ASSERT_TRUE(trace.ParseFromString(PerfettoTrace(comparison)));
  std::map<uint64_t, uint64_t> process_of;  // by track
  std::map<uint64_t, std::string> names;
  std::map<std::string, int> events;
  for (const perfetto::TracePacket& packet : trace.packet()) {
    if (packet.has_track_descriptor()) {
      const perfetto::TrackDescriptor& t = packet.track_descriptor();
      if (t.has_process()) names[t.uuid()] = t.process().process_name();
      ASSERT_TRUE(t.has_process() || process_of.count(t.parent_uuid()));
      const uint64_t process = t.has_process() ? t.uuid() : process_of[t.parent_uuid()];
      EXPECT_TRUE(process_of.emplace(t.uuid(), process).second) << t.name();
    } else if (packet.has_track_event()) {
      ++events[names.at(process_of.at(packet.track_event().track_uuid()))];
    }
  }
  ASSERT_EQ(events.size(), 2u);
  EXPECT_GT(events.at("b.raw, policy p"), 10);
  EXPECT_EQ(events.at("b.raw, policy p"), events.at("b.raw, policy q"));
}

// As of a policy that was measured: no detail, no parts, no hash.
TEST(Perfetto, WhatIsNotKnownHasNoTrack) {
  proto::Result result;
  result.mutable_policy()->set_name("native:x");
  result.add_series()->set_rss_bytes(5);
  const Taken taken = TakeApart(PerfettoTrace(result, "-"));
  EXPECT_EQ(Below(taken, "standard input, policy native:x"),
            (std::vector<std::string>{"RSS", "live bytes"}));
  EXPECT_EQ(taken.tracks.size(), 3u);
  EXPECT_EQ(taken.counts.size(), 2u);
  EXPECT_TRUE(taken.events.empty());
  EXPECT_EQ(taken.attributes.count("state_hash"), 0u);
  EXPECT_EQ(taken.attributes.count("stopped"), 0u);
}

}  // namespace
}  // namespace heapsim::analysis
