// Messages as JSON.
#ifndef HEAPSIM_ANALYSIS_JSON_H_
#define HEAPSIM_ANALYSIS_JSON_H_

#include <nlohmann/json.hpp>
#include <string>

#include "google/protobuf/message.h"
#include "proto/result.pb.h"

namespace heapsim::analysis {

// Every field by its name, in the order of the message, whether set or not: a field that tracks
// presence and is absent is null where it has no default. Numbers are numbers (protobuf's own
// printer quotes those of 64 bits), choices their short names. The options of
// proto/json_options.proto are honoured; fields that are `on_demand` are left out.
nlohmann::ordered_json ToJson(const google::protobuf::Message& message);

// The same with `detail`; null where the result has none.
nlohmann::ordered_json ToJsonWithDetail(const proto::Result& result);

// The text of a result: one line a key, one line a sample, so that it can be read and compared.
std::string ResultJson(const proto::Result& result);
std::string ResultJsonWithDetail(const proto::Result& result);

// JSON as text for a file or a terminal. Bytes that are no UTF-8 (names of a recorded program may
// be anything) are replaced.
std::string JsonText(const nlohmann::ordered_json& json, int indent);

}  // namespace heapsim::analysis

#endif  // HEAPSIM_ANALYSIS_JSON_H_
