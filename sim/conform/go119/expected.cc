#include "sim/conform/go119/expected.h"

#include <bit>

#include "absl/strings/str_cat.h"
#include "heap/pages/go119/layout.h"

namespace heapsim::sim::go119 {

namespace pages = heap::go119;

std::string WorkerText(pages::Worker worker) {
  switch (worker) {
    case pages::kForced:
      return "force";
    case pages::kBackground:
      return "bg";
    case pages::kNoProc:
      return "-";
    default:
      return absl::StrCat(worker);
  }
}

Expected& Expected::Bits(absl::string_view name, double v) {
  return Add({name, Type::kBits, std::bit_cast<uint64_t>(v), {}});
}

std::string Expected::TextOf(const Field& field, heap::Address base) {
  switch (field.type) {
    case Type::kDec:
    case Type::kBit:
      return absl::StrCat(field.value);
    case Type::kDecOrMax:
      return field.value == UINT64_MAX ? "max" : absl::StrCat(field.value);
    case Type::kHex:
      return absl::StrCat(absl::Hex(field.value));
    case Type::kOffset:
      if (field.value == 0) return "-";
      if (field.value == pages::kNowhere.v) return "max";
      return absl::StrCat(absl::Hex(field.value - base.v));
    case Type::kBits:
      return absl::StrCat(absl::Hex(field.value, absl::kZeroPad16));
    case Type::kWord:
      return std::string(field.word);
    case Type::kOwner:
      return WorkerText(static_cast<pages::Worker>(static_cast<int64_t>(field.value)));
    case Type::kSkip:
      return "?";
    case Type::kEquals:
      return "=";
  }
  return "";
}

std::string Expected::Text(heap::Address base) const {
  std::string text(Letter(kind_));
  if (form_ == Form::kOpen) text += '{';
  if (form_ == Form::kClose) text += '}';
  for (uint8_t i = 0; i < count_; ++i) absl::StrAppend(&text, " ", TextOf(fields_[i], base));
  return text;
}

heap::Address Expected::about() const {
  for (uint8_t i = 0; i < count_; ++i) {
    if (fields_[i].type == Type::kOffset && fields_[i].value != 0 &&
        fields_[i].value != pages::kNowhere.v) {
      return heap::Address(fields_[i].value);
    }
  }
  return heap::Address();
}

Expected::Verdict Expected::Compare(Fields fields, heap::Address base) const {
  Verdict verdict;
  for (uint8_t i = 0; i < count_; ++i) {
    const Field& field = fields_[i];
    bool same = true;
    std::string log;  // the log's text, where it is not the same
    const auto number = [&](uint64_t v, bool hex) {
      same = v == field.value;
      if (!same) log = hex ? absl::StrCat(absl::Hex(v)) : absl::StrCat(v);
    };
    switch (field.type) {
      case Type::kEquals:
        if (!fields.Take("=")) fields.Bad("the results are missing");
        continue;
      case Type::kSkip:
        if (fields.Word() == "=") fields.Bad("a field is missing");
        continue;
      case Type::kOwner: {
        const absl::string_view word = fields.Word();
        same = word == TextOf(field, base);
        if (!same) {
          log = std::string(word);
          break;
        }
        continue;
      }
      case Type::kDec:
        number(fields.Dec(), false);
        break;
      case Type::kDecOrMax:
        if (fields.Take("max")) {
          same = field.value == UINT64_MAX;
          if (!same) log = "max";
        } else {
          number(fields.Dec(), false);
        }
        break;
      case Type::kHex:
      case Type::kBits:
        number(fields.Hex(), true);
        break;
      case Type::kOffset:
        if (fields.Take("-")) {
          same = field.value == 0;
          if (!same) log = "-";
        } else if (fields.Take("max")) {
          same = field.value == pages::kNowhere.v;
          if (!same) log = "max";
        } else {
          const uint64_t v = fields.Hex();
          same = v + base.v == field.value && field.value != 0;
          if (!same) log = absl::StrCat(absl::Hex(v));
        }
        break;
      case Type::kBit: {
        const bool v = fields.Bit();
        same = v == (field.value != 0);
        if (!same) log = v ? "1" : "0";
        break;
      }
      case Type::kWord: {
        const absl::string_view word = fields.Word();
        same = word == field.word;
        if (!same) log = std::string(word);
        break;
      }
    }
    verdict.compared = true;
    if (!same && verdict.same) {
      verdict.same = false;
      verdict.expected = absl::StrCat(field.name, " ", log);
      verdict.got = absl::StrCat(field.name, " ", TextOf(field, base));
    }
  }
  fields.End();
  return verdict;
}

}  // namespace heapsim::sim::go119
