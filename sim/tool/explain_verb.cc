#include "sim/tool/explain_verb.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "analysis/explain.h"
#include "analysis/explain_output.h"
#include "analysis/json.h"
#include "analysis/output_file.h"
#include "sim/tool/json_flag.h"
#include "sim/tool/replay_run.h"

namespace heapsim::sim {
namespace {

using analysis::OutputFile;

// "peak", "end", "1234" (an event), "2.5s" (simulated time).
absl::StatusOr<Moment> ParseMoment(const char* flag, const std::string& text) {
  if (text == "peak") return Moment{Moment::Kind::kPeak, 0, "peak"};
  if (text == "end") return Moment{Moment::Kind::kEnd, 0, "end"};
  uint64_t event;
  if (!text.empty() && absl::ascii_isdigit(static_cast<unsigned char>(text[0])) &&
      absl::SimpleAtoi(text, &event)) {
    return Moment{Moment::Kind::kEvent, event, absl::StrCat("event ", event)};
  }
  absl::Duration time;
  if (absl::ParseDuration(text, &time) && time >= absl::ZeroDuration() &&
      time < absl::InfiniteDuration()) {
    return Moment{Moment::Kind::kTime, static_cast<uint64_t>(absl::ToInt64Nanoseconds(time)), text};
  }
  return absl::InvalidArgumentError(
      absl::StrCat(flag, ": '", text,
                   "' is no moment; give an event's number, a time such as 2.5s, peak or end"));
}

class ExplainVerb : public Verb {
 public:
  void AddFlags(CLI::App& app) override {
    run_.AddFlags(app, /*several_policies=*/true);
    app.add_option("--at", at_, "the moment")
        ->type_name("EVENT|TIME|peak|end")
        ->capture_default_str();
    app.add_option("--diff", diff_, "a second moment: what changed from --at to it")
        ->type_name("EVENT|TIME|peak|end");
    AddJsonFlag(app, &json_);
  }

  absl::StatusOr<Exit> Run() override {
    if (run_.policies() > 2 || (run_.policies() == 2 && !diff_.empty())) {
      return absl::InvalidArgumentError(
          "a difference has two sides: give either --diff=MOMENT or --policy twice");
    }
    DetailRequest request;
    absl::StatusOr<Moment> at = ParseMoment("--at", at_);
    if (!at.ok()) return at.status();
    request.options.moments.push_back(*at);
    if (!diff_.empty()) {
      absl::StatusOr<Moment> to = ParseMoment("--diff", diff_);
      if (!to.ok()) return to.status();
      request.options.moments.push_back(*to);
    }
    std::optional<OutputFile> file;
    if (!json_.empty()) {
      absl::StatusOr<OutputFile> opened = OutputFile::Create(json_);
      if (!opened.ok()) return opened.status();
      file.emplace(*std::move(opened));
    }

    std::vector<proto::Explanation> sides;
    for (size_t policy = 0; policy < run_.policies(); ++policy) {
      absl::StatusOr<proto::Result> result = run_.RunWithDetail(request, policy);
      if (!result.ok()) return result.status();
      for (const Moment& moment : request.options.moments) {
        if (absl::Status s = AddSide(*result, moment.label, &sides); !s.ok()) {
          if (!result->has_stopped()) return s;
          std::fprintf(stderr, "heapsim: %s; %s\n", result->stopped().c_str(),
                       std::string(s.message()).c_str());
          return Exit::kSimulation;
        }
      }
    }
    return Print(sides, file);
  }

 private:
  absl::Status AddSide(const proto::Result& result, const std::string& label,
                       std::vector<proto::Explanation>* sides) const {
    for (const proto::HeapSnapshot& snapshot : result.detail().snapshots()) {
      if (snapshot.label() != label) continue;
      proto::Explanation side = analysis::Explain(result, snapshot);
      side.set_trace(run_.trace_path());
      sides->push_back(std::move(side));
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(
        absl::StrCat("policy ", result.policy().name(), " has no heap to look at at ", label));
  }

  absl::StatusOr<Exit> Print(const std::vector<proto::Explanation>& sides,
                             std::optional<OutputFile>& file) const {
    std::string text, json;
    if (sides.size() == 1) {
      text = analysis::ExplanationText(sides[0]);
      json = analysis::JsonText(analysis::ToJson(sides[0]), 1);
    } else {
      const proto::ExplanationDiff diff = analysis::ExplainDiff(sides[0], sides[1]);
      text = analysis::ExplanationDiffText(diff);
      json = analysis::JsonText(analysis::ToJson(diff), 1);
    }
    if (json_ != "-") {
      std::fputs(text.c_str(), stdout);
      std::fflush(stdout);
    }
    if (file.has_value()) {
      if (absl::Status status = file->Commit(json + "\n"); !status.ok()) return status;
    }
    return Exit::kDone;
  }

  ReplayRun run_;
  std::string at_ = "peak";
  std::string diff_;
  std::string json_;
};

}  // namespace

std::unique_ptr<Verb> MakeExplainVerb() { return std::make_unique<ExplainVerb>(); }

}  // namespace heapsim::sim
