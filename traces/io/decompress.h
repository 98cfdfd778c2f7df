// Unpacks gzip, zstd and zip, told apart by their first bytes, never by a file's name.
#ifndef HEAPSIM_TRACES_IO_DECOMPRESS_H_
#define HEAPSIM_TRACES_IO_DECOMPRESS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "traces/io/byte_source.h"

namespace heapsim::traces {

// A stream that survives damage: where the packed data break off or stop making sense, it ends, and
// damage() says what was found.
class DecompressedSource : public ByteSource {
 public:
  // Empty as long as all is well; a sentence part such as "the gzip data end too early".
  const std::string& damage() const { return damage_; }
  // Something to tell the user that is no damage, or empty.
  const std::string& remark() const { return remark_; }

 protected:
  std::string damage_;
  std::string remark_;
};

// The bytes inside of `source`: of the first member of a zip, of all members of a gzip or zstd
// stream, or `source` itself if it is none of these. Needs no seeking.
absl::StatusOr<std::unique_ptr<DecompressedSource>> Decompress(std::unique_ptr<ByteSource> source);

}  // namespace heapsim::traces

#endif  // HEAPSIM_TRACES_IO_DECOMPRESS_H_
