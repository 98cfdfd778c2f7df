// A line that the allocator's doings would have written, field by field, to be compared with the
// one in the log.
#ifndef HEAPSIM_SIM_CONFORM_GO119_EXPECTED_H_
#define HEAPSIM_SIM_CONFORM_GO119_EXPECTED_H_

#include <array>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "heap/pages/go119/page_heap.h"
#include "heap/units.h"
#include "sim/conform/fields.h"
#include "sim/conform/go119/line.h"

namespace heapsim::sim::go119 {

// How the log writes who works.
std::string WorkerText(heap::go119::Worker worker);

class Expected {
 public:
  Expected() = default;
  Expected(Kind kind, Form form = Form::kLine) : kind_(kind), form_(form) {}

  // Each adds a field. Whatever is not determined is added by Skip: any text does.
  Expected& Dec(absl::string_view name, uint64_t v) { return Add({name, Type::kDec, v, {}}); }
  Expected& DecOrMax(absl::string_view name, uint64_t v) {
    return Add({name, Type::kDecOrMax, v, {}});
  }
  Expected& Hex(absl::string_view name, uint64_t v) { return Add({name, Type::kHex, v, {}}); }
  // Null is written "-", beyond every address "max".
  Expected& Offset(absl::string_view name, heap::Address a) {
    return Add({name, Type::kOffset, a.v, {}});
  }
  // Bits of a double.
  Expected& Bits(absl::string_view name, double v);
  Expected& Bit(absl::string_view name, bool v) { return Add({name, Type::kBit, v, {}}); }
  // `v` must live as long as this.
  Expected& Word(absl::string_view name, absl::string_view v) {
    return Add({name, Type::kWord, 0, v});
  }
  // The first field of most lines: it says to whom the line belongs, and is no result.
  Expected& Owner(heap::go119::Worker w) {
    return Add({"", Type::kOwner, static_cast<uint64_t>(int64_t{w}), {}});
  }
  Expected& Skip(absl::string_view name) { return Add({name, Type::kSkip, 0, {}}); }
  // What follows is compared only if `determined`.
  Expected& If(bool determined) {
    determined_ = determined;
    return *this;
  }
  // Results follow.
  Expected& Equals() { return Add({"", Type::kEquals, 0, {}}); }

  Kind kind() const { return kind_; }
  Form form() const { return form_; }
  // As the log would write it; "?" for what is skipped.
  std::string Text(heap::Address base) const;
  // An address in it, for people; null: none.
  heap::Address about() const;

  // What the comparison with the fields of a line of the same kind and form says.
  struct Verdict {
    bool same = true;
    bool compared = false;      // some field
    std::string expected, got;  // where not the same: the field in the log, and here
  };
  // Throws BadLog where a field is garbled, missing or superfluous.
  Verdict Compare(Fields fields, heap::Address base) const;

 private:
  enum class Type : uint8_t {
    kDec,
    kDecOrMax,
    kHex,
    kOffset,
    kBits,
    kBit,
    kWord,
    kOwner,
    kSkip,
    kEquals
  };
  struct Field {
    absl::string_view name;
    Type type;
    uint64_t value;
    absl::string_view word;
  };
  Expected& Add(const Field& field) {
    fields_[count_] = field;
    if (!determined_ && field.type != Type::kOwner && field.type != Type::kEquals) {
      fields_[count_].type = Type::kSkip;
    }
    ++count_;
    return *this;
  }
  static std::string TextOf(const Field& field, heap::Address base);

  Kind kind_ = Kind::kUnknown;
  Form form_ = Form::kLine;
  bool determined_ = true;
  uint8_t count_ = 0;
  std::array<Field, 24> fields_;
};

}  // namespace heapsim::sim::go119

#endif  // HEAPSIM_SIM_CONFORM_GO119_EXPECTED_H_
