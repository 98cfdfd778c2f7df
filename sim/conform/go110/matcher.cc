#include "sim/conform/go110/matcher.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "sim/conform/stop.h"

namespace heapsim::sim::go110 {
namespace {

std::string HexText(uint64_t v) { return absl::StrCat(absl::Hex(v)); }

}  // namespace

// ---------------------------------------------------------------- Comparison

void Comparison::Field(absl::string_view name, bool same, absl::string_view expected,
                       absl::string_view got) {
  if (!fields_.has_value()) {
    absl::StrAppend(&got_, " ", name, " ", got);
    return;
  }
  matcher_->CountChecked();
  if (!same)
    matcher_->Differ(absl::StrCat(name, " ", expected), absl::StrCat(name, " ", got), about_);
}

void Comparison::Dec(absl::string_view name, uint64_t got) {
  const uint64_t expected = fields_.has_value() ? fields_->Dec() : got;
  if (fields_.has_value() && expected == got) return matcher_->CountChecked();
  Field(name, expected == got, absl::StrCat(expected), absl::StrCat(got));
}

void Comparison::Hex(absl::string_view name, uint64_t got) {
  const uint64_t expected = fields_.has_value() ? fields_->Hex() : got;
  if (fields_.has_value() && expected == got) return matcher_->CountChecked();
  Field(name, expected == got, HexText(expected), HexText(got));
}

void Comparison::Bit(absl::string_view name, bool got) {
  const bool expected = fields_.has_value() ? fields_->Bit() : got;
  if (fields_.has_value() && expected == got) return matcher_->CountChecked();
  Field(name, expected == got, expected ? "1" : "0", got ? "1" : "0");
}

void Comparison::Signed(absl::string_view name, int64_t got) {
  const int64_t expected = fields_.has_value() ? fields_->Signed() : got;
  Field(name, expected == got, absl::StrCat(expected), absl::StrCat(got));
}

void Comparison::Word(absl::string_view name, absl::string_view got) {
  const absl::string_view expected = fields_.has_value() ? fields_->Word() : got;
  Field(name, expected == got, expected, got);
}

void Comparison::DecOrMax(absl::string_view name, uint64_t got) {
  uint64_t expected = got;
  if (fields_.has_value()) expected = fields_->Take("max") ? UINT64_MAX : fields_->Dec();
  Field(name, expected == got, absl::StrCat(expected), absl::StrCat(got));
}

void Comparison::Offset(absl::string_view name, std::optional<heap::Address> got) {
  if (!about_.has_value()) about_ = got;
  if (!fields_.has_value() || !got.has_value()) {
    const std::string text = got.has_value() ? HexText(matcher_->OffsetOf(*got)) : "-";
    if (!fields_.has_value()) return Field(name, true, text, text);
    const bool same = fields_->Take("-");
    return Field(name, same, same ? "-" : HexText(fields_->Hex()), text);
  }
  if (fields_->Take("-")) return Field(name, false, "-", HexText(matcher_->OffsetOf(*got)));
  Hex(name, matcher_->OffsetOf(*got));
}

void Comparison::Done() {
  Matcher& m = *matcher_;
  if (!fields_.has_value()) {
    m.Unexpected(absl::StrCat(Letter(kind_), mode_ == Mode::kClose ? "}" : "", got_), about_);
  }
  switch (mode_) {
    case Mode::kLine:
      fields_->End();
      m.cursor_->Advance();
      return;
    case Mode::kOpen:
      if (block_) {
        fields_->End();
        m.Push({kind_, Matcher::Frame::kBlock, 0, m.cursor_->number()});
        m.cursor_->Advance();
        return;
      }
      if (HasResults(kind_)) {
        if (!fields_->Take("=")) fields_->Bad("the results are missing");
      } else {
        fields_->End();
      }
      m.Push({kind_, Matcher::Frame::kLine, static_cast<uint32_t>(fields_->position()), 0});
      return;
    case Mode::kClose:
      fields_->End();
      m.cursor_->Advance();
      m.Pop();
      return;
  }
}

// ---------------------------------------------------------------- Matcher

void Matcher::Compare(absl::string_view name, uint64_t expected, uint64_t got) {
  CountChecked();
  if (expected != got)
    Differ(absl::StrCat(name, " ", expected), absl::StrCat(name, " ", got), std::nullopt);
}

void Matcher::Differ(std::string expected, std::string got, std::optional<heap::Address> about) {
  Validate(cursor_->line(), cursor_->number());
  throw Mismatch{cursor_->number(), std::move(expected), std::move(got),
                 std::string(cursor_->line()), about};
}

void Matcher::Unexpected(std::string got, std::optional<heap::Address> about) {
  const std::string expected = absl::StrCat("`", cursor_->line(), "`");
  Differ(OnOneLine() ? absl::StrCat("nothing nested in ", expected) : expected,
         absl::StrCat("`", got, "`"), about);
}

bool Matcher::OnOneLine() const {
  for (uint32_t i = depth_; i-- > 0;) {
    if (frames_[i].form != Frame::kSilent) return frames_[i].form == Frame::kLine;
  }
  return false;
}

void Matcher::SkipRecorded() {
  for (;;) {
    const LineType type = TypeOf(cursor_->line());
    if (type.kind != Kind::kSystemTaken && type.kind != Kind::kSystemReturned &&
        type.kind != Kind::kChunk)
      return;
    if (type.kind == Kind::kChunk) {
      const uint64_t size = Fields(cursor_->line(), type.length, cursor_->number()).Dec();
      if (size == 152 || size == 48) return;
    }
    Validate(cursor_->line(), cursor_->number());
    cursor_->Advance();
  }
}

LineType Matcher::Current() {
  SkipRecorded();
  if (cursor_->at_end()) throw BadLog{cursor_->number(), "the log ends without its trailer"};
  return TypeOf(cursor_->line());
}

void Matcher::LetOthersIn() {
  // On one line the cursor stands on the operation itself.
  if (OnOneLine()) return;
  if (driven_) {
    driven_ = false;
  } else if (locks_ == 0) {
    externals_->Perform();
  } else {
    SkipRecorded();
  }
}

Comparison Matcher::Open(Kind kind) {
  Comparison comparison(this, kind, Comparison::Mode::kOpen);
  LetOthersIn();
  if (OnOneLine()) return comparison;
  const LineType type = Current();
  if (type.kind == kind && type.form != Form::kClose) {
    comparison.block_ = type.form == Form::kOpen;
    comparison.fields_.emplace(cursor_->line(), type.length, cursor_->number());
  }
  return comparison;
}

bool Matcher::IsWritten(Kind kind) {
  LetOthersIn();
  if (!OnOneLine()) {
    const LineType type = Current();
    if (type.kind == kind && type.form == Form::kOpen) {
      driven_ = true;  // what came from outside has been done
      return true;
    }
  }
  Push({kind, Frame::kSilent, 0, 0});
  return false;
}

std::optional<Comparison> Matcher::Close(Kind kind) {
  const Frame& frame = frames_[depth_ - 1];
  if (frame.form == Frame::kSilent) {
    Pop();
    return std::nullopt;
  }
  Comparison comparison(this, kind, Comparison::Mode::kClose);
  if (frame.form == Frame::kLine) {
    comparison.fields_.emplace(cursor_->line(), frame.results, cursor_->number());
    return comparison;
  }
  LetOthersIn();
  const LineType type = Current();
  if (type.kind == kind && type.form == Form::kClose) {
    // D and Q are written only around something; others may have had such a one that came to
    // nothing.
    if (cursor_->number() == frame.line + 1 &&
        (kind == Kind::kDeduct || kind == Kind::kEnsureSwept)) {
      Differ("something nested", "nothing nested", std::nullopt);
    }
    comparison.fields_.emplace(cursor_->line(), type.length, cursor_->number());
  }
  return comparison;
}

Comparison Matcher::Expect(Kind kind) {
  Comparison comparison(this, kind, Comparison::Mode::kLine);
  LetOthersIn();
  if (OnOneLine()) return comparison;
  const LineType type = Current();
  if (type.kind == kind)
    comparison.fields_.emplace(cursor_->line(), type.length, cursor_->number());
  return comparison;
}

void Matcher::Push(Frame frame) {
  if (depth_ == kMaxDepth) throw BadLog{cursor_->number(), "operations nest too deeply"};
  frames_[depth_++] = frame;
  locks_ += HoldsHeapLock(frame.kind);
}

void Matcher::Pop() {
  const Kind kind = frames_[--depth_].kind;
  if (!HoldsHeapLock(kind) || --locks_ > 0) return;
  externals_->PageOperationDone(++page_operations_);
}

}  // namespace heapsim::sim::go110
