#include "sim/policies/combinations.h"

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "heap/heap.h"
#include "heap/size_classes.h"
#include "proto/choice_name.h"
#include "sim/policies/size_class_table.h"

namespace heapsim::sim {
namespace {

using proto::Release;

absl::Status Impossible(absl::string_view what, absl::string_view instead) {
  return absl::InvalidArgumentError(absl::StrCat("setting ", what, "; ", instead));
}

std::string RuleName(Release::Rule rule) {
  return proto::ChoiceName(Release::Rule_descriptor()->FindValueByNumber(rule));
}

// A setting that the rule in force does not look at, set all the same, is a mistake.
absl::Status CheckRelease(const Release& release) {
  const struct {
    const char* name;
    bool is_set;
    Release::Rule rule;
  } settings[] = {
      {"idle_limit_ns", release.has_idle_limit_ns(), Release::RULE_IDLE_LIMIT},
      {"decay_ns", release.has_decay_ns(), Release::RULE_DECAY},
      {"retain_percent", release.has_retain_percent(), Release::RULE_PACED},
      {"background_percent", release.has_background_percent(), Release::RULE_PACED},
      {"limit_bytes", release.has_limit_bytes(), Release::RULE_MEMORY_LIMIT},
  };
  for (const auto& s : settings) {
    if (!s.is_set || release.rule() == s.rule) continue;
    return Impossible(absl::StrCat("release.", s.name,
                                   " means nothing with release.rule = ", RuleName(release.rule())),
                      absl::StrCat("leave it out, or set release.rule=", RuleName(s.rule)));
  }
  if (release.rule() == Release::RULE_MEMORY_LIMIT && release.limit_bytes() == 0) {
    return Impossible("release.rule = memory_limit needs a limit",
                      "set release.limit_bytes, as in release.limit_bytes=512MiB");
  }
  return absl::OkStatus();
}

absl::Status CheckClasses(const proto::Policy& policy) {
  const bool table = policy.size_classes() == proto::SIZE_CLASSES_TABLE;
  if (!table && policy.size_class_table_size() > 0) {
    return Impossible("size_class_table means nothing unless size_classes = table",
                      "leave it out, or set size_classes=table");
  }
  absl::StatusOr<heap::SizeClasses> classes = SizeClassTable(policy);
  if (!classes.ok()) return classes.status();
  if (policy.tiny() &&
      (classes->count() < 3 || (*classes)[heap::Heap::kTinyClass >> 1].size != 16)) {
    return Impossible("tiny = true needs a second size class of 16 bytes",
                      "set tiny=false, or let size_class_table begin with 8/1,16/1");
  }
  return absl::OkStatus();
}

absl::Status CheckFrontEnd(const proto::Policy& policy) {
  if (policy.front_end() != proto::FRONT_END_GO && policy.reclaim() == proto::RECLAIM_GC) {
    return Impossible(
        absl::StrCat(
            "front_end = ",
            proto::ChoiceName(proto::FrontEnd_descriptor()->FindValueByNumber(policy.front_end())),
            " needs explicit frees: a collector sweeps the spans that Go's caches hold"),
        "set reclaim=explicit, or front_end=go");
  }
  if (policy.front_end() == proto::FRONT_END_TCMALLOC) return absl::OkStatus();
  const proto::Caches& caches = policy.caches();
  const char* set = caches.has_max_bytes()          ? "max_bytes"
                    : caches.has_batch_slots()      ? "batch_slots"
                    : caches.has_transfer_batches() ? "transfer_batches"
                                                    : nullptr;
  if (set == nullptr) return absl::OkStatus();
  return Impossible(absl::StrCat("caches.", set, " means nothing unless front_end = tcmalloc"),
                    "leave it out, or set front_end=tcmalloc");
}

// Go 1.10 looks for what it gained by growing only among its long free spans.
absl::Status CheckGrowth(const proto::Policy& policy) {
  constexpr int64_t kLongSpan = heap::kMaxHeapList * heap::kPageSize;
  if (policy.page_allocator() != proto::PAGE_ALLOCATOR_GO110 ||
      policy.growth_chunk_bytes() >= kLongSpan) {
    return absl::OkStatus();
  }
  return Impossible(
      absl::StrCat("growth_chunk_bytes cannot be ", policy.growth_chunk_bytes(),
                   " with page_allocator = go110, which would not find what it grew by"),
      absl::StrCat("set at least growth_chunk_bytes=", kLongSpan, ", or another page_allocator"));
}

// Settings of one page allocator.
absl::Status CheckPages(const proto::Policy& policy) {
  const auto pages = policy.page_allocator();
  if (policy.has_extents() && pages != proto::PAGE_ALLOCATOR_EXTENTS) {
    return Impossible(
        "extents.dirty_decay_ns or extents.muzzy_decay_ns means nothing unless "
        "page_allocator = extents",
        "leave it out, or set page_allocator=extents");
  }
  if (policy.has_temeraire() && pages != proto::PAGE_ALLOCATOR_TEMERAIRE) {
    return Impossible(
        "temeraire.skip_subrelease_ns means nothing unless page_allocator = temeraire",
        "leave it out, or set page_allocator=temeraire");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckCombination(const proto::Policy& policy) {
  if (absl::Status status = CheckClasses(policy); !status.ok()) return status;
  if (absl::Status status = CheckPages(policy); !status.ok()) return status;
  if (absl::Status status = CheckRelease(policy.release()); !status.ok()) return status;
  if (absl::Status status = CheckFrontEnd(policy); !status.ok()) return status;
  if (absl::Status status = CheckGrowth(policy); !status.ok()) return status;
  if (policy.release().rule() == Release::RULE_PACED &&
      policy.reclaim() == proto::RECLAIM_EXPLICIT) {
    return Impossible("release.rule = paced needs a collector, whose goal it works towards",
                      "set reclaim=gc, or another rule (decay, idle_limit, at_once, "
                      "memory_limit, none)");
  }
  return absl::OkStatus();
}

}  // namespace heapsim::sim
