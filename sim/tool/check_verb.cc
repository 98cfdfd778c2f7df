#include "sim/tool/check_verb.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "analysis/baseline.h"
#include "analysis/gate.h"
#include "analysis/gate_output.h"
#include "analysis/limit.h"
#include "analysis/metrics.h"
#include "analysis/output_file.h"
#include "sim/policies/nearest_names.h"
#include "sim/tool/read_file.h"
#include "sim/tool/replay_run.h"

namespace heapsim::sim {
namespace {

using analysis::Baseline;
using analysis::Limit;
using analysis::OutputFile;

// A form of the verdict that was asked for by path.
struct Report {
  const char* flag;
  const char* help;
  std::string (*text)(const analysis::Verdict& verdict, absl::string_view subject);
  std::string path;  // empty: not asked for
};

class CheckVerb : public Verb {
 public:
  void AddFlags(CLI::App& app) override {
    run_.AddFlags(app);
    app.add_option("--baseline", baseline_, "what `replay --json` or --update wrote earlier")
        ->type_name("FILE");
    app.add_option("--limit", limit_texts_,
                   "what the run is held to, e.g. memory.peak_rss_bytes<=+2% (repeatable)")
        ->type_name("METRIC<=BOUND")
        ->allow_extra_args(false);
    app.add_option("--limits", limits_file_, "limits with names and reasons (proto/limits.proto)")
        ->type_name("FILE.textproto");
    app.add_flag("--update", update_, "write --baseline anew instead of judging the run");
    for (Report& report : reports_) {
      app.add_option(report.flag, report.path, report.help)->type_name("FILE");
    }
  }

  absl::StatusOr<Exit> Run() override {
    absl::StatusOr<std::vector<Limit>> limits = LoadLimits();
    if (!limits.ok()) return limits.status();
    return update_ ? Update(*limits) : Check(*limits);
  }

 private:
  absl::StatusOr<std::vector<Limit>> LoadLimits() const {
    std::vector<Limit> limits;
    if (!limits_file_.empty()) {
      absl::StatusOr<std::string> text = ReadFile(limits_file_, "the limits file");
      if (!text.ok()) return text.status();
      absl::StatusOr<std::vector<Limit>> parsed = analysis::ParseLimitsFile(limits_file_, *text);
      if (!parsed.ok()) return parsed.status();
      limits = *std::move(parsed);
    }
    for (const std::string& text : limit_texts_) {
      absl::StatusOr<Limit> limit = analysis::ParseLimit(text);
      if (!limit.ok()) {
        return absl::InvalidArgumentError(absl::StrCat("--limit: ", limit.status().message()));
      }
      limits.push_back(*std::move(limit));
    }
    const std::vector<std::string> names = analysis::MetricNames();
    for (const Limit& limit : limits) {
      if (absl::c_linear_search(names, limit.metric)) continue;
      const std::string nearest = NearestNames(limit.metric, names);
      // None is close: a list of all would not help.
      const bool all = nearest == absl::StrJoin(names, ", ");
      return absl::InvalidArgumentError(
          absl::StrCat("limit '", limit.text, "': there is no metric ", limit.metric,
                       all ? "; names begin with trace, memory, parts, fragmentation, os, gc, cost "
                             "or heap, as in "
                             "memory.peak_rss_bytes, and docs/metrics.md has them all"
                           : absl::StrCat("; did you mean ", nearest, "?")));
    }
    return limits;
  }

  // None where no baseline was asked for.
  absl::StatusOr<std::optional<Baseline>> LoadBaseline() const {
    if (baseline_.empty()) return std::nullopt;
    absl::StatusOr<std::string> text = ReadFile(baseline_, "the baseline");
    if (!text.ok()) {
      return absl::NotFoundError(
          absl::StrCat(text.status().message(), " (--update writes a new one)"));
    }
    absl::StatusOr<Baseline> baseline = analysis::ParseBaseline(baseline_, *text);
    if (!baseline.ok()) return baseline.status();
    return *std::move(baseline);
  }

  // Names what a baseline has that resembles what it lacks.
  static absl::Status WithNearest(const absl::Status& status, const std::vector<Limit>& limits,
                                  const std::optional<Baseline>& baseline) {
    if (!absl::IsNotFound(status) || !baseline.has_value()) return status;
    std::vector<std::string> names;
    for (const auto& [name, value] : baseline->metrics) names.push_back(name);
    for (const Limit& limit : limits) {
      if (!limit.relative() || baseline->Find(limit.metric).has_value()) continue;
      return absl::NotFoundError(absl::StrCat(
          status.message(), names.empty() ? "; it has no metric at all" : "; nearest that it has: ",
          names.empty() ? "" : NearestNames(limit.metric, names),
          " (--update adds what is missing)"));
    }
    return status;
  }

  absl::StatusOr<Exit> Check(const std::vector<Limit>& limits) {
    if (limits.empty() && !limits_file_.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          limits_file_,
          ": holds no limit; it takes limit { limit: \"memory.peak_rss_bytes<=+2%\" }"));
    }
    if (limits.empty()) {
      return absl::InvalidArgumentError(
          "nothing to check: give --limit='memory.peak_rss_bytes<=+2%' or --limits=FILE");
    }
    absl::StatusOr<std::optional<Baseline>> loaded = LoadBaseline();
    if (!loaded.ok()) return loaded.status();
    const std::optional<Baseline>& baseline = *loaded;
    const Baseline* const before = baseline.has_value() ? &*baseline : nullptr;
    if (absl::Status status = analysis::CheckBaseline(limits, before); !status.ok()) {
      return WithNearest(status, limits, baseline);
    }
    std::vector<std::pair<const Report*, OutputFile>> files;
    bool to_stdout = false;
    for (const Report& report : reports_) {
      if (report.path.empty()) continue;
      absl::StatusOr<OutputFile> file = OutputFile::Create(report.path);
      if (!file.ok()) return file.status();
      files.emplace_back(&report, *std::move(file));
      to_stdout |= report.path == "-";
    }

    // The size classes are looked at where they are needed to say why, since that takes a second
    // run; what comes from a pipe comes once.
    const bool has_classes = before != nullptr && !before->size_classes.empty();
    const bool only_once = has_classes && run_.trace_path() == "-";
    absl::StatusOr<proto::Result> result = only_once ? run_.RunWithDetail(Peak()) : run_.Run();
    if (!result.ok()) return result.status();
    if (result->has_stopped()) return Stopped(*result);
    if (before != nullptr) {
      for (const std::string& doubt : analysis::Doubts(*before, *result)) Warn(doubt);
    }
    absl::StatusOr<analysis::Verdict> verdict = analysis::Judge(limits, before, *result);
    if (!verdict.ok()) return verdict.status();
    if (verdict->broken() > 0 && has_classes && !only_once) {
      result = run_.RunWithDetail(Peak());
      if (!result.ok()) return result.status();
      if (result->has_stopped()) return Stopped(*result);
      verdict->reasons = analysis::ReasonsOf(*before, *result);
    }
    const std::string subject =
        absl::StrCat(run_.trace_path(), ", policy ", result->policy().name());
    if (!to_stdout) {
      std::fputs(analysis::VerdictText(*verdict, subject).c_str(), stdout);
      std::fflush(stdout);
    }
    for (auto& [report, file] : files) {
      if (absl::Status status = file.Commit(report->text(*verdict, subject)); !status.ok()) {
        return status;
      }
    }
    return verdict->broken() > 0 ? Exit::kNo : Exit::kDone;
  }

  absl::StatusOr<Exit> Update(const std::vector<Limit>& limits) {
    if (baseline_.empty()) {
      return absl::InvalidArgumentError("--update writes a baseline; name it by --baseline=FILE");
    }
    for (const Report& report : reports_) {
      if (report.path.empty()) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("--update judges nothing, so there is no verdict for ", report.flag));
    }
    absl::StatusOr<OutputFile> file = OutputFile::Create(baseline_);
    if (!file.ok()) return file.status();
    std::error_code error;
    const bool existed = std::filesystem::is_regular_file(baseline_, error);
    const absl::StatusOr<std::optional<Baseline>> before = LoadBaseline();
    if (existed && !before.ok()) Warn(absl::StrCat("replaced: ", before.status().message()));

    absl::StatusOr<proto::Result> result = run_.RunWithDetail(Peak());
    if (!result.ok()) return result.status();
    if (result->has_stopped()) return Stopped(*result);
    std::vector<std::string> metrics;
    for (const Limit& limit : limits) metrics.push_back(limit.metric);
    const std::string text = analysis::BaselineText(*result, metrics);
    if (absl::Status status = file->Commit(text); !status.ok()) return status;
    if (baseline_ == "-") return Exit::kDone;
    std::string changes;
    if (existed && before.ok()) {
      changes = analysis::BaselineChanges(**before, *analysis::ParseBaseline(baseline_, text));
      if (changes.empty()) changes = "  no number changed\n";
    }
    std::printf("%s written\n%s", baseline_.c_str(), changes.c_str());
    return Exit::kDone;
  }

  static DetailRequest Peak() {
    DetailRequest request;
    request.options.moments = {{Moment::Kind::kPeak, 0, "peak"}};
    return request;
  }

  static Exit Stopped(const proto::Result& result) {
    std::fprintf(stderr, "heapsim: %s; nothing was judged or written\n", result.stopped().c_str());
    return Exit::kSimulation;
  }

  ReplayRun run_;
  std::string baseline_;
  std::vector<std::string> limit_texts_;
  std::string limits_file_;
  bool update_ = false;
  std::vector<Report> reports_ = {
      {"--junit", "write the verdict as JUnit XML", analysis::VerdictJunit, ""},
      {"--markdown", "write the verdict as a short table", analysis::VerdictMarkdown, ""},
  };
};

}  // namespace

std::unique_ptr<Verb> MakeCheckVerb() { return std::make_unique<CheckVerb>(); }

}  // namespace heapsim::sim
