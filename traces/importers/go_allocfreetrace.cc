#include "traces/importers/go_allocfreetrace.h"

#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "traces/importers/line_import.h"
#include "traces/importers/text.h"

namespace heapsim::traces {
namespace {

struct Header {
  enum Kind { kNone, kAlloc, kFree, kGc, kGcEnd, kBad } kind = kNone;
  uint64_t address = 0;
  uint64_t size = 0;
};

Header ParseHeader(absl::string_view text) {
  Header header;
  if (text == "tracegc()") {
    header.kind = Header::kGc;
  } else if (text == "end tracegc") {
    header.kind = Header::kGcEnd;
  } else if (absl::ConsumePrefix(&text, "tracealloc(")) {
    header.kind = Header::kAlloc;
  } else if (absl::ConsumePrefix(&text, "tracefree(")) {
    header.kind = Header::kFree;
  }
  if (header.kind != Header::kAlloc && header.kind != Header::kFree) return header;
  const bool closed = absl::ConsumeSuffix(&text, ")");
  const absl::string_view address = TakeField(&text, ',');
  absl::ConsumePrefix(&text, " ");
  if (!closed || !ParsePointer(address, &header.address) ||
      !ParsePointer(TakeField(&text, ','), &header.size)) {
    header.kind = Header::kBad;
  }
  return header;
}

class Import {
 public:
  explicit Import(ImportSink& sink) : sink_(sink), process_(sink.process()) {}

  void Line(absl::string_view text, uint64_t number) {
    const Header header = ParseHeader(text);
    if (header.kind != Header::kNone) Flush();
    switch (header.kind) {
      case Header::kAlloc:
        pending_ = true;
        address_ = header.address;
        size_ = header.size;
        break;
      case Header::kFree:
        process_.addresses.Free(header.address);
        break;
      case Header::kGc:
        process_.blocks.AddMarker(MarkerKind::kGc, 0);
        break;
      case Header::kBad:
        sink_.BadLine(number, "not (ADDRESS, SIZE)");
        break;
      case Header::kGcEnd:
        break;
      case Header::kNone:
        if (pending_) Stack(text);
        break;
    }
  }

  // The record before is whole.
  void Flush() {
    if (pending_) process_.addresses.Malloc(address_, size_);
    pending_ = false;
  }

 private:
  void Stack(absl::string_view text) {
    uint64_t number;
    if (absl::ConsumePrefix(&text, "goroutine ") && ParseDecimal(TakeField(&text), &number)) {
      process_.blocks.SetThread(number);
    }
  }

  ImportSink& sink_;
  ImportSink::Process& process_;
  bool pending_ = false;
  uint64_t address_ = 0;
  uint64_t size_ = 0;
};

}  // namespace

int GoAllocfreetraceImporter::Sniff(absl::string_view head) const {
  int records = 0;
  PercentOfLines(
      head,
      [&](absl::string_view text) {
        const Header header = ParseHeader(text);
        records += header.kind == Header::kAlloc || header.kind == Header::kFree;
        return true;
      },
      2000);
  return records > 0 ? 90 : 0;
}

absl::Status GoAllocfreetraceImporter::Import(ByteSource& source, ImportSink& sink) const {
  sink.header().set_recorder("GODEBUG=allocfreetrace=1");
  class Import import(sink);
  absl::Status status =
      ForEachLine(source, sink, LastLine::kMustEnd,
                  [&](absl::string_view text, uint64_t number) { import.Line(text, number); });
  import.Flush();
  return status;
}

}  // namespace heapsim::traces
