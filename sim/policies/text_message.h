// Messages in protobuf's text form, with errors that help somebody who wrote the file.
#ifndef HEAPSIM_SIM_POLICIES_TEXT_MESSAGE_H_
#define HEAPSIM_SIM_POLICIES_TEXT_MESSAGE_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"

namespace heapsim::sim {

// Parses `text` into `message`. An error is one line: `source`, line and column, what is wrong,
// for an unknown field or choice those that there are, and `hint`. `places`, where not null, gets
// the places of the fields.
absl::Status ParseTextMessage(absl::string_view source, absl::string_view text,
                              absl::string_view hint, google::protobuf::Message* message,
                              google::protobuf::TextFormat::ParseInfoTree* places = nullptr);

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_POLICIES_TEXT_MESSAGE_H_
