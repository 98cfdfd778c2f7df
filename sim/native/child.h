// The other end of child_main.cc: a process with a real allocator, which makes calls and tells what
// memory they took.
#ifndef HEAPSIM_SIM_NATIVE_CHILD_H_
#define HEAPSIM_SIM_NATIVE_CHILD_H_

#include <sys/types.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "sim/native/allocators.h"
#include "sim/native/wire.h"

namespace heapsim::sim {

class NativeChild {
 public:
  // Starts the process. NotFound: the library is not installed; the message names the package.
  static absl::StatusOr<std::unique_ptr<NativeChild>> Start(const NativeAllocator& allocator,
                                                            bool huge_pages);
  ~NativeChild();
  NativeChild(const NativeChild&) = delete;
  NativeChild& operator=(const NativeChild&) = delete;

  // "jemalloc 5.3.0": what the library says of itself.
  const std::string& version() const { return version_; }

  // Room for the next calls, of which Run makes the first `n`.
  native::Call* calls() { return shared_->calls; }

  struct Result {
    absl::Span<const native::Reading> readings;  // valid until the next Run
    bool no_memory = false;                      // the allocator gave null ...
    uint32_t call = 0;                           // ... to this call, and no later one was made
  };
  // objects: the numbers of all objects are below. An error: the process died or cannot go on.
  absl::StatusOr<Result> Run(uint32_t n, native::TouchModel touch, uint32_t objects);

  pid_t pid() const { return pid_; }

 private:
  explicit NativeChild(const NativeAllocator& allocator) : allocator_(allocator) {}

  absl::Status Spawn(bool huge_pages);
  absl::StatusOr<native::Answer> Receive();
  absl::Status Died();

  const NativeAllocator& allocator_;
  std::string version_;
  pid_t pid_ = -1;
  int socket_ = -1;
  int errors_ = -1;  // what the process writes to its stderr
  native::Shared* shared_ = nullptr;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_NATIVE_CHILD_H_
