#include "traces/importers/minimalloc.h"

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <vector>

#include "traces/importers/line_import.h"
#include "traces/importers/text.h"

namespace heapsim::traces {
namespace {

struct Columns {
  int lower = -1, upper = -1, size = -1, alignment = -1;
  bool complete() const { return lower >= 0 && upper >= 0 && size >= 0; }
};

Columns ParseTitles(absl::string_view text) {
  Columns columns;
  for (int i = 0; !text.empty(); ++i) {
    const absl::string_view title = TakeField(&text, ',');
    if (title == "lower" || title == "start" || title == "begin") columns.lower = i;
    if (title == "upper" || title == "end") columns.upper = i;
    if (title == "size") columns.size = i;
    if (title == "alignment") columns.alignment = i;
  }
  return columns;
}

struct Buffer {
  uint64_t lower = 0, upper = 0, size = 0, alignment = 0;
};

bool ParseBuffer(absl::string_view text, const Columns& columns, Buffer* buffer) {
  bool lower = false, upper = false, size = false;
  for (int i = 0; !text.empty(); ++i) {
    const absl::string_view field = TakeField(&text, ',');
    if (i == columns.lower) lower = ParseDecimal(field, &buffer->lower);
    if (i == columns.upper) upper = ParseDecimal(field, &buffer->upper);
    if (i == columns.size) size = ParseDecimal(field, &buffer->size);
    if (i == columns.alignment && !field.empty() && !ParseDecimal(field, &buffer->alignment)) {
      return false;
    }
  }
  return lower && upper && size && buffer->lower < buffer->upper;
}

}  // namespace

int MinimallocImporter::Sniff(absl::string_view head) const {
  absl::string_view first = TakeField(&head, '\n');
  if (!first.empty() && first.back() == '\r') first.remove_suffix(1);
  return ParseTitles(first).complete() ? 100 : 0;
}

absl::Status MinimallocImporter::Import(ByteSource& source, ImportSink& sink) const {
  Columns columns;
  std::vector<Buffer> buffers;
  absl::Status status =
      ForEachLine(source, sink, LastLine::kMayBeOpen, [&](absl::string_view text, uint64_t number) {
        if (!columns.complete()) {
          columns = ParseTitles(text);
          if (!columns.complete()) sink.BadLine(number, "no titles lower, upper and size");
          return;
        }
        Buffer buffer;
        if (ParseBuffer(text, columns, &buffer)) {
          buffers.push_back(buffer);
        } else {
          sink.BadLine(number, "not a buffer");
        }
      });
  if (!status.ok()) return status;

  // (time, allocation, row): frees sort before allocations.
  std::vector<std::tuple<uint64_t, bool, uint32_t>> order;
  for (uint32_t i = 0; i < buffers.size(); ++i) {
    order.emplace_back(buffers[i].lower, true, i);
    order.emplace_back(buffers[i].upper, false, i);
  }
  std::sort(order.begin(), order.end());
  IdentityResolver& calls = sink.process().addresses;
  for (const auto& [time, allocates, row] : order) {
    const uint64_t address = uint64_t{row} + 1;
    if (!allocates) {
      calls.Free(address);
    } else if (buffers[row].alignment > 1) {
      calls.Memalign(address, buffers[row].alignment, buffers[row].size);
    } else {
      calls.Malloc(address, buffers[row].size);
    }
  }
  return absl::OkStatus();
}

}  // namespace heapsim::traces
