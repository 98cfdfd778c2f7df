#include "sim/tool/info_verb.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "analysis/json.h"
#include "analysis/output_file.h"
#include "analysis/summary.h"
#include "sim/tool/json_flag.h"
#include "sim/tool/trace_input.h"
#include "traces/event_block.h"
#include "traces/facts.h"

namespace heapsim::sim {
namespace {

// Numbers as a person reads them: grouped, bytes scaled, times with their unit.
std::string HumanValue(const std::string& key, const nlohmann::ordered_json& value) {
  if (value.is_null()) return "unknown";
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (!value.is_number()) return value.get<std::string>();
  const uint64_t number = value.get<uint64_t>();
  if (absl::EndsWith(key, "_ns")) return absl::FormatDuration(absl::Nanoseconds(number));
  std::string text = analysis::WithCommas(number);
  if ((absl::EndsWith(key, "_bytes") || key == "max_request") && number >= 1024) {
    absl::StrAppend(&text, " (", analysis::HumanBytes(static_cast<double>(number)), ")");
  }
  return text;
}

class InfoVerb : public Verb {
 public:
  void AddFlags(CLI::App& app) override {
    trace_.AddFlags(app);
    AddJsonFlag(app, &json_);
  }

  absl::StatusOr<Exit> Run() override {
    std::optional<analysis::OutputFile> file;
    if (!json_.empty()) {
      absl::StatusOr<analysis::OutputFile> created = analysis::OutputFile::Create(json_);
      if (!created.ok()) return created.status();
      file = *std::move(created);
    }
    absl::StatusOr<std::unique_ptr<traces::TraceReader>> reader = trace_.Open();
    if (!reader.ok()) return reader.status();
    // The whole trace is read, although its facts may be known by now: damage anywhere is damage.
    traces::EventBlock block;
    for (;;) {
      absl::StatusOr<bool> more = (*reader)->Next(&block);
      if (!more.ok()) return more.status();
      if (!*more) break;
    }
    const nlohmann::ordered_json json = analysis::ToJson(traces::ToProto(*(*reader)->facts()));
    if (file.has_value()) {
      absl::Status status = file->Commit(analysis::JsonText(json, 1) + "\n");
      if (!status.ok()) return status;
    }
    if (json_ != "-") Print(json);
    return Exit::kDone;
  }

 private:
  static void Print(const nlohmann::ordered_json& json) {
    size_t width = 0;
    for (const auto& item : json.items()) width = std::max(width, item.key().size());
    for (const auto& item : json.items()) {
      absl::PrintF("%-*s  %s\n", static_cast<int>(width), item.key(),
                   HumanValue(item.key(), item.value()));
    }
  }

  TraceInput trace_;
  std::string json_;
};

}  // namespace

std::unique_ptr<Verb> MakeInfoVerb() { return std::make_unique<InfoVerb>(); }

}  // namespace heapsim::sim
