#include "sim/machine/own_process.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace heapsim::sim {
namespace {

// "Rss:   12 kB" adds 12 KiB to `sum` if the line is the field's.
void AddField(const std::string& line, const char* field, uint64_t* sum) {
  unsigned long kib;
  if (absl::StartsWith(line, field) && sscanf(line.c_str() + strlen(field), ": %lu", &kib) == 1) {
    *sum += uint64_t{kib} * 1024;
  }
}

}  // namespace

absl::StatusOr<std::vector<KernelArea>> ReadAreas(uint64_t begin, uint64_t end) {
  std::ifstream maps("/proc/self/maps");
  if (!maps) return absl::UnavailableError("/proc/self/maps cannot be read");
  std::vector<KernelArea> areas;
  for (std::string line; std::getline(maps, line);) {
    unsigned long from, to;
    char permissions[5];
    if (sscanf(line.c_str(), "%lx-%lx %4s", &from, &to, permissions) != 3) continue;
    if (begin <= from && from < end) areas.push_back({from, to, permissions[1] == 'w'});
  }
  return areas;
}

absl::StatusOr<KernelUsage> ReadUsage(uint64_t begin, uint64_t end) {
  std::ifstream smaps("/proc/self/smaps");
  if (!smaps) return absl::UnavailableError("/proc/self/smaps cannot be read");
  KernelUsage usage;
  bool inside = false;
  for (std::string line; std::getline(smaps, line);) {
    unsigned long from, to;
    if (sscanf(line.c_str(), "%lx-%lx ", &from, &to) == 2) {
      inside = begin <= from && from < end;
      usage.areas += inside;
    } else if (inside) {
      AddField(line, "Rss", &usage.resident_bytes);
      AddField(line, "LazyFree", &usage.lazily_freed_bytes);
      AddField(line, "AnonHugePages", &usage.huge_bytes);
    }
  }
  return usage;
}

absl::StatusOr<std::vector<bool>> ReadResidentPages(uint64_t begin, uint64_t end) {
  const uint64_t page_size = sysconf(_SC_PAGESIZE);
  const int file = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  if (file < 0) return absl::UnavailableError("/proc/self/pagemap cannot be read");
  std::vector<bool> resident((end - begin) / page_size);
  std::vector<uint64_t> entries(std::min<uint64_t>(resident.size(), 1 << 16));
  for (uint64_t done = 0; done < resident.size();) {
    const uint64_t n = std::min<uint64_t>(entries.size(), resident.size() - done);
    const ssize_t got = pread(file, entries.data(), n * 8, (begin / page_size + done) * 8);
    if (got <= 0) {
      const absl::Status error =
          absl::UnavailableError(absl::StrCat("/proc/self/pagemap: ", strerror(errno)));
      close(file);
      return error;
    }
    // Bit 63: present; bit 62: swapped out.
    for (ssize_t i = 0; i < got / 8; ++i) resident[done + i] = (entries[i] >> 62) != 0;
    done += got / 8;
  }
  close(file);
  return resident;
}

}  // namespace heapsim::sim
