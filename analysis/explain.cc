#include "analysis/explain.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "analysis/call_site_name.h"
#include "analysis/part_names.h"
#include "analysis/summary.h"

namespace heapsim::analysis {
namespace {

using proto::CallSite;
using proto::Cause;
using proto::Explanation;
using proto::HeapSnapshot;
using proto::SiteUse;
using proto::SizeClassUse;

constexpr int kCulprits = 5;

std::string Human(uint64_t bytes) { return HumanBytes(static_cast<double>(bytes)); }

double ShareOf(uint64_t bytes, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(bytes) / static_cast<double>(whole);
}

const CallSite* Find(const proto::Detail& detail, uint32_t id) {
  for (const CallSite& site : detail.call_sites()) {
    if (site.id() == id) return &site;
  }
  return nullptr;
}

std::string NameOf(const proto::Detail& detail, uint32_t id) {
  const CallSite* site = Find(detail, id);
  return site == nullptr ? absl::StrCat("call site ", id) : SiteName(*site);
}

void AddCulprit(Cause* cause, std::string what, uint64_t bytes, std::string why) {
  proto::Culprit* culprit = cause->add_culprits();
  culprit->set_what(std::move(what));
  culprit->set_bytes(bytes);
  culprit->set_why(std::move(why));
}

// The largest of `all`, at most kCulprits, none without bytes.
template <typename T, typename Bytes>
std::vector<T> Largest(std::vector<T> all, const Bytes& bytes) {
  all.erase(std::remove_if(all.begin(), all.end(), [&](const T& t) { return bytes(t) == 0; }),
            all.end());
  std::stable_sort(all.begin(), all.end(),
                   [&](const T& a, const T& b) { return bytes(a) > bytes(b); });
  if (all.size() > kCulprits) all.resize(kCulprits);
  return all;
}

// "since event N", where its growth is seen to begin.
std::string GrowthText(const CallSite& site) {
  const auto& steps = site.live_bytes_by_sixteenths();
  return absl::StrFormat(
      "%s live at half of the trace, %s at its end; %.0f %% of what it allocated was freed",
      Human(steps[8]), Human(steps[16]), 100 * ShareOf(site.freed_bytes(), site.allocated_bytes()));
}

Cause LeakOf(const proto::Detail& detail, const HeapSnapshot& snapshot) {
  Cause cause;
  cause.set_kind(proto::CAUSE_KIND_LEAK);
  cause.set_rule(
      "live bytes of call sites that never stop growing over the whole trace: they rise in three "
      "of four sixteenths of it since they first hold something, and never fall by an eighth. A "
      "table that is meant to grow looks the same");
  std::vector<std::pair<const CallSite*, uint64_t>> growing;
  uint64_t bytes = 0;
  for (const SiteUse& use : snapshot.sites()) {
    const CallSite* site = Find(detail, use.site());
    if (site == nullptr || !NeverStopsGrowing(*site)) continue;
    growing.emplace_back(site, use.live_bytes());
    bytes += use.live_bytes();
  }
  cause.set_bytes(bytes);
  for (const auto& [site, live] : Largest(growing, [](const auto& g) { return g.second; })) {
    AddCulprit(&cause, SiteName(*site), live, GrowthText(*site));
  }
  return cause;
}

// Between two collections a heap fills up to a goal: as much as lives once more, by GOGC, and a
// small one always to runtime.heapminimum. What of that is garbage, or free until it is, is no
// fault of the program. Of the pages that a collection and a release would give back, those.
uint64_t HeadroomOf(const proto::Policy& policy, const HeapSnapshot& snapshot) {
  const int64_t percent = policy.gc().percent();
  if (policy.reclaim() != proto::RECLAIM_GC || percent < 0) return 0;
  uint64_t live = 0, dead = 0;
  for (const SizeClassUse& use : snapshot.size_classes()) {
    live += use.size_class() == 0 ? use.requested_bytes() : use.live_slots() * use.slot_bytes();
    dead += use.dead_bytes();
  }
  constexpr uint64_t kHeapMinimum = 4 << 20;
  const auto by_percent = [&](uint64_t bytes) {
    return static_cast<uint64_t>(static_cast<double>(bytes) * static_cast<double>(percent) / 100);
  };
  const uint64_t goal = std::max(live + by_percent(live), by_percent(kHeapMinimum));
  const uint64_t allowed = goal - live;
  const uint64_t unused = dead + snapshot.release_now_bytes();
  const uint64_t beyond = unused - std::min(unused, allowed);
  return snapshot.release_after_gc_bytes() - std::min(snapshot.release_after_gc_bytes(), beyond);
}

Cause RetentionOf(const proto::Detail& detail, const HeapSnapshot& snapshot, uint64_t headroom) {
  Cause cause;
  cause.set_kind(proto::CAUSE_KIND_RETENTION);
  cause.set_rule(
      "resident pages without a live object, free or freed by a collection; with a collector only "
      "what is beyond the garbage that it lets gather before it runs (gc.percent). The culprits "
      "are the call sites that held most more at their peak before");
  cause.set_bytes(snapshot.release_after_gc_bytes() - headroom);
  std::map<uint32_t, uint64_t> live;
  for (const SiteUse& use : snapshot.sites()) live[use.site()] = use.live_bytes();
  std::vector<std::pair<const CallSite*, uint64_t>> fallen;
  for (const CallSite& site : detail.call_sites()) {
    const auto found = live.find(site.id());
    const uint64_t now = found == live.end() ? 0 : found->second;
    if (site.peak_live_at_event() > snapshot.event() || site.peak_live_bytes() <= now) continue;
    fallen.emplace_back(&site, site.peak_live_bytes() - now);
  }
  if (cause.bytes() == 0) return cause;
  for (const auto& [site, bytes] : Largest(fallen, [](const auto& f) { return f.second; })) {
    AddCulprit(&cause, SiteName(*site), bytes,
               absl::StrCat(Human(site->peak_live_bytes()), " live at event ",
                            WithCommas(site->peak_live_at_event()), ", ",
                            Human(site->peak_live_bytes() - bytes), " now"));
  }
  return cause;
}

Cause FragmentationOf(const proto::Detail& detail, const HeapSnapshot& snapshot) {
  Cause cause;
  cause.set_kind(proto::CAUSE_KIND_FRAGMENTATION);
  cause.set_rule(
      "resident bytes that would be free if the live slots of each size class were moved together "
      "into as few spans as hold them. The culprits are the call sites whose objects pin most "
      "beyond their own bytes");
  cause.set_bytes(snapshot.compaction_saves_bytes());
  if (cause.bytes() == 0) return cause;
  const std::vector<SiteUse> uses(snapshot.sites().begin(), snapshot.sites().end());
  for (const SiteUse& use : Largest(uses, [](const SiteUse& u) { return u.wasted_bytes(); })) {
    AddCulprit(&cause, NameOf(detail, use.site()), use.wasted_bytes(),
               absl::StrCat(WithCommas(use.live_objects()), " objects of ", Human(use.live_bytes()),
                            " pin ", Human(use.pinned_bytes())));
  }
  return cause;
}

const char* Word(proto::CauseKind kind) {
  switch (kind) {
    case proto::CAUSE_KIND_LEAK:
      return "a leak";
    case proto::CAUSE_KIND_RETENTION:
      return "retention: freed by the program, not given back to the system";
    case proto::CAUSE_KIND_FRAGMENTATION:
      return "fragmentation: free, but in spans that live objects keep";
    default:
      return "memory in use";
  }
}

void Judge(Explanation* e) {
  const HeapSnapshot& s = e->snapshot();
  const auto most =
      std::max_element(e->causes().begin(), e->causes().end(),
                       [](const Cause& a, const Cause& b) { return a.bytes() < b.bytes(); });
  if (most->share_of_rss() < kCauseShare) {
    e->set_verdict(proto::CAUSE_KIND_IN_USE);
    e->set_sentence(absl::StrFormat(
        "memory in use: neither leak nor retention nor fragmentation makes %.0f %% of RSS",
        100 * kCauseShare));
    const double headroom = ShareOf(e->gc_headroom_bytes(), s.rss_bytes());
    if (headroom >= kCauseShare) {
      e->set_sentence(
          absl::StrFormat("%s; %s, %.0f %%, is garbage that the collector lets gather, or room for "
                          "it (gc.percent)",
                          e->sentence(), Human(e->gc_headroom_bytes()), 100 * headroom));
    }
    return;
  }
  e->set_verdict(most->kind());
  e->set_sentence(absl::StrFormat(
      "%s: %s, %.0f %% of RSS%s", Word(most->kind()), Human(most->bytes()),
      100 * most->share_of_rss(),
      most->culprits().empty() ? "" : absl::StrCat("; first of all ", most->culprits(0).what())));
  if (s.rss_bytes() == 0) e->set_sentence("nothing is resident");
}

// Changes by name, the largest change first; what is equal on both sides is left out.
void AddChanges(const std::map<std::string, std::pair<uint64_t, uint64_t>>& values,
                google::protobuf::RepeatedPtrField<proto::Change>* to) {
  std::vector<proto::Change> all;
  for (const auto& [what, value] : values) {
    if (value.first == value.second) continue;
    proto::Change& change = all.emplace_back();
    change.set_what(what);
    change.set_before_bytes(value.first);
    change.set_after_bytes(value.second);
  }
  const auto size = [](const proto::Change& c) {
    return std::max(c.before_bytes(), c.after_bytes()) -
           std::min(c.before_bytes(), c.after_bytes());
  };
  std::stable_sort(all.begin(), all.end(), [&](const proto::Change& a, const proto::Change& b) {
    return size(a) > size(b);
  });
  for (proto::Change& change : all) *to->Add() = std::move(change);
}

}  // namespace

std::string ClassName(const SizeClassUse& use) {
  const char* pointers = use.noscan() ? "" : ", with pointers";
  if (use.size_class() == 0) return absl::StrCat("large objects", pointers);
  return absl::StrCat("slots of ", WithCommas(use.slot_bytes()), " bytes", pointers);
}

uint64_t ResidentBytes(const SizeClassUse& use) {
  return use.live_resident_bytes() + use.internal_bytes() + use.dead_bytes() +
         use.span_slack_bytes();
}

bool NeverStopsGrowing(const CallSite& site) {
  const auto& steps = site.live_bytes_by_sixteenths();
  int seen = 0, rises = 0;
  uint64_t most = 0;
  for (int i = 1; i < steps.size(); ++i) {
    if (most == 0 && steps[i] == 0) continue;
    ++seen;
    if (steps[i] > steps[i - 1]) ++rises;
    most = std::max(most, steps[i]);
    if (steps[i] < most - most / 8) return false;
  }
  return seen >= 6 && rises * 4 >= seen * 3;
}

Explanation Explain(const proto::Result& result, const HeapSnapshot& snapshot) {
  const proto::Detail& detail = result.detail();
  Explanation e;
  e.set_policy(result.policy().name());
  *e.mutable_snapshot() = snapshot;
  e.mutable_snapshot()->clear_map();
  *e.add_causes() = LeakOf(detail, snapshot);
  e.set_gc_headroom_bytes(HeadroomOf(result.policy(), snapshot));
  *e.add_causes() = RetentionOf(detail, snapshot, e.gc_headroom_bytes());
  *e.add_causes() = FragmentationOf(detail, snapshot);
  for (Cause& cause : *e.mutable_causes()) {
    cause.set_share_of_rss(ShareOf(cause.bytes(), snapshot.rss_bytes()));
  }
  Judge(&e);
  for (const SiteUse& use : snapshot.sites()) {
    const CallSite* site = Find(detail, use.site());
    if (site != nullptr) *e.add_call_sites() = *site;
  }
  return e;
}

proto::ExplanationDiff ExplainDiff(const Explanation& before, const Explanation& after) {
  using Values = std::map<std::string, std::pair<uint64_t, uint64_t>>;
  Values parts, classes, sites;
  const auto add = [&](const Explanation& e, uint64_t std::pair<uint64_t, uint64_t>::*side) {
    for (const auto& [name, bytes] : NamedParts(e.snapshot().parts())) parts[name].*side = bytes;
    for (const SizeClassUse& use : e.snapshot().size_classes()) {
      classes[ClassName(use)].*side = ResidentBytes(use);
    }
    std::map<uint32_t, std::string> names;
    for (const CallSite& site : e.call_sites()) names[site.id()] = SiteName(site);
    for (const SiteUse& use : e.snapshot().sites()) {
      // Sites that differ further out than a name shows are told as one.
      sites[names[use.site()]].*side += use.pinned_bytes();
    }
  };
  add(before, &std::pair<uint64_t, uint64_t>::first);
  add(after, &std::pair<uint64_t, uint64_t>::second);
  proto::ExplanationDiff diff;
  *diff.mutable_before() = before;
  *diff.mutable_after() = after;
  AddChanges(parts, diff.mutable_parts());
  AddChanges(classes, diff.mutable_size_classes());
  AddChanges(sites, diff.mutable_sites());
  return diff;
}

}  // namespace heapsim::analysis
