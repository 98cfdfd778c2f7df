#include "sim/tool/repeated_trace.h"

#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "sim/replay/block_sources.h"
#include "sim/replay/read_ahead.h"
#include "sim/tool/result_message.h"
#include "traces/io/byte_source.h"
#include "traces/open_trace.h"

namespace heapsim::sim {
namespace {

// What blocks may take that are kept: some 3 million events. Longer traces are decoded again, so
// that memory follows what is alive, not how long a trace is.
constexpr uint64_t kKeptBytes = uint64_t{32} << 20;

}  // namespace

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

// Reads ahead, and keeps what it reads as long as there is room.
class RepeatedTrace::Source final : public BlockSource {
 public:
  Source(std::unique_ptr<traces::TraceReader> reader, RepeatedTrace* trace)
      : reader_(std::move(reader)),
        decoded_(reader_.get()),
        events_(decoded_.events()),
        ahead_(std::in_place, &decoded_),
        trace_(*trace) {}
  ~Source() override {
    ahead_.reset();
    trace_.reader_ = std::move(reader_);
    if (!whole_) return;
    trace_.blocks_ = std::move(blocks_);
    trace_.events_ = events_;
    trace_.kept_ = true;
  }

  absl::StatusOr<bool> Next(traces::EventBlock* block) override {
    absl::StatusOr<bool> more = ahead_->Next(block);
    if (!more.ok() || !keeps_) return more;
    if (!*more) {
      whole_ = true;
      return more;
    }
    bytes_ += BytesOf(*block);
    keeps_ = bytes_ <= kKeptBytes;
    if (keeps_) {
      blocks_.push_back(*block);
    } else {
      blocks_ = {};
    }
    return more;
  }
  uint64_t events() const override { return events_; }

 private:
  std::unique_ptr<traces::TraceReader> reader_;
  TraceBlocks decoded_;
  const uint64_t events_;
  std::optional<ReadAhead> ahead_;
  RepeatedTrace& trace_;
  std::vector<traces::EventBlock> blocks_;
  uint64_t bytes_ = 0;
  bool keeps_ = true, whole_ = false;
};

absl::StatusOr<std::unique_ptr<BlockSource>> RepeatedTrace::Open() {
  if (kept_) return std::make_unique<KeptBlocks>(&blocks_, events_);
  absl::StatusOr<std::unique_ptr<traces::TraceReader>> reader = OpenReader();
  if (!reader.ok()) return reader.status();
  if (absl::Status s = CheckReplayable(**reader, input_->path()); !s.ok()) return s;
  return std::make_unique<Source>(*std::move(reader), this);
}

absl::StatusOr<std::unique_ptr<traces::TraceReader>> RepeatedTrace::OpenReader() {
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
