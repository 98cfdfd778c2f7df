// The child that runs a real allocator: makes the calls it is handed (wire.h) with the malloc of
// its process, which LD_PRELOAD chooses, and reads what memory that takes.
//
//   native_child LIBRARY HUGE    LIBRARY: how the name of the file begins that malloc must be in;
//                                HUGE: "never" keeps huge pages away from the process
//
// Allocates nothing on its own: its tables are shared memory, and it does without the C++ library.
#include <dlfcn.h>
#include <gnu/libc-version.h>
#include <malloc.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "sim/native/own_memory.h"
#include "sim/native/trace_clock.h"
#include "sim/native/wire.h"

namespace heapsim::sim::native {
namespace {

// A reading is taken when so much more than at the last one may be resident: of small heaps a few
// pages, of large ones a 256th.
constexpr uint64_t kLeastGrowthPages = 8;
constexpr uint64_t kGrowthShare = 256;
// The kernel is asked for page faults after so many calls or bytes: that costs as much as a malloc
// or two.
constexpr uint32_t kAskAfterCalls = 16;
constexpr uint64_t kAskAfterBytes = 32 << 10;
constexpr size_t kStackBytes = 256 << 10;

template <typename Function>
Function* Find(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}

// ld.so only warns about a library that it cannot preload.
bool MallocIsIn(const char* library) {
  Dl_info info;
  if (dladdr(dlsym(RTLD_DEFAULT, "malloc"), &info) == 0) return false;
  const char* slash = std::strrchr(info.dli_fname, '/');
  const char* name = slash == nullptr ? info.dli_fname : slash + 1;
  return std::strncmp(name, library, std::strlen(library)) == 0;
}

void WriteVersion(char* text, size_t size) {
  if (auto* mallctl = Find<int(const char*, void*, size_t*, void*, size_t)>("mallctl")) {
    const char* version = "";
    size_t length = sizeof version;
    mallctl("version", &version, &length, nullptr, 0);
    std::snprintf(text, size, "jemalloc %s", version);
  } else if (auto* tc_version = Find<const char*(int*, int*, const char**)>("tc_version")) {
    std::snprintf(text, size, "%s", tc_version(nullptr, nullptr, nullptr));
  } else if (auto* mi_version = Find<int()>("mi_version")) {
    const int version = mi_version();  // 209: 2.0.9
    std::snprintf(text, size, "mimalloc %d.%d.%d", version / 100, version / 10 % 10, version % 10);
  } else {
    std::snprintf(text, size, "glibc %s", gnu_get_libc_version());
  }
}

void Release() {
  constexpr char kPurgeAllArenas[] = "arena.4096.purge";
  if (auto* mallctl = Find<int(const char*, void*, size_t*, void*, size_t)>("mallctl")) {
    mallctl(kPurgeAllArenas, nullptr, nullptr, nullptr, 0);
  } else if (auto* release = Find<void()>("MallocExtension_ReleaseFreeMemory")) {
    release();
  } else if (auto* collect = Find<void(bool)>("mi_collect")) {
    collect(true);
  } else {
    malloc_trim(0);
  }
}

class Child {
 public:
  int Run(const char* library) {
    signal(SIGINT, SIG_IGN);  // Ctrl-C is for heapsim, which ends its side
    Answer answer;
    if (!MallocIsIn(library)) {
      answer.outcome = Outcome::kAbsent;
      return Send(answer) ? 0 : 1;
    }
    void* shared = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
                        kSharedFd, 0);
    if (shared == MAP_FAILED || !memory_.ok()) {
      answer.outcome = Outcome::kBroken;
      std::snprintf(answer.text, sizeof answer.text, "%s",
                    shared == MAP_FAILED ? "cannot map what heapsim shares with it"
                                         : "/proc/self/smaps_rollup and statm cannot be read");
      return Send(answer) ? 0 : 1;
    }
    shared_ = static_cast<Shared*>(shared);
    WriteVersion(answer.text, sizeof answer.text);
    TouchStack();
    SetTraceTime(0);
    base_bytes_ = memory_.AnonymousBytes();
    base_faults_ = OwnMemory::PageFaults();
    while (Send(answer)) {
      Order order;
      if (recv(kSocketFd, &order, sizeof order, MSG_WAITALL) != sizeof order) return 0;
      answer = {};
      if (!Grow(order.objects)) {
        answer.outcome = Outcome::kBroken;
        std::snprintf(answer.text, sizeof answer.text, "no room for a table of %u objects",
                      order.objects);
        continue;
      }
      RunOrder(order, &answer);
    }
    return 0;
  }

 private:
  bool Send(const Answer& answer) const {
    return send(kSocketFd, &answer, sizeof answer, MSG_NOSIGNAL) == sizeof answer;
  }

  // Pages of the stack that calls will need are no allocator's.
  static void TouchStack() {
    volatile char stack[kStackBytes];
    for (size_t i = 0; i < sizeof stack; i += 4096) stack[i] = 1;
    stack[sizeof stack - 1] = 1;
  }

  // Makes room in the table, and touches it before it is needed: these faults are not counted.
  bool Grow(uint32_t objects) {
    if (objects <= objects_) return true;
    const uint64_t before = OwnMemory::PageFaults();
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t bytes = (objects * sizeof(char*) * 5 / 4 + page - 1) / page * page;
    if (ftruncate(kTableFd, static_cast<off_t>(bytes)) != 0) return false;
    void* table = table_ == nullptr
                      ? mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, kTableFd, 0)
                      : mremap(table_, table_bytes_, bytes, MREMAP_MAYMOVE);
    if (table == MAP_FAILED) return false;
    table_ = static_cast<char**>(table);
    for (size_t i = table_bytes_; i < bytes; i += page) reinterpret_cast<char*>(table_)[i] = 0;
    table_bytes_ = bytes;
    objects_ = static_cast<uint32_t>(bytes / sizeof(char*));
    base_faults_ += OwnMemory::PageFaults() - before;
    return true;
  }

  void Touch(char* p, uint64_t from, uint64_t size) const {
    if (touch_ == TouchModel::kNone || from >= size) return;
    volatile char* const bytes = p;
    bytes[from] = 1;
    if (touch_ == TouchModel::kFirst) return;
    const auto first = reinterpret_cast<uintptr_t>(p) + from;
    for (uint64_t i = from + page_ - first % page_; i < size; i += page_) bytes[i] = 1;
  }

  // False: the call gave null.
  bool DoOne(const Call& call) {
    char*& object = table_[call.object];
    char* p = nullptr;
    uint64_t touched = 0;
    switch (call.what) {
      case Action::kMalloc:
        p = static_cast<char*>(std::malloc(call.size));
        break;
      case Action::kCalloc:
        p = static_cast<char*>(std::calloc(call.size, 1));
        break;
      case Action::kMemalign: {
        void* aligned = nullptr;
        if (posix_memalign(&aligned, size_t{1} << call.alignment_log2, call.size) == 0) {
          p = static_cast<char*>(aligned);
        }
        break;
      }
      case Action::kRealloc:
        if (call.size == 0) {
          // What was recorded gave a block of no bytes back; not every realloc does.
          std::free(object);
          p = static_cast<char*>(std::malloc(0));
        } else {
          char* const before = object;
          p = static_cast<char*>(std::realloc(object, call.size));
          if (p == before) touched = call.touch_from;
        }
        break;
      case Action::kFree:
        std::free(object);
        return true;
      case Action::kRelease:
        Release();
        return true;
      case Action::kNothing:
        return true;
    }
    if (p == nullptr && call.size != 0) return false;
    object = p;
    Touch(p, touched, call.size);
    return true;
  }

  void RunOrder(const Order& order, Answer* answer) {
    touch_ = order.touch;
    for (uint32_t i = 0; i < order.calls; ++i) {
      const Call& call = shared_->calls[i];
      SetTraceTime(call.time_ns);
      if (!DoOne(call)) {
        answer->outcome = Outcome::kNoMemory;
        answer->call = i;
        return;
      }
      calls_since_ += 1;
      bytes_since_ += call.size;
      const bool ask = calls_since_ >= kAskAfterCalls || bytes_since_ >= kAskAfterBytes;
      if (!call.ends_step || !(call.read || ask)) continue;
      calls_since_ = 0;
      bytes_since_ = 0;
      const uint64_t faults = OwnMemory::PageFaults();
      if (!call.read && faults - faults_at_reading_ < growth_pages_) continue;
      const uint64_t bytes = memory_.AnonymousBytes();
      faults_at_reading_ = faults;
      growth_pages_ = bytes / page_ / kGrowthShare;
      if (growth_pages_ < kLeastGrowthPages) growth_pages_ = kLeastGrowthPages;
      // The allocator may give back what it held before the first call.
      shared_->readings[answer->readings++] = {i, 0, bytes > base_bytes_ ? bytes - base_bytes_ : 0,
                                               faults - base_faults_};
    }
  }

  const uint64_t page_ = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  OwnMemory memory_;
  Shared* shared_ = nullptr;
  char** table_ = nullptr;
  size_t table_bytes_ = 0;
  uint32_t objects_ = 0;
  TouchModel touch_ = TouchModel::kWhole;
  uint64_t base_bytes_ = 0, base_faults_ = 0;
  uint64_t faults_at_reading_ = 0;
  uint64_t growth_pages_ = kLeastGrowthPages;
  uint32_t calls_since_ = 0;
  uint64_t bytes_since_ = 0;
};

}  // namespace
}  // namespace heapsim::sim::native

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  if (std::strcmp(argv[2], "never") == 0) prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  heapsim::sim::native::Child child;
  return child.Run(argv[1]);
}
