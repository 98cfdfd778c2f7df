#include "analysis/gate_output.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "analysis/metrics.h"

namespace heapsim::analysis {
namespace {

std::string Headline(const Verdict& verdict) {
  const size_t count = verdict.judgements.size();
  return absl::StrCat(count, count == 1 ? " limit, " : " limits, ", verdict.broken(), " broken");
}

// A bound as its metric counts: what is allowed of a whole number is a whole number.
std::string BoundText(const Judgement& judgement) {
  double bound = judgement.bound;
  const double baseline = judgement.baseline.value_or(0);
  if (judgement.value == std::floor(judgement.value) && baseline == std::floor(baseline)) {
    if (judgement.limit.relation == Limit::Relation::kAtMost) bound = std::floor(bound);
    if (judgement.limit.relation == Limit::Relation::kAtLeast) bound = std::ceil(bound);
  }
  return MetricText(bound);
}

// "memory.peak_rss_bytes is 5,345,280, limit <= 5,300,000 (+2 % of ...)".
std::string Sentence(const Judgement& judgement) {
  std::string text =
      absl::StrCat(judgement.limit.metric, " is ", MetricText(judgement.value), ", ",
                   judgement.broken ? "not " : "", RelationText(judgement.limit.relation), " ",
                   BoundText(judgement));
  if (judgement.baseline.has_value()) {
    absl::StrAppend(&text, " (baseline ", MetricText(*judgement.baseline), ", change ",
                    ChangeText(*judgement.baseline, judgement.value), ")");
  }
  return text;
}

// Control characters are no XML, whatever stands for them.
std::string Xml(absl::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 && c != '\n' && c != '\t' ? '?' : c;
  }
  return absl::StrReplaceAll(
      out, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"\n", "&#10;"}});
}

std::string OneLine(absl::string_view text) { return absl::StrReplaceAll(text, {{"\n", " "}}); }

// A cell of a table: one line, no bar, no tag.
std::string Cell(absl::string_view text) {
  return absl::StrReplaceAll(OneLine(text), {{"|", "\\|"}, {"&", "&amp;"}, {"<", "&lt;"}});
}

}  // namespace

std::string VerdictText(const Verdict& verdict, absl::string_view subject) {
  std::string out = absl::StrCat(Headline(verdict), ": ", subject, "\n");
  for (const Judgement& judgement : verdict.judgements) {
    const Limit& limit = judgement.limit;
    absl::StrAppend(&out, judgement.broken ? "  BROKEN  " : "  ok      ",
                    limit.name == limit.text ? "" : absl::StrCat(limit.name, ": "),
                    Sentence(judgement), "\n");
    if (judgement.broken && !limit.reason.empty()) {
      absl::StrAppend(&out, "          it is there because: ", OneLine(limit.reason), "\n");
    }
  }
  if (verdict.reasons.empty()) return out;
  absl::StrAppend(&out, "\nWhy\n");
  for (const std::string& reason : verdict.reasons) absl::StrAppend(&out, "  ", reason, "\n");
  return out;
}

std::string VerdictJunit(const Verdict& verdict, absl::string_view subject) {
  const std::string counts = absl::StrFormat("tests=\"%d\" failures=\"%d\" errors=\"0\"",
                                             verdict.judgements.size(), verdict.broken());
  std::string out =
      absl::StrCat("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites ", counts,
                   ">\n  <testsuite name=\"heapsim check ", Xml(subject), "\" ", counts, ">\n");
  for (const Judgement& judgement : verdict.judgements) {
    absl::StrAppend(&out, "    <testcase classname=\"heapsim.check\" name=\"",
                    Xml(judgement.limit.name), "\"");
    if (!judgement.broken) {
      absl::StrAppend(&out, "/>\n");
      continue;
    }
    absl::StrAppend(&out, ">\n      <failure message=\"", Xml(Sentence(judgement)), "\">");
    if (!judgement.limit.reason.empty()) {
      absl::StrAppend(&out, "It is there because: ", Xml(judgement.limit.reason), "&#10;");
    }
    for (const std::string& reason : verdict.reasons) absl::StrAppend(&out, Xml(reason), "&#10;");
    absl::StrAppend(&out, "</failure>\n    </testcase>\n");
  }
  absl::StrAppend(&out, "  </testsuite>\n</testsuites>\n");
  return out;
}

std::string VerdictMarkdown(const Verdict& verdict, absl::string_view subject) {
  std::string out = absl::StrCat("**heapsim: ", Headline(verdict), "** (", Cell(subject),
                                 ")\n\n| limit | baseline | now | change | allowed | |\n"
                                 "| --- | ---: | ---: | ---: | ---: | --- |\n");
  for (const Judgement& judgement : verdict.judgements) {
    const bool known = judgement.baseline.has_value();
    absl::StrAppend(&out, "| ", Cell(judgement.limit.name), " | ",
                    known ? MetricText(*judgement.baseline) : "", " | ",
                    MetricText(judgement.value), " | ",
                    known ? ChangeText(*judgement.baseline, judgement.value) : "", " | ",
                    RelationText(judgement.limit.relation), " ", BoundText(judgement), " | ",
                    judgement.broken ? "**broken**" : "ok", " |\n");
  }
  for (const Judgement& judgement : verdict.judgements) {
    if (!judgement.broken || judgement.limit.reason.empty()) continue;
    absl::StrAppend(&out, "\n", Cell(judgement.limit.name), ": ", Cell(judgement.limit.reason),
                    "\n");
  }
  if (!verdict.reasons.empty()) absl::StrAppend(&out, "\n");
  for (const std::string& reason : verdict.reasons) {
    absl::StrAppend(&out, "- ", Cell(reason), "\n");
  }
  return out;
}

std::string BaselineChanges(const Baseline& before, const Baseline& now) {
  std::string out;
  for (const auto& [name, value] : now.metrics) {
    const std::optional<double> old = before.Find(name);
    if (!old.has_value() || *old == value) continue;
    absl::StrAppend(&out, "  ", name, " ", MetricText(*old), " -> ", MetricText(value), " (",
                    ChangeText(*old, value), ")\n");
  }
  return out;
}

}  // namespace heapsim::analysis
