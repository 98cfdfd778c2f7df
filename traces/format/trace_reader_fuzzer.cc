// Reads arbitrary bytes as a trace: ./bazelw build --config=fuzz
// //traces/format:trace_reader_fuzzer
//
// Nearly every input dies at a checksum, so the chunk decoder is fed apart, by the first byte.
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "traces/format/chunk_codec.h"
#include "traces/format/trace_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace heapsim::traces;  // NOLINT: the fuzzer's entry is a C function
  if (size == 0) return 0;
  const absl::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  EventBlock block;
  if (data[0] % 2 == 0) {
    heapsim::proto::EventChunk message;
    ChunkDecoder decoder;
    if (message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      (void)decoder.Decode(message, &block);
    }
    return 0;
  }
  auto reader = TraceReader::Open(MemorySource(bytes), "input");
  if (!reader.ok()) return 0;
  for (;;) {
    absl::StatusOr<bool> more = (*reader)->Next(&block);
    if (!more.ok() || !*more) return 0;
  }
}
