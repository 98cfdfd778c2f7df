#include "traces/importers/android.h"

#include <cstdint>

#include "traces/importers/text.h"
#include "traces/io/line_reader.h"

namespace heapsim::traces {
namespace {

enum class Call { kMalloc, kCalloc, kMemalign, kRealloc, kFree, kThreadDone };

struct Line {
  Call call;
  uint64_t thread = 0;
  uint64_t result = 0;  // what free frees, too
  uint64_t first = 0;   // NMEMB, ALIGNMENT or OLD
  uint64_t size = 0;
  bool has_time = false;
  uint64_t start = 0;
};

bool Parse(absl::string_view rest, Line* line) {
  absl::string_view thread = TakeField(&rest, ':');
  if (!ParseDecimal(thread, &line->thread) || rest.empty() || rest.front() != ' ') return false;
  rest.remove_prefix(1);
  const absl::string_view call = TakeField(&rest);
  int numbers;  // decimal ones after the pointer
  if (call == "malloc") {
    line->call = Call::kMalloc, numbers = 1;
  } else if (call == "free") {
    line->call = Call::kFree, numbers = 0;
  } else if (call == "realloc") {
    line->call = Call::kRealloc, numbers = 1;
  } else if (call == "calloc") {
    line->call = Call::kCalloc, numbers = 2;
  } else if (call == "memalign") {
    line->call = Call::kMemalign, numbers = 2;
  } else if (call == "thread_done") {
    line->call = Call::kThreadDone;
    return true;
  } else {
    return false;
  }
  if (!ParsePointer(TakeField(&rest), &line->result)) return false;
  if (line->call == Call::kRealloc && !ParsePointer(TakeField(&rest), &line->first)) return false;
  if (numbers == 2 && !ParseDecimal(TakeField(&rest), &line->first)) return false;
  if (numbers >= 1 && !ParseDecimal(TakeField(&rest), &line->size)) return false;
  while (!rest.empty() && rest.back() == ' ') rest.remove_suffix(1);
  line->has_time = !rest.empty();
  if (!line->has_time) return true;
  uint64_t end;
  return ParseDecimal(TakeField(&rest), &line->start) && ParseDecimal(TakeField(&rest), &end) &&
         rest.empty();
}

}  // namespace

int AndroidImporter::Sniff(absl::string_view head) const {
  const int percent = PercentOfLines(head, [](absl::string_view text) {
    Line line;
    return Parse(text, &line);
  });
  return percent >= 20 ? percent : 0;
}

absl::Status AndroidImporter::Import(ByteSource& source, ImportSink& sink) const {
  ImportSink::Process& process = sink.process();
  LineReader lines(&source);
  absl::string_view text;
  while (sink.status().ok() && process.blocks.status().ok()) {
    absl::StatusOr<bool> more = lines.Next(&text);
    if (!more.ok()) return more.status();
    if (!*more) break;
    if (text.empty()) continue;
    if (!lines.terminated()) {
      sink.Incomplete("the last line has no end and was left out");
      break;
    }
    Line line;
    if (!Parse(text, &line)) {
      sink.BadLine(lines.number(), "not a call of memory_replay");
      continue;
    }
    if (line.call == Call::kThreadDone) {
      process.blocks.EndThread(line.thread);
      continue;
    }
    process.blocks.SetThread(line.thread);
    if (line.has_time) process.blocks.SetTime(line.start);
    switch (line.call) {
      case Call::kMalloc:
        process.addresses.Malloc(line.result, line.size);
        break;
      case Call::kCalloc:
        process.addresses.Calloc(line.result, SaturatedProduct(line.first, line.size));
        break;
      case Call::kMemalign:
        process.addresses.Memalign(line.result, line.first, line.size);
        break;
      case Call::kRealloc:
        process.addresses.Realloc(line.result, line.first, line.size);
        break;
      case Call::kFree:
        process.addresses.Free(line.result);
        break;
      case Call::kThreadDone:
        break;
    }
  }
  return absl::OkStatus();
}

}  // namespace heapsim::traces
