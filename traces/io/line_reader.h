// Lines of a text stream, in bounded memory.
#ifndef HEAPSIM_TRACES_IO_LINE_READER_H_
#define HEAPSIM_TRACES_IO_LINE_READER_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "traces/io/byte_source.h"

namespace heapsim::traces {

class LineReader {
 public:
  // A longer line is cut to this length; its rest is skipped.
  static constexpr size_t kMaxLineBytes = 1 << 20;

  // The source outlives the reader.
  explicit LineReader(ByteSource* source) : source_(*source), buffer_(2 * kMaxLineBytes, '\0') {}

  // The next line without its end ("\n" or "\r\n"), valid until the next call; false at the end.
  absl::StatusOr<bool> Next(absl::string_view* line);

  // Of the line last read, from 1.
  uint64_t number() const { return number_; }
  // Whether the line last read had an end: a last line without one may have been cut.
  bool terminated() const { return terminated_; }

 private:
  absl::Status Fill();

  ByteSource& source_;
  std::string buffer_;
  std::string overlong_;  // the part of such a line that is kept
  size_t start_ = 0;      // of what is not given out yet
  size_t end_ = 0;
  bool at_end_ = false;
  uint64_t number_ = 0;
  bool terminated_ = true;
};

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_IO_LINE_READER_H_
