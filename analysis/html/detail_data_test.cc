#include "analysis/html/detail_data.h"

#include "gtest/gtest.h"

namespace heapsim::analysis {
namespace {

TEST(DetailData, NothingIsEmpty) {
  NameTable names;
  const nlohmann::ordered_json data = DetailData(proto::Detail(), &names);
  EXPECT_EQ(data["snapshots"].size(), 0u);
  EXPECT_EQ(data["marks"]["count"], 0);
  EXPECT_EQ(data["lifetimes"]["by_ns"].size(), 0u);
}

TEST(DetailData, ListsAreColumns) {
  proto::Detail detail;
  proto::HeapSnapshot* snapshot = detail.add_snapshots();
  snapshot->set_label("peak");
  snapshot->mutable_parts()->set_dead_bytes(7);
  for (uint64_t bytes : {48, 96}) {
    proto::SizeClassUse* use = snapshot->add_size_classes();
    use->set_slot_bytes(bytes);
    use->add_spans_by_tenths(bytes);
  }
  snapshot->mutable_map()->set_cell_bytes(8192);
  for (uint32_t cells : {3, 9}) {
    snapshot->mutable_map()->add_run_cells(cells);
    snapshot->mutable_map()->add_run_state(proto::MAP_STATE_SMALL);
  }
  snapshot->mutable_other_sites()->set_pinned_bytes(5);
  detail.add_marks()->set_kind(proto::MARK_KIND_SCAVENGE);
  proto::LifetimeBucket* bucket = detail.mutable_lifetimes()->add_by_ns();
  bucket->set_min(4);

  NameTable names;
  const nlohmann::ordered_json data = DetailData(detail, &names);
  const auto& first = data["snapshots"][0];
  EXPECT_EQ(first["label"], "peak");
  EXPECT_EQ(first["dead_bytes"], 7);
  EXPECT_EQ(first["size_classes"]["slot_bytes"].dump(), "[48,96]");
  EXPECT_EQ(first["size_classes"]["spans_by_tenths"].dump(), "[[48],[96]]");
  EXPECT_EQ(first["map"]["count"], 2);
  EXPECT_EQ(first["map"]["cell_bytes"], 8192);
  EXPECT_EQ(first["map"]["run_state"], 1);  // all are the same
  EXPECT_TRUE(first["map"]["run_cells"].is_string());
  EXPECT_EQ(first["other_sites"]["pinned_bytes"], 5);
  EXPECT_EQ(data["marks"]["count"], 1);
  EXPECT_EQ(data["marks"]["kind"], 2);
  EXPECT_EQ(data["lifetimes"]["by_ns"]["min"].dump(), "[4]");
}

TEST(DetailData, FramesAreToldOnce) {
  proto::Detail detail;
  for (const char* inner : {"parse", "load"}) {
    proto::CallSite* site = detail.add_call_sites();
    for (const char* frame : {"malloc", inner, "main"}) site->add_frames(frame);
    site->add_frame_symbols("_Z5parsev");
  }
  for (const char* file : {"a.c", "b.c", "main"})
    detail.mutable_call_sites(1)->add_frame_files(file);
  NameTable names;
  const nlohmann::ordered_json sites = DetailData(detail, &names)["call_sites"];
  EXPECT_EQ(names.names(),
            (std::vector<std::string>{"malloc", "parse", "main", "load", "a.c", "b.c"}));
  EXPECT_EQ(sites["frames"].dump(), "[[0,1,2],[0,3,2]]");
  EXPECT_EQ(sites["frame_files"].dump(), "[[],[4,5,2]]");
  EXPECT_EQ(sites["first_frame"].dump(), "[1,1]");
  EXPECT_EQ(sites["frame_symbols"].dump(), "[[],[]]");
}

TEST(DetailData, ASnapshotWithoutAMapSaysSo) {
  proto::Detail detail;
  detail.add_snapshots();
  NameTable names;
  const nlohmann::ordered_json data = DetailData(detail, &names);
  EXPECT_TRUE(data["snapshots"][0]["map"].is_null());
  EXPECT_TRUE(data["snapshots"][0]["other_sites"].is_null());
}

}  // namespace
}  // namespace heapsim::analysis
