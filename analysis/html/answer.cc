#include "analysis/html/answer.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "analysis/summary.h"

namespace heapsim::analysis {
namespace {

constexpr char kFreeSlots[] = "free slots of used spans";

// The parts that are no live bytes, and what they are.
std::vector<std::pair<uint64_t, const char*>> RestOf(const proto::Parts& parts) {
  return {
      {parts.internal_bytes(), "rounding inside slots"},
      {parts.dead_bytes(), "dead objects that no collection has swept yet"},
      {parts.span_slack_bytes(), kFreeSlots},
      {parts.free_pages_bytes(), "free pages that were not given back"},
      {parts.manual_bytes(), "stacks and work buffers"},
      {parts.metadata_bytes(), "the allocator's own tables"},
      {parts.lazyfree_bytes(), "lazily freed pages that the system may take"},
      {parts.other_bytes(), "bytes that no rule explains"},
  };
}

// Of the free slots at the peak: ", nine tenths of them in spans of 3 size classes (16, 32 and 48
// bytes)". Nothing where the heap was not looked at then.
std::string SlackText(const proto::Result& result) {
  std::map<uint64_t, uint64_t> slack;  // by slot size
  uint64_t total = 0;
  for (const proto::HeapSnapshot& snapshot : result.detail().snapshots()) {
    if (snapshot.label() != "peak") continue;
    for (const proto::SizeClassUse& use : snapshot.size_classes()) {
      slack[use.slot_bytes()] += use.span_slack_bytes();
      total += use.span_slack_bytes();
    }
  }
  if (total == 0) return "";
  std::vector<std::pair<uint64_t, uint64_t>> largest;  // bytes, slot size
  for (const auto& [slot, bytes] : slack) largest.emplace_back(bytes, slot);
  std::sort(largest.rbegin(), largest.rend());
  uint64_t sum = 0;
  std::vector<uint64_t> slots;
  for (const auto& [bytes, slot] : largest) {
    if (10 * sum >= 9 * total) break;
    sum += bytes;
    slots.push_back(slot);
  }
  std::string out =
      absl::StrCat(", ", sum == total ? "all" : "nine tenths", " of them in spans of ",
                   slots.size(), slots.size() == 1 ? " size class" : " size classes");
  if (slots.size() > 3) return out;
  std::sort(slots.begin(), slots.end());
  out += " (";
  for (size_t i = 0; i < slots.size(); ++i) {
    absl::StrAppend(&out,
                    i == 0                  ? ""
                    : i + 1 == slots.size() ? " and "
                                            : ", ",
                    WithCommas(slots[i]));
  }
  return out + " bytes)";
}

// "; most of the rest, 61 %, is free slots of used spans", or nothing where there is no rest.
std::string LargestPart(const proto::Result& result) {
  if (!result.has_parts()) return "";
  const auto rest = RestOf(result.parts());
  uint64_t total = 0;
  for (const auto& [bytes, what] : rest) total += bytes;
  if (total == 0) return "";
  // The first of equals.
  const auto& [bytes, what] = *std::max_element(
      rest.begin(), rest.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  const double percent = 100.0 * static_cast<double>(bytes) / static_cast<double>(total);
  const char* how_much = bytes == total      ? "all of the rest is "
                         : bytes > total / 2 ? "most of the rest, "
                                             : "the largest part of the rest, ";
  const std::string where = what == kFreeSlots ? SlackText(result) : "";
  if (bytes == total) return absl::StrCat("; ", how_much, what, where);
  return absl::StrFormat("; %s%.0f %%, is %s%s", how_much, percent, what, where);
}

std::string PeakText(const proto::Result& result) {
  const uint64_t peak = result.memory().peak_rss_bytes();
  if (peak == 0) return "Nothing was ever resident";
  std::string out = absl::StrCat("Peak RSS ", HumanBytes(static_cast<double>(peak)));
  if (result.fragmentation().has_rss_over_live_at_peak_rss()) {
    const double ratio = result.fragmentation().rss_over_live_at_peak_rss();
    // Two digits that mean something, whatever the size.
    absl::StrAppendFormat(
        &out, ratio < 9.95 ? ", %.1f times the live bytes" : ", %.0f times the live bytes", ratio);
    // Requested memory need not be touched.
    if (ratio < 1) out += ", part of which was never touched";
  } else {
    out += ", when nothing was live";
  }
  return out + LargestPart(result);
}

}  // namespace

std::string Answer(const proto::Result& result) {
  std::string out;
  if (result.has_trace() && result.trace().events() == 0) out += "The trace has no events. ";
  std::string peak = PeakText(result);
  if (result.has_stopped()) {
    absl::StrAppend(&out, "The run ended early: ", result.stopped(), ". Up to there: ");
    peak[0] = absl::ascii_tolower(static_cast<unsigned char>(peak[0]));
  }
  absl::StrAppend(&out, peak, ".");
  if (result.has_trace() && !result.trace().complete()) {
    out += " Part of the recording is missing.";
  }
  return out;
}

}  // namespace heapsim::analysis
