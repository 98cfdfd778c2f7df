// The library that `heapsim record` preloads: stands in for malloc and its family, calls glibc's,
// and writes down every call (recording.h).
//
// The calls of all threads are in one order that could have happened: a free is written down before
// it is made, an allocation after, and a realloc is made with the lock held, since it does both.
// Nothing here may allocate. C++ new and delete arrive through malloc and free.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

#include "traces/recorder/recording.h"

extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* old, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
void __libc_free(void* pointer);
}

namespace heapsim::traces {
namespace {

constexpr uint64_t kPageBytes = 4096;

std::atomic_flag lock = ATOMIC_FLAG_INIT;
int output = -1;
// Set when the program ends: what other libraries free after that is written at once.
bool ending = false;
struct {
  BatchHeader header;
  CallRecord records[kBatchRecords];
} batch;

// initial-exec: the other models may allocate at a thread's first use.
__attribute__((tls_model("initial-exec"))) thread_local uint32_t thread_id = 0;

void Lock() {
  while (lock.test_and_set(std::memory_order_acquire)) {
    while (lock.test(std::memory_order_relaxed)) {
    }
  }
}
void Unlock() { lock.clear(std::memory_order_release); }

// One write, so that batches of several processes do not mix.
void Flush() {
  if (batch.header.count == 0 || output < 0) return;
  const int saved = errno;
  const char* bytes = reinterpret_cast<const char*>(&batch);
  size_t left = sizeof(BatchHeader) + batch.header.count * sizeof(CallRecord);
  while (left > 0) {
    const ssize_t put = write(output, bytes, left);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) {
      output = -1;  // a full disk must not stop the program
      break;
    }
    bytes += put;
    left -= static_cast<size_t>(put);
  }
  batch.header.count = 0;
  errno = saved;
}

// With the lock held.
void Append(RecordedCall call, const void* result, uint64_t argument, uint64_t size) {
  if (thread_id == 0) thread_id = static_cast<uint32_t>(syscall(SYS_gettid));
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  CallRecord& record = batch.records[batch.header.count++];
  record.time_ns = static_cast<uint64_t>(now.tv_sec) * 1000000000 + now.tv_nsec;
  record.result = reinterpret_cast<uint64_t>(result);
  record.argument = argument;
  record.size = size;
  record.thread = thread_id;
  record.call = call;
  if (batch.header.count == kBatchRecords || ending) Flush();
}

void Record(RecordedCall call, const void* result, uint64_t argument, uint64_t size) {
  if (output < 0) return;
  Lock();
  if (output >= 0) Append(call, result, argument, size);
  Unlock();
}

uint64_t Address(const void* pointer) { return reinterpret_cast<uint64_t>(pointer); }

void InChild() {
  // What the parent has not written yet is the parent's to write.
  batch.header.count = 0;
  batch.header.pid = static_cast<uint32_t>(getpid());
  thread_id = 0;
  Unlock();
}

__attribute__((constructor)) void Start() {
  const char* path = getenv(kRecordToVariable);
  if (path == nullptr) return;
  const int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return;
  // Out of the way of programs that count on low numbers.
  const int high = fcntl(fd, F_DUPFD_CLOEXEC, 200);
  if (high >= 0) close(fd);
  pthread_atfork(&Lock, &Unlock, &InChild);
  memcpy(batch.header.magic, kBatchMagic, sizeof(kBatchMagic));
  batch.header.pid = static_cast<uint32_t>(getpid());
  output = high >= 0 ? high : fd;
}

__attribute__((destructor)) void Stop() {
  Lock();
  Flush();
  ending = true;
  Unlock();
}

void* Aligned(size_t alignment, size_t size) {
  void* result = __libc_memalign(alignment, size);
  Record(RecordedCall::kMemalign, result, alignment, size);
  return result;
}

}  // namespace
}  // namespace heapsim::traces

using heapsim::traces::Address;
using heapsim::traces::Aligned;
using heapsim::traces::Record;
using heapsim::traces::RecordedCall;

#define HEAPSIM_EXPORT extern "C" __attribute__((visibility("default")))

HEAPSIM_EXPORT void* malloc(size_t size) {
  void* result = __libc_malloc(size);
  Record(RecordedCall::kMalloc, result, 0, size);
  return result;
}

HEAPSIM_EXPORT void* calloc(size_t count, size_t size) {
  void* result = __libc_calloc(count, size);
  uint64_t product;
  if (__builtin_mul_overflow(count, size, &product)) product = ~uint64_t{0};
  Record(RecordedCall::kCalloc, result, 0, product);
  return result;
}

HEAPSIM_EXPORT void* realloc(void* old, size_t size) {
  using namespace heapsim::traces;  // NOLINT: the lock and the buffer
  if (output < 0) return __libc_realloc(old, size);
  Lock();
  void* result = __libc_realloc(old, size);
  if (output >= 0) Append(RecordedCall::kRealloc, result, Address(old), size);
  Unlock();
  return result;
}

HEAPSIM_EXPORT void* reallocarray(void* old, size_t count, size_t size) {
  size_t product;
  if (__builtin_mul_overflow(count, size, &product)) {
    errno = ENOMEM;
    return nullptr;
  }
  return realloc(old, product);
}

HEAPSIM_EXPORT void free(void* pointer) {
  Record(RecordedCall::kFree, nullptr, Address(pointer), 0);
  __libc_free(pointer);
}

HEAPSIM_EXPORT void* memalign(size_t alignment, size_t size) { return Aligned(alignment, size); }
HEAPSIM_EXPORT void* aligned_alloc(size_t alignment, size_t size) {
  return Aligned(alignment, size);
}
HEAPSIM_EXPORT void* valloc(size_t size) { return Aligned(heapsim::traces::kPageBytes, size); }

HEAPSIM_EXPORT int posix_memalign(void** out, size_t alignment, size_t size) {
  if (alignment < sizeof(void*) || (alignment & (alignment - 1)) != 0) return EINVAL;
  const int saved = errno;
  void* result = Aligned(alignment, size);
  errno = saved;
  if (result == nullptr) return ENOMEM;
  *out = result;
  return 0;
}
