// What the preloaded recorder writes, in the byte order of the machine that it ran on.
//
// A recording is a row of batches, each written by one process in one piece, so that the batches of
// several processes may share a file: a header, then so many records, in the order of the calls.
#ifndef HEAPSIM_TRACES_RECORDER_RECORDING_H_
#define HEAPSIM_TRACES_RECORDER_RECORDING_H_

#include <cstdint>

namespace heapsim::traces {

inline constexpr char kBatchMagic[8] = {'H', 'S', 'R', 'E', 'C', 'O', 'R', '1'};
// A batch of this kind holds the command line: `count` bytes of text.
inline constexpr char kCommandMagic[8] = {'H', 'S', 'R', 'C', 'M', 'D', 'L', '1'};

struct BatchHeader {
  char magic[8];
  uint32_t pid;
  uint32_t count;
};
static_assert(sizeof(BatchHeader) == 16);

enum class RecordedCall : uint32_t { kMalloc = 0, kCalloc, kMemalign, kRealloc, kFree };

struct CallRecord {
  uint64_t time_ns;   // CLOCK_MONOTONIC
  uint64_t result;    // 0 for a free
  uint64_t argument;  // alignment, old pointer or freed pointer
  uint64_t size;      // of calloc the product
  uint32_t thread;    // gettid
  RecordedCall call;
};
static_assert(sizeof(CallRecord) == 40);

// Records in a batch, at most.
inline constexpr uint32_t kBatchRecords = 1600;

// The environment variable that names the file to append to.
inline constexpr char kRecordToVariable[] = "HEAPSIM_RECORD_TO";

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_RECORDER_RECORDING_H_
