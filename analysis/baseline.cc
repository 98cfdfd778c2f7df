#include "analysis/baseline.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "analysis/call_site_name.h"
#include "analysis/explain.h"
#include "analysis/json.h"
#include "analysis/metrics.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/util/json_util.h"
#include "nlohmann/json.hpp"

namespace heapsim::analysis {
namespace {

using nlohmann::json;

// Size classes, and call sites, in a baseline: enough to see where memory went, few enough to
// review.
constexpr size_t kKeptHolders = 16;

// Points of the curve of RSS: where it parts from another is then known to so many parts of the
// trace.
constexpr int kKeptPoints = 16;

// Calls visit(path, leaf) for every value below `value` that is neither object nor array.
template <typename Visit>
void ForEachLeaf(const json& value, const std::string& path, const Visit& visit) {
  if (!value.is_object()) {
    if (!value.is_array()) visit(path, value);
    return;
  }
  for (const auto& [key, below] : value.items()) {
    ForEachLeaf(below, path.empty() ? key : absl::StrCat(path, ".", key), visit);
  }
}

std::map<std::string, std::string> SettingsOf(const json& policy) {
  std::map<std::string, std::string> settings;
  ForEachLeaf(policy, "", [&](const std::string& path, const json& leaf) {
    if (path != "description") settings[path] = JsonText(leaf, -1);
  });
  return settings;
}

// The number of a sample by name, 0 where it has none.
uint64_t NumberOf(const json& row, const std::string& key) {
  const auto found = row.find(key);
  return found != row.end() && found->is_number_unsigned() ? found->get<uint64_t>() : 0;
}

proto::Sample SampleOf(const json& row) {
  proto::Sample sample;
  sample.set_event(NumberOf(row, "event"));
  sample.set_time_ns(NumberOf(row, "time_ns"));
  sample.set_live_bytes(NumberOf(row, "live_bytes"));
  sample.set_rss_bytes(NumberOf(row, "rss_bytes"));
  const google::protobuf::Descriptor* type = proto::Parts::descriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    const auto* field = type->field(i);
    const auto found = row.find(field->name());
    if (found == row.end() || !found->is_number_unsigned()) continue;
    proto::Parts* parts = sample.mutable_parts();
    parts->GetReflection()->SetUInt64(parts, field, found->get<uint64_t>());
  }
  return sample;
}

// "rss_bytes_at_event" as BaselineText writes it.
std::vector<proto::Sample> PointsOf(const json& root) {
  std::vector<proto::Sample> points;
  const auto found = root.find("rss_bytes_at_event");
  if (found == root.end() || !found->is_object()) return points;
  for (const auto& [event, bytes] : found->items()) {
    uint64_t number;
    if (!absl::SimpleAtoi(event, &number) || !bytes.is_number_unsigned()) continue;
    points.emplace_back().set_event(number);
    points.back().set_rss_bytes(bytes.get<uint64_t>());
  }
  return points;
}

// Evenly spread over the run; as text of equal length, which sorts as the numbers do.
json PointsOf(const proto::Result& result) {
  json points = json::object();
  const int samples = result.series_size();
  for (int i = 1; i <= kKeptPoints && samples > 0; ++i) {
    const proto::Sample& sample =
        result.series(std::max(0, static_cast<int>(int64_t{samples} * i / kKeptPoints) - 1));
    points[absl::StrFormat("%012d", sample.event())] = sample.rss_bytes();
  }
  return points;
}

// A message of whole numbers and texts from its JSON; what else stands there is left out.
template <typename T>
T MessageOf(const json& row) {
  T message;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  const auto status = google::protobuf::util::JsonStringToMessage(row.dump(), &message, options);
  return status.ok() ? message : T();
}

// What holds memory at the peak, where a whole result has detail.
void ReadDetail(const json& root, Baseline* baseline) {
  const auto found = root.find("detail");
  if (found == root.end() || !found->is_object()) return;
  proto::Result result;
  proto::Detail* detail = result.mutable_detail();
  const auto rows = [](const json& of, const char* key) {
    const auto list = of.find(key);
    return list != of.end() && list->is_array() ? *list : json::array();
  };
  for (const json& snapshot : rows(*found, "snapshots")) {
    if (!snapshot.is_object() || snapshot.value("label", json()) != "peak") continue;
    proto::HeapSnapshot* peak = detail->add_snapshots();
    peak->set_label("peak");
    for (const json& row : rows(snapshot, "size_classes")) {
      *peak->add_size_classes() = MessageOf<proto::SizeClassUse>(row);
    }
    for (const json& row : rows(snapshot, "sites"))
      *peak->add_sites() = MessageOf<proto::SiteUse>(row);
  }
  for (const json& row : rows(*found, "call_sites")) {
    *detail->add_call_sites() = MessageOf<proto::CallSite>(row);
  }
  detail->set_has_call_sites(found->value("has_call_sites", json()) == true);
  if (baseline->size_classes.empty()) baseline->size_classes = SizeClassesOf(result);
  if (baseline->call_sites.empty()) baseline->call_sites = CallSitesOf(result);
}

std::map<std::string, uint64_t> BytesByName(const json& root, const char* key) {
  std::map<std::string, uint64_t> all;
  const auto found = root.find(key);
  if (found == root.end() || !found->is_object()) return all;
  for (const auto& [name, bytes] : found->items()) {
    if (bytes.is_number_unsigned()) all[name] = bytes.get<uint64_t>();
  }
  return all;
}

void KeepLargest(const char* key, const std::map<std::string, uint64_t>& all, json* kept) {
  std::vector<std::pair<uint64_t, std::string>> holders;
  for (const auto& [name, bytes] : all) holders.emplace_back(bytes, name);
  absl::c_sort(holders, std::greater<>());
  for (size_t i = 0; i < holders.size() && i < kKeptHolders; ++i) {
    (*kept)[key][holders[i].second] = holders[i].first;
  }
}

// Parts of a result that a baseline keeps whole.
bool KeptWhole(absl::string_view metric) {
  static constexpr absl::string_view kKept[] = {"fragmentation.", "gc.", "memory.", "os.",
                                                "parts."};
  return absl::c_any_of(kKept,
                        [&](absl::string_view head) { return absl::StartsWith(metric, head); });
}

// Enough to notice that a baseline is of another trace.
bool IdentifiesTrace(absl::string_view metric) {
  return metric == "trace.events" || metric == "trace.peak_live_bytes" ||
         metric == "trace.total_requested_bytes";
}

}  // namespace

std::optional<double> Baseline::Find(absl::string_view metric) const {
  const auto found = metrics.find(std::string(metric));
  if (found == metrics.end()) return std::nullopt;
  return found->second;
}

absl::StatusOr<Baseline> ParseBaseline(absl::string_view path, absl::string_view text) {
  json root;
  try {
    root = json::parse(text.begin(), text.end());
  } catch (const json::parse_error& e) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": not JSON, byte ", e.byte,
                     " is wrong; a baseline is what `replay --json` or `check --update` writes"));
  } catch (const json::exception&) {
    return absl::InvalidArgumentError(
        absl::StrCat(path,
                     ": it has a number that is too large; a baseline is what "
                     "`replay --json` or `check --update` writes"));
  }
  if (!root.is_object()) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": no JSON object; a baseline is what `replay --json` or `check --update` writes"));
  }
  Baseline baseline;
  baseline.path = std::string(path);
  if (const auto version = root.find("version"); version != root.end() && version->is_string()) {
    baseline.version = version->get<std::string>();
  }
  for (const std::string& name : MetricNames()) {
    const std::pair<std::string, std::string> keys = absl::StrSplit(name, '.');
    const auto part = root.find(keys.first);
    if (part == root.end() || !part->is_object()) continue;
    const auto value = part->find(keys.second);
    if (value == part->end() || value->is_null()) continue;
    if (!value->is_number()) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": ", name, " is no number but ", value->type_name()));
    }
    baseline.metrics[name] = value->get<double>();
  }
  if (const auto policy = root.find("policy"); policy != root.end() && policy->is_object()) {
    baseline.policy = SettingsOf(*policy);
  }
  baseline.size_classes = BytesByName(root, "size_classes");
  baseline.call_sites = BytesByName(root, "call_sites");
  ReadDetail(root, &baseline);
  if (const auto series = root.find("series"); series != root.end() && series->is_array()) {
    for (const json& row : *series) {
      if (row.is_object()) baseline.series.push_back(SampleOf(row));
    }
  } else {
    baseline.series = PointsOf(root);
  }
  return baseline;
}

std::string BaselineText(const proto::Result& result, absl::Span<const std::string> more) {
  // Through text, since the two kinds of JSON value, by order and sorted, do not convert.
  const json all = json::parse(JsonText(ToJson(result), -1));
  json kept = {{"version", result.version()}, {"seed", result.seed()}, {"policy", all["policy"]}};
  kept["policy"].erase("description");
  for (const std::string& name : MetricNames()) {
    if (!KeptWhole(name) && !IdentifiesTrace(name) && !absl::c_linear_search(more, name)) continue;
    const std::pair<std::string, std::string> keys = absl::StrSplit(name, '.');
    // A part that the result does not have is null as a whole.
    if (all[keys.first].is_object()) kept[keys.first][keys.second] = all[keys.first][keys.second];
  }
  if (result.series_size() > 0) kept["rss_bytes_at_event"] = PointsOf(result);
  KeepLargest("size_classes", SizeClassesOf(result), &kept);
  KeepLargest("call_sites", CallSitesOf(result), &kept);
  return kept.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

std::map<std::string, uint64_t> SizeClassesOf(const proto::Result& result) {
  std::map<std::string, uint64_t> classes;
  for (const proto::HeapSnapshot& snapshot : result.detail().snapshots()) {
    if (snapshot.label() != "peak") continue;
    for (const proto::SizeClassUse& use : snapshot.size_classes()) {
      classes[ClassName(use)] = ResidentBytes(use);
    }
  }
  return classes;
}

std::map<std::string, uint64_t> CallSitesOf(const proto::Result& result) {
  std::map<std::string, uint64_t> sites;
  if (!result.detail().has_call_sites()) return sites;
  std::map<uint32_t, std::string> names;
  for (const proto::CallSite& site : result.detail().call_sites()) {
    names[site.id()] = SiteName(site);
  }
  for (const proto::HeapSnapshot& snapshot : result.detail().snapshots()) {
    if (snapshot.label() != "peak") continue;
    // Sites that differ further out than a name shows are told as one.
    for (const proto::SiteUse& use : snapshot.sites()) {
      const auto name = names.find(use.site());
      if (name != names.end()) sites[name->second] += use.pinned_bytes();
    }
  }
  return sites;
}

std::map<std::string, std::string> PolicySettings(const proto::Policy& policy) {
  return SettingsOf(json::parse(JsonText(ToJson(policy), -1)));
}

}  // namespace heapsim::analysis
