#include "analysis/summary.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "analysis/part_names.h"

namespace heapsim::analysis {
namespace {

// One line: a name, a value, a remark.
void Row(std::string* out, absl::string_view name, absl::string_view value,
         absl::string_view remark = "") {
  absl::StrAppendFormat(out, "  %-26s%14s%s%s\n", name, value, remark.empty() ? "" : "  ", remark);
}

std::string Percent(uint64_t part, uint64_t whole) {
  if (whole == 0) return "";
  return absl::StrFormat("%5.1f %%",
                         100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string Ratio(bool known, double value) {
  return known ? absl::StrFormat("%.3f", value) : "unknown";
}

void AddTrace(const proto::Result& result, std::string* out) {
  const proto::TraceFacts& trace = result.trace();
  absl::StrAppend(out, "policy ", result.policy().name());
  // Where a run from a pipe was interrupted, what stands at the trace's end is unknown.
  if (result.has_trace()) absl::StrAppend(out, ", ", WithCommas(trace.events()), " events");
  if (!trace.format().empty()) absl::StrAppend(out, " (", trace.format(), ")");
  if (trace.has_duration_ns()) {
    absl::StrAppend(out, " over ", absl::FormatDuration(absl::Nanoseconds(trace.duration_ns())));
  }
  absl::StrAppend(out, result.complete() ? "\n" : ", INCOMPLETE\n");
  if (result.has_stopped()) absl::StrAppend(out, "stopped: ", result.stopped(), "\n");
}

void AddMemory(const proto::Result& result, std::string* out) {
  const proto::Memory& memory = result.memory();
  const proto::TraceFacts& trace = result.trace();
  absl::StrAppend(out, "\nMemory\n");
  if (result.has_trace()) {
    Row(out, "peak live", HumanBytes(trace.peak_live_bytes()),
        absl::StrCat("at event ", WithCommas(trace.peak_at_event())));
  }
  Row(out, "peak RSS", HumanBytes(memory.peak_rss_bytes()),
      absl::StrCat("at event ", WithCommas(memory.peak_rss_at_event())));
  if (memory.has_recorded_peak_rss_bytes()) {
    Row(out, "peak RSS when recorded", HumanBytes(memory.recorded_peak_rss_bytes()),
        "of the whole process, with its code and stacks");
  }
  Row(out, "mean RSS", HumanBytes(memory.mean_rss_bytes()));
  Row(out, "RSS at the end", HumanBytes(memory.end_rss_bytes()));
}

void AddParts(const proto::Result& result, std::string* out) {
  if (!result.has_parts()) return;
  absl::StrAppend(out, "\nWhat the peak consists of\n");
  for (const auto& [name, bytes] : NamedParts(result.parts())) {
    if (bytes == 0) continue;
    Row(out, name, HumanBytes(static_cast<double>(bytes)),
        Percent(bytes, result.memory().peak_rss_bytes()));
  }
}

void AddFragmentation(const proto::Result& result, std::string* out) {
  if (!result.has_fragmentation()) return;
  const proto::Fragmentation& f = result.fragmentation();
  absl::StrAppend(out, "\nRSS over live bytes\n");
  Row(out, "peak over peak", Ratio(f.has_peak_rss_over_peak_live(), f.peak_rss_over_peak_live()));
  Row(out, "mean", Ratio(f.has_mean_rss_over_live(), f.mean_rss_over_live()));
  Row(out, "at the peak of live bytes",
      Ratio(f.has_rss_over_live_at_peak_live(), f.rss_over_live_at_peak_live()));
  Row(out, "at the peak of RSS",
      Ratio(f.has_rss_over_live_at_peak_rss(), f.rss_over_live_at_peak_rss()));
}

std::string Count(bool known, uint64_t value) { return known ? WithCommas(value) : "-"; }

std::string Bytes(bool known, uint64_t value) {
  return known ? HumanBytes(static_cast<double>(value)) : "-";
}

void AddCounts(const proto::Result& result, std::string* out) {
  absl::StrAppend(out, "\nSystem and collector\n");
  const proto::OsCounts& os = result.os();
  Row(out, "page faults", WithCommas(os.page_faults()));
  Row(out, "mmap, madvise calls",
      absl::StrCat(Count(os.has_mmap_calls(), os.mmap_calls()), ", ",
                   Count(os.has_madvise_calls(), os.madvise_calls())));
  Row(out, "given back", Bytes(os.has_released_bytes(), os.released_bytes()),
      os.has_refaulted_bytes()
          ? absl::StrCat(Bytes(true, os.refaulted_bytes()), " of it touched again")
          : "");
  if (os.oom_events() != 0) Row(out, "out of memory", WithCommas(os.oom_events()), "times");
  Row(out, "collections", Count(result.has_gc(), result.gc().cycles()),
      result.has_gc() ? absl::StrCat(WithCommas(result.gc().forced_cycles()), " of them forced")
                      : "");
  if (result.has_cost()) {
    Row(out, "modelled cost", absl::StrFormat("%.1f ms", result.cost().total_ns() / 1e6),
        absl::StrFormat("%.1f ms of it marking", result.gc().mark_cost_ns() / 1e6));
  }
}

void AddOddities(const proto::Result& result, std::string* out) {
  const proto::TraceFacts& trace = result.trace();
  if (trace.free_unknown() != 0) {
    absl::StrAppend(out, "  ", WithCommas(trace.free_unknown()),
                    " frees of unknown pointers were ignored\n");
  }
  if (trace.alloc_of_live_address() != 0) {
    absl::StrAppend(out, "  ", WithCommas(trace.alloc_of_live_address()),
                    " allocations at live addresses dropped the old object\n");
  }
  if (result.has_trace() && !trace.complete())
    absl::StrAppend(out, "  part of the recording is missing\n");
  for (const std::string& assumption : result.assumptions()) {
    absl::StrAppend(out, "  ", assumption, "\n");
  }
}

}  // namespace

std::string WithCommas(uint64_t value) {
  std::string text = absl::StrCat(value);
  for (size_t place = text.size(); place > 3;) {
    place -= 3;
    text.insert(place, 1, ',');
  }
  return text;
}

std::string HumanBytes(double bytes) {
  static constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB", "PiB"};
  if (bytes < 1024) return absl::StrFormat("%.0f B", bytes);
  size_t unit = 0;
  for (bytes /= 1024; bytes >= 1024 && unit + 1 < std::size(kUnits); ++unit) bytes /= 1024;
  return absl::StrFormat("%.1f %s", bytes, kUnits[unit]);
}

std::string Summary(const proto::Result& result) {
  std::string out;
  AddTrace(result, &out);
  AddMemory(result, &out);
  AddParts(result, &out);
  AddFragmentation(result, &out);
  AddCounts(result, &out);
  std::string oddities;
  AddOddities(result, &oddities);
  if (!oddities.empty()) absl::StrAppend(&out, "\nAssumed and noticed\n", oddities);
  if (result.has_state_hash()) {
    absl::StrAppendFormat(&out, "\nstate %016x, seed %d\n", result.state_hash(), result.seed());
  } else {
    absl::StrAppendFormat(&out, "\nstate -, seed %d\n", result.seed());
  }
  return out;
}

}  // namespace heapsim::analysis
