#include "sim/native/available_memory.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <limits>

namespace heapsim::sim {

uint64_t AvailableMemoryIn(const std::string& meminfo) {
  constexpr char kLine[] = "MemAvailable:";
  const size_t at = meminfo.find(kLine);
  if (at == std::string::npos) return std::numeric_limits<uint64_t>::max();
  return std::strtoull(meminfo.c_str() + at + sizeof kLine - 1, nullptr, 10) * 1024;
}

uint64_t AvailableMemory() {
  std::ifstream file("/proc/meminfo");
  return AvailableMemoryIn(
      {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()});
}

}  // namespace heapsim::sim
