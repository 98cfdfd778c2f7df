#include <zlib.h>

#include <map>
#include <string>
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
  site->add_frames("other");
  site->add_frames("main");
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
  EXPECT_EQ(locations[first.location_id(0)], "other");
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

TEST(Perfetto, TracksCountersAndSlices) {
  perfetto::Trace trace;
  ASSERT_TRUE(trace.ParseFromString(PerfettoTrace(Example())));
  std::map<uint64_t, std::string> tracks;
  std::map<std::string, int64_t> counts;
  std::vector<std::string> events;
  std::map<uint64_t, int> depth;
  for (const perfetto::TracePacket& packet : trace.packet()) {
    EXPECT_NE(packet.trusted_packet_sequence_id(), 0u);
    if (packet.has_track_descriptor()) {
      const perfetto::TrackDescriptor& t = packet.track_descriptor();
      EXPECT_TRUE(tracks.emplace(t.uuid(), t.name()).second);
      EXPECT_EQ(t.has_process(), !t.has_parent_uuid());
      EXPECT_TRUE(t.has_process() || tracks.count(t.parent_uuid()));
      continue;
    }
    const perfetto::TrackEvent& e = packet.track_event();
    ASSERT_TRUE(tracks.count(e.track_uuid()));
    if (e.type() == perfetto::TrackEvent::TYPE_COUNTER) {
      EXPECT_EQ(packet.timestamp(), 70u);
      counts[tracks[e.track_uuid()]] = e.counter_value();
      continue;
    }
    depth[e.track_uuid()] += e.type() == perfetto::TrackEvent::TYPE_SLICE_BEGIN;
    depth[e.track_uuid()] -= e.type() == perfetto::TrackEvent::TYPE_SLICE_END;
    events.push_back(e.name() + "@" + std::to_string(packet.timestamp()));
    if (e.name() == "sweep") {
      EXPECT_EQ(e.debug_annotations(1).name(), "spans");
      EXPECT_EQ(e.debug_annotations(1).uint_value(), 7u);
    }
  }
  EXPECT_EQ(counts.size(), 11u);
  EXPECT_EQ(counts["RSS"], 8192);
  EXPECT_EQ(counts["live bytes"], 100);
  EXPECT_EQ(counts["dead_bytes"], 17);
  EXPECT_EQ(events,
            (std::vector<std::string>{"GC@30", "@35", "sweep@35", "@55", "out of memory@60"}));
  for (const auto& [track, open] : depth) EXPECT_EQ(open, 0) << tracks[track];
}

}  // namespace
}  // namespace heapsim::analysis
