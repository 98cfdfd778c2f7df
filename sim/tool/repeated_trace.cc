#include "sim/tool/repeated_trace.h"

#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "traces/io/byte_source.h"
#include "traces/open_trace.h"

namespace heapsim::sim {

RepeatedTrace::~RepeatedTrace() {
  if (fd_ >= 0) close(fd_);
}

absl::Status RepeatedTrace::KeepStandardInput() {
  const char* folder = getenv("TMPDIR");
  std::string path =
      absl::StrCat(folder == nullptr || *folder == '\0' ? "/tmp" : folder, "/heapsim-XXXXXX");
  fd_ = mkstemp(path.data());
  if (fd_ < 0) {
    return absl::UnavailableError(
        absl::StrCat("standard input has to be read twice, and no copy of it can be made: ", path,
                     ": ", std::strerror(errno), "; set TMPDIR, or give the trace as a file"));
  }
  unlink(path.c_str());
  absl::StatusOr<std::unique_ptr<traces::ByteSource>> input = traces::OpenFile("-");
  if (!input.ok()) return input.status();
  std::string buffer(1 << 20, '\0');
  for (;;) {
    absl::StatusOr<size_t> got = (*input)->Read(buffer.data(), buffer.size());
    if (!got.ok()) return got.status();
    if (*got == 0) return absl::OkStatus();
    for (size_t done = 0; done < *got;) {
      const ssize_t n = write(fd_, buffer.data() + done, *got - done);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        return absl::ResourceExhaustedError(
            absl::StrCat("the copy of standard input in ", path, ": ", std::strerror(errno),
                         "; set TMPDIR to where there is room, or give the trace as a file"));
      }
      done += static_cast<size_t>(n);
    }
  }
}

absl::StatusOr<std::unique_ptr<traces::TraceReader>> RepeatedTrace::Open() {
  traces::OpenOptions options;
  options.keep_call_sites = true;
  if (input_->path() == "-" && fd_ < 0) {
    if (absl::Status s = KeepStandardInput(); !s.ok()) return s;
  }
  absl::StatusOr<std::unique_ptr<traces::TraceReader>> reader =
      input_->Open(options, /*warn=*/!opened_, fd_);
  if (reader.ok()) (*reader)->KeepCallSites();
  opened_ = true;
  return reader;
}

}  // namespace heapsim::sim
