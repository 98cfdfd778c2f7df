#include "analysis/export/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>

namespace heapsim::analysis {

std::string Gzip(absl::string_view bytes) {
  constexpr int kGzipHeader = 16;  // added to the window's size
  z_stream stream = {};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + kGzipHeader, 8,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
  constexpr size_t kStep = size_t{1} << 20;
  std::string out, buffer(kStep, '\0');
  int status = Z_OK;
  while (status != Z_STREAM_END) {
    if (stream.avail_in == 0 && !bytes.empty()) {
      const size_t some = std::min<size_t>(bytes.size(), std::numeric_limits<uInt>::max());
      // zlib reads it only.
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
      stream.avail_in = static_cast<uInt>(some);
      bytes.remove_prefix(some);
    }
    stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream.avail_out = static_cast<uInt>(kStep);
    status = deflate(&stream, bytes.empty() ? Z_FINISH : Z_NO_FLUSH);
    out.append(buffer, 0, kStep - stream.avail_out);
  }
  deflateEnd(&stream);
  return out;
}

}  // namespace heapsim::analysis
