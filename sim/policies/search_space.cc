#include "sim/policies/search_space.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "absl/numeric/bits.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "google/protobuf/descriptor.h"
#include "proto/setting.pb.h"
#include "sim/policies/combinations.h"
#include "sim/policies/settings.h"

namespace heapsim::sim {
namespace {

using google::protobuf::FieldDescriptor;

// The field of a setting; the path is known to exist.
const FieldDescriptor* FieldOf(absl::string_view path) {
  const google::protobuf::Descriptor* type = proto::Policy::descriptor();
  const FieldDescriptor* field = nullptr;
  for (const absl::string_view name : absl::StrSplit(path, '.')) {
    field = type->FindFieldByName(std::string(name));
    type = field->message_type();
  }
  return field;
}

bool IsWholeNumber(const FieldDescriptor* field) {
  return !field->is_repeated() && (field->cpp_type() == FieldDescriptor::CPPTYPE_INT32 ||
                                   field->cpp_type() == FieldDescriptor::CPPTYPE_INT64);
}

bool IsPowerOfTwo(const FieldDescriptor* field) {
  return field->options().GetExtension(proto::setting).power_of_two();
}

std::vector<std::string> Numbers() {
  std::vector<std::string> paths;
  for (const Setting& setting : ListSettings(proto::Policy())) {
    if (IsWholeNumber(FieldOf(setting.path))) paths.push_back(setting.path);
  }
  return paths;
}

int64_t ValueOf(const proto::Policy& policy, absl::string_view path) {
  int64_t value = 0;
  for (const Setting& setting : ListSettings(policy)) {
    if (setting.path == path && !absl::SimpleAtoi(setting.value, &value)) return 0;
  }
  return value;
}

int64_t Exponent(int64_t value) { return absl::bit_width(static_cast<uint64_t>(value)) - 1; }

absl::Status Wrong(const std::string& place, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(place, what));
}

}  // namespace

absl::StatusOr<SearchSpace> SearchSpace::Create(absl::string_view source,
                                                absl::Span<const proto::SearchRange> ranges,
                                                const proto::Policy& base) {
  SearchSpace space;
  std::set<std::string> seen;
  for (const proto::SearchRange& range : ranges) {
    const std::string& path = range.path();
    const std::string place = absl::StrCat(source, ": search ", space.axes_.size() + 1, ": ");
    const std::vector<Setting> settings = ListSettings(base);
    const auto setting = std::find_if(settings.begin(), settings.end(),
                                      [&](const Setting& s) { return s.path == path; });
    if (setting == settings.end()) {
      // Says which there are.
      proto::Policy copy = base;
      return Wrong(place, ApplySetting(absl::StrCat(path, "=0"), &copy).message());
    }
    const FieldDescriptor* const field = FieldOf(path);
    if (!IsWholeNumber(field)) {
      return Wrong(place, absl::StrCat("'", path,
                                       "' is no number; it can be a list of the grid, while "
                                       "a search takes one of ",
                                       absl::StrJoin(Numbers(), ", ")));
    }
    if (!seen.insert(path).second) {
      return Wrong(place, absl::StrCat("'", path, "' has a range already; leave one out"));
    }
    if (!range.has_min() || !range.has_max()) {
      return Wrong(place, absl::StrCat("'", path, "' has no range; give min and max"));
    }
    if (range.min() >= range.max()) {
      return Wrong(place, absl::StrCat("the range of '", path, "' is empty: min is ", range.min(),
                                       ", max is ", range.max(), "; give a max above min"));
    }
    for (const int64_t end : {range.min(), range.max()}) {
      proto::Policy copy = base;
      const absl::Status status = ApplySetting(absl::StrCat(path, "=", end), &copy);
      if (!status.ok()) return Wrong(place, status.message());
    }
    if (range.log_scale() && range.min() < 1) {
      return Wrong(place, absl::StrCat("'", path, "' has log_scale and min ", range.min(),
                                       "; give a min of at least 1"));
    }
    Axis axis{path, range.min(), range.max(), range.log_scale(), IsPowerOfTwo(field)};
    if (axis.power_of_two) {
      axis.min = Exponent(axis.min);
      axis.max = Exponent(axis.max);
      axis.log_scale = false;
    }
    space.axes_.push_back(std::move(axis));
  }
  return space;
}

std::vector<int64_t> SearchSpace::ValuesAt(absl::Span<const double> point) const {
  std::vector<int64_t> values;
  for (size_t i = 0; i < axes_.size(); ++i) {
    const Axis& axis = axes_[i];
    const double min = static_cast<double>(axis.min), max = static_cast<double>(axis.max);
    const double at = std::clamp(point[i], 0.0, 1.0);
    const double value =
        axis.log_scale ? min * std::exp(at * std::log(max / min)) : min + at * (max - min);
    const int64_t rounded =
        std::clamp<int64_t>(static_cast<int64_t>(std::llround(value)), axis.min, axis.max);
    values.push_back(axis.power_of_two ? int64_t{1} << rounded : rounded);
  }
  return values;
}

std::vector<double> SearchSpace::PointOf(const proto::Policy& policy) const {
  std::vector<double> point;
  for (const Axis& axis : axes_) {
    int64_t value = ValueOf(policy, axis.path);
    if (axis.power_of_two) value = Exponent(value);
    const double min = static_cast<double>(axis.min), max = static_cast<double>(axis.max);
    const double inside = static_cast<double>(std::clamp(value, axis.min, axis.max));
    point.push_back(axis.log_scale ? std::log(inside / min) / std::log(max / min)
                                   : (inside - min) / (max - min));
  }
  return point;
}

absl::StatusOr<proto::Policy> SearchSpace::With(const proto::Policy& policy,
                                                absl::Span<const int64_t> values) const {
  proto::Policy changed = policy;
  for (size_t i = 0; i < axes_.size(); ++i) {
    const absl::Status status = ApplySetting(absl::StrCat(axes_[i].path, "=", values[i]), &changed);
    if (!status.ok()) return status;
  }
  if (absl::Status status = CheckSettings(changed); !status.ok()) return status;
  if (absl::Status status = CheckCombination(changed); !status.ok()) return status;
  changed.set_name(absl::StrCat(policy.name(), " ", Text(values)));
  return changed;
}

std::string SearchSpace::Text(absl::Span<const int64_t> values) const {
  std::vector<std::string> words;
  for (size_t i = 0; i < axes_.size(); ++i) {
    words.push_back(absl::StrCat(axes_[i].path, "=", values[i]));
  }
  return absl::StrJoin(words, " ");
}

}  // namespace heapsim::sim
