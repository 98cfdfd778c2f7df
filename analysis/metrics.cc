#include "analysis/metrics.h"

#include <cmath>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "analysis/summary.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace heapsim::analysis {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

bool HoldsMetrics(const FieldDescriptor* part) {
  return part->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && !part->is_repeated() &&
         !part->options().GetExtension(proto::on_demand) &&
         part->number() != proto::Result::kPolicyFieldNumber &&
         part->number() != proto::Result::kTimingFieldNumber;
}

bool IsNumber(const FieldDescriptor* field) {
  return !field->is_repeated() && (field->cpp_type() == FieldDescriptor::CPPTYPE_UINT64 ||
                                   field->cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE);
}

double ValueOf(const Message& part, const FieldDescriptor* field) {
  return field->cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE
             ? part.GetReflection()->GetDouble(part, field)
             : static_cast<double>(part.GetReflection()->GetUInt64(part, field));
}

// Calls visit(part, field) for each metric.
template <typename Visit>
void ForEachMetric(const Visit& visit) {
  const Descriptor* type = proto::Result::descriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* part = type->field(i);
    if (!HoldsMetrics(part)) continue;
    for (int j = 0; j < part->message_type()->field_count(); ++j) {
      const FieldDescriptor* field = part->message_type()->field(j);
      if (IsNumber(field)) visit(part, field);
    }
  }
}

std::string NameOf(const FieldDescriptor* part, const FieldDescriptor* field) {
  return absl::StrCat(part->name(), ".", field->name());
}

}  // namespace

std::vector<Metric> MetricsOf(const proto::Result& result) {
  std::vector<Metric> metrics;
  ForEachMetric([&](const FieldDescriptor* part, const FieldDescriptor* field) {
    Metric metric{NameOf(part, field), std::nullopt};
    if (result.GetReflection()->HasField(result, part)) {
      const Message& message = result.GetReflection()->GetMessage(result, part);
      const bool known =
          !field->has_presence() || message.GetReflection()->HasField(message, field);
      if (known) metric.value = ValueOf(message, field);
      if (known && !std::isfinite(*metric.value)) metric.value.reset();
    }
    metrics.push_back(std::move(metric));
  });
  return metrics;
}

std::vector<std::string> MetricNames() {
  std::vector<std::string> names;
  ForEachMetric([&](const FieldDescriptor* part, const FieldDescriptor* field) {
    names.push_back(NameOf(part, field));
  });
  return names;
}

std::optional<double> MetricOf(const proto::Result& result, absl::string_view name) {
  for (const Metric& metric : MetricsOf(result)) {
    if (metric.name == name) return metric.value;
  }
  return std::nullopt;
}

std::string MetricText(double value) {
  const bool fits = value >= 0 && value < 18446744073709551616.0;
  if (fits && value == std::floor(value)) return WithCommas(static_cast<uint64_t>(value));
  // With its bytes where it is large: a bound is easier to find when it is written out.
  if (!fits || value < 10000) return absl::StrFormat("%.6g", value);
  const double tenths = std::floor(value * 10);
  return absl::StrFormat("%s.%d", WithCommas(static_cast<uint64_t>(tenths / 10)),
                         static_cast<int>(std::fmod(tenths, 10)));
}

std::string ChangeText(double before, double now) {
  if (now == before) return "0 %";
  if (before == 0) return "from 0";
  return absl::StrFormat("%+.2f %%", 100 * (now - before) / before);
}

}  // namespace heapsim::analysis
