#include "sim/conform/verb.h"

#include <algorithm>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace heapsim::sim {
namespace {

constexpr int kMismatch = 1;
constexpr int kBadLog = 2;

// The file's name without folder and endings.
absl::string_view NameOf(absl::string_view path) {
  path.remove_prefix(std::min(path.size(), path.rfind('/') + 1));
  path = absl::StripSuffix(path, ".zst");
  return absl::StripSuffix(path, ".txt");
}

}  // namespace

int ConformVerb(const std::vector<std::string>& logs, const ConformOptions& options,
                std::ostream& out, std::ostream& err) {
  int status = 0;
  for (const std::string& log : logs) {
    const absl::StatusOr<ConformReport> report = CheckLog(log, options);
    if (!report.ok()) {
      err << report.status().message() << "\n";
      status = std::max(status, kBadLog);
      continue;
    }
    out << NameOf(log) << ": " << report->events << " events, " << report->checked << " checked, "
        << report->mismatches << " mismatches\n";
    if (report->mismatches > 0) {
      out << "line " << report->line << ": expected " << report->expected << ", got " << report->got
          << "\n  in `" << report->text << "`\n"
          << report->surroundings;
      status = std::max(status, kMismatch);
    }
    out.flush();
  }
  return status;
}

}  // namespace heapsim::sim
