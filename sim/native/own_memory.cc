#include "sim/native/own_memory.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstring>

namespace heapsim::sim::native {
namespace {

// The number after `p`, past spaces.
uint64_t NumberAt(const char* p) {
  while (*p == ' ') ++p;
  uint64_t value = 0;
  for (; *p >= '0' && *p <= '9'; ++p) value = value * 10 + static_cast<uint64_t>(*p - '0');
  return value;
}

template <size_t n>
bool Read(int fd, char (&buffer)[n]) {
  const ssize_t got = fd < 0 ? -1 : pread(fd, buffer, n - 1, 0);
  if (got <= 0) return false;
  buffer[got] = '\0';
  return true;
}

}  // namespace

OwnMemory::OwnMemory()
    : rollup_(open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC)),
      statm_(open("/proc/self/statm", O_RDONLY | O_CLOEXEC)) {
  char buffer[64];
  // There and yet unreadable in some containers.
  if (!Read(rollup_, buffer)) rollup_ = -1;
}

uint64_t OwnMemory::AnonymousBytes() {
  const bool exact = rollup_ >= 0 && (last_ <= kExactBytes || statm_ < 0);
  return last_ = exact ? FromRollup() : FromStatm();
}

uint64_t OwnMemory::FromRollup() const {
  char buffer[4096];
  if (!Read(rollup_, buffer)) return last_;
  const char* line = std::strstr(buffer, "\nAnonymous:");
  return line == nullptr ? last_ : NumberAt(line + std::strlen("\nAnonymous:")) * 1024;
}

uint64_t OwnMemory::FromStatm() const {
  char buffer[256];
  if (!Read(statm_, buffer)) return last_;
  // size resident shared ...
  const char* resident = std::strchr(buffer, ' ');
  const char* shared = resident == nullptr ? nullptr : std::strchr(resident + 1, ' ');
  if (shared == nullptr) return last_;
  return (NumberAt(resident) - NumberAt(shared)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

uint64_t OwnMemory::PageFaults() {
  rusage usage;
  if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  return static_cast<uint64_t>(usage.ru_minflt) + static_cast<uint64_t>(usage.ru_majflt);
}

}  // namespace heapsim::sim::native
