#include "traces/importers/wee_alloc.h"

#include <cstdint>

#include "absl/strings/strip.h"
#include "traces/importers/line_import.h"
#include "traces/importers/text.h"

namespace heapsim::traces {
namespace {

bool Parse(absl::string_view text, bool* is_free, uint64_t* number) {
  while (absl::ConsumePrefix(&text, " ")) {
  }
  absl::ConsumeSuffix(&text, ",");
  *is_free = absl::ConsumePrefix(&text, "Free(");
  return (*is_free || absl::ConsumePrefix(&text, "Alloc(")) && absl::ConsumeSuffix(&text, ")") &&
         ParseDecimal(text, number);
}

}  // namespace

int WeeAllocImporter::Sniff(absl::string_view head) const {
  const int percent = PercentOfLines(head, [](absl::string_view text) {
    bool is_free;
    uint64_t number;
    return Parse(text, &is_free, &number);
  });
  return percent >= 20 ? percent : 0;
}

absl::Status WeeAllocImporter::Import(ByteSource& source, ImportSink& sink) const {
  IdentityResolver& calls = sink.process().addresses;
  uint64_t ordinal = 0;  // from 1: 0 is null to the resolver
  return ForEachLine(source, sink, LastLine::kMayBeOpen,
                     [&](absl::string_view text, uint64_t line) {
                       bool is_free;
                       uint64_t number;
                       if (!Parse(text, &is_free, &number)) {
                         sink.BadLine(line, "neither Alloc(SIZE) nor Free(INDEX)");
                       } else if (is_free) {
                         calls.Free(number < ordinal ? number + 1 : ~uint64_t{0});
                       } else {
                         calls.Malloc(++ordinal, number);
                       }
                     });
}

}  // namespace heapsim::traces
