#include "traces/importers/pytorch_pickle.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "traces/importers/pytorch_events.h"

namespace heapsim::traces {
namespace {

// Objects are kept until the end, as any of them may be referred to again.
constexpr uint64_t kMaxFileBytes = uint64_t{1} << 30;

using Node = uint32_t;  // index into Pickle::nodes_

struct Value {
  enum Type { kOther, kNumber, kString, kList, kDict } type = kOther;
  uint64_t number = 0;
  absl::string_view text;      // of the file
  std::vector<Node> children;  // of a list or tuple; of a dictionary key, value, key, ...
};

// The part of Python's pickle machine that makes plain data.
class Pickle {
 public:
  explicit Pickle(absl::string_view bytes) : bytes_(bytes) {}

  // Runs to the end and gives the object, or says why not.
  absl::StatusOr<Node> Run() {
    while (error_.empty()) {
      const uint64_t start = position_;
      const uint8_t opcode = static_cast<uint8_t>(Number(1));
      if (!error_.empty()) break;
      if (opcode == '.') return Pop();
      if (!Step(opcode) && error_.empty()) {
        return absl::InvalidArgumentError(absl::StrFormat(
            "pickle opcode 0x%02x at byte %d is no plain data: it is never executed", opcode,
            start));
      }
    }
    return absl::InvalidArgumentError(
        absl::StrCat(error_, " at byte ", position_, " of the pickle"));
  }

  const Value& at(Node node) const { return nodes_[node]; }
  // The value of a dictionary's key, or null.
  const Value* Find(const Value& dict, absl::string_view key) const {
    for (size_t i = 0; i + 1 < dict.children.size(); i += 2) {
      if (at(dict.children[i]).text == key) return &at(dict.children[i + 1]);
    }
    return nullptr;
  }

 private:
  // A little-endian number of the opcode's argument.
  uint64_t Number(int size) {
    if (bytes_.size() - position_ < static_cast<size_t>(size)) {
      error_ = "the end comes too early";
      position_ = bytes_.size();
      return 0;
    }
    uint64_t value = 0;
    for (int i = 0; i < size; ++i) {
      value |= uint64_t{static_cast<uint8_t>(bytes_[position_++])} << (8 * i);
    }
    return value;
  }
  absl::string_view Text(uint64_t size) {
    if (bytes_.size() - position_ < size) {
      error_ = "the end comes too early";
      return "";
    }
    const absl::string_view text = bytes_.substr(position_, size);
    position_ += size;
    return text;
  }
  Node Push(Value::Type type, uint64_t number = 0, absl::string_view text = "") {
    nodes_.emplace_back();
    nodes_.back().type = type;
    nodes_.back().number = number;
    nodes_.back().text = text;
    stack_.push_back(static_cast<Node>(nodes_.size() - 1));
    return stack_.back();
  }
  Node Pop() {
    if (stack_.empty()) {
      error_ = "an empty stack";
      if (nodes_.empty()) nodes_.emplace_back();
      return 0;
    }
    const Node node = stack_.back();
    stack_.pop_back();
    return node;
  }
  // What was pushed since the last mark.
  std::vector<Node> PopToMark() {
    if (marks_.empty() || marks_.back() > stack_.size()) {
      error_ = "a missing mark";
      return {};
    }
    std::vector<Node> items(stack_.begin() + marks_.back(), stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return items;
  }
  void AddChildren(const std::vector<Node>& items) {
    if (stack_.empty()) {
      error_ = "an empty stack";
      return;
    }
    std::vector<Node>& children = nodes_[stack_.back()].children;
    children.insert(children.end(), items.begin(), items.end());
  }
  void Tuple(size_t size) {
    std::vector<Node> items(size);
    for (size_t i = size; i-- > 0;) items[i] = Pop();
    nodes_[Push(Value::kList)].children = std::move(items);
  }
  void Memoize(uint64_t index) {
    if (stack_.empty()) {
      error_ = "an empty stack";
    } else {
      memo_[index] = stack_.back();
    }
  }
  void Recall(uint64_t index) {
    const auto it = memo_.find(index);
    if (it == memo_.end()) {
      error_ = "an unknown reference";
    } else {
      stack_.push_back(it->second);
    }
  }

  // False if the opcode is not one of plain data.
  bool Step(uint8_t opcode) {
    switch (opcode) {
      case 0x80:  // PROTO
        Number(1);
        break;
      case 0x95:  // FRAME
        Number(8);
        break;
      case '}':
        Push(Value::kDict);
        break;
      case ']':
      case ')':
        Push(Value::kList);
        break;
      case '(':
        marks_.push_back(stack_.size());
        break;
      case 0x94:
        Memoize(memo_.size());
        break;
      case 'q':
        Memoize(Number(1));
        break;
      case 'r':
        Memoize(Number(4));
        break;
      case 'h':
        Recall(Number(1));
        break;
      case 'j':
        Recall(Number(4));
        break;
      case 0x8c:
        Push(Value::kString, 0, Text(Number(1)));
        break;
      case 'X':
        Push(Value::kString, 0, Text(Number(4)));
        break;
      case 0x8d:
        Push(Value::kString, 0, Text(Number(8)));
        break;
      case 'J':
        Push(Value::kNumber, static_cast<uint64_t>(static_cast<int32_t>(Number(4))));
        break;
      case 'K':
        Push(Value::kNumber, Number(1));
        break;
      case 'M':
        Push(Value::kNumber, Number(2));
        break;
      case 0x8a: {  // LONG1: two's complement of any length
        const absl::string_view digits = Text(Number(1));
        const bool negative = !digits.empty() && static_cast<int8_t>(digits.back()) < 0;
        uint64_t value = negative ? ~uint64_t{0} : 0;
        for (size_t i = digits.size(); i-- > 0;) {
          value = value << 8 | static_cast<uint8_t>(digits[i]);
        }
        Push(Value::kNumber, value);
        break;
      }
      case 'G':
        Number(8);
        Push(Value::kOther);
        break;
      case 'N':
      case 0x88:
      case 0x89:
        Push(Value::kOther);
        break;
      case 0x85:
      case 0x86:
      case 0x87:
        Tuple(opcode - 0x84);
        break;
      case 't': {
        std::vector<Node> items = PopToMark();
        nodes_[Push(Value::kList)].children = std::move(items);
        break;
      }
      case 'a': {
        const Node item = Pop();
        AddChildren({item});
        break;
      }
      case 's': {
        const Node value = Pop();
        const Node key = Pop();
        AddChildren({key, value});
        break;
      }
      case 'e':
      case 'u':
        AddChildren(PopToMark());
        break;
      case '0':
        Pop();
        break;
      default:
        return false;
    }
    return true;
  }

  const absl::string_view bytes_;
  size_t position_ = 0;
  std::string error_;
  std::vector<Value> nodes_;
  std::vector<Node> stack_;
  std::vector<size_t> marks_;
  absl::flat_hash_map<uint64_t, Node> memo_;
};

// The frames of an entry, which share most of their objects.
std::vector<PytorchFrame> StackOf(const Pickle& pickle, const Value& list) {
  constexpr size_t kMaxFrames = 1024;
  std::vector<PytorchFrame> stack;
  for (const Node node : list.children) {
    const Value& dict = pickle.at(node);
    if (stack.size() == kMaxFrames) break;
    if (dict.type != Value::kDict) continue;
    PytorchFrame& frame = stack.emplace_back();
    for (size_t i = 0; i + 1 < dict.children.size(); i += 2) {
      const Value& value = pickle.at(dict.children[i + 1]);
      const absl::string_view name = pickle.at(dict.children[i]).text;
      if (value.type == Value::kNumber) frame.SetNumber(name, value.number);
      if (value.type == Value::kString) frame.SetString(name, value.text);
    }
  }
  return stack;
}

}  // namespace

int PytorchPickleImporter::Sniff(absl::string_view head) const {
  return head.size() > 2 && head[0] == '\x80' && head[1] >= 2 && head[1] <= 5 &&
                 (absl::StrContains(head, "segments") || absl::StrContains(head, "device_traces"))
             ? 90
             : 0;
}

absl::Status PytorchPickleImporter::Import(ByteSource& source, ImportSink& sink) const {
  sink.header().set_recorder("torch.cuda.memory");
  sink.header().set_several_processes(true);
  std::string bytes;
  for (;;) {
    const size_t have = bytes.size();
    bytes.resize(have + (1 << 20));
    absl::StatusOr<size_t> got = source.Read(bytes.data() + have, bytes.size() - have);
    if (!got.ok()) return got.status();
    bytes.resize(have + *got);
    if (*got == 0) break;
    if (bytes.size() > kMaxFileBytes) {
      return absl::InvalidArgumentError("a pickle of more than 1 GiB; convert it to JSON");
    }
  }
  Pickle pickle(bytes);
  absl::StatusOr<Node> root = pickle.Run();
  if (!root.ok()) return root.status();
  const Value* traces = pickle.Find(pickle.at(*root), "device_traces");
  if (traces == nullptr || traces->type != Value::kList) {
    return absl::InvalidArgumentError("a pickle without device_traces: record the history first");
  }
  PytorchEvents events(&sink);
  for (uint64_t device = 0; device < traces->children.size(); ++device) {
    absl::flat_hash_map<Node, uint32_t> sites;  // by list of frames, which entries share
    for (const Node node : pickle.at(traces->children[device]).children) {
      const Value& dict = pickle.at(node);
      if (dict.type != Value::kDict) continue;
      PytorchEntry entry;
      std::optional<Node> frames;
      for (size_t i = 0; i + 1 < dict.children.size(); i += 2) {
        const Value& value = pickle.at(dict.children[i + 1]);
        const absl::string_view name = pickle.at(dict.children[i]).text;
        if (value.type == Value::kNumber) entry.SetNumber(name, value.number);
        if (value.type == Value::kString) entry.SetString(name, value.text);
        if (events.keeps_call_sites() && value.type == Value::kList && name == "frames") {
          frames = dict.children[i + 1];
        }
      }
      uint32_t call_site = 0;
      if (frames.has_value() && entry.allocates()) {
        const auto [site, is_new] = sites.try_emplace(*frames, 0);
        if (is_new) site->second = events.CallSite(StackOf(pickle, pickle.at(*frames)), device);
        call_site = site->second;
      }
      events.Add(entry, device, call_site);
    }
  }
  return absl::OkStatus();
}

}  // namespace heapsim::traces
