#include "analysis/gate.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "analysis/metrics.h"
#include "analysis/summary.h"
#include "google/protobuf/descriptor.h"

namespace heapsim::analysis {
namespace {

constexpr size_t kShownHolders = 5;
constexpr size_t kShownCounters = 5;

struct Move {
  std::string name;
  double before = 0;
  double now = 0;
};

// The metrics of one part that both sides know and that differ.
std::vector<Move> Moves(absl::string_view head, const Baseline& baseline,
                        const proto::Result& result) {
  std::vector<Move> moves;
  for (const Metric& metric : MetricsOf(result)) {
    if (!absl::StartsWith(metric.name, head) || !metric.value.has_value()) continue;
    const std::optional<double> before = baseline.Find(metric.name);
    if (!before.has_value() || *before == *metric.value) continue;
    moves.push_back({metric.name, *before, *metric.value});
  }
  return moves;
}

std::string Grown(const Move& move) {
  return absl::StrCat(move.name, " ", HumanBytes(move.before), " -> ", HumanBytes(move.now), " (+",
                      HumanBytes(move.now - move.before), ")");
}

void AddSettings(const Baseline& baseline, const proto::Result& result,
                 std::vector<std::string>* reasons) {
  std::vector<std::string> changed;
  for (const auto& [path, value] : PolicySettings(result.policy())) {
    const auto before = baseline.policy.find(path);
    if (path == "name" || before == baseline.policy.end() || before->second == value) continue;
    changed.push_back(absl::StrCat(path, " was ", before->second, " and is ", value));
  }
  if (!changed.empty()) {
    reasons->push_back(
        absl::StrCat("The policy's settings differ: ", absl::StrJoin(changed, ", ")));
  }
}

void AddParts(const Baseline& baseline, const proto::Result& result,
              std::vector<std::string>* reasons) {
  const std::optional<double> before = baseline.Find("memory.peak_rss_bytes");
  if (before.has_value()) {
    const double now = static_cast<double>(result.memory().peak_rss_bytes());
    const std::optional<double> event = baseline.Find("memory.peak_rss_at_event");
    reasons->push_back(absl::StrCat(
        "Peak RSS ", HumanBytes(*before),
        event.has_value() ? absl::StrCat(" at event ", MetricText(*event)) : "", " -> ",
        HumanBytes(now), " at event ", WithCommas(result.memory().peak_rss_at_event()), " (",
        ChangeText(*before, now), ")"));
  }
  std::vector<Move> grown = Moves("parts.", baseline, result);
  grown.erase(std::remove_if(grown.begin(), grown.end(),
                             [](const Move& move) { return move.now <= move.before; }),
              grown.end());
  std::stable_sort(grown.begin(), grown.end(), [](const Move& a, const Move& b) {
    return a.now - a.before > b.now - b.before;
  });
  if (!grown.empty()) {
    reasons->push_back(absl::StrCat(
        "Parts of the peak that grew: ",
        absl::StrJoin(grown, ", ",
                      [](std::string* out, const Move& move) { out->append(Grown(move)); })));
  } else if (!result.has_parts() || !baseline.Find("parts.live_resident_bytes").has_value()) {
    reasons->push_back("Which parts grew is not known: one of the two has no parts");
  } else {
    reasons->push_back("No part of the peak grew");
  }
}

// Who holds more at the peak than in the baseline: `what` is "size class" or "call site".
void AddHolders(absl::string_view what, const std::map<std::string, uint64_t>& baseline,
                const std::map<std::string, uint64_t>& holders, absl::string_view separator,
                std::vector<std::string>* reasons) {
  if (baseline.empty() || holders.empty()) return;
  struct Growth {
    std::string name;
    uint64_t before, now;
  };
  // One that the baseline does not keep had less than the smallest that it does.
  uint64_t unknown = ~uint64_t{0};
  for (const auto& [name, bytes] : baseline) unknown = std::min(unknown, bytes);
  std::vector<Growth> grown;
  for (const auto& [name, now] : holders) {
    const auto found = baseline.find(name);
    const uint64_t before = found == baseline.end() ? unknown : found->second;
    if (now > before) grown.push_back({name, before, now});
  }
  if (grown.empty()) {
    reasons->push_back(absl::StrCat("No ", what, " grew at the peak"));
    return;
  }
  std::stable_sort(grown.begin(), grown.end(), [](const Growth& a, const Growth& b) {
    return a.now - a.before > b.now - b.before;
  });
  if (grown.size() > kShownHolders) grown.resize(kShownHolders);
  reasons->push_back(absl::StrCat(
      what == "size class" ? "Size classes" : "Call sites", " that grew at the peak: ",
      absl::StrJoin(grown, separator, [&](std::string* out, const Growth& g) {
        absl::StrAppend(out, g.name, " +", HumanBytes(static_cast<double>(g.now - g.before)), " (",
                        baseline.count(g.name) != 0 ? "" : "at most ",
                        HumanBytes(static_cast<double>(g.before)), " -> ",
                        HumanBytes(static_cast<double>(g.now)), ")");
      })));
}

// Samples by event and by their place among those of the same event (a release has two).
using SampleKey = std::pair<uint64_t, int>;

template <typename Series>
std::map<SampleKey, const proto::Sample*> ByEvent(const Series& series) {
  std::map<SampleKey, const proto::Sample*> samples;
  for (const proto::Sample& sample : series) {
    int place = 0;
    while (!samples.emplace(SampleKey(sample.event(), place), &sample).second) ++place;
  }
  return samples;
}

std::string PartsThatDiffer(const proto::Sample& before, const proto::Sample& now) {
  std::vector<std::string> differing;
  const google::protobuf::Descriptor* type = proto::Parts::descriptor();
  for (int i = 0; before.has_parts() && now.has_parts() && i < type->field_count(); ++i) {
    const auto* reflection = proto::Parts::GetReflection();
    const uint64_t a = reflection->GetUInt64(before.parts(), type->field(i));
    const uint64_t b = reflection->GetUInt64(now.parts(), type->field(i));
    if (a == b) continue;
    const double bytes = static_cast<double>(a < b ? b - a : a - b);
    differing.push_back(
        absl::StrCat(type->field(i)->name(), a < b ? " +" : " -", HumanBytes(bytes)));
  }
  return differing.empty() ? "" : absl::StrCat(": ", absl::StrJoin(differing, ", "));
}

void AddCurves(const Baseline& baseline, const proto::Result& result,
               std::vector<std::string>* reasons) {
  if (baseline.series.empty()) {
    reasons->push_back(
        "Where the curves part is not known: the baseline has no series (--update adds one)");
    return;
  }
  const auto before = ByEvent(baseline.series);
  uint64_t together = 0;  // the last event at which both were the same
  uint64_t common = 0;
  for (const auto& [key, now] : ByEvent(result.series())) {
    const auto found = before.find(key);
    if (found == before.end()) continue;
    ++common;
    if (found->second->rss_bytes() == now->rss_bytes()) {
      together = key.first;
      continue;
    }
    reasons->push_back(absl::StrCat(
        "The curves part at event ", WithCommas(key.first), " at the latest (",
        common == 1 ? "the first that both have"
                    : absl::StrCat("equal up to event ", WithCommas(together)),
        "): RSS ", HumanBytes(static_cast<double>(found->second->rss_bytes())), " -> ",
        HumanBytes(static_cast<double>(now->rss_bytes())), PartsThatDiffer(*found->second, *now)));
    return;
  }
  reasons->push_back(
      common == 0 ? "Where the curves part is not known: the two series have no event in common"
                  : absl::StrCat("The curves are equal at all ", WithCommas(common),
                                 " samples that both have"));
}

void AddCounters(const Baseline& baseline, const proto::Result& result,
                 std::vector<std::string>* reasons) {
  std::vector<Move> moves = Moves("os.", baseline, result);
  for (Move& move : Moves("gc.", baseline, result)) moves.push_back(std::move(move));
  if (moves.empty()) return;
  // By the logarithm of their change, those that came from or went to nothing first.
  const auto weight = [](const Move& move) {
    return move.before <= 0 || move.now <= 0 ? HUGE_VAL
                                             : std::fabs(std::log(move.now / move.before));
  };
  std::stable_sort(moves.begin(), moves.end(),
                   [&](const Move& a, const Move& b) { return weight(a) > weight(b); });
  if (moves.size() > kShownCounters) moves.resize(kShownCounters);
  reasons->push_back(absl::StrCat(
      "Counters that moved most: ",
      absl::StrJoin(moves, ", ", [](std::string* out, const Move& move) {
        absl::StrAppend(out, move.name, " ", MetricText(move.before), " -> ", MetricText(move.now));
      })));
}

}  // namespace

int Verdict::broken() const {
  return static_cast<int>(
      absl::c_count_if(judgements, [](const Judgement& j) { return j.broken; }));
}

absl::Status CheckBaseline(absl::Span<const Limit> limits, const Baseline* baseline) {
  for (const Limit& limit : limits) {
    if (!limit.relative()) continue;
    if (baseline == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("limit '", limit.text,
                       "' is relative to a baseline and there is none; give --baseline=FILE"));
    }
    if (!baseline->Find(limit.metric).has_value()) {
      return absl::NotFoundError(absl::StrCat(baseline->path, ": the baseline has no number for ",
                                              limit.metric, ", which limit '", limit.text,
                                              "' needs"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Verdict> Judge(absl::Span<const Limit> limits, const Baseline* baseline,
                              const proto::Result& result) {
  if (absl::Status status = CheckBaseline(limits, baseline); !status.ok()) return status;
  Verdict verdict;
  for (const Limit& limit : limits) {
    const std::optional<double> value = MetricOf(result, limit.metric);
    if (!value.has_value()) {
      return absl::NotFoundError(absl::StrCat("limit '", limit.text, "': the run does not know ",
                                              limit.metric, "; policy ", result.policy().name(),
                                              " or the trace has no such number"));
    }
    Judgement judgement;
    judgement.limit = limit;
    judgement.value = *value;
    if (baseline != nullptr) judgement.baseline = baseline->Find(limit.metric);
    judgement.bound = limit.Bound(judgement.baseline.value_or(0));
    judgement.broken = !limit.Allows(judgement.value, judgement.bound);
    verdict.judgements.push_back(std::move(judgement));
  }
  if (verdict.broken() > 0 && baseline != nullptr) verdict.reasons = ReasonsOf(*baseline, result);
  return verdict;
}

std::vector<std::string> Doubts(const Baseline& baseline, const proto::Result& result) {
  std::vector<std::string> doubts;
  if (!baseline.version.empty() && baseline.version != result.version()) {
    doubts.push_back(absl::StrCat("the baseline was made by version ", baseline.version,
                                  ", this is ", result.version()));
  }
  const auto policy = baseline.policy.find("name");
  const auto name = PolicySettings(result.policy())["name"];
  if (policy != baseline.policy.end() && policy->second != name) {
    doubts.push_back(
        absl::StrCat("the baseline is of policy ", policy->second, ", the run of ", name));
  }
  const std::vector<Move> trace = Moves("trace.", baseline, result);
  if (!trace.empty()) {
    doubts.push_back(absl::StrCat("the baseline is of another trace: ", trace[0].name, " is ",
                                  MetricText(trace[0].now), " and was ",
                                  MetricText(trace[0].before)));
  }
  return doubts;
}

std::vector<std::string> ReasonsOf(const Baseline& baseline, const proto::Result& result) {
  std::vector<std::string> reasons;
  AddSettings(baseline, result, &reasons);
  if (reasons.empty() && Moves("", baseline, result).empty()) {
    return {"No number differs from the baseline: it breaks the limit itself"};
  }
  AddParts(baseline, result, &reasons);
  AddHolders("size class", baseline.size_classes, SizeClassesOf(result), ", ", &reasons);
  AddHolders("call site", baseline.call_sites, CallSitesOf(result), "; ", &reasons);
  AddCurves(baseline, result, &reasons);
  AddCounters(baseline, result, &reasons);
  return reasons;
}

}  // namespace heapsim::analysis
