#include "analysis/explain_output.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "analysis/call_site_name.h"
#include "analysis/explain.h"
#include "analysis/part_names.h"
#include "analysis/summary.h"

namespace heapsim::analysis {
namespace {

using proto::Cause;
using proto::Explanation;
using proto::HeapSnapshot;
using proto::SizeClassUse;

constexpr int kRows = 8;

std::string Human(uint64_t bytes) { return HumanBytes(static_cast<double>(bytes)); }

std::string Percent(uint64_t part, uint64_t whole) {
  if (whole == 0) return "";
  return absl::StrFormat("%5.1f %%",
                         100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string Delta(uint64_t before, uint64_t after) {
  return after >= before ? absl::StrCat("+", Human(after - before))
                         : absl::StrCat("-", Human(before - after));
}

std::string Moment(const HeapSnapshot& s) {
  return absl::StrCat(s.label(), ": after event ", WithCommas(s.event()), ", at ",
                      absl::FormatDuration(absl::Nanoseconds(s.time_ns())));
}

std::string Title(const Explanation& e) {
  return absl::StrCat(e.trace(), ", policy ", e.policy(), ", ", Moment(e.snapshot()));
}

// Text of at most `width` columns, wrapped at blanks behind `indent`.
void Wrap(std::string* out, const std::string& text, const std::string& indent) {
  constexpr size_t kWidth = 100;
  size_t begin = 0;
  while (begin < text.size()) {
    size_t end = std::min(text.size(), begin + kWidth - indent.size());
    if (end < text.size()) {
      const size_t blank = text.rfind(' ', end);
      if (blank != std::string::npos && blank > begin) end = blank;
    }
    absl::StrAppend(out, indent, text.substr(begin, end - begin), "\n");
    begin = end + (end < text.size() && text[end] == ' ' ? 1 : 0);
  }
}

void AddParts(const HeapSnapshot& s, std::string* out) {
  absl::StrAppendFormat(out, "\nRSS %s, live %s. RSS consists of\n", Human(s.rss_bytes()),
                        Human(s.live_bytes()));
  for (const auto& [name, bytes] : NamedParts(s.parts())) {
    if (bytes == 0) continue;
    absl::StrAppendFormat(out, "  %-28s%12s  %s\n", name, Human(bytes),
                          Percent(bytes, s.rss_bytes()));
  }
}

const char* KindName(proto::CauseKind kind) {
  switch (kind) {
    case proto::CAUSE_KIND_LEAK:
      return "leak";
    case proto::CAUSE_KIND_RETENTION:
      return "retention";
    default:
      return "fragmentation";
  }
}

void AddCauses(const Explanation& e, std::string* out) {
  absl::StrAppendFormat(out, "\nVerdict (the largest of the three, if it is %.0f %% of RSS)\n",
                        100 * kCauseShare);
  Wrap(out, e.sentence(), "  ");
  for (const Cause& cause : e.causes()) {
    absl::StrAppendFormat(out, "\n  %-28s%12s  %s\n", KindName(cause.kind()), Human(cause.bytes()),
                          Percent(cause.bytes(), e.snapshot().rss_bytes()));
    Wrap(out, absl::StrCat("rule: ", cause.rule()), "    ");
    for (const proto::Culprit& culprit : cause.culprits()) {
      absl::StrAppendFormat(out, "    %10s  %s\n", Human(culprit.bytes()), culprit.what());
      absl::StrAppend(out, "                ", culprit.why(), "\n");
    }
  }
}

void AddSavings(const HeapSnapshot& s, std::string* out) {
  absl::StrAppend(out, "\nWhat would lower RSS now\n");
  const auto row = [&](const char* name, uint64_t bytes) {
    absl::StrAppendFormat(out, "  %-44s%12s  %s\n", name, Human(bytes),
                          Percent(bytes, s.rss_bytes()));
  };
  row("giving back all free pages", s.release_now_bytes());
  row("the same after a collection", s.release_after_gc_bytes());
  row("and perfect compaction of each size class", s.compaction_saves_bytes());
}

void AddClasses(const HeapSnapshot& s, std::string* out) {
  std::vector<const SizeClassUse*> order;
  for (const SizeClassUse& use : s.size_classes()) order.push_back(&use);
  std::stable_sort(order.begin(), order.end(), [](const SizeClassUse* a, const SizeClassUse* b) {
    return ResidentBytes(*a) > ResidentBytes(*b);
  });
  if (order.empty()) return;
  absl::StrAppendFormat(out, "\nSize classes that hold the most\n  %-36s%12s%9s%8s%12s\n", "",
                        "resident", "spans", "full", "compaction");
  for (int i = 0; i < kRows && i < static_cast<int>(order.size()); ++i) {
    const SizeClassUse& use = *order[static_cast<size_t>(i)];
    const uint64_t slots = use.live_slots() + use.dead_slots() + use.free_slots();
    absl::StrAppendFormat(out, "  %-36s%12s%9s%8s%12s\n", ClassName(use), Human(ResidentBytes(use)),
                          WithCommas(use.spans()), Percent(use.live_slots(), slots),
                          Human(use.compaction_saves_bytes()));
  }
}

void AddSites(const Explanation& e, std::string* out) {
  const HeapSnapshot& s = e.snapshot();
  if (s.sites().empty()) return;
  std::map<uint32_t, std::string> names;
  for (const proto::CallSite& site : e.call_sites()) names[site.id()] = SiteName(site);
  absl::StrAppendFormat(out, "\nCall sites that pin the most\n  %12s%12s%12s%12s\n", "pinned",
                        "alone", "live", "objects");
  for (int i = 0; i < kRows && i < s.sites_size(); ++i) {
    const proto::SiteUse& use = s.sites(i);
    absl::StrAppendFormat(out, "  %12s%12s%12s%12s  %s\n", Human(use.pinned_bytes()),
                          Human(use.pinned_alone_bytes()), Human(use.live_bytes()),
                          WithCommas(use.live_objects()), names[use.site()]);
  }
}

void AddFreeRuns(const HeapSnapshot& s, std::string* out) {
  if (s.longest_free_runs().empty()) return;
  absl::StrAppend(out, "\nLongest free runs\n");
  for (int i = 0; i < kRows && i < s.longest_free_runs_size(); ++i) {
    const proto::FreeRun& run = s.longest_free_runs(i);
    absl::StrAppendFormat(out, "  %12s at 0x%x, %s of it resident\n", Human(run.bytes()),
                          run.address(), Human(run.resident_bytes()));
  }
}

void AddChanges(const char* title, const google::protobuf::RepeatedPtrField<proto::Change>& changes,
                std::string* out) {
  absl::StrAppend(out, "\n", title, changes.empty() ? ": no change\n" : "\n");
  for (int i = 0; i < 2 * kRows && i < changes.size(); ++i) {
    const proto::Change& c = changes[i];
    absl::StrAppendFormat(out, "  %12s%12s%13s  %s\n", Human(c.before_bytes()),
                          Human(c.after_bytes()), Delta(c.before_bytes(), c.after_bytes()),
                          c.what());
  }
}

}  // namespace

std::string ExplanationText(const Explanation& e) {
  std::string out = Title(e) + "\n";
  AddParts(e.snapshot(), &out);
  AddCauses(e, &out);
  AddSavings(e.snapshot(), &out);
  AddClasses(e.snapshot(), &out);
  AddSites(e, &out);
  AddFreeRuns(e.snapshot(), &out);
  return out;
}

std::string ExplanationDiffText(const proto::ExplanationDiff& diff) {
  const HeapSnapshot& before = diff.before().snapshot();
  const HeapSnapshot& after = diff.after().snapshot();
  std::string out =
      absl::StrCat("before  ", Title(diff.before()), "\nafter   ", Title(diff.after()), "\n\n");
  absl::StrAppendFormat(&out, "  %12s%12s%13s  RSS\n", Human(before.rss_bytes()),
                        Human(after.rss_bytes()), Delta(before.rss_bytes(), after.rss_bytes()));
  absl::StrAppendFormat(&out, "  %12s%12s%13s  live bytes\n", Human(before.live_bytes()),
                        Human(after.live_bytes()), Delta(before.live_bytes(), after.live_bytes()));
  AddChanges("Parts of RSS", diff.parts(), &out);
  AddChanges("Size classes, resident", diff.size_classes(), &out);
  AddChanges("Call sites, pinned", diff.sites(), &out);
  absl::StrAppend(&out, "\nVerdict\n  before  ", diff.before().sentence(), "\n  after   ",
                  diff.after().sentence(), "\n");
  return out;
}

}  // namespace heapsim::analysis
