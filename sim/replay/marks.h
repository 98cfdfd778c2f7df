// What happened when, in bounded memory (proto: Mark).
#ifndef HEAPSIM_SIM_REPLAY_MARKS_H_
#define HEAPSIM_SIM_REPLAY_MARKS_H_

#include <array>
#include <cstdint>
#include <vector>

#include "proto/snapshot.pb.h"

namespace heapsim::sim {

class Marks {
 public:
  // At most `limit` > 0 of a kind are kept.
  explicit Marks(uint32_t limit) : limit_(limit) {}

  // Of each kind in order of time. Of one that has too many, every second, fourth ... is kept.
  void Add(proto::MarkKind kind, uint64_t event, uint64_t time_ns, uint64_t duration_ns,
           uint64_t value);

  // The same for a kind whose values are parts of a sum: neighbours are joined, none is dropped. A
  // kind is either the one or the other.
  void AddPart(proto::MarkKind kind, uint64_t event, uint64_t time_ns, uint64_t duration_ns,
               uint64_t value);

  // All kinds in order of time.
  void Finish(proto::Detail* detail) const;

 private:
  struct Kind {
    uint64_t seen = 0;
    uint64_t interval = 1;  // of those seen, every so many-th is kept, or so many are one
    uint64_t dropped = 0;
    std::vector<proto::Mark> kept;
  };
  void Put(const proto::Mark& mark, bool joins);

  uint32_t limit_;
  std::array<Kind, proto::MarkKind_ARRAYSIZE> kinds_;
};

}  // namespace heapsim::sim

#endif  // HEAPSIM_SIM_REPLAY_MARKS_H_
