// The kinds of lines in a log of the Go 1.10 runtime, and what each looks like.
#ifndef HEAPSIM_SIM_CONFORM_GO110_LINE_H_
#define HEAPSIM_SIM_CONFORM_GO110_LINE_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace heapsim::sim::go110 {

// Named after what happens; the letters are in line.cc.
enum class Kind : uint8_t {
  kUnknown,
  // Operations, which may hold others.
  kSpanAlloc,
  kGrow,
  kSpanFree,
  kScavenge,
  kMalloc,
  kRefill,
  kDeduct,
  kReclaim,
  kSweepStep,
  kSweep,
  kFlush,
  kEnsureSwept,
  // Lines of their own.
  kDescriptor,
  kAbsorbed,
  kChunk,
  kTreap,
  kUnused,
  kUsed,
  kAdvice,
  kMap,
  kSystemTaken,
  kSystemReturned,
  kUncached,
  kSpecialAdd,
  kSpecialRemove,
  kSpecialTaken,
  kCheckpoint,
  kDumpList,
  kDumpTreap,
  kDumpEnd,
  kCycle,
  kPhase,
  kMarked,
  kSweepStart,
  kPacing,
  kVersion,
  kInfo,
  kInfo2,
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

inline bool IsOperation(Kind kind) {
  return kind >= Kind::kSpanAlloc && kind <= Kind::kEnsureSwept;
}
// Operations under the heap lock: nothing of another thread can come in between.
inline bool HoldsHeapLock(Kind kind) { return kind >= Kind::kSpanAlloc && kind <= Kind::kScavenge; }
// Operations with results; the one-line form of the others is just their inputs.
inline bool HasResults(Kind kind) {
  return kind != Kind::kDeduct && kind != Kind::kReclaim && kind != Kind::kFlush &&
         kind != Kind::kEnsureSwept;
}

// Throws BadLog where the line is none of the format's: of no known kind, with a missing,
// superfluous or garbled field. For the cases where a line is not what it should be, and the
// question is whether it is one at all.
void Validate(absl::string_view line, uint64_t number);

}  // namespace heapsim::sim::go110

#endif  // HEAPSIM_SIM_CONFORM_GO110_LINE_H_
