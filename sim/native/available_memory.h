// What this machine can still give.
#ifndef HEAPSIM_SIM_NATIVE_AVAILABLE_MEMORY_H_
#define HEAPSIM_SIM_NATIVE_AVAILABLE_MEMORY_H_

#include <cstdint>
#include <string>

namespace heapsim::sim {

// Bytes that can be had without taking them from others; the most where the machine does not tell.
uint64_t AvailableMemory();

// The same from the text of /proc/meminfo.
uint64_t AvailableMemoryIn(const std::string& meminfo);

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_NATIVE_AVAILABLE_MEMORY_H_
