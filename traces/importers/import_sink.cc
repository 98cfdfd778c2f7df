#include "traces/importers/import_sink.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace heapsim::traces {
namespace {

constexpr size_t kMaxWarnings = 32;
constexpr size_t kCallSitesPerChunk = kMaxBlockEvents;

}  // namespace

ImportSink::ImportSink(std::string format, bool keep_call_sites, TraceWriter* writer)
    : format_(std::move(format)), keep_call_sites_(keep_call_sites), writer_(writer) {
  header_.set_importer(absl::StrCat("heapsim importer ", format_));
  header_.set_source_format(format_);
}

ImportSink::Process& ImportSink::ProcessOf(uint64_t pid) {
  if (last_ != nullptr && last_->pid == pid) return *last_;
  auto it = index_of_.find(pid);
  if (it == index_of_.end()) {
    const uint32_t index = static_cast<uint32_t>(processes_.size());
    if (index == kMaxProcesses) {
      Incomplete(absl::StrCat("more than ", kMaxProcesses, " processes"));
      return *processes_.back();
    }
    const auto emit = [this, index](const EventBlock& block) {
      if (status_.ok()) status_ = WriteHeader();
      if (status_.ok()) status_ = WriteCallSites(index);
      if (status_.ok()) status_ = writer_->Block(index, block);
      return status_;
    };
    processes_.push_back(std::make_unique<Process>(pid, emit));
    it = index_of_.emplace(pid, index).first;
  }
  last_ = processes_[it->second].get();
  return *last_;
}

void ImportSink::AddCallSite(Process& process, uint64_t address, uint32_t parent) {
  process.site_addresses.push_back(address);
  process.site_parents.push_back(parent);
  if (process.site_addresses.size() >= kCallSitesPerChunk) WriteEarly(process);
}

void ImportSink::ForgetModules(Process& process) {
  if (!process.site_addresses.empty()) WriteEarly(process);
  process.code.ForgetModules();
}

void ImportSink::WriteEarly(const Process& process) {
  if (status_.ok()) status_ = WriteHeader();
  if (status_.ok()) status_ = WriteCallSites(index_of_.at(process.pid));
}

absl::Status ImportSink::WriteHeader() {
  if (header_written_) return absl::OkStatus();
  header_written_ = true;
  return writer_->Header(header_);
}

absl::Status ImportSink::WriteCallSites(uint32_t index) {
  Process& process = *processes_[index];
  for (const proto::CodeMap& map : process.code.Take()) {
    if (absl::Status s = writer_->Code(index, map); !s.ok()) return s;
  }
  absl::Status status = writer_->CallSites(index, process.site_addresses, process.site_parents);
  process.site_addresses.clear();
  process.site_parents.clear();
  return status;
}

void ImportSink::BadLine(uint64_t number, absl::string_view what) {
  if (bad_lines_++ == 0) first_bad_line_ = absl::StrCat("line ", number, ": ", what);
  complete_ = false;
}

void ImportSink::Incomplete(absl::string_view why) {
  complete_ = false;
  Warn(why);
}

void ImportSink::Warn(absl::string_view what) {
  if (warnings_.size() < kMaxWarnings &&
      std::find(warnings_.begin(), warnings_.end(), what) == warnings_.end()) {
    warnings_.emplace_back(what);
  }
}

absl::Status ImportSink::Finish() {
  for (const auto& process : processes_) {
    process->blocks.Flush();
    if (status_.ok()) status_ = process->blocks.status();
  }
  if (!status_.ok()) return status_;
  if (processes_.empty()) process();  // a footer has one at least
  if (absl::Status s = WriteHeader(); !s.ok()) return s;
  std::vector<ProcessSummary> summaries;
  for (uint32_t i = 0; i < processes_.size(); ++i) {
    if (absl::Status s = WriteCallSites(i); !s.ok()) return s;
    if (processes_[i]->code.full()) Warn("names of call sites beyond 64 MiB were left out");
  }
  for (const auto& process : processes_) {
    ProcessSummary& summary = summaries.emplace_back();
    summary.pid = process->pid;
    summary.facts = process->blocks.Facts();
    summary.facts.format = format_;
    summary.facts.complete = complete_;
    summary.object_ids = process->blocks.object_ids();
  }
  return writer_->Finish(summaries);
}

uint64_t ImportSink::events() const {
  uint64_t events = 0;
  for (const auto& process : processes_) events += process->blocks.events();
  return events;
}

std::vector<std::string> ImportSink::Warnings() const {
  std::vector<std::string> warnings = warnings_;
  if (bad_lines_ == 1) {
    warnings.push_back(absl::StrCat("1 bad line was left out: ", first_bad_line_));
  } else if (bad_lines_ > 1) {
    warnings.push_back(
        absl::StrCat(bad_lines_, " bad lines were left out, the first: ", first_bad_line_));
  }
  return warnings;
}

}  // namespace heapsim::traces
