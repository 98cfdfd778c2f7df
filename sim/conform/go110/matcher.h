// The core of the check: what the heap does, line by line beside what the log says the runtime did.
//
// The heap's calls to its seams arrive here in the order in which the runtime would write lines.
// Operations open and close frames; a frame knows whether its operation stands on one line (`X
// inputs = results`: nothing may be nested), as a block, or not in the log at all (`D` and `Q` that
// caused nothing).
#ifndef HEAPSIM_SIM_CONFORM_GO110_MATCHER_H_
#define HEAPSIM_SIM_CONFORM_GO110_MATCHER_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "heap/units.h"
#include "sim/conform/fields.h"
#include "sim/conform/go110/line.h"
#include "sim/conform/line_cursor.h"

namespace heapsim::sim::go110 {

// What came from outside in between: another thread's stack span, a scavenge. Done by the driver,
// from inside the heap's calls.
class Externals {
 public:
  virtual ~Externals() = default;
  // Performs all external lines that stand at the cursor.
  virtual void Perform() = 0;
  // The outermost page-heap operation of that number has just ended.
  virtual void PageOperationDone(uint64_t number) = 0;
};

class Matcher;

// The comparison of one line, field by field from left to right, with what the heap did. Where the
// line is not even of the right kind, it collects what the heap did and Done() throws the Mismatch.
class Comparison {
 public:
  void Dec(absl::string_view name, uint64_t got);
  void Hex(absl::string_view name, uint64_t got);
  void Bit(absl::string_view name, bool got);
  void Signed(absl::string_view name, int64_t got);
  void Word(absl::string_view name, absl::string_view got);
  // A decimal number whose greatest value is written "max".
  void DecOrMax(absl::string_view name, uint64_t got);
  // An address, as its offset from the arena's start; none: "-".
  void Offset(absl::string_view name, std::optional<heap::Address> got);

  // A field that is not compared, or read by hand.
  bool readable() const { return fields_.has_value(); }
  Fields& fields() { return *fields_; }

  // The line is as it should be: the frame is set up or taken down, the cursor goes on.
  void Done();

 private:
  friend class Matcher;
  enum class Mode : uint8_t { kLine, kOpen, kClose };
  Comparison(Matcher* matcher, Kind kind, Mode mode)
      : matcher_(matcher), kind_(kind), mode_(mode) {}
  void Field(absl::string_view name, bool same, absl::string_view expected, absl::string_view got);

  Matcher* matcher_;
  Kind kind_;
  Mode mode_;
  bool block_ = false;
  std::optional<Fields> fields_;  // none: there is no such line here
  std::string got_;               // then: what the heap did
  std::optional<heap::Address> about_;
};

class Matcher {
 public:
  // `arena_start` is what offsets count from.
  Matcher(LineCursor* cursor, Externals* externals, heap::Address arena_start)
      : cursor_(cursor), externals_(externals), arena_start_(arena_start) {}

  // An operation begins. The line must be its one-line form or its opening.
  Comparison Open(Kind kind);
  // The same for one that is in the log only if something is nested in it; false: it is not, and
  // its frame is set up.
  bool IsWritten(Kind kind);
  // The operation of the innermost frame ends; none where it is not in the log (its frame is then
  // gone).
  std::optional<Comparison> Close(Kind kind);
  // A line of its own, which must be next.
  Comparison Expect(Kind kind);

  // The driver begins an operation that the log gives: the next Open is its own, and nothing comes
  // before it.
  void Driven() { driven_ = true; }

  // Passes lines that are only recorded (o+, o-, and k of records that are neither descriptors nor
  // treap nodes).
  void SkipRecorded();
  // The type of the current line after that; throws BadLog at the log's end.
  LineType Current();

  bool heap_locked() const { return locks_ > 0; }
  bool idle() const { return depth_ == 0; }
  // Outermost page-heap operations so far.
  uint64_t page_operations() const { return page_operations_; }
  // Lines of which a field was compared.
  uint64_t checked() const { return checked_; }

  LineCursor& cursor() { return *cursor_; }
  heap::Address arena_start() const { return arena_start_; }
  uint64_t OffsetOf(heap::Address a) const { return a.v - arena_start_.v; }

  // The current line was compared.
  void CountChecked() {
    checked_ += cursor_->number() != last_checked_;
    last_checked_ = cursor_->number();
  }
  // Compares a value of the current line that was read by hand.
  void Compare(absl::string_view name, uint64_t expected, uint64_t got);
  // Throws Mismatch at the current line, but BadLog where that is no line of the format.
  [[noreturn]] void Differ(std::string expected, std::string got,
                           std::optional<heap::Address> about);
  // The same where the line as a whole should not be here.
  [[noreturn]] void Unexpected(std::string got, std::optional<heap::Address> about);

 private:
  friend class Comparison;
  struct Frame {
    Kind kind;
    enum : uint8_t { kBlock, kLine, kSilent } form;
    uint32_t results = 0;  // kLine: where the results start
    uint64_t line = 0;     // kBlock: of its opening
  };
  static constexpr uint32_t kMaxDepth = 24;  // about ten are possible

  void LetOthersIn();
  // Whether the innermost operation that the log shows stands on one line.
  bool OnOneLine() const;
  void Push(Frame frame);
  void Pop();

  LineCursor* cursor_;
  Externals* externals_;
  heap::Address arena_start_;
  std::array<Frame, kMaxDepth> frames_;
  uint32_t depth_ = 0;
  uint32_t locks_ = 0;
  bool driven_ = false;
  uint64_t page_operations_ = 0;
  uint64_t checked_ = 0;
  uint64_t last_checked_ = 0;
};

}  // namespace heapsim::sim::go110

#endif  // HEAPSIM_SIM_CONFORM_GO110_MATCHER_H_
