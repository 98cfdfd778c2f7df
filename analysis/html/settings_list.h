// The settings of a policy as rows for a page.
#ifndef HEAPSIM_ANALYSIS_HTML_SETTINGS_LIST_H_
#define HEAPSIM_ANALYSIS_HTML_SETTINGS_LIST_H_

#include <nlohmann/json.hpp>

#include "proto/policy.pb.h"

namespace heapsim::analysis {

// [path, value in force, unit, meaning] for each setting, in the order of the message; what it
// means stands beside its field (proto/setting.proto).
nlohmann::ordered_json SettingsList(const proto::Policy& policy);

}  // namespace heapsim::analysis

#endif  // HEAPSIM_ANALYSIS_HTML_SETTINGS_LIST_H_
