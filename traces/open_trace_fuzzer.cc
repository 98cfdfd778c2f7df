// Opens arbitrary bytes: sniffing, unpacking, every importer.
// ./bazelw build --config=fuzz //traces:open_trace_fuzzer
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "traces/open_trace.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)heapsim::traces::OpenTraceSource(heapsim::traces::MemorySource(bytes), "input");
  return 0;
}
