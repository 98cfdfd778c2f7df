#include "traces/importers/pytorch_json.h"

#include <cstdint>
#include <istream>
#include <nlohmann/json.hpp>
#include <streambuf>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "traces/importers/pytorch_events.h"

namespace heapsim::traces {
namespace {

// A ByteSource for the standard library.
class SourceBuffer : public std::streambuf {
 public:
  explicit SourceBuffer(ByteSource& source) : source_(source), buffer_(256 << 10, '\0') {}
  const absl::Status& status() const { return status_; }

 protected:
  int_type underflow() override {
    absl::StatusOr<size_t> got = source_.Read(buffer_.data(), buffer_.size());
    if (!got.ok()) status_ = got.status();
    if (!got.ok() || *got == 0) return traits_type::eof();
    setg(buffer_.data(), buffer_.data(), buffer_.data() + *got);
    return traits_type::to_int_type(buffer_[0]);
  }

 private:
  ByteSource& source_;
  std::string buffer_;
  absl::Status status_;
};

// The depth of a value: 1 within the outermost object, 2 within device_traces, 3 within a device's
// list, 4 within an entry, 5 within its frames, 6 within one of them.
class Handler : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Handler(ImportSink& sink) : sink_(sink), events_(&sink) {}

  const std::string& error() const { return error_; }

  bool key(string_t& name) override {
    if (depth_ == 1) in_traces_ = name == "device_traces";
    if (depth_ == 4 || depth_ == 6) key_ = name;
    if (depth_ == 4) in_frames_ = events_.keeps_call_sites() && name == "frames";
    return sink_.status().ok();
  }
  bool start_object(std::size_t) override {
    ++depth_;
    if (in_traces_ && depth_ == 4) {
      entry_ = PytorchEntry();
      stack_.clear();
    }
    if (InFrame()) {
      in_frames_ = stack_.size() < kMaxFrames;
      if (in_frames_) stack_.emplace_back();
    }
    return depth_ < kMaxDepth;
  }
  bool end_object() override {
    if (in_traces_ && depth_ == 4) {
      const uint64_t device = devices_ - 1;
      const bool placed = entry_.allocates() && !stack_.empty();
      events_.Add(entry_, device, placed ? events_.CallSite(stack_, device) : 0);
    }
    --depth_;
    return true;
  }
  bool start_array(std::size_t) override {
    ++depth_;
    devices_ += in_traces_ && depth_ == 3;
    return depth_ < kMaxDepth;
  }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (in_traces_ && depth_ == 4) entry_.SetNumber(key_, value);
    if (InFrame() && !stack_.empty()) stack_.back().SetNumber(key_, value);
    return true;
  }
  bool number_integer(number_integer_t value) override {
    // Addresses above 2^63 are printed as negative numbers by some tools.
    return number_unsigned(static_cast<number_unsigned_t>(value));
  }
  bool string(string_t& value) override {
    if (in_traces_ && depth_ == 4) entry_.SetString(key_, value);
    if (InFrame() && !stack_.empty()) stack_.back().SetString(key_, value);
    return true;
  }
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    error_ = absl::StrCat("the JSON makes no sense from byte ", position, " on");
    return false;
  }

 private:
  static constexpr int kMaxDepth = 200;
  static constexpr size_t kMaxFrames = 1024;

  bool InFrame() const { return in_traces_ && in_frames_ && depth_ == 6; }

  ImportSink& sink_;
  PytorchEvents events_;
  int depth_ = 0;
  bool in_traces_ = false;
  uint64_t devices_ = 0;
  bool in_frames_ = false;
  std::string key_;
  PytorchEntry entry_;
  std::vector<PytorchFrame> stack_;
  std::string error_;
};

}  // namespace

int PytorchJsonImporter::Sniff(absl::string_view head) const {
  const size_t start = head.find_first_not_of(" \t\r\n");
  return start != absl::string_view::npos && head[start] == '{' &&
                 (absl::StrContains(head, "\"device_traces\"") ||
                  absl::StrContains(head, "\"segments\""))
             ? 90
             : 0;
}

absl::Status PytorchJsonImporter::Import(ByteSource& source, ImportSink& sink) const {
  sink.header().set_recorder("torch.cuda.memory");
  sink.header().set_several_processes(true);
  SourceBuffer buffer(source);
  std::istream stream(&buffer);
  Handler handler(sink);
  if (!nlohmann::json::sax_parse(stream, &handler) && sink.status().ok()) {
    sink.Incomplete(handler.error().empty() ? "the JSON is nested too deeply" : handler.error());
  }
  return buffer.status();
}

}  // namespace heapsim::traces
