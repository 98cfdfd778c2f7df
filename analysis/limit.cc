#include "analysis/limit.h"

#include <cmath>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"
#include "proto/limits.pb.h"

namespace heapsim::analysis {
namespace {

constexpr std::pair<absl::string_view, Limit::Relation> kRelations[] = {
    {"<=", Limit::Relation::kAtMost},
    {">=", Limit::Relation::kAtLeast},
    {"==", Limit::Relation::kEqual},
};

// Longer suffixes first: each of them ends in the last.
constexpr std::pair<absl::string_view, double> kUnits[] = {
    {"KiB", 1024.0},          {"MiB", 1048576.0}, {"GiB", 1073741824.0},
    {"TiB", 1099511627776.0}, {"B", 1.0},
};

// Reads BOUND into kind and amount.
bool ParseBound(absl::string_view text, Limit* limit) {
  double sign = 1;
  const bool has_sign = !text.empty() && (text[0] == '+' || text[0] == '-');
  if (has_sign) {
    if (text[0] == '-') sign = -1;
    text.remove_prefix(1);
    limit->kind = Limit::Kind::kDifference;
  }
  double unit = 1;
  if (absl::ConsumeSuffix(&text, "%")) {
    if (!has_sign) return false;
    limit->kind = Limit::Kind::kPercent;
  } else {
    for (const auto& [name, bytes] : kUnits) {
      if (!absl::ConsumeSuffix(&text, name)) continue;
      unit = bytes;
      break;
    }
  }
  text = absl::StripAsciiWhitespace(text);
  // SimpleAtod would take "inf", "nan" and a second sign too.
  if (text.empty() || text.find_first_not_of("0123456789.") != absl::string_view::npos) {
    return false;
  }
  double number = 0;
  if (!absl::SimpleAtod(text, &number) || !std::isfinite(number)) return false;
  limit->amount = sign * number * unit;
  return true;
}

// Keeps the first error, with its place.
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, google::protobuf::io::ColumnNumber column,
                const std::string& message) override {
    if (text_.empty()) text_ = absl::StrCat(line + 1, ":", column + 1, ": ", message);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace

double Limit::Bound(double baseline) const {
  switch (kind) {
    case Kind::kAbsolute:
      return amount;
    case Kind::kDifference:
      return baseline + amount;
    case Kind::kPercent:
      // In this order, since 1.02 is no binary number and 102 is.
      return baseline * (100 + amount) / 100;
  }
  return amount;
}

bool Limit::Allows(double value, double bound) const {
  switch (relation) {
    case Relation::kAtMost:
      return value <= bound;
    case Relation::kAtLeast:
      return value >= bound;
    case Relation::kEqual:
      return value == bound;
  }
  return false;
}

absl::string_view RelationText(Limit::Relation relation) {
  for (const auto& [text, each] : kRelations) {
    if (each == relation) return text;
  }
  return "";
}

absl::StatusOr<Limit> ParseLimit(absl::string_view text) {
  const auto wrong = [&] {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text,
                     "' is no limit; write METRIC<=BOUND (or >=, ==) with a bound such as 12MiB, "
                     "5000, +2%, -1% or +64KiB, where a sign means from the baseline on"));
  };
  Limit limit;
  limit.text = std::string(absl::StripAsciiWhitespace(text));
  limit.name = limit.text;
  for (const auto& [sign, relation] : kRelations) {
    const size_t at = text.find(sign);
    if (at == absl::string_view::npos) continue;
    limit.relation = relation;
    limit.metric = std::string(absl::StripAsciiWhitespace(text.substr(0, at)));
    if (limit.metric.empty()) return wrong();
    if (!ParseBound(absl::StripAsciiWhitespace(text.substr(at + sign.size())), &limit)) {
      return wrong();
    }
    return limit;
  }
  return wrong();
}

absl::StatusOr<std::vector<Limit>> ParseLimitsFile(absl::string_view path, absl::string_view text) {
  proto::Limits message;
  FirstError errors;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  if (!parser.ParseFromString(std::string(text), &message)) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ":", errors.text(), " (proto/limits.proto has the fields of a limits file)"));
  }
  std::vector<Limit> limits;
  for (const proto::Limit& entry : message.limit()) {
    absl::StatusOr<Limit> limit = ParseLimit(entry.limit());
    if (!limit.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": limit ", limits.size() + 1, ": ", limit.status().message()));
    }
    if (entry.has_name()) limit->name = entry.name();
    limit->reason = entry.reason();
    limits.push_back(*std::move(limit));
  }
  return limits;
}

}  // namespace heapsim::analysis
