// Between an EventBlock and the EventChunk message that stores it.
#ifndef HEAPSIM_TRACES_FORMAT_CHUNK_CODEC_H_
#define HEAPSIM_TRACES_FORMAT_CHUNK_CODEC_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "proto/trace.pb.h"
#include "traces/event_block.h"
#include "traces/id_allocator.h"

namespace heapsim::traces {

// How the ids of freed objects are stored: as they are (best when frees come in random order), or
// as distances from one to the next (best when they come in the order of allocation).
enum class FreeCoding { kIds, kDeltas };

// Encodes a valid block; `message` is overwritten. The ids in alloc_object are not stored: they are
// those that an IdAllocator hands out.
void EncodeChunk(const EventBlock& block, uint32_t process, FreeCoding coding,
                 proto::EventChunk* message);
// Only the columns that depend on the coding.
void EncodeFrees(const EventBlock& block, FreeCoding coding, proto::EventChunk* message);

// Decodes chunks of one process in order. Whatever the message holds, memory stays bounded by
// kMaxBlockEvents and the number of ids.
class ChunkDecoder {
 public:
  // InvalidArgument, without a position, when the message is not a valid chunk; the decoder must
  // not be used any further then.
  absl::Status Decode(const proto::EventChunk& message, EventBlock* block);

  // Events decoded so far, and ids handed out.
  uint64_t events() const { return events_; }
  uint32_t ids() const { return ids_.ids(); }

 private:
  absl::Status DecodeExceptions(const proto::ExceptionColumns& columns, EventBlock* block);
  absl::Status AssignIds(EventBlock* block);

  IdAllocator ids_;
  uint64_t events_ = 0;
  // Indices of the exceptions that matter to the ids, and scratch space of Decode.
  std::vector<uint32_t> special_;
  std::vector<uint32_t> positions_;
  std::vector<uint32_t> values_;
};

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_FORMAT_CHUNK_CODEC_H_
