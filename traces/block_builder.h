// Turns events on objects into blocks, and counts the trace's facts on the way.
#ifndef HEAPSIM_TRACES_BLOCK_BUILDER_H_
#define HEAPSIM_TRACES_BLOCK_BUILDER_H_

#include <cstdint>
#include <functional>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "traces/event_block.h"
#include "traces/facts.h"
#include "traces/id_allocator.h"

namespace heapsim::traces {

// One process. The caller names objects by the ids that Alloc gave out, and frees or resizes only
// what is alive. An optional column exists from the first call of its setter on; within the block
// of that call earlier events get 0 (weight: 1).
class BlockBuilder {
 public:
  // Called with every full block, and by Flush with the last.
  using Emit = std::function<absl::Status(const EventBlock&)>;
  explicit BlockBuilder(Emit emit) : emit_(std::move(emit)) {}

  // The events. Sizes are bytes asked for; a calloc's is the product.
  //
  // `dropped`: an object at whose address the new one was placed; it is freed first.
  uint32_t Alloc(EventKind kind, uint64_t size, uint64_t alignment = 0,
                 uint32_t dropped = kNoObject);
  // A realloc of a live object that gave a block back.
  void Resize(uint32_t id, uint64_t size, uint32_t dropped = kNoObject);
  // kFree or kReallocFree.
  void Free(uint32_t id, EventKind kind = EventKind::kFree);
  // kFreeNull, kFreeUnknown.
  void FreeNothing(EventKind kind);
  // A call of an allocation kind that gave null back.
  void Failed(EventKind kind, uint64_t size, uint64_t alignment = 0);

  // What holds for the events after the call, until the next one.
  void SetTime(uint64_t ns);     // on any clock: the first event's time becomes 0
  void SetThread(uint64_t key);  // any number that tells threads apart
  void SetCallSite(uint32_t node);
  void SetScan(bool holds_pointers);
  void SetWeight(uint32_t weight);

  // The thread is over: the same key means a new thread from now on, but in the facts.
  void EndThread(uint64_t key);
  // Stands before the next event.
  void AddMarker(MarkerKind kind, uint64_t value);

  // Emits what is left. No event may follow.
  void Flush();
  // The first error of Emit, or "too many live objects"; events after it are dropped.
  const absl::Status& status() const { return status_; }

  uint64_t events() const { return first_event_ - 1 + block_.count; }
  uint64_t SizeOf(uint32_t id) const { return facts_.SizeOf(id); }
  // The counts so far; `format` and `complete` are the caller's to set.
  TraceFacts Facts() const;
  uint32_t object_ids() const { return ids_.ids(); }

 private:
  // Ends the event: appends its direction and columns, and emits a full block.
  void Push(bool is_free);
  void AddException(EventKind kind, uint64_t size, uint64_t alignment, bool failed,
                    uint32_t dropped);
  void EmitBlock();
  void PushAllocBit(bool bit);

  const Emit emit_;
  absl::Status status_;
  IdAllocator ids_;
  FactsCounter facts_;
  EventBlock block_;
  uint64_t first_event_ = 1;  // of block_

  bool has_time_ = false;
  std::optional<uint64_t> first_time_;
  uint64_t now_ = 0;
  uint64_t latest_ = 0;  // greatest time of an event, since the first
  bool has_thread_ = false;
  uint32_t thread_ = 0;
  absl::flat_hash_map<uint64_t, uint32_t> threads_;  // key -> index
  uint64_t thread_key_ = 0;
  absl::flat_hash_map<uint64_t, bool> thread_keys_;  // all that ever had an event
  bool thread_seen_ = false;                         // the current key is in it
  uint32_t next_thread_ = 0;
  bool has_call_site_ = false;
  uint32_t call_site_ = 0;
  bool has_scan_ = false;
  bool scan_ = false;
  bool has_weight_ = false;
  uint32_t weight_ = 1;
  std::optional<uint64_t> peak_rss_;
};

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_BLOCK_BUILDER_H_
