#include "analysis/comparison.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>

#include "analysis/metrics.h"

namespace heapsim::analysis {
namespace {

constexpr int kBootstrapSamples = 2000;
constexpr uint64_t kBootstrapSeed = 1;

// Splitmix64 (Steele, Lea, Flood 2014): the same numbers everywhere, unlike those of <random>'s
// distributions.
class Generator {
 public:
  explicit Generator(uint64_t seed) : state_(seed) {}

  // Less than `bound`; the bias of the product is below 2^-32 for any number of traces.
  size_t Below(size_t bound) {
    const uint64_t high = Next() >> 32;
    return static_cast<size_t>((high * bound) >> 32);
  }

 private:
  uint64_t Next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  uint64_t state_;
};

double Rounded(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return std::strtod(text, nullptr);
}

template <typename Name>
std::vector<std::string> Distinct(const proto::Comparison& comparison, const Name& name) {
  std::vector<std::string> names;
  std::set<absl::string_view> seen;
  for (const proto::Cell& cell : comparison.cells()) {
    const std::string& text = name(cell);
    if (seen.insert(text).second) names.push_back(text);
  }
  return names;
}

// Where a policy stands between memory and cost.
struct Place {
  double memory, cost;
};

// By row of the summary; absent: it is not weighed against the others.
using Places = std::vector<std::optional<Place>>;

// Has nobody better beside it.
bool OnFront(const Places& places, size_t row) {
  if (!places[row].has_value()) return false;
  const Place one = *places[row];
  return std::none_of(places.begin(), places.end(), [&](const std::optional<Place>& other) {
    return other.has_value() && other->memory <= one.memory && other->cost <= one.cost &&
           (other->memory < one.memory || other->cost < one.cost);
  });
}

// The geometric mean over the traces of one policy's values divided by another's.
std::optional<double> MeanRatio(const CellTable& table, absl::string_view policy,
                                absl::string_view base, size_t criterion) {
  double sum = 0;
  size_t count = 0;
  for (const std::string& trace : table.traces()) {
    const std::optional<double> ratio = table.RatioTo(base, trace, policy, criterion);
    if (!ratio.has_value()) continue;
    sum += std::log(*ratio);
    ++count;
  }
  if (count == 0) return std::nullopt;
  return Rounded(std::exp(sum / static_cast<double>(count)));
}

// Any policy will do to order the others by, if its cost is known and more than nothing. The first
// one of a comparison need not be such: a bound costs nothing, a measured one has no cost.
Places PlacesTo(const CellTable& table, const std::vector<bool>& candidates) {
  Places places(candidates.size());
  for (size_t base = 0; base < candidates.size(); ++base) {
    if (!candidates[base]) continue;
    bool any = false;
    for (size_t i = 0; i < candidates.size(); ++i) {
      if (!candidates[i]) continue;
      const std::string& policy = table.policies()[i];
      const std::optional<double> memory =
          MeanRatio(table, policy, table.policies()[base], kPeakCriterion);
      const std::optional<double> cost =
          MeanRatio(table, policy, table.policies()[base], kCostCriterion);
      if (!memory.has_value() || !cost.has_value()) continue;
      places[i] = Place{*memory, *cost};
      any = true;
    }
    if (any) return places;
  }
  return places;
}

void MarkFront(const CellTable& table, proto::Comparison* comparison) {
  // Only policies that did all that any policy did can be weighed against each other.
  size_t most = 0;
  std::vector<size_t> done;
  for (const proto::PolicySummary& row : comparison->summary()) {
    done.push_back(0);
    for (const std::string& trace : table.traces()) done.back() += table.IsOk(trace, row.policy());
    most = std::max(most, done.back());
  }
  std::set<absl::string_view> bounds;
  for (const proto::Cell& cell : comparison->cells()) {
    if (cell.result().policy().engine() == proto::ENGINE_IDEAL) bounds.insert(cell.policy());
  }
  Places places(done.size());
  std::vector<bool> allocators(done.size());
  for (int i = 0; i < comparison->summary_size(); ++i) {
    const proto::PolicySummary& row = comparison->summary(i);
    if (done[i] != most) continue;
    allocators[i] = bounds.count(row.policy()) == 0;
    if (row.has_peak_rss_ratio() && row.has_total_cost_ratio()) {
      places[i] = Place{row.peak_rss_ratio().value(), row.total_cost_ratio().value()};
    }
  }
  const Places places_of_allocators = PlacesTo(table, allocators);
  for (int i = 0; i < comparison->summary_size(); ++i) {
    proto::PolicySummary* row = comparison->mutable_summary(i);
    row->set_pareto(OnFront(places, i));
    row->set_pareto_of_allocators(OnFront(places_of_allocators, i));
  }
}

}  // namespace

absl::Span<const Criterion> Criteria() {
  using Row = proto::PolicySummary;
  static constexpr Criterion kCriteria[] = {
      {"memory.peak_rss_bytes", "peak RSS", &Row::peak_rss_ratio, &Row::has_peak_rss_ratio,
       &Row::mutable_peak_rss_ratio},
      {"memory.mean_rss_bytes", "mean RSS", &Row::mean_rss_ratio, &Row::has_mean_rss_ratio,
       &Row::mutable_mean_rss_ratio},
      {"fragmentation.mean_rss_over_live", "RSS/live", &Row::fragmentation_ratio,
       &Row::has_fragmentation_ratio, &Row::mutable_fragmentation_ratio},
      {"os.page_faults", "page faults", &Row::page_faults_ratio, &Row::has_page_faults_ratio,
       &Row::mutable_page_faults_ratio},
      {"os.cost_ns", "OS cost", &Row::cost_ratio, &Row::has_cost_ratio, &Row::mutable_cost_ratio},
      {"cost.total_ns", "total cost", &Row::total_cost_ratio, &Row::has_total_cost_ratio,
       &Row::mutable_total_cost_ratio},
  };
  return kCriteria;
}

const proto::Ratio* RatioIn(const proto::PolicySummary& summary, absl::string_view metric) {
  for (const Criterion& criterion : Criteria()) {
    if (metric == criterion.metric && (summary.*criterion.has)()) {
      return &(summary.*criterion.get)();
    }
  }
  return nullptr;
}

std::vector<std::string> PoliciesOf(const proto::Comparison& comparison) {
  return Distinct(comparison,
                  [](const proto::Cell& cell) -> const std::string& { return cell.policy(); });
}

std::vector<std::string> TracesOf(const proto::Comparison& comparison) {
  return Distinct(comparison,
                  [](const proto::Cell& cell) -> const std::string& { return cell.trace(); });
}

CellTable::CellTable(const proto::Comparison& comparison)
    : traces_(TracesOf(comparison)), policies_(PoliciesOf(comparison)) {
  struct Sum {
    int cells = 0;
    std::vector<double> values;
    std::vector<int> known;
  };
  const size_t criteria = Criteria().size();
  std::map<Place, Sum> sums;
  for (const proto::Cell& cell : comparison.cells()) {
    const Place place(cell.trace(), cell.policy());
    if (cell.status() != kCellOk) {
      failed_.insert(place);
      continue;
    }
    Sum& sum = sums[place];
    sum.values.resize(criteria);
    sum.known.resize(criteria);
    ++sum.cells;
    const std::vector<Metric> metrics = MetricsOf(cell.result());
    for (size_t i = 0; i < criteria; ++i) {
      for (const Metric& metric : metrics) {
        if (metric.name != Criteria()[i].metric || !metric.value.has_value()) continue;
        sum.values[i] += *metric.value;
        ++sum.known[i];
      }
    }
  }
  for (const auto& [place, sum] : sums) {
    if (failed_.count(place) != 0) continue;
    std::vector<std::optional<double>>& means = means_[place];
    for (size_t i = 0; i < criteria; ++i) {
      means.push_back(sum.known[i] == sum.cells ? std::optional(sum.values[i] / sum.cells)
                                                : std::nullopt);
    }
  }
}

bool CellTable::IsOk(absl::string_view trace, absl::string_view policy) const {
  return means_.count(Place(trace, policy)) != 0;
}

std::optional<double> CellTable::Value(absl::string_view trace, absl::string_view policy,
                                       size_t criterion) const {
  const auto found = means_.find(Place(trace, policy));
  if (found == means_.end()) return std::nullopt;
  return found->second[criterion];
}

std::optional<double> CellTable::RatioTo(absl::string_view base, absl::string_view trace,
                                         absl::string_view policy, size_t criterion) const {
  const std::optional<double> value = Value(trace, policy, criterion);
  const std::optional<double> to = Value(trace, base, criterion);
  if (!value.has_value() || !to.has_value()) return std::nullopt;
  return RatioOf(*value, *to);
}

std::optional<double> RatioOf(double value, double base) {
  if (base != 0) return value / base;
  if (value == 0) return 1;
  return std::nullopt;
}

proto::Ratio GeometricMean(const std::vector<double>& ratios, uint64_t seed) {
  std::vector<double> logarithms;
  for (const double ratio : ratios) logarithms.push_back(std::log(ratio));
  const size_t count = logarithms.size();
  double sum = 0;
  for (const double logarithm : logarithms) sum += logarithm;
  proto::Ratio out;
  out.set_value(Rounded(std::exp(sum / static_cast<double>(count))));

  Generator generator(seed);
  std::vector<double> means;
  for (int i = 0; i < kBootstrapSamples; ++i) {
    double drawn = 0;
    for (size_t j = 0; j < count; ++j) drawn += logarithms[generator.Below(count)];
    means.push_back(std::exp(drawn / static_cast<double>(count)));
  }
  std::sort(means.begin(), means.end());
  out.set_low(Rounded(means[kBootstrapSamples / 40]));
  out.set_high(Rounded(means[kBootstrapSamples - 1 - kBootstrapSamples / 40]));
  return out;
}

void Summarise(proto::Comparison* comparison) {
  comparison->clear_summary();
  const CellTable table(*comparison);
  std::map<absl::string_view, uint32_t> failed;
  for (const proto::Cell& cell : comparison->cells()) {
    if (cell.status() != kCellOk) ++failed[cell.policy()];
  }
  for (const std::string& policy : table.policies()) {
    proto::PolicySummary* row = comparison->add_summary();
    row->set_policy(policy);
    row->set_failed_cells(failed[policy]);
    for (const std::string& trace : table.traces()) {
      if (table.IsOk(trace, policy) && table.IsOk(trace, table.policies()[0])) {
        row->set_traces(row->traces() + 1);
      }
    }
    for (size_t i = 0; i < Criteria().size(); ++i) {
      std::vector<double> ratios;
      for (const std::string& trace : table.traces()) {
        const std::optional<double> ratio = table.Ratio(trace, policy, i);
        if (!ratio.has_value()) continue;
        ratios.push_back(*ratio);
        if (i != kPeakCriterion) continue;
        if (!row->has_worst_trace() || *ratio > row->worst_peak_rss_ratio()) {
          row->set_worst_trace(trace);
          row->set_worst_peak_rss_ratio(*ratio);
        }
      }
      if (!ratios.empty()) {
        *(row->*Criteria()[i].mutate)() = GeometricMean(ratios, kBootstrapSeed);
      }
    }
  }
  MarkFront(table, comparison);
}

}  // namespace heapsim::analysis
