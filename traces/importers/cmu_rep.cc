#include "traces/importers/cmu_rep.h"

#include <cstdint>

#include "absl/strings/strip.h"
#include "traces/importers/line_import.h"
#include "traces/importers/text.h"

namespace heapsim::traces {
namespace {

struct Request {
  char operation = 0;
  bool has_thread = false;
  uint64_t thread = 0;
  uint64_t block = 0;  // ID + 1: 0 is null
  uint64_t size = 0;
};

absl::string_view Trimmed(absl::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  return text;
}

bool Parse(absl::string_view text, Request* request) {
  text = Trimmed(text);
  absl::string_view field = TakeField(&text);
  if (ParseDecimal(field, &request->thread)) {
    request->has_thread = true;
    field = TakeField(&text);
  }
  if (field != "a" && field != "r" && field != "f") return false;
  request->operation = field[0];
  const absl::string_view id = TakeField(&text);
  if (id == "-1" && request->operation == 'f') return text.empty();
  if (!ParseDecimal(id, &request->block) || request->block >= ~uint64_t{0} - 1) return false;
  ++request->block;
  return request->operation == 'f' ? text.empty() : ParseDecimal(text, &request->size);
}

bool IsHeader(absl::string_view text) {
  uint64_t number;
  return ParseDecimal(Trimmed(text), &number);
}

}  // namespace

int CmuRepImporter::Sniff(absl::string_view head) const {
  int requests = 0;
  const int percent = PercentOfLines(head, [&](absl::string_view text) {
    Request request;
    const bool is_request = Parse(text, &request);
    requests += is_request;
    return is_request || IsHeader(text);
  });
  return requests > 0 && percent >= 50 ? percent : 0;
}

absl::Status CmuRepImporter::Import(ByteSource& source, ImportSink& sink) const {
  ImportSink::Process& process = sink.process();
  uint64_t header_lines = 0;
  return ForEachLine(source, sink, LastLine::kMayBeOpen,
                     [&](absl::string_view text, uint64_t number) {
                       if (process.blocks.events() == 0 && header_lines < 4 && IsHeader(text)) {
                         ++header_lines;
                         return;
                       }
                       if (Trimmed(text).empty()) return;
                       Request request;
                       if (!Parse(text, &request)) {
                         sink.BadLine(number, "none of: a ID BYTES, r ID BYTES, f ID");
                         return;
                       }
                       if (request.has_thread) process.blocks.SetThread(request.thread);
                       if (request.operation == 'a') {
                         process.addresses.Malloc(request.block, request.size);
                       } else if (request.operation == 'r') {
                         process.addresses.Realloc(request.block, request.block, request.size);
                       } else {
                         process.addresses.Free(request.block);
                       }
                     });
}

}  // namespace heapsim::traces
