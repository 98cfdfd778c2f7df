#include "analysis/html/detail_data.h"

#include <cstdint>
#include <vector>

#include "analysis/call_site_name.h"
#include "analysis/html/packed_column.h"
#include "analysis/json.h"

namespace heapsim::analysis {
namespace {

using nlohmann::ordered_json;

template <typename Messages>
ordered_json Columns(const Messages& messages) {
  ordered_json columns = ordered_json::object();
  for (const auto& message : messages) {
    const ordered_json row = ToJson(message);
    for (const auto& [name, value] : row.items()) columns[name].push_back(value);
  }
  return columns;
}

template <typename Values>
ordered_json Packed(const Values& values) {
  return PackedColumn(std::vector<uint64_t>(values.begin(), values.end()));
}

ordered_json MapData(const proto::HeapMap& map) {
  return {{"begin_address", map.begin_address()},
          {"cell_bytes", map.cell_bytes()},
          {"count", map.run_cells_size()},
          {"run_cells", Packed(map.run_cells())},
          {"run_state", Packed(map.run_state())},
          {"run_size_class", Packed(map.run_size_class())},
          {"run_live_percent", Packed(map.run_live_percent())},
          {"run_resident_percent", Packed(map.run_resident_percent())},
          {"run_huge_percent", Packed(map.run_huge_percent())}};
}

ordered_json SnapshotData(const proto::HeapSnapshot& snapshot) {
  proto::HeapSnapshot plain = snapshot;
  plain.clear_map();
  plain.clear_size_classes();
  plain.clear_free_runs();
  plain.clear_longest_free_runs();
  plain.clear_sites();
  ordered_json data = ToJson(plain);
  data["map"] = snapshot.has_map() ? MapData(snapshot.map()) : ordered_json(nullptr);
  data["size_classes"] = Columns(snapshot.size_classes());
  data["free_runs"] = Columns(snapshot.free_runs());
  data["longest_free_runs"] = Columns(snapshot.longest_free_runs());
  data["sites"] = Columns(snapshot.sites());
  return data;
}

// Without symbols, which nobody asks a page for; with the first frame that is worth a line's room.
ordered_json CallSitesData(const proto::Detail& detail, NameTable* names) {
  std::vector<proto::CallSite> sites(detail.call_sites().begin(), detail.call_sites().end());
  for (proto::CallSite& site : sites) site.clear_frame_symbols();
  ordered_json columns = Columns(sites);
  for (const char* column : {"frames", "frame_files"}) {
    for (ordered_json& of_site : columns[column]) {
      for (ordered_json& text : of_site) text = names->Number(text.get<std::string>());
    }
  }
  for (const proto::CallSite& site : sites) columns["first_frame"].push_back(FirstOwnFrame(site));
  return columns;
}

ordered_json MarksData(const proto::Detail& detail) {
  std::vector<uint64_t> kind, event, time, duration, value;
  for (const proto::Mark& mark : detail.marks()) {
    kind.push_back(static_cast<uint64_t>(mark.kind()));
    event.push_back(mark.event());
    time.push_back(mark.time_ns());
    duration.push_back(mark.duration_ns());
    value.push_back(mark.value());
  }
  return {{"count", detail.marks_size()},          {"kind", PackedColumn(kind)},
          {"event", PackedColumn(event)},          {"time_ns", PackedColumn(time)},
          {"duration_ns", PackedColumn(duration)}, {"value", PackedColumn(value)}};
}

}  // namespace

size_t NameTable::Number(const std::string& name) {
  const auto [found, added] = numbers_.try_emplace(name, names_.size());
  if (added) names_.push_back(name);
  return found->second;
}

ordered_json DetailData(const proto::Detail& detail, NameTable* names) {
  ordered_json snapshots = ordered_json::array();
  for (const proto::HeapSnapshot& snapshot : detail.snapshots()) {
    snapshots.push_back(SnapshotData(snapshot));
  }
  const proto::Lifetimes& lifetimes = detail.lifetimes();
  return {{"snapshots", std::move(snapshots)},
          {"call_sites", CallSitesData(detail, names)},
          {"has_call_sites", detail.has_call_sites()},
          {"lifetimes",
           {{"by_events", Columns(lifetimes.by_events())},
            {"by_ns", Columns(lifetimes.by_ns())},
            {"unfreed_objects", lifetimes.unfreed_objects()},
            {"unfreed_bytes", lifetimes.unfreed_bytes()}}},
          {"marks", MarksData(detail)},
          {"dropped_marks", detail.dropped_marks()}};
}

}  // namespace heapsim::analysis
