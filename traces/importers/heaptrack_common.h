// The records that heaptrack's raw and interpreted files share.
#ifndef HEAPSIM_TRACES_IMPORTERS_HEAPTRACK_COMMON_H_
#define HEAPSIM_TRACES_IMPORTERS_HEAPTRACK_COMMON_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "traces/importers/import_sink.h"
#include "traces/io/line_reader.h"

namespace heapsim::traces {

// What a line looks like, for sniffing.
enum class HeaptrackLine { kNone, kCommon, kRaw, kInterpreted };
HeaptrackLine ClassifyHeaptrackLine(absl::string_view line);

// Handles the lines that both kinds have: version, command line, clock, RSS and those that say
// nothing to us.
class HeaptrackCommon {
 public:
  explicit HeaptrackCommon(ImportSink* sink);

  // `line` is not empty. False if it is none of these; damaged ones are reported.
  bool Take(absl::string_view line, uint64_t number);

  // Takes a string from the head of `text`, and the blank behind it. Since version 3 of the format
  // it stands behind its length; before, the last one of a line is all that is left, any other
  // reaches up to a blank. False where the length is wrong: the string is then all that is left.
  enum class Place { kWithin, kLast };
  bool TakeString(absl::string_view* text, Place place, absl::string_view* string) const;

  // The next line that is whole; false at the end. A last line without an end is left out, since
  // half a number is a number too.
  absl::StatusOr<bool> Next(LineReader& lines, absl::string_view* line);

 private:
  // NAME ADDRESS (OFFSET SIZE)...: where a file is mapped.
  void TakeModule(absl::string_view text);

  ImportSink& sink_;
  uint64_t page_bytes_ = 4096;
  uint64_t version_ = 0;
  uint64_t format_ = 0;
};

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_IMPORTERS_HEAPTRACK_COMMON_H_
