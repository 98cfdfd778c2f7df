// What the heap asks that only the log can answer: the time, treap priorities, and which objects
// live.
#ifndef HEAPSIM_SIM_CONFORM_GO110_LOG_INPUTS_H_
#define HEAPSIM_SIM_CONFORM_GO110_LOG_INPUTS_H_

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "heap/seams.h"
#include "sim/conform/line_cursor.h"

namespace heapsim::sim::go110 {

// The clock is read in the middle of a free (`F`), whose results, still ahead, have the time.
class LogClock final : public heap::Clock {
 public:
  explicit LogClock(LineCursor* cursor) : cursor_(cursor) {}
  int64_t Now() override;

 private:
  LineCursor* cursor_;
};

// A priority is asked for just before the `t` line that has it. 0 where there is none: the missing
// line is noticed when the span is in the treap.
class LogRandom final : public heap::Random {
 public:
  explicit LogRandom(LineCursor* cursor) : cursor_(cursor) {}
  uint32_t Next() override;

 private:
  LineCursor* cursor_;
};

// The marks of the `Z` line that was opened last.
class LogMarker final : public heap::Marker {
 public:
  // The mark bits of a span with so many slots, as the log writes them. Throws BadLog at `line`.
  void Set(absl::string_view hex, uint32_t slots, uint64_t line);
  void Marks(heap::SpanId span, uint64_t bits, uint32_t slots, const uint64_t* allocated,
             uint64_t* marks) override;

 private:
  std::vector<uint64_t> words_;
};

}  // namespace heapsim::sim::go110

#endif  // HEAPSIM_SIM_CONFORM_GO110_LOG_INPUTS_H_
