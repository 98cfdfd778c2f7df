#include "analysis/comparison.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

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
  for (const proto::Cell& cell : comparison.cells()) {
    if (std::find(names.begin(), names.end(), name(cell)) == names.end()) {
      names.push_back(name(cell));
    }
  }
  return names;
}

// Whether the cells of a trace and policy exist and all went well.
bool IsOk(const proto::Comparison& comparison, absl::string_view trace, absl::string_view policy) {
  bool found = false;
  for (const proto::Cell& cell : comparison.cells()) {
    if (cell.trace() != trace || cell.policy() != policy) continue;
    if (cell.status() != kCellOk) return false;
    found = true;
  }
  return found;
}

// Has nobody better beside it.
bool OnFront(const proto::PolicySummary& one, const std::vector<const proto::PolicySummary*>& all) {
  const double memory = one.peak_rss_ratio().value();
  const double cost = one.cost_ratio().value();
  return std::none_of(all.begin(), all.end(), [&](const proto::PolicySummary* other) {
    const double their_memory = other->peak_rss_ratio().value();
    const double their_cost = other->cost_ratio().value();
    return their_memory <= memory && their_cost <= cost &&
           (their_memory < memory || their_cost < cost);
  });
}

void MarkFront(const std::vector<std::string>& traces, proto::Comparison* comparison) {
  // Only policies that did all that any policy did can be weighed against each other.
  size_t most = 0;
  std::vector<size_t> done;
  for (const proto::PolicySummary& row : comparison->summary()) {
    done.push_back(0);
    for (const std::string& trace : traces) done.back() += IsOk(*comparison, trace, row.policy());
    most = std::max(most, done.back());
  }
  std::vector<const proto::PolicySummary*> candidates;
  for (int i = 0; i < comparison->summary_size(); ++i) {
    const proto::PolicySummary& row = comparison->summary(i);
    if (done[i] == most && row.has_peak_rss_ratio() && row.has_cost_ratio()) {
      candidates.push_back(&row);
    }
  }
  for (proto::PolicySummary& row : *comparison->mutable_summary()) {
    const bool candidate =
        std::find(candidates.begin(), candidates.end(), &row) != candidates.end();
    row.set_pareto(candidate && OnFront(row, candidates));
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
      {"os.cost_ns", "cost", &Row::cost_ratio, &Row::has_cost_ratio, &Row::mutable_cost_ratio},
  };
  return kCriteria;
}

std::vector<std::string> PoliciesOf(const proto::Comparison& comparison) {
  return Distinct(comparison, [](const proto::Cell& cell) { return cell.policy(); });
}

std::vector<std::string> TracesOf(const proto::Comparison& comparison) {
  return Distinct(comparison, [](const proto::Cell& cell) { return cell.trace(); });
}

std::optional<double> CellValue(const proto::Comparison& comparison, absl::string_view trace,
                                absl::string_view policy, absl::string_view metric) {
  double sum = 0;
  int count = 0;
  for (const proto::Cell& cell : comparison.cells()) {
    if (cell.trace() != trace || cell.policy() != policy) continue;
    if (cell.status() != kCellOk) return std::nullopt;
    const std::optional<double> value = MetricOf(cell.result(), metric);
    if (!value.has_value()) return std::nullopt;
    sum += *value;
    ++count;
  }
  if (count == 0) return std::nullopt;
  return sum / count;
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
  const std::vector<std::string> policies = PoliciesOf(*comparison);
  const std::vector<std::string> traces = TracesOf(*comparison);
  for (const std::string& policy : policies) {
    proto::PolicySummary* row = comparison->add_summary();
    row->set_policy(policy);
    for (const proto::Cell& cell : comparison->cells()) {
      if (cell.policy() == policy && cell.status() != kCellOk) {
        row->set_failed_cells(row->failed_cells() + 1);
      }
    }
    for (const std::string& trace : traces) {
      if (IsOk(*comparison, trace, policy) && IsOk(*comparison, trace, policies[0])) {
        row->set_traces(row->traces() + 1);
      }
    }
    for (const Criterion& criterion : Criteria()) {
      std::vector<double> ratios;
      for (const std::string& trace : traces) {
        const auto value = CellValue(*comparison, trace, policy, criterion.metric);
        const auto base = CellValue(*comparison, trace, policies[0], criterion.metric);
        if (!value.has_value() || !base.has_value()) continue;
        const std::optional<double> ratio = RatioOf(*value, *base);
        if (!ratio.has_value()) continue;
        ratios.push_back(*ratio);
        if (&criterion != &Criteria()[0]) continue;
        if (!row->has_worst_trace() || *ratio > row->worst_peak_rss_ratio()) {
          row->set_worst_trace(trace);
          row->set_worst_peak_rss_ratio(*ratio);
        }
      }
      if (!ratios.empty()) *(row->*criterion.mutate)() = GeometricMean(ratios, kBootstrapSeed);
    }
  }
  MarkFront(traces, comparison);
}

}  // namespace heapsim::analysis
