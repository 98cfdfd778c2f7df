#include "traces/format/chunk_codec.h"

#include <algorithm>
#include <bit>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "traces/format/stream_vbyte.h"

namespace heapsim::traces {
namespace {

// Bits of ExceptionColumns.kinds beside the kind.
constexpr uint8_t kKindMask = 0x0f;
constexpr uint8_t kFailedBit = 0x10;
constexpr uint8_t kDropBit = 0x20;
constexpr uint8_t kWideBit = 0x40;

// In ChangeColumn.values: see `wide`.
constexpr uint32_t kWideValue = 0xffffffff;

uint32_t Zigzag32(uint32_t difference) { return (difference << 1) ^ (0 - (difference >> 31)); }
uint32_t Unzigzag32(uint32_t code) { return (code >> 1) ^ (0 - (code & 1)); }
uint64_t Zigzag64(uint64_t difference) { return (difference << 1) ^ (0 - (difference >> 63)); }
uint64_t Unzigzag64(uint64_t code) { return (code >> 1) ^ (0 - (code & 1)); }

size_t Words(size_t bits) { return (bits + 63) / 64; }

void PutWords(const std::vector<uint64_t>& words, std::string* out) {
  out->clear();
  out->reserve(words.size() * 8);
  for (uint64_t word : words) {
    for (int byte = 0; byte < 8; ++byte) out->push_back(static_cast<char>(word >> (8 * byte)));
  }
}

// A bitmap of exactly `bits` bits; bits past them must be 0.
bool GetWords(const std::string& bytes, size_t bits, std::vector<uint64_t>* words) {
  if (bytes.size() != Words(bits) * 8) return false;
  words->resize(Words(bits));
  for (size_t i = 0; i < words->size(); ++i) {
    uint64_t word = 0;
    for (int byte = 0; byte < 8; ++byte) {
      word |= uint64_t{static_cast<uint8_t>(bytes[i * 8 + byte])} << (8 * byte);
    }
    (*words)[i] = word;
  }
  return bits % 64 == 0 || words->back() >> (bits % 64) == 0;
}

absl::Status Invalid(absl::string_view what) { return absl::InvalidArgumentError(what); }

bool IsNothing(const Exception& e) {
  return e.failed || e.kind == EventKind::kFreeNull || e.kind == EventKind::kFreeUnknown;
}

// On the side of the frees: whether a size is stored with it.
bool FreeSideHasSize(EventKind kind) { return IsAllocationKind(kind); }

// A column with one value an entry. `T` is the decoded type, `code` gives the 64-bit number that
// is stored when the value at `i` follows `previous`.
template <typename T, typename Code>
void EncodeChanges(const std::vector<T>& column, T start, Code code, proto::ChangeColumn* out) {
  out->Clear();
  std::vector<uint32_t> positions, values;
  uint32_t changes = 0;
  T previous = start;
  for (const T value : column) {
    changes += value != previous;
    previous = value;
  }
  const bool dense = changes > column.size() / 2;
  previous = start;
  uint32_t last = 0;
  for (uint32_t i = 0; i < column.size(); ++i) {
    if (!dense && column[i] == previous) continue;
    const uint64_t number = code(previous, column[i]);
    if (number >= kWideValue) {
      values.push_back(kWideValue);
      out->add_wide(number);
    } else {
      values.push_back(static_cast<uint32_t>(number));
    }
    if (!dense) positions.push_back(i - last);
    last = i;
    previous = column[i];
  }
  out->set_count(static_cast<uint32_t>(values.size()));
  out->set_dense(dense);
  if (!dense) StreamVbyteEncode(positions, out->mutable_positions());
  StreamVbyteEncode(values, out->mutable_values());
}

// `decode` gives the value that follows `previous` by the stored number.
template <typename T, typename Decode>
absl::Status DecodeChanges(const proto::ChangeColumn& in, uint32_t entries, T start, Decode decode,
                           std::vector<uint32_t>* positions, std::vector<uint32_t>* values,
                           std::vector<T>* column) {
  if (in.count() > entries || (in.dense() && in.count() != entries)) {
    return Invalid("a column has more changes than entries");
  }
  values->resize(in.count());
  positions->resize(in.dense() ? 0 : in.count());
  if (!StreamVbyteDecode(in.values(), absl::MakeSpan(*values)) ||
      !StreamVbyteDecode(in.positions(), absl::MakeSpan(*positions))) {
    return Invalid("a column's bytes do not fit its count");
  }
  column->resize(entries);
  T previous = start;
  uint64_t at = 0;
  int wide = 0;
  for (uint32_t i = 0; i < in.count(); ++i) {
    if (!in.dense()) {
      if (i > 0 && (*positions)[i] == 0) return Invalid("a column changes twice at one event");
      const uint64_t next = at + (*positions)[i];
      if (next >= entries) return Invalid("a column changes past the chunk's end");
      std::fill(column->begin() + at, column->begin() + next, previous);
      at = next;
    }
    uint64_t number = (*values)[i];
    if (number == kWideValue) {
      if (wide == in.wide_size()) return Invalid("a column's wide values are missing");
      number = in.wide(wide++);
    }
    if (!decode(previous, number, &previous)) return Invalid("a column's value is out of range");
    if (in.dense()) (*column)[i] = previous;
  }
  if (wide != in.wide_size()) return Invalid("a column has wide values that nothing uses");
  if (!in.dense()) std::fill(column->begin() + at, column->end(), previous);
  return absl::OkStatus();
}

uint64_t SameNumber(uint32_t, uint32_t value) { return value; }
bool Value32(uint32_t, uint64_t number, uint32_t* value) {
  *value = static_cast<uint32_t>(number);
  return number <= 0xffffffff;
}

}  // namespace

void EncodeFrees(const EventBlock& block, FreeCoding coding, proto::EventChunk* message) {
  message->set_free_deltas(coding == FreeCoding::kDeltas);
  std::vector<uint32_t> codes(block.free_object.size());
  uint32_t previous = 0;
  for (size_t i = 0; i < codes.size(); ++i) {
    const uint32_t id = block.free_object[i];
    if (coding == FreeCoding::kIds) {
      codes[i] = id == kNoObject ? 0 : id;
    } else if (id != kNoObject) {
      codes[i] = Zigzag32(id - previous);
      previous = id;
    }
  }
  message->clear_free_ids();
  StreamVbyteEncode(codes, message->mutable_free_ids());
}

void EncodeChunk(const EventBlock& block, uint32_t process, FreeCoding coding,
                 proto::EventChunk* message) {
  message->Clear();
  message->set_process(process);
  message->set_first_event(block.first_event);
  message->set_count(block.count);
  PutWords(block.is_free, message->mutable_is_free());
  StreamVbyteEncode(block.alloc_size, message->mutable_alloc_sizes());
  EncodeFrees(block, coding, message);

  if (!block.exceptions.empty()) {
    proto::ExceptionColumns* columns = message->mutable_exceptions();
    columns->set_count(static_cast<uint32_t>(block.exceptions.size()));
    std::vector<uint32_t> positions, sizes;
    uint32_t last = 0;
    for (const Exception& e : block.exceptions) {
      positions.push_back(e.position - last);
      last = e.position;
      const bool on_free_side = block.IsFree(e.position);
      const bool has_size = !on_free_side || FreeSideHasSize(e.kind);
      const bool wide = has_size && e.size >= kWideSize;
      columns->mutable_kinds()->push_back(static_cast<char>(
          static_cast<uint8_t>(e.kind) | (e.failed ? kFailedBit : 0) |
          (e.dropped_object != kNoObject ? kDropBit : 0) | (wide ? kWideBit : 0)));
      if (wide) {
        columns->add_wide_sizes(e.size);
      } else if (on_free_side && has_size) {
        sizes.push_back(static_cast<uint32_t>(e.size));
      }
      if (e.kind == EventKind::kMemalign) columns->add_alignments(e.alignment);
      if (e.dropped_object != kNoObject) columns->add_dropped(e.dropped_object);
    }
    StreamVbyteEncode(positions, columns->mutable_positions());
    StreamVbyteEncode(sizes, columns->mutable_sizes());
  }

  for (const Marker& marker : block.markers) {
    message->mutable_markers()->add_position(marker.position);
    message->mutable_markers()->add_kind(static_cast<uint32_t>(marker.kind));
    message->mutable_markers()->add_value(marker.value);
  }

  if (!block.time_ns.empty()) {
    const uint64_t base = block.time_ns.front();
    message->set_base_time(base);
    EncodeChanges(
        block.time_ns, base,
        [](uint64_t previous, uint64_t value) { return Zigzag64(value - previous); },
        message->mutable_time());
  }
  if (!block.thread.empty()) {
    EncodeChanges<uint32_t>(block.thread, 0, SameNumber, message->mutable_thread());
  }
  if (!block.call_site.empty()) {
    EncodeChanges<uint32_t>(block.call_site, 0, SameNumber, message->mutable_call_site());
  }
  if (!block.scan.empty()) PutWords(block.scan, message->mutable_scan());
  if (!block.weight.empty()) {
    EncodeChanges<uint32_t>(block.weight, 1, SameNumber, message->mutable_weight());
  }
}

absl::Status ChunkDecoder::Decode(const proto::EventChunk& message, EventBlock* block) {
  block->Clear();
  const uint32_t count = message.count();
  if (count == 0 || count > kMaxBlockEvents) {
    return Invalid(absl::StrCat("a chunk of ", count, " events"));
  }
  if (message.first_event() != events_ + 1) {
    return Invalid(
        absl::StrCat("a chunk starts at event ", message.first_event(), ", not ", events_ + 1));
  }
  block->first_event = message.first_event();
  block->count = count;
  if (!GetWords(message.is_free(), count, &block->is_free)) return Invalid("a bad event bitmap");
  uint32_t frees = 0;
  for (uint64_t word : block->is_free) frees += std::popcount(word);
  const uint32_t allocs = count - frees;

  block->alloc_size.resize(allocs);
  if (!StreamVbyteDecode(message.alloc_sizes(), absl::MakeSpan(block->alloc_size))) {
    return Invalid("the sizes do not fit the number of allocations");
  }
  block->free_object.resize(frees);
  if (!StreamVbyteDecode(message.free_ids(), absl::MakeSpan(block->free_object))) {
    return Invalid("the ids do not fit the number of frees");
  }
  if (message.free_deltas()) {
    uint32_t previous = 0;
    for (uint32_t& id : block->free_object) id = previous += Unzigzag32(id);
  }
  if (absl::Status s = DecodeExceptions(message.exceptions(), block); !s.ok()) return s;
  if (absl::Status s = AssignIds(block); !s.ok()) return s;

  const proto::MarkerColumns& markers = message.markers();
  if (markers.kind_size() != markers.position_size() ||
      markers.value_size() != markers.position_size()) {
    return Invalid("marker columns of different lengths");
  }
  for (int i = 0; i < markers.position_size(); ++i) {
    if (markers.position(i) > count || markers.kind(i) > kMaxMarkerKind ||
        (i > 0 && markers.position(i) < markers.position(i - 1))) {
      return Invalid("a bad marker");
    }
    block->markers.push_back(
        {markers.position(i), static_cast<MarkerKind>(markers.kind(i)), markers.value(i)});
  }

  if (message.has_time()) {
    const auto next = [](uint64_t previous, uint64_t number, uint64_t* value) {
      *value = previous + Unzigzag64(number);
      return true;
    };
    if (absl::Status s = DecodeChanges<uint64_t>(message.time(), count, message.base_time(), next,
                                                 &positions_, &values_, &block->time_ns);
        !s.ok()) {
      return s;
    }
  }
  struct Column {
    bool present;
    const proto::ChangeColumn& in;
    uint32_t entries, start;
    std::vector<uint32_t>* out;
  };
  for (const Column& column : {
           Column{message.has_thread(), message.thread(), count, 0, &block->thread},
           Column{message.has_call_site(), message.call_site(), allocs, 0, &block->call_site},
           Column{message.has_weight(), message.weight(), count, 1, &block->weight},
       }) {
    if (!column.present) continue;
    if (absl::Status s = DecodeChanges<uint32_t>(column.in, column.entries, column.start, Value32,
                                                 &positions_, &values_, column.out);
        !s.ok()) {
      return s;
    }
  }
  if (!message.scan().empty() && !GetWords(message.scan(), allocs, &block->scan)) {
    return Invalid("a bad scan bitmap");
  }
  events_ += count;
  return absl::OkStatus();
}

absl::Status ChunkDecoder::DecodeExceptions(const proto::ExceptionColumns& columns,
                                            EventBlock* block) {
  special_.clear();
  const uint32_t count = columns.count();
  if (count > block->count || columns.kinds().size() != count) {
    return Invalid("more exceptions than events");
  }
  positions_.resize(count);
  if (!StreamVbyteDecode(columns.positions(), absl::MakeSpan(positions_))) {
    return Invalid("the positions do not fit the number of exceptions");
  }
  // How many sizes there are is only known after looking at the kinds: decode later.
  block->exceptions.resize(count);
  uint32_t sizes = 0;
  int wide = 0, alignment = 0, dropped = 0;
  uint64_t position = 0;
  size_t word = 0;     // everything before it is counted in `frees`
  uint32_t frees = 0;  // bits set before `word`
  uint32_t wide_allocs = 0;
  for (uint32_t i = 0; i < count; ++i) {
    if (i > 0 && positions_[i] == 0) return Invalid("two exceptions at one event");
    position += positions_[i];
    if (position >= block->count) return Invalid("an exception past the chunk's end");
    for (; word < position / 64; ++word) frees += std::popcount(block->is_free[word]);
    const uint64_t before = block->is_free[word] & ((uint64_t{1} << (position % 64)) - 1);
    const uint32_t free_rank = frees + std::popcount(before);
    const uint32_t alloc_rank = static_cast<uint32_t>(position) - free_rank;

    const uint8_t code = static_cast<uint8_t>(columns.kinds()[i]);
    if ((code & kKindMask) > kMaxEventKind || code & 0x80) return Invalid("an unknown kind");
    Exception& e = block->exceptions[i];
    e = Exception();
    e.position = static_cast<uint16_t>(position);
    e.kind = static_cast<EventKind>(code & kKindMask);
    e.failed = code & kFailedBit;
    const bool is_wide = code & kWideBit;
    const bool on_free_side = block->IsFree(static_cast<uint32_t>(position));
    if (code & kDropBit) {
      if (dropped == columns.dropped_size()) return Invalid("the dropped objects are missing");
      e.dropped_object = columns.dropped(dropped++);
    }
    if (e.kind == EventKind::kMemalign) {
      if (alignment == columns.alignments_size()) return Invalid("the alignments are missing");
      e.alignment = columns.alignments(alignment++);
    }
    if (is_wide) {
      if (wide == columns.wide_sizes_size()) return Invalid("the wide sizes are missing");
      e.size = columns.wide_sizes(wide++);
      if (e.size < kWideSize) return Invalid("a wide size that is not wide");
    }
    bool matters = e.dropped_object != kNoObject;
    if (on_free_side) {
      if (is_wide && !FreeSideHasSize(e.kind)) return Invalid("a free with a size");
      if (!is_wide && FreeSideHasSize(e.kind)) {
        // Which of the sizes it is; replaced below.
        e.size = sizes++;
      }
      const bool resize = e.kind == EventKind::kRealloc && !e.failed;
      if (IsNothing(e)) {
        block->free_object[free_rank] = kNoObject;
      } else if (!resize && e.kind != EventKind::kReallocFree) {
        return Invalid("an exception that is none");
      }
      if (e.failed && !IsAllocationKind(e.kind)) return Invalid("a free that failed");
      if (matters && !resize) return Invalid("an object dropped by what allocates nothing");
      matters |= IsNothing(e) || resize;
    } else {
      if (!IsAllocationKind(e.kind) || e.failed) return Invalid("an allocation of a free's kind");
      if (e.kind == EventKind::kMalloc && !is_wide && !matters) {
        return Invalid("an exception that is none");
      }
      if (is_wide != (block->alloc_size[alloc_rank] == kWideSize)) {
        return Invalid("a wide size that is not announced");
      }
      if (is_wide) {
        ++wide_allocs;
      } else {
        e.size = block->alloc_size[alloc_rank];
      }
    }
    if (matters) special_.push_back(i);
  }
  if (wide != columns.wide_sizes_size() || alignment != columns.alignments_size() ||
      dropped != columns.dropped_size()) {
    return Invalid("columns of exceptions that nothing uses");
  }
  if (wide_allocs != std::count(block->alloc_size.begin(), block->alloc_size.end(), kWideSize)) {
    return Invalid("a wide size is missing");
  }
  values_.resize(sizes);
  if (!StreamVbyteDecode(columns.sizes(), absl::MakeSpan(values_))) {
    return Invalid("the sizes do not fit the number of exceptions");
  }
  for (Exception& e : block->exceptions) {
    if (block->IsFree(e.position) && FreeSideHasSize(e.kind) && e.size < kWideSize) {
      e.size = values_[e.size];
    }
  }
  return absl::OkStatus();
}

absl::Status ChunkDecoder::AssignIds(EventBlock* block) {
  const uint32_t frees = static_cast<uint32_t>(block->free_object.size());
  const uint32_t allocs = static_cast<uint32_t>(block->alloc_size.size());
  if (uint64_t{ids_.ids()} + allocs > IdAllocator::kMaxIds) {
    return Invalid("more objects than ids");
  }
  // IdAllocator::Run touches one entry past the end of both.
  block->alloc_object.resize(allocs + 1);
  block->free_object.resize(frees + 1);
  // Every event may free, and drop one object besides.
  ids_.Reserve(frees + static_cast<uint32_t>(special_.size()));
  const uint32_t* free_id = block->free_object.data();
  uint32_t* alloc_id = block->alloc_object.data();
  size_t next_special = 0;

  for (size_t word = 0; word < block->is_free.size(); ++word) {
    const uint64_t bits = block->is_free[word];
    const uint32_t base = static_cast<uint32_t>(word * 64);
    const uint32_t events = std::min<uint32_t>(64, block->count - base);
    const auto special_position = [&] {
      return uint32_t{block->exceptions[special_[next_special]].position};
    };
    if (next_special == special_.size() || special_position() >= base + events) {
      const uint32_t word_frees = std::popcount(bits);
      const uint32_t word_allocs = events - word_frees;
      if (ids_.resting() >= IdAllocator::kRest + word_allocs) {
        // Whatever the order, every allocation finds an id that was freed before this word.
        ids_.TakeFromQueue(word_allocs, alloc_id);
        ids_.FreeMany(word_frees, free_id);
      } else if (ids_.resting() + word_frees <= IdAllocator::kRest) {
        ids_.TakeNew(word_allocs, alloc_id);
        ids_.FreeMany(word_frees, free_id);
      } else {
        ids_.Run(bits, events, free_id, alloc_id);
      }
      free_id += word_frees;
      alloc_id += word_allocs;
      continue;
    }
    uint32_t done = 0;
    while (done < events) {
      uint32_t until = events;
      if (next_special < special_.size()) until = std::min(until, special_position() - base);
      if (until > done) {
        const uint32_t n = until - done;
        const uint64_t part = (bits >> done) & (n == 64 ? ~uint64_t{0} : (uint64_t{1} << n) - 1);
        ids_.Run(part, n, free_id, alloc_id);
        free_id += std::popcount(part);
        alloc_id += n - std::popcount(part);
        done = until;
        continue;
      }
      const Exception& e = block->exceptions[special_[next_special++]];
      if (e.dropped_object != kNoObject) ids_.Free(e.dropped_object);
      if ((bits >> done) & 1) {
        ++free_id;  // nothing happens, or a live object keeps its id
      } else {
        *alloc_id++ = ids_.Allocate();
      }
      ++done;
    }
  }

  block->alloc_object.resize(allocs);
  block->free_object.resize(frees);

  if (ids_.resting() > ids_.ids()) return Invalid("more objects freed than allocated");
  uint32_t largest = 0;
  uint32_t nothings = 0;
  for (const uint32_t id : block->free_object) {
    largest = std::max(largest, id + 1);  // 0 for kNoObject
    nothings += id == kNoObject;
  }
  for (const uint32_t i : special_) {
    const Exception& e = block->exceptions[i];
    nothings -= IsNothing(e);
    if (e.dropped_object != kNoObject) largest = std::max(largest, e.dropped_object + 1);
  }
  if (nothings != 0) return Invalid("a free of no object");
  if (largest > ids_.ids()) return Invalid("a free of an object that never was");
  return absl::OkStatus();
}

}  // namespace heapsim::traces
