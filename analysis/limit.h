// Limits on the numbers of a result: how they are written and what they allow.
#ifndef HEAPSIM_ANALYSIS_LIMIT_H_
#define HEAPSIM_ANALYSIS_LIMIT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace heapsim::analysis {

struct Limit {
  enum class Relation { kAtMost, kAtLeast, kEqual };
  enum class Kind {
    kAbsolute,    // "12MiB": the bound itself
    kDifference,  // "+64KiB": the baseline and this much
    kPercent,     // "+2%": the baseline and this share of it
  };

  std::string text;    // as written
  std::string name;    // what reports call it
  std::string reason;  // may be empty
  std::string metric;  // "memory.peak_rss_bytes"; whether there is such a metric is not checked
  Relation relation = Relation::kAtMost;
  Kind kind = Kind::kAbsolute;
  double amount = 0;

  bool relative() const { return kind != Kind::kAbsolute; }

  // What `metric` is held to. `baseline` counts for a relative limit only.
  double Bound(double baseline) const;
  bool Allows(double value, double bound) const;
};

// "<=", ">=" or "==".
absl::string_view RelationText(Limit::Relation relation);

// METRIC<=BOUND, METRIC>=BOUND or METRIC==BOUND; blanks do not count. BOUND is a number with an
// optional unit B, KiB, MiB, GiB or TiB; with a sign it is a difference from the baseline, which
// may also be a percentage. An error quotes the text and says what would be accepted.
absl::StatusOr<Limit> ParseLimit(absl::string_view text);

// The limits of a text file (proto::Limits). Errors name `path`, with line and column or with the
// limit.
absl::StatusOr<std::vector<Limit>> ParseLimitsFile(absl::string_view path, absl::string_view text);

}  // namespace heapsim::analysis

#endif  // HEAPSIM_ANALYSIS_LIMIT_H_
