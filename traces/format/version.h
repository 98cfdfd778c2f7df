// The version of the `.htrace` format.
#ifndef HEAPSIM_TRACES_FORMAT_VERSION_H_
#define HEAPSIM_TRACES_FORMAT_VERSION_H_

#include <cstdint>

namespace heapsim::traces {

// Written by this code, and the only one it reads.
inline constexpr uint32_t kFormatVersion = 1;

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_FORMAT_VERSION_H_
