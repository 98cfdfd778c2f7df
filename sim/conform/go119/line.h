// The kinds of lines in a log of the Go 1.19 runtime's page allocator, and what each looks like.
#ifndef HEAPSIM_SIM_CONFORM_GO119_LINE_H_
#define HEAPSIM_SIM_CONFORM_GO119_LINE_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace heapsim::sim::go119 {

// Named after what happens; the letters are in line.cc.
enum class Kind : uint8_t {
  kUnknown,
  // Operations, and what they hold.
  kAlloc,
  kRefill,
  kSearch,
  kGrow,
  kReserve,
  kMap,
  kRange,
  kDecide,
  kLimiterOn,
  kScavenge,
  kLook,
  kStep,
  kLimiterStops,
  kAdvice,
  // Lines of their own.
  kFree,
  kFlush,
  kProcs,
  kMappedMore,
  kMappedLess,
  kLimit,
  kAsk,
  kSlept,
  kHeapInUse,
  kGoals,
  kCheckpoint,
  kDumpCache,
  kDumpRange,
  kDumpChunks,
  kDumpEnd,
  kVersion,
  kInfo,
  kExit,
  kTrailer,
};

// How an operation is written: on one line, or as a block around what it caused.
enum class Form : uint8_t { kLine, kOpen, kClose };

struct LineType {
  Kind kind = Kind::kUnknown;
  Form form = Form::kLine;
  uint8_t length = 0;  // characters before the first field
};

// By the line's first word.
LineType TypeOf(absl::string_view line);

// The word that starts such a line, without a bracket.
absl::string_view Letter(Kind kind);

inline bool IsDump(Kind kind) { return kind >= Kind::kDumpCache && kind <= Kind::kDumpEnd; }

// Throws BadLog where the line is none of the format's: of no known kind, with a missing,
// superfluous or garbled field. For the cases where a line is not what it should be, and the
// question is whether it is one at all.
void Validate(absl::string_view line, uint64_t number);

}  // namespace heapsim::sim::go119

#endif  // HEAPSIM_SIM_CONFORM_GO119_LINE_H_
