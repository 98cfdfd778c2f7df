#include "sim/conform/conform.h"

#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "heap/fatal.h"
#include "sim/conform/go110/driver.h"
#include "sim/conform/go119/driver.h"
#include "sim/conform/line_cursor.h"
#include "sim/conform/stop.h"

namespace heapsim::sim {
namespace {

constexpr absl::string_view kGo110 = "go1.10";
constexpr absl::string_view kGo119 = "go1.19";

// The runtime's version, empty where the line is none that starts a log.
absl::string_view VersionOf(absl::string_view line) {
  if (!absl::StartsWith(line, "V 1 ")) return "";
  if (absl::StrContains(line, " go1.10 ")) return kGo110;
  if (absl::StrContains(line, " go1.19 ")) return kGo119;
  return "";
}

absl::Status Bad(const std::string& path, uint64_t line, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": line ", line, ": ", what));
}

// The log from its first line to its end, with the driver of its version.
template <typename Driver>
absl::Status Check(const std::string& path, LineCursor& cursor, const ConformOptions& options,
                   ConformReport* report) {
  std::unique_ptr<Driver> driver;
  try {
    driver = std::make_unique<Driver>(&cursor, options);
    try {
      driver->Run();
    } catch (const Mismatch& mismatch) {
      report->mismatches = 1;
      report->line = mismatch.line;
      report->expected = mismatch.expected;
      report->got = mismatch.got;
      report->text = mismatch.text;
      if (mismatch.about.has_value()) report->surroundings = driver->Surroundings(*mismatch.about);
    }
  } catch (const Mismatch& mismatch) {
    return Bad(path, mismatch.line,
               absl::StrCat("expected ", mismatch.expected, ", got ", mismatch.got));
  } catch (const BadLog& bad) {
    return Bad(path, bad.line, bad.what);
  } catch (const heap::FatalError& fatal) {
    return Bad(
        path, cursor.number(),
        absl::StrCat("an operation that cannot be; the runtime would stop with: ", fatal.what()));
  } catch (const std::bad_alloc&) {
    return Bad(path, cursor.number(), "an operation that takes more memory than this machine has");
  }
  report->events = cursor.events();
  report->checked = driver->checked();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ConformReport> CheckLog(const std::string& path, const ConformOptions& options) {
  absl::StatusOr<std::unique_ptr<LineCursor>> opened = LineCursor::Open(path);
  if (!opened.ok()) return opened.status();
  LineCursor& cursor = **opened;
  ConformReport report;
  report.version = std::string(VersionOf(cursor.line()));
  absl::Status status;
  if (report.version == kGo110) {
    status = Check<go110::Driver>(path, cursor, options, &report);
  } else if (report.version == kGo119) {
    status = Check<go119::Driver>(path, cursor, options, &report);
  } else {
    status = Bad(path, 1,
                 "no log of a runtime that this program knows (`V 1 level ... go1.10 ...`, "
                 "`V 1 go1.19 ...`)");
  }
  if (!status.ok()) return status;
  return report;
}

}  // namespace heapsim::sim
